// The Jenkins framework's own view: which builds wait and why, which agents it has and what runs on them.
import { h, widget } from '../dom.js';
import { count, duration, mebibytes, number, roughly } from '../format.js';
import { changed, sources, use } from '../model.js';
import { Table } from '../table.js';
import { agentLink, badge, frameworkLink, outsideLink, roleLink, since, waiting } from './parts.js';
import { rolesOf } from './frameworks.js';
import { taskLink } from './task.js';

const pollMilliseconds = 2_000;
const historyMilliseconds = 10_000;

/** Where a framework answers this browser: its web page's address, or the same port of its host if that says "this machine". */
export function statusURL(framework) {
  let url;
  try {
    url = new URL(framework.webui_url);
  } catch {
    return null;
  }
  if (!['http:', 'https:'].includes(url.protocol)) return null;
  if (['0.0.0.0', '[::]'].includes(url.hostname)) url.hostname = framework.hostname || location.hostname;
  return url.origin;
}

/** The documents of one framework, asked for while they are looked at. */
class Watch {
  data = null;
  problem = null;
  /** Finished builds and the report over them; only frameworks that remember builds have them. */
  builds = null;
  usage = null;
  /** Running builds by node. */
  running = new Map();
  #lastLine = 0;
  #historyAt = 0;
  #isStopped = false;
  #timer;

  constructor(url) {
    this.url = url;
    this.#ask();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #get(path) {
    // It is a stranger's address: no name and password go there.
    const response = await fetch(this.url + path, { credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(6_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  }

  async #ask() {
    try {
      const data = await this.#get('/state');
      if (!Array.isArray(data.waiting) || !Array.isArray(data.agents)) throw new Error('its answer is not that of the Jenkins framework');
      this.data = data;
      await this.#readEvents();
      // Only newer frameworks tell of phases, and those remember builds.
      if (data.queue && Date.now() - this.#historyAt > historyMilliseconds) await this.#readHistory();
      this.problem = null;
    } catch (error) {
      this.problem = error;
    }
    changed();
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#ask(), this.problem ? 5_000 : pollMilliseconds);
  }

  /** Follows what has begun and ended, line by line. */
  async #readEvents() {
    for (let answers = 0; answers < 12; answers += 1) {
      const lines = await this.#get(`/events?since=${this.#lastLine}`);
      for (const line of lines) {
        this.#lastLine = line.sequence;
        if (line.kind === 'running') this.#buildsOn(line.node).add(line.build);
        else if (line.kind === 'finished') this.#buildsOn(line.node).delete(line.build);
        else if (line.kind === 'agent_removed') this.running.delete(line.node);
      }
      if (lines.length < 1_000) return;
    }
  }

  #buildsOn(node) {
    if (!this.running.has(node)) this.running.set(node, new Set());
    return this.running.get(node);
  }

  async #readHistory() {
    this.#historyAt = Date.now();
    this.builds = (await this.#get('/builds?limit=200')).builds;
    this.usage = await this.#get('/usage');
  }
}

const queueColumns = [
  { id: 'job', title: 'Build', value: (row) => row.job, cell: (row) => h('span', { title: row.job }, row.job) },
  { id: 'label', title: 'Label', value: (row) => row.label, priority: 2, width: '12rem', cell: (row) => row.label || h('span', { class: 'quiet' }, 'none') },
  { id: 'phase', title: 'Phase', width: '8rem', priority: 3, value: (row) => row.phase ?? '', cell: (row) => row.phase ?? '–' },
  { id: 'since', title: 'Waiting', width: '5.5rem', value: (row) => -row.since, text: () => '', cell: (row) => roughly(Date.now() / 1000 - row.since) },
  { id: 'reason', title: 'Because', width: '42%', value: (row) => row.reason, cell: (row) => h('span', { title: row.reason }, row.reason || '–') },
];

const agentColumns = (document, running) => [
  { id: 'node', title: 'Jenkins agent', value: (row) => row.node, cell: (row) => (document.framework_id && row.task_id
    ? taskLink(document.framework_id, row.task_id, row.agent_id, row.node) : h('span', { title: row.node }, row.node)) },
  { id: 'state', title: 'State', width: '8rem', value: (row) => row.state, cell: (row) => badge(row.state.replaceAll('_', ' '), toneOf(row.state)) },
  {
    id: 'builds', title: 'Builds', value: (row) => buildsOn(row.node, running).join(' '),
    cell: (row) => buildsOn(row.node, running).join(', ') || h('span', { class: 'quiet' }, 'none'),
  },
  { id: 'template', title: 'Template', priority: 2, value: (row) => row.template, cell: (row) => row.template },
  {
    id: 'task', title: 'Task', priority: 2, value: (row) => row.task_id,
    cell: (row) => (document.framework_id ? taskLink(document.framework_id, row.task_id, row.agent_id, 'task and output') : row.task_id),
  },
  { id: 'host', title: 'On', priority: 2, value: (row) => row.host, cell: (row) => (row.agent_id ? agentLink(row.agent_id) : row.host) },
];

function toneOf(state) {
  if (/busy|running/.test(state)) return 'running';
  if (/idle|connected|online/.test(state)) return 'good';
  if (/lost|failed|gone/.test(state)) return 'bad';
  return 'busy';
}

function buildsOn(node, running) {
  return [...(running.get(node) ?? [])];
}

const span = (value) => (value === undefined || value === null ? '–' : value < 10 ? `${Number(value.toFixed(1))} s` : duration(value));
const phaseNames = ['queued', 'offered', 'pulled', 'started', 'connected', 'assigned'];

const buildColumns = [
  {
    id: 'build', title: 'Build', value: (row) => `${row.job} #${row.number}`,
    cell: (row) => (/^https?:/.test(row.url) ? h('a', { href: row.url, rel: 'noreferrer' }, `${row.job} #${row.number}`) : `${row.job} #${row.number}`),
  },
  { id: 'result', title: 'Result', width: '7.5rem', value: (row) => row.result, cell: (row) => badge(row.result.toLowerCase(), resultTones[row.result] ?? 'idle') },
  { id: 'label', title: 'Label', priority: 2, width: '8rem', value: (row) => row.label, cell: (row) => row.label || '–' },
  ...phaseNames.map((name) => ({
    id: name, title: `${name[0].toUpperCase()}${name.slice(1)}`, isNumber: true, priority: 3, width: name === 'connected' ? '7.2rem' : '6.2rem',
    value: (row) => row.phases[name] ?? 0, text: () => '', cell: (row) => span(row.phases[name]),
  })),
  { id: 'duration', title: 'Ran', isNumber: true, width: '5.5rem', value: (row) => row.duration, text: () => '', cell: (row) => span(row.duration) },
  { id: 'began', title: 'Began', isNumber: true, priority: 2, width: '7rem', value: (row) => row.started_at, text: () => '', cell: (row) => since(row.started_at) },
];

const resultTones = { SUCCESS: 'good', FAILURE: 'bad', UNSTABLE: 'warn', ABORTED: 'idle' };

const size = (amounts) => (amounts ? `${number(amounts.cpus)} / ${mebibytes(amounts.memory)}` : '–');

const usageColumns = [
  { id: 'job', title: 'Job', value: (row) => row.job, cell: (row) => row.job },
  { id: 'template', title: 'Template', priority: 2, value: (row) => row.template, cell: (row) => row.template || '–' },
  { id: 'builds', title: 'Builds', isNumber: true, width: '5.5rem', value: (row) => row.builds, text: () => '', cell: (row) => number(row.builds) },
  { id: 'asked', title: 'Asked for', isNumber: true, width: '9rem', priority: 2, value: (row) => row.asked?.memory ?? 0, text: () => '', cell: (row) => size(row.asked) },
  { id: 'used', title: 'Used', isNumber: true, width: '9rem', value: (row) => row.used?.memory ?? 0, text: () => '', cell: (row) => size(row.used) },
  { id: 'suggested', title: 'Suggested', isNumber: true, width: '9rem', priority: 2, value: (row) => row.suggested?.size.memory ?? 0, text: () => '', cell: (row) => size(row.suggested?.size) },
  { id: 'cpuHours', title: 'CPU-hours saved', isNumber: true, width: '10rem', priority: 3, value: (row) => row.saved_cpu_hours, text: () => '', cell: (row) => (row.suggested ? number(row.saved_cpu_hours) : '–') },
  { id: 'oom', title: 'Out of memory', isNumber: true, width: '9.5rem', priority: 3, value: (row) => row.out_of_memory, text: () => '', cell: (row) => number(row.out_of_memory) },
];

export class JenkinsPage {
  title = 'Jenkins';
  #watches = new Map();
  #asked = new Set();
  #states = {};
  #stopUsing = use('roles');

  stop() {
    this.#stopUsing();
    for (const watch of this.#watches.values()) watch.stop();
  }

  view(query) {
    const wait = waiting(sources.summary);
    if (wait) return [h('h1', {}, 'Jenkins'), wait];
    const all = sources.summary.data.frameworks.filter((framework) => framework.webui_url);
    // Only what calls itself so is asked unbidden: any framework may give any address.
    const jenkins = all.filter((framework) => /jenkins/i.test(framework.name) || this.#asked.has(framework.id));
    for (const framework of jenkins) this.#watch(framework);
    for (const [id, watch] of this.#watches) {
      if (jenkins.some((framework) => framework.id === id)) continue;
      watch.stop();
      this.#watches.delete(id);
    }
    const others = all.filter((framework) => !jenkins.includes(framework));
    return [
      h('h1', {}, 'Jenkins'),
      jenkins.length === 0 ? h('p', {}, 'No framework here calls itself Jenkins.') : null,
      jenkins.map((framework) => h('div', { key: framework.id }, this.#section(framework, query))),
      others.length && jenkins.length === 0 ? h('p', {}, 'Is it one of these? ', others.slice(0, 10).map((framework) => [h('button', {
        key: framework.id, class: 'small', onclick: () => {
          this.#asked.add(framework.id);
          changed();
        },
      }, `Ask ${framework.name}`), ' '])) : null,
    ];
  }

  #watch(framework) {
    const url = statusURL(framework);
    const known = this.#watches.get(framework.id);
    if (!url || known?.url === url) return;
    known?.stop();
    this.#watches.set(framework.id, new Watch(url));
  }

  #section(framework, query) {
    const watch = this.#watches.get(framework.id);
    const heading = h('h2', { class: 'sectionTitle' }, frameworkLink(framework.id, framework.name), framework.connected ? null : badge('disconnected', 'bad'));
    if (!watch) return [heading, h('p', {}, 'It gives no address at which it could be asked.')];
    const data = watch.data;
    if (!data) {
      return [heading, watch.problem ? h('div', { class: 'alert warn' }, `It does not answer this browser at `, outsideLink(watch.url),
        `: ${watch.problem.message}. Set status.ip in its configuration to an address that you can reach.`) : h('p', { class: 'quiet' }, 'Asking it …')];
    }
    return [
      heading,
      watch.problem ? h('div', { class: 'alert warn' }, `It does not answer now (${watch.problem.message}); this is what it last said.`) : null,
      data.subscribed ? null : h('div', { class: 'alert bad' }, 'It is not subscribed to a master: it can get no agents.'),
      data.controller_reachable ? null : h('div', { class: 'alert bad' }, 'It cannot reach the Jenkins controller: ', data.controller_problem),
      h('section', { class: 'card' }, h('h2', {}, 'Queue ', h('span', { class: 'quiet' }, count(data.waiting.length, 'build waits', 'builds wait'))),
        whyTheyWait(data, framework), this.#table('queue', data.queue ?? data.waiting, queueColumns, (row) => String(row.item), 'No build waits.')),
      h('section', { class: 'card' }, h('h2', {}, 'Agents and what they build ', h('span', { class: 'quiet' }, number(data.agents.length))),
        this.#table('agents', data.agents, agentColumns(data, watch.running), (row) => row.node, 'It has no agents now: they are started when builds wait.')),
      h('section', { class: 'card' }, h('h2', {}, 'Templates'), templates(data)),
      watch.builds ? h('section', { class: 'card' }, h('h2', {}, 'Finished builds ', h('span', { class: 'quiet' }, 'and where their time went before they ran')),
        this.#table('builds', watch.builds, buildColumns, (row) => `${row.url} ${row.node}`, 'None is remembered yet.')) : null,
      watch.usage ? h('section', { class: 'card' }, h('h2', {}, 'What builds ask for and use ', h('span', { class: 'quiet' }, 'CPUs / memory')),
        this.#table('usage', watch.usage.jobs, usageColumns, (row) => row.job, 'No build was measured yet.'),
        watch.usage.oversized.map((found) => h('p', { key: `${found.template} ${found.resource}` }, `Template ${found.template} asks for too much: `
          + `its last ${found.builds} builds used at most ${amount(found, found.used)} of ${amount(found, found.asked)}.`))) : null,
    ];
  }

  #table(name, rows, columns, rowKey, empty) {
    return widget(Table, {
      key: name, rows, columns, rowKey, label: name, empty, isBox: true, state: this.#states[name] ?? {}, hasNoFilter: rows.length < 8,
      onState: (state) => {
        this.#states[name] = state;
        changed();
      },
    });
  }
}

/** Builds that wait for the same thing are told of once, in whole: the table has room for one line each. */
function whyTheyWait(data, framework) {
  const kinds = new Map();
  for (const row of data.queue ?? []) {
    if (!row.reason) continue;
    const key = `${row.code} ${row.template ?? row.label}`;
    const known = kinds.get(key);
    if (known) known.count += 1;
    // The first in line waits for nobody else.
    else kinds.set(key, { key, code: row.code, reason: row.reason, count: 1 });
  }
  if (kinds.size === 0) return null;
  const most = [...kinds.values()].sort((a, b) => b.count - a.count);
  const roles = rolesOf(framework.id);
  return [
    h('ul', { class: 'reasonList' }, most.slice(0, 5).map((kind) => h('li', { key: kind.key },
      h('strong', {}, count(kind.count, 'build')), ': ', kind.reason,
      kind.code === 'no_offer' && roles.length
        ? ['. Who holds what: ', h('a', { href: '#/roles' }, 'all roles'), '; why it is offered nothing: ', roles.map((role) => ['role ', roleLink(role), ' '])] : null))),
    most.length > 5 ? h('p', { class: 'quiet' }, `${count(most.length - 5, 'more reason')} in the list.`) : null,
  ];
}

const amount = (found, value) => (found.resource === 'memory' ? mebibytes(value) : `${number(value)} CPUs`);

function templates(data) {
  if (data.templates.length === 0) return h('p', { class: 'quiet' }, 'None.');
  return h('table', { class: 'plain' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Template'), h('th', { scope: 'col', class: 'priority2' }, 'Labels'),
      h('th', { scope: 'col', class: 'number' }, 'Agents'), h('th', { scope: 'col' }, 'Condition'))),
    h('tbody', {}, data.templates.map((template) => h('tr', { key: template.name }, h('td', {}, template.name),
      h('td', { class: 'priority2' }, (template.labels ?? []).join(' ') || '–'),
      h('td', { class: 'number' }, template.agents_max ? `${number(template.agents)} of ${number(template.agents_max)}` : number(template.agents)),
      h('td', {}, template.backs_off_because ? [badge('backs off', 'warn'), ' ', template.backs_off_because] : badge('ready', 'good'))))));
}

