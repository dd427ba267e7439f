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
