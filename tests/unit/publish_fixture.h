/* publish_fixture.h: publications of a district that is written down by hand, through the real evaluation. */
#ifndef SVODKA_TESTS_PUBLISH_FIXTURE_H
#define SVODKA_TESTS_PUBLISH_FIXTURE_H

#include "hub/publish.h"

#include "evaluate_fixture.h"

#define EARLIER_MAX 16u

/* What was published so far, to anybody. */
struct press {
    struct buf memories[EARLIER_MAX];
    char names[EARLIER_MAX][48];
    size_t count;
};

static inline void press_free(struct press *past)
{
    for (size_t i = 0; i < past->count; i++)
        buf_fini(&past->memories[i]);
}

static inline enum err try_publish(struct world *w, struct press *past, const char *period, unsigned audience,
                                   struct publication **out)
{
    struct publication_memory earlier[EARLIER_MAX];
    struct publication_order o = {.programme = w->p, .audience = audience};
    struct period p;

    MUST(calendar_find(w->calendar, NULL, period, &p));
    o.period = &p;
    for (size_t i = 0; past != NULL && i < past->count; i++)
        earlier[i] =
            (struct publication_memory){past->names[i], bytes_of(past->memories[i].data, past->memories[i].len)};
    return publication_make(out, evaluation_of(w), &o, earlier, past == NULL ? 0 : past->count);
}

/* Published, and remembered when there is somebody to remember it. */
static inline struct publication *publish(struct world *w, struct press *past, const char *period, unsigned audience)
{
    struct publication *p = NULL;

    MUST(try_publish(w, past, period, audience, &p));
    if (past != NULL) {
        assert_true(past->count < EARLIER_MAX);
        (void)snprintf(past->names[past->count], sizeof(past->names[0]), "publication %u", (unsigned)past->count + 1);
        buf_init(&past->memories[past->count], 1u << 24);
        MUST(publication_memory(p, &past->memories[past->count++]));
    }
    return p;
}

/* "35.714286", "-" without data, "x" hidden, "x high" with a class instead; "" when there is no such line. */
static inline const char *said(const struct publication *p, const char *id, const char *unit, const char *breakdown)
{
    static char text[8][64];
    static unsigned turn;
    char *out = text[turn++ % 8];

    out[0] = '\0';
    for (size_t i = 0; i < publication_count(p); i++) {
        struct published_line l = publication_at(p, i);

        if (strcmp(l.indicator->id, id) != 0 || strcmp(l.unit, unit) != 0 || strcmp(l.breakdown, breakdown) != 0)
            continue;
        if (out[0] != '\0')
            fail_msg("%s of %s %s stands there twice", id, unit, breakdown);
        if (l.state == PUBLISHED_OK) {
            struct buf b;

            buf_init(&b, 64);
            result_put_value(&b, l.result, 6);
            (void)snprintf(out, sizeof(text[0]), "%s", buf_cstr(&b));
            buf_fini(&b);
        } else
            (void)snprintf(out, sizeof(text[0]), "%s%s%s", l.state == PUBLISHED_SUPPRESSED ? "x" : "-",
                           l.class_code[0] != '\0' ? " " : "", l.class_code);
    }
    return out;
}

static inline void print_publication(const struct publication *p)
{
    for (size_t i = 0; i < publication_count(p); i++) {
        struct published_line l = publication_at(p, i);

        (void)fprintf(stderr, "%-16s %-4s %-12s %s\n", l.indicator->id, l.unit, l.breakdown,
                      said(p, l.indicator->id, l.unit, l.breakdown));
    }
}

#define SAID(p, id, unit, expected)                                                                                    \
    do {                                                                                                               \
        if (strcmp(said(p, id, unit, ""), expected) != 0) {                                                            \
            print_publication(p);                                                                                      \
            fail_msg("%s of \"%s\": %s is expected, and it says %s", id, unit, expected, said(p, id, unit, ""));       \
        }                                                                                                              \
    } while (0)

#endif
