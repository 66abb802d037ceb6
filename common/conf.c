#include "common/conf.h"

#include "common/cli.h"

#include <stdlib.h>

#define KEPT_MISTAKES 16u

/* The first mistake as one sentence, with how many more there are. */
static enum err tell(enum err e, const struct report *r)
{
    const struct finding *f;
    unsigned long more;

    if (report_kept(r) == 0)
        return e;
    f = report_at(r, 0);
    (void)err_set(e, "%s", f->text);
    if (f->value != NULL)
        (void)err_set(e, _("%s (found: %s)"), err_text(), f->value);
    if (f->field != NULL)
        (void)err_prefix(e, "%s", f->field);
    (void)err_prefix(e, "%s:%u:%u", f->file, f->line, f->column);
    more = report_errors(r) - 1;
    if (more > 0)
        (void)err_set(e, ngettext("%s (and %lu more mistake)", "%s (and %lu more mistakes)", more), err_text(), more);
    return e;
}

static enum err read_bytes(const char *path, const void *bytes, size_t len, const struct yaml_key *table, void *into,
                           struct yaml_doc **keep)
{
    struct report *r;
    struct yaml_doc *d = NULL;
    enum err e;

    if ((e = report_new(&r, KEPT_MISTAKES)) != OK)
        return e;
    e = yaml_parse(&d, path, bytes, len, r);
    if (e == OK && !yaml_read(d, yaml_root(d), table, into, r))
        e = ERR_INVALID;
    if (e == OK)
        *keep = d;
    else {
        (void)tell(e, r);
        yaml_free(d);
    }
    report_free(r);
    return e;
}

enum err conf_load(const char *path, const struct yaml_key *table, void *into, bool may_be_missing,
                   struct yaml_doc **keep)
{
    void *bytes;
    size_t len;
    enum err e = cli_read_file(path, CONF_MAX_BYTES, &bytes, &len);

    if (e == ERR_NOT_FOUND && may_be_missing) {
        *keep = NULL;
        return OK;
    }
    if (e != OK)
        return e;
    e = read_bytes(path, bytes, len, table, into, keep);
    free(bytes);
    return e;
}
