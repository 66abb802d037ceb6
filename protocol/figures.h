/* figures.h: what was published for a school of a closed period, its own indicators beside the district's, as a word to
 * it (SPEC.md section 5.11, type 16): signed by the hub, sealed to the school's present computer.  A publication with
 * many lines takes several words, each a part of it. */
#ifndef SVODKA_PROTOCOL_FIGURES_H
#define SVODKA_PROTOCOL_FIGURES_H

#include "protocol/notice.h"

#define FIGURES_MAX_LINES 128u         /* of one part */
#define FIGURES_MAX_PARTS 1024u        /* of one publication */
#define FIGURES_PLAIN_MAX (900u << 10) /* of one part, before it is sealed */
#define FIGURES_NAME_MAX  1000u        /* bytes of a title, a name, a breakdown in words */
#define FIGURES_PART_MAX  512u         /* of a breakdown */
#define FIGURES_UNIT_MAX  200u         /* of a unit of measure */
#define FIGURES_LABEL_MAX 96u          /* of a period */
#define FIGURES_CLASS_MAX 32u
#define FIGURES_TEXT_MAX  63u /* of a number as text */

enum figures_state { FIGURES_PUBLISHED = 1, FIGURES_WITHDRAWN = 2 };
/* Others may follow in all of these, up to 255: a reader knows nothing then. */
enum figures_cell_state { FIGURES_VALUE, FIGURES_NO_DATA, FIGURES_HIDDEN };
enum figures_reached { FIGURES_NOT_JUDGED, FIGURES_REACHED, FIGURES_NOT_REACHED, FIGURES_UNKNOWN };

struct figures_cell {
    unsigned state;                                       /* enum figures_cell_state, or a later one */
    const char *class_code;                               /* of a hidden one; "" */
    const char *value, *numerator, *denominator, *target; /* as the published table has them; "" */
    bool has_rounded;
    int64_t rounded;             /* value x 10^shown */
    unsigned reached;            /* enum figures_reached, or a later one */
    uint32_t reported, expected; /* of how many schools there are data; 0 and 0: not said */
};
struct figures_line {
    const char *indicator, *name_ru, *name_en;
    const char *breakdown, *part_ru, *part_en; /* "sex=F", and in words, "" where the name says it; "" */
    const char *measure_ru, *measure_en;       /* "%"; "" */
    unsigned shown;                            /* places after the point for people, at most 9 */
    bool is_yes_no;                            /* 1 is yes and anything else no */
    bool has_own, has_district;
    struct figures_cell own, district;
};
/* One part.  Texts are loans: of whoever fills it, or, once read, of `texts`. */
struct figures {
    uint64_t publication; /* its number at the hub, from 1 */
    int64_t published_ms;
    unsigned state;     /* enum figures_state, or a later one */
    const char *remark; /* why it was withdrawn; "" */
    const char *programme, *title_ru, *title_en;
    const char *period, *label_ru, *label_en;
    const char *unit;     /* whose own figures; "": the district's alone */
    uint32_t part, parts; /* from 1 */
    uint32_t line_count;
    struct figures_line *lines; /* owned: figures_fini() */
    char *texts;                /* owned, once read; NULL */
};
void figures_fini(struct figures *f);

/* The array that is sealed.  ERR_INVALID: something that figures_read() would refuse; ERR_LIMIT: too large. */
MUST_CHECK enum err figures_write(struct buf *out, const struct figures *f);
/* Whole or not at all: on failure *out is all zeros.  ERR_MALFORMED. */
MUST_CHECK enum err figures_read(struct figures *out, struct bytes plain);

/* The word.  `to`: the history key of the participant's computer (history.h); `plain` by figures_write(). */
MUST_CHECK enum err figures_make(struct buf *out, const struct word_head *h, int64_t hub_ms, struct bytes plain,
                                 const uint8_t to[KEY_BYTES], const struct key *hub_sign);
/* Appends the plain array to `plain` and reads it into *out.  ERR_AUTH: not the hub's, or sealed to another computer;
 * ERR_MALFORMED, ERR_LIMIT.  The caller checks district and participant. */
MUST_CHECK enum err figures_open(struct figures *out, struct buf *plain, struct bytes object,
                                 const uint8_t hub_sign[KEY_BYTES], const struct key *own);

#endif
