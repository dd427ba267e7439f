// openat2(2), which the C library here has no wrapper for, and what else files beneath a directory need.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_open_beneath(int directory, const char *path, int flags, mode_t mode, bool follow_links) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (follow_links ? 0 : RESOLVE_NO_SYMLINKS),
    };
    // EAGAIN: something was renamed on the way, so that the kernel could not be sure. It asks to be asked again.
    for (int attempt = 0; attempt < 100; attempt++) {
        long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0) return (int)fd;
        if (errno != EAGAIN && errno != EINTR) return -errno;
    }
    return -EAGAIN;
}

int clinux_path_flag(void) { return O_PATH; }

ssize_t clinux_copy_range(int from, int to, size_t size) {
    while (true) {
        ssize_t copied = copy_file_range(from, NULL, to, NULL, size, 0);
        if (copied >= 0) return copied;
        if (errno == EINTR) continue;
        if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
        break;
    }
    // Where the kernel cannot do it at once, between two file systems for example.
    while (true) {
        ssize_t copied = sendfile(to, from, NULL, size);
        if (copied >= 0) return copied;
        if (errno != EINTR) return -errno;
    }
}

int clinux_pipe(int *reading, int *writing) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}
