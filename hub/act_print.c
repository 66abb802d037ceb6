#include "hub/act.h"

#include "common/cli.h"
#include "common/html.h"
#include "hub/command_text.h"
#include "hub/copies.h"
#include "hub/ledger_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- the extract ---- */

struct extracting {
    const struct act *act;
    struct hub *hub;
    struct store_txn *t;
    struct buf *out;
};

static bool has_numbers(const struct act *a)
{
    return a->has_copies && a->scope != ACT_CLASS;
}

static void put_hex(struct buf *out, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_printf(out, "%02x", p[i]);
}

/* "4 7-9": by them the same is erased again in a hub that was restored from an older backup. */
static enum err put_numbers(struct extracting *x, const struct act_touched *s)
{
    struct erased_list list = {NULL, NULL, 0, 0};
    struct stored_batch stored;
    const char *blank = ",";
    struct buf raw;
    enum err e;

    buf_init(&raw, STORED_MAX);
    if ((e = stored_get(x->t, s->lsn, &raw, &stored)) == OK) {
        if (s->section < stored.header.section_count && !stored.sections[s->section].is_whole)
            e = erased_get(&list, stored.sections[s->section].list);
        stored_fini(&stored);
    }
    for (uint32_t i = 0, end; i < list.record_count && e == OK; i = end) {
        const struct erased_record *r = list.records;

        for (end = i + 1; end < list.record_count && r[end].act == r[i].act && r[end].number == r[end - 1].number + 1;)
            end++;
        if (r[i].act != x->act->number)
            continue;
        buf_printf(x->out, "%s%llu", blank, (unsigned long long)r[i].number);
        if (end > i + 1)
            buf_printf(x->out, "-%llu", (unsigned long long)r[end - 1].number);
        blank = " ";
    }
    erased_fini(&list);
    buf_fini(&raw);
    return e;
}

static enum err put_line(void *ctx, const struct act_touched *s)
{
    struct extracting *x = ctx;
    const struct participant *who;
    struct batch_entry entry;
    struct bytes bytes;
    char when[64];
    enum err e;

    if ((e = journal_get(x->t, s->lsn, &bytes)) != OK || (e = batch_entry_get(&entry, s->lsn, bytes)) != OK)
        return e;
    who = registry_by_index(x->hub->registry, entry.participant);
    command_time(when, sizeof(when), entry.wall_ms, TABLE_CSV);
    buf_printf(x->out, "%llu,%s,%s,%u.", (unsigned long long)s->lsn, when, who == NULL ? "?" : who->id,
               entry.gen.counter);
    put_hex(x->out, entry.gen.tag, 4);
    buf_printf(x->out, ",%llu,", (unsigned long long)entry.sequence);
    put_hex(x->out, entry.digest, DIGEST_BYTES);
    buf_printf(x->out, ",%d,%u,%u", (int)entry.school_year, s->section, s->erased);
    if (has_numbers(x->act) && (e = put_numbers(x, s)) != OK)
        return e;
    buf_put_u8(x->out, '\n');
    return buf_status(x->out);
}

enum err act_extract(struct hub *h, struct store_txn *t, const struct act *a, struct bytes beside, struct buf *out)
{
    struct extracting x = {a, h, t, out};

    buf_put_str(out, "entry,received,participant,generation,batch,digest,school_year,section,erased");
    buf_put_str(out, has_numbers(a) ? ",numbers\n" : "\n");
    return act_beside_each(beside, put_line, NULL, &x);
}

/* ---- in words ---- */

static void put_year(char *out, size_t size, int32_t year)
{
    (void)snprintf(out, size, "%d/%02d", (int)year, (int)((year + 1) % 100));
}

static void put_subject(struct buf *out, const struct act *a)
{
    char year[24];

    put_year(year, sizeof(year), a->year);
    if (a->scope == ACT_CLASS)
        buf_printf(out, _("everything of the retention class %s that was received in the school year %s"), a->retention,
                   year);
    else if (a->scope == ACT_SUBMISSION)
        buf_printf(out, _("one submission with all its versions: form %s, unit %s, period %s"), a->form, a->unit,
                   a->period);
    else
        buf_printf(out, _("a return, or a row of it: form %s, unit %s, period %s"), a->form, a->unit, a->period);
}

static const char *title_of(const struct form *f, const char *id)
{
    if (f != NULL)
        return cli_is_russian() ? f->title_ru : f->title_en;
    return id[0] != '\0' ? id : _("unreadable");
}

typedef void (*act_line)(struct buf *out, const char *label, const char *value);

static enum err copy_lines(struct store_txn *t, const struct act *a, act_line line, struct buf *out)
{
    char text[COPIES_LINE], day[11];
    struct copies c;
    enum err e = copies_of(&c, t, a);

    if (e != OK)
        return e;
    if (c.count == 0)
        line(out, _("Backups that hold it"), _("none that this hub made"));
    for (size_t i = 0; i < c.count; i++) {
        copies_line(text, &c.rows[i], copies_until(a));
        line(out, _("Backup that holds it"), text);
    }
    date_format(day, copies_until(a));
    line(out, _("Other copies of the hub or its keys, made before: destroy by"), day);
    copies_fini(&c);
    return OK;
}

/* Label and value of every line, for both kinds of page. */
static enum err each_line(struct hub *h, struct store_txn *t, const struct act *a, act_line line, struct buf *out)
{
    char when[64], number[32];
    struct buf value;

    buf_init(&value, 64u << 10);
    line(out, _("Office"), h->conf.name);
    command_time(when, sizeof(when), a->wall_ms, TABLE_TEXT);
    line(out, _("Erased on"), when);
    line(out, _("By"), a->by);
    line(out, _("Order"), a->order);
    put_subject(&value, a);
    line(out, _("What"), buf_cstr(&value));
    if (a->years > 0) {
        char day[11];

        buf_reset(&value);
        date_format(day, date_from_civil(a->year + 1 + (int)a->years, 9, 1));
        buf_printf(&value,
                   ngettext("%u year after the end of the school year, over since %s",
                            "%u years after the end of the school year, over since %s", a->years),
                   a->years, day);
        line(out, _("Term"), buf_cstr(&value));
    }
    cli_format_count(number, sizeof(number), a->submissions);
    line(out, _("Submissions erased"), number);
    cli_format_count(number, sizeof(number), a->current);
    line(out, a->is_uncounted ? _("Of these, taken out of the sums") : _("Of these, still in the sums"), number);
    cli_format_count(number, sizeof(number), a->batches);
    line(out, _("Deliveries touched"), number);
    for (uint32_t i = 0; i < a->form_count; i++) {
        const struct form *f = hub_form_by_id(h, a->forms[i].id);

        buf_reset(&value);
        cli_format_count(number, sizeof(number), a->forms[i].submissions);
        buf_printf(&value, "%s: %s", title_of(f, a->forms[i].id), number);
        line(out, _("Form"), buf_cstr(&value));
    }
    buf_reset(&value);
    put_hex(&value, a->extract, DIGEST_BYTES);
    line(out, _("Digest of the extract of the journal"), buf_cstr(&value));
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)a->lsn);
    line(out, _("Entry of the journal"), number);
    buf_fini(&value);
    return copy_lines(t, a, line, out);
}

static void text_line(struct buf *out, const char *label, const char *value)
{
    buf_printf(out, "%s: %s\n", label, value);
}

enum err act_text(struct buf *out, struct hub *h, struct store_txn *t, const struct act *a)
{
    enum err e;

    buf_printf(out, _("Act of erasure No. %llu"), (unsigned long long)a->number);
    buf_put_u8(out, '\n');
    e = each_line(h, t, a, text_line, out);
    return e == OK ? buf_status(out) : e;
}

static void html_line(struct buf *out, const char *label, const char *value)
{
    buf_put_str(out, "<tr><th>");
    html_put(out, label);
    buf_put_str(out, "</th><td>");
    html_put(out, value);
    buf_put_str(out, "</td></tr>\n");
}

enum err act_html(struct buf *out, struct hub *h, struct store_txn *t, const struct act *a)
{
    char title[128];
    enum err e;

    (void)snprintf(title, sizeof(title), _("Act of erasure No. %llu"), (unsigned long long)a->number);
    buf_put_str(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>");
    html_put(out, title);
    buf_put_str(out, "</title>\n<style>body{font-family:serif;margin:2cm}th{text-align:left;vertical-align:top;"
                     "padding-right:1em}td{overflow-wrap:break-word}.sign{margin-top:2cm}"
                     "@page{size:A4;margin:15mm}@media print{body{margin:0}}</style></head>\n<body><h1>");
    html_put(out, title);
    buf_put_str(out, "</h1>\n<table>\n");
    e = each_line(h, t, a, html_line, out);
    buf_put_str(out, "</table>\n<p class=\"sign\">");
    html_put(out, _("Signatures: ____________________   ____________________   Date: ____________"));
    buf_put_str(out, "</p></body></html>\n");
    return e == OK ? buf_status(out) : e;
}
