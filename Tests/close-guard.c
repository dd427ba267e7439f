// Preloaded (LD_PRELOAD), it writes to the file that MINI_CLOSE_LOG names whenever a program of ours closes a descriptor that is
// not open. Such a close is one too many: sooner or later the number is somebody else's, and a file, a connection or the end of
// a process is lost, elsewhere and much later.
#define _GNU_SOURCE 1
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FRAMES_MAX = 40 };

static const char *log_path; // NULL: nothing is watched in this program.
static const char *program;
static pid_t self; // Between its birth and its program a child closes what it has not opened.

__attribute__((constructor)) static void start(void) {
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    const char *slash = strrchr(path, '/');
    program = slash == NULL ? path : slash + 1;
    // What else a test starts may close as it likes.
    if (strncmp(program, "mini", 4) != 0) return;
    void *frames[1];
    backtrace(frames, 1); // The first call loads a library, which must not happen in a child.
    self = getpid();
    log_path = getenv("MINI_CLOSE_LOG");
}

static void report(int descriptor) {
    int out = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (out < 0) return;
    char thread[16] = "?";
    prctl(PR_GET_NAME, thread, 0, 0, 0);
    char line[256];
    int length = snprintf(line, sizeof line, "%s (%d), thread %s, closed %d, which was not open:\n", program, getpid(), thread,
                          descriptor);
    if (length > 0 && write(out, line, (size_t)length) == length) {
        void *frames[FRAMES_MAX];
        backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), out);
    }
    syscall(SYS_close, out);
}

int close(int descriptor) {
    int code = (int)syscall(SYS_close, descriptor);
    // Negative ones are no descriptors, and closing them is idle.
    if (code < 0 && errno == EBADF && descriptor >= 0 && log_path != NULL && getpid() == self) {
        report(descriptor);
        errno = EBADF;
    }
    return code;
}
