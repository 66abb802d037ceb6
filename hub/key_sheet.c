#include "hub/key_sheet.h"

#include "common/cli.h"
#include "common/html.h"

#include <string.h>
#include <strings.h>

struct page {
    struct buf *out;
    enum sheet_form form;
};

static void put_text(const struct page *p, const char *text)
{
    if (p->form == SHEET_TEXT) {
        buf_put_str(p->out, text);
        return;
    }
    html_put(p->out, text);
}

/* One element of the page; in text a line, and an empty one after it. */
static void put_line(const struct page *p, const char *element, const char *text)
{
    if (p->form == SHEET_HTML)
        buf_printf(p->out, "<%s>", element);
    put_text(p, text);
    if (p->form == SHEET_HTML)
        buf_printf(p->out, "</%s>\n", element);
    else
        buf_put_str(p->out, "\n\n");
}

static void put_fact(const struct page *p, const char *name, const char *value)
{
    if (p->form == SHEET_HTML)
        buf_put_str(p->out, "<p class=\"fact\"><b>");
    put_text(p, name);
    buf_put_str(p->out, p->form == SHEET_HTML ? "</b> " : " ");
    put_text(p, value);
    buf_put_str(p->out, p->form == SHEET_HTML ? "</p>\n" : "\n");
}

static void put_key(const struct page *p, const char *name, const uint8_t *key)
{
    char text[40];

    if (key == NULL)
        return;
    fingerprint(text, key);
    put_fact(p, name, text);
}

static void put_list(const struct page *p, const char *const *items, size_t count)
{
    if (p->form == SHEET_HTML)
        buf_put_str(p->out, "<ul>\n");
    for (size_t i = 0; i < count; i++) {
        buf_put_str(p->out, p->form == SHEET_HTML ? "<li>" : "  - ");
        put_text(p, items[i]);
        buf_put_str(p->out, p->form == SHEET_HTML ? "</li>\n" : "\n");
    }
    buf_put_str(p->out, p->form == SHEET_HTML ? "</ul>\n" : "\n");
}

static void begin(const struct page *p, const char *title)
{
    if (p->form == SHEET_HTML) {
        buf_printf(p->out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
                   cli_is_russian() ? "ru" : "en");
        put_text(p, title);
        buf_put_str(p->out, "</title>\n<style>\nbody { font: 12pt serif; margin: 2cm; max-width: 17cm; }\n"
                            "pre { font: bold 20pt monospace; border: 1px solid; padding: 6mm; line-height: 1.6; }\n"
                            ".fact { margin: 2mm 0; }\n@page { size: A4; margin: 15mm; }\n"
                            "@media print { body { margin: 0; } }\n</style>\n</head>\n<body>\n");
    }
    put_line(p, "h1", title);
}

static enum err end(const struct page *p)
{
    if (p->form == SHEET_HTML)
        buf_put_str(p->out, "</body>\n</html>\n");
    return buf_status(p->out);
}

static void put_rows(const struct page *p, const uint8_t seed[KEY_BYTES])
{
    if (p->form == SHEET_HTML)
        buf_put_str(p->out, "<pre>");
    for (unsigned r = 0; r < PAPER_ROWS; r++) {
        char row[PAPER_ROW_TEXT];

        paper_row(row, r, seed);
        buf_printf(p->out, "%s%u: %s\n", p->form == SHEET_HTML ? "" : "    ", r + 1, row);
        wipe(row, sizeof(row));
    }
    buf_put_str(p->out, p->form == SHEET_HTML ? "</pre>\n" : "\n");
}

static void put_facts(const struct page *p, const struct sheet *s)
{
    put_fact(p, _("District:"), s->district);
    put_fact(p, _("Printed on:"), s->date);
    put_key(p, _("Fingerprint of the root key:"), s->root);
    put_key(p, _("Fingerprint of the recovery key, which follows from it:"), s->recovery);
    if (p->form == SHEET_TEXT)
        buf_put_str(p->out, "\n");
}

enum err sheet_root(struct buf *out, enum sheet_form f, const struct sheet *s)
{
    const struct page p = {out, f};
    const char *const what_to_do[] = {
        _("Put it into an envelope, seal it, sign over the flap, write the date, and lock it into a safe. Tear it up "
          "when a "
          "newer sheet takes its place."),
        _("Whoever reads these four rows can pose as the hub of this district and open its backups. Do not photograph "
          "it, "
          "do not send it, do not leave it in the printer."),
        _("It is needed to replace the hub's signing key, and to restore a backup on another computer. From day to day "
          "it "
          "is not."),
        _("To use it, type the four rows in: svodka-hub key restore root - . Letters may be large or small, Latin or "
          "Russian; a mistake is shown with its row."),
        _("Each row checks itself. There is no letter I, L, O or U among them: what looks like one is 1 or 0.")};

    begin(&p, _("Root key of the district: keep in the safe"));
    put_facts(&p, s);
    put_rows(&p, s->seed);
    put_line(&p, "h2", _("What to do with this sheet"));
    put_list(&p, what_to_do, sizeof(what_to_do) / sizeof(what_to_do[0]));
    return end(&p);
}

enum err sheet_envelopes(struct buf *out, enum sheet_form f, const struct sheet *s)
{
    const struct page p = {out, f};
    const char *const first[] = {_("the printed sheet of the root key (svodka-hub key export root --paper FILE.html)"),
                                 _("a memory stick with root.key.locked from the hub's folder keys/"),
                                 _("a copy of this page")};
    const char *const second[] = {_("a second printed sheet of the root key"),
                                  _("a memory stick with the newest backup of the hub"), _("a copy of this page"),
                                  _("not the passphrase: whoever has it and the stick has everything; two people know "
                                    "it, and it is written down in "
                                    "a third place")};
    const char *const after[] = {
        _("The hub's computer is gone: install the program on another one, take envelope 2, restore the backup with "
          "the root "
          "key from the sheet; schools send again by themselves what the backup does not hold."),
        _("The signing key is to be replaced (once a year, or when the computer was in strange hands): take envelope "
          "1, "
          "svodka-hub key rotate sign, put it back."),
        _("A sealing key is lost and no backup has it: svodka-hub key lost seal YEAR; no envelope is needed."),
        _("One envelope was opened by someone unknown: take the other, make a new hub with a new root key, and invite "
          "every "
          "school anew. There is no lesser remedy.")};

    begin(&p, _("What goes into the two envelopes in the safe"));
    put_facts(&p, s);
    put_line(&p, "h2", _("Envelope 1, in the safe of the office"));
    put_list(&p, first, sizeof(first) / sizeof(first[0]));
    put_line(&p, "h2", _("Envelope 2, in a safe in another building"));
    put_list(&p, second, sizeof(second) / sizeof(second[0]));
    put_line(&p, "p",
             _("Both are sealed, signed over the flap and dated. Who may open them, and who has opened them when, "
               "is written on them. Once a year both are looked at: is the flap whole, does the stick still read, "
               "is the sheet legible, is the backup of this year."));
    put_line(&p, "h2", _("When they are needed"));
    put_list(&p, after, sizeof(after) / sizeof(after[0]));
    return end(&p);
}

enum sheet_form sheet_form_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot != NULL && (strcasecmp(dot, ".html") == 0 || strcasecmp(dot, ".htm") == 0) ? SHEET_HTML : SHEET_TEXT;
}
