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
