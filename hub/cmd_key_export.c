#include "hub/commands.h"

#include "common/ask.h"
#include "common/clock.h"
#include "common/folder.h"
#include "hub/key_ring.h"
#include "hub/key_sheet.h"
#include "hub/recovery.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct export
{
    const char *paper, *root, *passphrase, *format;
};

/* ---- what is printed ---- */

static enum err write_sheet(const struct hub *h, const char *paper, const struct key *root)
{
    uint8_t recovery[KEY_BYTES];
    bool has_recovery = recovery_public(recovery, h->dir, h->root, h->district) == OK;
    struct sheet s = {.district = h->conf.name, .root = h->root, .recovery = has_recovery ? recovery : NULL};
    enum sheet_form f = sheet_form_of(paper);
    char date[64];
    struct buf text;
    enum err e;

    cli_format_time(date, sizeof(date), clock_wall_ms());
    s.date = date;
    buf_init(&text, SHEET_MAX);
    (void)buf_grow(&text, SHEET_MAX); /* at once, so that no half of the secret is left behind in a smaller buffer */
    text.len = 0;
    if (root != NULL) {
        s.seed = key_secret(root); /* the first half of an Ed25519 secret key */
        e = sheet_root(&text, f, &s);
    } else
        e = sheet_envelopes(&text, f, &s);
    if (e == OK)
        e = cli_write_file(paper, text.data, text.len, 0600, false);
    buf_wipe(&text);
    return e;
}

static enum err export_root(struct hub *h, const struct export *x)
{
    char path[FOLDER_PATH_MAX];
    struct key *root = NULL;
    enum err e = OK;

    if (x->root == NULL && (e = root_key_path(path, sizeof(path), h->dir)) != OK)
        return e;
    if ((e = root_key_open(&root, x->root != NULL ? x->root : path, x->passphrase, h->root)) != OK)
        return e;
    if ((e = command_note(h, AUDIT_KEY_EXPORT, "root", "%s", "")) == OK && (e = write_sheet(h, x->paper, root)) == OK)
        (void)printf(
            _("%s holds the root key for everyone to read. Print it twice, compare the fingerprint, and delete the "
              "file at once.\n"),
            x->paper);
    key_free(root);
    return e;
}

/* ---- what others verify by ---- */

static enum err put_certificate(struct table *t, const struct ring_key *k, enum table_format f)
{
    char since[64], until[64];
    char key[2 * KEY_BYTES + 1];
    char certificate[2 * RING_CERTIFICATE_MAX + 1];
    const char *cells[] = {sodium_bin2hex(key, sizeof(key), k->public_half, KEY_BYTES), since, until,
                           sodium_bin2hex(certificate, sizeof(certificate), k->certificate, k->certificate_len)};

    command_time(since, sizeof(since), k->since_ms, f);
    command_time(until, sizeof(until), k->until_ms, f);
    return table_row(t, cells);
}

static enum err export_sign(struct hub *h, const struct export *x)
{
    const struct table_column columns[] = {{"public", _("Public half"), TABLE_LEFT, false},
                                           {"since", _("Since"), TABLE_LEFT, false},
                                           {"until", _("Until"), TABLE_LEFT, false},
                                           {"certificate", _("Certificate"), TABLE_LEFT, false}};
    enum table_format f;
    struct table *t = NULL;
    enum err e = command_format(&f, x->format);

    if (e == OK)
        e = table_new(&t, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = h->ring->count; i-- > 0 && e == OK;)
        if (h->ring->keys[i].kind == RING_SIGN)
            e = put_certificate(t, &h->ring->keys[i], f);
    return command_print(t, f, e);
}

int cmd_key_export(int argc, char **argv)
{
    const struct cli_command *c = command_named("key export");
    const char *home = NULL;
    struct export x = {0};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        FORMAT_OPTION(&x.format),
        {"paper", 0, N_("FILE"), N_("root, envelopes: the page to be printed (.html, else text)"), &x.paper},
        {"root", 0, N_("FILE"), N_("root: the root key's file, locked or not (default: the one in keys/)"), &x.root},
        {"root-passphrase-file", 0, N_("FILE"), N_("root: the passphrase of the locked root key"), &x.passphrase},
        LAST_OPTION};
    struct hub *h = NULL;
    bool is_paper;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    is_paper = strcmp(argv[0], "root") == 0 || strcmp(argv[0], "envelopes") == 0;
    if (!is_paper && strcmp(argv[0], "sign") != 0)
        return cli_fail(err_set(ERR_USAGE, _("\"%s\": root, envelopes or sign is expected"), argv[0]));
    if (is_paper && x.paper == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--paper is missing: the file that is then printed")));
    if ((e = command_open(&h, home, strcmp(argv[0], "root") == 0 ? HUB_WRITE : HUB_READ)) == OK) {
        if (strcmp(argv[0], "root") == 0)
            e = export_root(h, &x);
        else if (is_paper)
            e = write_sheet(h, x.paper, NULL);
        else
            e = export_sign(h, &x);
    }
    return command_close(h, e, false);
}

/* ---- key restore ---- */

struct restore {
    const char *home, *to, *fingerprint, *passphrase;
};

/* Row by row, each asked for again until it is right. */
static enum err ask_rows(uint8_t seed[KEY_BYTES])
{
    enum err e = OK;

    for (unsigned r = 0; r < PAPER_ROWS && e == OK;) {
        char prompt[64];
        char line[256];

        (void)snprintf(prompt, sizeof(prompt), _("Row %u:"), r + 1);
        if ((e = ask_line(prompt, line, sizeof(line))) != OK)
            break;
        if (paper_read_row(seed + (size_t)r * PAPER_ROW_SEED, r, line) == OK)
            r++;
        else
            (void)fprintf(stderr, "%s\n", err_text());
        wipe(line, sizeof(line));
    }
    return e;
}

static enum err read_seed(uint8_t seed[KEY_BYTES], const char *from)
{
    void *text = NULL;
    size_t len = 0;
    enum err e;

    if (strcmp(from, "-") == 0 && isatty(STDIN_FILENO) != 0)
        return ask_rows(seed);
    if ((e = cli_read_file(from, PAPER_TEXT_MAX, &text, &len)) != OK)
        return e;
    e = strlen(text) == len ? paper_read(seed, text) : err_set(ERR_MALFORMED, _("this is no copy of a key"));
    wipe(text, len);
    free(text);
    return e == OK ? OK : err_prefix(e, "%s", from);
}

/* Is it the one that the sheet, or this home's hub, says it is? */
static enum err check_root(const struct key *root, const struct hub *h, const char *expected)
{
    char text[40];

    fingerprint(text, key_public(root));
    if (h != NULL && memcmp(key_public(root), h->root, KEY_BYTES) != 0)
        return err_set(ERR_INVALID, _("the rows are right, but they are the root key of another district (%s)"), text);
    if (expected != NULL && strcmp(expected, text) != 0)
        return err_set(ERR_INVALID, _("the rows are right, but the root key has another fingerprint: %s"), text);
    return OK;
}

static enum err write_root(const struct key *root, const struct hub *h, const struct restore *r)
{
    char path[FOLDER_PATH_MAX];
    struct passphrase words;
    bool is_locked = r->passphrase != NULL || isatty(STDIN_FILENO) != 0;
    enum err e = OK;

    if (r->to != NULL)
        (void)snprintf(path, sizeof(path), "%s", r->to);
    else
        e = folder_path(path, h->dir, is_locked ? "keys/root.key.locked" : "keys/root.key");
    if (e == OK && is_locked && (e = passphrase_get(&words, r->passphrase, true)) == OK) {
        e = root_key_lock(root, path, &words);
        passphrase_wipe(&words);
    } else if (e == OK)
        e = key_write(root, path, "root");
    if (e == OK && h != NULL)
        e = recovery_write(h->dir, root, h->district);
    if (e == OK && is_locked)
        (void)printf(
            _("The root key is in %s, locked with the passphrase. Delete it there when it has done its work.\n"), path);
    else if (e == OK)
        (void)printf(_("The root key is in %s and NOT locked. Delete it there when it has done its work.\n"), path);
    return e;
}

static enum err restore(const struct restore *r, const char *from, struct hub *h)
{
    uint8_t seed[KEY_BYTES];
    struct key *root = NULL;
    char text[40];
    enum err e = read_seed(seed, from);

    if (e == OK)
        e = key_from_seed(&root, KEY_SIGN, seed);
    wipe(seed, sizeof(seed));
    if (e == OK && (e = check_root(root, h, r->fingerprint)) == OK &&
        (h == NULL || (e = command_note(h, AUDIT_KEY_RESTORE, "root", "%s", "")) == OK) &&
        (e = write_root(root, h, r)) == OK) {
        fingerprint(text, key_public(root));
        (void)printf(_("Fingerprint of the root key: %s. Compare it with the sheet.\n"), text);
    }
    key_free(root);
    return e;
}

int cmd_key_restore(int argc, char **argv)
{
    const struct cli_command *c = command_named("key restore");
    struct restore r = {0};
    const struct cli_option options[] = {
        HOME_OPTION(&r.home),
        {"to", 0, N_("FILE"), N_("where to (default: the hub's keys/); then no hub's folder is needed"), &r.to},
        {"fingerprint", 0, N_("TEXT"), N_("what the sheet says; another key is refused"), &r.fingerprint},
        {"root-passphrase-file", 0, N_("FILE"), N_("lock it with the passphrase in this file"), &r.passphrase},
        LAST_OPTION};
    struct hub *h = NULL;
    enum err e = OK;

    if (cli_parse(c, options, argc, argv, 2, 2) < 0)
        return cli_exit_code();
    if (strcmp(argv[0], "root") != 0)
        return cli_fail(err_set(ERR_USAGE, _("\"%s\": root is expected"), argv[0]));
    if (r.to == NULL)
        e = command_open(&h, r.home, HUB_KEYS);
    if (e == OK)
        e = restore(&r, argv[1], h);
    return command_close(h, e, false);
}
