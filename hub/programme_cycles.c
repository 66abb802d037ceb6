/* programme_cycles.c: indicators that use each other in one period would never come to an end. */
#include "hub/programme_internal.h"

#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_SHOWN 8u

void loader_add_edge(struct loader *l, const struct draft *from, uint32_t to, const struct yaml_node *at,
                     uint32_t column)
{
    if (loader_grow(l, (void **)&l->edges, l->edge_count, &l->edge_cap, sizeof(*l->edges)))
        l->edges[l->edge_count++] = (struct edge){from->first, to, at, column};
}

static int by_from(const void *a, const void *b)
{
    const struct edge *x = a;
    const struct edge *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->at->line != y->at->line)
        return x->at->line < y->at->line ? -1 : 1;
    if (x->at->column != y->at->column)
        return x->at->column < y->at->column ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column ? 1 : 0;
}

enum mark { FRESH, OPEN, CLOSED };
struct walk {
    struct loader *l;
    uint8_t *marks;       /* of each draft */
    uint32_t *first_edge; /* of each draft */
    const struct edge **path;
    size_t depth;
};

static const char *called(const struct loader *l, uint32_t draft, char out[FORM_NAME_MAX + PART_MAX + 3])
{
    const struct indicator *i = l->drafts[draft].i;

    (void)snprintf(out, FORM_NAME_MAX + PART_MAX + 3, i->part[0] == '\0' ? "%s%s" : "%s[%s]", i->id, i->part);
    return out;
}

/* The edges from `back` to the end of the path lead from an indicator to itself. */
static void complain(struct walk *w, size_t back)
{
    const struct edge *first = w->path[back];
    struct finding f = {.file = w->l->programme.file->name, .line = first->at->line, .column = first->at->column};
    char name[FORM_NAME_MAX + PART_MAX + 3];
    char text[512];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", called(w->l, first->from, name));

    for (size_t i = back; i < w->depth && at < sizeof(text); i++) {
        if (i - back == STEPS_SHOWN && w->depth - i > 1)
            at += (size_t)snprintf(text + at, sizeof(text) - at, " -> ...");
        else if (i - back < STEPS_SHOWN || i + 1 == w->depth)
            at += (size_t)snprintf(text + at, sizeof(text) - at, " -> %s", called(w->l, w->path[i]->to, name));
    }
    f.column = first->column > 0 ? first->column : f.column;
    f.field = w->l->drafts[first->from].i->id;
    report_add(w->l->r, &f, _("%s: indicators use each other in a circle"), text);
}

static void visit(struct walk *w, uint32_t draft)
{
    const struct loader *l = w->l;

    w->marks[draft] = OPEN;
    for (size_t n = w->first_edge[draft]; n < l->edge_count && l->edges[n].from == draft; n++) {
        const struct edge *e = &l->edges[n];

        w->path[w->depth++] = e;
        if (w->marks[e->to] == FRESH)
            visit(w, e->to);
        else if (w->marks[e->to] == OPEN)
            for (size_t i = w->depth; i-- > 0;)
                if (w->path[i]->from == e->to) {
                    complain(w, i);
                    break;
                }
        w->depth--;
    }
    w->marks[draft] = CLOSED;
}

void load_cycles(struct loader *l)
{
    struct walk w = {.l = l};

    if (l->edge_count == 0 || l->e != OK)
        return;
    qsort(l->edges, l->edge_count, sizeof(*l->edges), by_from);
    w.marks = loader_alloc(l, l->draft_count, sizeof(*w.marks));
    w.first_edge = loader_alloc(l, l->draft_count, sizeof(*w.first_edge));
    w.path = loader_alloc(l, l->draft_count, sizeof(struct edge *));
    if (l->e == OK) {
        for (uint32_t i = 0; i < l->draft_count; i++)
            w.first_edge[i] = (uint32_t)l->edge_count;
        for (size_t n = l->edge_count; n-- > 0;)
            w.first_edge[l->edges[n].from] = (uint32_t)n;
        for (uint32_t i = 0; i < l->draft_count; i++)
            if (w.marks[i] == FRESH)
                visit(&w, i);
    }
    free(w.marks);
    free(w.first_edge);
    free(w.path);
}
