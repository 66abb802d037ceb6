#include "agent/stick.h"

#include "agent/enrolment.h"
#include "agent/sync.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SERIAL_KEY "bundle"
#define NAMES_MAX  100u /* serials that are taken already in a folder, after a restored copy */

struct writing {
    struct agent *a;
    const char *target;
    bool is_folder;
    void (*written)(void *ctx, const char *path);
    void *ctx;
    struct stick_sent *out;

    struct generation *gens;
    size_t gen_count;
    struct batch_state *batches; /* that have no receipt */
    size_t batch_count, batch_cap;
    struct buf enrol, held;
    struct buf *hellos; /* a frame for each generation */
    uint64_t fixed;     /* bytes of all parts that are not batches */
};

/* ---- what goes ---- */

static enum err add_batch(struct writing *w, const struct batch_state *b)
{
    if (w->batch_count == w->batch_cap) {
        size_t cap = w->batch_cap == 0 ? 16 : w->batch_cap * 2;
        struct batch_state *grown = realloc(w->batches, cap * sizeof(*grown));

        if (grown == NULL)
            return ERR_NOMEM;
        w->batches = grown;
        w->batch_cap = cap;
    }
    w->batches[w->batch_count++] = *b;
    w->out->records += b->records;
    return OK;
}

static enum err collect(struct writing *w)
{
    enum err e = queue_generations(w->a, w->gens, QUEUE_MAX_GENERATIONS, &w->gen_count);

    for (size_t i = 0; i < w->gen_count && e == OK; i++) {
        struct batch_state b;
        enum err found;

        for (found = queue_batch(w->a, &w->gens[i], 0, &b); found == OK && e == OK;
             found = queue_batch(w->a, &w->gens[i], b.sequence + 1, &b))
            if (b.life == BATCH_SEALED)
                e = add_batch(w, &b);
        if (e == OK && found != ERR_NOT_FOUND)
            e = found;
    }
    w->out->batches = w->batch_count;
    return e;
}

/* How many forms the entries are of: for people. */
static enum err count_forms(struct writing *w)
{
    uint8_t(*seen)[FORM_DIGEST_BYTES] = calloc(DIRECTORY_MAX_FORMS, FORM_DIGEST_BYTES);
    enum err e = seen == NULL ? ERR_NOMEM : OK;

    for (size_t i = 0; i < w->batch_count && e == OK; i++) {
        struct record_ref from = {w->batches[i].gen, w->batches[i].first_number};
        struct queue_reader *reader = NULL;
        struct queue_item item;
        struct record head;

        e = queue_reader_open(&reader, w->a, &from);
        while (e == OK && (e = queue_reader_next(reader, &item)) == OK) {
            uint64_t known = 0;

            if (generation_compare(&item.ref.gen, &from.gen) != 0 || item.ref.number > w->batches[i].last_number)
                break;
            if (record_decode_head(&head, item.record) != OK)
                continue; /* verify tells of it */
            while (known < w->out->forms && memcmp(seen[known], head.form, FORM_DIGEST_BYTES) != 0)
                known++;
            if (known == w->out->forms && known < DIRECTORY_MAX_FORMS)
                memcpy(seen[w->out->forms++], head.form, FORM_DIGEST_BYTES);
        }
        queue_reader_close(reader);
        e = e == ERR_NOT_FOUND ? OK : e;
    }
    free(seen);
    return e;
}

static enum err make_hello(struct writing *w, size_t i)
{
    struct message *m = calloc(1, sizeof(*m));
    enum err e;

    if (m == NULL)
        return ERR_NOMEM;
    m->type = MSG_HELLO;
    buf_init(&w->hellos[i], MESSAGE_MAX_UP);
    if ((e = sync_hello(w->a, &w->gens[i], bytes_of(NULL, 0), &m->as.hello)) == OK)
        e = message_encode(&w->hellos[i], m);
    free(m);
    w->fixed += w->hellos[i].len + 128;
    return e;
}

static enum err make_held(struct writing *w)
{
    const struct directory *d = w->a->directory;
    struct bundle_held *held = calloc(1, sizeof(*held));
    struct directory_object missing;
    enum err e = OK;

    if (held == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < d->object_count; i++) {
        bool is_missing = false;

        for (size_t n = 0;
             d->objects[i].is_current && !is_missing && (e = agent_missing_object(w->a, n, &missing)) == OK; n++)
            is_missing = digest_equal(missing.digest, d->objects[i].digest);
        if (d->objects[i].is_current && !is_missing)
            memcpy(held->digests[held->count++], d->objects[i].digest, DIGEST_BYTES);
    }
    e = e == ERR_NOT_FOUND ? OK : e;
    if (e == OK)
        e = bundle_held_put(&w->held, held);
    free(held);
    return e;
}

static enum err prepare(struct writing *w)
{
    enum err e = OK;

    w->gens = malloc(QUEUE_MAX_GENERATIONS * sizeof(*w->gens));
    w->hellos = calloc(QUEUE_MAX_GENERATIONS, sizeof(*w->hellos));
    if (w->gens == NULL || w->hellos == NULL)
        return ERR_NOMEM;
    if (!agent_is_enrolled(w->a)) {
        if (w->a->code[0] == '\0')
            return err_set(ERR_DENIED, _("this computer has not joined a district, and its invitation is gone"));
        if ((e = enrolment_request(w->a, &w->enrol)) != OK)
            return e;
        w->out->has_request = true;
    }
    if ((e = collect(w)) != OK || (e = count_forms(w)) != OK || (e = make_held(w)) != OK)
        return e;
    for (size_t i = 0; i < w->gen_count && e == OK; i++)
        e = make_hello(w, i);
    w->fixed += w->enrol.len + w->held.len + BUNDLE_LABEL_MAX + 4096;
    return e;
}

/* ---- where ---- */

/* Durable before it is used: two files never have one serial, unless this home was restored from a copy. */
static enum err next_serial(struct agent *a, uint64_t *serial)
{
    uint8_t raw[8];
    struct buf v;
    enum err e;

    buf_init(&v, sizeof(raw));
    *serial = 1;
    e = agent_meta_get(a, NULL, SERIAL_KEY, &v);
    if (e == OK && v.len == sizeof(raw))
        *serial = be64_get(v.data) + 1;
    buf_fini(&v);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    be64_put(raw, *serial);
    return agent_meta_put(a, NULL, SERIAL_KEY, bytes_of(raw, sizeof(raw)));
}

/* A file that is there is replaced only when it is one of ours: its entries, as far as they are not confirmed, are in
 * the new one. */
static enum err check_replaced(const char *path)
{
    struct bundle_reader *r = NULL;
    struct stat st;
    enum err e;

    if (stat(path, &st) != 0)
        return OK;
    e = bundle_open(&r, path, true, INT64_MAX);
    bundle_close(r);
    if (e == OK)
        return OK;
    return err_set(ERR_EXISTS, _("%s exists already and is something else; choose another name"), path);
}

static enum err choose_path(struct writing *w, struct bundle_about *about, char path[FOLDER_PATH_MAX])
{
    char name[BUNDLE_NAME_MAX];
    struct stat st;
    enum err e;

    for (unsigned i = 0; i < NAMES_MAX; i++) {
        if ((e = next_serial(w->a, &about->serial)) != OK)
            return e;
        if (!w->is_folder) {
            e = bundle_numbered(path, w->target, w->out->files + 1);
            return e == OK ? check_replaced(path) : e;
        }
        bundle_name(name, about);
        if ((e = folder_path(path, w->target, name)) != OK)
            return e;
        if (stat(path, &st) != 0)
            return OK;
    }
    return err_set(ERR_EXISTS, _("%s is full of older files of this school; remove some of them"), w->target);
}

/* "20201122-3.svodka.part" after our "svodka-gp-": the half file of "gp-2" is another school's. */
static bool is_half_name(const char *rest)
{
    size_t day = strspn(rest, "0123456789");
    size_t serial;

    if (day != 8 || rest[day] != '-')
        return false;
    rest += day + 1;
    serial = strspn(rest, "0123456789");
    return serial > 0 && strcmp(rest + serial, BUNDLE_SUFFIX ".part") == 0;
}

/* What a run that was cut short left there (power, a stick pulled out): all of it is in the new file. */
static void remove_halves(const struct writing *w)
{
    char begin[ID_MAX + 16];
    int begin_len = snprintf(begin, sizeof(begin), "svodka-%s-", w->a->grant->participant);
    struct dirent *f;
    DIR *d = opendir(w->target);

    while (d != NULL && (f = readdir(d)) != NULL)
        if (strncmp(f->d_name, begin, (size_t)begin_len) == 0 && is_half_name(f->d_name + begin_len))
            (void)unlinkat(dirfd(d), f->d_name, 0);
    if (d != NULL)
        closedir(d);
}

static enum err check_room(const char *path, uint64_t bytes)
{
    char dir[FOLDER_PATH_MAX];
    char need[64];
    char have[64];
    struct statvfs fs;
    char *slash;

    (void)snprintf(dir, sizeof(dir), "%s", path);
    if ((slash = strrchr(dir, '/')) == NULL)
        (void)snprintf(dir, sizeof(dir), ".");
    else
        slash[slash == dir ? 1 : 0] = '\0';
    if (statvfs(dir, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes)
        return OK; /* what is wrong with it the writing tells */
    cli_format_bytes(need, sizeof(need), bytes);
    cli_format_bytes(have, sizeof(have), (uint64_t)fs.f_bavail * fs.f_frsize);
    return err_set(ERR_FULL, _("%s: %s are needed, %s are free; make room on the medium, or take another one"), dir,
                   need, have);
}

/* ---- one file ---- */

/* Both languages: who opens the file at the other end may read either.  No name of a person is in it. */
static void make_label(const struct writing *w, const struct bundle_about *about, uint64_t records, struct buf *out)
{
    char day[32];

    cli_format_minute(day, sizeof(day), about->made_ms);
    buf_printf(out,
               "\n\nСводка: данные школы для районного отдела. Не изменяйте этот файл.\n"
               "Svodka: a school's data for the district office. Do not change this file.\n\n"
               "От кого / From:     %s (%s)\n"
               "Кому / For:         %s\n"
               "Записано / Written: %s\n"
               "Файл / File:        %llu\n"
               "Записей / Entries:  %llu\n%s\n",
               w->a->grant->name, w->a->grant->participant, w->a->directory->name, day,
               (unsigned long long)about->serial, (unsigned long long)records,
               w->out->has_request ? "Школа просит принять этот компьютер. / The school asks to let this computer "
                                     "join.\n"
                                   : "");
}

static enum err put_buf(struct bundle_writer *b, enum bundle_kind kind, const struct buf *part)
{
    return part->len == 0 ? OK : bundle_put(b, kind, bytes_of(part->data, part->len));
}

static enum err put_parts(struct writing *w, struct bundle_writer *b, size_t from, size_t to)
{
    struct buf bytes;
    enum err e = OK;

    for (size_t i = 0; i < w->gen_count && e == OK; i++)
        e = put_buf(b, BUNDLE_HELLO, &w->hellos[i]);
    if (e == OK)
        e = put_buf(b, BUNDLE_ENROL, &w->enrol);
    if (e == OK)
        e = put_buf(b, BUNDLE_HELD, &w->held);
    buf_init(&bytes, BATCH_MAX_SEALED);
    for (size_t i = from; i < to && e == OK; i++) {
        cli_progress(_("writing"), i - from, to - from);
        buf_reset(&bytes);
        if ((e = queue_batch_bytes(w->a, &w->batches[i], 0, w->batches[i].length, &bytes)) == OK)
            e = put_buf(b, BUNDLE_BATCH, &bytes);
    }
    cli_progress_end();
    buf_fini(&bytes);
    return e;
}

/* As many batches as fit, from `from` on. */
static size_t plan_file(const struct writing *w, size_t from, uint64_t *bytes, uint64_t *records)
{
    size_t to = from;

    *bytes = w->fixed;
    *records = 0;
    while (to < w->batch_count && to - from + w->gen_count + 3 < BUNDLE_MAX_PARTS - 1) {
        uint64_t more = w->batches[to].length + 128;

        if (*bytes + more > (uint64_t)w->a->conf.bundle_max && to > from)
            break;
        *bytes += more;
        *records += w->batches[to].records;
        to++;
    }
    return to;
}

static enum err write_file(struct writing *w, size_t from, size_t to, uint64_t bytes, uint64_t records)
{
    struct bundle_about about = {.direction = BUNDLE_UP, .made_ms = clock_wall_ms()};
    struct bundle_writer *b = NULL;
    char path[FOLDER_PATH_MAX];
    struct buf label;
    uint64_t written = 0;
    enum err e;

    memcpy(about.district, w->a->directory->district, sizeof(about.district));
    (void)snprintf(about.participant, sizeof(about.participant), "%s", w->a->grant->participant);
    buf_init(&label, BUNDLE_LABEL_MAX);
    if ((e = choose_path(w, &about, path)) == OK && (e = check_room(path, bytes)) == OK) {
        make_label(w, &about, records, &label);
        e = bundle_create(&b, path, &about, buf_cstr(&label), (uint64_t)w->a->conf.bundle_max);
    }
    if (e == OK && (e = put_parts(w, b, from, to)) == OK)
        e = bundle_finish(b, w->a->sign, !w->is_folder, &written);
    bundle_writer_free(b);
    buf_fini(&label);
    if (e != OK)
        return e;
    w->out->files++;
    w->out->bytes += written;
    w->written(w->ctx, path);
    return OK;
}

static enum err write_all(struct writing *w)
{
    size_t from = 0;
    enum err e = prepare(w);

    if (e == OK && w->is_folder)
        remove_halves(w);
    while (e == OK && (from < w->batch_count || w->out->files == 0)) {
        uint64_t bytes;
        uint64_t records;
        size_t to = plan_file(w, from, &bytes, &records);

        e = write_file(w, from, to, bytes, records);
        from = to;
    }
    return e;
}

static enum err locked(struct writing *w)
{
    uint64_t sealed = 0;
    /* What the district would only put aside stays here; what is sealed already must go even when nothing more can be
     * sealed now. */
    enum err e = agent_is_stopped(w->a) ? OK : queue_seal(w->a, &sealed);

    if (e == ERR_NOT_FOUND || e == ERR_FULL)
        log_warning("bundle: nothing more can be sealed: %s", err_text());
    else if (e != OK)
        return e;
    return write_all(w);
}

enum err stick_write(struct agent *a, const char *target, void (*written)(void *ctx, const char *path), void *ctx,
                     struct stick_sent *out)
{
    struct writing w = {.a = a, .target = target, .written = written, .ctx = ctx, .out = out};
    struct stat st;
    int lock = -1;
    enum err e;

    memset(out, 0, sizeof(*out));
    w.is_folder = stat(target, &st) == 0 && S_ISDIR(st.st_mode);
    buf_init(&w.enrol, ENROL_MAX);
    buf_init(&w.held, BUNDLE_PART_MAX);
    if ((e = agent_lock(a, "sync.lock", &lock)) == OK) {
        e = locked(&w);
        agent_unlock(lock);
    } else if (e == ERR_BUSY) {
        e = err_set(ERR_BUSY, _("another svodka-agent is syncing right now; try again in a minute"));
    }
    for (size_t i = 0; w.hellos != NULL && i < w.gen_count; i++)
        buf_fini(&w.hellos[i]);
    free(w.hellos);
    free(w.gens);
    free(w.batches);
    buf_fini(&w.enrol);
    buf_fini(&w.held);
    return e;
}
