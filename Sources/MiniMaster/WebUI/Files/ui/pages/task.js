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
