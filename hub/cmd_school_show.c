#include "hub/commands.h"

#include "common/ask.h"
#include "protocol/six_words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- school show ---- */

struct sheet_of {
    struct table *table;
    enum table_format format;
    enum err e;
};

/* Programs get a stable name before each title; people do not need it. */
static void put(struct sheet_of *s, const char *item, const char *title, const char *value)
{
    const char *const cells[] = {item, title, value};

    if (s->e == OK)
        s->e = table_row(s->table, s->format == TABLE_TEXT ? cells + 1 : cells);
}

static void put_time(struct sheet_of *s, const char *item, const char *title, int64_t wall_ms)
{
    char text[64];

    command_time(text, sizeof(text), wall_ms, s->format);
    put(s, item, title, text);
}

static void put_list(struct sheet_of *s, const char *item, const char *title, const char *first, size_t stride,
                     uint32_t count)
{
    struct buf text;

    buf_init(&text, 64u << 10);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i > 0 ? " " : "", first + i * stride);
    put(s, item, title, buf_cstr(&text));
    buf_fini(&text);
}

static const char *from_text(const struct participant *p, enum table_format f)
{
    return f == TABLE_TEXT && strcmp(p->joined_from, REGISTRY_FROM_FILE) == 0 ? _("a file") : p->joined_from;
}

static void put_invitation(struct sheet_of *s, const struct participant *p)
{
    char tries[32];

    put_time(s, "invited", _("Invited"), p->invited_ms);
    if (p->invite_used)
        return;
    put_time(s, "invitation_until", _("Invitation until"), p->invite_expires_ms);
    (void)snprintf(tries, sizeof(tries), "%u", p->tries);
    put(s, "wrong_tries", _("Wrong tries"), tries);
    if (registry_is_locked(p) && s->format == TABLE_TEXT)
        put(s, "locked", _("Note"),
            _("five wrong tries have locked the invitation: svodka-hub school invite makes another"));
}

static void put_joined(struct sheet_of *s, const struct participant *p)
{
    char print[FINGERPRINT_CHARS + 1], words[SIX_WORDS_MAX];

    if (p->enrolled_ms == 0)
        return;
    put_time(s, "enrolled", _("Enrolled"), p->enrolled_ms);
    put(s, "from", _("From where"), from_text(p, s->format));
    fingerprint(print, p->grant.sign_key);
    put(s, "key", _("Fingerprint of its key"), print);
    if (p->has_transcript) {
        six_words(words, p->transcript, cli_is_russian());
        put(s, "words", _("Six words"), words);
        put_time(s, "words_compared", _("Words compared"), p->words_ms);
        if (p->words_ms == 0 && s->format == TABLE_TEXT)
            put(s, "", _("Note"),
                _("ask the school by telephone for its six words; when they are the same: svodka-hub "
                  "school check ID --words-match"));
    }
    put_time(s, "last_seen", _("Last seen"), p->last_seen_ms);
}

static enum err show(const struct participant *p, enum table_format f)
{
    const struct table_column columns[] = {{"item", _("Item"), TABLE_LEFT, false},
                                           {"title", _("What"), TABLE_LEFT, false},
                                           {"value", _("Value"), TABLE_LEFT, false}};
    struct sheet_of s = {NULL, f, OK};
    enum err e = f == TABLE_TEXT ? table_new(&s.table, columns + 1, 2) : table_new(&s.table, columns, 3);

    if (e != OK)
        return e;
    put(&s, "id", _("ID"), p->id);
    put(&s, "name", _("Name"), p->grant.name);
    put(&s, "state", _("State"), command_standing(p, f));
    put_list(&s, "units", _("Units"), p->grant.units[0], sizeof(p->grant.units[0]), p->grant.unit_count);
    put_list(&s, "roles", _("Roles"), p->grant.roles[0], sizeof(p->grant.roles[0]), p->grant.role_count);
    put_invitation(&s, p);
    put_joined(&s, p);
    return command_print(s.table, f, s.e);
}

int cmd_school_show(int argc, char **argv)
{
    const char *home = NULL, *format = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home), FORMAT_OPTION(&format), LAST_OPTION};
    const struct participant *p = NULL;
    enum table_format f;
    struct hub *h = NULL;
    enum err e;

    if (cli_parse(command_named("school show"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_format(&f, format)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, HUB_READ)) == OK && (e = command_school(h, argv[0], &p)) == OK)
        e = show(p, f);
    return command_close(h, e, false);
}

/* ---- school check ---- */

/* On a terminal the words are shown and the person is asked; a script must say it. */
static enum err are_the_same(const struct participant *p, bool is_said, bool *same)
{
    char words[SIX_WORDS_MAX];
    enum err e;

    *same = is_said;
    if (is_said)
        return OK;
    if (!isatty(STDIN_FILENO))
        return err_set(ERR_USAGE, _("--words-match is missing: it says that you compared the words with the school"));
    if (!p->has_transcript)
        return OK; /* the registry has the sentence for it */
    six_words(words, p->transcript, cli_is_russian());
    (void)printf("%s (%s): %s\n", p->grant.name, p->id, words);
    if ((e = ask_yes_no(_("Does the school read out these six words?"), same)) == OK && !*same)
        e = err_set(ERR_AUTH,
                    _("then another computer has joined in the school's place: put %s on hold (svodka-hub school "
                      "hold %s) and call whoever knows about the line"),
                    p->id, p->id);
    return e;
}

static enum err note(struct hub *h, const char *id)
{
    struct store_txn *t = NULL;
    char who[80];
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    command_user(who, sizeof(who));
    return command_finish(h, t, registry_words_match(h, t, id, who));
}

int cmd_school_check(int argc, char **argv)
{
    const char *home = NULL, *match = NULL;
    const struct cli_option options[] = {HOME_OPTION(&home),
                                         {"words-match", 0, NULL, N_("the school read out the same six words"), &match},
                                         LAST_OPTION};
    const struct participant *p = NULL;
    struct hub *h = NULL;
    bool same = false;
    enum err e;

    if (cli_parse(command_named("school check"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = command_open(&h, home, HUB_WRITE)) == OK && (e = command_school(h, argv[0], &p)) == OK &&
        (e = are_the_same(p, match != NULL, &same)) == OK && (e = note(h, argv[0])) == OK)
        (void)printf(_("Noted: the six words of %s were compared and are the same.\n"), argv[0]);
    return command_close(h, e, true);
}
