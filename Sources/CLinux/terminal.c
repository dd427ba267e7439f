// Pseudo terminals.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int clinux_open_terminal(int *outer, int *inner) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return errno;
    char name[64];
    int error = 0;
    if (grantpt(master) != 0 || unlockpt(master) != 0) error = errno;
    if (error == 0) error = ptsname_r(master, name, sizeof name);
    int slave = error == 0 ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (error == 0 && slave < 0) error = errno;
    if (error != 0) {
        close(master);
        return error;
    }
    *outer = master;
    *inner = slave;
    return 0;
}

int clinux_set_terminal_size(int terminal, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(terminal, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

int clinux_terminal_size(int terminal, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(terminal, TIOCGWINSZ, &size) != 0) return errno;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
