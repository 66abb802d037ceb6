#include "hub/commands.h"

#include "common/clock.h"
#include "common/folder.h"
#include "hub/key_change.h"
#include "hub/recovery.h"

#include <stdio.h>
#include <string.h>

struct rotate {
    const char *root, *passphrase; /* sign */
    const char *year, *retire;     /* seal */
    const char *listen, *announce; /* curve */
    const char *to_switch, *finish, *force;
};

/* ---- who would be cut off ---- */

struct behind {
    unsigned count;
};

static enum err say_behind(void *ctx, const char *participant, const char *name, enum key_behind_why why)
{
    struct behind *b = ctx;
    const char *text = "";

    switch (why) {
    case BEHIND_DIRECTORY: text = _("its computer does not know the newest keys yet"); break;
    case BEHIND_BATCHES: text = _("something that it has sealed is not here yet"); break;
    case BEHIND_INVITATION: text = _("its invitation was written before and is not used yet"); break;
    case BEHIND_NEVER: text = _("it has joined, and has not been heard of since"); break;
    case BEHIND_CLOSED: text = _("it is closed, and its computer has not said that nothing waits there"); break;
    case BEHIND_EARLIER:
        text = _("its earlier computer was replaced, and has not said that nothing waits there");
        break;
    case BEHIND_REVOKED:
        text = _("a revoked computer of it may hold something: without the key nobody could ever look at it");
        break;
    }
    b->count++;
    (void)fprintf(stderr, "%s (%s): %s\n", participant, name, text);
    return OK;
}

static enum err judge(const struct behind *b, const struct rotate *r)
{
    if (b->count == 0 || r->force != NULL)
        return OK;
    if (r->retire != NULL)
        return err_set(ERR_DENIED, _("something may still be sealed to this key, as said above (nothing was changed). "
                                     "Wait for it; or say --force: what still comes from there is refused, and a "
                                     "computer that is still in use seals it again"));
    return err_set(
        ERR_DENIED,
        ngettext("%u school is not so far yet (nothing was changed); wait for it, or say --force: then it needs "
                 "a new invitation, or sends what it has again",
                 "%u schools are not so far yet (nothing was changed); wait for them, or say --force: then they "
                 "need new invitations, or send what they have again",
                 b->count),
        b->count);
}

/* ---- sign ---- */

static enum err rotate_sign(struct key_change *c, const struct rotate *r)
{
    char path[FOLDER_PATH_MAX];
    struct key *root = NULL;
    enum err e = OK;

    if (r->root == NULL && (e = root_key_path(path, sizeof(path), c->h->dir)) != OK)
        return e;
    if ((e = root_key_open(&root, r->root != NULL ? r->root : path, r->passphrase, c->h->root)) != OK)
        return e;
    if ((e = key_change_sign(c, root)) == OK) /* of a home from before, or after it was lost */
        e = recovery_write(c->h->dir, root, c->h->district);
    key_free(root);
    return e;
}

/* ---- seal ---- */

static enum err retire(struct key_change *c, const struct rotate *r)
{
    struct behind b = {0};
    struct ring_key *k = NULL;
    enum err e = ring_named(c->h->ring, r->retire, &k);

    if (e != OK)
        return e;
    if (k->state == RING_OLD &&
        ((e = key_behind_retired(c->h, c->t, k, say_behind, &b)) != OK || (e = judge(&b, r)) != OK))
        return e;
    return key_change_retire(c, k);
}

static enum err rotate_seal(struct key_change *c, const struct rotate *r)
{
    int32_t today = clock_today();
    /* From 1 August on the key of the year to come, unless it is there; else another one of this year. */
    int64_t year = school_year_of(today + 31);
    const struct ring_key *now = ring_current(c->h->ring, RING_SEAL);
    enum err e;

    if (r->retire != NULL)
        return retire(c, r);
    if (now != NULL && now->year > year)
        year = now->year;
    if ((e = command_number(&year, "year", r->year, school_year_of(today) - 1, school_year_of(today) + 1)) != OK)
        return e;
    return key_change_seal(c, (int32_t)year, NULL);
}

/* ---- curve ---- */

static enum err rotate_curve(struct key_change *c, const struct rotate *r)
{
    struct behind b = {0};
    enum err e;

    if ((r->listen != NULL) + (r->to_switch != NULL) + (r->finish != NULL) != 1)
        return err_set(ERR_USAGE, _("one of --listen URL, --switch and --finish is expected"));
    if (r->listen != NULL)
        return key_change_curve_begin(c, r->listen, r->announce != NULL ? r->announce : r->listen);
    if (c->h->ring->curve.stage == (r->to_switch != NULL ? CURVE_BOTH : CURVE_SWITCHED) &&
        ((e = key_behind_curve(c->h, c->t, say_behind, &b)) != OK || (e = judge(&b, r)) != OK))
        return e;
    return r->to_switch != NULL ? key_change_curve_switch(c) : key_change_curve_finish(c);
}

/* ---- together ---- */

static enum err change(struct hub *h, enum err (*what)(struct key_change *c, const struct rotate *r),
                       const struct rotate *r)
{
    char who[80];
    struct key_change c = {.h = h, .who = who};
    enum err e;

    command_user(who, sizeof(who));
    if ((e = command_begin(h, &c.t)) != OK)
        return e;
    if ((e = what(&c, r)) != OK)
        key_change_undo(&c);
    /* After a commit that failed the file stays: it may have been durable all the same. */
    if ((e = command_finish(h, c.t, e)) == OK)
        key_change_done(&c);
    return e;
}

static void say_next(const struct hub *h, const char *kind, const struct rotate *r)
{
    if (strcmp(kind, "sign") == 0)
        (void)printf(
            _("The hub has a new signing key; directory and grants are signed by it. Schools take it at their next "
              "meeting by themselves. Now put the root key back into its envelope.\n"));
    else if (r->retire != NULL)
        (void)printf(
            _("The sealing key %s is destroyed. Backups and recovery copies that were made before still hold it: "
              "destroy those, too.\n"),
            r->retire);
    else if (strcmp(kind, "seal") == 0)
        (void)printf(
            _("There is a new sealing key; schools use it from their next meeting on. Make a backup now: without "
              "it what they send from now on could not be opened.\n"));
    else if (r->listen != NULL)
        (void)printf(_("%s has the next transport key. When all schools know it (svodka-hub key list), go on with: "
                       "svodka-hub key rotate curve --switch\n"),
                     h->ring->curve.announce);
    else if (r->to_switch != NULL)
        (void)printf(
            _("All addresses have the new transport key now. When all schools know it (svodka-hub key list), go on "
              "with: svodka-hub key rotate curve --finish\n"));
    else
        (void)printf(_("The transport key is changed.\n"));
}

int cmd_key_rotate(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum err (*what)(struct key_change *c, const struct rotate *r);
    } kinds[] = {{"sign", rotate_sign}, {"seal", rotate_seal}, {"curve", rotate_curve}};
    const struct cli_command *c = command_named("key rotate");
    const char *home = NULL;
    struct rotate r = {0};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"root", 0, N_("FILE"), N_("sign: the root key's file, locked or not (default: the one in keys/)"), &r.root},
        {"root-passphrase-file", 0, N_("FILE"), N_("sign: the passphrase of the locked root key"), &r.passphrase},
        {"year", 0, N_("YEAR"), N_("seal: of which school year (default: the one at hand; from August the next)"),
         &r.year},
        {"retire", 0, N_("YEAR"), N_("seal: destroy the old key of that school year for ever"), &r.retire},
        {"listen", 0, N_("URL"), N_("curve, step 1: a second address, which gets the next key"), &r.listen},
        {"announce", 0, N_("URL"), N_("curve, step 1: how schools reach that address"), &r.announce},
        {"switch", 0, NULL, N_("curve, step 2: the new key at all addresses"), &r.to_switch},
        {"finish", 0, NULL, N_("curve, step 3: close the second address"), &r.finish},
        {"force", 0, NULL, N_("although schools are named that are not so far yet"), &r.force},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(argv[0], kinds[i].name) == 0) {
            if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = change(h, kinds[i].what, &r)) == OK)
                say_next(h, kinds[i].name, &r);
            return command_close(h, e, true);
        }
    return cli_fail(err_set(ERR_USAGE, _("\"%s\": sign, seal or curve is expected"), argv[0]));
}

/* ---- key lost ---- */

static enum err give_up(struct key_change *c, const struct rotate *r)
{
    struct ring_key *k = NULL;
    enum err e = ring_named(c->h->ring, r->year, &k);

    return e == OK ? key_change_lost(c, k) : e;
}

int cmd_key_lost(int argc, char **argv)
{
    const struct cli_command *c = command_named("key lost");
    const char *home = NULL;
    struct rotate r = {0};
    const struct cli_option options[] = {HOME_OPTION(&home), LAST_OPTION};
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(c, options, argc, argv, 2, 2) < 0)
        return cli_exit_code();
    if (strcmp(argv[0], "seal") != 0)
        return cli_fail(err_set(ERR_USAGE, _("\"%s\": only a sealing key (seal) can be given up as lost"), argv[0]));
    r.year = argv[1];
    if ((e = command_open(&h, home, HUB_KEYS)) == OK && (e = change(h, give_up, &r)) == OK)
        (void)printf(_("The sealing key %s is given up. Schools seal again what is not in a backup yet, at their next "
                       "meeting and under the same numbers; nothing is counted twice.\n"),
                     r.year);
    return command_close(h, e, true);
}
