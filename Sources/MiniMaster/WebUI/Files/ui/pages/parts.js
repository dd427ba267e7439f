// Pieces that several views share: states, resources, names that are links.
import { h } from '../dom.js';
import { ago, number, resourceKinds, roughly, shortID, stateName, time } from '../format.js';
import { sources } from '../model.js';
import { explainState, tone } from '../reasons.js';
import { links } from '../router.js';
import { usageBar } from '../charts.js';

export function stateBadge(state) {
  return h('span', { class: `badge ${tone(state)}`, title: explainState(state) }, stateName(state));
}

export function badge(text, kind, title) {
  return h('span', { class: `badge ${kind}`, title: title ?? null }, text);
}

export function when(timestamp) {
  return h('time', { title: time(timestamp) }, ago(timestamp));
}

/** The same, short enough for a column. */
export function since(timestamp) {
  return timestamp ? h('time', { title: time(timestamp) }, `${roughly(Date.now() / 1000 - timestamp)} ago`) : '–';
}

export function agentLink(id) {
  const agent = sources.summary.data?.agentsByID.get(id);
  return h('a', { href: links.agent(id), title: id }, agent?.title ?? shortID(id));
}

export function frameworkLink(id, name) {
  const framework = sources.summary.data?.frameworksByID.get(id) ?? sources.frameworks.data?.byID.get(id);
  return h('a', { href: links.framework(id), title: id }, name || framework?.name || shortID(id));
}

export function roleLink(name) {
  return h('a', { href: links.role(name) }, name);
}

/** What somebody wrote about a thing: a link only if it is one. */
export function outsideLink(url) {
  return /^https?:\/\//.test(url) ? h('a', { href: url, rel: 'noreferrer' }, url) : h('span', {}, url || '–');
}

/** Terms and what is to be said of them. Those without anything are left out. */
export function facts(pairs) {
  return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([term, value]) => h('div', { key: term }, h('dt', {}, term), h('dd', {}, value))));
}

/** Used and offered of a total, for each kind there is. */
export function usageTable(total, used, offered, hasAll = false) {
  const kinds = resourceKinds.filter(({ id }) => hasAll || id !== 'gpus' || total.gpus > 0);
  return h('table', { class: 'usage plain' },
    h('thead', {}, h('tr', {}, ['', 'Total', 'Allocated', 'Offered', 'Idle', ''].map((title, index) =>
      h('th', { scope: 'col', class: index > 0 && index < 5 ? 'number' : '' }, title)))),
    h('tbody', {}, kinds.map(({ id, title, text }) => {
      const idle = Math.max(0, (total[id] ?? 0) - (used[id] ?? 0) - (offered[id] ?? 0));
      return h('tr', { key: id }, h('th', { scope: 'row' }, title),
        h('td', { class: 'number' }, text(total[id])), h('td', { class: 'number' }, text(used[id])),
        h('td', { class: 'number' }, text(offered[id])), h('td', { class: 'number' }, text(idle)),
        h('td', { class: 'barCell' }, usageBar(total[id], used[id] ?? 0, offered[id] ?? 0,
          `${title}: ${text(used[id])} allocated and ${text(offered[id])} offered of ${text(total[id])}`)));
    })));
}

/** A cell with an amount of a total and its bar. */
export function amountCell(text, total, used, offered, title) {
  return h('span', { class: 'amount' }, h('span', {}, `${text(used)} / ${text(total)}`),
    usageBar(total, used, offered, `${title}: ${text(used)} allocated, ${text(offered)} offered of ${text(total)}`));
}

/** What is said while a document is on its way, or did not come. Null when it is there. */
export function waiting(source) {
  if (source.data) return null;
  if (!source.problem) return h('p', { class: 'quiet' }, 'Loading …');
  const status = source.problem.status;
  const words = status === 401 ? 'You may not see this. Load the page again to sign in.' : status === 403 ? 'You may not see this.' : source.problem.message;
  return h('p', { class: 'bad' }, words || `The master answered with status ${status}.`);
}

export function taskCounts(counts) {
  const names = Object.keys(counts).filter((name) => name.startsWith('TASK_') && counts[name] > 0);
  if (names.length === 0) return h('span', { class: 'quiet' }, 'none');
  return names.map((name) => h('a', { key: name, href: `#/tasks?q=${encodeURIComponent(stateName(name))}`, class: 'countLink' },
    stateBadge(name), ' ', number(counts[name])));
}
