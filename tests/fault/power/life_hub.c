#include "hub/backup.h"
#include "hub/carry.h"
#include "hub/key_change.h"
#include "hub/ledger_erase.h"
#include "hub/ledger_internal.h"
#include "hub/root_key.h"
#include "tests/fault/power/life_internal.h"
#include "tests/fault/power/tape.h"

/* ---- what is promised on the way: the linker puts these before the real ones ---- */

void __real_ledger_committed(struct ledger *l);
void __wrap_ledger_committed(struct ledger *l);
void __real_line_answer(uint32_t connection, struct bytes frame);
void __wrap_line_answer(uint32_t connection, struct bytes frame);
void __real_hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m);
void __wrap_hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m);

/* A transaction of the hub has been committed, and whoever asked for it is about to be told. */
void __wrap_ledger_committed(struct ledger *l)
{
    static uint64_t last;
    struct journal_head head;
    struct store_txn *t;
    struct bytes entry;

    __real_ledger_committed(l);
    MUST(store_begin_read(l->hub->store, &t));
    MUST(journal_head(t, &head));
    for (; last < head.lsn; last++) {
        MUST(journal_get(t, last + 1, &entry));
        fact_add_bytes((struct fact){.kind = FACT_ENTRY, .part = PART_HUB, .number = last + 1}, entry);
    }
    store_abort(t);
}

/* A receipt that leaves the hub speaks of what is held. */
void __wrap_line_answer(uint32_t connection, struct bytes frame)
{
    struct message *m = calloc(1, sizeof(*m));
    struct receipt r;

    assert_non_null(m);
    if (message_decode(m, frame) == OK && m->type == MSG_RECEIPT && receipt_open(&r, m->as.signed_object, NULL) == OK) {
        struct fact f = {.kind = FACT_STORED, .part = PART_HUB, .gen = r.gen, .number = r.sequence};

        memcpy(f.digest, r.batch, DIGEST_BYTES);
        (void)snprintf(f.name, sizeof(f.name), "%s", r.participant);
        fact_add(f);
        receipt_fini(&r);
    }
    free(m);
    __real_line_answer(connection, frame);
}

/* What the hub has seen a part of can be nothing else any more. */
void __wrap_hub_hears(uint32_t connection, const uint8_t curve[KEY_BYTES], const struct message *m)
{
    if (m->type == MSG_CHUNK && m->as.chunk.offset == 0) {
        struct fact f = {
            .kind = FACT_BATCH, .part = PART_SCHOOL, .gen = me->agent->gen, .number = m->as.chunk.sequence};

        memcpy(f.digest, m->as.chunk.digest, DIGEST_BYTES);
        fact_add(f);
    }
    __real_hub_hears(connection, curve, m);
}

/* ---- what the operator does ---- */

static struct hub *hub_alone(enum hub_access access, struct store_txn **t)
{
    struct hub *h;

    clock_of(0);
    MUST(hub_open(&h, hub_home, access));
    if (t != NULL)
        MUST(store_begin_write(h->store, t));
    return h;
}

static void finish(struct hub *h, struct store_txn *t)
{
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    hub_close(h, false);
}

void life_make_hub(struct buf *invitation)
{
    const struct school_add a = {.id = me->id, .name = me->id};
    struct store_txn *t;
    struct hub *h;

    chapter("the hub's home is made");
    hub_make();
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_HUB});
    chapter("a programme is loaded and a school is added");
    h = hub_alone(HUB_WRITE, &t);
    load_programme(h, t);
    MUST(hub_reload(h, t));
    buf_init(invitation, INVITATION_MAX);
    MUST(registry_add(h, t, &a, invitation));
    finish(h, t);
}

static void change(const char *what, enum err (*how)(struct key_change *c))
{
    struct key_change c = {.who = "operator"};

    chapter(what);
    c.h = hub_alone(HUB_WRITE, &c.t);
    MUST(how(&c));
    MUST(store_commit(c.t));
    ledger_committed(c.h->ledger);
    key_change_done(&c);
    hub_close(c.h, false);
}

static enum err new_seal(struct key_change *c)
{
    return key_change_seal(c, 2020, NULL);
}

static enum err new_sign(struct key_change *c)
{
    struct key *root = NULL;
    char path[200];

    MUST(root_key_path(path, sizeof(path), hub_home));
    MUST(root_key_open(&root, path, NULL, c->h->root));
    MUST(key_change_sign(c, root));
    key_free(root);
    return OK;
}

static enum err new_curve(struct key_change *c)
{
    return key_change_curve_begin(c, "tcp://127.0.0.1:7891", "tcp://127.0.0.1:7891");
}

static enum err retire_first(struct key_change *c)
{
    struct key_ring *ring = c->h->ring;

    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].kind == RING_SEAL && ring->keys[i].state == RING_OLD)
            return key_change_retire(c, &ring->keys[i]);
    return ERR_NOT_FOUND;
}

void life_change_keys(void)
{
    change("the hub gets another sealing key", new_seal);
    change("the hub gets another signing key", new_sign);
    change("the hub gets another transport key", new_curve);
}

void life_end_keys(void)
{
    struct fact f = {.kind = FACT_GONE, .part = PART_HUB};
    char path[200], line[200];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/keys/seal-2020.key", hub_home);
    assert_non_null(file = fopen(path, "re"));
    while (fgets(line, sizeof(line), file) != NULL) /* the secret stands last */
        (void)snprintf(f.name, sizeof(f.name), "%.*s", (int)strcspn(line, "\n"), line);
    (void)fclose(file);
    assert_true(strlen(f.name) > 40);
    change("the other transport key is that of all addresses", key_change_curve_switch);
    change("the first transport key goes", key_change_curve_finish);
    change("the first sealing key is destroyed", retire_first);
    fact_add(f);
}

void life_back_up_hub(void)
{
    enum part part = PART_COPIES;
    struct archive_row row = {.number = 0};
    struct store_txn *t;
    char path[200];
    struct hub *h = hub_alone(HUB_WRITE, NULL);

    chapter("the hub is backed up, and the backup is confirmed");
    (void)snprintf(path, sizeof(path), "%s/hub.backup", life_copies);
    MUST(backup_write(h, path, &row));
    note_file(&part, path);
    (void)snprintf(row.path, sizeof(row.path), "%s", "hub.backup");
    MUST(store_begin_write(h->store, &t));
    MUST(archive_confirm(h, t, &row, ARCHIVE_OPERATOR));
    finish(h, t);
}

static enum err nothing_new(void *ctx, struct hub *h, struct store_txn *t)
{
    (void)ctx;
    (void)h;
    (void)t;
    return OK;
}

static void nobody_joined(void *ctx, struct hub *h)
{
    (void)ctx;
    (void)h;
}

static enum err load_again(void *ctx, struct hub *h)
{
    (void)ctx;
    return hub_reload(h, NULL);
}

static void note_answer(void *ctx, const char *path)
{
    note_file(ctx, path);
    (void)snprintf(life_answer, sizeof(life_answer), "%s", path);
}

void life_read_stick(void)
{
    static const struct carry_host host = {
        .who = "operator", .before_registry = nothing_new, .joined = nobody_joined, .reload = load_again};
    enum part part = PART_STICK;
    struct carry run = {.schools = NULL};
    struct carry_reading *r;
    bool is_done = false;
    struct hub *h;

    chapter("the hub reads the life_stick, and its answer goes back");
    h = hub_alone(HUB_WRITE, NULL);
    MUST(carry_open(&r, h, life_written, true, &run, &host));
    while (!is_done)
        MUST(carry_step(r, &is_done));
    assert_true(carry_result(r)->batches > 0 && carry_result(r)->problem_count == 0);
    carry_close(r);
    MUST(hub_reload(h, NULL));
    MUST(carry_answer(h, run.schools[0], life_stick, note_answer, &part));
    carry_fini(&run);
    hub_close(h, false);
}

/* The secrets in a storage key's file. */
static size_t read_secrets(char secrets[][65], size_t most)
{
    char path[200], line[200];
    size_t count = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/keys/storage/default-2020.key", hub_home);
    f = fopen(path, "re");
    while (f != NULL && count < most && fgets(line, sizeof(line), f) != NULL)
        if (strlen(line) > 65 && strncmp(line, "node ", 5) == 0)
            (void)snprintf(secrets[count++], 65, "%.64s", line + strlen(line) - 65);
    if (f != NULL)
        (void)fclose(f);
    return count;
}

static void erase(const char *what, const struct erase_order *o)
{
    static char before[64][65], after[64][65];
    static struct act act;
    size_t had = read_secrets(before, 64);
    size_t has;
    struct store_txn *t;
    struct hub *h;

    chapter(what);
    h = hub_alone(HUB_WRITE, &t);
    MUST(ledger_erase(h, t, o, false, &act));
    MUST(store_commit(t));
    ledger_committed(h->ledger);
    MUST(ledger_erase_keys(h));
    has = read_secrets(after, 64);
    assert_true(had > 0);
    for (size_t i = 0; i < had; i++) {
        struct fact f = {.kind = FACT_GONE, .part = PART_HUB};
        bool is_gone = true;

        for (size_t k = 0; k < has; k++)
            is_gone = is_gone && strcmp(before[i], after[k]) != 0;
        (void)snprintf(f.name, sizeof(f.name), "%.64s", before[i]);
        if (is_gone)
            fact_add(f);
    }
    assert_true(fact_is_promised(PART_HUB, FACT_GONE, tape_length()));
    hub_close(h, false);
}

void life_erase_one(void)
{
    erase("one submission is erased", &(struct erase_order){.scope = ACT_SUBMISSION,
                                                            .participant = 1,
                                                            .ref = {me->agent->gen, 2},
                                                            .by = "operator",
                                                            .order = "order 1"});
}

void life_erase_year(void)
{
    erase("what was sent in 2020/21 is erased",
          &(struct erase_order){
              .scope = ACT_CLASS, .retention = "default", .year = 2020, .by = "operator", .order = "order 2"});
}

void life_restore_hub(const char *root)
{
    struct backup_head head;
    struct key *key = NULL;
    struct hub *h;
    char from[200], to[200];
    uint64_t acts;

    chapter("the hub's home is made again from its backup");
    h = hub_alone(HUB_WRITE, NULL);
    MUST(root_key_path(from, sizeof(from), hub_home));
    MUST(root_key_open(&key, from, NULL, h->root));
    hub_close(h, false);
    (void)snprintf(from, sizeof(from), "%s/hub.backup", life_copies);
    (void)snprintf(to, sizeof(to), "%s/again-hub", root);
    MUST(backup_restore_hub(from, to, key, "operator", &head, &acts));
    fact_add((struct fact){.kind = FACT_MADE, .part = PART_HUB_AGAIN});
    key_free(key);
}
