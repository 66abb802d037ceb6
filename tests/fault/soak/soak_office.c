/* What the office decides: periods are closed and opened again, schools held and released, keys renewed, a programme
 * comes in a new version, the hub is backed up and restored. */
#include "tests/fault/soak/soak.h"

#include "hub/backup.h"
#include "hub/closing.h"
#include "hub/key_change.h"
#include "hub/quarantine.h"
#include "hub/registry_status.h"
#include "hub/snapshot_take.h"

static char folder[64];
static unsigned backups;
static bool is_held[SOAK_SCHOOLS_MAX];
static struct key *root;

void office_begin(const char *dir)
{
    (void)snprintf(folder, sizeof(folder), "%s", dir);
    memset(is_held, 0, sizeof(is_held));
    backups = 0;
}

void office_decides_that(void (*deed)(struct hub *h, struct store_txn *t, void *ctx), void *ctx)
{
    struct store_txn *t;
    struct hub *h;

    clock_of(0);
    hub_stop();
    MUST(hub_open(&h, hub_home, HUB_WRITE));
    MUST(store_begin_write(h->store, &t));
    deed(h, t, ctx);
    MUST(ledger_end(h->ledger, t, OK));
    hub_close(h, true);
    hub_start();
}

/* ---- periods ---- */

static void close_or_open(struct hub *h, struct store_txn *t, void *ctx)
{
    const struct closing_order o = {
        .period = soak_periods[*(const uint32_t *)ctx], .by = "office", .reason = "a reason", .is_forced = true};
    struct snapshot_writer w;
    bool is_closed = false;
    uint64_t lsn;

    MUST(closing_is_closed(t, o.period, "", &is_closed, &lsn));
    soak_note("the office %s %s", is_closed ? "opens" : "closes", o.period);
    if (is_closed) {
        MUST(closing_reopen(h, t, &o));
        return;
    }
    snapshot_writer_init(&w);
    MUST(snapshot_take(h, t, o.period, o.group, &w));
    MUST(closing_close(h, t, &o, &w));
    snapshot_writer_fini(&w);
}

/* ---- schools ---- */

static void hold_or_release(struct hub *h, struct store_txn *t, void *ctx)
{
    const struct school *s = ctx;
    const struct status_word w = {.id = s->id, .who = "office", .reason = "a reason"};
    bool *held = &is_held[s->number];

    *held = !*held;
    soak_note("the office %s %s", *held ? "holds" : "releases", s->id);
    MUST(*held ? registry_hold(h, t, &w) : registry_release(h, t, &w));
}

void office_releases_all(void)
{
    for (size_t i = 0; i < school_count; i++)
        if (is_held[i])
            office_decides_that(hold_or_release, &schools[i]);
}

static void let_out(struct hub *h, struct store_txn *t, void *ctx)
{
    static const struct quarantine_filter any;
    struct quarantine_outcome *out = ctx;
    struct quarantine_list l;

    MUST(quarantine_find(h, t, &any, &l));
    for (size_t from = 0, n = 0; from < l.count; from += n) {
        n = quarantine_run(&l, from);
        MUST(quarantine_release(h, t, "office", &l.items[from], n, out));
    }
    quarantine_list_fini(&l);
}

void office_lets_out(void)
{
    struct quarantine_outcome out = {.counted = 0};

    office_decides_that(let_out, &out);
    soak_note("the office lets out: %llu counted, %llu superseded, %llu stayed", (unsigned long long)out.counted,
              (unsigned long long)out.superseded, (unsigned long long)out.stayed);
}

/* ---- keys ---- */

static void renew_key(struct hub *h, struct store_txn *t, void *ctx)
{
    struct key_change c = {.h = h, .t = t, .who = "office"};

    (void)ctx;
    if (once_in(2))
        MUST(key_change_sign(&c, root));
    else
        MUST(key_change_seal(&c, 2020, NULL));
    key_change_done(&c);
    soak_note("the office renews a key");
}

/* ---- backups ---- */

static void path_of_backup(char out[128], unsigned n)
{
    (void)snprintf(out, 128, "%s/backup-%u", folder, n);
}

void office_backs_up(void)
{
    struct archive_row row;
    struct store_txn *t;
    struct hub *h;
    char path[128];

    clock_of(0);
    hub_stop();
    path_of_backup(path, backups + 1);
    MUST(hub_open(&h, hub_home, HUB_WRITE));
    MUST(backup_write(h, path, &row));
    MUST(store_begin_write(h->store, &t));
    MUST(archive_put(t, &row));
    if (once_in(2))
        MUST(archive_confirm(h, t, &row, ARCHIVE_OPERATOR));
    MUST(ledger_end(h->ledger, t, OK));
    hub_close(h, true);
    hub_start();
    backups++;
    soak_note("the office makes backup %u", backups);
}

/* The last backup: what the office does when the hub's disk is dead.  The programme and who is held are as they were
 * then; the office puts that right. */
void office_restores(void)
{
    struct backup_head head;
    uint64_t acts;
    char path[128];

    if (backups == 0)
        return;
    clock_of(0);
    hub_stop();
    folder_remove(hub_home);
    path_of_backup(path, backups);
    MUST(backup_restore_hub(path, hub_home, root, "office", &head, &acts));
    hub_has_gone_back();
    hub_start();
    soak_note("the office restores backup %u", backups);
    if (soak_pass_grade != 10)
        office_decides_that(world_load_programme, NULL);
}

/* A backup from before a decision would take it back. */
static void backup_again(void)
{
    if (backups > 0)
        office_backs_up();
    hub_forget_copy();
}

static void new_version(void)
{
    if (soak_pass_grade != 10)
        return;
    soak_pass_grade = 12;
    office_decides_that(world_load_programme, NULL);
    soak_note("the office loads a new version");
}

void office_decides(struct school *s)
{
    uint32_t period = chance_below(SOAK_PERIODS);

    if (root == NULL) {
        char path[160];

        (void)snprintf(path, sizeof(path), "%s/keys/root.key", hub_home);
        MUST(root_key_open(&root, path, NULL, NULL));
    }
    switch (chance_below(9)) {
    case 0:
    case 1: office_decides_that(close_or_open, &period); return;
    case 2: office_backs_up(); return;
    case 3: office_restores(); return;
    case 4: office_decides_that(renew_key, NULL); break;
    case 5: new_version(); break;
    case 6:
        if (!is_held[s->number])
            computer_begins(s);
        break;
    default:
        office_decides_that(hold_or_release, s);
        if (once_in(2)) /* it does not know yet, and sends what is kept apart */
            world_meet(s);
        break;
    }
    backup_again();
}
