// The files of the web page. Written by scripts/embed-web; do not edit.
// swift-format-ignore-file

enum WebFiles {
    static let all: [WebFile] = [
WebFile("index.html", ####"""
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>mini-mesos</title>
  <link rel="icon" href="/ui/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/ui/style.css">
  <script src="/ui/theme.js"></script>
  <script type="module" src="/ui/app.js"></script>
</head>
<body>
  <a class="skip" href="#main">Skip to content</a>
  <header id="header"></header>
  <div id="banner" role="status" aria-live="polite"></div>
  <main id="main" tabindex="-1"><p class="quiet">Loading the state of the cluster …</p></main>
  <noscript>This page needs JavaScript. The same is told as JSON by <code>/state</code>, <code>/slaves</code>,
    <code>/frameworks</code>, <code>/tasks</code> and <code>/roles</code>.</noscript>
</body>
</html>

"""####),
WebFile("ui/agentlink.js", ####"""
// Asks agents for what only they know: sandboxes, what containers use, terminals. Their addresses are other origins;
// they let the page of the leading master read their answers and send calls.
import { Refusal } from './net.js';

const timeoutMilliseconds = 8_000;
/** The address that worked, by agent. */
const bases = new Map();

/** Where an agent may be found: by the name it gives itself, else by the address it registered from. */
function candidates(agent) {
  const known = bases.get(agent.id);
  const port = agent.port ?? /:(\d+)$/.exec(agent.pid ?? '')?.[1] ?? 5051;
  const ip = /@(.*):\d+$/.exec(agent.pid ?? '')?.[1];
  // What is no host name would change the meaning of the rest of the address.
  const hosts = [...new Set([agent.hostname, ip])].filter((host) => host && /^[\w.:-]+$/.test(host));
  const all = hosts.map((host) => `${location.protocol}//${host.includes(':') ? `[${host}]` : host}:${port}`);
  return known ? [known] : all;
}

/** A link to something of an agent for the browser itself to follow. */
export function agentURL(agent, path) {
  return `${candidates(agent)[0] ?? ''}${path}`;
}

/** Sends a request to wherever the agent answers. */
export async function reachAgent(agent, path, options) {
  let problem = null;
  for (const base of candidates(agent)) {
    try {
      // With the user's name and password, if the agent asks for them.
      const response = await fetch(base + path, { credentials: 'include', cache: 'no-store', ...options });
      bases.set(agent.id, base);
      return response;
    } catch (error) {
      if (options.signal?.aborted) throw error;
      problem = error;
      bases.delete(agent.id);
    }
  }
  throw new Refusal(0, `the agent ${agent.hostname} does not answer this browser (${problem?.message ?? 'no address'})`);
}

/** Gets a document of an agent. */
export async function askAgent(agent, path, signal) {
  const timeout = AbortSignal.timeout(timeoutMilliseconds);
  const response = await reachAgent(agent, path, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  if (!response.ok) throw new Refusal(response.status, await response.text());
  return response.json();
}

/** Where a task's sandbox is: the directory, and the run's figures if it has ended. Null if the agent does not know it. */
export async function findRun(agent, framework, task, executor, signal) {
  const state = await askAgent(agent, '/state', signal);
  const lists = [...state.frameworks, ...state.completed_frameworks].filter((one) => one.id === framework);
  const executors = lists.flatMap((one) => [...one.executors, ...one.completed_executors]);
  const holds = (one) => [...(one.tasks ?? []), ...(one.queued_tasks ?? []), ...(one.completed_tasks ?? [])]
    .some((each) => each.id === task);
  // The newest run of a task id that was used again comes last.
  const found = executors.filter(holds).pop() ?? executors.filter((one) => one.id === (executor || task)).pop();
  if (!found) return null;
  // Tasks of a group each have a folder of their own in their executor's.
  const directory = found.type === 'DEFAULT' ? `${found.directory}/tasks/${task}` : found.directory;
  return { directory, executor: found.id, container: found.container, final: found.statistics ?? null };
}

/** Without the agent's word on it: where sandboxes are shown, by executor. */
export function usualDirectory(framework, task, executor) {
  return `/frameworks/${framework}/executors/${executor || task}/runs/latest`;
}

export function filesPath(action, path, more = {}) {
  const query = new URLSearchParams({ path, ...more });
  return `/files/${action}?${query}`;
}

"""####),
WebFile("ui/app.js", ####"""
// The page's frame: the bar with the views, what is wrong if something is, and the view that the address asks for.
import { h, patch } from './dom.js';
import { duration } from './format.js';
import { contact, onChange, sources, start, stream } from './model.js';
import { currentRoute } from './router.js';
import { AgentPage, AgentsPage } from './pages/agents.js';
import { ClusterPage } from './pages/cluster.js';
import { FrameworkPage, FrameworksPage } from './pages/frameworks.js';
import { HistoryPage } from './pages/history.js';
import { JenkinsPage } from './pages/jenkins.js';
import { LogPage } from './pages/log.js';
import { MaintenancePage } from './pages/maintenance.js';
import { RolePage, RolesPage } from './pages/roles.js';
import { TaskPage } from './pages/task.js';
import { TasksPage } from './pages/tasks.js';

const tabs = [
  ['', 'Cluster'], ['agents', 'Agents'], ['frameworks', 'Frameworks'], ['tasks', 'Tasks'], ['roles', 'Roles'],
  ['jenkins', 'Jenkins'], ['maintenance', 'Maintenance'], ['history', 'History'],
];

/** The view of an address. Views are objects with `title`, `view()` and, if they hold something, `stop()`. */
function pageOf({ path, query }) {
  const [name, first, second] = path;
  switch (name) {
    case undefined: return [ClusterPage, {}];
    case 'agents': return first ? [AgentPage, { id: first }] : [AgentsPage, {}];
    case 'frameworks': return first ? [FrameworkPage, { id: first }] : [FrameworksPage, {}];
    case 'tasks': return second ? [TaskPage, { framework: first, task: second, agent: query.agent }] : [TasksPage, {}];
    case 'roles': return first ? [RolePage, { name: first }] : [RolesPage, {}];
    case 'jenkins': return [JenkinsPage, {}];
    case 'maintenance': return [MaintenancePage, {}];
    case 'history': return [HistoryPage, {}];
    case 'log': return [LogPage, {}];
    default: return [LostPage, {}];
  }
}

class LostPage {
  title = 'Not found';

  view() {
    return [h('h1', {}, 'There is no such view'), h('p', {}, h('a', { href: '#/' }, 'To the cluster'))];
  }
}

let page = null;
let pageKey = '';

function show() {
  const route = currentRoute();
  const [type, properties] = pageOf(route);
  const key = JSON.stringify([type.name, properties]);
  if (key !== pageKey) {
    page?.stop?.();
    pageKey = key;
    patch(main, []);
    page = new type(properties);
    scrollTo(0, 0);
  }
  draw();
}

const main = document.getElementById('main');

function draw() {
  if (!page) return;
  const route = currentRoute();
  patch(document.getElementById('header'), header(route));
  showTab(route.path[0] ?? '');
  patch(document.getElementById('banner'), banner());
  main.className = page.isList ? 'list' : '';
  patch(main, page.view(route.query));
  const cluster = sources.summary.data?.cluster;
  document.title = `${page.title} · ${cluster || 'mini-mesos'}`;
}

let shownTab = null;

/** On a narrow screen the views do not fit side by side: the one that is shown is scrolled to. */
function showTab(name) {
  if (name === shownTab) return;
  shownTab = name;
  const nav = document.querySelector('nav');
  const tab = nav.querySelector('[aria-current]');
  if (tab) nav.scrollLeft = tab.offsetLeft - nav.offsetLeft - (nav.clientWidth - tab.offsetWidth) / 2;
}

function header(route) {
  const cluster = sources.summary.data?.cluster;
  return [
    h('a', { class: 'brand', href: '#/' }, h('img', { src: '/ui/icon.svg', alt: '', width: 22, height: 22 }),
      h('span', {}, cluster || 'mini-mesos')),
    h('nav', { 'aria-label': 'Views' }, tabs.map(([name, title]) => h('a', {
      href: `#/${name}`, 'aria-current': (route.path[0] ?? '') === name ? 'page' : null,
    }, title))),
    h('span', { class: 'live', title: liveWords() }, h('span', { class: `dot ${liveTone()}`, 'aria-hidden': 'true' }),
      h('span', { class: 'liveText' }, liveName())),
    h('button', { class: 'small theme', onclick: changeTheme, title: 'Light, dark, or as the system has it' },
      `${themeName()}`),
  ];
}

function liveTone() {
  if (contact.problem) return 'bad';
  return stream.state === 'open' ? 'good' : 'busy';
}

function liveName() {
  if (contact.problem) return contact.problem.status === 503 ? 'no leader' : 'no answer';
  return stream.state === 'open' ? 'live' : 'polling';
}

function liveWords() {
  if (contact.problem) return contact.problem.message;
  switch (stream.state) {
    case 'open': return 'The master tells this page of every change as it happens.';
    case 'large': return 'The cluster is too large for a page to follow every event; it asks again every few seconds.';
    case 'refused': return 'You may not follow the events of this cluster; the page asks again every few seconds.';
    default: return 'The page asks again every few seconds.';
  }
}

function banner() {
  const problem = contact.problem;
  if (problem && problem.status === 503) {
    return h('div', { class: 'alert bad' }, h('strong', {}, 'No master leads. '), problem.message,
      ' This page goes on by itself as soon as one does.');
  }
  if (problem && Date.now() - contact.since > 1_500) {
    const others = contact.otherMasters();
    return h('div', { class: 'alert bad' }, h('strong', {}, 'This master does not answer'),
      ` since ${duration((Date.now() - contact.since) / 1000)}. What is shown is from before. `,
      others.length ? ['Others: ', others.map((url) => [h('a', { href: `${url}/${location.hash}` }, url), ' '])] : null);
  }
  return null;
}

// MARK: Theme

const themes = ['auto', 'light', 'dark'];

function themeName() {
  return document.documentElement.dataset.theme ?? 'auto';
}

function changeTheme() {
  const next = themes[(themes.indexOf(themeName()) + 1) % themes.length];
  if (next === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem('theme', next);
  } catch {
    // It then holds until the page is left.
  }
  draw();
}

// MARK: Keys

addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, select');
  if (isTyping && event.key === 'Escape') event.target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') {
    const filter = main.querySelector('input[type=search]');
    if (filter) {
      event.preventDefault();
      filter.focus();
    }
  }
  // The views by number, in the order of the bar.
  const tab = tabs[Number(event.key) - 1];
  if (tab) location.hash = `#/${tab[0]}`;
});

document.querySelector('.skip').addEventListener('click', (event) => {
  // Its `#` is not one of the page's addresses.
  event.preventDefault();
  main.focus();
});

addEventListener('hashchange', show);
addEventListener('routechange', draw);
onChange(draw);
// Ages of things grow while nothing else happens.
setInterval(() => {
  if (!document.hidden) draw();
}, 1_000);
start();
show();

"""####),
WebFile("ui/charts.js", ####"""
// Bars and lines, drawn by hand: what is used of what there is, shares of roles, figures over time.
import { h } from './dom.js';
import { percent, roughly } from './format.js';

/** A bar of allocated, offered and idle. */
export function usageBar(total, allocated, offered, title) {
  const share = (value) => (total > 0 ? Math.min(1, Math.max(0, value / total)) : 0);
  const used = share(allocated);
  const held = Math.min(1 - used, share(offered));
  return h('span', { class: 'bar', role: 'img', 'aria-label': title, title },
    h('span', { class: 'allocated', style: { width: `${used * 100}%` } }),
    h('span', { class: 'offered', style: { width: `${held * 100}%` } }));
}

/**
 * Roles with what they hold of the cluster and what their weight entitles them to.
 * @param rows `{name, link, actual, ideal, guarantee, limit}`, the shares between 0 and 1 or nothing.
 */
export function shareChart(rows) {
  const most = Math.max(0.0001, ...rows.map((row) => Math.max(row.actual, row.ideal ?? 0)));
  // A full scale for a nearly full cluster; otherwise the longest bar takes most of the room.
  const scale = most > 0.5 ? 1 : most * 1.15;
  return h('div', { class: 'shares', role: 'list' }, rows.map((row) => {
    const over = row.ideal !== null && row.actual > row.ideal * 1.02 + 0.0001;
    const words = `${row.name}: holds ${percent(row.actual)}${
      row.ideal === null ? '' : `, ${percent(row.ideal)} by its weight`}`;
    return h('div', { class: 'share', role: 'listitem', key: row.name },
      h('a', { href: row.link, class: 'shareName', title: row.name, style: { 'padding-left': `${row.depth ?? 0}em` } }, row.name),
      h('svg', { class: 'shareBar', viewBox: '0 0 1000 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
        h('title', {}, words),
        h('rect', { class: 'track', x: 0, y: 3, width: 1000, height: 18, rx: 3 }),
        h('rect', {
          class: over ? 'actual over' : 'actual', x: 0, y: 3, width: Math.min(1000, row.actual / scale * 1000), height: 18,
        }),
        row.ideal === null ? null
          : h('rect', { class: 'ideal', x: Math.min(996, row.ideal / scale * 1000 - 2), y: 0, width: 4, height: 24 })),
      h('span', { class: 'shareText' }, percent(row.actual),
        row.ideal === null ? null : h('span', { class: 'quiet' }, ` of ${percent(row.ideal)}`)));
  }));
}

/**
 * A line over time, with the most that is allowed.
 * @param points `[seconds, value]`, oldest first.
 */
export function timeChart({ title, points, limit, text }) {
  const width = 600;
  const height = 120;
  const values = points.map((point) => point[1]);
  const latest = values[values.length - 1];
  const most = Math.max(...values, 0);
  // A limit far above all that is used would make a flat line of it.
  const top = Math.max(limit && limit < (most * 10 || Infinity) ? limit : 0, most) * 1.1 || 1;
  const end = points.length ? points[points.length - 1][0] : 0;
  const seconds = Math.max(60, points.length ? end - points[0][0] : 0);
  const x = (at) => width - (end - at) / seconds * width;
  const y = (value) => height - 4 - value / top * (height - 8);
  const line = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const words = latest === undefined ? `${title}: no figures yet`
    : `${title}: ${text(latest)}${limit ? ` of ${text(limit)}` : ''}, at most ${text(most)}`;
  return h('figure', { class: 'chart' },
    h('figcaption', {}, h('span', {}, title), h('strong', {}, latest === undefined ? '–' : text(latest)),
      limit ? h('span', { class: 'quiet' }, ` of ${text(limit)}`) : null),
    h('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
      h('title', {}, words),
      limit && limit <= top ? h('line', { class: 'limit', x1: 0, x2: width, y1: y(limit), y2: y(limit) }) : null,
      points.length > 1
        ? h('path', { class: 'area', d: `M${x(points[0][0]).toFixed(1)},${height} L${line} L${x(end).toFixed(1)},${height} Z` })
        : null,
      h('polyline', { class: 'line', points: line })),
    h('div', { class: 'axis quiet' }, h('span', {}, `${roughly(seconds)} ago`), h('span', {}, 'now')));
}

/** Where a stretch of time is divided: at full hours, days or weeks, in the reader's time zone. */
function timeMarks(from, to) {
  const seconds = to - from;
  const unit = [600, 14_400, 86_400, 432_000].find((each) => seconds / each <= 8) ?? 604_800;
  const offset = new Date(from * 1000).getTimezoneOffset() * 60;
  const marks = [];
  for (let at = Math.ceil((from - offset) / unit) * unit + offset; at < to; at += unit) {
    const date = new Date(at * 1000);
    const two = (value) => String(value).padStart(2, '0');
    marks.push([at, unit < 86_400 ? `${two(date.getHours())}:${two(date.getMinutes())}` : `${date.getMonth() + 1}-${two(date.getDate())}`]);
  }
  return marks;
}

/**
 * Round values below the top, at most four: the heights that a plot names.
 * @param base 1024 for what is counted in powers of it, otherwise 1.
 */
function levels(top, base, least) {
  const unit = base > 1 ? base ** Math.max(0, Math.floor(Math.log(top / 4) / Math.log(base))) : 1;
  const wanted = top / 4 / unit;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = Math.max(least, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= wanted) * unit);
  return Array.from({ length: Math.min(4, Math.floor(top / step)) }, (_, index) => (index + 1) * step);
}

/**
 * Several lines over the same times, the first with its largest values as an area; where nothing was recorded they break.
 * @param lines `{name, link, values, most}`; a value for each of `times`. Those that are nothing all the time are left out.
 */
export function historyChart({ title, text, base = 1, least = 0, from, to, step, times, limit, lines: all }) {
  // A line's colour is its place in all of them, so that a role has the same one in every plot.
  const lines = all.map((line, index) => ({ ...line, colour: index })).filter((line, index) => index === 0 || line.values.some(Boolean));
  const width = 600;
  const height = 160;
  const most = Math.max(0, ...lines[0].values, ...(lines[0].most ?? []), ...lines.slice(1).flatMap((line) => line.values));
  const top = Math.max(limit && limit < (most * 10 || Infinity) ? limit : 0, most) * 1.1 || 1;
  const x = (at) => (at - from) / Math.max(1, to - from) * width;
  const y = (value) => height - 4 - value / top * (height - 8);
  // Stretches without a gap.
  const parts = [];
  times.forEach((at, index) => {
    if (index === 0 || at - times[index - 1] > step * 1.5) parts.push([]);
    parts.at(-1).push(index);
  });
  const point = (index, value, offset = step / 2) => `${x(times[index] + offset).toFixed(1)},${y(value).toFixed(1)}`;
  const path = (values) => parts.map((part) => (part.length === 1
    ? `M${point(part[0], values[part[0]], 0)} L${point(part[0], values[part[0]], step)}`
    : `M${part.map((index) => point(index, values[index])).join(' L')}`)).join(' ');
  const area = (values) => parts.map((part) => `M${x(times[part[0]]).toFixed(1)},${height} L${point(part[0], values[part[0]], 0)} `
    + `L${part.map((index) => point(index, values[index])).join(' L')} L${point(part.at(-1), values[part.at(-1)], step)} `
    + `L${x(times[part.at(-1)] + step).toFixed(1)},${height} Z`).join(' ');
  const latest = lines[0].values.at(-1);
  const words = `${title}: ${lines.map((line) => `${line.name} ${text(line.values.at(-1))}`).join(', ')}; at most ${text(most)}`;
  const marks = timeMarks(from, to);
  const heights = levels(top, base, least);
  return h('figure', { class: 'chart' },
    h('figcaption', {}, h('span', {}, title), h('strong', {}, text(latest)),
      limit ? h('span', { class: 'quiet' }, ` of ${text(limit)}`) : null,
      h('span', { class: 'quiet' }, ` at most ${text(Math.max(...(lines[0].most ?? lines[0].values)))}`)),
    h('div', { class: 'plot' }, h('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
      h('title', {}, words),
      heights.map((value) => h('line', { class: 'mark', x1: 0, x2: width, y1: y(value), y2: y(value) })),
      marks.map(([at]) => h('line', { class: 'mark', x1: x(at), x2: x(at), y1: 0, y2: height })),
      limit && limit <= top ? h('line', { class: 'limit', x1: 0, x2: width, y1: y(limit), y2: y(limit) }) : null,
      h('path', { class: 'area', d: area(lines[0].most ?? lines[0].values) }),
      lines.toReversed().map((line) => h('path', { class: `line line${line.colour}`, d: path(line.values), key: line.name }))),
    heights.map((value) => h('span', { class: 'height quiet', 'aria-hidden': 'true', style: { top: `${y(value) / height * 100}%` } }, text(value)))),
    h('div', { class: 'axis quiet' }, marks.map(([at, name]) => h('span', { class: x(at) < width / 20 ? 'first' : x(at) > width * 0.94 ? 'last' : null, style: { left: `${x(at) / width * 100}%` } }, name))),
    lines.length > 1 ? h('ul', { class: 'legend' }, lines.map((line) => h('li', { key: line.name },
      h('span', { class: `swatch line${line.colour}`, 'aria-hidden': 'true' }),
      line.link ? h('a', { href: line.link }, line.name) : line.name,
      h('span', { class: 'quiet' }, ` ${text(line.values.at(-1))}`)))) : null);
}

"""####),
WebFile("ui/dom.js", ####"""
// Builds and updates the page. A view is a plain description made by h(); patch() makes the page look like it and touches
// nothing that is right already, so that focus, selection and scroll positions survive each update.
//
// Whatever is shown becomes a text node or an attribute, never markup: names chosen by strangers stay names.

const svgNamespace = 'http://www.w3.org/2000/svg';
const svgTags = new Set(['svg', 'g', 'path', 'rect', 'line', 'text', 'circle', 'polyline']);

/** Describes an element. Children may be strings, numbers, views, arrays of those, or nothing (null, false). */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children: children.flat(Infinity).filter(isShown) };
}

/**
 * Describes an element whose inside is kept by an object of its own.
 * @param type A class: constructed with (element, props); update(props) and destroy() are called later.
 */
export function widget(type, props, tag = 'div', attributes = {}) {
  return { tag, props: attributes, key: props.key, children: [], widget: type, state: props };
}

function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== true;
}

/** Makes the children of `parent` look like `views`. */
export function patch(parent, views) {
  const list = (Array.isArray(views) ? views.flat(Infinity) : [views]).filter(isShown);
  const wanted = new Set();
  for (const view of list) if (view.key !== undefined) wanted.add(view.key);
  const keyed = new Map();
  for (const node of parent.childNodes) if (node.viewKey !== undefined) keyed.set(node.viewKey, node);

  let cursor = parent.firstChild;
  for (const view of list) {
    // What is to go goes first: the nodes behind it then need not be moved, which would cost them the focus.
    while (cursor && cursor.viewKey !== undefined && !wanted.has(cursor.viewKey)) cursor = remove(cursor);
    if (typeof view !== 'object') {
      const text = String(view);
      if (cursor && cursor.nodeType === Node.TEXT_NODE) {
        if (cursor.nodeValue !== text) cursor.nodeValue = text;
        cursor = cursor.nextSibling;
      } else {
        parent.insertBefore(document.createTextNode(text), cursor);
      }
      continue;
    }
    let node = view.key !== undefined ? keyed.get(view.key) : cursor;
    if (!fits(node, view)) node = null;
    if (!node) {
      node = create(view, parent);
      parent.insertBefore(node, cursor);
    } else if (node === cursor) {
      cursor = cursor.nextSibling;
    } else {
      parent.insertBefore(node, cursor);
    }
    update(node, view);
  }
  while (cursor) cursor = remove(cursor);
}

function fits(node, view) {
  return node && node.nodeType === Node.ELEMENT_NODE && node.viewTag === view.tag && node.viewKey === view.key
    && node.widget?.constructor === view.widget;
}

function create(view, parent) {
  const isSVG = svgTags.has(view.tag) || (parent.namespaceURI === svgNamespace && view.tag === 'title')
    || (parent.namespaceURI === svgNamespace && view.tag === 'a');
  const node = isSVG ? document.createElementNS(svgNamespace, view.tag) : document.createElement(view.tag);
  node.viewTag = view.tag;
  node.viewKey = view.key;
  return node;
}

function update(node, view) {
  const old = node.viewProps ?? {};
  for (const name in old) if (!(name in view.props)) setProperty(node, name, null);
  for (const name in view.props) {
    if (old[name] !== view.props[name] || name === 'value') setProperty(node, name, view.props[name]);
  }
  node.viewProps = view.props;
  if (!view.widget) return patch(node, view.children);
  if (node.widget) node.widget.update(view.state);
  else node.widget = new view.widget(node, view.state);
}

function setProperty(node, name, value) {
  if (name === 'key') return;
  if (name.startsWith('on')) return listen(node, name.slice(2), value);
  if (name === 'style') {
    // Through the object model: the page's policy forbids style attributes.
    for (const [property, text] of Object.entries(value ?? {})) node.style.setProperty(property, text);
    return;
  }
  if (name === 'value' || name === 'checked') {
    if (node[name] !== value) node[name] = value ?? '';
    return;
  }
  if ((name === 'href' || name === 'src') && value !== null && !isSafeLink(value)) value = null;
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}

/** Links lead within the page, to this master, or to the web; never to a script. */
export function isSafeLink(link) {
  if (link.startsWith('#') || /^\/(?!\/)/.test(link)) return true;
  try {
    return ['http:', 'https:'].includes(new URL(link).protocol);
  } catch {
    return false;
  }
}

function listen(node, event, action) {
  node.actions ??= {};
  if (!(event in node.actions)) node.addEventListener(event, (happened) => node.actions[event]?.(happened));
  node.actions[event] = action;
}

/** Takes a node out and lets the objects inside it finish. */
function remove(node) {
  const next = node.nextSibling;
  finish(node);
  node.remove();
  return next;
}

function finish(node) {
  node.widget?.destroy?.();
  for (const child of node.childNodes) finish(child);
}

"""####),
WebFile("ui/format.js", ####"""
// Numbers, sizes, times and states as people read them.

/** With two places at most, and thousands apart: `12,345.67`. */
export function number(value) {
  // Making the language's own formatter takes longer than all the numbers of a page.
  const [whole, part] = String(Number((value ?? 0).toFixed(2))).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part ? `${grouped}.${part}` : grouped;
}

/** A count with its noun: `1 task`, `2 tasks`. */
export function count(value, noun, plural = noun + 's') {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

/** Mebibytes, as resources count memory and disk. */
export function mebibytes(value) {
  return value ? bytes(value * 1024 * 1024) : '0';
}

export function bytes(value) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let size = value ?? 0;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${Number(size.toFixed(digits))} ${units[unit]}`;
}

export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  const value = share * 100;
  return `${value > 0 && value < 10 ? Number(value.toFixed(1)) : Math.round(value)} %`;
}

/** The resources that the cluster's table shows, in its order. */
export const resourceKinds = [
  { id: 'cpus', title: 'CPUs', text: number },
  { id: 'gpus', title: 'GPUs', text: number },
  { id: 'mem', title: 'Mem', text: mebibytes },
  { id: 'disk', title: 'Disk', text: mebibytes },
];

/** `2 CPUs, 512 MB memory`: what there is of a resources object. */
export function resources(amounts) {
  if (!amounts) return 'nothing';
  const parts = [];
  for (const [name, amount] of Object.entries(amounts)) {
    if (typeof amount === 'number') {
      if (amount === 0) continue;
      if (name === 'cpus') parts.unshift(`${number(amount)} CPU${amount === 1 ? '' : 's'}`);
      else if (name === 'gpus') parts.push(`${number(amount)} GPU${amount === 1 ? '' : 's'}`);
      else if (name === 'mem') parts.push(`${mebibytes(amount)} memory`);
      else if (name === 'disk') parts.push(`${mebibytes(amount)} disk`);
      else parts.push(`${name} ${number(amount)}`);
    } else if (amount) {
      parts.push(`${name} ${amount}`);
    }
  }
  return parts.join(', ') || 'nothing';
}

/** Seconds as `42 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ''}`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h${minutesOf(whole)}`;
  return `${Math.floor(whole / 86400)} d${Math.floor((whole % 86400) / 3600) ? ` ${Math.floor((whole % 86400) / 3600)} h` : ''}`;
}

function minutesOf(seconds) {
  const minutes = Math.floor((seconds % 3600) / 60);
  return minutes ? ` ${minutes} min` : '';
}

/** The same in its largest unit only, for lists. */
export function roughly(seconds) {
  for (const [size, unit] of [[86_400, 'd'], [3_600, 'h'], [60, 'min']]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.max(0, Math.round(seconds))} s`;
}

export function ago(timestamp) {
  if (!timestamp) return '–';
  const seconds = Date.now() / 1000 - timestamp;
  return seconds < 1.5 ? 'just now' : `${duration(seconds)} ago`;
}

/** `2026-11-26 05:32:15` in the reader's time zone. */
export function time(timestamp) {
  if (!timestamp) return '–';
  const date = new Date(timestamp * 1000);
  const two = (value) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `
    + `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The end of an id, which is the part that differs. */
export function shortID(id) {
  if (!id) return '–';
  return id.length <= 16 ? id : `…${id.slice(-12)}`;
}

/** `TASK_RUNNING` as `running`. */
export function stateName(state) {
  return (state ?? '').replace(/^TASK_/, '').toLowerCase().replaceAll('_', ' ');
}

"""####),
WebFile("ui/icon.svg", ####"""
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f6feb"/><path d="M7 23V11l9 7 9-7v12" fill="none" stroke="#fff" stroke-width="3.2" stroke-linejoin="round" stroke-linecap="round"/></svg>

"""####),
WebFile("ui/logview.js", ####"""
// A file that is shown as it grows: its end first, earlier parts on demand, with search.
import { h, patch } from './dom.js';
import { bytes } from './format.js';

const pieceBytes = 50_000;
/** What is kept in the page; a browser becomes slow with more. */
const textMax = 2_000_000;
const pollMilliseconds = 1_000;
const marksMax = 5_000;

// What terminals take for colours and cursor movements.
const escapes = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

/** All that are open: what is marked in any of them is marked by the same two names. */
const shown = new Set();

/**
 * Properties: `title`, `read(offset, length)` (a promise of `{data, offset, length?}` as /files/read answers), `download`
 * (a link), `isGrowing` (whether more may come).
 */
export class LogView {
  #props;
  #element;
  #tools;
  #note;
  #pre;
  #start = 0;
  #end = 0;
  #size = null;
  #problem = null;
  #isFollowing = true;
  #isWrapped = true;
  #isBusy = false;
  #isStopped = false;
  #timer = null;
  #word = '';
  #marks = [];
  #markIndex = -1;
  #encoder = new TextEncoder();

  constructor(element, props) {
    this.#props = props;
    this.#element = element;
    element.classList.add('log');
    this.#tools = document.createElement('div');
    this.#tools.className = 'tools';
    this.#note = document.createElement('div');
    this.#note.className = 'note quiet';
    this.#pre = document.createElement('pre');
    this.#pre.tabIndex = 0;
    this.#pre.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    element.append(this.#tools, this.#note, this.#pre);
    shown.add(this);
    this.#draw();
    this.#run();
  }

  update(props) {
    this.#props = props;
    this.#draw();
  }

  destroy() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    shown.delete(this);
    this.#paint();
  }

  // MARK: Reading

  async #run() {
    if (this.#isStopped) return;
    if (!document.hidden || this.#size === null) await this.#step();
    const pause = this.#problem ? 3_000 : this.#props.isGrowing ? pollMilliseconds : 15_000;
    if (!this.#isStopped) this.#timer = setTimeout(() => this.#run(), pause);
  }

  async #step() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      if (this.#size === null) {
        // Without an offset the answer is the file's size.
        const { offset } = await this.#props.read(-1, 0);
        this.#size = offset;
        this.#start = this.#end = Math.max(0, offset - pieceBytes);
      }
      for (let pieces = 0; pieces < 8 && !this.#isStopped; pieces += 1) {
        const piece = await this.#props.read(this.#end, pieceBytes);
        const length = this.#lengthOf(piece);
        if (length === 0) {
          if (piece.offset < this.#end) this.#restart();
          break;
        }
        this.#append(piece.data);
        this.#end += length;
        this.#size = Math.max(this.#size, this.#end);
        if (length < pieceBytes / 2) break;
      }
      this.#problem = null;
    } catch (error) {
      this.#problem = error;
    }
    this.#isBusy = false;
    if (!this.#isStopped) this.#draw();
  }

  /** The file was cut short: what is shown is no longer in it. */
  #restart() {
    this.#pre.textContent = '';
    this.#start = this.#end = 0;
    this.#size = 0;
  }

  #lengthOf(piece) {
    return piece.length ?? this.#encoder.encode(piece.data).length;
  }

  async #readEarlier() {
    if (this.#isBusy || this.#start === 0) return;
    this.#isBusy = true;
    try {
      const from = Math.max(0, this.#start - pieceBytes);
      let text = '';
      let at = from;
      while (at < this.#start) {
        const piece = await this.#props.read(at, this.#start - at);
        const length = this.#lengthOf(piece);
        if (length === 0) break;
        text += piece.data;
        at += length;
      }
      const height = this.#pre.scrollHeight;
      this.#pre.prepend(document.createTextNode(text.replace(escapes, '')));
      this.#pre.scrollTop += this.#pre.scrollHeight - height;
      this.#start = from;
      this.#problem = null;
      this.#mark();
    } catch (error) {
      this.#problem = error;
    }
    this.#isBusy = false;
    this.#draw();
  }

  #append(text) {
    this.#pre.append(document.createTextNode(text.replace(escapes, '')));
    let kept = this.#pre.textContent.length;
    while (kept > textMax && this.#pre.childNodes.length > 1) {
      const first = this.#pre.firstChild;
      kept -= first.length;
      this.#start += this.#encoder.encode(first.data).length;
      first.remove();
    }
    if (this.#word) this.#mark();
    if (this.#isFollowing) this.#pre.scrollTop = this.#pre.scrollHeight;
  }

  #scrolled() {
    const rest = this.#pre.scrollHeight - this.#pre.scrollTop - this.#pre.clientHeight;
    const isAtEnd = rest < 20;
    if (isAtEnd !== this.#isFollowing) {
      this.#isFollowing = isAtEnd;
      this.#draw();
    }
  }

  // MARK: Search

  /** Marks what was searched for, without touching the text: selections stay. */
  #mark() {
    this.#marks = [];
    const word = this.#word.toLowerCase();
    if (word) {
      for (const node of this.#pre.childNodes) {
        const text = node.data.toLowerCase();
        for (let at = text.indexOf(word); at >= 0 && this.#marks.length < marksMax; at = text.indexOf(word, at + word.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, at + word.length);
          this.#marks.push(range);
        }
      }
    }
    this.#markIndex = Math.min(this.#markIndex, this.#marks.length - 1);
    this.#paint();
  }

  #paint() {
    if (!globalThis.CSS?.highlights) return;
    const all = [...shown];
    CSS.highlights.set('search', new Highlight(...all.flatMap((view) => view.#marks)));
    CSS.highlights.set('search-current', new Highlight(...all.flatMap((view) => view.#marks[view.#markIndex] ?? [])));
  }

  #go(step) {
    const count = this.#marks.length;
    if (count === 0) return;
    // From the newest line back, as one reads a log.
    this.#markIndex = this.#markIndex < 0 ? count - 1 : (this.#markIndex + step + count) % count;
    this.#isFollowing = false;
    const box = this.#marks[this.#markIndex].getBoundingClientRect();
    const outer = this.#pre.getBoundingClientRect();
    this.#pre.scrollTop += box.top - outer.top - outer.height / 2;
    this.#paint();
    this.#draw();
  }

  // MARK: Drawing

  #draw() {
    const { title, download, isGrowing } = this.#props;
    patch(this.#tools, [
      h('strong', {}, title),
      h('input', {
        key: 'search', type: 'search', class: 'search', placeholder: 'Search', 'aria-label': `Search ${title}`,
        spellcheck: 'false', autocomplete: 'off',
        oninput: (event) => {
          this.#word = event.target.value;
          this.#markIndex = -1;
          this.#mark();
          this.#draw();
        },
        onkeydown: (event) => {
          if (event.key === 'Enter') this.#go(event.shiftKey ? 1 : -1);
        },
      }),
      this.#word ? h('span', { key: 'hits', class: 'quiet', role: 'status' },
        this.#markIndex >= 0 ? `${this.#markIndex + 1} of ${this.#marks.length}` : `${this.#marks.length} found`) : null,
      this.#marks.length ? [
        h('button', { key: 'back', class: 'small', onclick: () => this.#go(-1), title: 'The one before (Enter)', 'aria-label': 'Previous match' }, '↑'),
        h('button', { key: 'on', class: 'small', onclick: () => this.#go(1), title: 'The next one (Shift+Enter)', 'aria-label': 'Next match' }, '↓'),
      ] : null,
      h('span', { key: 'gap', class: 'gap' }),
      h('button', {
        key: 'wrap', class: 'small', 'aria-pressed': String(this.#isWrapped), onclick: () => {
          this.#isWrapped = !this.#isWrapped;
          this.#pre.classList.toggle('unwrapped', !this.#isWrapped);
          this.#draw();
        },
      }, 'Wrap'),
      isGrowing ? h('button', {
        key: 'follow', class: 'small', 'aria-pressed': String(this.#isFollowing), onclick: () => {
          this.#isFollowing = !this.#isFollowing;
          if (this.#isFollowing) this.#pre.scrollTop = this.#pre.scrollHeight;
          this.#draw();
        },
      }, 'Follow') : null,
      download ? h('a', { key: 'download', class: 'button small', href: download, download: '' }, 'Download') : null,
    ]);
    patch(this.#note, [
      this.#problem ? h('span', { class: 'bad' }, this.#problem.status === 404 ? 'There is no such file (any more).'
        : `It cannot be read: ${this.#problem.message || `status ${this.#problem.status}`}`) : null,
      !this.#problem && this.#size === 0 ? (isGrowing ? 'Nothing yet.' : 'It is empty.') : null,
      this.#start > 0 ? h('button', { class: 'link', onclick: () => this.#readEarlier() },
        `Show earlier output (${bytes(this.#start)} before this)`) : null,
    ]);
    this.#pre.setAttribute('aria-label', title);
    this.#pre.hidden = !this.#pre.firstChild;
  }
}

"""####),
WebFile("ui/model.js", ####"""
// What the page knows of the cluster: documents of the master, each asked for while somebody looks at it, sooner when an event
// says that something has changed.
import { followEvents, getDocument, LeaderMoved, Refusal } from './net.js';

/** A larger cluster's event stream begins with more than a browser should be sent; it is polled only. */
const streamedObjectsMax = 5_000;
const pollMilliseconds = 5_000;
const nudgedMilliseconds = 700;

const listeners = new Set();
let isTold = false;

/** Tells everybody, at most once a frame. */
export function changed() {
  if (isTold) return;
  isTold = true;
  const tell = () => {
    isTold = false;
    for (const listener of listeners) listener();
  };
  // No frames are drawn for a hidden page.
  if (document.hidden) setTimeout(tell, 200);
  else requestAnimationFrame(tell);
}

export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One document: what was last read of it, and why it could not be read. */
class Source {
  data = null;
  problem = null;
  loadedAt = 0;
  /** What came first of a document that is still on its way. */
  beginning = null;
  /** How long it took, for large ones not to be asked for all the time. */
  cost = 0;
  users = 0;
  #tag = null;
  #isLoading = false;

  constructor(path, prepare = (data) => data, every = pollMilliseconds) {
    this.path = path;
    this.prepare = prepare;
    this.every = every;
  }

  /** Whether it is time to ask again. */
  isDue(now, nudgedAt) {
    if (this.#isLoading || this.users === 0) return false;
    const age = now - this.loadedAt;
    if (this.loadedAt === 0) return true;
    // The browser has asked for a name and was given none: asking again would ask the user again.
    if (this.problem?.status === 401) return false;
    if (this.problem?.status === 403) return age > 30_000;
    if (this.problem) return age > 2_000;
    const least = Math.max(nudgedMilliseconds, this.cost * 10);
    return age > Math.max(this.every, this.cost * 20) || (nudgedAt > this.loadedAt && age > least);
  }

  async load() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const started = performance.now();
    const askedAt = Date.now();
    try {
      const onBeginning = this.showsBeginning && this.data === null ? (elements) => {
        this.beginning = elements;
        changed();
      } : undefined;
      const { data, tag } = await getDocument(this.path, this.data === null ? null : this.#tag, onBeginning);
      this.#tag = tag;
      if (data !== null) this.data = this.prepare(data);
      this.beginning = null;
      this.problem = null;
      contact.answered();
      if (data !== null) this.cost = performance.now() - started;
    } catch (error) {
      if (error instanceof LeaderMoved) return contact.moved();
      this.problem = error;
      contact.failed(error);
    } finally {
      this.loadedAt = askedAt;
      this.#isLoading = false;
      changed();
    }
  }
}

const countedStates = ['STAGING', 'STARTING', 'RUNNING', 'KILLING', 'FINISHED', 'KILLED', 'FAILED', 'LOST', 'ERROR', 'UNREACHABLE']
  .map((name) => `TASK_${name}`);

/** Agents and frameworks by id, and the sums over them. */
function prepareSummary(summary) {
  summary.agentsByID = new Map(summary.slaves.map((agent) => [agent.id, agent]));
  // Several agents of one host differ by their ports only.
  const hosts = new Map();
  for (const agent of summary.slaves) hosts.set(agent.hostname, (hosts.get(agent.hostname) ?? 0) + 1);
  for (const agent of summary.slaves) agent.title = hosts.get(agent.hostname) > 1 ? `${agent.hostname}:${agent.port}` : agent.hostname;
  summary.frameworksByID = new Map(summary.frameworks.map((framework) => [framework.id, framework]));
  const sums = { total: {}, allocated: {}, offered: {} };
  const add = (sum, amounts) => {
    for (const kind of ['cpus', 'gpus', 'mem', 'disk']) sum[kind] = (sum[kind] ?? 0) + (amounts[kind] ?? 0);
  };
  const counts = Object.fromEntries(countedStates.map((state) => [state, 0]));
  for (const agent of summary.slaves) {
    add(sums.total, agent.resources);
    add(sums.allocated, agent.used_resources);
    add(sums.offered, agent.offered_resources);
    for (const state of countedStates) counts[state] += agent[state] ?? 0;
  }
  summary.sums = sums;
  summary.counts = counts;
  summary.taskCount = Object.values(counts).reduce((sum, value) => sum + value, 0);
  watchOffers(summary);
  return summary;
}

/** What is told of frameworks without their tasks, those that are over included. */
function prepareFrameworks(data) {
  const plain = ({ tasks, completed_tasks: completed, unreachable_tasks: unreachable, executors, offers, ...rest }) => ({
    ...rest, taskCount: tasks.length + unreachable.length, completedCount: completed.length, executorCount: executors.length,
    offerCount: offers.length,
  });
  const completed = data.completed_frameworks.map(plain);
  const all = [...data.frameworks.map(plain), ...completed];
  return { completed, byID: new Map(all.map((framework) => [framework.id, framework])) };
}

export const sources = {
  summary: new Source('/state-summary', prepareSummary),
  masters: new Source('/masters', (data) => data, 10_000),
  roles: new Source('/roles', (data) => data.roles),
  frameworks: new Source('/frameworks', prepareFrameworks, 15_000),
  metrics: new Source('/metrics/snapshot', (data) => data, 10_000),
  maintenance: new Source('/maintenance/status', (data) => data, 10_000),
  schedule: new Source('/maintenance/schedule', (data) => data.windows ?? [], 30_000),
  flags: new Source('/flags', (data) => data.flags, 600_000),
};
sources.summary.showsBeginning = true;
// Every view needs names for ids, and the size of the cluster.
sources.summary.users = 1;
sources.masters.users = 1;

/** Uses documents until the returned function is called. */
export function use(...names) {
  for (const name of names) sources[name].users += 1;
  tick();
  return () => {
    for (const name of names) sources[name].users -= 1;
  };
}

/** A document that is not among the common ones, for a view that asks for it itself. */
export function source(path, prepare, every) {
  return new Source(path, prepare, every);
}

/** Whether documents that hold every task can be asked for. */
export function isSmall() {
  const summary = sources.summary.data;
  return summary !== null && summary.slaves.length + summary.taskCount <= streamedObjectsMax;
}

/** Uses the frameworks' own document once the cluster has turned out to be small enough. */
export class FrameworkNames {
  #stop = null;

  keepUp() {
    if (!this.#stop && isSmall()) this.#stop = use('frameworks');
  }

  stop() {
    this.#stop?.();
  }
}

let nudgedAt = 0;

/** Something has happened: documents are out of date. */
export function nudge() {
  nudgedAt = Date.now();
}

const extra = new Set();

/** Keeps a document of a view's own up to date until the returned function is called. */
export function keep(document) {
  document.users += 1;
  extra.add(document);
  tick();
  return () => {
    document.users -= 1;
    extra.delete(document);
  };
}

function tick() {
  if (document.hidden) return;
  const now = Date.now();
  for (const one of [...Object.values(sources), ...extra]) if (one.isDue(now, nudgedAt)) one.load();
  stream.keepUp();
}

// --- Frameworks that sit on offers.

const held = new Map();

/** Remembers since when each framework has held much of the cluster in offers without answering. */
function watchOffers(summary) {
  const now = Date.now();
  for (const framework of summary.frameworks) {
    const share = offeredShare(framework, summary);
    if (share < 0.25) held.delete(framework.id);
    else if (!held.has(framework.id)) held.set(framework.id, now);
  }
  for (const id of held.keys()) if (!summary.frameworksByID.has(id)) held.delete(id);
}

export function offeredShare(framework, summary) {
  return Math.max(...['cpus', 'mem'].map((kind) => {
    const total = summary.sums.total[kind];
    return total > 0 ? framework.offered_resources[kind] / total : 0;
  }));
}

/** Frameworks that have held at least a quarter of the cluster in unanswered offers for some time. */
export function hoarders() {
  const summary = sources.summary.data;
  if (!summary) return [];
  return summary.frameworks
    .filter((framework) => Date.now() - (held.get(framework.id) ?? Infinity) > 15_000)
    .map((framework) => ({
      framework, share: offeredShare(framework, summary), seconds: (Date.now() - held.get(framework.id)) / 1000,
    }));
}

// --- Whether this master answers, and whether it still leads.

export const contact = {
  /** What to say about it; null while all is well. */
  problem: null,
  since: 0,

  answered() {
    if (this.problem) changed();
    this.problem = null;
  },

  failed(error) {
    if (error.status !== 0 && error.status !== 503) return;
    if (!this.problem) this.since = Date.now();
    this.problem = error;
    if (error.status === 0 && Date.now() - this.since > 3_000) this.lookElsewhere();
  },

  /** The page itself is sent to the leader, with what is behind its `#`. */
  moved() {
    if (Date.now() - (this.movedAt ?? 0) < 3_000) return;
    this.movedAt = Date.now();
    location.reload();
  },

  /** Tries the other masters: whichever answers sends this page on to the leader. */
  async lookElsewhere() {
    if (Date.now() - (this.lookedAt ?? 0) < 4_000) return;
    this.lookedAt = Date.now();
    for (const master of this.otherMasters()) {
      try {
        // Only whether it answers can be learned of another origin, and that is enough.
        await fetch(`${master}/health`, { mode: 'no-cors', cache: 'no-store', signal: AbortSignal.timeout(1_500) });
        if (this.problem) location.assign(`${master}/${location.hash}`);
        return;
      } catch {
        // The next one, then.
      }
    }
  },

  otherMasters() {
    const members = sources.masters.data?.masters ?? [];
    return members.filter((member) => member.hostname && !member.self)
      .map((member) => `${location.protocol}//${member.hostname}:${member.port}`);
  },
};

// --- Events.

const eventListeners = new Set();

/** Calls back with each event of the operator stream. */
export function onEvent(listener) {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

class EventStream {
  /** `off`, `opening`, `open`, or why there is none: `large`, `refused`. */
  state = 'off';
  #abort = null;
  #retryAt = 0;

  /** Opens the stream if there should be one. Hidden pages have none: a browser opens only six connections to a host. */
  keepUp() {
    if (this.state !== 'off' && this.state !== 'large') return;
    const summary = sources.summary.data;
    if (!summary || document.hidden || Date.now() < this.#retryAt) return;
    if (!isSmall()) {
      this.state = 'large';
      return;
    }
    this.#follow();
  }

  async #follow() {
    this.state = 'opening';
    this.#abort = new AbortController();
    try {
      await followEvents(() => {
        this.state = 'open';
        nudge();
        changed();
      }, (event) => {
        if (event.type === 'HEARTBEAT') return;
        nudge();
        for (const listener of eventListeners) listener(event);
      }, this.#abort.signal);
      this.state = 'off';
    } catch (error) {
      const isRefused = error instanceof Refusal && [401, 403, 404, 405, 501].includes(error.status);
      this.state = isRefused ? 'refused' : 'off';
    }
    this.#retryAt = Date.now() + 2_000;
    nudge();
    changed();
  }

  stop() {
    this.#abort?.abort();
  }
}

export const stream = new EventStream();

/** Begins to keep everything up to date. */
export function start() {
  setInterval(tick, 250);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return stream.stop();
    nudge();
    tick();
  });
  tick();
}

"""####),
WebFile("ui/net.js", ####"""
// Asks masters for documents: JSON with version tags, and the operator event stream.

/** An answer other than success. Status 0: no answer at all. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** This master sends requests on to another one: the leader has changed. */
export class LeaderMoved extends Error {}

const timeoutMilliseconds = 30_000;

/**
 * Gets a document of this master.
 * @param known The tag of the version at hand; if it is still the newest, `data` is null.
 * @param onBeginning Called with the first elements of the document's first list, if there is more of it than comes at once.
 */
export async function getDocument(path, known, onBeginning) {
  const headers = { Accept: 'application/json' };
  if (known) headers['If-None-Match'] = known;
  const response = await ask(path, { headers });
  const tag = response.headers.get('ETag');
  if (response.status === 304) return { data: null, tag: known };
  return { data: onBeginning ? JSON.parse(await readText(response, onBeginning)) : await response.json(), tag };
}

/** A large document is worth looking at before its end has come. */
async function readText(response, onBeginning) {
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  const parts = [];
  let isBeginning = true;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(decoder.decode(value, { stream: true }));
    if (isBeginning && parts.length > 1) {
      const elements = firstElements(parts.join(''));
      isBeginning = elements.length === 0 && parts.length < 20;
      if (elements.length > 0) onBeginning(elements);
    }
  }
  parts.push(decoder.decode());
  return parts.join('');
}

/** The complete objects at the beginning of the first list in a document that has been cut off: fifty are a screenful. */
export function firstElements(text) {
  const start = text.indexOf('[{') + 1;
  if (start === 0) return [];
  let depth = 0;
  let isText = false;
  let end = start;
  let count = 0;
  for (let index = start; index < text.length && count < 50; index += 1) {
    const character = text[index];
    if (isText) {
      if (character === '\\') index += 1;
      else if (character === '"') isText = false;
    } else if (character === '"') {
      isText = true;
    } else if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth < 0) break;
      if (depth === 0) {
        end = index + 1;
        count += 1;
      }
    }
  }
  return JSON.parse(`[${text.slice(start, end)}]`);
}

async function ask(path, options) {
  let response;
  try {
    // Redirects lead to another origin, which a script cannot follow; the whole page can.
    response = await fetch(path, {
      cache: 'no-store', redirect: 'manual', signal: AbortSignal.timeout(timeoutMilliseconds), ...options,
    });
  } catch (error) {
    throw new Refusal(0, error.name === 'TimeoutError' ? 'no answer within 30 s' : 'no answer');
  }
  if (response.type === 'opaqueredirect') throw new LeaderMoved();
  if (!response.ok && response.status !== 304) throw new Refusal(response.status, await response.text());
  return response;
}

/**
 * Follows the events of POST /api/v1 SUBSCRIBE until the stream ends.
 * @param onEvent Called with each event but the first, whose state of the whole cluster other documents tell in less.
 */
export async function followEvents(onOpen, onEvent, signal) {
  const response = await ask('/api/v1', {
    method: 'POST', body: '{"type":"SUBSCRIBE"}', signal,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
  });
  const reader = response.body.getReader();
  const records = new RecordReader();
  let isFirst = true;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const record of records.take(value, isFirst)) {
      if (isFirst) {
        isFirst = false;
        onOpen();
      } else {
        onEvent(JSON.parse(record));
      }
    }
  }
}

/** Cuts a RecordIO stream (`length\nbytes`) into its records. */
export class RecordReader {
  #decoder = new TextDecoder();
  #header = '';
  /** Bytes of the current record that are still to come; null while its length is being read. */
  #missing = null;
  #parts = [];
  #isSkipping = false;

  /** @param skipsFirst Whether the bytes of the record that begins now are let go of as they come. */
  take(chunk, skipsFirst = false) {
    const records = [];
    let position = 0;
    while (position < chunk.length || this.#missing === 0) {
      if (this.#missing === null) {
        const byte = chunk[position++];
        if (byte !== 10) {
          this.#header += String.fromCharCode(byte);
          continue;
        }
        this.#missing = Number(this.#header);
        this.#header = '';
        this.#isSkipping = skipsFirst && records.length === 0;
      }
      const part = chunk.subarray(position, position + this.#missing);
      position += part.length;
      this.#missing -= part.length;
      if (!this.#isSkipping) this.#parts.push(part.slice());
      if (this.#missing > 0) break;
      records.push(this.#parts.map((bytes) => this.#decoder.decode(bytes, { stream: true })).join(''));
      this.#decoder.decode();
      this.#parts = [];
      this.#missing = null;
    }
    return records;
  }
}

"""####),
WebFile("ui/pages/agents.js", ####"""
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

"""####),
WebFile("ui/pages/cluster.js", ####"""
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


"""####),
WebFile("ui/pages/frameworks.js", ####"""
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

"""####),
WebFile("ui/pages/history.js", ####"""
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

"""####),
WebFile("ui/pages/jenkins.js", ####"""
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


"""####),
WebFile("ui/pages/log.js", ####"""
// The log of the master that answers.
import { h, widget } from '../dom.js';
import { LogView } from '../logview.js';
import { sources, use } from '../model.js';
import { getDocument } from '../net.js';

const path = '/master/log';

export class LogPage {
  title = 'Master’s log';
  #stopUsing = use('flags');

  stop() {
    this.#stopUsing();
  }

  view() {
    const flags = sources.flags.data;
    const heading = h('h1', {}, 'Log of this master');
    if (flags && !flags.log_dir && !flags.external_log_file) {
      return [heading, h('p', {}, 'It writes to standard error only. With --log_dir it can be read here.')];
    }
    return [heading, widget(LogView, {
      key: 'log', title: location.host, isGrowing: true, download: `/files/download?path=${path}`,
      read: async (offset, length) => (await getDocument(`/files/read?path=${path}${offset < 0 ? '' : `&offset=${offset}&length=${length}`}`)).data,
    }, 'section', { class: 'card tall' })];
  }
}

"""####),
WebFile("ui/pages/maintenance.js", ####"""
// Machines that are being taken out of service, and when.
import { h } from '../dom.js';
import { duration, time } from '../format.js';
import { sources, use } from '../model.js';
import { agentLink, badge, waiting } from './parts.js';
import { agentCondition } from './agents.js';

export class MaintenancePage {
  title = 'Maintenance';
  #stopUsing = use('maintenance', 'schedule');

  stop() {
    this.#stopUsing();
  }

  view() {
    const summary = sources.summary.data;
    const moving = (summary?.slaves ?? []).filter((agent) => agent.drain_info || agent.deactivated);
    const status = sources.maintenance.data;
    return [
      h('h1', {}, 'Maintenance'),
      h('section', { class: 'card' }, h('h2', {}, 'Planned'), waiting(sources.schedule) ?? schedule(sources.schedule.data)),
      h('section', { class: 'card' }, h('h2', {}, 'Machines'), waiting(sources.maintenance) ?? machines(status)),
      h('section', { class: 'card' }, h('h2', {}, 'Agents that are drained or deactivated'),
        moving.length === 0 ? h('p', { class: 'quiet' }, 'None.')
          : h('ul', { class: 'members' }, moving.map((agent) => h('li', { key: agent.id }, agentLink(agent.id), ' ', badge(...agentCondition(agent)),
            agent.estimated_drain_start_time_seconds
              ? h('span', { class: 'quiet' }, ` since ${time(agent.estimated_drain_start_time_seconds)}`) : null)))),
    ];
  }
}

function name(machine) {
  return [machine.hostname, machine.ip].filter(Boolean).join(' · ');
}

function schedule(windows) {
  if (windows.length === 0) return h('p', { class: 'quiet' }, 'Nothing is planned.');
  return h('table', { class: 'plain' },
    h('thead', {}, h('tr', {}, ['Machines', 'From', 'For', ''].map((title) => h('th', { scope: 'col' }, title)))),
    h('tbody', {}, windows.map((window, index) => {
      const start = Number(window.unavailability.start.nanoseconds) / 1e9;
      const length = window.unavailability.duration ? Number(window.unavailability.duration.nanoseconds) / 1e9 : null;
      const now = Date.now() / 1000;
      const standing = now < start ? [`in ${duration(start - now)}`, 'idle'] : length !== null && now > start + length ? ['over', 'idle'] : ['now', 'warn'];
      return h('tr', { key: `${index}` }, h('td', {}, window.machine_ids.map(name).join(', ')), h('td', {}, time(start)),
        h('td', {}, length === null ? 'an unknown time' : duration(length)), h('td', {}, badge(...standing)));
    })));
}

function machines(status) {
  const draining = (status.draining_machines ?? []).map((machine) => [name(machine.id), 'draining', 'warn']);
  const down = (status.down_machines ?? []).map((machine) => [name(machine), 'down', 'bad']);
  const all = [...draining, ...down];
  if (all.length === 0) return h('p', { class: 'quiet' }, 'All are in service.');
  return h('ul', { class: 'members' }, all.map(([title, word, kind]) => h('li', { key: title }, title, ' ', badge(word, kind))));
}

"""####),
WebFile("ui/pages/parts.js", ####"""
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

"""####),
WebFile("ui/pages/roles.js", ####"""
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

"""####),
WebFile("ui/pages/task.js", ####"""
// One task: how it stands and why, what it asked for and uses, its output and its files.
import { agentURL, askAgent, filesPath, findRun, usualDirectory } from '../agentlink.js';
import { timeChart } from '../charts.js';
import { h, widget } from '../dom.js';
import { bytes, duration, mebibytes, number, resources, stateName, time } from '../format.js';
import { LogView } from '../logview.js';
import { changed, keep, onEvent, nudge, source, sources } from '../model.js';
import { explainReason, explainSource, explainState, isActive, tone } from '../reasons.js';
import { linkTo, setQuery } from '../router.js';
import { Terminal } from '../terminal.js';
import { agentLink, facts, frameworkLink, roleLink, stateBadge } from './parts.js';

const samplesMax = 300;
const sampleMilliseconds = 2_000;

export class TaskPage {
  #framework;
  #task;
  /** From the address: it leads to the sandbox even when the master has forgotten the task. */
  #agentID;
  #document;
  #stopKeeping;
  #stopEvents;
  #abort = new AbortController();
  /** Where the sandbox is; `undefined` until the agent was asked. */
  #run;
  #runProblem = null;
  #runAskedAt = 0;
  #isAsking = false;
  #samples = [];
  #timer;
  #listing = { path: null, entries: null, problem: null };
  #hasTerminal = false;

  constructor({ framework, task, agent }) {
    this.#framework = framework;
    this.#task = task;
    this.#agentID = agent;
    const query = `framework_id=${encodeURIComponent(framework)}&task_id=${encodeURIComponent(task)}`;
    this.#document = source(`/tasks?with=reasons&limit=20&${query}`, (data) => data.tasks);
    this.#stopKeeping = keep(this.#document);
    this.#stopEvents = onEvent((event) => {
      if (event.task_updated?.status?.task_id?.value === task) nudge();
    });
    this.#timer = setInterval(() => this.#sample(), sampleMilliseconds);
  }

  get title() {
    return this.#newest?.name || this.#task;
  }

  /** An id may have been used before: the newest task of it. */
  get #newest() {
    return this.#document.data?.[0] ?? null;
  }

  get #agent() {
    return sources.summary.data?.agentsByID.get(this.#newest?.slave_id ?? this.#agentID) ?? null;
  }

  stop() {
    this.#stopKeeping();
    this.#stopEvents();
    this.#abort.abort();
    clearInterval(this.#timer);
  }

  // MARK: The agent's part

  /** Asks where the sandbox is, and again while the task is young or has changed. */
  async #ask() {
    const agent = this.#agent;
    const isSettled = this.#run && (this.#run.final || isActive(this.#newest?.state ?? ''));
    if (!agent || this.#isAsking || isSettled || Date.now() - this.#runAskedAt < 2_000) return;
    // The browser has asked the user already.
    if (this.#runProblem?.status === 401) return;
    if (this.#run && Date.now() - this.#runAskedAt < 10_000) return;
    this.#isAsking = true;
    this.#runAskedAt = Date.now();
    try {
      const run = await findRun(agent, this.#framework, this.#task, this.#newest?.executor_id, this.#abort.signal);
      this.#run = run ?? this.#run ?? {
        directory: usualDirectory(this.#framework, this.#task, this.#newest?.executor_id), executor: this.#task, isGuess: true,
      };
      this.#runProblem = null;
    } catch (error) {
      this.#runProblem = error;
    }
    this.#isAsking = false;
    changed();
  }

  async #sample() {
    const agent = this.#agent;
    if (!agent || document.hidden || !this.#run || !isActive(this.#newest?.state ?? '')) return;
    try {
      const all = await askAgent(agent, '/monitor/statistics', this.#abort.signal);
      const own = all.find((one) => one.framework_id === this.#framework && one.executor_id === this.#run.executor);
      const last = this.#samples[this.#samples.length - 1];
      if (!own || own.statistics.timestamp === last?.timestamp) return;
      this.#samples.push(own.statistics);
      if (this.#samples.length > samplesMax) this.#samples.shift();
      changed();
    } catch {
      // Figures are worth less than a message about them; the sandbox tells whether the agent answers.
    }
  }

  #readFile(path) {
    return (offset, length) => askAgent(this.#agent, filesPath('read', path, offset < 0 ? {} : { offset, length }), this.#abort.signal);
  }

  async #browse(path) {
    if (this.#listing.path === path && Date.now() - this.#listing.at < 4_000) return;
    this.#listing = { path, entries: this.#listing.path === path ? this.#listing.entries : null, problem: null, at: Date.now() };
    try {
      this.#listing.entries = await askAgent(this.#agent, filesPath('browse', path), this.#abort.signal);
    } catch (error) {
      this.#listing.problem = error;
    }
    changed();
  }

  // MARK: View

  view(query) {
    const tasks = this.#document.data;
    const task = this.#newest;
    if (this.#agent) this.#ask();
    if (!task) {
      if (!tasks && !this.#document.problem) return [h('h1', {}, 'Task'), h('p', { class: 'quiet' }, 'Loading …')];
      return [
        h('h1', {}, 'Task ', h('span', { class: 'name' }, this.#task)),
        h('p', {}, this.#document.problem ? `It cannot be read: ${this.#document.problem.message}`
          : 'The master has forgotten this task: it remembers the last thousand of each framework that have ended.'),
        this.#agent ? this.#sandbox(query, null) : null,
      ];
    }
    return [
      h('h1', {}, 'Task ', h('span', { class: 'name' }, task.name || task.id), ' ', stateBadge(task.state)),
      this.#verdict(task),
      h('div', { class: 'grid' },
        h('section', { class: 'card' }, h('h2', {}, 'What happened'), history(task)),
        h('section', { class: 'card' }, h('h2', {}, 'Facts'), this.#facts(task))),
      this.#usage(task),
      this.#terminal(task),
      this.#sandbox(query, task),
    ];
  }

  /** A shell in the container. One that was opened stays when the task ends, so that its last words can be read. */
  #terminal(task) {
    const container = this.#run?.container;
    if (!this.#agent || !container || !(this.#hasTerminal || isActive(task.state))) return null;
    const toggle = () => {
      this.#hasTerminal = !this.#hasTerminal;
      changed();
    };
    if (!this.#hasTerminal) {
      return h('p', { key: 'terminal' }, h('button', { onclick: toggle }, 'Open a terminal in the container'));
    }
    return widget(Terminal, { key: `terminal ${container}`, agent: this.#agent, container, onClose: toggle }, 'section', { class: 'card' });
  }

  /** In one or two sentences: how it stands, and why. */
  #verdict(task) {
    const last = task.statuses[task.statuses.length - 1];
    const kind = tone(task.state);
    const reason = kind === 'bad' || kind === 'warn' || kind === 'idle' ? explainReason(last?.reason) : '';
    return h('div', { class: `alert ${kind === 'bad' ? 'bad' : kind === 'warn' ? 'warn' : 'calm'}` },
      h('p', {}, explainState(task.state), reason ? ` ${reason}` : ''),
      last?.message ? h('p', {}, h('code', { class: 'message' }, last.message)) : null,
      last?.healthy === false ? h('p', {}, 'Its health check fails.') : null);
  }

  #facts(task) {
    const first = task.statuses[0]?.timestamp;
    const last = task.statuses[task.statuses.length - 1]?.timestamp;
    const started = task.statuses.find((status) => status.state === 'TASK_RUNNING')?.timestamp;
    const until = isActive(task.state) ? Date.now() / 1000 : last;
    const addresses = [...new Set(task.statuses.flatMap((status) => (status.container_status?.network_infos ?? [])
      .flatMap((info) => (info.ip_addresses ?? []).map((address) => address.ip_address))))];
    const docker = task.container?.docker?.image;
    return facts([
      ['Id', h('code', {}, task.id)],
      ['Framework', frameworkLink(task.framework_id)],
      ['Agent', agentLink(task.slave_id)],
      ['Role', roleLink(task.role)],
      ['Asked for', resources(task.resources)],
      ['Ran for', started ? duration(until - started) : null],
      ['Waited to run', started && first && started - first >= 1 ? duration(started - first) : null],
      ['Image', docker],
      ['User', task.user],
      ['Addresses', addresses.join(', ')],
      ['Executor', task.executor_id],
      ['Container', this.#run?.container ? h('code', {}, this.#run.container) : null],
      ['Builds', (task.labels ?? []).some((label) => label.key === 'node') && (task.labels ?? []).some((label) => label.key === 'controller')
        ? h('a', { href: '#/jenkins' }, 'what this Jenkins agent builds') : null],
      ['Labels', (task.labels ?? []).map((label) => `${label.key}=${label.value ?? ''}`).join(', ')],
      ['Shell in it', h('code', {}, `mini exec --master ${location.host} ${task.id} --tty -- sh`)],
    ].filter(([term]) => term !== 'Shell in it' || task.state === 'TASK_RUNNING'));
  }

  #usage(task) {
    const cpu = [];
    for (let index = 1; index < this.#samples.length; index += 1) {
      const [before, now] = [this.#samples[index - 1], this.#samples[index]];
      const used = (one) => (one.cpus_user_time_secs ?? 0) + (one.cpus_system_time_secs ?? 0);
      cpu.push([now.timestamp, Math.max(0, (used(now) - used(before)) / (now.timestamp - before.timestamp))]);
    }
    const memory = this.#samples.filter((one) => one.mem_rss_bytes !== undefined).map((one) => [one.timestamp, one.mem_rss_bytes]);
    const final = this.#run?.final;
    if (final) {
      return h('section', { class: 'card' }, h('h2', {}, 'Used'), facts([
        ['Processor time', final.cpus_user_time_secs !== undefined
          ? duration((final.cpus_user_time_secs ?? 0) + (final.cpus_system_time_secs ?? 0)) : null],
        ['Most memory', final.mem_peak_bytes ? `${bytes(final.mem_peak_bytes)} of ${mebibytes(task.resources.mem)} asked for`
          : final.mem_rss_bytes ? `${bytes(final.mem_rss_bytes)} when last looked at` : null],
      ]));
    }
    if (this.#samples.length === 0) return null;
    return h('section', { class: 'card' }, h('h2', {}, 'Uses', h('span', { class: 'quiet' }, ' since this page was opened')),
      h('div', { class: 'charts' },
        timeChart({ title: 'CPUs', points: cpu, limit: task.resources.cpus, text: (value) => number(value) }),
        timeChart({ title: 'Memory', points: memory, limit: task.resources.mem * 1024 * 1024, text: bytes })));
  }

  // MARK: Sandbox

  #sandbox(query, task) {
    const agent = this.#agent;
    const id = task?.slave_id ?? this.#agentID;
    if (!agent) {
      return h('section', { class: 'card' }, h('h2', {}, 'Sandbox'), h('p', {},
        `Its agent ${id ?? ''} is not with the master now: its files cannot be asked for.`));
    }
    if (this.#runProblem && !this.#run) return h('section', { class: 'card' }, h('h2', {}, 'Sandbox'), this.#agentProblem(agent));
    if (!this.#run) return h('section', { class: 'card' }, h('h2', {}, 'Sandbox'), h('p', { class: 'quiet' }, 'Asking its agent …'));
    const root = this.#run.directory;
    const isGrowing = !task || isActive(task.state);
    const log = (name) => widget(LogView, {
      key: `${root}/${name}`, title: name, isGrowing, read: this.#readFile(`${root}/${name}`),
      download: agentURL(agent, filesPath('download', `${root}/${name}`)),
    }, 'section', { class: 'card' });
    // After a failure its own words come first.
    const names = tone(task?.state ?? '') === 'bad' ? ['stderr', 'stdout'] : ['stdout', 'stderr'];
    return h('div', { key: 'sandbox' }, h('div', { class: 'logs' }, names.map(log)), this.#files(query, agent, root));
  }

  #agentProblem(agent) {
    const status = this.#runProblem.status;
    if (status === 401 || status === 403) {
      return h('p', {}, 'The agent asks who you are. ', h('a', { href: agentURL(agent, '/state') }, 'Sign in at the agent'),
        ', then come back.');
    }
    return [h('p', { class: 'bad' }, `${this.#runProblem.message}.`), h('p', { class: 'quiet' },
      'Sandboxes are read from the agent itself: its host name has to resolve in this browser, and its port to be open. ',
      h('a', { href: agentURL(agent, '/state') }, 'Try its address'), '.')];
  }

  #files(query, agent, root) {
    const below = query.dir ?? '';
    const directory = below ? `${root}/${below}` : root;
    this.#browse(directory);
    const { entries, problem } = this.#listing;
    const crumbs = below.split('/').filter(Boolean);
    const file = query.file;
    return h('section', { class: 'card' }, h('h2', {}, 'Files'),
      h('p', { class: 'crumbs' }, h('button', { class: 'link', onclick: () => setQuery({ dir: '', file: '' }) }, 'sandbox'),
        crumbs.map((name, index) => [' / ', h('button', {
          class: 'link', onclick: () => setQuery({ dir: crumbs.slice(0, index + 1).join('/'), file: '' }),
        }, name)]), h('span', { class: 'quiet path' }, directory)),
      problem ? h('p', { class: 'bad' }, problem.status === 404
        ? 'There is no sandbox here (any more): agents remove old ones after --gc_delay, or when the disk is full.'
        : `The files cannot be listed: ${problem.message || problem.status}`) : null,
      entries === null && !problem ? h('p', { class: 'quiet' }, 'Loading …') : null,
      entries ? h('div', { class: 'scroller plainScroller' }, h('table', { class: 'files' },
        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Name'), h('th', { scope: 'col', class: 'number' }, 'Size'),
          h('th', { scope: 'col', class: 'priority2' }, 'Mode'), h('th', { scope: 'col', class: 'priority2' }, 'Owner'),
          h('th', { scope: 'col', class: 'priority2' }, 'Changed'), h('th', { scope: 'col' }, ''))),
        h('tbody', {}, entries.length === 0 ? h('tr', {}, h('td', { colspan: 6, class: 'empty' }, 'Empty.')) : null,
          entries.map((entry) => fileRow(entry, below, agent))))) : null,
      file ? widget(LogView, {
        key: `file ${file}`, title: file, isGrowing: true, read: this.#readFile(`${root}/${file}`),
        download: agentURL(agent, filesPath('download', `${root}/${file}`)),
      }, 'div', { class: 'shownFile' }) : null);
  }
}

function fileRow(entry, below, agent) {
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  const place = below ? `${below}/${name}` : name;
  const isDirectory = entry.mode.startsWith('d');
  const isFile = entry.mode.startsWith('-');
  return h('tr', { key: entry.path },
    h('td', {}, isDirectory || isFile
      ? h('button', { class: 'link', onclick: () => setQuery(isDirectory ? { dir: place, file: '' } : { file: place }) },
        isDirectory ? `${name}/` : name) : name),
    h('td', { class: 'number' }, isFile ? bytes(entry.size) : ''),
    h('td', { class: 'priority2' }, h('code', {}, entry.mode)),
    h('td', { class: 'priority2' }, entry.uid),
    h('td', { class: 'priority2' }, time(entry.mtime)),
    h('td', {}, isFile ? h('a', { href: agentURL(agent, filesPath('download', entry.path)), download: name }, 'Download') : ''));
}

/** The statuses in order, each with who said it and why. */
function history(task) {
  if (task.statuses.length === 0) {
    return h('p', { class: 'quiet' }, `Nothing was heard of it yet; it is ${stateName(task.state)}.`);
  }
  return h('ol', { class: 'history' }, task.statuses.map((status, index) => {
    const before = task.statuses[index - 1];
    const later = before ? status.timestamp - before.timestamp : 0;
    return h('li', { key: `${index}`, class: tone(status.state) },
      h('div', {}, stateBadge(status.state), ' ', h('time', {}, time(status.timestamp)),
        later >= 0.5 ? h('span', { class: 'quiet' }, ` after ${duration(later)}`) : null),
      // Without a reason it goes without saying that a task's executor told of it.
      status.reason || (status.source && status.source !== 'SOURCE_EXECUTOR') ? h('div', { class: 'quiet' },
        [explainSource(status.source), status.reason ? status.reason.replace(/^REASON_/, '').toLowerCase().replaceAll('_', ' ') : '']
          .filter(Boolean).join(': ')) : null,
      explainReason(status.reason) && tone(status.state) !== 'running' ? h('div', {}, explainReason(status.reason)) : null,
      status.message ? h('div', {}, h('code', { class: 'message' }, status.message)) : null);
  }));
}

/** A link to a task of which only the ids are known. */
export function taskLink(framework, id, agent, text) {
  return h('a', { href: linkTo(['tasks', framework, id], { agent }) }, text ?? id);
}

"""####),
WebFile("ui/pages/tasks.js", ####"""
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

"""####),
WebFile("ui/reasons.js", ####"""
// What task states and the reasons behind them mean, in words, and what to do about them.

const active = new Set(['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_UNREACHABLE']);
const bad = new Set([
  'TASK_FAILED', 'TASK_LOST', 'TASK_ERROR', 'TASK_DROPPED', 'TASK_GONE', 'TASK_GONE_BY_OPERATOR',
]);

export function isActive(state) {
  return active.has(state);
}

/** One of: good, bad, busy, running, idle. Chooses the colour. */
export function tone(state) {
  if (state === 'TASK_FINISHED') return 'good';
  if (state === 'TASK_RUNNING') return 'running';
  if (bad.has(state)) return 'bad';
  if (state === 'TASK_UNREACHABLE') return 'warn';
  return active.has(state) ? 'busy' : 'idle';
}

const states = {
  TASK_STAGING: 'The master has sent it to its agent, which has not started it yet: it may be pulling an image or fetching files.',
  TASK_STARTING: 'Its executor is starting it.',
  TASK_RUNNING: 'It runs.',
  TASK_KILLING: 'It was told to end and is in its grace period.',
  TASK_FINISHED: 'It ended by itself and reported success.',
  TASK_FAILED: 'It ended and did not succeed.',
  TASK_KILLED: 'It was ended because its framework or an operator asked for it.',
  TASK_ERROR: 'Its description was refused; it never ran.',
  TASK_LOST: 'It ended or never started because something around it failed. Its framework may launch it again.',
  TASK_DROPPED: 'It was never started: it did not reach its agent, or its offer was gone.',
  TASK_UNREACHABLE: 'Its agent does not answer. It may still run there and come back.',
  TASK_GONE: 'It is over for good: its agent or its container no longer exists.',
  TASK_GONE_BY_OPERATOR: 'An operator declared its agent gone.',
  TASK_UNKNOWN: 'The master knows nothing of it.',
};

export function explainState(state) {
  return states[state] ?? '';
}

const reasons = {
  AGENT_DISCONNECTED: 'The agent lost its connection to the master.',
  AGENT_REMOVED: 'The master removed the agent: it stopped answering, or it was shut down.',
  AGENT_REMOVED_BY_OPERATOR: 'An operator declared the agent gone.',
  AGENT_REREGISTERED: 'The agent came back after it had been unreachable.',
  AGENT_RESTARTED: 'The agent was restarted and could not find the task again.',
  AGENT_UNKNOWN: 'The master does not know the agent.',
  AGENT_DRAINING: 'An operator is draining the agent: its tasks are moved away.',
  COMMAND_EXECUTOR_FAILED: 'The command ended with a failure. Its exit status is in the message; its own words are in stderr.',
  CONTAINER_LAUNCH_FAILED: 'The container could not be started: look for a missing image, program, volume or network in the message.',
  CONTAINER_LIMITATION: 'The container went beyond one of its limits.',
  CONTAINER_LIMITATION_DISK: 'It wrote more than its disk resource allows. Ask for more disk or write less.',
  CONTAINER_LIMITATION_MEMORY: 'It used more memory than it asked for and was killed. Ask for more memory.',
  CONTAINER_PREEMPTED: 'The container had to make room for another one.',
  CONTAINER_UPDATE_FAILED: 'The container’s limits could not be changed.',
  EXECUTOR_REGISTRATION_TIMEOUT: 'The executor did not register with its agent in time: it may have died at its start, or an image took too long to pull.',
  EXECUTOR_REREGISTRATION_TIMEOUT: 'The executor did not come back to its restarted agent in time.',
  EXECUTOR_TERMINATED: 'The executor ended before the task was over.',
  EXECUTOR_UNREGISTERED: 'The executor is not registered.',
  FRAMEWORK_REMOVED: 'The framework was torn down, or did not come back in time; its tasks ended with it.',
  GC_ERROR: 'The agent could not reuse the sandbox directory.',
  INVALID_FRAMEWORKID: 'The framework id is not valid.',
  INVALID_OFFERS: 'The offer was no longer valid when the framework accepted it.',
  IO_SWITCHBOARD_EXITED: 'What carries the container’s output ended unexpectedly.',
  MASTER_DISCONNECTED: 'The framework was cut off from the master while launching it.',
  RECONCILIATION: 'The framework asked where the task stands; this is the answer.',
  RESOURCES_UNKNOWN: 'The agent does not have the resources the task is to use.',
  TASK_CHECK_STATUS_UPDATED: 'The result of the task’s check changed.',
  TASK_GROUP_INVALID: 'The description of its task group is not valid.',
  TASK_GROUP_UNAUTHORIZED: 'The framework may not launch this task group.',
  TASK_HEALTH_CHECK_STATUS_UPDATED: 'The result of the task’s health check changed.',
  TASK_INVALID: 'The task’s description is not valid; the message says what is wrong.',
  TASK_KILLED_DURING_LAUNCH: 'It was killed before it was launched.',
  TASK_UNAUTHORIZED: 'The framework’s principal may not launch this task.',
  TASK_UNKNOWN: 'The agent does not know the task.',
  VOLUME_GID_MANAGER_FAILED: 'The group of a shared volume could not be set.',
};

/** `REASON_AGENT_REMOVED` in a sentence; empty for what is not known. */
export function explainReason(reason) {
  return reasons[(reason ?? '').replace(/^REASON_/, '')] ?? '';
}

/** Who reported a status. */
export function explainSource(source) {
  switch (source) {
    case 'SOURCE_MASTER': return 'told by the master';
    case 'SOURCE_AGENT': case 'SOURCE_SLAVE': return 'told by the agent';
    case 'SOURCE_EXECUTOR': return 'told by the task’s executor';
    default: return '';
  }
}

/** What a framework's standing in a role means. */
export function explainStanding(standing) {
  switch (standing) {
    case 'hungry': return 'wants offers';
    case 'suppressed': return 'has said that it wants no offers now';
    case 'disconnected': return 'is not connected';
    case 'unsubscribed': return 'has given this role up but still holds something in it';
    default: return standing;
  }
}

"""####),
WebFile("ui/router.js", ####"""
// Addresses within the page, behind the `#`: `#/tasks?q=web&sort=-cpus`. A reload or a bookmark leads to the same view.

/** The path's components and the query. */
export function currentRoute() {
  const text = location.hash.replace(/^#\/?/, '');
  const [path, query = ''] = text.split('?', 2);
  return {
    path: path.split('/').filter(Boolean).map(decode), query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A link to a view. Empty members of the query are left out. */
export function linkTo(path, query = {}) {
  const shown = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(shown).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

/** Changes the query of the current address without a step in the history. */
export function setQuery(change) {
  const { path, query } = currentRoute();
  history.replaceState(null, '', linkTo(path, { ...query, ...change }));
  dispatchEvent(new Event('routechange'));
}

export const links = {
  agent: (id) => linkTo(['agents', id]),
  framework: (id) => linkTo(['frameworks', id]),
  role: (name) => linkTo(['roles', name]),
  task: (row) => linkTo(['tasks', row.framework, row.id], { agent: row.agent }),
};

"""####),
WebFile("ui/screen.js", ####"""
// What a terminal shows: takes what programs print and keeps lines of characters with their looks. Knows nothing of the page.
// The control sequences are those of xterm that full-screen programs use (ECMA-48, and DEC's private modes).

const scrollbackMax = 2_000;
const parametersMax = 32;
const textMax = 4_096;

/** Looks are shared: each is made once, and cells refer to it. */
const plain = Object.freeze({ fg: null, bg: null, bold: false, dim: false, italic: false, underline: false, inverse: false });

/** DEC's line drawing characters, from the back quote on. */
const lineDrawing = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·';

export class Screen {
  /**
   * @param reply Called with text that the terminal answers to a program that asks.
   */
  constructor(rows, columns, reply = () => {}) {
    this.rows = rows;
    this.columns = columns;
    this.#reply = reply;
    this.reset();
  }

  #reply;
  #state;
  #parameters;
  #text;
  #charset;
  #styles;
  #saved;
  #other;
  #last;

  reset() {
    /** The lines that are seen; each `{ cells: [{ text, style }], isChanged }`. */
    this.lines = this.#blankLines(this.rows);
    /** Lines that have left at the top, oldest first, since they were last taken by `takeScrolled`. */
    this.scrolled = [];
    this.cursor = { row: 0, column: 0 };
    this.isCursorShown = true;
    /** Whether arrow keys are to be sent the other way. */
    this.hasApplicationKeys = false;
    this.hasBracketedPaste = false;
    this.isAlternate = false;
    this.style = plain;
    this.#styles = new Map([[JSON.stringify(plain), plain]]);
    this.#state = 'ground';
    this.#parameters = '';
    this.#text = '';
    this.#charset = { G: [false, false], active: 0 };
    this.#saved = null;
    this.#other = null;
    this.#last = '';
    this.isInserting = false;
    this.isWrapping = true;
    this.isOriginRelative = false;
    /** A character in the last column: the next one begins a line. */
    this.isWrapPending = false;
    this.top = 0;
    this.bottom = this.rows - 1;
    this.tabs = new Set();
    for (let column = 8; column < 1_000; column += 8) this.tabs.add(column);
  }

  /** The lines that have left at the top since the last time. */
  takeScrolled() {
    const lines = this.scrolled;
    this.scrolled = [];
    return lines;
  }

  /** The text that is seen, line by line. */
  get text() {
    return this.lines.map(lineText).join('\n');
  }

  resize(rows, columns) {
    const fit = (lines) => {
      for (const line of lines) {
        line.cells.length = Math.min(line.cells.length, columns);
        while (line.cells.length < columns) line.cells.push(blank(plain));
        line.isChanged = true;
      }
      while (lines.length < rows) lines.push(newLine(columns));
      return lines;
    };
    // What no longer fits leaves at the top, but never the line the cursor is in.
    while (this.lines.length > rows) {
      if (this.cursor.row < rows && this.lines.length - 1 > this.cursor.row) this.lines.pop();
      else {
        this.#leave(this.lines.shift());
        this.cursor.row -= 1;
      }
    }
    this.rows = rows;
    this.columns = columns;
    fit(this.lines);
    if (this.#other) {
      while (this.#other.lines.length > rows) this.#other.lines.shift();
      fit(this.#other.lines);
    }
    this.top = 0;
    this.bottom = rows - 1;
    this.#moveTo(this.cursor.row, this.cursor.column);
  }

  write(text) {
    for (const character of text) this.#take(character);
  }

  // MARK: Characters and sequences

  #take(character) {
    const code = character.codePointAt(0);
    if (this.#state === 'string') return this.#takeString(character, code);
    if (code === 0x1b) {
      this.#state = 'escape';
      this.#parameters = '';
      return undefined;
    }
    // Control characters act in the middle of sequences, too.
    if (code < 0x20) return this.#control(code);
    if (code === 0x7f) return undefined;
    switch (this.#state) {
      case 'escape': return this.#escape(character);
      case 'charset': return this.#chooseCharset(character);
      case 'ignore':
        this.#state = 'ground';
        return undefined;
      case 'sequence': return this.#sequence(character, code);
      default: return this.#print(character, code);
    }
  }

  /** Titles and the like, up to BEL or ESC \. Nothing in them is shown. */
  #takeString(character, code) {
    if (code === 0x07 || (character === '\\' && this.#text.endsWith('\x1b')) || code === 0x18) {
      this.#state = 'ground';
      this.#text = '';
    } else {
      this.#text = (this.#text + character).slice(-textMax);
    }
  }

  #control(code) {
    switch (code) {
      case 0x08:
        this.isWrapPending = false;
        this.cursor.column = Math.max(0, this.cursor.column - 1);
        break;
      case 0x09: {
        let column = this.cursor.column + 1;
        while (column < this.columns - 1 && !this.tabs.has(column)) column += 1;
        this.cursor.column = Math.min(column, this.columns - 1);
        break;
      }
      case 0x0a: case 0x0b: case 0x0c: this.#lineFeed(); break;
      case 0x0d:
        this.isWrapPending = false;
        this.cursor.column = 0;
        break;
      case 0x0e: this.#charset.active = 1; break;
      case 0x0f: this.#charset.active = 0; break;
      case 0x18: case 0x1a: this.#state = 'ground'; break;
      default: break;
    }
  }

  #escape(character) {
    this.#state = 'ground';
    switch (character) {
      case '[':
        this.#state = 'sequence';
        break;
      case ']': case 'P': case '_': case '^': case 'X':
        this.#state = 'string';
        this.#text = '';
        break;
      case '(': case ')':
        this.#state = 'charset';
        this.#parameters = character;
        break;
      case '*': case '+': case '-': case '.': case '/': case '#': case '%': case ' ':
        this.#state = 'ignore';
        break;
      case '7': this.#save(); break;
      case '8': this.#restore(); break;
      case 'D': this.#lineFeed(); break;
      case 'E':
        this.cursor.column = 0;
        this.#lineFeed();
        break;
      case 'H': this.tabs.add(this.cursor.column); break;
      case 'M': this.#reverseLineFeed(); break;
      case 'c': this.reset(); break;
      default: break;
    }
  }

  #chooseCharset(character) {
    this.#charset.G[this.#parameters === '(' ? 0 : 1] = character === '0';
    this.#state = 'ground';
  }

  #sequence(character, code) {
    if (code >= 0x20 && code <= 0x3f) {
      if (this.#parameters.length < 200) this.#parameters += character;
      return;
    }
    this.#state = 'ground';
    const [, mark, numbers, between] = /^([<-?]?)([0-9;:]*)(.*)$/.exec(this.#parameters);
    const list = numbers.split(';', parametersMax).map((one) => (one === '' ? null : Math.min(Number.parseInt(one, 10) || 0, 9_999)));
    if (between) {
      // Soft reset; whatever else has something in between asks for what is not here.
      if (between === '!' && character === 'p') this.#softReset();
      return;
    }
    if (mark === '?') this.#privateMode(character, list);
    else if (mark === '>' && character === 'c') this.#reply('\x1b[>0;1;0c');
    else if (mark === '') this.#command(character, list, numbers);
  }

  #command(character, list, numbers) {
    const count = Math.max(1, list[0] ?? 1);
    const { row, column } = this.cursor;
    switch (character) {
      case '@': this.#insertCells(count); break;
      case 'A': this.#moveTo(Math.max(row - count, row >= this.top ? this.top : 0), column); break;
      case 'B': case 'e': this.#moveTo(Math.min(row + count, row <= this.bottom ? this.bottom : this.rows - 1), column); break;
      case 'C': case 'a': this.#moveTo(row, column + count); break;
      case 'D': this.#moveTo(row, column - count); break;
      case 'E': this.#moveTo(Math.min(row + count, this.bottom), 0); break;
      case 'F': this.#moveTo(Math.max(row - count, this.top), 0); break;
      case 'G': case '`': this.#moveTo(row, count - 1); break;
      case 'H': case 'f': this.#moveTo(count - 1 + this.#origin, Math.max(1, list[1] ?? 1) - 1); break;
      case 'I': for (let step = 0; step < Math.min(count, this.columns); step += 1) this.#control(0x09); break;
      case 'J': this.#eraseInDisplay(list[0] ?? 0); break;
      case 'K': this.#eraseInLine(list[0] ?? 0); break;
      case 'L': this.#scrollWithin(row, -count); break;
      case 'M': this.#scrollWithin(row, count); break;
      case 'P': this.#deleteCells(count); break;
      case 'S': this.#scroll(Math.min(count, this.rows)); break;
      case 'T': this.#scroll(-Math.min(count, this.rows)); break;
      case 'X': this.#erase(row, column, column + count); break;
      case 'Z': for (let step = 0; step < Math.min(count, this.columns); step += 1) this.#tabBack(); break;
      case 'b': for (let step = 0; step < Math.min(count, this.columns * this.rows); step += 1) this.write(this.#last); break;
      case 'c': this.#reply('\x1b[?1;2c'); break;
      case 'd': this.#moveTo(count - 1 + this.#origin, column); break;
      case 'g':
        if ((list[0] ?? 0) === 3) this.tabs.clear();
        else this.tabs.delete(column);
        break;
      case 'h': case 'l': if (list.includes(4)) this.isInserting = character === 'h'; break;
      case 'm': this.#look(list, numbers); break;
      case 'n':
        if (list[0] === 5) this.#reply('\x1b[0n');
        if (list[0] === 6) this.#reply(`\x1b[${row - this.#origin + 1};${column + 1}R`);
        break;
      case 'r': {
        const top = Math.max(1, list[0] ?? 1) - 1;
        const bottom = Math.min(this.rows, list[1] || this.rows) - 1;
        if (top < bottom) {
          this.top = top;
          this.bottom = bottom;
          this.#moveTo(this.#origin, 0);
        }
        break;
      }
      case 's': this.#save(); break;
      case 'u': this.#restore(); break;
      default: break;
    }
  }

  get #origin() {
    return this.isOriginRelative ? this.top : 0;
  }

  #privateMode(character, list) {
    const isOn = character === 'h';
    if (!isOn && character !== 'l') return;
    for (const mode of list) {
      switch (mode) {
        case 1: this.hasApplicationKeys = isOn; break;
        case 6:
          this.isOriginRelative = isOn;
          this.#moveTo(this.#origin, 0);
          break;
        case 7: this.isWrapping = isOn; break;
        case 25: this.isCursorShown = isOn; break;
        case 47: case 1047: this.#alternate(isOn); break;
        case 1048:
          if (isOn) this.#save();
          else this.#restore();
          break;
        case 1049:
          if (isOn) this.#save();
          this.#alternate(isOn);
          if (!isOn) this.#restore();
          break;
        case 2004: this.hasBracketedPaste = isOn; break;
        default: break;
      }
    }
  }

  #softReset() {
    this.isCursorShown = true;
    this.isOriginRelative = false;
    this.isInserting = false;
    this.isWrapping = true;
    this.hasApplicationKeys = false;
    this.top = 0;
    this.bottom = this.rows - 1;
    this.style = plain;
    this.#charset = { G: [false, false], active: 0 };
  }

  /** Full-screen programs have a screen of their own; what was there before comes back. */
  #alternate(isOn) {
    if (isOn === this.isAlternate) return;
    this.isAlternate = isOn;
    if (isOn) {
      this.#other = { lines: this.lines };
      this.lines = this.#blankLines(this.rows);
    } else {
      this.lines = this.#other.lines;
      this.#other = null;
    }
    this.#changeAll();
  }

  #save() {
    this.#saved = {
      cursor: { ...this.cursor }, style: this.style, isOriginRelative: this.isOriginRelative,
      charset: { G: [...this.#charset.G], active: this.#charset.active },
    };
  }

  #restore() {
    const saved = this.#saved ?? {
      cursor: { row: 0, column: 0 }, style: plain, isOriginRelative: false, charset: { G: [false, false], active: 0 },
    };
    this.style = saved.style;
    this.isOriginRelative = saved.isOriginRelative;
    this.#charset = { G: [...saved.charset.G], active: saved.charset.active };
    this.#moveTo(saved.cursor.row, saved.cursor.column);
  }

  // MARK: Looks

  #look(list, numbers) {
    // With colons, as newer programs write it, a colour's parts belong together.
    const parts = numbers.includes(':') ? numbers.split(/[;:]/, parametersMax).map((one) => Number.parseInt(one, 10) || 0)
      : list.map((one) => one ?? 0);
    const style = { ...this.style };
    for (let index = 0; index < parts.length; index += 1) {
      const part = parts[index];
      if (part === 0) Object.assign(style, plain);
      else if (part === 1) style.bold = true;
      else if (part === 2) style.dim = true;
      else if (part === 3) style.italic = true;
      else if (part === 4 || part === 21) style.underline = true;
      else if (part === 7) style.inverse = true;
      else if (part === 22) style.bold = style.dim = false;
      else if (part === 23) style.italic = false;
      else if (part === 24) style.underline = false;
      else if (part === 27) style.inverse = false;
      else if (part >= 30 && part <= 37) style.fg = part - 30;
      else if (part === 39) style.fg = null;
      else if (part >= 40 && part <= 47) style.bg = part - 40;
      else if (part === 49) style.bg = null;
      else if (part >= 90 && part <= 97) style.fg = part - 82;
      else if (part >= 100 && part <= 107) style.bg = part - 92;
      else if (part === 38 || part === 48) {
        const name = part === 38 ? 'fg' : 'bg';
        if (parts[index + 1] === 5) {
          style[name] = palette(parts[index + 2] ?? 0);
          index += 2;
        } else if (parts[index + 1] === 2) {
          style[name] = rgb(parts.slice(index + 2, index + 5));
          index += 4;
        }
      }
    }
    const key = JSON.stringify(style);
    if (!this.#styles.has(key)) {
      if (this.#styles.size > 4_096) this.#styles.clear();
      this.#styles.set(key, Object.freeze(style));
    }
    this.style = this.#styles.get(key);
  }

  // MARK: Cells

  #print(character, code) {
    let text = character;
    if (this.#charset.G[this.#charset.active] && code >= 0x60 && code <= 0x7e) text = lineDrawing[code - 0x60];
    const width = code < 0x300 ? 1 : widthOf(character, code);
    if (width === 0) return this.#combine(text);
    if (this.isWrapPending || this.cursor.column + width > this.columns) {
      if (this.isWrapping) {
        this.cursor.column = 0;
        this.#lineFeed();
      } else {
        this.cursor.column = Math.max(0, this.columns - width);
      }
      this.isWrapPending = false;
    }
    const line = this.lines[this.cursor.row];
    if (this.isInserting) this.#insertCells(width);
    line.cells[this.cursor.column] = { text, style: this.style };
    if (width === 2 && this.cursor.column + 1 < this.columns) line.cells[this.cursor.column + 1] = { text: '', style: this.style };
    line.isChanged = true;
    this.#last = character;
    if (this.cursor.column + width >= this.columns) {
      this.cursor.column = this.columns - 1;
      this.isWrapPending = this.isWrapping;
    } else {
      this.cursor.column += width;
    }
    return undefined;
  }

  /** An accent belongs to the character before it. */
  #combine(text) {
    const line = this.lines[this.cursor.row];
    let column = this.isWrapPending ? this.cursor.column : this.cursor.column - 1;
    if (column > 0 && line.cells[column].text === '') column -= 1;
    if (column < 0 || line.cells[column].text.length > 16) return;
    line.cells[column] = { text: line.cells[column].text + text, style: line.cells[column].style };
    line.isChanged = true;
  }

  #moveTo(row, column) {
    this.isWrapPending = false;
    const top = this.isOriginRelative ? this.top : 0;
    const bottom = this.isOriginRelative ? this.bottom : this.rows - 1;
    this.cursor.row = Math.min(Math.max(row, top), bottom);
    this.cursor.column = Math.min(Math.max(column, 0), this.columns - 1);
  }

  #tabBack() {
    let column = this.cursor.column - 1;
    while (column > 0 && !this.tabs.has(column)) column -= 1;
    this.cursor.column = Math.max(0, column);
  }

  #lineFeed() {
    this.isWrapPending = false;
    if (this.cursor.row === this.bottom) this.#scroll(1);
    else if (this.cursor.row < this.rows - 1) this.cursor.row += 1;
  }

  #reverseLineFeed() {
    this.isWrapPending = false;
    if (this.cursor.row === this.top) this.#scroll(-1);
    else if (this.cursor.row > 0) this.cursor.row -= 1;
  }

  /** Moves the lines of the scrolling region up, or down if `count` is negative. */
  #scroll(count) {
    for (let step = 0; step < Math.abs(count); step += 1) {
      if (count > 0) {
        const [line] = this.lines.splice(this.top, 1);
        this.lines.splice(this.bottom, 0, newLine(this.columns, this.#blankStyle));
        if (this.top === 0) this.#leave(line);
      } else {
        this.lines.splice(this.bottom, 1);
        this.lines.splice(this.top, 0, newLine(this.columns, this.#blankStyle));
      }
    }
    this.#changeAll();
  }

  /** Takes lines out at a row, or puts some in if `count` is negative. */
  #scrollWithin(row, count) {
    if (row < this.top || row > this.bottom) return;
    const top = this.top;
    this.top = row;
    const isFirst = row === 0;
    // Lines that are deleted are not history.
    const kept = this.scrolled.length;
    this.#scroll(Math.sign(count) * Math.min(Math.abs(count), this.bottom - row + 1));
    if (isFirst) this.scrolled.length = kept;
    this.top = top;
    this.cursor.column = 0;
    this.isWrapPending = false;
  }

  #leave(line) {
    if (this.isAlternate) return;
    this.scrolled.push(line);
    if (this.scrolled.length > scrollbackMax) this.scrolled.shift();
  }

  #eraseInDisplay(what) {
    const { row, column } = this.cursor;
    if (what === 3) return;
    const from = what === 0 ? row + 1 : 0;
    const until = what === 1 ? row : this.rows;
    for (let index = from; index < until; index += 1) this.#erase(index, 0, this.columns);
    if (what === 0) this.#erase(row, column, this.columns);
    if (what === 1) this.#erase(row, 0, column + 1);
  }

  #eraseInLine(what) {
    const { row, column } = this.cursor;
    this.#erase(row, what === 0 ? column : 0, what === 1 ? column + 1 : this.columns);
  }

  #erase(row, from, until) {
    const line = this.lines[row];
    const style = this.#blankStyle;
    for (let column = from; column < Math.min(until, this.columns); column += 1) line.cells[column] = blank(style);
    line.isChanged = true;
    this.isWrapPending = false;
  }

  #insertCells(count) {
    const line = this.lines[this.cursor.row];
    const style = this.#blankStyle;
    const added = Array.from({ length: Math.min(count, this.columns - this.cursor.column) }, () => blank(style));
    line.cells.splice(this.cursor.column, 0, ...added);
    line.cells.length = this.columns;
    line.isChanged = true;
  }

  #deleteCells(count) {
    const line = this.lines[this.cursor.row];
    const style = this.#blankStyle;
    line.cells.splice(this.cursor.column, Math.min(count, this.columns - this.cursor.column));
    while (line.cells.length < this.columns) line.cells.push(blank(style));
    line.isChanged = true;
  }

  /** What is erased takes the current background. */
  get #blankStyle() {
    return this.style.bg === null ? plain : this.style;
  }

  #blankLines(count) {
    return Array.from({ length: count }, () => newLine(this.columns));
  }

  #changeAll() {
    for (const line of this.lines) line.isChanged = true;
  }
}

export function lineText(line) {
  return line.cells.map((cell) => cell.text).join('').trimEnd();
}

function blank(style) {
  return { text: ' ', style };
}

function newLine(columns, style = plain) {
  return { cells: Array.from({ length: columns }, () => blank(style)), isChanged: true };
}

/** The first sixteen have names in the theme; the others are what every terminal makes of them. */
function palette(index) {
  if (index < 16) return index;
  if (index >= 232) return rgb(Array(3).fill(8 + 10 * (Math.min(index, 255) - 232)));
  const steps = [0, 95, 135, 175, 215, 255];
  const rest = index - 16;
  return rgb([steps[Math.floor(rest / 36)], steps[Math.floor(rest / 6) % 6], steps[rest % 6]]);
}

function rgb(parts) {
  return `#${[0, 1, 2].map((index) => Math.min(parts[index] || 0, 255).toString(16).padStart(2, '0')).join('')}`;
}

/** How many cells a character takes: none for accents and joiners, two for East Asian wide ones and emoji. */
function widthOf(character, code) {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  const isWide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0x303e) || (code >= 0x3041 && code <= 0xa4cf)
    || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f)
    || (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1f64f)
    || (code >= 0x1f900 && code <= 0x1f9ff) || (code >= 0x20000 && code <= 0x3fffd);
  return isWide ? 2 : 1;
}

"""####),
WebFile("ui/session.js", ####"""
// A shell beside a task, in the task's container: the agent runs it as a nested container session.
import { reachAgent } from './agentlink.js';
import { RecordReader } from './net.js';

// Whichever shell there is; bash if it is.
const shell = 'command -v bash >/dev/null 2>&1 && exec bash; exec sh';
/** What is typed goes to the agent in requests of at most this size, one after another. */
const inputMax = 64 << 10;

export class Session {
  #agent;
  #id;
  #events;
  #abort = new AbortController();
  #isOver = false;
  /** Records that wait for the request before them. */
  #waiting = [];
  #isSending = false;

  /**
   * @param parent The id of the task's container.
   * @param events `onOutput(bytes)`, and once `onEnd(text, isBad)`.
   */
  constructor(agent, parent, events) {
    this.#agent = agent;
    this.#id = { value: crypto.randomUUID?.() ?? `web-${Date.now()}-${Math.floor(Math.random() * 1e9)}`, parent: { value: parent } };
    this.#events = events;
  }

  /** Runs until the shell has ended. */
  async run(rows, columns) {
    try {
      const response = await this.#call({
        type: 'LAUNCH_NESTED_CONTAINER_SESSION',
        launch_nested_container_session: {
          container_id: this.#id,
          command: { value: shell, shell: true, environment: { variables: [{ name: 'TERM', value: 'xterm-256color' }] } },
          container: { type: 'MESOS', tty_info: { window_size: { rows, columns } } },
        },
      }, { signal: this.#abort.signal, headers: { Accept: 'application/recordio', 'Message-Accept': 'application/json' } });
      if (!response.ok) throw new Error((await response.text()) || `the agent answers with status ${response.status}`);
      await this.#read(response.body.getReader());
      await this.#finish();
    } catch (error) {
      this.#end(error.message, true);
    }
  }

  async #read(reader) {
    const records = new RecordReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const record of records.take(value)) {
        const { data } = JSON.parse(record);
        if (data?.data) this.#events.onOutput(Uint8Array.from(atob(data.data), (character) => character.charCodeAt(0)));
      }
    }
  }

  /** Asks how it ended, and has the agent forget it. */
  async #finish() {
    const wait = await this.#call({ type: 'WAIT_NESTED_CONTAINER', wait_nested_container: { container_id: this.#id } });
    const status = wait.ok ? (await wait.json()).wait_nested_container?.exit_status : undefined;
    this.#call({ type: 'REMOVE_NESTED_CONTAINER', remove_nested_container: { container_id: this.#id } }).catch(() => {});
    const signal = status & 0x7f;
    this.#end(status === undefined ? 'The shell has ended.' : signal ? `The shell was ended by signal ${signal}.`
      : `The shell has ended with status ${(status >> 8) & 0xff}.`, false);
  }

  #end(text, isBad) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onEnd(text, isBad);
  }

  /** Without its reader the shell ends, with everything it has started. */
  close() {
    this.#isOver = true;
    this.#abort.abort();
  }

  type(text) {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += inputMax / 2) {
      const part = bytes.subarray(at, at + inputMax / 2);
      let binary = '';
      for (const byte of part) binary += String.fromCharCode(byte);
      this.#send({ type: 'DATA', data: { type: 'STDIN', data: btoa(binary) } });
    }
  }

  resize(rows, columns) {
    this.#send({ type: 'CONTROL', control: { type: 'TTY_INFO', tty_info: { window_size: { rows, columns } } } });
  }

  #send(message) {
    this.#waiting.push(record({
      type: 'ATTACH_CONTAINER_INPUT', attach_container_input: { type: 'PROCESS_IO', process_io: message },
    }));
    if (!this.#isSending) this.#sendAll();
  }

  /** A browser cannot send a request bit by bit: whatever was typed while one was under way goes into the next. */
  async #sendAll() {
    this.#isSending = true;
    const first = record({
      type: 'ATTACH_CONTAINER_INPUT', attach_container_input: { type: 'CONTAINER_ID', container_id: this.#id },
    });
    while (this.#waiting.length > 0 && !this.#isOver) {
      let body = first;
      while (this.#waiting.length > 0 && body.length < inputMax) body += this.#waiting.shift();
      try {
        const response = await reachAgent(this.#agent, '/api/v1', {
          method: 'POST', body, headers: { 'Content-Type': 'application/recordio', 'Message-Content-Type': 'application/json' },
        });
        if (!response.ok && !this.#isOver) this.#refuse(await response.text());
      } catch (error) {
        this.#refuse(error.message);
      }
    }
    this.#isSending = false;
  }

  /** What cannot be typed is lost; a shell whose end is near tells the reason itself. */
  #refuse(reason) {
    if (!this.#isOver) this.#events.onOutput(new TextEncoder().encode(`\r\n[not sent: ${reason.slice(0, 200)}]\r\n`));
  }

  #call(call, { headers = {}, signal } = {}) {
    return reachAgent(this.#agent, '/api/v1', {
      method: 'POST', body: JSON.stringify(call), headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...headers },
      signal,
    });
  }
}

/** Of ASCII only: what is not is escaped, so characters are bytes. */
function record(message) {
  const text = JSON.stringify(message).replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${text.length}\n${text}`;
}

"""####),
WebFile("ui/style.css", ####"""
/* The page's looks. Colours have names for what they mean; both themes define them all. */

:root {
  color-scheme: light dark;
  --ground: #f5f6f8;
  --card: #ffffff;
  --text: #1c2330;
  --quiet: #5c6675;
  --line: #dfe3e8;
  --hover: #eef3fb;
  --link: #0b57c2;
  --accent: #1f6feb;
  --good: #1a7f4b;
  --bad: #b3261e;
  --warn: #8a5a00;
  --good-ground: #dff3e7;
  --bad-ground: #fde5e2;
  --warn-ground: #fdf0d3;
  --running-ground: #e0ebfd;
  --idle-ground: #e9ecf0;
  --allocated: #1f6feb;
  --offered: #e0a12b;
  --track: #e3e7ed;
  --mark: #ffe27a;
  --mark-current: #ff9d3c;
  --code: #f2f4f7;
}

@media (prefers-color-scheme: dark) {
  :root:not([data-theme="light"]) {
    --ground: #10141a;
    --card: #181e27;
    --text: #e3e8ef;
    --quiet: #98a3b3;
    --line: #2b3442;
    --hover: #202a38;
    --link: #7db4ff;
    --accent: #4d94ff;
    --good: #5fd394;
    --bad: #ff8f85;
    --warn: #f0bd5c;
    --good-ground: #153626;
    --bad-ground: #46201d;
    --warn-ground: #3d2f10;
    --running-ground: #17305a;
    --idle-ground: #2a323e;
    --allocated: #4d94ff;
    --offered: #d79a2b;
    --track: #2b3442;
    --mark: #6b5900;
    --mark-current: #b35c00;
    --code: #11161d;
  }
}

:root[data-theme="dark"] {
  color-scheme: dark;
  --ground: #10141a;
  --card: #181e27;
  --text: #e3e8ef;
  --quiet: #98a3b3;
  --line: #2b3442;
  --hover: #202a38;
  --link: #7db4ff;
  --accent: #4d94ff;
  --good: #5fd394;
  --bad: #ff8f85;
  --warn: #f0bd5c;
  --good-ground: #153626;
  --bad-ground: #46201d;
  --warn-ground: #3d2f10;
  --running-ground: #17305a;
  --idle-ground: #2a323e;
  --allocated: #4d94ff;
  --offered: #d79a2b;
  --track: #2b3442;
  --mark: #6b5900;
  --mark-current: #b35c00;
  --code: #11161d;
}

:root[data-theme="light"] { color-scheme: light; }

* { box-sizing: border-box; }

html { background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }

body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; }

a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }

code, pre, .message { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; }

:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; border-radius: 3px; }
main:focus { outline: none; }

.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--card); padding: 4px 10px; z-index: 10; }

.quiet { color: var(--quiet); }
.bad { color: var(--bad); }
.gap { flex: 1; }

/* The bar. */

#header {
  display: flex; align-items: center; gap: 18px; padding: 0 20px; min-height: 50px; background: var(--card);
  border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 5;
}
.brand { display: flex; align-items: center; gap: 9px; font-weight: 650; color: var(--text); white-space: nowrap; }
.brand:hover { text-decoration: none; }
.brand span { max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
nav { display: flex; align-self: stretch; overflow-x: auto; scrollbar-width: none; flex: 1; }
nav a { display: flex; align-items: center; padding: 0 11px; color: var(--quiet); border-bottom: 2px solid transparent; white-space: nowrap; }
nav a:hover { color: var(--text); text-decoration: none; }
nav a[aria-current] { color: var(--text); border-bottom-color: var(--accent); font-weight: 600; }
.live { display: flex; align-items: center; gap: 6px; color: var(--quiet); font-size: 13px; white-space: nowrap; }

.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--quiet); flex: none; }
.dot.good { background: var(--good); }
.dot.bad { background: var(--bad); }
.dot.busy { background: var(--offered); }
.dot.idle { background: none; border: 2px solid var(--quiet); }

button, .button {
  font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 4px 11px;
  cursor: pointer;
}
button:hover, .button:hover { background: var(--hover); text-decoration: none; }
a.button { display: inline-flex; align-items: center; }
select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 4px 8px; max-width: 100%; }
.small { font-size: 13px; padding: 2px 9px; }
button[aria-pressed="true"], .button[aria-current="true"] { background: var(--running-ground); border-color: var(--accent); }
button.link { border: 0; background: none; padding: 0; color: var(--link); text-align: left; }
button.link:hover { text-decoration: underline; }
.theme { min-width: 3.6rem; }

/* What the page holds. */

main { width: 100%; max-width: 1440px; margin: 0 auto; padding: 18px 20px 40px; flex: 1; }
main.list { display: flex; flex-direction: column; max-width: none; height: calc(100vh - 51px); height: calc(100dvh - 51px); flex: none; padding-bottom: 14px; }

h1 { font-size: 22px; margin: 0 0 14px; font-weight: 650; line-height: 1.35; overflow-wrap: anywhere; }
h1 .name { font-weight: 450; }
h1 .quiet { font-size: 15px; font-weight: 400; }
h2 { font-size: 15px; margin: 0 0 10px; font-weight: 650; }
h2 .more, h2 .quiet { font-weight: 400; font-size: 13px; margin-left: 6px; }
h3 { font-size: 14px; margin: 14px 0 6px; }
.sectionTitle { font-size: 17px; margin: 6px 0 12px; }

.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; margin-bottom: 16px; align-items: start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 15px 18px; margin-bottom: 16px; min-width: 0; }
.grid .card { margin-bottom: 0; height: 100%; }

.alert { border-radius: 8px; padding: 10px 14px; margin-bottom: 14px; background: var(--idle-ground); }
.alert p { margin: 0; }
.alert p + p { margin-top: 6px; }
.alert.bad { background: var(--bad-ground); color: var(--text); }
.alert.warn { background: var(--warn-ground); color: var(--text); }
.alert.calm { background: var(--card); border: 1px solid var(--line); }
#banner .alert { margin: 14px 20px 0; }

.facts { margin: 0; display: grid; gap: 6px; }
.facts > div { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: 10px; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; }

.badge { display: inline-block; padding: 0 8px; border-radius: 999px; font-size: 12.5px; line-height: 20px; font-weight: 550; white-space: nowrap; background: var(--idle-ground); color: var(--text); }
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.badge.running { background: var(--running-ground); color: var(--link); }
.badge.busy { background: var(--warn-ground); color: var(--warn); }
h1 .badge { vertical-align: 4px; }
.countLink { margin-right: 12px; white-space: nowrap; color: var(--text); }

.lead { margin: 0 0 8px; font-size: 16px; }
.members { list-style: none; margin: 0 0 8px; padding: 0; display: grid; gap: 4px; }
.members li { display: flex; align-items: center; gap: 8px; overflow-wrap: anywhere; }
.card > p:last-child { margin-bottom: 0; }

/* Tables. */

table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 550; color: var(--quiet); font-size: 13px; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.plain td, .plain th { padding: 5px 16px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.plain tbody tr:last-child > * { border-bottom: 0; }
.usage { font-variant-numeric: tabular-nums; }
.usage th[scope="row"] { color: var(--text); font-size: 15px; }
.usage .barCell { width: 28%; vertical-align: middle; padding-right: 0; }

.table { display: flex; flex-direction: column; min-height: 0; flex: 1; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin-bottom: 10px; }
.tools:empty { display: none; }
input[type="search"] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; width: 16rem; max-width: 100%; }
.choice { display: inline-flex; flex-wrap: wrap; gap: 6px; }
.scroller { overflow: auto; flex: 1; min-height: 0; border: 1px solid var(--line); border-radius: 8px; background: var(--card); overflow-anchor: none; }
.table.box .scroller { flex: none; max-height: 60vh; }
.plainScroller { flex: none; }
.scroller table { table-layout: fixed; }
.scroller th { width: var(--width, auto); }
.scroller thead th { position: sticky; top: 0; background: var(--card); z-index: 1; height: 36px; box-shadow: inset 0 -1px var(--line); }
.scroller th, .scroller td { padding: 0 10px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.scroller tr { height: 36px; }
.scroller tbody tr:not(.spacer):hover { background: var(--hover); }
.scroller tbody tr.current { background: var(--running-ground); }
.scroller td { border-bottom: 1px solid var(--line); cursor: default; }
.scroller tr.spacer, .scroller tr.spacer td { border: 0; }
.scroller .empty { padding: 14px; text-align: center; color: var(--quiet); white-space: normal; }
.scroller .empty:empty { display: none; }
button.sort { border: 0; background: none; padding: 0; font: inherit; color: inherit; font-weight: 600; }
button.sort:hover { color: var(--text); text-decoration: underline; }
.files { table-layout: auto; }
.reasonList { margin: 0 0 10px; padding-left: 1.2rem; overflow-wrap: anywhere; }
.crumbs { margin: 0 0 8px; display: flex; flex-wrap: wrap; gap: 4px; }
.path { margin-left: auto; font-size: 12px; overflow-wrap: anywhere; }

.amount { display: inline-flex; flex-direction: column; align-items: stretch; width: 100%; line-height: 1.25; font-size: 13.5px; }
.bar { display: flex; height: 9px; border-radius: 5px; background: var(--track); overflow: hidden; min-width: 48px; }
.amount .bar { height: 5px; margin-top: 3px; }
.bar span { height: 100%; }
.bar .allocated, .key.allocated { background: var(--allocated); }
.bar .offered, .key.offered { background: var(--offered); }
.legend { margin: 10px 0 0; font-size: 13px; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; background: var(--track); margin: 0 4px 0 10px; vertical-align: -1px; }
.legend > span { white-space: nowrap; }
.legend > span:first-child .key { margin-left: 0; }

/* Charts. */

.shares { display: grid; gap: 7px; margin-bottom: 10px; }
.share { display: grid; grid-template-columns: minmax(5rem, 11rem) 1fr 8rem; gap: 12px; align-items: center; }
.shareName { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.shareBar { width: 100%; height: 20px; display: block; }
.shareText { white-space: nowrap; font-variant-numeric: tabular-nums; }
.track { fill: var(--track); }
.actual { fill: var(--allocated); }
.actual.over { fill: var(--offered); }
.ideal { fill: var(--text); }
.idealKey { display: inline-block; width: 3px; height: 14px; background: var(--text); vertical-align: -2px; margin: 0 3px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 20px; }
.chart { margin: 0; }
.chart svg { width: 100%; height: 110px; display: block; background: var(--code); border-radius: 6px; }
.chart figcaption { display: flex; flex-wrap: wrap; gap: 0 8px; margin-bottom: 4px; }
.chart figcaption > * { white-space: nowrap; }
.axis { display: flex; justify-content: space-between; font-size: 12px; }
.line { fill: none; stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; }
.area { fill: var(--accent); opacity: .14; }
.limit { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 5; vector-effect: non-scaling-stroke; }

/* History: a colour for each of nine lines, on either ground. */

.plots { grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); }
.plots .card { margin: 0; }
.plots .chart svg { height: 170px; }
.plots .axis { display: block; position: relative; height: 18px; overflow: hidden; }
.plots .axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.plots .axis span.first { transform: none; }
.plots .axis span.last { transform: translateX(-100%); }
.plots .legend { list-style: none; margin: 8px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 14px; }
.plot { position: relative; }
.height { position: absolute; left: 3px; padding: 0 2px; border-radius: 3px; background: color-mix(in srgb, var(--code) 70%, transparent); transform: translateY(-100%); font-size: 11px; line-height: 1.3; pointer-events: none; }
.mark { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.swatch { display: inline-block; width: 12px; height: 3px; margin-right: 5px; vertical-align: middle; background: var(--accent); }
.line1 { --own: #d1651b; } .line2 { --own: #1a9a6c; } .line3 { --own: #a34bc9; } .line4 { --own: #b08900; }
.line5 { --own: #0e90b5; } .line6 { --own: #b83280; } .line7 { --own: #96694c; } .line8 { --own: #6b7280; }
.line:is(.line1, .line2, .line3, .line4, .line5, .line6, .line7, .line8) { stroke: var(--own); }
.swatch:is(.line1, .line2, .line3, .line4, .line5, .line6, .line7, .line8) { background: var(--own); }

/* Tasks. */

.history { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; }
.history li { color: var(--text); border-left: 3px solid var(--line); padding-left: 12px; }
.history li.bad { border-color: var(--bad); }
.history li.good { border-color: var(--good); }
.history li.running { border-color: var(--accent); }
.message { white-space: pre-wrap; overflow-wrap: anywhere; }
.logs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr)); gap: 16px; margin-bottom: 16px; }
.logs .card { margin: 0; }
.log .search { width: 8.5rem; }
.log pre { margin: 0; background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: 8px 10px; min-height: 5rem; max-height: min(26rem, 60vh); overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.log pre.unwrapped { white-space: pre; overflow-wrap: normal; }
.log.tall pre { max-height: calc(100vh - 230px); }
.log .note:not(:empty) { margin-bottom: 6px; }
.shownFile { margin-top: 14px; }
::highlight(search) { background: var(--mark); color: inherit; }
::highlight(search-current) { background: var(--mark-current); color: #fff; }

.client + .client { border-top: 1px solid var(--line); margin-top: 12px; }
.client h3 { font-size: 15px; margin: 12px 0 4px; }
.client h3 .quiet { font-weight: 400; font-size: 14px; }
.client p { margin: 4px 0 8px; }
.decisions { max-height: 20rem; overflow: auto; padding-left: 1.4rem; }

/* Narrow screens: what matters less goes first. */

@media (max-width: 1100px) { .priority3 { display: none; } }

@media (max-width: 760px) {
  .priority2 { display: none; }
  html { font-size: 15px; }
  #header { flex-wrap: wrap; gap: 0 12px; padding: 8px 12px 0; }
  .brand { flex: 1; }
  nav { order: 5; flex: 1 0 100%; min-height: 42px; margin: 0 -4px; }
  main { padding: 14px 12px 30px; }
  main.list { height: calc(100vh - 88px); height: calc(100dvh - 88px); }
  #banner .alert { margin: 12px 12px 0; }
  .card { padding: 13px 13px; }
  .facts > div { grid-template-columns: 7rem minmax(0, 1fr); }
  .usage .barCell, .usage thead th:last-child { display: none; }
  .usage td, .usage th { padding-right: 8px; font-size: 13.5px; }
  .usage th[scope="row"] { font-size: 14px; }
  .share { grid-template-columns: minmax(4rem, 7rem) 1fr 6.5rem; gap: 8px; font-size: 14px; }
  .path { display: none; }
  button, .button, select { min-height: 34px; }
  .log .gap { display: none; }
  .log .search { flex: 1 1 72%; }
  button.link, button.sort { min-height: 0; }
  .scroller th, .scroller td { padding: 0 7px; }
  .scroller th { width: min(var(--width, auto), 29vw); }
  .scroller th:not([style]) { width: auto; }
}

@media print { #header, .tools { display: none; } }

/* The terminal. Its colours are its own in both themes: programs choose theirs for a dark ground. */

.terminal { position: relative; }
.terminal .screen {
  --ground: #11161d; --ink: #e3e8ef; --fg: initial; --bg: initial; margin: 8px 0 0; padding: 8px; height: 26rem; overflow: auto; resize: vertical;
  background: var(--ground); color: var(--ink); border: 1px solid var(--line); border-radius: 6px; line-height: 1.25; white-space: pre;
  overflow-wrap: normal; color-scheme: dark;
}
.terminal.focused .screen { border-color: var(--accent); }
.terminal .screen div { min-height: 1.25em; }
.terminal .keys { position: absolute; left: 12px; bottom: 12px; width: 1px; height: 1px; padding: 0; border: 0; opacity: 0; resize: none; }
.screen .probe { position: absolute; visibility: hidden; }
.screen span { color: var(--fg, var(--ink)); background: var(--bg, transparent); }
.screen .bold { font-weight: 700; }
.screen .dim { opacity: 0.65; }
.screen .italic { font-style: italic; }
.screen .underline { text-decoration: underline; }
.screen .inverse { color: var(--bg, var(--ground)); background: var(--fg, var(--ink)); }
.screen .cursor { outline: 1px solid var(--ink); outline-offset: -1px; }
.focused .screen .cursor { color: var(--bg, var(--ground)); background: var(--fg, var(--ink)); outline: none; }
.screen .fg0 { --fg: #4b5563; } .screen .bg0 { --bg: #2b3442; }
.screen .fg1 { --fg: #ff7b72; } .screen .bg1 { --bg: #8e1519; }
.screen .fg2 { --fg: #56d364; } .screen .bg2 { --bg: #196c2e; }
.screen .fg3 { --fg: #e3b341; } .screen .bg3 { --bg: #845306; }
.screen .fg4 { --fg: #79c0ff; } .screen .bg4 { --bg: #1158c7; }
.screen .fg5 { --fg: #d2a8ff; } .screen .bg5 { --bg: #6e40c9; }
.screen .fg6 { --fg: #76e3ea; } .screen .bg6 { --bg: #1b7c83; }
.screen .fg7 { --fg: #c9d1d9; } .screen .bg7 { --bg: #6e7681; }
.screen .fg8 { --fg: #8b949e; } .screen .bg8 { --bg: #4b5563; }
.screen .fg9 { --fg: #ffa198; } .screen .bg9 { --bg: #b62324; }
.screen .fg10 { --fg: #7ee787; } .screen .bg10 { --bg: #238636; }
.screen .fg11 { --fg: #f2cc60; } .screen .bg11 { --bg: #9e6a03; }
.screen .fg12 { --fg: #a5d6ff; } .screen .bg12 { --bg: #1f6feb; }
.screen .fg13 { --fg: #e2c5ff; } .screen .bg13 { --bg: #8957e5; }
.screen .fg14 { --fg: #b3f0ff; } .screen .bg14 { --bg: #2b8a94; }
.screen .fg15 { --fg: #ffffff; } .screen .bg15 { --bg: #b1bac4; }

"""####),
WebFile("ui/table.js", ####"""
// A table of any length: only the rows in sight are in the document. It filters, sorts, and is walked through with the keys.
import { h, patch } from './dom.js';
import { number } from './format.js';

const rowHeight = 36;
const spareRows = 6;
/** Longer lists are put into order at most every so often, or nothing else would be done. */
const slowRowsMin = 20_000;
const slowMilliseconds = 3_000;

/**
 * Shows `rows` in `columns`.
 *
 * Properties: `rows` (a new array whenever something changed), `columns` (see below), `rowKey(row)`, `link(row)` (where
 * Enter leads), `state` (`{q, sort}`), `onState(state)`, `label`, `empty`, `tools` (views beside the filter),
 * `isBox` (with a limited height, for use inside a longer page), `hasNoFilter`.
 *
 * A column: `{id, title, cell(row), value(row), isNumber, priority, width, text(row)}`. `value` makes it sortable; `text`
 * is searched by the filter, and is `value` if not given; priority 2 and 3 go first on narrow screens.
 */
export class Table {
  #element;
  #scroller;
  #head;
  #body;
  #tools;
  #empty;
  #props;
  #shown = [];
  #basis = {};
  #current = -1;
  #resize;

  constructor(element, props) {
    this.#element = element;
    element.classList.add('table');
    this.#tools = document.createElement('div');
    this.#tools.className = 'tools';
    this.#scroller = document.createElement('div');
    this.#scroller.className = 'scroller';
    this.#scroller.tabIndex = 0;
    const table = document.createElement('table');
    this.#head = document.createElement('thead');
    this.#body = document.createElement('tbody');
    table.append(this.#head, this.#body);
    this.#empty = document.createElement('div');
    this.#empty.className = 'empty';
    this.#scroller.append(table, this.#empty);
    element.append(this.#tools, this.#scroller);
    this.#scroller.addEventListener('scroll', () => this.#drawRows(), { passive: true });
    this.#scroller.addEventListener('keydown', (event) => this.#key(event));
    this.#resize = new ResizeObserver(() => this.#drawRows());
    this.#resize.observe(this.#scroller);
    this.update(props);
  }

  destroy() {
    this.#resize.disconnect();
  }

  update(props) {
    this.#props = props;
    this.#element.classList.toggle('box', Boolean(props.isBox));
    this.#scroller.setAttribute('role', 'region');
    this.#scroller.setAttribute('aria-label', props.label);
    this.#order();
    this.#draw();
  }

  // MARK: Order

  /** Filters and sorts, unless nothing has changed that bears on it. */
  #order() {
    const { rows, columns, state } = this.#props;
    const basis = this.#basis;
    const isAsked = basis.q !== state.q || basis.sort !== state.sort;
    if (!isAsked && basis.rows === rows) return;
    if (!isAsked && rows.length > slowRowsMin && basis.rows?.length > rows.length / 2
      && Date.now() - basis.at < slowMilliseconds) return;
    const words = (state.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const searched = columns.filter((column) => column.text || column.value);
    let shown = words.length === 0 ? rows.slice() : rows.filter((row) => {
      const text = searchText(row, searched);
      return words.every((word) => text.includes(word));
    });
    const sort = state.sort || this.#props.defaultSort || '';
    const column = columns.find((one) => one.id === sort.replace(/^-/, ''));
    if (column?.value) {
      const direction = sort.startsWith('-') ? -1 : 1;
      const keyed = shown.map((row, index) => ({ row, index, value: sortKey(column.value(row)) }));
      keyed.sort((a, b) => direction * compare(a.value, b.value) || a.index - b.index);
      shown = keyed.map((entry) => entry.row);
    }
    const current = this.#shown[this.#current];
    this.#shown = shown;
    if (current) {
      const key = this.#props.rowKey(current);
      this.#current = shown.findIndex((row) => this.#props.rowKey(row) === key);
    }
    this.#basis = { rows, q: state.q, sort: state.sort, at: Date.now() };
    if (rows.length > slowRowsMin) this.#prepareSearch(rows, searched, 0);
  }

  /** Makes the texts that a filter will look through while nobody waits for anything. */
  #prepareSearch(rows, columns, from) {
    if (rows !== this.#basis.rows || !globalThis.requestIdleCallback) return;
    requestIdleCallback((deadline) => {
      let next = from;
      while (next < rows.length && deadline.timeRemaining() > 2) searchText(rows[next++], columns);
      if (next < rows.length) this.#prepareSearch(rows, columns, next);
    });
  }

  #ask(change) {
    this.#props.onState({ ...this.#props.state, ...change });
  }

  // MARK: Drawing

  #draw() {
    const { rows, columns, state, label, tools } = this.#props;
    const all = rows.length;
    const some = this.#shown.length;
    patch(this.#tools, this.#props.hasNoFilter ? [] : [
      h('input', {
        key: 'filter', type: 'search', class: 'filter', placeholder: 'Filter', 'aria-label': `Filter ${label}`,
        value: state.q ?? '', spellcheck: 'false', autocomplete: 'off',
        oninput: (event) => this.#ask({ q: event.target.value }),
        onkeydown: (event) => {
          if (event.key === 'ArrowDown') this.#scroller.focus();
        },
      }),
      h('span', { key: 'count', class: 'quiet', role: 'status' },
        some === all ? number(all) : `${number(some)} of ${number(all)}`),
      tools,
    ]);
    const sort = state.sort || this.#props.defaultSort || '';
    patch(this.#head, h('tr', {}, columns.map((column) => {
      const isSorted = sort.replace(/^-/, '') === column.id;
      const isDown = sort.startsWith('-');
      return h('th', {
        key: column.id, scope: 'col', class: columnClass(column), style: column.width ? { '--width': column.width } : {},
        'aria-sort': isSorted ? (isDown ? 'descending' : 'ascending') : null,
      }, column.value
        ? h('button', {
          class: 'sort', onclick: () => this.#ask({ sort: nextSort(column, isSorted, isDown) }),
        }, column.title, h('span', { class: 'arrow', 'aria-hidden': 'true' }, isSorted ? (isDown ? ' ↓' : ' ↑') : ''))
        : column.title);
    })));
    if (this.#props.isBox) {
      // Enough for what there is; a message in its place takes what it needs.
      this.#scroller.style.setProperty('height', some === 0 ? 'auto' : `${Math.min(some, 14) * rowHeight + 40}px`);
    }
    this.#drawRows();
  }

  #drawRows() {
    const { columns, rowKey, empty } = this.#props;
    const count = this.#shown.length;
    const first = Math.max(0, Math.floor(this.#scroller.scrollTop / rowHeight) - spareRows);
    const visible = Math.ceil((this.#scroller.clientHeight || 600) / rowHeight);
    const end = Math.min(count, first + visible + 2 * spareRows);
    const start = Math.min(first, Math.max(0, end - visible));
    const rows = this.#shown.slice(start, end).map((row, index) => {
      const position = start + index;
      return h('tr', {
        key: `row ${rowKey(row)}`, class: position === this.#current ? 'current' : '', 'aria-rowindex': position + 2,
        onclick: (event) => this.#clicked(event, position),
      }, columns.map((column) => h('td', { class: columnClass(column) }, column.cell(row))));
    });
    patch(this.#empty, count > 0 ? [] : this.#props.rows.length === 0 ? empty ?? '' : 'Nothing matches the filter.');
    patch(this.#body, [spacer('above', start), ...rows, spacer('below', count - end)]);
  }

  // MARK: Hands

  /** The whole row leads where its link leads, but text in it can be selected. */
  #clicked(event, position) {
    this.#current = position;
    if (event.target.closest('a, button') || String(getSelection())) return this.#drawRows();
    this.#open(position);
  }

  #open(position) {
    const target = this.#props.link?.(this.#shown[position]);
    if (target) location.hash = target;
  }

  #key(event) {
    if (event.target !== this.#scroller || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / rowHeight) - 2);
    const last = this.#shown.length - 1;
    const targets = {
      ArrowDown: this.#current + 1, j: this.#current + 1, ArrowUp: this.#current - 1, k: this.#current - 1,
      PageDown: this.#current + page, PageUp: this.#current - page, Home: 0, End: last,
    };
    if (event.key === 'Enter' && this.#current >= 0) return this.#open(this.#current);
    if (!(event.key in targets) || last < 0) return;
    event.preventDefault();
    this.#current = Math.min(last, Math.max(0, targets[event.key]));
    const top = this.#current * rowHeight;
    const room = this.#scroller.clientHeight - 2 * rowHeight;
    if (top < this.#scroller.scrollTop) this.#scroller.scrollTop = top;
    else if (top > this.#scroller.scrollTop + room) this.#scroller.scrollTop = top - room;
    this.#drawRows();
  }
}

function spacer(key, rows) {
  return h('tr', { key, class: 'spacer', 'aria-hidden': 'true', style: { height: `${rows * rowHeight}px` } });
}

function columnClass(column) {
  return [column.isNumber && 'number', column.priority && `priority${column.priority}`].filter(Boolean).join(' ');
}

/** Numbers begin with the largest. A third press goes back to the order of the list. */
function nextSort(column, isSorted, isDown) {
  if (!isSorted) return column.isNumber ? `-${column.id}` : column.id;
  return isDown ? column.id : `-${column.id}`;
}

/** A hundred thousand comparisons by the rules of a language take a second; of prepared texts, next to nothing. */
function sortKey(value) {
  if (typeof value === 'number') return value;
  // host9 comes before host10.
  return String(value ?? '').toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What the filter looks through, by row; made once for each. */
const searchTexts = new WeakMap();

function searchText(row, columns) {
  let text = searchTexts.get(row);
  if (text === undefined) {
    text = columns.map((column) => (column.text ?? column.value)(row) ?? '').join('\n').toLowerCase();
    searchTexts.set(row, text);
  }
  return text;
}

"""####),
WebFile("ui/tasks.js", ####"""
// The tasks of the cluster, or of one framework or agent: read page by page, the newest first, so that the first rows are
// there at once however many there are, and then kept up to date by events.
import { changed, contact, onEvent, sources, stream } from './model.js';
import { getDocument, LeaderMoved } from './net.js';
import { isActive } from './reasons.js';

const firstPage = 200;
const laterPage = 5_000;
/** More are not kept: a browser would run out of memory before anybody had read them. */
const tasksMax = 250_000;

/** What is kept of a task. */
function compact(task) {
  const first = task.statuses[0];
  const last = task.statuses[task.statuses.length - 1];
  return {
    key: `${task.framework_id} ${task.id}`, id: task.id, name: task.name, framework: task.framework_id,
    agent: task.slave_id, state: task.state, role: task.role, executor: task.executor_id,
    cpus: task.resources.cpus, mem: task.resources.mem, started: first?.timestamp ?? 0, updated: last?.timestamp ?? 0,
    healthy: last?.healthy, reason: last?.reason, message: last?.message,
  };
}

/** The same from a v1 message. */
function compactV1(task) {
  const statuses = task.statuses ?? [];
  const amounts = {};
  for (const resource of task.resources ?? []) {
    if (resource.type === 'SCALAR') amounts[resource.name] = (amounts[resource.name] ?? 0) + resource.scalar.value;
  }
  return {
    ...compact({
      id: task.task_id.value, name: task.name, framework_id: task.framework_id.value, slave_id: task.agent_id.value,
      state: task.state, executor_id: task.executor_id?.value ?? '', statuses, resources: { cpus: 0, mem: 0, ...amounts },
    }),
    role: task.resources?.[0]?.allocation_info?.role ?? '', started: statuses[0]?.timestamp ?? Date.now() / 1000,
  };
}

export class TaskList {
  /** Replaced on each change, so that tables see one. */
  rows = [];
  isComplete = false;
  problem = null;
  #byKey = new Map();
  #query;
  #most;
  /** Whether older ones were left out. */
  isCut = false;
  #isStopped = false;
  #stopEvents;
  #timer = null;

  /**
   * @param filter `{framework_id}` or `{slave_id}` or nothing.
   * @param most How many of the newest are read.
   */
  constructor(filter = {}, most = tasksMax) {
    this.filter = filter;
    this.#most = most;
    this.#query = Object.entries(filter).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join('');
    this.#stopEvents = onEvent((event) => this.#take(event));
    this.#load();
  }

  stop() {
    this.#isStopped = true;
    this.#stopEvents();
    clearTimeout(this.#timer);
  }

  /** Reads everything once, and again after a while: events tell neither what is forgotten nor, when missed, of the past. */
  async #load() {
    const started = performance.now();
    const isFirst = this.rows.length === 0;
    const seen = new Set();
    try {
      let size = Math.min(this.#most, isFirst ? firstPage : laterPage);
      this.isCut = true;
      for (let offset = 0; offset < this.#most;) {
        const path = `/tasks?with=reasons&limit=${size}&offset=${offset}${this.#query}`;
        const { data } = await getDocument(path);
        if (this.#isStopped) return;
        for (const task of data.tasks) {
          const row = compact(task);
          seen.add(row.key);
          const known = this.#byKey.get(row.key);
          if (!known || !isSame(known, row)) this.#byKey.set(row.key, row);
        }
        if (isFirst) this.#publish();
        if (data.tasks.length < size) {
          this.isCut = false;
          break;
        }
        // One that came meanwhile pushes the others on: pages overlap a little rather than leave one out.
        offset += size - Math.min(50, size / 2);
        size = Math.min(this.#most, laterPage);
      }
      const startedAt = Date.now() / 1000 - (performance.now() - started) / 1000;
      for (const [key, row] of this.#byKey) {
        // What an event told of while the pages were read is not on them.
        if (!seen.has(key) && row.started < startedAt - 2) this.#byKey.delete(key);
      }
      this.isComplete = true;
      this.problem = null;
      this.#publish();
    } catch (error) {
      if (error instanceof LeaderMoved) return contact.moved();
      this.problem = error;
      changed();
    }
    if (this.#isStopped || this.problem?.status === 401) return;
    const cost = performance.now() - started;
    const pause = this.problem ? 3_000 : stream.state === 'open' ? 30_000 : 4_000;
    this.#timer = setTimeout(() => this.#again(), Math.max(pause, cost * 20));
  }

  #again() {
    if (this.#isStopped) return;
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), 1_000);
    else this.#load();
  }

  #publish() {
    this.rows = [...this.#byKey.values()];
    changed();
  }

  #take(event) {
    if (event.type === 'TASK_ADDED') {
      const row = compactV1(event.task_added.task);
      if (!this.#concerns(row)) return;
      this.#byKey.set(row.key, row);
      return this.#publish();
    }
    if (event.type !== 'TASK_UPDATED') return;
    const { framework_id: framework, status, state } = event.task_updated;
    const key = `${framework.value} ${status.task_id.value}`;
    const known = this.#byKey.get(key);
    if (!known) return;
    this.#byKey.set(key, {
      ...known, state, updated: status.timestamp ?? known.updated, healthy: status.healthy,
      reason: status.reason, message: status.message,
    });
    this.#publish();
  }

  #concerns(row) {
    const { framework_id: framework, slave_id: agent } = this.filter;
    return (!framework || row.framework === framework) && (!agent || row.agent === agent);
  }
}

function isSame(one, other) {
  return one.state === other.state && one.updated === other.updated && one.healthy === other.healthy;
}

/** How many of these tasks are in each group that the task views can show. */
export function groupCounts(rows) {
  const counts = { all: rows.length, active: 0, failed: 0, finished: 0 };
  for (const row of rows) counts[groupOf(row.state)] += 1;
  return counts;
}

export function groupOf(state) {
  if (isActive(state)) return 'active';
  return state === 'TASK_FINISHED' || state === 'TASK_KILLED' ? 'finished' : 'failed';
}

/** The name of an agent or framework, as far as it is known. */
export function agentName(id) {
  return sources.summary.data?.agentsByID.get(id)?.title;
}

export function frameworkName(id) {
  return sources.summary.data?.frameworksByID.get(id)?.name ?? sources.frameworks.data?.byID.get(id)?.name;
}

"""####),
WebFile("ui/terminal.js", ####"""
// A terminal in the page: draws a screen, and turns keys into what programs expect.
import { h, patch } from './dom.js';
import { Screen } from './screen.js';
import { Session } from './session.js';

const scrollbackMax = 2_000;

const keys = {
  Enter: '\r', Backspace: '\x7f', Tab: '\t', Escape: '\x1b', Delete: '\x1b[3~', Insert: '\x1b[2~', PageUp: '\x1b[5~', PageDown: '\x1b[6~',
  F1: '\x1bOP', F2: '\x1bOQ', F3: '\x1bOR', F4: '\x1bOS', F5: '\x1b[15~', F6: '\x1b[17~', F7: '\x1b[18~', F8: '\x1b[19~',
  F9: '\x1b[20~', F10: '\x1b[21~', F11: '\x1b[23~', F12: '\x1b[24~',
};
const arrows = { ArrowUp: 'A', ArrowDown: 'B', ArrowRight: 'C', ArrowLeft: 'D', Home: 'H', End: 'F' };

/** What a key sends; null if the browser is to have it. */
export function keyText(event, hasApplicationKeys) {
  const { key, ctrlKey, altKey, shiftKey, metaKey } = event;
  if (metaKey || event.isComposing) return null;
  const meta = altKey ? '\x1b' : '';
  if (key in arrows) {
    const modifier = 1 + (shiftKey ? 1 : 0) + (altKey ? 2 : 0) + (ctrlKey ? 4 : 0);
    if (modifier > 1) return `\x1b[1;${modifier}${arrows[key]}`;
    return `${hasApplicationKeys ? '\x1bO' : '\x1b['}${arrows[key]}`;
  }
  if (key === 'Tab' && shiftKey) return '\x1b[Z';
  if (key in keys) return meta + keys[key];
  if ([...key].length !== 1) return null;
  if (ctrlKey && !shiftKey) {
    if (key === ' ') return '\0';
    const code = key.toUpperCase().charCodeAt(0);
    return code >= 0x40 && code <= 0x5f ? meta + String.fromCharCode(code - 0x40) : null;
  }
  // Other characters come as input, whichever way they were typed.
  return altKey && !ctrlKey ? meta + key : null;
}

/** Properties: `agent`, `container` (the task's), `onClose`. */
export class Terminal {
  #props;
  #element;
  #tools;
  #view;
  #input;
  #probe;
  #screen;
  #session;
  #decoder;
  #end = null;
  #isDrawing = false;
  #rows = [];
  #observer;

  constructor(element, props) {
    this.#props = props;
    this.#element = element;
    element.classList.add('terminal');
    this.#tools = document.createElement('div');
    this.#tools.className = 'tools';
    this.#view = document.createElement('pre');
    this.#view.className = 'screen';
    this.#input = document.createElement('textarea');
    this.#input.className = 'keys';
    this.#input.setAttribute('aria-label', 'Terminal. Control Shift Enter leaves it.');
    for (const name of ['autocomplete', 'autocorrect', 'autocapitalize']) this.#input.setAttribute(name, 'off');
    this.#input.spellcheck = false;
    this.#probe = document.createElement('span');
    this.#probe.className = 'probe';
    this.#probe.textContent = 'M'.repeat(50);
    element.append(this.#tools, this.#view, this.#input);
    this.#listen();
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.#view);
    this.#start();
  }

  update(props) {
    this.#props = props;
  }

  destroy() {
    this.#observer.disconnect();
    this.#session?.close();
  }

  // MARK: The session

  #start() {
    this.#end = null;
    this.#view.textContent = '';
    this.#rows = [];
    const { rows, columns } = this.#size();
    this.#decoder = new TextDecoder();
    this.#screen = new Screen(rows, columns, (text) => this.#session.type(text));
    const session = new Session(this.#props.agent, this.#props.container, {
      onOutput: (bytes) => {
        if (session !== this.#session) return;
        this.#screen.write(this.#decoder.decode(bytes, { stream: true }));
        this.#draw();
      },
      onEnd: (text, isBad) => {
        if (session !== this.#session) return;
        this.#end = { text, isBad };
        this.#draw();
      },
    });
    this.#session = session;
    session.run(rows, columns);
    this.#draw();
    this.#input.focus({ preventScroll: true });
  }

  #type(text) {
    if (this.#end) return;
    this.#session.type(text);
    this.#view.scrollTop = this.#view.scrollHeight;
  }

  // MARK: Size

  #cell() {
    this.#view.append(this.#probe);
    const box = this.#probe.getBoundingClientRect();
    this.#probe.remove();
    return { width: box.width / 50 || 8, height: box.height || 16 };
  }

  #size() {
    const { width, height } = this.#cell();
    const style = getComputedStyle(this.#view);
    const inner = this.#view.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const tall = this.#view.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const clamp = (value, least, most) => Math.min(Math.max(Math.floor(value), least), most);
    return { rows: clamp(tall / height, 5, 200), columns: clamp(inner / width, 20, 400) };
  }

  #fit() {
    if (!this.#screen || this.#end) return;
    const { rows, columns } = this.#size();
    if (rows === this.#screen.rows && columns === this.#screen.columns) return;
    this.#screen.resize(rows, columns);
    this.#session.resize(rows, columns);
    this.#draw();
  }

  // MARK: Keys

  #listen() {
    const input = this.#input;
    input.addEventListener('keydown', (event) => {
      // What is typed here is no command to the page.
      event.stopPropagation();
      if (event.key === 'Enter' && event.ctrlKey && event.shiftKey) {
        event.preventDefault();
        this.#tools.querySelector('button')?.focus();
        return;
      }
      // What is selected is copied, as everywhere; with nothing selected, Control C ends a program, as in every terminal.
      if (event.key === 'c' && event.ctrlKey && !getSelection().isCollapsed) return;
      if (event.key.toLowerCase() === 'v' && event.ctrlKey) return;
      const text = keyText(event, this.#screen.hasApplicationKeys);
      if (text === null) return;
      event.preventDefault();
      this.#type(text);
    });
    input.addEventListener('input', (event) => {
      if (event.isComposing) return;
      this.#take();
    });
    input.addEventListener('compositionend', () => this.#take());
    input.addEventListener('paste', (event) => {
      event.preventDefault();
      const text = event.clipboardData.getData('text').replace(/\r?\n/g, '\r');
      // What is pasted cannot end the paste.
      this.#type(this.#screen.hasBracketedPaste ? `\x1b[200~${text.replaceAll('\x1b', '')}\x1b[201~` : text);
    });
    for (const name of ['focus', 'blur']) {
      input.addEventListener(name, () => this.#element.classList.toggle('focused', name === 'focus'));
    }
    // A click, but not the end of a selection.
    this.#view.addEventListener('mouseup', () => {
      if (getSelection().isCollapsed) input.focus({ preventScroll: true });
    });
  }

  #take() {
    const text = this.#input.value;
    this.#input.value = '';
    if (text) this.#type(text.replace(/\n/g, '\r'));
  }

  // MARK: Drawing

  /** Once for all that comes within a frame. */
  #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#drawTools();
      this.#drawScreen();
    });
  }

  #drawTools() {
    patch(this.#tools, [
      h('strong', {}, 'Terminal'),
      this.#end ? h('span', { class: this.#end.isBad ? 'bad' : 'quiet', role: 'status' }, this.#end.text)
        : h('span', { class: 'quiet' }, 'Ctrl+Shift+Enter leaves it'),
      h('span', { class: 'gap' }),
      this.#end ? h('button', { key: 'again', class: 'small', onclick: () => this.#start() }, 'Start another') : null,
      h('button', { key: 'close', class: 'small', onclick: () => this.#props.onClose() }, 'Close'),
    ]);
  }

  #drawScreen() {
    const isAtEnd = this.#view.scrollHeight - this.#view.scrollTop - this.#view.clientHeight < 20;
    const { lines, cursor } = this.#screen;
    const past = this.#screen.takeScrolled().map((line) => drawn(line, -1));
    const first = this.#rows.find((row) => row.isConnected) ?? null;
    for (const row of past) this.#view.insertBefore(row, first);
    while (this.#view.childNodes.length > scrollbackMax + lines.length) this.#view.firstChild.remove();
    const rows = lines.map((line, index) => {
      const at = index === cursor.row && this.#screen.isCursorShown && !this.#end ? cursor.column : -1;
      const old = this.#rows[index];
      if (old && !line.isChanged && old.line === line && old.cursor === at) return old;
      const row = drawn(line, at);
      row.line = line;
      row.cursor = at;
      line.isChanged = false;
      if (old?.isConnected) old.replaceWith(row);
      else this.#view.append(row);
      return row;
    });
    for (const row of this.#rows.slice(rows.length)) row.remove();
    this.#rows = rows;
    if (isAtEnd) this.#view.scrollTop = this.#view.scrollHeight;
  }
}

/** One line: a run of cells with the same looks becomes an element. */
function drawn(line, cursor) {
  const row = document.createElement('div');
  let run = null;
  for (const [column, cell] of line.cells.entries()) {
    const isCursor = column === cursor;
    if (!run || run.style !== cell.style || isCursor || run.isCursor) {
      if (run) row.append(span(run));
      run = { style: cell.style, text: '', isCursor };
    }
    run.text += cell.text;
  }
  if (run) row.append(span(run));
  return row;
}

function span({ style, text, isCursor }) {
  const element = document.createElement('span');
  element.textContent = text;
  const names = ['bold', 'dim', 'italic', 'underline', 'inverse'].filter((name) => style[name]);
  if (isCursor) names.push('cursor');
  for (const [name, value] of [['fg', style.fg], ['bg', style.bg]]) {
    if (value === null) continue;
    if (typeof value === 'number') names.push(`${name}${value}`);
    else element.style.setProperty(name === 'fg' ? '--fg' : '--bg', value);
  }
  if (names.length > 0) element.className = names.join(' ');
  return element;
}

"""####),
WebFile("ui/theme.js", ####"""
// Sets the chosen theme before anything is drawn; no module, because modules run after the first paint.
try {
  const theme = localStorage.getItem('theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme then decides.
}

"""####),
    ]
}
