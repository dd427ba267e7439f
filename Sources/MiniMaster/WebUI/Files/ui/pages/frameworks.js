// The frameworks, and one of them.
import { h, widget } from '../dom.js';
import { count, duration, mebibytes, number, percent, resources } from '../format.js';
import { FrameworkNames, hoarders, keep, source, sources, use } from '../model.js';
import { links, setQuery } from '../router.js';
import { Table } from '../table.js';
import { TaskList } from '../tasks.js';
import { badge, facts, outsideLink, roleLink, since, taskCounts, waiting, when } from './parts.js';
import { taskTable } from './tasks.js';

function condition(framework) {
  if (framework.recovered) return ['awaited', 'warn', 'Known from its agents; it has not come back to this leader yet.'];
  if (!framework.connected) return ['disconnected', 'bad', 'Its scheduler is gone; its tasks run on until its failover timeout.'];
  return ['connected', 'good', 'Its scheduler is subscribed.'];
}

/** Roles by framework, as the document of the roles has them. */
export function rolesOf(id) {
  return (sources.roles.data ?? []).filter((role) => role.frameworks.includes(id)).map((role) => role.name);
}

const running = (framework) => framework.TASK_STAGING + framework.TASK_STARTING + framework.TASK_RUNNING + framework.TASK_KILLING;

const columns = [
  {
    id: 'name', title: 'Framework', value: (one) => one.name, text: (one) => `${one.name} ${one.id}`,
    cell: (one) => h('a', { href: links.framework(one.id), title: one.id }, one.name || one.id),
  },
  { id: 'condition', title: 'Condition', width: '8rem', value: (one) => condition(one)[0], cell: (one) => badge(...condition(one)) },
  {
    id: 'roles', title: 'Roles', value: (one) => rolesOf(one.id).join(' '), priority: 2,
    cell: (one) => rolesOf(one.id).map((name) => [roleLink(name), ' ']),
  },
  { id: 'tasks', title: 'Tasks', isNumber: true, width: '5.5rem', value: running, text: () => '', cell: (one) => number(running(one)) },
  { id: 'cpus', title: 'CPUs', isNumber: true, width: '6rem', value: (one) => one.used_resources.cpus, text: () => '', priority: 2, cell: (one) => number(one.used_resources.cpus) },
  { id: 'mem', title: 'Mem', isNumber: true, width: '7rem', value: (one) => one.used_resources.mem, text: () => '', priority: 2, cell: (one) => mebibytes(one.used_resources.mem) },
  {
    id: 'offered', title: 'In offers', isNumber: true, width: '9rem', value: (one) => one.offered_resources.cpus, text: () => '', priority: 3,
    cell: (one) => (one.offered_resources.cpus ? `${number(one.offered_resources.cpus)} CPUs` : '–'),
  },
  { id: 'failed', title: 'Failed', isNumber: true, width: '5.5rem', value: (one) => one.TASK_FAILED + one.TASK_LOST + one.TASK_ERROR, text: () => '', priority: 2, cell: (one) => number(one.TASK_FAILED + one.TASK_LOST + one.TASK_ERROR) },
  { id: 'host', title: 'Host', value: (one) => one.hostname, priority: 3, cell: (one) => one.hostname || '–' },
];

const completedColumns = [
  columns[0],
  { id: 'user', title: 'User', value: (one) => one.user, priority: 2, cell: (one) => one.user },
  { id: 'roles', title: 'Roles', value: (one) => (one.roles ?? [one.role]).join(' '), priority: 2, cell: (one) => (one.roles ?? [one.role]).join(', ') },
  { id: 'tasks', title: 'Tasks', isNumber: true, width: '6rem', value: (one) => one.completedCount, text: () => '', cell: (one) => number(one.completedCount) },
  { id: 'started', title: 'Registered', isNumber: true, width: '8rem', value: (one) => one.registered_time, text: () => '', priority: 2, cell: (one) => since(one.registered_time) },
  { id: 'ended', title: 'Ended', isNumber: true, width: '7rem', value: (one) => one.unregistered_time, text: () => '', cell: (one) => since(one.unregistered_time) },
];

export class FrameworksPage {
  title = 'Frameworks';
  #stopUsing = use('roles');
  #names = new FrameworkNames();

  stop() {
    this.#stopUsing();
    this.#names.stop();
  }

  view(query) {
    const wait = waiting(sources.summary);
    this.#names.keepUp();
    const completed = sources.frameworks.data?.completed ?? [];
    return [h('h1', {}, 'Frameworks'), wait ?? h('section', { class: 'card' }, widget(Table, {
      key: 'frameworks', isBox: true, hasNoFilter: sources.summary.data.frameworks.length < 8 && !query.q, rows: sources.summary.data.frameworks, columns, rowKey: (one) => one.id, label: 'frameworks',
      link: (one) => links.framework(one.id).slice(1), state: query, onState: setQuery, defaultSort: 'name',
      empty: 'No framework has subscribed. Try one task: mini run --master=… -- echo hello',
    })), completed.length ? h('section', { class: 'card' }, h('h2', {}, 'Completed ', h('span', { class: 'quiet' }, number(completed.length))),
      widget(Table, {
        key: 'completed', isBox: true, rows: completed, columns: completedColumns, rowKey: (one) => one.id, label: 'completed frameworks',
        link: (one) => links.framework(one.id).slice(1), defaultSort: '-ended', hasNoFilter: completed.length < 8,
        state: { q: query.cq, sort: query.csort }, onState: ({ q, sort }) => setQuery({ cq: q, csort: sort }),
      })) : null];
  }
}

export class FrameworkPage {
  #id;
  #tasks;
  #state = {};
  #detail = null;
  #stopKeeping = () => {};
  #stopUsing = use('roles');

  constructor({ id }) {
    this.#id = id;
    this.#tasks = new TaskList({ framework_id: id });
  }

  get title() {
    return this.#framework?.name || 'Framework';
  }

  get #framework() {
    return sources.summary.data?.frameworksByID.get(this.#id) ?? this.#detail?.data ?? null;
  }

  stop() {
    this.#tasks.stop();
    this.#stopKeeping();
    this.#stopUsing();
  }

  /** User, times and the like are told together with all tasks: that is asked for only while those are few. */
  #askDetail(framework) {
    if (this.#detail) return;
    const tasks = framework ? Object.keys(framework).filter((name) => name.startsWith('TASK_'))
      .reduce((sum, name) => sum + framework[name], 0) : 0;
    if (tasks > 2_000) return;
    this.#detail = source(`/frameworks?framework_id=${encodeURIComponent(this.#id)}`, (data) => {
      const live = data.frameworks[0];
      const over = data.completed_frameworks[0];
      return live ?? (over ? { ...over, isOver: true } : null);
    }, 15_000);
    this.#stopKeeping = keep(this.#detail);
  }

  view() {
    const wait = waiting(sources.summary);
    if (wait) return [h('h1', {}, 'Framework'), wait];
    const summary = sources.summary.data.frameworksByID.get(this.#id);
    this.#askDetail(summary);
    const framework = summary ?? this.#detail?.data;
    if (!framework) {
      return [h('h1', {}, 'Framework'), this.#detail?.loadedAt
        ? h('p', {}, `The leading master knows no framework ${this.#id}.`) : h('p', { class: 'quiet' }, 'Loading …')];
    }
    const detail = this.#detail?.data ?? {};
    const [name, kind, words] = detail.isOver && !summary ? ['completed', 'idle', 'It is over.'] : condition(framework);
    const held = hoarders().find((one) => one.framework.id === this.#id);
    const roles = rolesOf(this.#id);
    return [
      h('h1', {}, 'Framework ', h('span', { class: 'name' }, framework.name || this.#id), ' ', badge(name, kind, words)),
      held ? h('div', { class: 'alert warn' }, `It has held ${percent(held.share)} of the cluster in offers for ${duration(held.seconds)} without answering.`) : null,
      h('div', { class: 'grid' },
        h('section', { class: 'card' }, h('h2', {}, 'Holds'), facts([
          ['Allocated', resources(framework.used_resources)],
          ['In offers', resources(framework.offered_resources)],
          ['Offers let expire', detail.mini_offers_expired ? h('span', { class: 'bad' }, number(detail.mini_offers_expired)) : null],
          ['Tasks', taskCounts(framework)],
          ['Roles', roles.length ? roles.map((role) => [roleLink(role), ' ']) : (detail.roles ?? [detail.role]).filter(Boolean).join(', ')],
          ['Gets nothing?', roles.length ? ['See what the allocator says of ', roles.map((role) => [roleLink(role), ' '])] : null],
        ])),
        h('section', { class: 'card' }, h('h2', {}, 'Facts'), facts([
          ['Id', h('code', {}, this.#id)],
          ['Web page', framework.webui_url ? outsideLink(framework.webui_url) : null],
          ['Host', framework.hostname],
          ['User', detail.user],
          ['Principal', detail.principal],
          ['Registered', detail.registered_time ? when(detail.registered_time) : null],
          ['Back since', detail.reregistered_time ? when(detail.reregistered_time) : null],
          ['Ended', detail.unregistered_time ? when(detail.unregistered_time) : null],
          ['Failover timeout', detail.failover_timeout !== undefined ? duration(detail.failover_timeout) : null],
          ['Checkpoint', detail.checkpoint === undefined ? null : detail.checkpoint ? 'yes: tasks survive a restart of their agent' : 'no'],
          ['Capabilities', (framework.capabilities ?? []).join(', ').toLowerCase().replaceAll('_', ' ')],
        ]))),
      h('section', { class: 'card' }, h('h2', {}, 'Tasks ', h('span', { class: 'quiet' },
        this.#tasks.isComplete ? count(this.#tasks.rows.length, 'task') : '')),
      taskTable(this.#tasks, this.#state, (state) => {
        this.#state = state;
        dispatchEvent(new Event('routechange'));
      }, { without: 'framework', isBox: true, label: 'tasks of this framework' })),
    ];
  }
}
