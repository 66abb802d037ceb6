#include "hub/inbox_internal.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_MS  60000           /* without any notice: a network drive gives none */
#define RETRY_MS INT64_C(600000) /* of a file that our own disk could not take */
#define ANSWERS  "answers"

/* ---- opening ---- */

static enum err absolute(char out[FOLDER_PATH_MAX], const struct hub *h, const char *dir)
{
    if (dir[0] != '/')
        return folder_path(out, h->dir, dir);
    if (snprintf(out, FOLDER_PATH_MAX, "%s", dir) >= (int)FOLDER_PATH_MAX)
        return err_set(ERR_LIMIT, _("%s: the path is too long"), dir);
    return OK;
}

static enum err make_folder(const char *path)
{
    struct stat st;

    if (mkdir(path, 0770) != 0 && errno != EEXIST)
        return err_errno(ERR_IO, errno, "%s", path);
    /* A link could lead what we move and write anywhere. */
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(ERR_INVALID, _("%s: a folder is expected there"), path);
    return OK;
}

static enum err open_folders(struct inbox *in)
{
    const struct hub_conf *conf = &in->hub->conf;
    enum err e = absolute(in->dir, in->hub, conf->inbox);

    if (e == OK)
        e = conf->outbox != NULL ? absolute(in->out, in->hub, conf->outbox) : folder_path(in->out, in->dir, ANSWERS);
    if (e == OK && (e = folder_path(in->done, in->dir, "done")) == OK)
        e = folder_path(in->bad, in->dir, "bad");
    if (e != OK || (e = make_folder(in->dir)) != OK || (e = make_folder(in->out)) != OK ||
        (e = make_folder(in->done)) != OK || (e = make_folder(in->bad)) != OK)
        return e;
    return OK;
}

enum err inbox_open(struct inbox **out, struct hub *h, const struct carry_host *host)
{
    struct inbox *in = calloc(1, sizeof(*in));
    enum err e;

    if (in == NULL)
        return ERR_NOMEM;
    in->hub = h;
    in->host = host;
    in->watch = -1;
    if ((e = open_folders(in)) != OK) {
        inbox_close(in);
        return e;
    }
    in->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (in->watch >= 0 && inotify_add_watch(in->watch, in->dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0) {
        close(in->watch);
        in->watch = -1;
    }
    if (in->watch < 0)
        log_notice("inbox: %s cannot be watched (%s); it is looked at every minute", in->dir, strerror(errno));
    *out = in;
    return OK;
}

void inbox_close(struct inbox *in)
{
    if (in == NULL)
        return;
    carry_close(in->reading);
    carry_fini(&in->schools);
    if (in->watch >= 0)
        close(in->watch);
    free(in);
}

int inbox_fd(const struct inbox *in)
{
    return in->watch;
}

int64_t inbox_next_ms(const struct inbox *in)
{
    return in->reading != NULL ? 0 : in->next_ms;
}

/* Whoever closes a file has written it; the look finds out what it is.  Lost events cost two seconds. */
void inbox_notice(struct inbox *in)
{
    union {
        struct inotify_event first;
        char bytes[16384];
    } events;
    ssize_t n;

    while ((n = read(in->watch, events.bytes, sizeof(events.bytes))) > 0) {
        int64_t ignored = INT64_MAX;

        inbox_look(in, clock_mono_ms(), &ignored);
        for (char *at = events.bytes; at < events.bytes + n;) {
            const struct inotify_event *x = (const struct inotify_event *)(const void *)at;

            for (size_t i = 0; x->len > 0 && (x->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0 && i < in->count; i++)
                if (strcmp(in->files[i].name, x->name) == 0) {
                    in->files[i].is_closed = true;
                    in->files[i].not_before_ms = 0;
                }
            at += sizeof(*x) + x->len;
        }
    }
    in->next_ms = 0;
}

/* ---- one file ---- */

/* Why it is in bad/, for whoever finds it there. */
static void make_note(struct buf *out, const char *name, const char *problems)
{
    char day[64];

    cli_format_time(day, sizeof(day), clock_wall_ms());
    buf_printf(out, "%s\n%s\n\n%s", name, day, problems);
    buf_printf(out, "\n\n%s\n",
               _("What was whole in the file was taken. Nothing is lost: the school keeps everything "
                 "until it has the answer; ask it for a new file."));
}

static void put_away(struct inbox *in, const char *problems)
{
    bool is_bad = problems[0] != '\0';
    char clean[INBOX_NAME];
    struct buf note;
    enum err e;

    inbox_clean_name(clean, in->now.name);
    buf_init(&note, 64u << 10);
    if (is_bad)
        make_note(&note, clean, problems);
    e = inbox_move(in, &in->now, is_bad ? in->bad : in->done, buf_cstr(&note));
    buf_fini(&note);
    if (e != OK) { /* read once more, it is known already: but not at once */
        log_error("inbox: %s was read, but cannot be moved away: %s", clean, err_text());
        inbox_postpone(in, in->now.name, clock_mono_ms() + RETRY_MS);
        return;
    }
    inbox_forget(in, in->now.name);
    if (is_bad)
        log_warning("inbox: %s put into bad/: %.300s", clean, problems);
    else
        log_notice("inbox: %s taken", clean);
}

static void end_reading(struct inbox *in)
{
    carry_close(in->reading);
    in->reading = NULL;
    carry_fini(&in->schools);
}

static void note_answer(void *ctx, const char *path)
{
    (void)ctx;
    log_notice("inbox: answer written: %s", path);
}

static void postpone(struct inbox *in)
{
    char clean[INBOX_NAME];

    inbox_clean_name(clean, in->now.name);
    log_error("inbox: %s: %s; it is tried again in ten minutes", clean, err_text());
    inbox_postpone(in, in->now.name, clock_mono_ms() + RETRY_MS);
    end_reading(in);
}

/* The answer before the move: what is not answered is read again. */
static void finish(struct inbox *in)
{
    const struct carry_file *f = carry_result(in->reading);
    struct buf problems;
    enum err e = OK;

    if (f->problem_count > 0 && !inbox_is_same(in, &in->now)) { /* it was not finished after all */
        inbox_forget(in, in->now.name);
        end_reading(in);
        return;
    }
    if (!f->is_whole && inbox_may_grow(in, &in->now, clock_mono_ms())) {
        end_reading(in);
        return;
    }
    for (size_t i = 0; i < in->schools.count && e == OK; i++) {
        const struct participant *p = registry_by_id(in->hub->registry, in->schools.schools[i]->id);

        if (p != NULL && p->enrolled_ms != 0)
            e = carry_answer(in->hub, in->schools.schools[i], in->out, note_answer, NULL);
    }
    if (e != OK) {
        postpone(in);
        return;
    }
    buf_init(&problems, 64u << 10);
    buf_put(&problems, f->problems.data, f->problems.len);
    put_away(in, buf_cstr(&problems));
    buf_fini(&problems);
    end_reading(in);
}

static void begin(struct inbox *in, const struct inbox_file *f)
{
    char path[FOLDER_PATH_MAX];
    enum err e;

    in->now = *f;
    if ((e = folder_path(path, in->dir, f->name)) == OK)
        e = carry_open(&in->reading, in->hub, path, false, &in->schools, in->host);
    if (e == OK)
        return;
    if (e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL)
        postpone(in);
    else if (e == ERR_NOT_FOUND || !inbox_is_same(in, &in->now))
        inbox_forget(in, in->now.name);
    else if ((e != ERR_MALFORMED && e != ERR_INVALID && e != ERR_DENIED) ||
             !inbox_may_grow(in, &in->now, clock_mono_ms())) {
        char why[CARRY_TEXT];

        if (e == ERR_DENIED)
            (void)err_prefix(e, "%s", _("the hub may not read the file: give it the right to, and put it there again"));
        (void)snprintf(why, sizeof(why), "%s", err_text());
        put_away(in, why);
    }
}

void inbox_step(struct inbox *in)
{
    int64_t now = clock_mono_ms();
    struct inbox_file *f;
    bool is_done = false;

    if (in->reading != NULL) {
        if (carry_step(in->reading, &is_done) != OK)
            postpone(in);
        else if (is_done)
            finish(in);
        return;
    }
    if (now < in->next_ms)
        return;
    in->next_ms = now + LOOK_MS;
    inbox_look(in, now, &in->next_ms);
    if ((f = inbox_ready(in, now)) != NULL) {
        begin(in, f);
        in->next_ms = 0; /* perhaps there are more */
    }
}
