#include "hub/commands.h"

#include "common/folder.h"
#include "hub/carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct reading_all {
    struct hub *hub;
    struct carry schools;
    struct carry_host host;
    char who[80];
    uint64_t files, bad;
    bool has_changed; /* the registry: a running core must load it again */
};

/* ---- the host: a process of its own, beside a core or alone ---- */

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
    struct reading_all *a = ctx;

    (void)h;
    a->has_changed = true;
}

/* ---- reading ---- */

static void print_problems(const char *path, const struct carry_file *f)
{
    const char *text = (const char *)f->problems.data;

    for (size_t at = 0; at < f->problems.len;) {
        size_t len = 0;

        while (at + len < f->problems.len && text[at + len] != '\n')
            len++;
        (void)cli_fail(err_set(ERR_MALFORMED, "%s: %.*s", path, (int)len, text + at));
        at += len + 1;
    }
    if (f->problem_count > CARRY_MAX_PROBLEMS)
        (void)cli_fail(err_set(ERR_MALFORMED, _("%s: and %llu more of such things"), path,
                               (unsigned long long)(f->problem_count - CARRY_MAX_PROBLEMS)));
}

/* A file that is bad is told, and the next one read; what stops all of them is our own disk. */
static enum err read_file(struct reading_all *a, const char *path)
{
    struct carry_reading *r = NULL;
    bool is_done = false;
    enum err e = hub_reload(a->hub, NULL); /* who may send may have changed since the last file */

    if (e != OK)
        return e;
    a->files++;
    if ((e = carry_open(&r, a->hub, path, true, &a->schools, &a->host)) != OK) {
        a->bad++;
        (void)cli_fail(e);
        return e == ERR_NOMEM ? e : OK;
    }
    while (e == OK && !is_done)
        e = carry_step(r, &is_done);
    if (e != OK)
        a->bad++;
    else if (carry_result(r)->problem_count > 0) {
        a->bad++;
        print_problems(path, carry_result(r));
    }
    carry_close(r);
    return e == OK ? OK : err_prefix(e, "%s", path);
}

/* ---- the summary ---- */

static enum err put_school(struct table *t, const struct carry_school *s, enum table_format format)
{
    const uint64_t numbers[] = {s->files,
                                s->bad_files,
                                s->verdicts[VERDICT_COUNTED],
                                s->verdicts[VERDICT_SUPERSEDED],
                                s->verdicts[VERDICT_DUPLICATE],
                                s->verdicts[VERDICT_QUARANTINED],
                                s->again,
                                s->refused};
    char text[sizeof(numbers) / sizeof(numbers[0])][32];
    const char *cells[sizeof(numbers) / sizeof(numbers[0]) + 2] = {s->id, ""};

    if (s->has_joined)
        cells[1] = format == TABLE_TEXT ? _("yes") : "yes";
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)snprintf(text[i], sizeof(text[i]), "%llu", (unsigned long long)numbers[i]);
        cells[i + 2] = text[i];
    }
    return table_row(t, cells);
}

static enum err print_summary(const struct carry *schools, enum table_format format)
{
    const struct table_column columns[] = {
        {"school", _("school"), TABLE_LEFT, false},
        {"joined", _("joined now"), TABLE_LEFT, false},
        {"files", _("files"), TABLE_RIGHT, true},
        {"faulty_files", _("with faults"), TABLE_RIGHT, true},
        {"counted", _("counted"), TABLE_RIGHT, true},
        {"superseded", _("replaced by something later"), TABLE_RIGHT, true},
        {"duplicate", _("there already"), TABLE_RIGHT, true},
        {"quarantined", _("kept apart"), TABLE_RIGHT, true},
        {"known_batches", _("packages known already"), TABLE_RIGHT, true},
        {"refused_batches", _("packages put aside"), TABLE_RIGHT, true},
    };
    struct table *t = NULL;
    enum err e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));

    if (e != OK)
        return e;
    for (size_t i = 0; i < schools->count && e == OK; i++)
        e = put_school(t, schools->schools[i], format);
    return command_print(t, format, e);
}

/* ---- answers ---- */

static void print_answer(void *ctx, const char *path)
{
    (void)ctx;
    (void)fprintf(stderr, _("Answer for the school, written and read back: %s\n"), path);
}

/* DIR of DIR/NAME. */
static void folder_of(char out[FOLDER_PATH_MAX], const char *path)
{
    char *slash;

    (void)snprintf(out, FOLDER_PATH_MAX, "%s", path);
    if ((slash = strrchr(out, '/')) == NULL)
        (void)snprintf(out, FOLDER_PATH_MAX, ".");
    else
        slash[slash == out ? 1 : 0] = '\0';
}

static enum err write_answers(struct reading_all *a, const char *target)
{
    char folder[FOLDER_PATH_MAX];
    struct stat st;
    bool is_folder = stat(target, &st) == 0 && S_ISDIR(st.st_mode);
    size_t joined = 0;
    enum err e = OK;

    for (size_t i = 0; i < a->schools.count; i++) {
        const struct participant *p = registry_by_id(a->hub->registry, a->schools.schools[i]->id);

        joined += p != NULL && p->enrolled_ms != 0 ? 1u : 0u;
    }
    if (!is_folder && joined > 1) {
        folder_of(folder, target);
        (void)fprintf(stderr, _("The files are of %zu schools: each gets an answer of its own in the folder %s\n"),
                      joined, folder);
        target = folder;
    }
    for (size_t i = 0; i < a->schools.count && e == OK; i++) {
        const struct participant *p = registry_by_id(a->hub->registry, a->schools.schools[i]->id);

        if (p != NULL && p->enrolled_ms != 0) /* whoever has not joined can be told nothing that he could check */
            e = carry_answer(a->hub, a->schools.schools[i], target, print_answer, NULL);
    }
    return e;
}

/* ---- bundle read ---- */

int cmd_bundle_read(int argc, char **argv)
{
    const char *home = NULL, *receipt = NULL, *format = NULL;
    const struct cli_command *c = command_named("bundle read");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"receipt", 0, N_("FILE|FOLDER"), N_("write the answers for the schools there"), &receipt},
        FORMAT_OPTION(&format),
        LAST_OPTION};
    struct reading_all a = {.hub = NULL};
    enum table_format f = TABLE_TEXT;
    int count = cli_parse(c, options, argc, argv, 1, -1);
    enum err e;
    int code;

    if (count < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK || (e = command_open(&a.hub, home, HUB_WRITE)) != OK)
        return cli_fail(e);
    command_user(a.who, sizeof(a.who));
    a.host = (struct carry_host){&a, a.who, reload_in, has_joined, reload};
    for (int i = 0; i < count && e == OK; i++)
        e = read_file(&a, argv[i]);
    if (a.schools.count > 0) {
        enum err printed = print_summary(&a.schools, f);

        e = e == OK ? printed : e;
    }
    if (e == OK && receipt != NULL && (e = hub_reload(a.hub, NULL)) == OK)
        e = write_answers(&a, receipt);
    else if (e == OK && a.schools.count > 0)
        (void)fprintf(stderr, "%s\n",
                      _("The schools know nothing of it yet: with --receipt FOLDER the answers are written."));
    carry_fini(&a.schools);
    code = cli_fail(e);
    hub_close(a.hub, a.has_changed);
    return code != 0 ? code : a.bad > 0 ? 1 : 0;
}
