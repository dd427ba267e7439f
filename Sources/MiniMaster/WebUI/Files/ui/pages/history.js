// What the roles held in the last 31 days, as plots.
import { h } from '../dom.js';
import { historyChart } from '../charts.js';
import { mebibytes, number, percent } from '../format.js';
import { keep, source } from '../model.js';
import { linkTo, links, setQuery } from '../router.js';
import { waiting } from './parts.js';

const ranges = [
  { id: 'hour', title: 'Hour', seconds: 3_600, step: 60 }, { id: 'day', title: 'Day', seconds: 86_400, step: 240 },
  { id: 'week', title: 'Week', seconds: 7 * 86_400, step: 1_800 }, { id: 'month', title: '31 days', seconds: 31 * 86_400, step: 7_200 },
];

const quantities = [
  { id: 'cpus', title: 'CPUs', text: number, hasLimit: true }, { id: 'mem', title: 'Memory', text: mebibytes, base: 1024, hasLimit: true },
  { id: 'tasks', title: 'Tasks', text: number, least: 1 }, { id: 'builds', title: 'Builds at a time', text: number, least: 1 },
];

/** The mean of a list without making another one of it. */
function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
}

export class HistoryPage {
  title = 'History';
  #source = null;
  #path = '';
  #stopKeeping = () => {};
  #isYoung = false;

  stop() {
    this.#stopKeeping();
  }

  /** Another question is another document; the times move on with the minutes. */
  #ask(range, role) {
    const minute = Math.floor(Date.now() / 60_000) * 60;
    const query = new URLSearchParams({ from: String(minute - range.seconds), step: String(range.step) });
    if (role) query.set('role', role);
    const path = `/history?${query}`;
    if (path === this.#path) return;
    const isSame = this.#source && this.#source.about === `${range.id} ${role}`;
    const last = isSame ? this.#source.data : null;
    this.#stopKeeping();
    this.#path = path;
    this.#source = source(path, (data) => data, 60_000);
    this.#source.about = `${range.id} ${role}`;
    // What is shown stays until the newer answer is there.
    this.#source.data = last;
    this.#stopKeeping = keep(this.#source);
  }

  view(query) {
    const chosen = ranges.find((one) => one.id === query.range);
    const range = chosen ?? ranges[this.#isYoung ? 0 : 1];
    const role = query.role ?? '';
    this.#ask(range, role);
    const { data } = this.#source;
    // A day of which there is less than an hour would be an empty plot with a dash at its edge.
    if (!chosen && !this.#isYoung && data?.time.length && data.time[0] > data.to - ranges[0].seconds) {
      this.#isYoung = true;
      return this.view(query);
    }
    return [
      h('h1', {}, 'History', role ? [' of role ', h('span', { class: 'name' }, role)] : ''),
      h('div', { class: 'tools', role: 'group', 'aria-label': 'What is shown' },
        ranges.map((one) => h('a', {
          class: 'button', href: linkTo(['history'], { role, range: one.id }), 'aria-current': one.id === range.id ? 'true' : null, key: one.id,
        }, one.title)),
        h('label', {}, 'Role ', h('select', { value: role, onchange: (event) => setQuery({ role: event.target.value }) },
          h('option', { value: '', selected: role === '' }, 'all'),
          [...new Set([...(data?.roles ?? []), ...(role ? [role] : [])])].sort().map((name) =>
            h('option', { value: name, selected: name === role, key: name }, name)))),
        role ? h('a', { href: links.role(role) }, 'The role now') : null),
      data ? this.#plots(data, range, role) : waiting(this.#source),
    ];
  }

  #plots(data, range, role) {
    if (data.time.length === 0) {
      return h('p', {}, 'Nothing has been recorded in this time. The leading master records once a minute.');
    }
    const [own, ...others] = data.series;
    const missing = 1 - data.time.length * data.step / Math.max(data.step, data.to - data.from);
    return [
      h('div', { class: 'charts plots' }, quantities.map((quantity) => h('section', { class: 'card', key: quantity.id },
        historyChart({
          title: quantity.title, text: quantity.text, base: quantity.base, least: quantity.least, from: data.from, to: data.to, step: data.step, times: data.time,
          limit: quantity.hasLimit && !role ? mean(data.capacity[quantity.id].slice(-3)) : null,
          lines: [
            { name: role || 'the cluster', values: own[quantity.id], most: own[`${quantity.id}_max`] },
            ...others.map((one) => ({ name: one.role, link: linkTo(['history'], { role: one.role, range: range.id }), values: one[quantity.id] })),
          ],
        })))),
      h('p', { class: 'quiet' }, 'What tasks hold, not what they use: an average for each point, and the most of it as an area behind. '
        + 'A role counts with those below it. A build is an agent that the Jenkins framework started.',
      data.omitted_roles ? ` ${number(data.omitted_roles)} smaller roles have no line.` : '',
      missing > 0.1 ? ` For ${percent(missing)} of this time there is no record.` : ''),
    ];
  }
}
