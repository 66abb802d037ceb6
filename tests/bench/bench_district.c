/* bench_district.c: a hub's home, its participants, and batches from them. */
#include "tests/bench/bench_district.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_BATCHES 16u /* of one transaction */
#define RETENTION     "default"

noreturn void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench_hub: %s: %s\n", what, err_text());
    exit(1);
}

/* splitmix64 */
uint32_t district_draw(struct district *d, uint32_t below)
{
    uint64_t z = (d->seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

uint32_t district_sender(const struct district *d, const char *id)
{
    for (uint32_t i = 0; i < d->sender_count; i++)
        if (strcmp(d->senders[i].id, id) == 0)
            return i;
    bench_die(id);
}

/* ---- the hub ---- */

static void load_pack(struct district *d, const char *dir)
{
    struct programme *p;
    struct calendar *calendar;
    struct store_txn *t;
    struct report *r;
    struct pack pack;

    must(report_new(&r, 20), "memory");
    must(calendar_new(&calendar), "memory");
    if (pack_read_dir(&pack, dir, r) != OK || programme_load(&p, &pack, calendar, r) != OK) {
        report_print(r, stderr);
        bench_die(dir);
    }
    must(store_begin_write(d->hub->store, &t), "store");
    must(hub_add_programme(d->hub, t, &pack, p), dir);
    must(store_commit(t), "store");
    ledger_committed(d->hub->ledger);
    must(hub_reload(d->hub, NULL), dir);
    programme_free(p);
    pack_free(&pack);
    calendar_free(calendar);
    report_free(r);
}

/* participants.tsv: id, role, unit, name. */
static void add_participant(struct district *d, char *line)
{
    struct sender *s = &d->senders[d->sender_count++];
    const char *field[4];
    struct school_add a;
    struct store_txn *t;
    struct buf text;

    if (d->sender_count == PARTICIPANTS_MAX)
        bench_die("more participants than expected");
    for (unsigned i = 0; i < 4; i++)
        if ((field[i] = strsep(&line, "\t\n")) == NULL)
            bench_die("participants.tsv");
    a = (struct school_add){
        .id = field[0], .name = field[3], .units = &field[2], .unit_count = 1, .roles = &field[1], .role_count = 1};
    buf_init(&text, INVITATION_MAX);
    must(store_begin_write(d->hub->store, &t), "store");
    must(registry_add(d->hub, t, &a, &text), field[0]);
    must(store_commit(t), "store");
    ledger_committed(d->hub->ledger);
    must(hub_reload(d->hub, NULL), "hub");
    buf_fini(&text);
    (void)snprintf(s->id, sizeof(s->id), "%s", field[0]);
    must(key_generate(&s->sign, KEY_SIGN), "key");
    s->gen.counter = 1;
    random_bytes(s->gen.tag, sizeof(s->gen.tag));
    must(batch_maker_new(&s->maker, NULL), "memory");
}

static void add_participants(struct district *d, const char *plan)
{
    char path[4096];
    char *line = NULL;
    size_t cap = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/participants.tsv", plan);
    if ((f = fopen(path, "re")) == NULL)
        bench_die(path);
    while (getline(&line, &cap, f) > 0)
        add_participant(d, line);
    (void)fclose(f);
    free(line);
}

/* As after enrolment; in memory alone. */
static void join_all(struct district *d)
{
    for (uint32_t i = 0; i < d->sender_count; i++) {
        struct participant *p =
            (struct participant *)(uintptr_t)registry_by_id(d->hub->registry, d->senders[i].id); /* ours to change */

        p->state = PARTICIPANT_ACTIVE;
        memcpy(p->grant.sign_key, key_public(d->senders[i].sign), KEY_BYTES);
    }
}

void district_open(struct district *d, const char *home, const char *pack, const char *plan)
{
    static const char *const listen[] = {"tcp://127.0.0.1:4000"};
    struct hub_init init = {.name = "District", .listen = listen, .listen_count = 1};

    must(hub_create(home, &init), home);
    must(hub_open(&d->hub, home, HUB_CORE), home);
    load_pack(d, pack);
    add_participants(d, plan);
    join_all(d);
    must(intake_new(&d->intake, d->hub), "intake");
    must(record_space_new(&d->space), "memory");
    plan_read(d, plan);
}

void district_close(struct district *d)
{
    for (uint32_t i = 0; i < d->sender_count; i++) {
        batch_maker_free(d->senders[i].maker);
        key_free(d->senders[i].sign);
    }
    record_space_free(d->space);
    intake_free(d->intake);
    hub_close(d->hub, false);
    buf_fini(&d->bytes);
    free(d->samples);
    free(d->answers);
    free(d->staff);
    free(d->others);
}

/* ---- submissions ---- */

static uint32_t choose(struct district *d)
{
    uint32_t percent = district_draw(d, 100);

    if (d->made < d->sample_count)
        return (uint32_t)d->made;
    if (percent < 90)
        return d->answers[district_draw(d, d->answer_count)];
    return percent < 97 ? d->staff[district_draw(d, d->staff_count)] : d->others[district_draw(d, d->other_count)];
}

/* The same answers under a tag and an ordinal of their own.  Appended to `out`. */
static struct sender *next_record(struct district *d, struct buf *out)
{
    const struct sample *s = &d->samples[choose(d)];
    struct sender *from = &d->senders[s->sender];
    struct record r;

    must(record_decode(&r, d->space, bytes_of(d->bytes.data + s->at, s->len), s->form), s->form->id);
    r.has_time = s->form->mode != FORM_ANSWERS;
    r.made_ms = r.has_time ? (int64_t)r.filled_on * 86400000 : 0;
    memcpy(r.tag, from->gen.tag, TAG_BYTES);
    if (s->form->mode == FORM_ANSWERS)
        random_bytes(r.tag, TAG_BYTES);
    r.ordinal = s->form->mode == FORM_ANSWERS ? 0 : (uint32_t)from->number + 1;
    must(record_encode(out, &r, s->form), s->form->id);
    d->made++;
    return from;
}

static void seal(struct district *d, struct sender *s, struct buf *out)
{
    struct batch_seal how = {
        .participant = s->id, .gen = s->gen, .sequence = ++s->sequence, .sign = s->sign, .closed_ms = clock_wall_ms()};
    size_t at = out->len;
    uint32_t taken;

    memcpy(how.district, d->hub->district, sizeof(how.district));
    memcpy(how.previous, s->previous, DIGEST_BYTES);
    memcpy(how.seal_to, key_public(d->hub->seal[0]), KEY_BYTES);
    must(batch_maker_seal(s->maker, &how, out, &taken), s->id);
    if (taken != batch_maker_count(s->maker))
        bench_die("a batch did not take all its records");
    batch_digest(s->previous, bytes_of(out->data + at, out->len - at));
    batch_maker_reset(s->maker);
}

static void commit(struct district *d)
{
    if (d->t == NULL)
        return;
    must(store_commit(d->t), "store");
    ledger_committed(d->hub->ledger);
    d->t = NULL;
    d->in_group = 0;
}

static void apply(struct district *d, struct sender *s)
{
    enum ledger_outcome outcome;
    enum message_error refusal;
    struct prepared *p;
    struct buf batch;
    struct buf receipt;

    if (batch_maker_count(s->maker) == 0)
        return;
    buf_init(&batch, BATCH_MAX_SEALED);
    buf_init(&receipt, SIGNED_MAX);
    seal(d, s, &batch);
    must(intake_prepare(d->intake, registry_by_id(d->hub->registry, s->id), bytes_of(batch.data, batch.len), &p,
                        &refusal),
         s->id);
    if (d->t == NULL)
        must(store_begin_write(d->hub->store, &d->t), "store");
    must(ledger_apply(d->hub->ledger, d->t, p, &receipt, &outcome), s->id);
    if (outcome != LEDGER_STORED)
        bench_die("a batch was not stored");
    if (++d->in_group == GROUP_BATCHES)
        commit(d);
    buf_fini(&receipt);
    buf_fini(&batch);
    prepared_free(p);
}

/* What does not fit any more makes the next batch. */
static void add(struct district *d, struct sender *s, struct bytes record)
{
    enum err e = batch_maker_add(s->maker, s->number + 1, RETENTION, record);

    if (e == ERR_FULL) {
        apply(d, s);
        e = batch_maker_add(s->maker, s->number + 1, RETENTION, record);
    }
    must(e, s->id);
    s->number++;
    if (batch_maker_count(s->maker) == BATCH_RECORDS)
        apply(d, s);
}

void district_fill(struct district *d, uint64_t total)
{
    struct buf record;

    buf_init(&record, RECORD_MAX + 4096);
    while (d->made < total) {
        struct sender *from;

        buf_reset(&record);
        from = next_record(d, &record);
        add(d, from, bytes_of(record.data, record.len));
    }
    for (uint32_t i = 0; i < d->sender_count; i++)
        apply(d, &d->senders[i]);
    commit(d);
    buf_fini(&record);
}
