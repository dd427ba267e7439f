// Files on their way to the disk.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <fcntl.h>

void clinux_begin_writing(int fd) { (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); }
