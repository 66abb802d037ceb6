#include "tests/fault/power/facts.h"

#include "agent/draft.h"
#include "common/folder.h"
#include "hub/ledger_internal.h"
#include "tests/fault/power/tape.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTS_MAX 20000u
#define FILE_MOST (64u << 20)

const char *const part_names[PART_COUNT] = {"hub", "school", "again-hub", "again-school", "stick", "copies"};

static struct fact facts[FACTS_MAX];
static size_t count;
static char said[512];

static const char *say(const struct fact *f, const char *what)
{
    static const char *const kinds[] = {"home",  "membership", "submission", "batch", "receipt",
                                        "draft", "entry",      "batch held", "file",  "erased key"};

    (void)snprintf(said, sizeof(said), "%s: %s %llu %s %s (promised at %zu)", part_names[f->part], kinds[f->kind],
                   (unsigned long long)f->number, f->name, what, f->moment);
    return said;
}

void fact_add(struct fact f)
{
    if (count == FACTS_MAX)
        abort();
    f.moment = tape_length();
    f.until = SIZE_MAX;
    facts[count++] = f;
}

void fact_add_bytes(struct fact f, struct bytes bytes)
{
    digest(f.digest, bytes);
    fact_add(f);
}

void fact_end(enum part part, enum fact_kind kind)
{
    for (size_t i = 0; i < count; i++)
        if (facts[i].part == part && facts[i].kind == kind && facts[i].until == SIZE_MAX)
            facts[i].until = tape_length();
}

size_t fact_count(void)
{
    return count;
}

static bool holds(const struct fact *f, size_t moment)
{
    return f->moment <= moment && moment < f->until;
}

bool fact_is_promised(enum part part, enum fact_kind kind, size_t moment)
{
    for (size_t i = 0; i < count; i++)
        if (facts[i].part == part && facts[i].kind == kind && holds(&facts[i], moment))
            return true;
    return false;
}

size_t facts_promised(enum part part, size_t moment)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += facts[i].part == part && holds(&facts[i], moment) ? i + 1 : 0;
    return n;
}

/* ---- a school ---- */

static bool has_record(struct agent *a, const struct fact *f)
{
    const struct record_ref ref = {f->gen, f->number};
    uint8_t found[DIGEST_BYTES];
    struct buf b;
    bool is_there;

    buf_init(&b, RECORD_MAX);
    is_there = queue_get(a, &ref, &b) == OK;
    digest(found, bytes_of(b.data, b.len));
    buf_fini(&b);
    return is_there && memcmp(found, f->digest, DIGEST_BYTES) == 0;
}

static bool has_batch(struct agent *a, const struct fact *f)
{
    struct batch_state b;

    return queue_batch(a, &f->gen, f->number, &b) == OK && b.sequence == f->number &&
           (f->kind == FACT_RECEIPT ? b.life >= f->digest[0] : memcmp(b.digest, f->digest, DIGEST_BYTES) == 0);
}

/* Its pupil's name is the step. */
static bool has_draft(struct agent *a, const struct fact *f)
{
    const struct capture_options o = {.form = agent_form(a, "marks"), .period = "2020-09", .only_looks = true};
    struct value values[8];
    struct capture *c = NULL;
    struct buf keep;
    int64_t saved_ms;
    uint32_t at;
    bool is_whole = false;
    bool is_there;

    if (o.form == NULL || capture_open(&c, a, &o) != OK)
        return false;
    buf_init(&keep, 1 << 16);
    memset(values, 0, sizeof(values));
    is_there = draft_get(a, c, values, &keep, &at, &saved_ms, &is_whole) == OK && is_whole &&
               values[0].as.text.len == 2 && (uint64_t)(values[0].as.text.p[1] - '0') >= f->number;
    buf_fini(&keep);
    capture_close(c);
    return is_there;
}

static bool is_at_school(struct agent *a, const struct fact *f)
{
    switch (f->kind) {
    case FACT_JOINED: return agent_is_enrolled(a);
    case FACT_RECORD: return has_record(a, f);
    case FACT_BATCH:
    case FACT_RECEIPT: return has_batch(a, f);
    case FACT_DRAFT: return has_draft(a, f);
    case FACT_MADE:
    case FACT_ENTRY:
    case FACT_STORED:
    case FACT_FILE:
    case FACT_GONE: break;
    }
    return true;
}

const char *facts_missing_school(struct agent *a, enum part part, size_t moment)
{
    for (size_t i = 0; i < count; i++)
        if (facts[i].part == part && holds(&facts[i], moment) && !is_at_school(a, &facts[i]))
            return say(&facts[i], "is not there");
    return NULL;
}

/* ---- the hub ---- */

static bool has_entry(struct store_txn *t, const struct fact *f)
{
    struct bytes entry;
    uint8_t found[DIGEST_BYTES];

    if (journal_get(t, f->number, &entry) != OK)
        return false;
    digest(found, entry);
    return memcmp(found, f->digest, DIGEST_BYTES) == 0;
}

static bool has_stored(struct hub *h, struct store_txn *t, const struct fact *f)
{
    const struct participant *who = registry_by_id(h->registry, f->name);
    uint8_t raw[PLACE_KEY_BYTES];
    struct batch_row row;
    struct bytes value;

    return who != NULL && store_get(t, H_BATCHES, place_key(raw, who->index, &f->gen, f->number), &value) == OK &&
           batch_row_get(&row, value) == OK && memcmp(row.digest, f->digest, DIGEST_BYTES) == 0;
}

const char *facts_missing_hub(struct hub *h, enum part part, size_t moment)
{
    const char *missing = NULL;
    struct store_txn *t;

    if (store_begin_read(h->store, &t) != OK)
        return "hub: the store cannot be read";
    for (size_t i = 0; i < count && missing == NULL; i++) {
        const struct fact *f = &facts[i];

        if (f->part != part || !holds(f, moment))
            continue;
        if ((f->kind == FACT_ENTRY && !has_entry(t, f)) || (f->kind == FACT_STORED && !has_stored(h, t, f)))
            missing = say(f, "is not there");
    }
    store_abort(t);
    return missing;
}

/* ---- files ---- */

static bool read_file(const char *folder, const char *name, struct buf *out)
{
    char path[FOLDER_PATH_MAX];
    FILE *f;
    size_t n;

    buf_reset(out);
    if (folder_path(path, folder, name) != OK || (f = fopen(path, "re")) == NULL)
        return false;
    do {
        uint8_t *at = buf_grow(out, 65536);

        n = at == NULL ? 0 : fread(at, 1, 65536, f);
        out->len -= at == NULL ? 0 : 65536 - n;
    } while (n > 0);
    (void)fclose(f);
    return !out->failed;
}

/* What has a name that anybody would take is one of the files that were written under it. */
static const char *check_whole(enum part part, const char *name, struct bytes bytes)
{
    uint8_t found[DIGEST_BYTES];

    digest(found, bytes);
    for (size_t i = 0; i < count; i++)
        if (facts[i].part == part && facts[i].kind == FACT_FILE && strcmp(facts[i].name, name) == 0 &&
            memcmp(facts[i].digest, found, DIGEST_BYTES) == 0)
            return NULL;
    (void)snprintf(said, sizeof(said), "%s: %s is half a file", part_names[part], name);
    return said;
}

static bool is_unfinished(const char *name)
{
    return name[0] == '.' || strstr(name, ".part") != NULL || strstr(name, ".new") != NULL;
}

static const char *secret_dir;
static const struct fact *secret;
static bool was_found;

static int look_into(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    struct buf b;

    (void)st;
    if (kind != FTW_F)
        return 0;
    buf_init(&b, FILE_MOST);
    was_found = was_found || (read_file(secret_dir, path + strlen(secret_dir) + 1, &b) &&
                              memmem(b.data, b.len, secret->name, strlen(secret->name)) != NULL);
    (void)at;
    buf_fini(&b);
    return 0;
}

const char *facts_secret_left(enum part part, const char *home, size_t moment)
{
    secret_dir = home;
    for (size_t i = 0; i < count; i++) {
        secret = &facts[i];
        was_found = false;
        if (secret->part == part && secret->kind == FACT_GONE && holds(secret, moment) &&
            nftw(home, look_into, 8, FTW_PHYS) == 0 && was_found)
            return "a key that was destroyed is still there";
    }
    return NULL;
}

const char *facts_missing_files(enum part part, const char *folder, size_t moment)
{
    const char *wrong = NULL;
    DIR *d = opendir(folder);
    struct buf b;

    buf_init(&b, FILE_MOST);
    for (struct dirent *f; d != NULL && wrong == NULL && (f = readdir(d)) != NULL;)
        if (!is_unfinished(f->d_name) && read_file(folder, f->d_name, &b))
            wrong = check_whole(part, f->d_name, bytes_of(b.data, b.len));
    if (d != NULL)
        (void)closedir(d);
    for (size_t i = 0; i < count && wrong == NULL; i++)
        if (facts[i].part == part && facts[i].kind == FACT_FILE && holds(&facts[i], moment) &&
            !read_file(folder, facts[i].name, &b))
            wrong = say(&facts[i], "is not there");
    buf_fini(&b);
    return wrong;
}
