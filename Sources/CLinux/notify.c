// Datagrams to the service manager: the protocol of sd_notify(3).
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int clinux_notify(const char *address, const char *message, size_t size) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(address);
    if (length < 2 || (address[0] != '/' && address[0] != '@')) return EINVAL;
    if (length > sizeof name.sun_path - (address[0] == '/')) return ENAMETOOLONG;
    memcpy(name.sun_path, address, length);
    // An abstract name begins with a zero byte and is not ended by one.
    if (address[0] == '@') name.sun_path[0] = 0;
    socklen_t name_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (address[0] == '/'));
    int channel = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (channel < 0) return errno;
    ssize_t sent = sendto(channel, message, size, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&name, name_size);
    int error = sent < 0 ? errno : 0;
    close(channel);
    return error;
}
