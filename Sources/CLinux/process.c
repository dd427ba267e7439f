// Facts about this process and others.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

FILE *clinux_stdout(void) { return stdout; }
FILE *clinux_stderr(void) { return stderr; }
char *const *clinux_environ(void) { return environ; }

int clinux_raise_open_files(uint64_t *soft) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    *soft = limit.rlim_cur;
    if (limit.rlim_cur == limit.rlim_max) return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    *soft = limit.rlim_cur;
    return 0;
}

// Async-signal-safe: only open, read and close on a stack buffer.
int clinux_process_start_time(pid_t pid, uint64_t *ticks) {
    char path[32] = "/proc/";
    char digits[16];
    size_t count = 0, length = 6;
    if (pid <= 0) return ESRCH;
    for (pid_t rest = pid; rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    while (count > 0) path[length++] = digits[--count];
    memcpy(path + length, "/stat", 6);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? ESRCH : errno;
    char text[1024];
    ssize_t got = read(fd, text, sizeof text - 1);
    int error = got < 0 ? errno : 0;
    close(fd);
    if (error != 0) return error;
    text[got] = 0;

    // Field 2 is the name in parentheses and may itself hold spaces and parentheses: count from the last one.
    char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ') return EINVAL;
    at += 2;
    if (*at == 'Z' || *at == 'X') return ESRCH;
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (at == NULL) return EINVAL;
        at++;
    }
    uint64_t value = 0;
    if (*at < '0' || *at > '9') return EINVAL;
    for (; *at >= '0' && *at <= '9'; at++) value = value * 10 + (uint64_t)(*at - '0');
    *ticks = value;
    return 0;
}

int clinux_poll_pidfd(int pidfd, int *code, int *value) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do {
        result = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        if (info.si_pid == 0) return EAGAIN;
        *code = info.si_code;
        *value = info.si_status;
        return 0;
    }
    if (errno != ECHILD) return errno;

    struct pollfd poller = {.fd = pidfd, .events = POLLIN};
    do {
        result = poll(&poller, 1, 0);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return errno;
    if (result == 0) return EAGAIN;
    *code = 0;
    *value = 0;
    return 0;
}
