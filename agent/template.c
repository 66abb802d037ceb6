#include "agent/template.h"

#include "common/cli.h"
#include "common/csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MAX   (4u << 20)
#define DELIMITER  ';'
#define BOM        "\xEF\xBB\xBF"
#define SUFFIX     ".csv"
#define SUFFIX_LEN 4u

const char *word_of_field_type(const struct form_field *f)
{
    switch (f->type) {
    case VALUE_INTEGER: return _("whole number");
    case VALUE_DECIMAL: return _("number");
    case VALUE_TEXT: return _("text");
    case VALUE_DATE: return _("date");
    case VALUE_BOOLEAN: return _("yes or no");
    case VALUE_SELECT_ONE: return _("one choice");
    case VALUE_SELECT_MULTIPLE: return _("several choices");
    case VALUE_REPEAT: return _("list");
    }
    return "";
}

const char *word_of_need(const struct form_field *f)
{
    if (f->is_calculated || f->is_read_only)
        return _("filled in by the form");
    if (f->required_if != NULL)
        return _("in some cases");
    if (!f->is_required)
        return "";
    return f->relevant != NULL ? _("where it applies") : _("yes");
}

static bool is_typed(const struct form_field *f)
{
    return !f->is_calculated && !f->is_read_only;
}

/* Labels may begin as a formula does; codes and names stand as they are, to be copied. */
static void put_cell(struct buf *out, const char *text, bool is_first)
{
    size_t len = strlen(text);
    bool is_code = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-?") == len;

    if (!is_first)
        buf_put_u8(out, DELIMITER);
    csv_put_cell(out, DELIMITER, text, len, !is_code);
}

static void put_headings(struct buf *out, const struct form *f, bool labels)
{
    bool is_first = true;

    for (uint32_t i = 0; i < f->field_count; i++) {
        const struct form_field *x = &f->fields[i];

        if (!is_typed(x))
            continue;
        put_cell(out, labels ? cli_pick(x->label_ru, x->label_en) : x->name, is_first);
        is_first = false;
    }
    buf_put_str(out, "\r\n");
}

static void put_row(struct buf *out, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_cell(out, cells[i] != NULL ? cells[i] : "", i == 0);
    buf_put_str(out, "\r\n");
}

static void put_choices(struct buf *out, const struct form *f)
{
    put_row(out,
            (const char *const[]){_("field"), _("label"), _("type"), _("required"), _("write in the cell"),
                                  _("which means"), _("hint")},
            7);
    for (uint32_t i = 0; i < f->field_count; i++) {
        const struct form_field *x = &f->fields[i];
        const char *label = cli_pick(x->label_ru, x->label_en);
        uint32_t count = x->choices != NULL ? x->choices->count : 0;

        if (!is_typed(x))
            continue;
        put_row(out,
                (const char *const[]){x->name, label, word_of_field_type(x), word_of_need(x), "", "",
                                      cli_pick(x->hint_ru, x->hint_en)},
                7);
        for (uint32_t k = 0; k < count; k++)
            put_row(out,
                    (const char *const[]){x->name, label, "", "", x->choices->items[k].code,
                                          cli_pick(x->choices->items[k].label_ru, x->choices->items[k].label_en), ""},
                    7);
        if (x->allows_unknown)
            put_row(out, (const char *const[]){x->name, label, "", "", "?unknown", _("not known"), ""}, 7);
        if (x->allows_inapplicable)
            put_row(out, (const char *const[]){x->name, label, "", "", "?na", _("does not apply"), ""}, 7);
    }
}

enum err template_write(const struct form *f, const char *path, char choices[TEMPLATE_PATH_MAX])
{
    size_t len = strlen(path);
    struct buf out;
    enum err e;
    int n;

    if (len <= SUFFIX_LEN || strcasecmp(path + len - SUFFIX_LEN, SUFFIX) != 0)
        return err_set(ERR_USAGE, _("%s: a template is a CSV file, so its name must end in .csv"), path);
    n = snprintf(choices, TEMPLATE_PATH_MAX, "%.*s-choices" SUFFIX, (int)(len - SUFFIX_LEN), path);
    if (n < 0 || (size_t)n >= TEMPLATE_PATH_MAX)
        return err_set(ERR_LIMIT, _("%s: the path is too long"), path);
    buf_init(&out, FILE_MAX);
    buf_put_str(&out, BOM);
    put_choices(&out, f);
    if ((e = buf_status(&out)) != OK || (e = cli_write_file(choices, out.data, out.len, 0644, false)) != OK)
        goto done;
    buf_reset(&out);
    buf_put_str(&out, BOM);
    put_headings(&out, f, false);
    put_headings(&out, f, true);
    if ((e = buf_status(&out)) == OK)
        e = cli_write_file(path, out.data, out.len, 0644, false);
    if (e != OK)
        (void)unlink(choices);
done:
    buf_fini(&out);
    return e;
}
