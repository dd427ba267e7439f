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
