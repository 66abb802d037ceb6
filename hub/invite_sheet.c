#include "hub/invite_sheet.h"

#include "common/cli.h"
#include "common/html.h"
#include "hub/qr.h"

#include <string.h>

#define ROWS  9u
#define STEPS 3u

enum err invite_sheet_form(enum sheet_form *out, const char *file)
{
    const char *dot = strrchr(file, '.');

    if (strcmp(file, "-") == 0)
        *out = SHEET_SCREEN;
    else if (dot != NULL && (strcmp(dot, ".html") == 0 || strcmp(dot, ".htm") == 0))
        *out = SHEET_HTML;
    else if (dot != NULL && strcmp(dot, ".txt") == 0)
        *out = SHEET_TEXT;
    else
        return err_set(ERR_USAGE,
                       _("--sheet: a name that ends in .html or .txt is expected, or - for the screen (found: "
                         "%s)"),
                       file);
    return OK;
}

/* ---- what it says ---- */

struct row {
    const char *label;
    char value[1024];
    bool is_typed; /* letter by letter from the paper */
};

struct page {
    char title[NAME_MAX_BYTES + 128];
    struct row rows[ROWS];
    size_t row_count;
    const char *steps[STEPS];
    const char *caution;
    struct buf line; /* the ticket's */
    struct qr qr;
};

static void add_row(struct page *p, const char *label, const char *value, bool is_typed)
{
    struct row *r = &p->rows[p->row_count++];

    r->label = label;
    (void)snprintf(r->value, sizeof(r->value), "%s", value);
    r->is_typed = is_typed;
}

static void add_units(struct page *p, const struct ticket *t)
{
    struct buf text;

    buf_init(&text, 1000);
    if (t->unit_count == 1 && strcmp(t->units[0], GRANT_ALL_UNITS) == 0)
        buf_put_str(&text, _("every unit of the district"));
    for (uint32_t i = 0; text.len == 0 && i < t->unit_count && i < TICKET_UNITS; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", t->units[i]);
    if (t->unit_count > TICKET_UNITS)
        buf_printf(&text, _(" and %u more"), t->unit_count - TICKET_UNITS);
    add_row(p, _("About"), buf_cstr(&text), false);
    buf_fini(&text);
}

static const char *role_word(const char *role)
{
    static const struct {
        const char *role, *word;
    } words[] = {{"school", N_("a school")}, {"office", N_("the office")}, {"centre", N_("a methodical centre")}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].role, role) == 0)
            return _(words[i].word);
    return role; /* of a programme's own */
}

static void add_roles(struct page *p, const struct ticket *t)
{
    struct buf text;

    buf_init(&text, 1000);
    for (uint32_t i = 0; i < t->role_count; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", role_word(t->roles[i]));
    add_row(p, _("May send the forms of"), buf_cstr(&text), false);
    buf_fini(&text);
}

static void add_rows(struct page *p, const struct ticket *t)
{
    char text[NAME_MAX_BYTES + ID_MAX + 8];

    (void)snprintf(text, sizeof(text), "%s (%s)", t->name, t->participant);
    add_row(p, _("Who is invited"), text, false);
    add_row(p, _("Who invites"), t->hub, false);
    add_roles(p, t);
    add_units(p, t);
    cli_format_time(text, sizeof(text), t->expires_ms);
    add_row(p, _("Good until"), text, false);
    add_row(p, _("Questions"), t->phone[0] != '\0' ? t->phone : "_______________________", false);
    add_row(p, _("Address"), t->door_count > 0 ? t->doors[0] : _("in the invitation file"), t->door_count > 0);
    fingerprint_text(text, t->print);
    add_row(p, _("Fingerprint"), text, true);
    add_row(p, _("One-time code"), t->code, true);
}

static void add_steps(struct page *p, const struct ticket *t)
{
    if (t->door_count > 0) {
        p->steps[0] =
            _("On the school's computer, with a line: svodka-agent join --home FOLDER. It asks for the code, the "
              "address and the fingerprint of this sheet; small letters and missing hyphens do no harm.");
        p->steps[1] = _("The program checks by itself that it has reached the district of this fingerprint. If it says "
                        "otherwise, stop and call.");
    } else {
        p->steps[0] =
            _("On the school's computer: svodka-agent join FILE --home FOLDER. The file comes from the district "
              "office, on a stick or by e-mail.");
        p->steps[1] =
            _("Compare the fingerprint that the program shows with this sheet. If it differs, stop and call.");
    }
    p->steps[2] = _("Call the district office and read out the six words that the program shows: they must be the same "
                    "there.");
    p->caution =
        _("Keep this sheet like a password: until the school has joined, whoever has it can join in its place. "
          "The code works once.");
}

static enum err page_fill(struct page *p, const struct ticket *t)
{
    enum err e;

    memset(p, 0, sizeof(*p));
    buf_init(&p->line, TICKET_MAX + 1);
    (void)snprintf(p->title, sizeof(p->title), _("Invitation to Svodka: %s"), t->name);
    add_rows(p, t);
    add_steps(p, t);
    if ((e = ticket_write(&p->line, t)) == OK)
        e = qr_make(&p->qr, buf_cstr(&p->line));
    return e;
}

static void page_fini(struct page *p)
{
    buf_wipe(&p->line);
    qr_fini(&p->qr);
    wipe(p, sizeof(*p));
}

/* ---- HTML ---- */

static const char style[] =
    "@page{size:A4;margin:15mm}"
    "body{font:11pt/1.35 sans-serif;max-width:180mm;margin:0 auto;color:#000;background:#fff}"
    "h1{font-size:17pt;margin:0 0 5mm}table{border-collapse:collapse;width:100%}"
    "td{border-bottom:.2mm solid #999;padding:1.4mm 2mm 1.4mm 0;vertical-align:top}td:first-child{width:45mm}"
    ".typed{font:bold 14pt monospace;letter-spacing:.05em}"
    "ol{padding-left:6mm}li{margin:1.5mm 0}svg{width:62mm;height:62mm;float:right;margin:4mm 0 2mm 6mm}"
    ".line{font:7pt monospace;overflow-wrap:anywhere}.caution{font-weight:bold}";

static void put_element(struct buf *out, const char *begin, const char *text, const char *end)
{
    buf_put_str(out, begin);
    html_put(out, text);
    buf_put_str(out, end);
}

/* Each run of dark squares of a row is one rectangle of the path. */
static void put_svg(struct buf *out, const struct qr *q)
{
    unsigned size = q->width + 2 * QR_QUIET;

    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" shape-rendering=\"crispEdges\">"
               "<rect width=\"%u\" height=\"%u\" fill=\"#fff\"/><path d=\"",
               size, size, size, size);
    for (int y = 0; y < (int)q->width; y++) {
        for (int x = 0; x < (int)q->width; x++) {
            int run = 0;

            while (qr_is_dark(q, x + run, y))
                run++;
            if (run > 0)
                buf_printf(out, "M%d %dh%dv1h-%dz", x + (int)QR_QUIET, y + (int)QR_QUIET, run, run);
            x += run;
        }
    }
    buf_put_str(out, "\"/></svg>\n");
}

static void put_html(struct buf *out, const struct page *p, const char *line)
{
    buf_printf(out, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n", cli_pick("ru", "en"));
    put_element(out, "<title>", p->title, "</title>\n");
    buf_printf(out, "<style>%s</style></head><body>\n", style);
    put_element(out, "<h1>", p->title, "</h1>\n<table>\n");
    for (size_t i = 0; i < p->row_count; i++) {
        put_element(out, "<tr><td>", p->rows[i].label, p->rows[i].is_typed ? "</td><td class=\"typed\">" : "</td><td>");
        put_element(out, "", p->rows[i].value, "</td></tr>\n");
    }
    buf_put_str(out, "</table>\n");
    put_svg(out, &p->qr);
    buf_put_str(out, "<ol>\n");
    for (size_t i = 0; i < STEPS; i++)
        put_element(out, "<li>", p->steps[i], "</li>\n");
    put_element(out, "</ol>\n<p class=\"caution\">", p->caution, "</p>\n");
    put_element(out, "<p>", _("The square holds this line; svodka-agent join takes it, in quotation marks:"), "</p>\n");
    put_element(out, "<p class=\"line\">", line, "</p>\n</body></html>\n");
}

/* ---- text ---- */

/* Two rows of squares a line.  On paper dark is ink; on a screen the colours are set, or light would be dark. */
static void put_blocks(struct buf *out, const struct qr *q, bool is_screen)
{
    static const char *const blocks[] = {" ", "\u2580", "\u2584", "\u2588"}; /* none, upper, lower, both */
    int end = (int)(q->width + QR_QUIET);

    for (int y = -(int)QR_QUIET; y < end; y += 2) {
        buf_put_str(out, is_screen ? "\033[30;107m" : "");
        for (int x = -(int)QR_QUIET; x < end; x++)
            buf_put_str(out, blocks[(qr_is_dark(q, x, y) ? 1 : 0) + (qr_is_dark(q, x, y + 1) ? 2 : 0)]);
        buf_put_str(out, is_screen ? "\033[0m\n" : "\n");
    }
}

static void put_text(struct buf *out, const struct page *p, const char *line, bool is_screen)
{
    buf_printf(out, "%s\n\n", p->title);
    for (size_t i = 0; i < p->row_count; i++)
        buf_printf(out, "%s: %s\n", p->rows[i].label, p->rows[i].value);
    buf_put_str(out, "\n");
    for (size_t i = 0; i < STEPS; i++)
        buf_printf(out, "%zu. %s\n", i + 1, p->steps[i]);
    buf_printf(out, "\n%s\n\n", p->caution);
    put_blocks(out, &p->qr, is_screen);
    buf_printf(out, "\n%s\n%s\n", _("The square holds this line; svodka-agent join takes it, in quotation marks:"),
               line);
}

enum err invite_sheet_put(struct buf *out, const struct ticket *t, enum sheet_form form)
{
    size_t start = out->len;
    struct page p;
    enum err e = page_fill(&p, t);

    if (e == OK && form == SHEET_HTML)
        put_html(out, &p, buf_cstr(&p.line));
    else if (e == OK)
        put_text(out, &p, buf_cstr(&p.line), form == SHEET_SCREEN);
    if (e == OK)
        e = buf_status(out);
    if (e != OK)
        out->len = start;
    page_fini(&p);
    return e;
}
