// The C library's heap: how many pieces it is in, and what of it goes back to the kernel.
#include "CLinux.h"

#include <malloc.h>

void clinux_keep_heap_small(void) {
    mallopt(M_ARENA_MAX, 2);
    // Fixed: by itself the threshold grows with the largest block ever freed, and later blocks of that size stay.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

bool clinux_trim_heap(size_t free_max) {
    struct mallinfo2 info = mallinfo2();
    if (info.fordblks <= free_max) return false;
    return malloc_trim(0) == 1;
}
