// The roles: what each holds, what it is entitled to, and why one gets nothing.
import { shareChart } from '../charts.js';
import { h, widget } from '../dom.js';
import { count, mebibytes, number, percent, resources, time } from '../format.js';
import { keep, source, sources, use } from '../model.js';
import { explainStanding } from '../reasons.js';
import { linkTo, links, setQuery } from '../router.js';
import { Table } from '../table.js';
import { TaskList } from '../tasks.js';
import { agentLink, facts, frameworkLink, waiting } from './parts.js';
import { taskTable } from './tasks.js';

/** Among so many of the cluster's newest tasks those of one role are looked for. */
const lookedThrough = 5_000;

/** The largest fraction of any one resource. */
export function dominantShare(amounts, total) {
  return Math.max(0, ...['cpus', 'gpus', 'mem', 'disk'].map((kind) =>
    (total[kind] > 0 && typeof amounts[kind] === 'number' ? amounts[kind] / total[kind] : 0)));
}

function parent(name) {
  return name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '';
}

/**
 * Each role with its share and what its weight entitles it to among the roles beside it that take part: those with a
 * framework or something held, in them or below them.
 */
export function shareRows(roles, total) {
  const takesPart = new Set();
  for (const role of roles) {
    if (role.frameworks.length === 0 && Object.keys(role.resources).length === 0) continue;
    for (let name = role.name; name; name = parent(name)) takesPart.add(name);
  }
  const weights = new Map();
  const weightOf = new Map(roles.map((role) => [role.name, role.weight]));
  for (const name of takesPart) weights.set(parent(name), (weights.get(parent(name)) ?? 0) + (weightOf.get(name) ?? 1));
  const ideal = (name) => {
    if (!takesPart.has(name)) return null;
    const above = parent(name) ? ideal(parent(name)) : 1;
    return above * (weightOf.get(name) ?? 1) / weights.get(parent(name));
  };
  // What roles below hold counts for those above them, as it does for the allocator.
  const held = new Map();
  for (const role of roles) {
    for (let name = role.name; name; name = parent(name)) {
      const sum = held.get(name) ?? {};
      for (const [kind, amount] of Object.entries(role.resources)) {
        if (typeof amount === 'number') sum[kind] = (sum[kind] ?? 0) + amount;
      }
      held.set(name, sum);
    }
  }
  const rows = roles.filter((role) => takesPart.has(role.name)).map((role) => ({
    name: role.name, link: links.role(role.name), actual: dominantShare(held.get(role.name) ?? {}, total), ideal: ideal(role.name),
    depth: role.name.split('/').length - 1,
  })).sort((a, b) => b.actual - a.actual || (b.ideal ?? 0) - (a.ideal ?? 0));
  // Each role is followed by those below it.
  const below = (above) => rows.filter((row) => parent(row.name) === above).flatMap((row) => [row, ...below(row.name)]);
  return below('');
}

const quantity = (name, amount) => (name === 'mem' || name === 'disk' ? mebibytes(amount) : number(amount));

function quotaText(quota) {
  const parts = [];
  for (const [word, amounts] of [['at least', quota.guarantee], ['at most', quota.limit]]) {
    const shown = Object.entries(amounts).map(([name, amount]) => `${name} ${quantity(name, amount)}`);
    if (shown.length) parts.push(`${word} ${shown.join(', ')}`);
  }
  return parts.join('; ');
}

const columns = (shares) => [
  { id: 'name', title: 'Role', value: (role) => role.name, cell: (role) => h('a', { href: links.role(role.name) }, role.name) },
  { id: 'weight', title: 'Weight', isNumber: true, width: '5.5rem', priority: 2, value: (role) => role.weight, text: () => '', cell: (role) => number(role.weight) },
  {
    id: 'share', title: 'Share', isNumber: true, width: '6rem', priority: 2, value: (role) => shares.get(role.name)?.actual ?? 0, text: () => '',
    cell: (role) => percent(shares.get(role.name)?.actual ?? 0),
  },
  {
    id: 'ideal', title: 'By weight', isNumber: true, width: '6.5rem', priority: 2, value: (role) => shares.get(role.name)?.ideal ?? -1, text: () => '',
    cell: (role) => (shares.has(role.name) ? percent(shares.get(role.name).ideal) : '–'),
  },
  { id: 'cpus', title: 'CPUs', isNumber: true, width: '6rem', value: (role) => role.allocated.cpus ?? 0, text: () => '', cell: (role) => number(role.allocated.cpus ?? 0) },
  { id: 'mem', title: 'Mem', isNumber: true, width: '7rem', value: (role) => role.allocated.mem ?? 0, text: () => '', cell: (role) => mebibytes(role.allocated.mem ?? 0) },
  { id: 'offered', title: 'In offers', width: '11rem', priority: 3, value: (role) => role.offered.cpus ?? 0, text: () => '', cell: (role) => (Object.keys(role.offered).length ? h('span', { title: resources(role.offered) }, resources(role.offered)) : '–') },
  { id: 'reserved', title: 'Reserved', width: '11rem', priority: 3, value: (role) => role.reserved.cpus ?? 0, text: () => '', cell: (role) => (Object.keys(role.reserved).length ? h('span', { title: resources(role.reserved) }, resources(role.reserved)) : '–') },
  { id: 'quota', title: 'Quota', priority: 2, value: (role) => quotaText(role.quota), cell: (role) => h('span', { title: quotaText(role.quota) }, quotaText(role.quota) || '–') },
  { id: 'frameworks', title: 'Frameworks', isNumber: true, width: '8rem', priority: 2, value: (role) => role.frameworks.length, text: () => '', cell: (role) => number(role.frameworks.length) },
];

export class RolesPage {
  title = 'Roles';
  #stopUsing = use('roles');
  #columns;
  #basis;

  stop() {
    this.#stopUsing();
  }

  view(query) {
    const wait = waiting(sources.roles) ?? waiting(sources.summary);
    if (wait) return [h('h1', {}, 'Roles'), wait];
    const roles = sources.roles.data;
    const total = sources.summary.data.sums.total;
    const rows = shareRows(roles, total);
    if (this.#basis !== roles) {
      this.#basis = roles;
      this.#columns = columns(new Map(rows.map((row) => [row.name, row])));
    }
    return [
      h('h1', {}, 'Roles'),
      rows.length ? h('section', { class: 'card' }, h('h2', {}, 'Shares'), shareChart(rows.slice(0, 30)),
        h('p', { class: 'quiet' }, 'A role’s share is the largest fraction it holds of any one resource, tasks, offers and roles below it '
          + 'included. The mark is what its weight entitles it to while all of these want more.',
        rows.length > 30 ? ` The ${rows.length - 30} smallest are left out.` : '')) : null,
      h('section', { class: 'card' }, widget(Table, {
        key: 'roles', rows: roles, columns: this.#columns, rowKey: (role) => role.name, label: 'roles', isBox: true,
        link: (role) => links.role(role.name).slice(1), state: query, onState: setQuery, defaultSort: 'name',
        empty: 'No role has a framework, a weight or a quota.',
      })),
    ];
  }
}

export class RolePage {
  #name;
  #stopUsing = use('roles');
  #explanation;
  #stopKeeping = null;
  #tasks = new TaskList({}, lookedThrough);
  #own = { rows: [], of: null };
  #state = {};

  constructor({ name }) {
    this.#name = name;
    this.#explanation = source(`/roles/explain?role=${encodeURIComponent(name)}`, (data) => data, 3_000);
  }

  get title() {
    return `Role ${this.#name}`;
  }

  stop() {
    this.#stopUsing();
    this.#stopKeeping?.();
    this.#tasks.stop();
  }

  view() {
    const wait = waiting(sources.roles) ?? waiting(sources.summary);
    const heading = h('h1', {}, 'Role ', h('span', { class: 'name' }, this.#name));
    if (wait) return [heading, wait];
    const role = sources.roles.data.find((one) => one.name === this.#name);
    const row = shareRows(sources.roles.data, sources.summary.data.sums.total).find((one) => one.name === this.#name);
    return [
      heading,
      role ? h('div', { class: 'grid' },
        h('section', { class: 'card' }, h('h2', {}, 'Holds'), facts([
          ['Allocated', resources(role.allocated)], ['In offers', resources(role.offered)],
          ['Reserved for it', resources(role.reserved)],
          ['Share', row ? `${percent(row.actual)}${row.ideal === null ? '' : `; its weight entitles it to ${percent(row.ideal)}`}` : null],
        ])),
        h('section', { class: 'card' }, h('h2', {}, 'Rules'), facts([
          ['Weight', number(role.weight)], ['Quota', quotaText(role.quota) || 'none'],
          ['Counts against it', resources(role.quota.consumed)],
          ['Frameworks', role.frameworks.length ? role.frameworks.map((id, index) => [index ? ', ' : '', frameworkLink(id)]) : 'none'],
        ]))) : h('p', {}, 'Nobody is subscribed to this role now, it holds nothing, and it has neither weight, quota nor reservation. See ',
        h('a', { href: '#/roles' }, 'all roles'), ', or ', h('a', { href: linkTo(['history'], { role: this.#name }) }, 'what it held before'), '.'),
      h('section', { class: 'card' }, h('h2', {}, 'Why does this role get what it gets?'), this.#explained(Boolean(row))),
      this.#taskSection(),
    ];
  }

  /** What the role's tasks are, those of the roles below it included. */
  #taskSection() {
    const { rows, problem, isComplete, isCut } = this.#tasks;
    if (this.#own.of !== rows) {
      this.#own = { of: rows, rows: rows.filter((row) => row.role === this.#name || row.role.startsWith(`${this.#name}/`)) };
    }
    return h('section', { class: 'card' }, h('h2', {}, 'Tasks ', h('span', { class: 'quiet' },
      isComplete ? `${count(this.#own.rows.length, 'task')}${isCut ? ` among the latest ${number(lookedThrough)} of the cluster` : ''}` : '')),
    taskTable({ rows: this.#own.rows, problem, isComplete }, this.#state, (state) => {
      this.#state = state;
      dispatchEvent(new Event('routechange'));
    }, { isBox: true, label: 'tasks of this role' }));
  }

  /** Where there is nothing left: who has it. */
  #holders(data) {
    const { total, allocated, offered } = sources.summary.data.sums;
    const isFull = ['cpus', 'mem'].some((kind) => total[kind] > 0 && (allocated[kind] + offered[kind]) / total[kind] > 0.95);
    const isShort = data.frameworks.some((one) => one.standing === 'hungry' && !one.takeable_agents
      && (isFull || one.reasons.some((reason) => ['nothing-free', 'not-its-turn', 'below-minimum'].includes(reason.reason))));
    if (!isShort) return null;
    const rows = shareRows(sources.roles.data, total);
    const own = rows.filter((row) => row.name === this.#name && row.actual > 0.01);
    const others = rows
      .filter((row) => row.actual > 0.01 && row.depth === 0 && row.name !== this.#name && !this.#name.startsWith(`${row.name}/`))
      .slice(0, 3);
    if (own.length + others.length === 0) return null;
    const inOffers = (name) => dominantShare(sources.roles.data.find((role) => role.name === name)?.offered ?? {}, total);
    return h('p', {}, 'What is not free is held by ', [...own, ...others].map((row, index) => [index ? ', ' : '',
      row.name === this.#name ? 'this role' : h('a', { href: row.link }, row.name),
      ` (${percent(row.actual)}${inOffers(row.name) > 0.01 ? `, ${percent(inOffers(row.name))} in offers it has not answered` : ''})`]), '.');
  }

  #explained(takesPart) {
    const { data, problem } = this.#explanation;
    const nobody = h('p', {}, 'Nobody asks for anything: no framework is subscribed to it, or to a role below it.');
    if (!takesPart || problem?.status === 404) return nobody;
    this.#stopKeeping ??= keep(this.#explanation);
    if (!data) return waiting(this.#explanation);
    return [
      h('p', {}, headline(data)),
      data.frameworks.map((framework) => h('div', { class: 'client', key: `${framework.framework_id} ${framework.role}` },
        h('h3', {}, frameworkLink(framework.framework_id, framework.name), framework.role === this.#name ? '' : ` in ${framework.role}`,
          h('span', { class: 'quiet' }, ` ${explainStanding(framework.standing)}`)),
        h('p', {}, clientWords(framework)),
        framework.reasons.length ? h('table', { class: 'plain reasons' },
          h('thead', {}, h('tr', {}, h('th', { scope: 'col', class: 'number' }, 'Agents'), h('th', { scope: 'col' }, 'It gets nothing of them because'),
            h('th', { scope: 'col' }, 'For example'))),
          h('tbody', {}, framework.reasons.map((reason) => h('tr', { key: reason.reason }, h('td', { class: 'number' }, number(reason.agents)),
            h('td', {}, reason.text), h('td', {}, agentLink(reason.example_agent)))))) : null,
        framework.decisions.length ? h('details', {}, h('summary', {}, `The last ${count(framework.decisions.length, 'decision')}`),
          h('ol', { class: 'decisions' }, framework.decisions.toReversed().slice(0, 50).map((decision, index) => h('li', { key: `${index}` },
            h('time', {}, time(decision.time)), ' ', h('strong', {}, decision.outcome), ' ',
            decision.outcome === 'offered' ? decision.resources : decision.text,
            decision.agents_looked_at > 1
              ? h('span', { class: 'quiet' }, ` (${number(decision.agents)} of ${number(decision.agents_looked_at)} agents looked at)`)
              : decision.agents > 1 ? h('span', { class: 'quiet' }, ` (${number(decision.agents)} agents)`) : null)))) : null)),
      this.#holders(data),
      data.agents_looked_at < data.agents
        ? h('p', { class: 'quiet' }, `${number(data.agents_looked_at)} of ${number(data.agents)} agents were looked at for each framework.`) : null,
      data.omitted_frameworks ? h('p', { class: 'quiet' }, `${number(data.omitted_frameworks)} more frameworks are left out.`) : null,
      h('p', { class: 'quiet' }, 'While this page is open the allocator remembers its decisions about this role.'),
    ];
  }
}

function headline(data) {
  const hungry = data.frameworks.filter((one) => one.standing === 'hungry').length;
  const share = `It holds ${percent(data.share)}, weighed ${percent(data.weighted_share)}.`;
  if (hungry === 0) return `${share} No framework in it wants offers now.`;
  if (data.place === undefined) return `${share} ${count(hungry, 'framework')} in it ${hungry === 1 ? 'wants' : 'want'} offers.`;
  const others = data.hungry_siblings - 1;
  if (others <= 0) return `${share} No other role beside it wants offers now: it is the next in turn.`;
  return `${share} Among ${count(data.hungry_siblings, 'role')} that want offers it is number ${number(data.place)} in turn.`;
}

function clientWords(framework) {
  const parts = [`It holds ${resources(framework.held)}.`];
  if (framework.standing === 'hungry') {
    parts.push(framework.takeable_agents
      ? `It would be offered ${count(framework.takeable_agents, 'agent')} in the next round.`
      : 'No agent has anything for it now.');
  }
  if (framework.offers_outstanding) parts.push(`It has ${count(framework.offers_outstanding, 'offer')} that it has not answered.`);
  if (framework.filters) parts.push(`It has declined: ${count(framework.filters, 'filter')} keep agents from being offered to it.`);
  if (framework.offers_expired) parts.push(`${count(framework.offers_expired, 'offer')} of it expired unanswered.`);
  return parts.join(' ');
}
