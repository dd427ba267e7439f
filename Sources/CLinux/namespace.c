// Sockets in other network namespaces. A socket belongs for good to the namespace of the thread that made it, so a thread
// of a moment's life goes there, and the socket comes back.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct errand {
    int namespace_fd;
    int family;
    int type;
    int protocol;
    int socket;
    int error;
};

static void *make_socket(void *context) {
    struct errand *errand = context;
    if (setns(errand->namespace_fd, CLONE_NEWNET) != 0) {
        errand->error = errno;
        return NULL;
    }
    errand->socket = socket(errand->family, errand->type | SOCK_CLOEXEC, errand->protocol);
    if (errand->socket < 0) errand->error = errno;
    return NULL;
}

int clinux_socket_in_namespace(const char *path, int family, int type, int protocol, int *result) {
    struct errand errand = {.family = family, .type = type, .protocol = protocol, .socket = -1};
    errand.namespace_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (errand.namespace_fd < 0) return errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // The thread inherits it: signals are not for it.
    pthread_t thread;
    int error = pthread_create(&thread, NULL, make_socket, &errand);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        pthread_join(thread, NULL);
        error = errand.error;
    }
    close(errand.namespace_fd);
    if (error == 0) *result = errand.socket;
    return error;
}
