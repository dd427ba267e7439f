// Supervises one task. One thread, no heap: what it costs is a few pages per task.
#define _GNU_SOURCE 1
#include "CSupervisor.h"
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    CGROUPS_MAX = 16,
    GROUPS_MAX = 64,
    RLIMITS_MAX = 16,
    CLEANUP_SECONDS_MAX = 10, // Beyond it a process hangs in the kernel, and the agent has waited long enough.
    WRITE_ATTEMPTS_MAX = 30,  // A second apart: a full disk may be made free again.
};

static struct {
    const char *status_path;
    const char *pid_path;
    const char *record_path; // Both in one file.
    struct clinux_spawn_request request;
    const char *cgroups[CGROUPS_MAX];
    gid_t groups[GROUPS_MAX];
    struct clinux_rlimit rlimits[RLIMITS_MAX];
} options;

// MARK: Arguments

static int complain(const char *what, const char *argument) {
    dprintf(STDERR_FILENO, "mini-supervisor: %s: %s\n", what, argument);
    return 2;
}

static bool parse_number(const char **at, unsigned *value) {
    if (**at < '0' || **at > '9') return false; // strtoul would take signs and spaces.
    char *end;
    errno = 0;
    unsigned long parsed = strtoul(*at, &end, 10);
    if (errno != 0 || parsed >= UINT_MAX) return false; // UINT_MAX as an id means "leave as it is".
    *value = (unsigned)parsed;
    *at = end;
    return true;
}

static bool parse_user(const char *text) {
    struct clinux_spawn_request *request = &options.request;
    unsigned id;
    if (!parse_number(&text, &id) || *text++ != ':') return false;
    request->user = id;
    if (!parse_number(&text, &id)) return false;
    request->group = id;
    request->groups = options.groups;
    request->change_identity = true;
    if (*text == 0) return true;
    do { // Each group stands behind a separator: first ':', then ','.
        if (*text != (request->groups_count == 0 ? ':' : ',')) return false;
        text++;
        if (request->groups_count == GROUPS_MAX || !parse_number(&text, &id)) return false;
        options.groups[request->groups_count++] = id;
    } while (*text != 0);
    return true;
}

static bool parse_amount(const char **at, uint64_t *value) {
    if (**at < '0' || **at > '9') return false;
    char *end;
    errno = 0;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0;
}

// RESOURCE:SOFT:HARD, numbers all; the largest there is means no limit, as for the kernel.
static bool parse_rlimit(const char *text) {
    struct clinux_spawn_request *request = &options.request;
    unsigned resource;
    struct clinux_rlimit *limit = &options.rlimits[request->rlimits_count];
    if (request->rlimits_count == RLIMITS_MAX || !parse_number(&text, &resource) || *text++ != ':') return false;
    limit->resource = (int)resource;
    if (!parse_amount(&text, &limit->soft) || *text++ != ':' || !parse_amount(&text, &limit->hard)) return false;
    request->rlimits = options.rlimits;
    request->rlimits_count++;
    return *text == 0;
}

static int parse_arguments(int argc, char **argv) {
    struct clinux_spawn_request *request = &options.request;
    int at = 1;
    for (; at < argc && strcmp(argv[at], "--") != 0; at += 2) {
        const char *name = argv[at];
        if (at + 1 >= argc) return complain("option without a value", name);
        const char *value = argv[at + 1];
        if (strcmp(name, "--status") == 0) {
            options.status_path = value;
        } else if (strcmp(name, "--pid") == 0) {
            options.pid_path = value;
        } else if (strcmp(name, "--record") == 0) {
            options.record_path = value;
        } else if (strcmp(name, "--cwd") == 0) {
            request->directory = value;
        } else if (strcmp(name, "--user") == 0) {
            if (!parse_user(value)) return complain("not UID:GID[:GID,...]", value);
        } else if (strcmp(name, "--cgroup") == 0) {
            if (request->cgroup_procs_count == CGROUPS_MAX) return complain("too many cgroups", value);
            options.cgroups[request->cgroup_procs_count++] = value;
        } else if (strcmp(name, "--rlimit") == 0) {
            if (!parse_rlimit(value)) return complain("not RESOURCE:SOFT:HARD", value);
        } else if (strcmp(name, "--terminal") == 0) { // Whether our standard input is a terminal for the task.
            request->terminal = strcmp(value, "yes") == 0;
        } else {
            return complain("unknown option", name);
        }
    }
    if ((options.status_path == NULL) != (options.pid_path == NULL)) return complain("missing", "--status or --pid");
    if (options.record_path != NULL && options.status_path != NULL) return complain("too much", "--record and --status");
    if (at + 1 >= argc) return complain("missing", "-- PROGRAM");
    request->program = argv[at + 1];
    request->arguments = argv + at + 1;
    request->environment = clinux_environ();
    request->cgroup_procs = options.cgroups;
    request->stdin_fd = STDIN_FILENO;
    request->stdout_fd = STDOUT_FILENO;
    request->stderr_fd = STDERR_FILENO;
    request->new_session = true;
    // Nobody could tell how a task ended that has lost its supervisor, so it does not live on without one.
    request->death_signal = SIGKILL;
    return 0;
}

// MARK: Files

// Complete or not there, for whoever looks. Not synced: after a crash of the host nobody asks how a task ended that was in its
// middle, and waiting for the disk would cost every task more than all the rest of its end.
static int write_file_once(const char *path, const char *line) {
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (length < 0 || (size_t)length >= sizeof temporary) return ENAMETOOLONG;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return errno;
    size_t size = strlen(line);
    ssize_t written = write(fd, line, size);
    int error = written == (ssize_t)size ? 0 : written < 0 ? errno : ENOSPC;
    if (close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && rename(temporary, path) != 0) error = errno;
    return error;
}

static int write_file(const char *path, const char *line, int attempts_max) {
    int error = 0;
    for (int attempt = 0; attempt < attempts_max; attempt++) {
        if (attempt > 0) sleep(1);
        error = write_file_once(path, line);
        if (error == 0) return 0;
    }
    dprintf(STDERR_FILENO, "mini-supervisor: cannot write %s: %s\n", path, strerror(error));
    return 1;
}

// The record: one file, one write for each line, so that a reader who finds the line's end has all of it. It stays open: what
// it needs for the last line is there once the first is written, even if the disk has become full meanwhile.
static int record_fd = -1;

static int append_record_once(const char *line) {
    if (record_fd < 0) {
        record_fd = open(options.record_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (record_fd < 0) return errno;
    }
    off_t before = lseek(record_fd, 0, SEEK_END);
    size_t size = strlen(line);
    ssize_t written = write(record_fd, line, size);
    if (written == (ssize_t)size) return 0;
    int error = written < 0 ? errno : ENOSPC;
    if (written > 0 && before >= 0 && ftruncate(record_fd, before) != 0) return errno;
    return error;
}

static int append_record(const char *line, int attempts_max) {
    int error = 0;
    for (int attempt = 0; attempt < attempts_max; attempt++) {
        if (attempt > 0) sleep(1);
        error = append_record_once(line);
        if (error == 0) return 0;
    }
    dprintf(STDERR_FILENO, "mini-supervisor: cannot write %s: %s\n", options.record_path, strerror(error));
    return 1;
}

static int write_end(const char *line) {
    if (options.record_path != NULL) return append_record(line, WRITE_ATTEMPTS_MAX);
    return write_file(options.status_path, line, WRITE_ATTEMPTS_MAX);
}

// MARK: The task's end

// Kills our children. Those of the killed become ours, since we are their subreaper, and are found the next time.
static void kill_children(void) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t got = read(fd, text, sizeof text - 1); // If not all fit, the rest comes once these are gone.
    close(fd);
    if (got <= 0) return;
    text[got] = 0;
    if (got == (ssize_t)sizeof text - 1) { // The last number may be cut short.
        char *space = strrchr(text, ' ');
        if (space != NULL) *space = 0;
    }
    char *at = text;
    while (*at != 0) {
        char *end;
        long pid = strtol(at, &end, 10);
        if (end == at) break;
        if (pid > 0) kill((pid_t)pid, SIGKILL);
        at = end;
    }
}

static void kill_what_remains(const sigset_t *signals) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (1) {
        pid_t reaped;
        do {
            reaped = waitpid(-1, NULL, WNOHANG);
        } while (reaped > 0 || (reaped < 0 && errno == EINTR));
        if (reaped < 0) return; // No child is left.
        kill_children();
        struct timespec wait = {.tv_nsec = 50 * 1000 * 1000};
        sigtimedwait(signals, NULL, &wait);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec >= CLEANUP_SECONDS_MAX) {
            dprintf(STDERR_FILENO, "mini-supervisor: some processes of the task do not die\n");
            return;
        }
    }
}

// Whether the task's main process has ended; then its process group is killed while its number is still its own.
static bool reap_task(pid_t task, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid(P_PID, (id_t)task, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return false;
    kill(-task, SIGKILL);
    return waitpid(task, status, 0) == task;
}

// Orphans of the task that became ours. The main process is left for reap_task.
static void reap_orphans(pid_t task) {
    while (1) {
        siginfo_t info;
        memset(&info, 0, sizeof info);
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
        if (info.si_pid == 0 || info.si_pid == task) return; // The next round comes after reap_task.
        waitpid(info.si_pid, NULL, 0);
    }
}

static int wait_for_task(pid_t task, const sigset_t *signals) {
    int status = 0;
    while (1) {
        reap_orphans(task);
        if (reap_task(task, &status)) return status;
        switch (sigwaitinfo(signals, NULL)) {
        case SIGTERM: kill(-task, SIGTERM); break;
        case SIGINT: kill(-task, SIGINT); break;
        case SIGUSR1: kill(-task, SIGKILL); break;
        default: break; // SIGCHLD, SIGHUP, or interrupted: look again.
        }
    }
}

int supervisor_main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "log") == 0) return output_log_main(argc - 1, argv + 1);
    int wrong = parse_arguments(argc, argv);
    if (wrong != 0) return wrong;

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); // If it were ignored, as one may inherit it, nobody would be told how the task ended.
    setsid();                 // Fails if we lead a session already, which is what it is for.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "mini-supervisor", 0, 0, 0);

    char line[256];
    pid_t task = 0;
    int pidfd = -1, stage = 0;
    bool is_recorded = options.status_path != NULL || options.record_path != NULL;
    int error = clinux_spawn(&options.request, &task, &pidfd, &stage);
    if (error != 0 && !is_recorded) {
        dprintf(STDERR_FILENO, "mini-supervisor: cannot run %s: %s\n", options.request.program, strerror(error));
        return stage == CLINUX_STAGE_EXEC ? 127 : 126; // As a shell says it.
    }
    if (error != 0) {
        snprintf(line, sizeof line, "failed %d %d %s\n", stage, error, strerror(error));
        return write_end(line);
    }
    close(pidfd);
    uint64_t start_time = 0; // Stays 0 if the task is over already: then no process has this name.
    clinux_process_start_time(task, &start_time);
    snprintf(line, sizeof line, "%d %llu\n", (int)task, (unsigned long long)start_time);
    // A failure is not worth the task: we are alive, and the status will be there.
    if (options.pid_path != NULL) write_file(options.pid_path, line, 1);
    if (options.record_path != NULL) append_record(line, 1);

    int status = wait_for_task(task, &signals);
    kill_what_remains(&signals);
    if (!is_recorded) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (options.record_path == NULL) {
        snprintf(line, sizeof line, "%d\n", status);
        return write_end(line);
    }
    struct rusage usage; // Of everything that we have waited for, and of what that had waited for.
    memset(&usage, 0, sizeof usage);
    getrusage(RUSAGE_CHILDREN, &usage);
    snprintf(line, sizeof line, "%d %lld %lld %ld\n", status,
             (long long)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec,
             (long long)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec, usage.ru_maxrss);
    return write_end(line);
}
