// The Jenkins framework's own view: which builds wait and why, which agents it has and what runs on them.
import { h, widget } from '../dom.js';
import { count, number } from '../format.js';
import { changed, sources } from '../model.js';
import { Table } from '../table.js';
import { agentLink, badge, frameworkLink, outsideLink, since, waiting } from './parts.js';
import { taskLink } from './task.js';

const pollMilliseconds = 2_000;

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

  async #ask() {
    try {
      // It is a stranger's address: no name and password go there.
      const response = await fetch(`${this.url}/state`, { credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(6_000) });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const data = await response.json();
      if (!Array.isArray(data.waiting) || !Array.isArray(data.agents)) throw new Error('its answer is not that of the Jenkins framework');
      this.data = data;
      this.problem = null;
    } catch (error) {
      this.problem = error;
    }
    changed();
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#ask(), this.problem ? 5_000 : pollMilliseconds);
  }
}

const queueColumns = [
  { id: 'job', title: 'Build', value: (row) => row.job, cell: (row) => row.job },
  { id: 'label', title: 'Label', value: (row) => row.label, priority: 2, cell: (row) => row.label || h('span', { class: 'quiet' }, 'none') },
  { id: 'since', title: 'Waiting', width: '8rem', value: (row) => row.since, text: () => '', cell: (row) => since(row.since) },
  { id: 'reason', title: 'Because', value: (row) => row.reason, cell: (row) => h('span', { title: row.reason }, row.reason || '–') },
];

const agentColumns = (document) => [
  { id: 'node', title: 'Jenkins agent', value: (row) => row.node, cell: (row) => h('span', { title: row.node }, row.node) },
  { id: 'state', title: 'State', width: '8rem', value: (row) => row.state, cell: (row) => badge(row.state.replaceAll('_', ' '), toneOf(row.state)) },
  {
    id: 'builds', title: 'Builds', value: (row) => buildsOf(row, document).join(' '),
    cell: (row) => buildsOf(row, document).join(', ') || h('span', { class: 'quiet' }, 'none'),
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

/** The builds on an agent, as far as the framework's document tells of them. */
function buildsOf(agent, document) {
  if (Array.isArray(agent.builds)) return agent.builds.map(buildName);
  return (document.builds ?? document.running ?? []).filter((build) => build.node === agent.node).map(buildName);
}

function buildName(build) {
  return typeof build === 'string' ? build : build.build ?? `${build.job ?? ''} #${build.number ?? '?'}`;
}

export class JenkinsPage {
  title = 'Jenkins';
  #watches = new Map();
  #asked = new Set();
  #states = {};

  stop() {
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
        this.#table('queue', data.waiting, queueColumns, (row) => String(row.item), 'No build waits.')),
      h('section', { class: 'card' }, h('h2', {}, 'Agents ', h('span', { class: 'quiet' }, number(data.agents.length))),
        this.#table('agents', data.agents, this.#agentColumns(data), (row) => row.node, 'It has no agents now: they are started when builds wait.')),
      h('section', { class: 'card' }, h('h2', {}, 'Templates'), templates(data)),
    ];
  }

  #agentColumns(data) {
    return agentColumns(data);
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

function templates(data) {
  if (data.templates.length === 0) return h('p', { class: 'quiet' }, 'None.');
  return h('table', { class: 'plain' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Template'), h('th', { scope: 'col', class: 'number' }, 'Agents'), h('th', { scope: 'col' }, 'Condition'))),
    h('tbody', {}, data.templates.map((template) => h('tr', { key: template.name }, h('td', {}, template.name),
      h('td', { class: 'number' }, number(template.agents)),
      h('td', {}, template.backs_off_because ? [badge('backs off', 'warn'), ' ', template.backs_off_because] : badge('ready', 'good'))))));
}

