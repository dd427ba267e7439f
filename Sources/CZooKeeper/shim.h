// What Swift needs of Debian's libzookeeper_mt, and const views of the C globals that Swift 6 refuses to import.
#ifndef CZOOKEEPER_SHIM_H
#define CZOOKEEPER_SHIM_H

// Set here because a target's cSettings do not reach Swift's importer.
#define THREADED 1
#include <zookeeper/zookeeper.h>

/// Everybody may do everything.
static inline const struct ACL_vector *czk_acl_open(void) { return &ZOO_OPEN_ACL_UNSAFE; }

/// The session's authenticated user may do everything, everybody else may read.
static inline const struct ACL_vector *czk_acl_creator_all_world_read(void) {
    static struct ACL entries[2] = {
        {.perms = 0x1f, .id = {.scheme = (char *)"auth", .id = (char *)""}},
        {.perms = 0x01, .id = {.scheme = (char *)"world", .id = (char *)"anyone"}},
    };
    static const struct ACL_vector acl = {.count = 2, .data = entries};
    return &acl;
}

#endif
