// The whole cluster at a glance: who leads, how much there is and who has it, what runs and what went wrong.
import { shareChart } from '../charts.js';
import { h, widget } from '../dom.js';
import { ago, count, duration, number, percent, time } from '../format.js';
import { contact, FrameworkNames, hoarders, sources, use } from '../model.js';
import { links } from '../router.js';
import { groupCounts, groupOf, TaskList } from '../tasks.js';
import { Table } from '../table.js';
import { facts, frameworkLink, taskCounts, usageTable, waiting } from './parts.js';
import { shareRows } from './roles.js';
import { briefTaskColumns, failedTaskColumns } from './tasks.js';

/** So many of the newest tasks are listed here; the rest is in the view of tasks. */
const recentMax = 100;
/** Among so many of the newest is looked for what went wrong. */
const lookedThrough = 1_000;

export class ClusterPage {
  title = 'Cluster';
  #tables = { recent: {}, failed: {} };
  #cache = {};
  #counted = {};

  constructor() {
    this.#stopUsing = use('roles', 'metrics', 'maintenance', 'flags');
    this.#tasks = new TaskList({}, lookedThrough);
  }
  #stopUsing;
  #tasks;
  #names = new FrameworkNames();

  stop() {
    this.#stopUsing();
    this.#tasks.stop();
    this.#names.stop();
  }

  view() {
    const summary = sources.summary.data;
    this.#names.keepUp();
    const wait = waiting(sources.summary);
    if (wait && !contact.problem) return [h('h1', {}, 'Cluster'), wait];
    if (!summary) return [h('h1', {}, 'Cluster'), mastersCard()];
    return [
      h('h1', {}, summary.cluster ? `Cluster ${summary.cluster}` : 'Cluster'),
      hoarders().map(({ framework, share, seconds }) => h('div', { class: 'alert warn', key: framework.id },
        h('strong', {}, 'Offers held back: '), frameworkLink(framework.id, framework.name),
        ` has held ${percent(share)} of the cluster in offers for ${duration(seconds)} without answering.`,
        ' Nobody else can use it meanwhile.')),
      h('div', { class: 'grid' },
        h('section', { class: 'card wide' }, h('h2', {}, 'Resources'),
          usageTable(summary.sums.total, summary.sums.allocated, summary.sums.offered, true), legend()),
        mastersCard(),
        h('section', { class: 'card' }, h('h2', {}, 'Who holds what'), this.#shares()),
        h('section', { class: 'card' }, h('h2', {}, 'At a glance'), facts(this.#facts(summary)))),
      this.#taskSections(),
    ];
  }

  #shares() {
    const wait = waiting(sources.roles);
    if (wait) return wait;
    const rows = shareRows(sources.roles.data, sources.summary.data.sums.total).slice(0, 8);
    if (rows.length === 0) return h('p', { class: 'quiet' }, 'No role has a framework or holds anything.');
    return [shareChart(rows), h('p', { class: 'quiet' }, 'The largest share of any resource that each role holds, and ',
      h('span', { class: 'idealKey', 'aria-hidden': 'true' }), ' what its weight entitles it to. ',
      h('a', { href: '#/roles' }, 'All roles'))];
  }

  #facts(summary) {
    const inactive = summary.slaves.filter((agent) => !agent.active).length;
    const draining = summary.slaves.filter((agent) => agent.drain_info).length;
    const connected = summary.frameworks.filter((framework) => framework.connected).length;
    const unreachable = sources.metrics.data?.['master/slaves_unreachable'] ?? 0;
    const maintenance = sources.maintenance.data;
    const down = maintenance?.down_machines?.length ?? 0;
    const planned = maintenance?.draining_machines?.length ?? 0;
    return [
      ['Agents', [h('a', { href: '#/agents' }, count(summary.slaves.length - inactive, 'active agent')),
        inactive ? h('span', { class: 'bad' }, `, ${number(inactive)} inactive`) : null,
        unreachable ? h('span', { class: 'bad' }, `, ${number(unreachable)} unreachable`) : null,
        draining ? `, ${number(draining)} draining` : null]],
      ['Frameworks', [h('a', { href: '#/frameworks' }, count(connected, 'connected framework')),
        summary.frameworks.length > connected
          ? h('span', { class: 'bad' }, `, ${number(summary.frameworks.length - connected)} disconnected`) : null]],
      ['Tasks', taskCounts(this.#stateCounts(summary))],
      ['Maintenance', maintenance ? (down + planned === 0 ? h('span', { class: 'quiet' }, 'none planned')
        : h('a', { href: '#/maintenance' }, `${number(planned)} draining, ${number(down)} down`)) : null],
      ['Master’s log', sources.flags.data?.log_dir || sources.flags.data?.external_log_file
        ? h('a', { href: '#/log' }, 'read it') : null],
    ];
  }

  // MARK: Tasks

  /** The master's own counts leave out frameworks that are over; where all tasks are here, so are theirs. */
  #stateCounts(summary) {
    const { rows, isComplete, isCut } = this.#tasks;
    if (!isComplete || isCut) return summary.counts;
    if (this.#counted.rows !== rows) {
      const counts = Object.fromEntries(Object.keys(summary.counts).map((state) => [state, 0]));
      for (const row of rows) counts[row.state] = (counts[row.state] ?? 0) + 1;
      this.#counted = { rows, counts };
    }
    return this.#counted.counts;
  }

  #taskSections() {
    const { rows, problem, isComplete } = this.#tasks;
    if (this.#cache.rows !== rows) {
      const byTime = rows.toSorted((a, b) => b.updated - a.updated);
      this.#cache = {
        rows, counts: groupCounts(rows), recent: byTime.slice(0, recentMax),
        failed: byTime.filter((row) => groupOf(row.state) === 'failed').slice(0, recentMax),
      };
    }
    const { counts, recent, failed } = this.#cache;
    if (problem && rows.length === 0) return h('p', { class: 'bad' }, `The tasks cannot be read: ${problem.message}`);
    return [
      failed.length ? h('section', { class: 'card' },
        h('h2', {}, 'Went wrong ', this.#tasks.isCut ? h('span', { class: 'quiet' }, `among the latest ${number(lookedThrough)}`) : null,
          h('a', { href: '#/tasks?group=failed', class: 'more' }, this.#tasks.isCut ? 'all tasks' : `all ${number(counts.failed)}`)),
        this.#table('failed', failed)) : null,
      h('section', { class: 'card' },
        h('h2', {}, 'Latest tasks ', h('a', { href: '#/tasks', class: 'more' }, 'all tasks')),
        this.#table('recent', recent, isComplete ? 'No task has run yet.' : 'Loading …')),
    ];
  }

  #table(name, rows, empty = '') {
    return widget(Table, {
      key: name, rows, columns: name === 'failed' ? failedTaskColumns : briefTaskColumns, rowKey: (row) => row.key, link: (row) => links.task(row).slice(1),
      state: this.#tables[name], label: `${name} tasks`, empty, isBox: true, hasNoFilter: true,
      onState: (state) => {
        this.#tables[name] = state;
        dispatchEvent(new Event('routechange'));
      },
    });
  }
}

function legend() {
  return h('p', { class: 'legend quiet' }, 
    [['allocated', 'allocated to tasks'], ['offered', 'offered to frameworks'], ['', 'idle']].map(([kind, text]) =>
      [h('span', {}, h('span', { class: `key ${kind}` }), text), ' ']));
}

/** The members of the election, the leader first. */
function mastersCard() {
  const document = sources.masters.data;
  if (!document) return h('section', { class: 'card' }, h('h2', {}, 'Masters'), waiting(sources.masters));
  const leader = document.masters.find((member) => member.leader);
  return h('section', { class: 'card' }, h('h2', {}, 'Masters'),
    leader
      ? h('p', { class: 'lead' }, h('strong', {}, `${leader.hostname}:${leader.port}`), ' leads',
        document.elected_time ? [' since ', h('time', { title: time(document.elected_time) },
          `${time(document.elected_time)} (${ago(document.elected_time)})`)] : null)
      : h('p', { class: 'lead bad' }, document.reason ?? 'No master leads.'),
    h('ul', { class: 'members' }, document.masters.map((member) => h('li', { key: member.member || 'alone' },
      h('span', { class: `dot ${member.leader ? 'good' : 'idle'}`, 'aria-hidden': 'true' }),
      member.hostname ? h('span', { title: member.pid }, `${member.hostname}:${member.port}`) : member.member,
      h('span', { class: 'quiet' }, member.leader ? ' leader' : ' standby', member.foreign ? ', of another product' : '')))),
    document.quorum ? h('p', { class: 'quiet' },
      `${count(document.masters.length, 'member')} of the election; ${number(document.quorum)} are needed for one to lead.`)
      : h('p', { class: 'quiet' }, 'It stands alone: no other master would take over.'));
}

