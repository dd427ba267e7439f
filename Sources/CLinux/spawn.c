// fork and exec with nothing but async-signal-safe calls in between: in a child of a threaded process the allocator's and
// the runtime's locks may be held for ever, so no Swift code can run there.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ERROR_FD = 3 };

struct failure {
    int error;
    int stage;
};

static void fail(int fd, int stage, int error) {
    struct failure failure = {.error = error, .stage = stage};
    ssize_t ignored = write(fd, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

static void default_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, NULL); // KILL and STOP refuse; fine.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int enter_cgroup(const char *procs_path) {
    int fd = open(procs_path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = write(fd, "0", 1) == 1 ? 0 : errno;
    close(fd);
    return error;
}

// Puts `source` (or /dev/null) at 0, 1 and 2. Sources are first moved out of the way, or putting one in place could
// overwrite another.
static int arrange_stdio(const struct clinux_spawn_request *request) {
    int sources[3] = {request->stdin_fd, request->stdout_fd, request->stderr_fd};
    for (int target = 0; target < 3; target++) {
        if (sources[target] < 0) {
            int null = open("/dev/null", (target == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
            if (null < 0) return errno;
            sources[target] = null;
        }
        sources[target] = fcntl(sources[target], F_DUPFD_CLOEXEC, 10);
        if (sources[target] < 0) return errno;
    }
    for (int target = 0; target < 3; target++) {
        if (dup2(sources[target], target) < 0) return errno;
    }
    return 0;
}

static void close_from(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0) return;
    struct rlimit limit; // A kernel or a seccomp filter without close_range.
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = first; fd < end; fd++) close(fd);
}

static const char *search_path(char *const *environment) {
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

// Returns only on failure, with the errno that says most: EACCES if some file was there, else ENOENT.
static int execute(const struct clinux_spawn_request *request) {
    if (strchr(request->program, '/') != NULL) {
        execve(request->program, request->arguments, request->environment);
        return errno;
    }
    size_t name_length = strlen(request->program);
    if (name_length == 0) return ENOENT;
    int error = ENOENT;
    const char *at = search_path(request->environment);
    while (1) {
        size_t length = strcspn(at, ":");
        char candidate[PATH_MAX];
        if (length > 0 && length + 1 + name_length < sizeof candidate) {
            memcpy(candidate, at, length);
            candidate[length] = '/';
            memcpy(candidate + length + 1, request->program, name_length + 1);
            execve(candidate, request->arguments, request->environment);
            if (errno == EACCES) error = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR) return errno;
        }
        if (at[length] == 0) return error;
        at += length + 1;
    }
}

static void run_child(const struct clinux_spawn_request *request, pid_t parent, int error_fd) {
    int error;
    default_signals();

    if (request->new_session) {
        if (setsid() < 0) fail(error_fd, CLINUX_STAGE_SESSION, errno);
    } else if (request->new_process_group) {
        if (setpgid(0, 0) < 0) fail(error_fd, CLINUX_STAGE_SESSION, errno);
    }
    for (size_t i = 0; i < request->cgroup_procs_count; i++) {
        error = enter_cgroup(request->cgroup_procs[i]);
        if (error != 0) fail(error_fd, CLINUX_STAGE_CGROUP, error);
    }
    error = arrange_stdio(request);
    if (error != 0) fail(error_fd, CLINUX_STAGE_STDIO, error);
    if (request->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) fail(error_fd, CLINUX_STAGE_SESSION, errno);
    if (error_fd != ERROR_FD) {
        if (dup3(error_fd, ERROR_FD, O_CLOEXEC) < 0) fail(error_fd, CLINUX_STAGE_STDIO, errno);
        error_fd = ERROR_FD;
    }
    close_from(ERROR_FD + 1);
    for (size_t i = 0; i < request->rlimits_count; i++) { // After the descriptors: a small RLIMIT_NOFILE would stop those.
        const struct clinux_rlimit *wanted = &request->rlimits[i];
        struct rlimit limit = {.rlim_cur = wanted->soft, .rlim_max = wanted->hard};
        if (setrlimit(wanted->resource, &limit) != 0) fail(error_fd, CLINUX_STAGE_RLIMIT, errno);
    }
    if (request->change_identity) {
        if (setgroups(request->groups_count, request->groups) != 0) fail(error_fd, CLINUX_STAGE_IDENTITY, errno);
        if (setresgid(request->group, request->group, request->group) != 0)
            fail(error_fd, CLINUX_STAGE_IDENTITY, errno);
        if (setresuid(request->user, request->user, request->user) != 0) fail(error_fd, CLINUX_STAGE_IDENTITY, errno);
    }
    // As the new user: a directory it may not enter must not be entered with the old one's rights.
    if (request->directory != NULL && chdir(request->directory) != 0) fail(error_fd, CLINUX_STAGE_CWD, errno);
    if (request->death_signal != 0) { // After the identity, whose change clears it.
        if (prctl(PR_SET_PDEATHSIG, (unsigned long)request->death_signal, 0, 0, 0) != 0)
            fail(error_fd, CLINUX_STAGE_DEATH_SIGNAL, errno);
        if (getppid() != parent) fail(error_fd, CLINUX_STAGE_DEATH_SIGNAL, ESRCH); // It died before we asked.
    }
    fail(error_fd, CLINUX_STAGE_EXEC, execute(request));
}

int clinux_spawn(const struct clinux_spawn_request *request, pid_t *pid, int *pidfd, int *stage) {
    int pipe_fds[2];
    *stage = CLINUX_STAGE_FORK;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return errno;
    // The child dups descriptors over 0..3; keep its end of the pipe clear of them.
    int error_fd = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 10);
    int error = errno;
    close(pipe_fds[1]);
    if (error_fd < 0) {
        close(pipe_fds[0]);
        return error;
    }

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // No handler of ours may run in the child.
    pid_t parent = getpid();
    pid_t child = fork();
    error = errno;
    if (child == 0) run_child(request, parent, error_fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(error_fd);
    if (child < 0) {
        close(pipe_fds[0]);
        return error;
    }

    struct failure failure;
    ssize_t got;
    do {
        got = read(pipe_fds[0], &failure, sizeof failure); // Ends when exec closes the other end.
    } while (got < 0 && errno == EINTR);
    close(pipe_fds[0]);

    if (got == (ssize_t)sizeof failure) {
        error = failure.error;
        *stage = failure.stage;
    } else {
        *pidfd = pidfd_open(child, 0);
        error = *pidfd < 0 ? errno : 0;
        if (error != 0) kill(child, SIGKILL);
    }
    if (error != 0) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        return error;
    }
    *pid = child;
    return 0;
}
