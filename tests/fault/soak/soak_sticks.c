/* Files instead of a line: written, copied, pulled out too early, read twice and in any order, old beside new; answers
 * that get lost, and answers that come late. */
#include "tests/fault/soak/soak.h"

#include "agent/stick.h"
#include "hub/carry.h"

#define PATHS_MAX 64u

struct pile {
    char paths[PATHS_MAX][FOLDER_PATH_MAX];
    size_t school[PATHS_MAX];
    size_t count;
    uint64_t put; /* ever */
};
static struct pile up, down;
static char folder[64];

void sticks_begin(const char *dir)
{
    (void)snprintf(folder, sizeof(folder), "%s", dir);
    up.count = down.count = 0;
    up.put = down.put = 0;
}

/* The oldest gives its place when the pile is full: it got lost. */
static void put(struct pile *p, size_t school, const char *path)
{
    size_t at = p->put++ % PATHS_MAX;

    if (p->count < PATHS_MAX)
        p->count++;
    else
        (void)unlink(p->paths[at]);
    (void)snprintf(p->paths[at], sizeof(p->paths[at]), "%s", path);
    p->school[at] = school;
}

struct putting {
    struct pile *pile;
    size_t school;
};

static void written(void *ctx, const char *path)
{
    const struct putting *x = ctx;

    put(x->pile, x->school, path);
}

/* A copy of which only the beginning got onto the stick. */
static void pull_early(const char *path)
{
    char torn[FOLDER_PATH_MAX];
    struct stat st;

    (void)snprintf(torn, sizeof(torn), "%.4000s.torn", path);
    copy_file(path, torn);
    if (stat(torn, &st) != 0 || truncate(torn, (off_t)chance_below((uint32_t)st.st_size)) != 0)
        at_fault("%s cannot be cut", torn);
    put(&up, 0, torn);
}

/* ---- at a school ---- */

void stick_from(struct school *s)
{
    struct putting x = {&up, s->number};
    struct stick_sent sent;
    char path[256];

    speaking = s;
    clock_of(s->clock_error_ms);
    (void)snprintf(path, sizeof(path), "%s/up-%s-%llu.svdb", folder, s->id, (unsigned long long)up.put);
    MUST(stick_write(s->agent, path, written, &x, &sent));
    soak_note("%s writes a stick: %llu batches", s->id, (unsigned long long)sent.batches);
    if (once_in(8) && up.count > 0)
        pull_early(up.paths[(up.put - 1) % PATHS_MAX]);
    clock_of(0);
}

/* Any of the answers that ever were: of another school, of another time. */
void stick_to(struct school *s)
{
    struct stick_news news;
    size_t at;
    enum err e;

    if (down.count == 0)
        return;
    speaking = s;
    clock_of(s->clock_error_ms);
    at = chance_below((uint32_t)down.count);
    for (size_t i = 0; i < down.count && down.school[at] != s->number && !once_in(20); i++)
        at = (at + 1) % down.count;
    stick_news_init(&news);
    e = stick_take(s->agent, down.paths[at], &news);
    if (e != OK)
        at_fault("%s cannot take an answer: %s: %s", s->id, err_name(e), err_text());
    soak_note("%s takes an answer for s%02zu: %llu receipts, %llu again, %llu renumbered %s", s->id,
              down.school[at] + 1, (unsigned long long)news.receipts, (unsigned long long)news.again,
              (unsigned long long)news.renumbered, news.problem);
    stick_news_fini(&news);
    clock_of(0);
}

/* ---- at the office ---- */

static enum err reload_in(void *ctx, struct hub *h, struct store_txn *t)
{
    (void)ctx;
    return hub_reload(h, t);
}

static enum err reload(void *ctx, struct hub *h)
{
    (void)ctx;
    return hub_reload(h, NULL);
}

static void has_joined(void *ctx, struct hub *h)
{
    (void)ctx;
    (void)h;
}

static void read_one(struct hub *h, struct carry *schools_of, size_t at)
{
    static const struct carry_host host = {
        .who = "office", .before_registry = reload_in, .joined = has_joined, .reload = reload};
    struct carry_reading *r = NULL;
    const struct carry_file *f;
    bool is_done = false;
    enum err e = carry_open(&r, h, up.paths[at], false, schools_of, &host);

    if (e != OK) {
        if (strstr(up.paths[at], ".torn") == NULL)
            at_fault("the office cannot read a stick: %s", err_text());
        return;
    }
    while (!is_done)
        MUST(carry_step(r, &is_done));
    f = carry_result(r);
    soak_note("the office reads %s: %llu batches, %llu again, %llu refused, %llu problems", strrchr(up.paths[at], '/'),
              (unsigned long long)f->batches, (unsigned long long)f->again, (unsigned long long)f->refused,
              (unsigned long long)f->problem_count);
    carry_close(r);
}

void office_reads(void)
{
    struct carry schools_of = {.count = 0};
    struct hub *h;
    char path[256];

    if (up.count == 0)
        return;
    clock_of(0);
    hub_stop();
    MUST(hub_open(&h, hub_home, HUB_WRITE));
    for (uint32_t n = 1 + chance_below(6); n > 0; n--)
        read_one(h, &schools_of, chance_below((uint32_t)up.count));
    for (size_t i = 0; i < schools_of.count; i++) {
        struct putting x = {&down, (size_t)strtoul(schools_of.schools[i]->id + 1, NULL, 10) - 1};

        (void)snprintf(path, sizeof(path), "%s/down-%llu.svdb", folder, (unsigned long long)down.put);
        MUST(carry_answer(h, schools_of.schools[i], path, written, &x));
    }
    carry_fini(&schools_of);
    hub_close(h, true);
    hub_start();
}
