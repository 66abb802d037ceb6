/* form.h: a form (versioned instrument, XLSForm vocabulary in YAML), and the check of a filled one against it.
 * The YAML is described in docs/forms.md.  A loaded form is immutable and may be shared by threads. */
#ifndef SVODKA_COMMON_FORM_H
#define SVODKA_COMMON_FORM_H

#include "common/expr.h"
#include "common/period.h"
#include "common/report.h"
#include "common/yaml.h"

#define FORM_DIGEST_BYTES 32u
#define FORM_MAX_BYTES    (256u << 10)
#define FORM_MAX_FIELDS   1000u
#define FORM_MAX_CHOICES  10000u
#define FORM_MAX_ROWS     1000u /* rows of one repeat in one submission */
#define FORM_MAX_TEXT     4000u /* bytes of one text value */
#define FORM_NAME_MAX     64u
#define FORM_MAX_YEARS    100u /* of retention */
#define FORM_MAX_SERIES   8u
#define FORM_NUMBER_MAX   ((INT64_C(1) << 53) - 1) /* scaled: a double, and so an expression, holds it exactly */

enum form_mode {
    FORM_RECORD, /* one per form, unit and period; a later one replaces it whole */
    FORM_ROWS,   /* one submission per key; a later one of the key replaces it */
    FORM_ANSWERS /* anonymous: each adds, nothing replaces or corrects */
};

/* Who may see single submissions of a form; bits of form.audience. */
enum form_audience {
    FORM_FOR_OFFICE = 1,
    FORM_FOR_CENTRE = 2,
    FORM_FOR_SCHOOL = 4, /* the school that they are about */
    FORM_FOR_REGION = 8,
    FORM_FOR_PUBLIC = 16
};

/* A list's codes and labels, hashed: for value_parse(). */
struct form_choice_index;

struct form_field {
    const char *name;
    const char *was;                 /* its name in the version before, or NULL */
    const char *label_ru, *label_en; /* never NULL: falls back to the other language, then to the name */
    const char *hint_ru, *hint_en;   /* NULL: none */
    const char *group_ru, *group_en; /* headings of the group it stands in, or NULL */
    enum value_type type;
    uint8_t places;
    bool is_required; /* `required: true` */
    bool is_read_only;
    bool is_added;            /* INTEGER and DECIMAL: a sum of it over rows and units means something */
    bool is_calculated;       /* type calculate, or any field with a calculation */
    bool allows_unknown;      /* `allow: [unknown]`: VALUE_NOT_KNOWN is an answer */
    bool allows_inapplicable; /* `allow: [na]`: VALUE_NOT_APPLICABLE is an answer */
    int64_t min, max;         /* INTEGER and DECIMAL: type limits only (scaled) */
    const struct choice_list *choices;
    const struct form_choice_index *choice_index; /* of `choices`; NULL: they are searched one by one */
    const struct expr *required_if;               /* `required` may be an expression; NULL: see is_required */
    const struct expr *relevant;                  /* with those of its groups, ANDed; NULL: always */
    const struct expr *constraint, *warning, *calculation;
    const struct expr *compare_warning; /* alone may read what stands under `compare` */
    const char *required_message_ru, *required_message_en;
    const char *constraint_message_ru, *constraint_message_en;
    const char *warning_message_ru, *warning_message_en;
    const char *compare_message_ru, *compare_message_en;
    const struct value *default_value; /* NULL: none */
    const char *retention;             /* class; NULL: the form's */
    const struct form_field *columns;  /* REPEAT: its fields (no repeat inside a repeat) */
    uint32_t column_count;
    uint32_t line; /* in the YAML, for messages */
};

/* What a person sees between fields, in order: notes.  `before` is the index of the field it precedes. */
struct form_note {
    uint32_t before;
    const char *text_ru, *text_en;
    const struct expr *relevant;
};

/* What a warning may be compared with besides the form's own answers (docs/forms.md).  It is a number, and no part of
 * the submission: nothing else may read it. */
#define FORM_MAX_COMPARES   32u
#define FORM_COMPARE_PLACES 4u
enum form_when { COMPARE_SAME, COMPARE_PREVIOUS, COMPARE_YEAR_BEFORE };
struct form_compare {
    const char *name;                /* as ${name} in a warning */
    const char *form, *field;        /* form: its id, the form's own included */
    enum form_when when;             /* which period, from the one that holds this submission's last day */
    const char *label_ru, *label_en; /* "in the passport"; NULL: none */
};

struct form {
    char id[FORM_NAME_MAX + 1];
    char version[33];
    const char *title_ru, *title_en;
    enum form_mode mode;
    char role[33];                 /* the one role that submits it: school, office, centre */
    bool is_about_district;        /* `about: district`: the unit is the municipality itself */
    const char *series;            /* period series it is due in; the first of them */
    const char *const *all_series; /* all of them, `series` included */
    uint32_t series_count;
    const char *retention;               /* class; "default" when not given */
    uint32_t retention_years;            /* how long they are kept after their school year; 0: not given */
    bool drafts_end;                     /* a draft goes when its period is over */
    uint32_t audience;                   /* bits of enum form_audience; 0: not given */
    const char *purpose_ru, *purpose_en; /* for the register of processing; NULL: not given */
    const char *basis_ru, *basis_en;
    int32_t key; /* FORM_ROWS: index of the key field (text, integer or select_one, required); else -1 */
    const struct form_field *fields;
    uint32_t field_count;
    const struct form_note *notes;
    const struct form_compare *compares;
    uint32_t note_count, compare_count;
    uint8_t digest[FORM_DIGEST_BYTES]; /* BLAKE2b-256 of the exact YAML bytes */
    struct bytes source;               /* those bytes */
};

/* Copies `bytes`.  All mistakes go to `r`; then ERR_INVALID (or ERR_MALFORMED, ERR_LIMIT). */
MUST_CHECK enum err form_load(struct form **out, const char *file, const void *bytes, size_t len, struct report *r);
void form_free(struct form *f);

int32_t form_find_field(const struct form *f, const char *name, size_t len); /* top level; -1: none */
/* As a person says it: by name, else by a label in either language, letters' case and runs of blanks aside. */
#define FORM_FIELD_SEVERAL (-2) /* two fields have this label */
int32_t form_find_field_said(const struct form *f, const char *text, size_t len);
/* The field of that name and type among the `count` of another version (or of another repeat's columns); -1: none. */
int32_t form_same_field(const struct form_field *of, const struct form_field *in, uint32_t count);

/* The period that a person, or a record, names: of any of the form's series, by id or label (period ids are unique over
 * all series).  The only way from a form to a period.  ERR_NOT_FOUND: err_text() names the series that were expected.
 */
MUST_CHECK enum err form_period(const struct form *f, const struct calendar *c, const char *text, struct period *out);

/* For expr_compile(): a schema over the form's fields (top level, `.` = none).  `f` must outlive its use. */
struct expr_schema form_schema(const struct form *f);

/* What form_check() needs besides the form; one per thread, reused for many submissions. */
struct form_checker;
MUST_CHECK enum err form_checker_new(struct form_checker **out);
void form_checker_free(struct form_checker *c);

/* At the school: fills what follows from the rest: calculations, NOT_ASKED where `relevant` is false, MISSING stays.
 * `values` has f->field_count entries.  A value typed into a field that is not relevant is a mistake reported by
 * form_check(), unless `drop_irrelevant`.  Calculated texts and the cells of all repeats then live in the checker,
 * until its next form_complete().  ERR_INVALID, ERR_LIMIT: a value breaks its type, or an expression its limits. */
MUST_CHECK enum err form_complete(const struct form *f, struct form_checker *c, struct value *values, int32_t filled_on,
                                  bool drop_irrelevant);

/* The one judgement, at the school and again at the hub: types and limits, required, relevant, constraint, choices,
 * calculations recomputed.  Mistakes (and warnings) go to `r` with `where` (or NULL) as file/line/column; ERR_INVALID
 * if any error.  `r` may be NULL (the hub's hot path): the first mistake is then in err_text(), warnings are not
 * evaluated. Rules are judged only when all values fit their types. */
MUST_CHECK enum err form_check(const struct form *f, struct form_checker *c, const struct value *values, uint32_t count,
                               int32_t filled_on, const struct finding *where, struct report *r);

/* What the warnings of `f` are compared with from now on, until the next call: f->compare_count values, decimals with
 * FORM_COMPARE_PLACES; they must outlive their use.  NULL: nothing is known.  A warning that reads what is not known is
 * not given. */
void form_checker_compare(struct form_checker *c, const struct form *f, const struct value *values);
/* The period of `other` (a version of the form that `by` names) that a submission of the period `p` is compared with:
 * p itself where `other` has its series, else the one of its series that holds p's last day; then, as `by` says, that
 * one, the one before it, or the one a year before.  ERR_NOT_FOUND: there is none. */
MUST_CHECK enum err form_compare_period(const struct form_compare *by, const struct form *other,
                                        const struct calendar *c, const struct period *p, struct period *out);
bool form_is_compared(const struct form_field *f); /* integers and decimals are */
/* The field's value among those of a submission of `of`, as form_checker_compare() takes it; MISSING: none, or no
 * number.
 */
void form_compare_value(struct value *out, const char *field, const struct form *of, const struct value *values);

/* One cell or typed answer as text to a value, in the user's notation: integers, decimals with '.' or ',', dates in
 * both forms, да/нет yes/no 1/0 true/false, choice by code or by label (folded), several choices separated by blanks,
 * commas or semicolons.  "" is MISSING; "н/д", "-" are not special: states are written as the words
 * ?unknown and ?na; a repeat is written as JSON.  Blanks at either end are dropped.
 * Text and rows live in `keep` until its buf_reset(): so that nothing in it ever moves, it is grown to its `max` (at
 * most FORM_KEEP_MAX) by the first call.  ERR_INVALID with err_text() naming what was expected; ERR_LIMIT: `keep` is
 * full. */
#define FORM_KEEP_MAX (16u << 20)
MUST_CHECK enum err value_parse(struct value *out, const struct form_field *f, const char *text, size_t len,
                                struct buf *keep);
/* The reverse, for history, export and JSON: choice codes, ISO dates; "" for MISSING. */
void value_format(struct buf *out, const struct form_field *f, const struct value *v);
/* What `v`, an answer to the field `of` of another version, is as one to `f`: choices by their codes, decimals with the
 * places of `f`.  False: it has no place in `f`, or says nothing.  Texts and rows live in `keep`, see value_parse(). */
bool value_carry(struct value *out, const struct form_field *f, const struct form_field *of, const struct value *v,
                 struct buf *keep);
/* For people: labels, words, the decimal mark of the language; of a repeat how many rows it has. */
void value_show(struct buf *out, const struct form_field *f, const struct value *v);

#endif
