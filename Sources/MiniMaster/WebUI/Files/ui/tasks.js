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
