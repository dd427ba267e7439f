// The agents, and one of them.
import { h, widget } from '../dom.js';
import { count, duration, mebibytes, number, resources, time } from '../format.js';
import { agentURL } from '../agentlink.js';
import { keep, source, sources } from '../model.js';
import { links, setQuery } from '../router.js';
import { Table } from '../table.js';
import { TaskList } from '../tasks.js';
import { amountCell, badge, facts, roleLink, since, taskCounts, usageTable, waiting, when } from './parts.js';
import { taskTable } from './tasks.js';

/** What there is to say of an agent's condition. */
export function agentCondition(agent) {
  const drain = agent.drain_info?.state;
  if (drain === 'DRAINED') return ['drained', 'warn', 'Its tasks have been moved away; it gets no more.'];
  if (drain) return ['draining', 'warn', 'Its tasks are being moved away.'];
  if (agent.deactivated) return ['deactivated', 'warn', 'It gets no more tasks; those it has go on.'];
  if (!agent.active) return ['disconnected', 'bad', 'It does not answer the master.'];
  if (agent.mini_stalled) return ['engine stalled', 'bad', agent.mini_stalled];
  return ['active', 'good', 'It is offered to frameworks.'];
}

const activeTasks = (agent) => agent.TASK_STAGING + agent.TASK_STARTING + agent.TASK_RUNNING + agent.TASK_KILLING;

const columns = [
  {
    id: 'host', title: 'Agent', value: (agent) => agent.hostname, text: (agent) => `${agent.hostname} ${agent.id} ${agent.pid}`,
    cell: (agent) => h('a', { href: links.agent(agent.id), title: agent.id }, `${agent.hostname}:${agent.port}`),
  },
  {
    id: 'condition', title: 'Condition', width: '8rem', value: (agent) => agentCondition(agent)[0],
    cell: (agent) => badge(...agentCondition(agent)),
  },
  {
    id: 'cpus', title: 'CPUs', isNumber: true, width: '7.5rem', value: (agent) => agent.used_resources.cpus, text: () => '',
    cell: (agent) => amountCell(number, agent.resources.cpus, agent.used_resources.cpus, agent.offered_resources.cpus, 'CPUs'),
  },
  {
    id: 'mem', title: 'Mem', isNumber: true, width: '9.5rem', value: (agent) => agent.used_resources.mem, text: () => '',
    cell: (agent) => amountCell(mebibytes, agent.resources.mem, agent.used_resources.mem, agent.offered_resources.mem, 'Memory'),
    priority: 2,
  },
  {
    id: 'disk', title: 'Disk', isNumber: true, width: '9.5rem', value: (agent) => agent.used_resources.disk, text: () => '',
    cell: (agent) => amountCell(mebibytes, agent.resources.disk, agent.used_resources.disk, agent.offered_resources.disk, 'Disk'),
    priority: 3,
  },
  {
    id: 'gpus', title: 'GPUs', isNumber: true, width: '6rem', value: (agent) => agent.used_resources.gpus, text: () => '', priority: 3,
    cell: (agent) => (agent.resources.gpus ? `${number(agent.used_resources.gpus)} / ${number(agent.resources.gpus)}` : '–'),
  },
  { id: 'tasks', title: 'Tasks', isNumber: true, width: '5.5rem', priority: 2, value: activeTasks, text: () => '', cell: (agent) => number(activeTasks(agent)) },
  {
    id: 'attributes', title: 'Attributes', value: (agent) => attributes(agent), priority: 2,
    cell: (agent) => h('span', { class: 'quiet', title: attributes(agent) }, attributes(agent)),
  },
  { id: 'registered', title: 'Registered', width: '7rem', value: (agent) => -agent.registered_time, text: () => '', priority: 3, cell: (agent) => since(agent.registered_time) },
];

const columnsWithoutGPUs = columns.filter((column) => column.id !== 'gpus');

function attributes(agent) {
  return Object.entries(agent.attributes).map(([name, value]) => `${name}=${value}`).join(' ');
}

export class AgentsPage {
  title = 'Agents';
  isList = true;

  view(query) {
    const summary = sources.summary.data;
    // Of a large cluster the first agents are there before the last ones.
    const rows = summary?.slaves ?? sources.summary.beginning;
    return [
      h('h1', {}, 'Agents', rows && !summary ? h('span', { class: 'quiet' }, ' loading more …') : null),
      !rows ? waiting(sources.summary) : widget(Table, {
        key: 'agents', rows, columns: summary?.sums.total.gpus > 0 ? columns : columnsWithoutGPUs, rowKey: (agent) => agent.id,
        label: 'agents', link: (agent) => links.agent(agent.id).slice(1), state: query, onState: setQuery, defaultSort: 'host',
        empty: 'No agent has registered. Start one with: mini agent --master=… --work_dir=…',
      }),
    ];
  }
}

export class AgentPage {
  #id;
  #tasks;
  #state = {};
  #detail;
  #stopKeeping;

  constructor({ id }) {
    this.#id = id;
    this.#tasks = new TaskList({ slave_id: id });
    this.#detail = source(`/slaves?slave_id=${encodeURIComponent(id)}`, (data) => data.slaves[0] ?? null);
    this.#stopKeeping = keep(this.#detail);
  }

  get title() {
    return this.#agent?.title ?? 'Agent';
  }

  get #agent() {
    return sources.summary.data?.agentsByID.get(this.#id) ?? null;
  }

  stop() {
    this.#tasks.stop();
    this.#stopKeeping();
  }

  view() {
    const wait = waiting(sources.summary);
    if (wait) return [h('h1', {}, 'Agent'), wait];
    const agent = this.#agent;
    if (!agent) {
      return [h('h1', {}, 'Agent'), h('p', {}, `The leading master has no agent ${this.#id}: it was removed, has become `
        + 'unreachable, or has not come back since the last leader.'), this.#taskSection()];
    }
    const drain = agent.drain_info;
    const [name, kind, words] = agentCondition(agent);
    return [
      h('h1', {}, 'Agent ', h('span', { class: 'name' }, `${agent.hostname}:${agent.port}`), ' ', badge(name, kind, words)),
      kind === 'good' ? null : h('div', { class: `alert ${kind}` }, words,
        drain?.config?.mark_gone ? ' It is declared gone when that is done.' : ''),
      h('div', { class: 'grid' },
        h('section', { class: 'card wide' }, h('h2', {}, 'Resources'),
          usageTable(agent.resources, agent.used_resources, agent.offered_resources), this.#reservations(agent)),
        h('section', { class: 'card' }, h('h2', {}, 'Facts'), facts([
          ['Id', h('code', {}, agent.id)],
          ['Address', agent.pid],
          ['Registered', [time(agent.registered_time), ` (${duration(Date.now() / 1000 - agent.registered_time)} ago)`]],
          ['Back since', agent.reregistered_time ? when(agent.reregistered_time) : null],
          ['Version', `${agent.mini_version ?? ''} (Mesos API ${agent.version})`],
          ['Attributes', attributes(agent)],
          ['Fault domain', agent.domain?.fault_domain
            ? `region ${agent.domain.fault_domain.region?.name}, zone ${agent.domain.fault_domain.zone?.name}` : null],
          ['Ports', agent.resources.ports],
          ['Tasks', taskCounts(agent)],
          ['Its documents', [['/state', 'state'], ['/metrics/snapshot', 'metrics'], ['/flags', 'flags']].map(([path, title], index) =>
            [index ? ', ' : '', h('a', { href: agentURL(agent, path) }, title)])],
        ]))),
      this.#taskSection(),
    ];
  }

  #reservations(agent) {
    const roles = Object.entries(agent.reserved_resources);
    if (roles.length === 0) return null;
    return [h('h3', {}, 'Reserved'), facts(roles.map(([role, amounts]) => [role, [resources(amounts), ' ', roleLink(role)]]))];
  }

  #taskSection() {
    return h('section', { class: 'card' }, h('h2', {}, 'Tasks ', h('span', { class: 'quiet' },
      this.#tasks.isComplete ? count(this.#tasks.rows.length, 'task') : '')),
    taskTable(this.#tasks, this.#state, (state) => {
      this.#state = state;
      dispatchEvent(new Event('routechange'));
    }, { without: 'agent', isBox: true, label: 'tasks of this agent' }));
  }
}
