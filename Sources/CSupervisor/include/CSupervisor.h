// The small process between the agent and a task: it outlives the agent and leaves the task's end on disk.
#ifndef CSUPERVISOR_H
#define CSUPERVISOR_H

/// Runs as the supervisor of one task until the task and everything it started has ended.
///
///     mini-supervisor --record FILE [--user UID:GID[:GID,...]] [--cwd DIRECTORY]
///                     [--cgroup PROCS_FILE]... -- PROGRAM [ARGUMENT...]
///
/// The task gets our standard streams and environment, a session of its own, and enters the cgroups given; we do not.
/// --user takes numbers; the list behind the second colon is the task's supplementary groups, none without it.
///
/// The record's lines, each complete or not there; they are not synced, because a crash of the host ends the task as well:
///
///     PID START_TIME                      once the program runs; START_TIME in clock ticks since boot, as
///                                         clinux_process_start_time reports it
///     WAIT_STATUS USER SYSTEM PEAK        at the end: the decimal status of waitpid(2), 256 for exit code 1; what the task
///                                         and all it had started used, in microseconds; the KiB of its largest process
///     failed STAGE ERRNO TEXT             the program was never run: STAGE as in enum clinux_spawn_stage
///
/// Agents of version 1 of the checkpoint, and executors' containers still, pass --status FILE --pid FILE instead: the first
/// line goes to the one, WAIT_STATUS alone or the failure to the other, each written to FILE.tmp and renamed.
///
/// Whoever finds neither this process nor an end knows that it was killed; the task's main process dies with it.
///
/// Without a file nothing is written, and our own exit status is the program's: 128 and the signal if one ended
/// it, 127 if it could not be executed, 126 if it could not be started otherwise. So short commands are run whose tree must
/// end with them.
///
/// Signals: SIGTERM and SIGINT go on to the task's process group; SIGUSR1 sends it SIGKILL; SIGHUP is ignored. When the main
/// process has ended, all that is left of its process group and of its descendants, daemons included, is killed before the
/// status is written.
///
/// @return The exit status for main(): 0, also if the program could not be run; 1 if a file could not be written; 2 for
///         wrong arguments.
int supervisor_main(int argc, char **argv);

/// Copies a task's output from pipes to `stdout` and `stderr` in the working directory, setting a file aside when it has
/// reached its size, until nobody holds the other ends any more. What the disk does not take is lost, and a line says how
/// much. Reached as
///
///     mini-supervisor log STDOUT_SIZE STDERR_SIZE FILES [terminal]
///
/// with the task's standard output at descriptor 0 and its standard error at 1. Sizes are in bytes, 0 for none; FILES is
/// how many older pieces of each stay, `stdout.1` the newest.
///
/// With `terminal` descriptor 0 is the outer end of the task's terminal, all of whose output goes to `stdout`. What comes
/// from descriptor 1 is typed there; from 2 comes the size of its window, rows and columns as two 16-bit numbers of this
/// machine, written at once.
///
/// @return The exit status for main(): 0; 2 for wrong arguments.
int output_log_main(int argc, char **argv);

#endif
