/* cmd_school.h: shared by cmd_school.c and cmd_school_add_all.c alone. */
#ifndef SVODKA_HUB_CMD_SCHOOL_H
#define SVODKA_HUB_CMD_SCHOOL_H

#include "hub/commands.h"

/* school add --from. */
struct school_all {
    const char *from;   /* the table */
    const char *folder; /* must not exist yet; NULL with is_preview */
    int64_t days;       /* 0: conf.invitation_days */
    bool is_preview;
    enum table_format format;
};
/* The whole command; returns the exit code. */
int school_add_all(const struct school_all *a, const char *home);

#endif
