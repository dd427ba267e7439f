// The Linux interfaces Swift's Glibc module does not show, and the one way we start processes.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <sys/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

// Mutable C globals cannot be named in Swift 6; these return them.
FILE *clinux_stdout(void);
FILE *clinux_stderr(void);
char *const *clinux_environ(void);

/// Raises the soft limit on open files to the hard limit.
/// @return 0, or an errno. `*soft` receives the limit now in force.
int clinux_raise_open_files(uint64_t *soft);

/// Has the C library keep few heaps and give large blocks back at once: for a process that takes in much at a time, keeps
/// little of it, and has more threads than cores.
void clinux_keep_heap_small(void);

/// Gives free memory back to the kernel if the C library holds more than `free_max` bytes of it.
/// @return Whether there was something to give back.
bool clinux_trim_heap(size_t free_max);

/// Lets go of the pages of code that are mapped into this process. They are clean: what is used again comes back from the
/// page cache.
void clinux_give_back_program(void);

/// Reads when a process started, in clock ticks since boot (field 22 of /proc/PID/stat). Together with the pid it names a
/// process for good, although pids are used again.
/// @return 0, or an errno; ESRCH if there is no such process or it is a zombie that only waits to be reaped.
int clinux_process_start_time(pid_t pid, uint64_t *ticks);

/// Starts to write a file's content to the disk, without waiting and without a promise: a later fdatasync then finds less to
/// do, and those of several files share what the file system does for them.
void clinux_begin_writing(int fd);

/// The steps between fork and exec, in order, so that a failure can be named.
enum clinux_spawn_stage {
    CLINUX_STAGE_FORK = 0,
    CLINUX_STAGE_SESSION = 1,
    CLINUX_STAGE_CGROUP = 2,
    CLINUX_STAGE_RLIMIT = 3,
    CLINUX_STAGE_STDIO = 4,
    CLINUX_STAGE_CWD = 5,
    CLINUX_STAGE_IDENTITY = 6,
    CLINUX_STAGE_DEATH_SIGNAL = 7,
    CLINUX_STAGE_EXEC = 8,
};

struct clinux_rlimit {
    int resource;  // RLIMIT_*
    uint64_t soft; // RLIM_INFINITY for none
    uint64_t hard;
};

/// What to start and how. All pointers are only read, and only during the call.
struct clinux_spawn_request {
    const char *program;     // A path; or a bare name that is looked up in the PATH of `environment`, as the new user.
    char *const *arguments;  // Ends with NULL; the first is the program's own name.
    char *const *environment; // Ends with NULL.
    const char *directory;   // NULL: the caller's.
    int stdin_fd;            // -1: /dev/null. The same for the next two.
    int stdout_fd;
    int stderr_fd;
    bool new_session;        // setsid(): a session and a process group of its own.
    bool new_process_group;  // setpgid(0, 0), ignored with new_session.
    bool terminal;           // stdin_fd is a terminal, which becomes that of the new session.
    int death_signal;        // Sent when the *thread* that called clinux_spawn ends; 0: none.
    bool change_identity;    // Whether the next four count.
    uid_t user;
    gid_t group;
    const gid_t *groups;     // Supplementary groups, exactly these.
    size_t groups_count;
    const char *const *cgroup_procs; // Paths of cgroup.procs files to enter.
    size_t cgroup_procs_count;
    const struct clinux_rlimit *rlimits;
    size_t rlimits_count;
};

/// Starts a process. All its other descriptors are closed, its signals are at their defaults and unblocked.
///
/// @param pid    The process.
/// @param pidfd  A descriptor of the process, close-on-exec, the caller's to close. It turns readable at its end.
/// @param stage  On failure: the step that failed (enum clinux_spawn_stage).
/// @return 0 once the program runs, or the errno of the step. After a failure no child is left.
int clinux_spawn(const struct clinux_spawn_request *request, pid_t *pid, int *pidfd, int *stage);

/// Makes a pair of connected pseudo terminals, both close-on-exec.
///
/// @param outer  What is written here is typed at the inner one; what programs print there is read here.
/// @param inner  The terminal for a session's standard streams.
/// @return 0, or an errno.
int clinux_open_terminal(int *outer, int *inner);

/// Tells a terminal its size; the foreground programs on it hear of it.
/// @return 0, or an errno.
int clinux_set_terminal_size(int terminal, uint16_t rows, uint16_t columns);

/// @return 0, or an errno: ENOTTY if the descriptor is no terminal.
int clinux_terminal_size(int terminal, uint16_t *rows, uint16_t *columns);

/// Looks at a process through its pidfd without waiting.
///
/// @param code   CLD_EXITED, CLD_KILLED or CLD_DUMPED; 0 when the process has ended but is not our child, so that nobody
///               tells us how.
/// @param value  The exit status or the signal.
/// @return 0: ended (a child is reaped); EAGAIN: still running; or another errno.
int clinux_poll_pidfd(int pidfd, int *code, int *value);

/// Makes a socket in a network namespace that is not ours. It stays there, whoever uses it.
///
/// @param path    The namespace, as in /proc/PID/ns/net.
/// @param result  The socket, close-on-exec, the caller's to close.
/// @return 0, or an errno; EPERM if this process may not enter the namespace.
int clinux_socket_in_namespace(const char *path, int family, int type, int protocol, int *result);

/// Opens `path` relative to an open directory, never leaving what is beneath it: not by `..`, not by a link, not by an
/// absolute path, whatever is renamed meanwhile.
///
/// @param follow_links  Whether links that stay beneath the directory are followed.
/// @return A descriptor, close-on-exec; or a negative errno: ENOSYS if the kernel is older than 5.6, EXDEV for a way out,
///         ELOOP for a link that is not to be followed.
int clinux_open_beneath(int directory, const char *path, int flags, mode_t mode, bool follow_links);

/// O_PATH: open a place without reading it, so that neither a fifo waits nor a device acts.
int clinux_path_flag(void);

/// Copies up to `size` bytes from one file's position to another's, in the kernel if it can.
/// @return How many were copied; 0 at the end; or a negative errno.
ssize_t clinux_copy_range(int from, int to, size_t size);

/// Sends one datagram to a Unix socket, without waiting for room: a message to the service manager, lines `NAME=value`.
///
/// @param address  As in NOTIFY_SOCKET: a path, or a name in the abstract namespace behind an @.
/// @return 0, or an errno: EAGAIN if the receiver's queue is full, EINVAL for an address of another kind.
int clinux_notify(const char *address, const char *message, size_t size);

/// Makes a pipe, close-on-exec, whose reading end does not wait.
/// @return 0 or an errno.
int clinux_pipe(int *reading, int *writing);

#ifdef __cplusplus
}
#endif
#endif
