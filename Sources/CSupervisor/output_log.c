// Writes a task's output into its sandbox, in files of a bounded size. Like the supervisor it outlives the agent.
#define _GNU_SOURCE 1
#include "CSupervisor.h"
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream {
    const char *name;
    int source; // -1 once it has ended.
    int file;   // -1 if it could not be opened.
    unsigned long long size_max; // 0: none.
    unsigned long long size;
    unsigned long long lost; // Bytes the disk has not taken since the last that it took.
    int lost_error;
};

// What is typed to a task's terminal comes from pipes with names, whose other ends an agent opens when it needs them.
struct typist {
    int terminal; // -1: the task has none.
    int input;
    int window;
    char waiting[4096]; // Read, and not taken by the terminal yet.
    size_t waiting_count;
};

static unsigned kept_max;

static void open_file(struct stream *stream) {
    stream->size = 0;
    // The directory is the task's: a link or a fifo put there is not followed, and not waited for.
    stream->file = open(stream->name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
    struct stat status;
    if (stream->file < 0) return;
    if (fstat(stream->file, &status) == 0 && S_ISREG(status.st_mode)) {
        stream->size = (unsigned long long)status.st_size;
    } else {
        close(stream->file);
        stream->file = -1;
    }
}

static void rotate(struct stream *stream) {
    char from[64], to[64];
    snprintf(to, sizeof to, "%s.%u", stream->name, kept_max);
    unlink(to);
    for (unsigned number = kept_max; number > 1; number--) {
        snprintf(from, sizeof from, "%s.%u", stream->name, number - 1);
        snprintf(to, sizeof to, "%s.%u", stream->name, number);
        rename(from, to);
    }
    snprintf(to, sizeof to, "%s.1", stream->name);
    if (rename(stream->name, to) != 0) unlink(stream->name); // The task stands in the way; the limit still holds.
    if (stream->file >= 0) close(stream->file);
    open_file(stream);
    if (stream->file >= 0 && stream->size >= stream->size_max && ftruncate(stream->file, 0) == 0) stream->size = 0;
}

// Returns how many bytes the disk took.
static size_t put(struct stream *stream, const char *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t written = write(stream->file, bytes + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            stream->lost_error = errno;
            break;
        }
        done += (size_t)written;
    }
    stream->size += done;
    return done;
}

static void tell_loss(struct stream *stream) {
    char line[128];
    int length = snprintf(line, sizeof line, "[%llu bytes of output lost: %s]\n", stream->lost,
                          strerror(stream->lost_error));
    if (length > 0 && put(stream, line, (size_t)length) == (size_t)length) stream->lost = 0;
}

static void append(struct stream *stream, const char *bytes, size_t count) {
    while (count > 0) {
        if (stream->size_max > 0 && stream->size >= stream->size_max) rotate(stream);
        if (stream->file < 0) open_file(stream);
        if (stream->file < 0) {
            stream->lost_error = errno;
            stream->lost += count;
            return;
        }
        if (stream->lost > 0) tell_loss(stream);
        size_t part = count;
        if (stream->size_max > 0 && stream->size < stream->size_max && part > stream->size_max - stream->size) {
            part = (size_t)(stream->size_max - stream->size);
        }
        size_t taken = put(stream, bytes, part);
        bytes += part;
        count -= part;
        stream->lost += part - taken; // The task does not wait for the disk.
    }
}

static void copy(struct stream *stream) {
    static char buffer[64 * 1024];
    ssize_t count = read(stream->source, buffer, sizeof buffer);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) {
        close(stream->source);
        stream->source = -1;
        return;
    }
    append(stream, buffer, (size_t)count);
}

// The terminal takes as much as it has room for; nothing more is read until it has taken all.
static void type(struct typist *typist) {
    if (typist->waiting_count == 0) {
        ssize_t count = read(typist->input, typist->waiting, sizeof typist->waiting);
        if (count <= 0) return;
        typist->waiting_count = (size_t)count;
    }
    ssize_t written = write(typist->terminal, typist->waiting, typist->waiting_count);
    if (written <= 0) return;
    typist->waiting_count -= (size_t)written;
    memmove(typist->waiting, typist->waiting + written, typist->waiting_count);
}

// Whoever writes a size writes all of it at once, and a pipe keeps so little together.
static void resize(const struct typist *typist) {
    uint16_t size[2];
    if (read(typist->window, size, sizeof size) == sizeof size) {
        clinux_set_terminal_size(typist->terminal, size[0], size[1]);
    }
}

static bool parse(const char *text, unsigned long long *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

static bool parse_options(int argc, char **argv, struct stream *streams, struct typist *typist) {
    unsigned long long kept;
    if (argc != 4 && argc != 5) return false;
    if (!parse(argv[1], &streams[0].size_max) || !parse(argv[2], &streams[1].size_max)) return false;
    if (!parse(argv[3], &kept) || kept < 1 || kept > 1000) return false;
    kept_max = (unsigned)kept;
    streams[0].source = 0;
    if (argc == 4) {
        streams[1].source = 1;
        return true;
    }
    if (strcmp(argv[4], "terminal") != 0) return false;
    *typist = (struct typist){.terminal = 0, .input = 1, .window = 2};
    for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return true;
}

int output_log_main(int argc, char **argv) {
    struct stream streams[2] = {{.name = "stdout", .source = -1, .file = -1}, {.name = "stderr", .source = -1, .file = -1}};
    static struct typist typist = {.terminal = -1, .input = -1, .window = -1};
    if (!parse_options(argc, argv, streams, &typist)) {
        dprintf(STDERR_FILENO, "mini-supervisor: log: expected STDOUT_SIZE STDERR_SIZE FILES [terminal]\n");
        return 2;
    }
    // Whoever ends it would end the task with it, which writes to a pipe that nobody reads.
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_NAME, "mini-output", 0, 0, 0);
    for (int index = 0; index < 2; index++) {
        if (streams[index].source >= 0) open_file(&streams[index]);
    }
    while (streams[0].source >= 0 || streams[1].source >= 0) {
        struct pollfd ready[4];
        for (int index = 0; index < 2; index++) {
            ready[index] = (struct pollfd){.fd = streams[index].source, .events = POLLIN};
        }
        if (typist.waiting_count > 0) ready[0].events |= POLLOUT;
        ready[2] = (struct pollfd){.fd = typist.waiting_count > 0 ? -1 : typist.input, .events = POLLIN};
        ready[3] = (struct pollfd){.fd = typist.window, .events = POLLIN};
        if (poll(ready, 4, -1) < 0 && errno != EINTR) return 1;
        if (ready[3].fd >= 0 && ready[3].revents != 0) resize(&typist);
        if ((ready[2].fd >= 0 && ready[2].revents != 0) || (ready[0].revents & POLLOUT) != 0) type(&typist);
        for (int index = 0; index < 2; index++) {
            if (ready[index].fd >= 0 && ready[index].revents != 0) copy(&streams[index]);
        }
    }
    for (int index = 0; index < 2; index++) {
        if (streams[index].lost > 0 && streams[index].file >= 0) tell_loss(&streams[index]);
    }
    return 0;
}
