/* room.h: is there room for what schools send?  Looked at before anything is taken, so that a disk is never really
 * full: what the hub must still be able to do then (answer, erase, be told to accept) needs some of it. */
#ifndef SVODKA_HUB_ROOM_H
#define SVODKA_HUB_ROOM_H

#include "hub/hub.h"

#define ROOM_RESERVES 4u /* little: when so many times store.disk_reserve are left */

struct room {
    uint64_t store_left; /* until store.map_size */
    uint64_t disk_left;
    bool store_is_little, disk_is_little; /* somebody should look */
    bool is_closed;                       /* nothing new is taken: less than store.disk_reserve is left on the disk */
};
MUST_CHECK enum err room_look(const struct hub *h, struct room *out);
/* The same question alone, by one system call.  A disk that does not say counts as open: the store refuses by itself
 * what it cannot write. */
bool room_is_closed(const struct hub *h);
/* ERR_FULL with a sentence for the operator, when it is closed. */
MUST_CHECK enum err room_check(const struct hub *h);

#endif
