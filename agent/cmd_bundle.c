#include "agent/cmd_common.h"
#include "agent/self_copy.h"
#include "agent/stick.h"
#include "common/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 1000u /* of one folder */

static const char *count_text(char out[32], uint64_t n)
{
    cli_format_count(out, 32, n);
    return out;
}

/* ---- bundle write ---- */

static void print_file(void *ctx, const char *path)
{
    (void)ctx;
    (void)printf(_("Written and read back: %s\n"), path);
    (void)fflush(stdout);
}

/* More than one file: one alone is not all. */
static void print_files(const struct stick_sent *s)
{
    char files[32];

    if (s->files > 1)
        (void)printf(_("Files: %s, because one may not be longer than bundle.max_size; all of them must reach the "
                       "district, in any order.\n"),
                     count_text(files, s->files));
}

static void print_sent(const struct agent *a, const struct stick_sent *s)
{
    char entries[32];
    char forms[32];
    char bytes[64];

    cli_format_bytes(bytes, sizeof(bytes), s->bytes);
    if (s->has_request)
        (void)printf("%s\n", _("In it is the request to let this computer join the district."));
    if (s->records > 0)
        (void)printf(_("It holds everything that the district has not confirmed yet: entries: %s, forms: %s (%s), for: "
                       "%s\n"),
                     count_text(entries, s->records), count_text(forms, s->forms), bytes, a->directory->name);
    else
        (void)printf(_("No entries wait; the file only asks for news, of: %s\n"), a->directory->name);
    print_files(s);
    (void)printf("%s\n", _("The stick may be pulled out now."));
    (void)printf("%s\n",
                 _("Keep everything on this computer as it is: only the district's answer confirms the entries. "
                   "Take the answer with: svodka-agent bundle receipt FILE"));
}

/* Beside the file: "DIR/svodka-gp-1A2B3C4D.copy"; the beginning of its key tells two computers of a school apart. */
static enum err copy_path(const struct agent *a, const char *target, char out[FOLDER_PATH_MAX])
{
    char dir[FOLDER_PATH_MAX];
    char name[ID_MAX + 32];
    const uint8_t *key = key_public(a->sign);
    char *slash;
    struct stat st;

    if (snprintf(dir, sizeof(dir), "%s", target) >= (int)sizeof(dir))
        return err_set(ERR_LIMIT, _("%s: the path is too long"), target);
    if (stat(target, &st) != 0 || !S_ISDIR(st.st_mode)) {
        if ((slash = strrchr(dir, '/')) == NULL)
            (void)snprintf(dir, sizeof(dir), ".");
        else
            slash[slash == dir ? 1 : 0] = '\0';
    }
    (void)snprintf(name, sizeof(name), "svodka-%s-%02X%02X%02X%02X.copy", a->grant->participant, key[0], key[1], key[2],
                   key[3]);
    return folder_path(out, dir, name);
}

/* The whole computer onto the stick as well: encrypted, and only if it could ever be opened again. */
static enum err copy_self(struct agent *a, const char *target)
{
    struct self_copy_made made;
    struct self_copy_risk risk;
    char path[FOLDER_PATH_MAX];
    char text[STICK_TEXT];
    enum err e = self_copy_risk(a, &risk);

    if (e == OK && !risk.has_code) {
        (void)fprintf(stderr, "%s\n",
                      _("Note: no copy of this computer goes onto the stick, because it has no recovery code yet; make "
                        "one with: svodka-agent backup --new-code"));
        return OK;
    }
    if (e == OK && (e = copy_path(a, target, path)) == OK && (e = self_copy_write(a, path, &made)) == OK) {
        (void)printf(_("Copy of this whole computer, which opens with the recovery code in the safe: %s\n"), path);
        return OK;
    }
    (void)snprintf(text, sizeof(text), "%s", err_text());
    return err_set(e, _("the file for the district is written and good, but the copy of this computer is not: %s"),
                   text);
}

int cmd_bundle_write(int argc, char **argv)
{
    static const struct cli_command self = {
        "bundle write", "FILE|FOLDER",
        N_("Puts everything that the district has not confirmed yet into one file, for a stick or as an attachment of "
           "an e-mail. Nothing in it can be read on the way. Writing again, and sending the same entries over the "
           "line as well, does no harm: each is counted once."),
        cmd_bundle_write};
    const char *home = NULL;
    const struct cli_option options[] = {OPTION_HOME(&home), OPTION_END};
    struct stick_sent sent = {.files = 0};
    struct agent *a = NULL;
    char count[32];
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_open(&a, home)) != OK)
        return cli_fail(e);
    e = stick_write(a, argv[0], print_file, NULL, &sent);
    if (e == OK) {
        e = copy_self(a, argv[0]);
        print_sent(a, &sent);
    } else if (sent.files > 0) {
        (void)fprintf(stderr,
                      _("The files above are written and good (%s); the other entries are in none yet, and stay "
                        "here until the district confirms them.\n"),
                      count_text(count, sent.files));
    }
    agent_close(a);
    return cli_fail(e);
}

/* ---- bundle receipt ---- */

static void print_news(const struct stick_news *n, bool is_enrolled)
{
    char text[4][32];
    char day[64];
    char *line = (char *)n->forms.data;

    if (n->has_joined)
        (void)printf("%s\n", _("This computer has joined the district."));
    if (n->is_others)
        (void)printf("%s\n", is_enrolled
                                 ? _("The answer is for another computer of this school, which has joined in the place "
                                     "of this one. What waits here still counts: bring it with \"svodka-agent bundle "
                                     "write\", and enter new things on the other computer.")
                                 : _("The answer is for the computer that this school had before; this one has not "
                                     "joined by it."));
    if (n->receipts > n->refused) {
        cli_format_time(day, sizeof(day), n->received_ms);
        (void)printf(_("Received by the district on %s: counted: %s, replaced by something later: %s, there already: "
                       "%s, kept apart with a remark: %s.\n"),
                     day, count_text(text[0], n->verdicts[VERDICT_COUNTED]),
                     count_text(text[1], n->verdicts[VERDICT_SUPERSEDED]),
                     count_text(text[2], n->verdicts[VERDICT_DUPLICATE]),
                     count_text(text[3], n->verdicts[VERDICT_QUARANTINED]));
    }
    if (n->verdicts[VERDICT_QUARANTINED] > 0)
        (void)printf("%s\n", _("\"svodka-agent status\" says why something was kept apart."));
    if (n->reconciled > 0)
        (void)printf(_("The district held newer work of this school than this computer did (a restored copy, or two "
                       "computers with the same data). Nothing is lost. There already: %s; they go under new numbers "
                       "in the next file: %s.\n"),
                     count_text(text[0], n->already_there), count_text(text[1], n->renumbered));
    if (n->archived > 0)
        (void)printf(_("In the district's archive now: entries: %s.\n"), count_text(text[0], n->archived));
    if (n->words > 0)
        (void)printf(_("Words of the district about earlier entries: %s; \"svodka-agent status\" shows them.\n"),
                     count_text(text[0], n->words));
    if (n->wanted > 0)
        (void)printf("%s\n", _("The district has lost something that it had received, and asks for it again: write "
                               "another file for it."));
    if (n->objects > 0)
        (void)printf(_("New forms, calendars and tables: %s.\n"), count_text(text[0], n->objects));
    for (size_t at = 0; at < n->forms.len;) {
        size_t len = 0;

        while (at + len < n->forms.len && line[at + len] != '\n')
            len++;
        (void)printf(_("  new form: %.*s\n"), (int)len, line + at);
        at += len + 1;
    }
    if (n->new_grant && !n->has_joined)
        (void)printf("%s\n", _("What this school may send has changed; \"svodka-agent status\" shows it."));
    if (n->problem[0] == '\0' && n->receipts == 0 && n->objects == 0 && n->reconciled == 0 && n->wanted == 0 &&
        n->words == 0 && n->archived == 0 && !n->has_joined && !n->new_grant && !n->is_others)
        (void)printf("%s\n", _("Everything in this file was known here already."));
}

/* OK also when the file itself was bad: then *is_bad. */
static enum err take_file(struct agent *a, const char *path, bool *is_bad)
{
    struct stick_news n;
    enum err e;

    stick_news_init(&n);
    if ((e = stick_take(a, path, &n)) == OK) {
        (void)printf("%s\n", path);
        print_news(&n, agent_is_enrolled(a));
        (void)fflush(stdout);
        if (n.problem[0] != '\0') {
            (void)cli_fail(err_set(ERR_MALFORMED, "%s: %s", path, n.problem));
            *is_bad = true;
        }
    }
    stick_news_fini(&n);
    return e;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;

    return strcmp(*x, *y);
}

/* The names of the folder's answers, sorted; each is the caller's. */
static enum err list_folder(const char *dir, char *names[FILES_MAX], size_t *count)
{
    size_t suffix = strlen(BUNDLE_SUFFIX);
    struct dirent *f;
    DIR *d = opendir(dir);
    enum err e = OK;

    *count = 0;
    if (d == NULL)
        return err_set(ERR_IO, _("%s: the folder cannot be read"), dir);
    while ((f = readdir(d)) != NULL && e == OK) {
        size_t len = strlen(f->d_name);

        if (len <= suffix || strcmp(f->d_name + len - suffix, BUNDLE_SUFFIX) != 0)
            continue;
        if (*count == FILES_MAX)
            e = err_set(ERR_LIMIT, _("%s: more than %u files; name them"), dir, FILES_MAX);
        else if (asprintf(&names[*count], "%s/%s", dir, f->d_name) < 0)
            e = ERR_NOMEM;
        else
            (*count)++;
    }
    closedir(d);
    qsort(names, *count, sizeof(names[0]), by_name);
    return e;
}

/* Of a folder, the answers; the files that go to the district lie beside them. */
static enum err take_folder(struct agent *a, const char *dir, bool *is_bad)
{
    char **names = calloc(FILES_MAX, sizeof(*names));
    size_t count = 0;
    size_t taken = 0;
    enum err e = names == NULL ? ERR_NOMEM : list_folder(dir, names, &count);

    for (size_t i = 0; i < count; i++) {
        struct bundle_reader *r = NULL;
        bool is_up =
            bundle_open(&r, names[i], true, (uint64_t)BUNDLE_MOST_MAX) == OK && bundle_direction(r) == BUNDLE_UP;

        bundle_close(r);
        if (e == OK && !is_up) {
            taken++;
            if ((e = take_file(a, names[i], is_bad)) != OK && e != ERR_BUSY) {
                (void)cli_fail(e); /* the others are as good as before */
                *is_bad = true;
                e = OK;
            }
        }
        free(names[i]);
    }
    free(names);
    if (e == OK && taken == 0)
        e = err_set(ERR_NOT_FOUND, _("%s: no answer of the district is there"), dir);
    return e;
}

int cmd_bundle_receipt(int argc, char **argv)
{
    static const struct cli_command self = {
        "bundle receipt", "FILE|FOLDER...",
        N_("Takes the district's answer out of a file: what it received, what came back with a remark, new forms. Old "
           "files, the same one again, and any order do no harm."),
        cmd_bundle_receipt};
    const char *home = NULL;
    const struct cli_option options[] = {OPTION_HOME(&home), OPTION_END};
    struct agent *a = NULL;
    bool is_bad = false;
    int code = 0;
    int count = cli_parse(&self, options, argc, argv, 1, -1);
    enum err e;

    if (count < 0)
        return cli_exit_code();
    if ((e = command_open(&a, home)) != OK)
        return cli_fail(e);
    for (int i = 0; i < count; i++) {
        struct stat st;
        bool is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);

        e = is_folder ? take_folder(a, argv[i], &is_bad) : take_file(a, argv[i], &is_bad);
        if (e != OK)
            code = cli_fail(e);
    }
    agent_close(a);
    return code != 0 || is_bad ? 1 : 0;
}
