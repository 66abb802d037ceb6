#include "agent/cmd_common.h"

#include "agent/door.h"
#include "agent/enrolment.h"
#include "agent/sync.h"
#include "common/ask.h"
#include "common/clock.h"
#include "common/folder.h"
#include "protocol/join_file.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPED_MAX 200u

struct join {
    const char *dir;
    const char *offline; /* where the request goes; NULL: it rides the first meeting */
    struct ticket ticket;
    struct invitation inv;
    struct buf keep;
};

/* ---- what is told ---- */

static void say_words(const struct agent *a)
{
    char words[SIX_WORDS_MAX];
    char print[FINGERPRINT_CHARS + 1];

    fingerprint(print, key_public(a->sign));
    (void)printf(_("Fingerprint of this computer's key: %s\n"), print);
    if (enrolment_words(a, words) == OK)
        (void)printf(_("Six words for the telephone: %s\nThe district office sees the same six words; if they differ, "
                       "stop.\n"),
                     words);
}

static void greet(const struct agent *a, const struct invitation *inv, bool is_from_sheet)
{
    char print[FINGERPRINT_CHARS + 1];
    size_t forms = 0;

    for (size_t i = 0; i < a->form_count; i++)
        forms += command_own_form(a, i) != NULL ? 1 : 0;
    fingerprint(print, inv->root);
    (void)printf(_("This folder now belongs to %s (%s), invited by: %s\n"), a->grant->name, a->grant->participant,
                 a->directory->name);
    (void)printf(_("Fingerprint of the district's key: %s\n"), print);
    if (is_from_sheet)
        (void)printf("%s\n", _("It is the one of the sheet: this is the right district."));
    else
        (void)printf("%s\n", _("Compare it with the sheet from the district. If it differs, stop and telephone them."));
    (void)printf(ngettext("%zu form is here; you can fill it in at once, also without a line.\n",
                          "%zu forms are here; you can fill them in at once, also without a line.\n", forms),
                 forms);
    if (inv->expires_ms != 0 && inv->expires_ms < clock_wall_ms())
        (void)fprintf(stderr, "%s\n",
                      _("Note: by the clock of this computer the invitation has expired. Only the district decides; if "
                        "the first meeting is refused, ask for a new one."));
}

/* ---- the request as a file, and the answer ---- */

static enum err write_request(struct agent *a, const char *file)
{
    struct buf text;
    enum err e;

    buf_init(&text, JOIN_REQUEST_MAX);
    if ((e = enrolment_write(a, &text)) == OK)
        e = cli_write_file(file, text.data, text.len, 0600, false);
    buf_fini(&text);
    if (e == OK)
        (void)printf(_("The request to join is in %s: take it to the district office on a stick, or send it by e-mail. "
                       "Their answer is read in with: svodka-agent join --grant FILE\n"),
                     file);
    return e;
}

static enum err take_grant(const char *dir, const char *file)
{
    struct agent *a = NULL;
    bool was_known = false;
    void *text = NULL;
    size_t len = 0;
    enum err e = agent_open(&a, dir);

    if (e == OK && (e = cli_read_file(file, JOIN_GRANT_MAX, &text, &len)) == OK &&
        (e = enrolment_take(a, bytes_of(text, len), &was_known)) != OK)
        e = err_prefix(e, "%s", file);
    if (e == OK) {
        (void)printf("%s\n", was_known ? _("This answer was read in before; nothing has changed.")
                                       : _("This computer has joined the district."));
        say_words(a);
    }
    free(text);
    agent_close(a);
    return e;
}

/* ---- making the home ---- */

/* There is a line right now: the first meeting need not wait.  When it fails, the next one does it. */
static void meet_at_once(struct agent *a)
{
    struct sync_result r;

    if (sync_once(a, &r) == OK && r.joined)
        (void)printf("%s\n", _("This computer has joined the district."));
    else
        (void)fprintf(stderr, _("The first meeting did not go well yet (%s). Work can begin; the next one does it.\n"),
                      err_text());
}

static bool is_home(const char *dir)
{
    char path[FOLDER_PATH_MAX];

    return folder_path(path, dir, "keys/home.key") == OK && access(path, F_OK) == 0;
}

static enum err make_home(struct join *j, bool is_from_sheet)
{
    struct agent *a = NULL;
    struct buf request;
    bool is_again = is_home(j->dir);
    enum err e = is_again ? OK : agent_create(j->dir, &j->inv);

    if (e == OK && (e = agent_open(&a, j->dir)) == OK && is_again)
        e = agent_invited_again(a, &j->inv);
    if (e != OK) {
        agent_close(a);
        return e;
    }
    greet(a, &j->inv, is_from_sheet);
    if (is_again)
        (void)printf("%s\n",
                     _("The new invitation takes the place of the old one; everything entered so far is kept."));
    buf_init(&request, ENROL_MAX);
    e = enrolment_request(a, &request);
    buf_fini(&request);
    if (e == ERR_NOT_FOUND) /* the hub has no sealing key now: the request is made when it has one */
        e = OK;
    if (e == OK)
        say_words(a);
    if (e == OK && !is_again)
        e = command_show_code(a);
    if (e == OK && j->offline != NULL)
        e = write_request(a, j->offline);
    else if (e == OK && is_from_sheet)
        meet_at_once(a);
    agent_close(a);
    return e;
}

static enum err join_by_file(struct join *j, const char *path)
{
    void *text = NULL;
    size_t len = 0;
    enum err e = cli_read_file(path, INVITATION_MAX, &text, &len);

    if (e == OK && (e = invitation_read(&j->inv, &j->keep, bytes_of(text, len))) != OK)
        e = err_prefix(e, "%s", path);
    if (e == OK)
        e = make_home(j, false);
    if (text != NULL)
        wipe(text, len);
    free(text);
    return e;
}

static volatile sig_atomic_t cancelled;

static void on_signal(int number)
{
    (void)number;
    cancelled = 1;
    sync_cancel(); /* NOLINT(bugprone-signal-handler,cert-sig30-c): sets a flag, made for this */
}

static enum err join_by_sheet(struct join *j)
{
    enum err e;

    if (j->offline != NULL)
        return err_set(ERR_USAGE, _("--offline needs the invitation file: a code is of use only with a line"));
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    if ((e = door_fetch(&j->inv, &j->keep, &j->ticket, &cancelled)) == OK)
        e = make_home(j, true);
    return e;
}

/* ---- what is typed: from the command line, or asked for until it can be right ---- */

static enum err take_code(struct ticket *t, const char *typed)
{
    return code_normalise(t->code, typed);
}

static enum err take_print(struct ticket *t, const char *typed)
{
    return fingerprint_read(t->print, typed);
}

static enum err take_part(struct ticket *t, const char *given, const char *missing, const char *prompt,
                          enum err (*take)(struct ticket *t, const char *typed))
{
    char typed[TYPED_MAX];
    enum err e = ERR_MALFORMED;

    if (given != NULL)
        return take(t, given);
    if (!isatty(STDIN_FILENO))
        return err_set(ERR_USAGE, "%s", missing);
    while (e == ERR_MALFORMED || e == ERR_INVALID) {
        if ((e = ask_line(prompt, typed, sizeof(typed))) != OK)
            break;
        if ((e = take(t, typed)) != OK)
            (void)fprintf(stderr, "%s\n", err_text());
    }
    wipe(typed, sizeof(typed));
    return e;
}

static enum err take_typed(struct ticket *t, const char *code, const char *hub, const char *root)
{
    enum err e = take_part(t, code,
                           _("say what to join by: the invitation file, or the code of the sheet, or its line "
                             "svodka:1?..."),
                           _("One-time code of the sheet: "), take_code);

    if (e == OK)
        e = take_part(t, hub, _("--hub is missing: the address that stands on the sheet, tcp://HOST:PORT"),
                      _("Address of the sheet (tcp://HOST:PORT): "), ticket_add_door);
    if (e == OK)
        e = take_part(t, root, _("--root is missing: the fingerprint that stands on the sheet"),
                      _("Fingerprint of the sheet: "), take_print);
    return e;
}

static enum err take_line(struct ticket *t, const char *line)
{
    enum err e = ticket_read(t, line);

    if (e == OK && t->door_count == 0)
        e = err_set(ERR_INVALID,
                    _("this hub has no door: the invitation file is needed, which the district office gives"));
    return e;
}

/* ---- the command ---- */

static bool is_file(const char *what)
{
    return access(what, F_OK) == 0 || strpbrk(what, "/.") != NULL;
}

static enum err join(struct join *j, char *what, const char *hub, const char *root)
{
    enum err e;

    if (what != NULL && !ticket_is(what) && is_file(what)) {
        if (hub != NULL || root != NULL)
            return err_set(ERR_USAGE, _("--hub and --root go with a code; the invitation file holds them itself"));
        return join_by_file(j, what);
    }
    e = what != NULL && ticket_is(what) ? take_line(&j->ticket, what) : take_typed(&j->ticket, what, hub, root);
    if (what != NULL)
        wipe(what, strlen(what)); /* other users of this computer see the arguments of a running program */
    return e == OK ? join_by_sheet(j) : e;
}

static enum err write_again(const char *dir, const char *file)
{
    struct agent *a = NULL;
    enum err e = agent_open(&a, dir);

    if (e == OK && (e = write_request(a, file)) == OK)
        say_words(a);
    agent_close(a);
    return e;
}

static enum err begin(const char *dir, char *what, const char *offline, const char *hub, const char *root)
{
    struct join *j = calloc(1, sizeof(*j));
    enum err e;

    if (j == NULL)
        return ERR_NOMEM;
    j->dir = dir;
    j->offline = offline;
    buf_init(&j->keep, INVITATION_MAX + 16);
    e = join(j, what, hub, root);
    buf_wipe(&j->keep);
    wipe(j, sizeof(*j));
    free(j);
    return e;
}

int cmd_join(int argc, char **argv)
{
    static const struct cli_command self = {
        "join", "[INVITE-FILE|CODE|LINE] --home DIR",
        N_("Makes the agent's home out of the invitation that the district gave: a file, or the code of a printed "
           "sheet, or "
           "the sheet's line. Work can begin at once; the district learns of it at the first meeting, or by a file."),
        cmd_join};
    const char *home = NULL, *dir = NULL, *hub = NULL, *root = NULL, *offline = NULL, *grant = NULL;
    const struct cli_option options[] = {
        {"home", 0, N_("DIR"), N_("the folder to make; it must not exist, or be empty"), &home},
        {"hub", 0, N_("URL"), N_("with a code: the address of the sheet, tcp://HOST:PORT"), &hub},
        {"root", 0, N_("FINGERPRINT"), N_("with a code: the fingerprint of the sheet"), &root},
        {"offline", 0, N_("FILE"), N_("write the request to join into this file, for a stick or an e-mail"), &offline},
        {"grant", 0, N_("FILE"), N_("take the district's answer to it out of this file"), &grant},
        OPTION_END};
    int count;
    enum err e;

    if ((count = cli_parse(&self, options, argc, argv, 0, 1)) < 0)
        return cli_exit_code();
    if ((e = cli_home(home, &dir)) != OK)
        return cli_fail(e);
    if (grant != NULL && (count > 0 || offline != NULL || hub != NULL || root != NULL))
        e = err_set(ERR_USAGE, _("--grant stands alone: it takes the answer for a home that is there already"));
    else if (grant != NULL)
        e = take_grant(dir, grant);
    else if (offline != NULL && count == 0)
        e = write_again(dir, offline);
    else
        e = begin(dir, count > 0 ? argv[0] : NULL, offline, hub, root);
    return cli_fail(e);
}
