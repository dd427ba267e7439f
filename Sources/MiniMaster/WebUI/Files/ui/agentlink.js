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
