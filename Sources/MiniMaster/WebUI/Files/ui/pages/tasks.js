// All tasks, active and completed.
import { h, widget } from '../dom.js';
import { mebibytes, number, stateName } from '../format.js';
import { FrameworkNames, sources } from '../model.js';
import { links, setQuery } from '../router.js';
import { Table } from '../table.js';
import { agentName, frameworkName, groupCounts, groupOf, TaskList } from '../tasks.js';
import { agentLink, frameworkLink, since, stateBadge } from './parts.js';
import { explainReason } from '../reasons.js';

/** The newest word on how a task stands: its message, or the reason in words. */
function lastWord(row) {
  return row.message || explainReason(row.reason);
}

export const taskColumns = [
  {
    id: 'name', title: 'Task', value: (row) => row.name || row.id, text: (row) => `${row.name} ${row.id}`,
    cell: (row) => h('a', { href: links.task(row), title: row.id }, row.name || row.id),
  },
  {
    id: 'state', title: 'State', width: '7.5rem', value: (row) => stateName(row.state),
    cell: (row) => [stateBadge(row.state), row.healthy === false ? h('span', { class: 'bad', title: 'Its health check fails.' }, ' ✗') : null],
  },
  {
    id: 'framework', title: 'Framework', priority: 2, width: '9.5rem', value: (row) => frameworkName(row.framework) ?? row.framework,
    text: (row) => `${frameworkName(row.framework) ?? ''} ${row.framework}`, cell: (row) => frameworkLink(row.framework),
  },
  {
    id: 'agent', title: 'Agent', priority: 2, width: '10rem', value: (row) => agentName(row.agent) ?? row.agent,
    text: (row) => `${agentName(row.agent) ?? ''} ${row.agent}`, cell: (row) => agentLink(row.agent),
  },
  { id: 'role', title: 'Role', priority: 3, width: '6.5rem', value: (row) => row.role, cell: (row) => h('a', { href: links.role(row.role), title: row.role }, row.role) },
  { id: 'cpus', title: 'CPUs', isNumber: true, priority: 3, width: '4.5rem', value: (row) => row.cpus, text: () => '', cell: (row) => number(row.cpus) },
  { id: 'mem', title: 'Mem', isNumber: true, priority: 3, width: '5.5rem', value: (row) => row.mem, text: () => '', cell: (row) => mebibytes(row.mem) },
  {
    id: 'why', title: 'Last word', priority: 2, width: '22%', value: lastWord,
    cell: (row) => h('span', { class: 'quiet', title: lastWord(row) }, lastWord(row)),
  },
  { id: 'updated', title: 'Since', isNumber: true, width: '6.5rem', value: (row) => row.updated, text: () => '', cell: (row) => since(row.updated) },
];

/** For where there is less room. */
export const briefTaskColumns = taskColumns.filter((column) => !['role', 'cpus', 'mem'].includes(column.id));

/** For what went wrong: why is worth more than the state where there is the least room. */
export const failedTaskColumns = briefTaskColumns.map((column) => {
  if (['state', 'updated'].includes(column.id)) return { ...column, priority: 2 };
  if (column.id === 'name') return { ...column, width: '16rem' };
  return column.id === 'why' ? { ...column, priority: undefined, width: undefined } : column;
});

const groups = [['', 'All', 'all'], ['active', 'Active', 'active'], ['failed', 'Went wrong', 'failed'], ['finished', 'Ended well or killed', 'finished']];

/** Rows of one group, made anew only when the rows have changed. */
const grouped = new WeakMap();

function rowsOf(rows, group) {
  if (!group) return rows;
  if (!grouped.has(rows)) grouped.set(rows, { counts: groupCounts(rows) });
  const known = grouped.get(rows);
  known[group] ??= rows.filter((row) => groupOf(row.state) === group);
  return known[group];
}

/**
 * A table of tasks, with a choice of groups.
 * @param options `without` (a column that is the same for all), `isBox`, `label`.
 */
export function taskTable(list, state, onState, options) {
  const { rows } = list;
  if (!grouped.has(rows)) grouped.set(rows, { counts: groupCounts(rows) });
  const { counts } = grouped.get(rows);
  return widget(Table, {
    key: 'tasks', rows: rowsOf(rows, state.group), columns: columnsWithout(options.without), rowKey: (row) => row.key,
    link: (row) => links.task(row).slice(1), state, onState, label: options.label, isBox: options.isBox, defaultSort: '-updated',
    empty: list.problem ? `The tasks cannot be read: ${list.problem.message}` : list.isComplete ? 'No tasks.' : 'Loading …',
    tools: [
      h('span', { key: 'groups', class: 'choice', role: 'group', 'aria-label': 'Which tasks' }, groups.map(([id, title, name]) => h('button', {
        key: id, 'aria-pressed': String((state.group ?? '') === id), class: 'small', onclick: () => onState({ ...state, group: id }),
      }, `${title} ${number(counts[name])}`))),
      list.isComplete ? null : h('span', { key: 'loading', class: 'quiet' }, 'loading more …'),
    ],
  });
}

const columnSets = new Map();

function columnsWithout(id) {
  if (!columnSets.has(id)) columnSets.set(id, taskColumns.filter((column) => column.id !== id));
  return columnSets.get(id);
}

export class TasksPage {
  title = 'Tasks';
  isList = true;
  #tasks = new TaskList();
  #names = new FrameworkNames();

  stop() {
    this.#tasks.stop();
    this.#names.stop();
  }

  view(query) {
    this.#names.keepUp();
    const total = sources.summary.data?.taskCount;
    return [
      h('h1', {}, 'Tasks', !this.#tasks.isComplete && total > 5_000
        ? h('span', { class: 'quiet' }, ` ${number(this.#tasks.rows.length)} of ${number(total)} loaded`) : null),
      taskTable(this.#tasks, query, setQuery, { label: 'tasks' }),
    ];
  }
}
