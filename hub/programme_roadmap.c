/* programme_roadmap.c: roadmap.yaml: the dated measures of the plan. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MAX 64u /* bytes: it is a code of the breakdown of what was done */

static const char *const by_names[] = {"school", "office", NULL};

struct measure_keys {
    const char *code;
    struct yaml_label title;
    int32_t from, due, until;
    bool yearly, proposal;
    int by;
};
#define KEY(member) offsetof(struct measure_keys, member)
static const struct yaml_key measure_table[] = {{"code", YAML_WANT_TEXT, true, KEY(code), 0, 0, NULL},
                                                {"title", YAML_WANT_LABEL, true, KEY(title), 0, 0, NULL},
                                                {"from", YAML_WANT_DATE, false, KEY(from), 0, 0, NULL},
                                                {"due", YAML_WANT_DATE, true, KEY(due), 0, 0, NULL},
                                                {"yearly", YAML_WANT_BOOLEAN, false, KEY(yearly), 0, 0, NULL},
                                                {"until", YAML_WANT_DATE, false, KEY(until), 0, 0, NULL},
                                                {"by", YAML_WANT_ENUM, false, KEY(by), 0, 0, by_names},
                                                {"proposal", YAML_WANT_BOOLEAN, false, KEY(proposal), 0, 0, NULL},
                                                {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};
#undef KEY

struct roadmap_keys {
    const struct yaml_node *measures;
};
static const struct yaml_key roadmap_table[] = {
    {"measures", YAML_WANT_SEQUENCE, true, offsetof(struct roadmap_keys, measures), 0, 0, NULL},
    {NULL, YAML_WANT_TEXT, false, 0, 0, 0, NULL}};

static bool check_dates(struct loader *l, const struct yaml_node *n, const struct measure_keys *k)
{
    const struct source *s = &l->roadmap_file;
    const struct yaml_node *until = yaml_get(n, "until");

    if (k->from > k->due) {
        loader_complain(l, s, yaml_get(n, "from"), "from", "%s", _("expected from <= due"));
        return false;
    }
    if (until != NULL && !k->yearly) {
        loader_complain(l, s, until, "until", "%s", _("only a measure that is due yearly has a last day"));
        return false;
    }
    if (until != NULL && k->until < k->due) {
        loader_complain(l, s, until, "until", "%s", _("expected due <= until"));
        return false;
    }
    return true;
}

static void read_measure(struct loader *l, const struct yaml_node *n)
{
    struct programme *p = l->prog;
    struct roadmap_item *item = &p->roadmap[p->roadmap_count];
    struct measure_keys k = {.from = DATE_MIN, .until = DATE_MAX};
    const struct yaml_node *code;

    if (!yaml_read(l->roadmap_file.doc, n, measure_table, &k, l->r) || k.code == NULL)
        return;
    code = yaml_get(n, "code");
    if (code->len > CODE_MAX || strpbrk(k.code, "=;\n") != NULL) {
        loader_complain(l, &l->roadmap_file, code, "code", _("a code of at most %u bytes without = and ; is expected"),
                        CODE_MAX);
        return;
    }
    for (size_t i = 0; i < p->roadmap_count; i++)
        if (strcmp(p->roadmap[i].code, k.code) == 0) {
            loader_complain(l, &l->roadmap_file, code, "code", _("measure '%s' stands here twice"), k.code);
            return;
        }
    if (!check_dates(l, n, &k))
        return;
    *item = (struct roadmap_item){.code = k.code,
                                  .title_ru = k.title.ru != NULL ? k.title.ru : k.title.en,
                                  .title_en = k.title.en != NULL ? k.title.en : k.title.ru,
                                  .from = yaml_get(n, "from") != NULL ? k.from : k.due,
                                  .due = k.due,
                                  .is_yearly = k.yearly,
                                  .until = k.until,
                                  .of_office = k.by == 1,
                                  .is_proposal = k.proposal};
    p->roadmap_count++;
}

void load_roadmap(struct loader *l)
{
    struct roadmap_keys k = {NULL};

    if (!loader_parse(l, ROADMAP_FILE, &l->roadmap_file) ||
        !yaml_read(l->roadmap_file.doc, yaml_root(l->roadmap_file.doc), roadmap_table, &k, l->r) || k.measures == NULL)
        return;
    if (k.measures->count > ROADMAP_MAX) {
        loader_complain(l, &l->roadmap_file, k.measures, "measures", _("%u are too many: at most %u are expected"),
                        k.measures->count, ROADMAP_MAX);
        return;
    }
    l->prog->roadmap = loader_alloc(l, k.measures->count, sizeof(*l->prog->roadmap));
    for (uint32_t i = 0; i < k.measures->count && l->e == OK; i++)
        read_measure(l, k.measures->items[i]);
}
