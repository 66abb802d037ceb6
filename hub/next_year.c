#include "hub/next_year_internal.h"

#include "common/cli.h"
#include "common/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREPARED_DAYS 90 /* after the first of September it is still that year that is being prepared */

int next_year_of(int32_t today)
{
    int year = school_year_of(today - PREPARED_DAYS);

    return date_from_civil(year, 9, 1) >= today - PREPARED_DAYS ? year : year + 1;
}

/* ---- the version ---- */

/* "3" -> "4", "2020.1" -> "2020.2", "a" -> "a-2" */
static void next_version(char *out, size_t size, const char *version)
{
    size_t len = strlen(version);
    size_t digits = 0;

    while (digits < len && digits < 9 && version[len - digits - 1] >= '0' && version[len - digits - 1] <= '9')
        digits++;
    if (digits == 0)
        (void)snprintf(out, size, "%s-2", version);
    else
        (void)snprintf(out, size, "%.*s%ld", (int)(len - digits), version,
                       strtol(version + len - digits, NULL, 10) + 1);
}

/* Where a scalar begins in the file: its mark counts lines and code points. */
static size_t offset_of(const struct pack_file *f, const struct yaml_node *n)
{
    const unsigned char *text = f->bytes;
    uint32_t line = 1;
    uint32_t column = 1;
    size_t at = 0;

    for (; at < f->len && line < n->line; at++)
        line += text[at] == '\n';
    for (; at < f->len && column < n->column; at++)
        column += at + 1 >= f->len || (text[at + 1] & 0xC0) != 0x80;
    return at;
}

static enum err raise_version(const struct next_year *n)
{
    struct pack_file *f = &n->pack->files[0];
    const struct yaml_node *version;
    struct yaml_doc *d = NULL;
    char later[64];
    struct buf out;
    size_t at;
    enum err e = next_year_parse(n, f->name, &d);

    if (e != OK)
        return e;
    version = yaml_get(yaml_root(d), "version");
    buf_init(&out, YAML_MAX_BYTES);
    at = version == NULL || version->kind != YAML_SCALAR ? f->len : offset_of(f, version);
    at += version != NULL && version->is_quoted ? 1u : 0u;
    if (at >= f->len || at + version->len > f->len || memcmp((char *)f->bytes + at, version->text, version->len) != 0)
        e = err_set(ERR_INVALID, _("%s: the version must be a text on one line"), f->name);
    if (e == OK) {
        next_version(later, sizeof(later), version->text);
        buf_put(&out, f->bytes, at);
        buf_put_str(&out, later);
        buf_put(&out, (char *)f->bytes + at + version->len, f->len - at - version->len);
        if ((e = buf_status(&out)) == OK)
            e = next_year_replace(f, &out);
        next_year_tell(n, NEXT_MADE, _("version %s"), later);
    }
    buf_fini(&out);
    yaml_free(d);
    return e;
}

/* ---- targets ---- */

static const char *text_of(const struct yaml_node *mapping, const char *key)
{
    const struct yaml_node *n = mapping == NULL ? NULL : yaml_get(mapping, key);

    return n != NULL && n->kind == YAML_SCALAR ? n->text : "";
}

static bool has_target(const struct yaml_node *targets, const char *period)
{
    for (uint32_t i = 0; i < targets->count; i++)
        if (strcmp(text_of(targets->items[i], "period"), period) == 0)
            return true;
    return false;
}

/* The period of the targets' series that the coming year ends in (or the last one begun before, in a gap). */
static void check_targets(const struct next_year *n, const struct yaml_node *indicator, const struct yaml_node *targets)
{
    const char *part = text_of(indicator, "part");
    char text[256];
    struct period of, last;

    if (targets->kind != YAML_SEQUENCE || targets->count == 0 ||
        calendar_find(n->calendar, NULL, text_of(targets->items[0], "period"), &of) != OK ||
        calendar_latest(n->calendar, of.series, n->last_day, false, &last) != OK || has_target(targets, last.id))
        return;
    (void)snprintf(text, sizeof(text), _("%s%s%s: the target for %s"), text_of(indicator, "id"),
                   part[0] != '\0' ? " " : "", part, last.id);
    if (strcmp(text, n->said) != 0)
        next_year_tell(n, NEXT_DECIDE, "%s", text);
    (void)snprintf(n->said, sizeof(text), "%s", text);
}

static enum err list_targets(const struct next_year *n)
{
    const struct yaml_node *indicators;
    struct yaml_doc *d = NULL;
    enum err e = next_year_parse(n, n->pack->files[0].name, &d);

    if (e != OK)
        return e;
    indicators = yaml_get(yaml_root(d), "indicators");
    for (uint32_t i = 0; indicators != NULL && indicators->kind == YAML_SEQUENCE && i < indicators->count; i++) {
        const struct yaml_node *targets = yaml_get(indicators->items[i], "targets");

        if (targets != NULL)
            check_targets(n, indicators->items[i], targets);
    }
    yaml_free(d);
    return OK;
}

/* ---- what was meant for one year ---- */

static bool ends_before(const struct next_year *n, const struct yaml_node *mapping, const char *key)
{
    const char *text = text_of(mapping, key);
    int32_t day;

    return text[0] != '\0' && date_parse(&day, text, strlen(text)) == OK && day < n->last_day;
}

static void list_rule(const struct next_year *n, const struct yaml_node *rule)
{
    if (yaml_get(rule, "periods") != NULL)
        next_year_tell(n, NEXT_LEFT, _("calendar.yaml:%u: the rule for %s names its periods"), rule->line,
                       text_of(rule, "form"));
    else if (ends_before(n, rule, "to"))
        next_year_tell(n, NEXT_LEFT, _("calendar.yaml:%u: the rule for %s ends on %s"), rule->line,
                       text_of(rule, "form"), text_of(rule, "to"));
}

static void list_measure(const struct next_year *n, const struct yaml_node *measure)
{
    bool is_yearly = strcmp(text_of(measure, "yearly"), "true") == 0 || strcmp(text_of(measure, "yearly"), "yes") == 0;

    if (is_yearly && ends_before(n, measure, "until"))
        next_year_tell(n, NEXT_LEFT, _("roadmap.yaml:%u: the yearly measure %s ends on %s"), measure->line,
                       text_of(measure, "code"), text_of(measure, "until"));
    else if (!is_yearly && ends_before(n, measure, "due"))
        next_year_tell(n, NEXT_LEFT, _("roadmap.yaml:%u: the measure %s was due on %s"), measure->line,
                       text_of(measure, "code"), text_of(measure, "due"));
}

static enum err list_left(const struct next_year *n, const char *file, const char *key,
                          void (*each)(const struct next_year *n, const struct yaml_node *item))
{
    const struct yaml_node *list;
    struct yaml_doc *d = NULL;
    enum err e = next_year_parse(n, file, &d);

    if (e != OK || d == NULL)
        return e;
    list = yaml_get(yaml_root(d), key);
    for (uint32_t i = 0; list != NULL && list->kind == YAML_SEQUENCE && i < list->count; i++)
        each(n, list->items[i]);
    yaml_free(d);
    return OK;
}

/* ---- together ---- */

static enum err copy_pack(struct pack *out, const struct pack *in)
{
    memset(out, 0, sizeof(*out));
    if ((out->files = calloc(in->count + 1, sizeof(*out->files))) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < in->count; i++) {
        struct pack_file *f = &out->files[out->count++];

        f->name = strdup(in->files[i].name);
        f->bytes = malloc(in->files[i].len + 1);
        f->len = in->files[i].len;
        if (f->name == NULL || f->bytes == NULL)
            return ERR_NOMEM;
        if (f->len > 0)
            memcpy(f->bytes, in->files[i].bytes, f->len);
    }
    return OK;
}

static enum err make(struct next_year *n)
{
    enum err e;

    if (pack_find(n->pack, "programme.yaml") != n->pack->files)
        return err_set(ERR_CORRUPT, "the stored pack does not begin with programme.yaml");
    if ((e = raise_version(n)) != OK || (e = next_year_periods(n, "periods.yaml")) != OK ||
        (e = next_year_periods(n, "shared/periods.yaml")) != OK ||
        (e = programme_periods(n->pack, n->calendar, NULL)) != OK || (e = list_targets(n)) != OK ||
        (e = list_left(n, "calendar.yaml", "calendar", list_rule)) != OK)
        return e;
    return list_left(n, "roadmap.yaml", "measures", list_measure);
}

enum err next_year_make(struct pack *out, const struct pack *in, int year, struct calendar *calendar, next_year_say say,
                        void *ctx)
{
    char said[256] = "";
    struct next_year n = {out, year, date_from_civil(year + 1, 8, 31), calendar, say, ctx, said};
    enum err e = copy_pack(out, in);

    if (e == OK)
        e = make(&n);
    if (e != OK)
        pack_free(out);
    return e;
}

/* ---- as a folder ---- */

static bool is_listed(const struct yaml_node *forms, const char *file)
{
    char name[FORM_NAME_MAX + 16];

    for (uint32_t i = 0; forms != NULL && forms->kind == YAML_SEQUENCE && i < forms->count; i++) {
        (void)snprintf(name, sizeof(name), "forms/%.64s.yaml",
                       forms->items[i]->kind == YAML_SCALAR ? forms->items[i]->text : "");
        if (strcmp(name, file) == 0)
            return true;
    }
    return false;
}

/* `shared: ../..` becomes `shared: shared`: the folder that is written beside it. */
static enum err put_programme(struct buf *out, const struct pack_file *f, const struct yaml_node *shared)
{
    size_t at = shared == NULL ? f->len : offset_of(f, shared) + (shared->is_quoted ? 1u : 0u);

    if (shared != NULL && (at + shared->len > f->len || memcmp((char *)f->bytes + at, shared->text, shared->len) != 0))
        return err_set(ERR_INVALID, _("%s: `shared:` must be a text on one line"), f->name);
    buf_put(out, f->bytes, at);
    if (shared != NULL) {
        buf_put_str(out, "shared");
        buf_put(out, (char *)f->bytes + at + shared->len, f->len - at - shared->len);
    }
    return buf_status(out);
}

static enum err make_folder(const char *dir, const char *name)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, name);

    return e == OK ? folder_ensure(path, 0700) : e;
}

static enum err write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    static const char *const folders[] = {"shared/forms/", "shared/", "forms/", "maps/"};
    char path[FOLDER_PATH_MAX];
    enum err e = OK;

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (strncmp(name, folders[i], strlen(folders[i])) == 0) {
            if (i == 0)
                e = make_folder(dir, "shared");
            if (e == OK)
                e = make_folder(dir, folders[i]);
            break;
        }
    if (e == OK && (e = folder_path(path, dir, name)) == OK)
        e = cli_write_file(path, bytes, len, 0600, false);
    return e;
}

static enum err write_files(const struct pack *p, const char *dir, const struct yaml_doc *programme)
{
    const struct yaml_node *shared = yaml_get(yaml_root(programme), "shared");
    const struct yaml_node *forms = yaml_get(yaml_root(programme), "forms");
    char name[FORM_NAME_MAX + 64];
    struct buf first;
    enum err e;

    buf_init(&first, YAML_MAX_BYTES);
    if ((e = put_programme(&first, &p->files[0], shared)) == OK)
        e = write_file(dir, p->files[0].name, first.data, first.len);
    for (size_t i = 1; i < p->count && e == OK; i++) {
        const struct pack_file *f = &p->files[i];

        (void)snprintf(name, sizeof(name), "%s%s", is_listed(forms, f->name) ? "shared/" : "", f->name);
        e = write_file(dir, name, f->bytes, f->len);
    }
    buf_fini(&first);
    return e;
}

enum err next_year_write(const struct pack *p, const char *dir)
{
    char fresh[FOLDER_PATH_MAX];
    struct yaml_doc *d = NULL;
    enum err e = folder_begin(fresh, dir);

    if (e != OK)
        return e;
    if ((e = yaml_parse(&d, p->files[0].name, p->files[0].bytes, p->files[0].len, NULL)) == OK)
        e = write_files(p, fresh, d);
    if (e == OK)
        e = folder_finish(fresh, dir);
    if (e != OK)
        folder_remove(fresh);
    yaml_free(d);
    return e;
}
