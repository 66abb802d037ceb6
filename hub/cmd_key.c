#include "hub/commands.h"

#include "common/clock.h"
#include "common/folder.h"
#include "hub/key_change.h"
#include "hub/recovery.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- key list ---- */

enum {
    COLUMN_KEY,
    COLUMN_STATE,
    COLUMN_FINGERPRINT,
    COLUMN_SINCE,
    COLUMN_UNTIL,
    COLUMN_FILE,
    COLUMN_PUBLIC,
    COLUMN_COUNT
};

static const char *kind_name(enum ring_kind k, enum table_format f)
{
    const char *name = "";

    switch (k) {
    case RING_SIGN: name = N_("signing"); break;
    case RING_SEAL: name = N_("sealing"); break;
    case RING_CURVE: name = N_("transport"); break;
    }
    return f == TABLE_TEXT ? _(name) : name;
}

static const char *state_name(enum ring_state s, enum table_format f)
{
    const char *name = "";

    switch (s) {
    case RING_CURRENT: name = N_("current"); break;
    case RING_OLD: name = N_("old"); break;
    case RING_LOST: name = N_("lost"); break;
    case RING_ERASED: name = N_("destroyed"); break;
    case RING_NEXT: name = N_("next"); break;
    }
    return f == TABLE_TEXT ? _(name) : name;
}

static void say_name(char *out, size_t size, const struct ring_key *k, enum table_format f)
{
    int n = snprintf(out, size, "%s", kind_name(k->kind, f));

    if (k->kind != RING_SEAL || n < 0 || (size_t)n >= size)
        return;
    if (k->ordinal > 1)
        (void)snprintf(out + n, size - (size_t)n, " %d/%02d (%u)", (int)k->year, (int)((k->year + 1) % 100),
                       k->ordinal);
    else
        (void)snprintf(out + n, size - (size_t)n, " %d/%02d", (int)k->year, (int)((k->year + 1) % 100));
}

static enum err put_row(struct table *t, const char *name, const char *state, const uint8_t *public_half,
                        const char *since, const char *until, const char *file)
{
    const char *cells[COLUMN_COUNT] = {name, state, NULL, since, until, file, NULL};
    char text[40] = "";
    char hex[2 * KEY_BYTES + 1] = "";

    if (public_half != NULL) {
        fingerprint(text, public_half);
        (void)sodium_bin2hex(hex, sizeof(hex), public_half, KEY_BYTES);
    }
    cells[COLUMN_FINGERPRINT] = text;
    cells[COLUMN_PUBLIC] = hex;
    return table_row(t, cells);
}

static enum err put_key(struct table *t, const struct ring_key *k, enum table_format f)
{
    char name[64], since[64], until[64];
    char file[RING_FILE_MAX] = "";
    bool has_file = k->state == RING_CURRENT || k->state == RING_NEXT || (k->state == RING_OLD && k->kind == RING_SEAL);

    say_name(name, sizeof(name), k, f);
    command_time(since, sizeof(since), k->since_ms, f);
    command_time(until, sizeof(until), k->until_ms, f);
    if (has_file)
        ring_file(file, k);
    return put_row(t, name, state_name(k->state, f), k->public_half, since, until, file);
}

static bool is_in_home(const struct hub *h, const char *name)
{
    char path[FOLDER_PATH_MAX];
    struct stat st;

    return folder_path(path, h->dir, name) == OK && stat(path, &st) == 0;
}

/* Where the root lies is part of its state: here it should not. */
static enum err put_root(struct table *t, const struct hub *h, enum table_format f)
{
    uint8_t recovery[KEY_BYTES];
    const char *root = is_in_home(h, "keys/root.key")          ? "root.key"
                       : is_in_home(h, "keys/root.key.locked") ? "root.key.locked"
                                                               : "";
    bool has_recovery = recovery_public(recovery, h->dir, h->root, h->district) == OK;
    enum err e = put_row(t, f == TABLE_TEXT ? _("root") : "root",
                         root[0] == '\0' ? (f == TABLE_TEXT ? _("put away") : "away") : state_name(RING_CURRENT, f),
                         h->root, NULL, NULL, root);

    if (e == OK)
        e = put_row(t, f == TABLE_TEXT ? _("recovery") : "recovery",
                    has_recovery ? state_name(RING_CURRENT, f) : state_name(RING_LOST, f),
                    has_recovery ? recovery : NULL, NULL, NULL, has_recovery ? "recovery.pub" : "");
    if (e == OK)
        e = put_row(t, f == TABLE_TEXT ? _("storage") : "storage", state_name(RING_CURRENT, f), NULL, NULL, NULL,
                    "storage.key");
    return e;
}

static enum err list_keys(const struct hub *h, enum table_format f)
{
    static const enum ring_kind kinds[] = {RING_SIGN, RING_SEAL, RING_CURVE};
    const struct table_column columns[COLUMN_COUNT] = {{"key", _("Key"), TABLE_LEFT, false},
                                                       {"state", _("State"), TABLE_LEFT, false},
                                                       {"fingerprint", _("Fingerprint"), TABLE_LEFT, false},
                                                       {"since", _("Since"), TABLE_LEFT, false},
                                                       {"until", _("Until"), TABLE_LEFT, false},
                                                       {"file", _("File in keys/"), TABLE_LEFT, false},
                                                       {"public", _("Public half"), TABLE_LEFT, false}};
    /* The last column is for programs: people compare fingerprints. */
    size_t count = f == TABLE_TEXT ? COLUMN_COUNT - 1 : COLUMN_COUNT;
    struct table *t = NULL;
    enum err e = table_new(&t, columns, count);

    if (e == OK)
        e = put_root(t, h, f);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && e == OK; i++)
        for (size_t k = h->ring->count; k-- > 0 && e == OK;)
            if (h->ring->keys[k].kind == kinds[i])
                e = put_key(t, &h->ring->keys[k], f);
    return command_print(t, f, e);
}

/* ---- what is due ---- */

static void due_seal(const struct hub *h)
{
    const struct ring_key *now = ring_current(h->ring, RING_SEAL);
    int32_t today = clock_today();
    int32_t year = school_year_of(today);
    int32_t ahead = school_year_of(today + 31); /* in August it is the year to come */

    if (now != NULL && now->year < year)
        (void)fprintf(stderr,
                      _("Due: the sealing key of %d/%02d (svodka-hub key rotate seal; a running hub makes it by itself "
                        "within a minute).\n"),
                      (int)year, (int)((year + 1) % 100));
    else if (now != NULL && now->year < ahead)
        (void)fprintf(stderr,
                      _("The sealing key of %d/%02d is due from 1 August; on 1 September a running hub makes it by "
                        "itself.\n"),
                      (int)ahead, (int)((ahead + 1) % 100));
}

static void due_sign(const struct hub *h)
{
    const struct ring_key *now = ring_current(h->ring, RING_SIGN);

    if (now != NULL && clock_wall_ms() - now->since_ms > INT64_C(365) * 86400 * 1000)
        (void)fprintf(
            stderr, "%s\n",
            _("Due: a new signing key, this one is more than a year old (svodka-hub key rotate sign, with the "
              "root key at hand)."));
}

static void due_curve(const struct hub *h)
{
    switch (h->ring->curve.stage) {
    case CURVE_STILL: return;
    case CURVE_BOTH:
        (void)fprintf(stderr,
                      _("The transport key is being changed: %s has the next one. Next: svodka-hub key rotate "
                        "curve --switch, when all schools know it.\n"),
                      h->ring->curve.announce);
        return;
    case CURVE_SWITCHED:
        (void)fprintf(stderr,
                      _("The transport key is changed; %s is still open. Next: svodka-hub key rotate curve "
                        "--finish, when all schools know it.\n"),
                      h->ring->curve.announce);
        return;
    }
}

static enum err say_due(struct hub *h)
{
    struct store_txn *t = NULL;
    size_t know = 0;
    size_t all = 0;
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    e = key_knowing(h, t, &know, &all);
    store_abort(t);
    if (e != OK)
        return e;
    (void)fprintf(stderr, _("%zu of %zu schools know the newest keys and addresses (directory %llu).\n"), know, all,
                  (unsigned long long)h->directory->version);
    if (is_in_home(h, "keys/root.key") || is_in_home(h, "keys/root.key.locked"))
        (void)fprintf(stderr, "%s\n",
                      _("The root key still lies in keys/: print it, copy it to a stick, and delete it here."));
    due_seal(h);
    due_sign(h);
    due_curve(h);
    return OK;
}

static enum err list_and_say(struct hub *h, enum table_format f)
{
    enum err e = list_keys(h, f);

    return e == OK ? say_due(h) : e;
}

int cmd_key_list(int argc, char **argv)
{
    return command_show("key list", argc, argv, HUB_KEYS, list_and_say);
}
