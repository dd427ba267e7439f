// Starts programs with nothing but async-signal-safe calls between the birth of the child and exec: in a child of a threaded
// process the allocator's and the runtime's locks may be held for ever, so no Swift code can run there.
//
// The child borrows our memory until exec, as posix_spawn does it: a copy of the page tables of a large process would take
// longer than everything else together. Only the calling thread waits for it.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Room for execute's path and the C library's own needs; untouched pages cost nothing.
enum { STACK_BYTES = 256 << 10 };

// What child and parent share while the parent's thread waits.
struct birth {
    const struct clinux_spawn_request *request;
    pid_t parent;
    int error; // 0 unless a step failed.
    int stage;
};

static _Noreturn void fail(struct birth *birth, int stage, int error) {
    birth->error = error;
    birth->stage = stage;
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

// The raw calls: those of the C library would have every thread of ours change its identity, too.
static int change_identity(const struct clinux_spawn_request *request) {
    if (syscall(SYS_setgroups, request->groups_count, request->groups) != 0) return errno;
    if (syscall(SYS_setresgid, request->group, request->group, request->group) != 0) return errno;
    if (syscall(SYS_setresuid, request->user, request->user, request->user) != 0) return errno;
    return 0;
}

static int run_child(void *argument) {
    struct birth *birth = argument;
    const struct clinux_spawn_request *request = birth->request;
    int error;
    default_signals();

    if (request->new_session) {
        if (setsid() < 0) fail(birth, CLINUX_STAGE_SESSION, errno);
    } else if (request->new_process_group) {
        if (setpgid(0, 0) < 0) fail(birth, CLINUX_STAGE_SESSION, errno);
    }
    for (size_t i = 0; i < request->cgroup_procs_count; i++) {
        error = enter_cgroup(request->cgroup_procs[i]);
        if (error != 0) fail(birth, CLINUX_STAGE_CGROUP, error);
    }
    error = arrange_stdio(request);
    if (error != 0) fail(birth, CLINUX_STAGE_STDIO, error);
    if (request->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) fail(birth, CLINUX_STAGE_SESSION, errno);
    close_from(STDERR_FILENO + 1);
    for (size_t i = 0; i < request->rlimits_count; i++) { // After the descriptors: a small RLIMIT_NOFILE would stop those.
        const struct clinux_rlimit *wanted = &request->rlimits[i];
        struct rlimit limit = {.rlim_cur = wanted->soft, .rlim_max = wanted->hard};
        if (setrlimit(wanted->resource, &limit) != 0) fail(birth, CLINUX_STAGE_RLIMIT, errno);
    }
    if (request->change_identity) {
        error = change_identity(request);
        if (error != 0) fail(birth, CLINUX_STAGE_IDENTITY, error);
    }
    // As the new user: a directory it may not enter must not be entered with the old one's rights.
    if (request->directory != NULL && chdir(request->directory) != 0) fail(birth, CLINUX_STAGE_CWD, errno);
    if (request->death_signal != 0) { // After the identity, whose change clears it.
        if (prctl(PR_SET_PDEATHSIG, (unsigned long)request->death_signal, 0, 0, 0) != 0)
            fail(birth, CLINUX_STAGE_DEATH_SIGNAL, errno);
        if (getppid() != birth->parent) fail(birth, CLINUX_STAGE_DEATH_SIGNAL, ESRCH); // It died before we asked.
    }
    fail(birth, CLINUX_STAGE_EXEC, execute(request));
}

int clinux_spawn(const struct clinux_spawn_request *request, pid_t *pid, int *pidfd, int *stage) {
    *stage = CLINUX_STAGE_FORK;
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return errno;
    struct birth birth = {.request = request, .parent = getpid()};

    // A change of identity also marks the memory as not to be looked into, and the memory is ours.
    int dumpable = request->change_identity ? prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) : -1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // No handler of ours may run in the child.
    int descriptor = -1;
    // Returns when the child has run exec or has ended. The stack grows down.
    pid_t child = clone(run_child, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &birth, &descriptor);
    int error = child < 0 ? errno : birth.error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK_BYTES);
    if (dumpable == 0 || dumpable == 1) prctl(PR_SET_DUMPABLE, (unsigned long)dumpable, 0, 0, 0);
    if (child < 0) return error;
    if (error != 0) {
        *stage = birth.stage;
        close(descriptor);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        return error;
    }
    *pid = child;
    *pidfd = descriptor;
    return 0;
}
