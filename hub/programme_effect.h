/* programme_effect.h: what a pack would do to what a hub holds: which schools have answered a form of which a new
 * version comes, what that version asks besides and what their answers cannot give, which indicators come, go or mean
 * something else, and which variables are built anew.  Nothing is changed.
 *
 * What a form may not change is judged by form_change.h before. */
#ifndef SVODKA_HUB_PROGRAMME_EFFECT_H
#define SVODKA_HUB_PROGRAMME_EFFECT_H

#include "hub/ledger_build.h"
#include "hub/programme.h"

/* Names, in the order in which they were found, each once. */
struct effect_names {
    const char **items;
    size_t count;
};

/* An older version that counts in the ledger. */
struct effect_version {
    const struct form *form;          /* of the hub */
    uint64_t units, submissions;      /* that answered it, and with how many current ones */
    struct effect_names new_fields;   /* that it does not have under any name; "ROWS.COLUMN" inside a repeat */
    struct effect_names without_data; /* ids of indicators that its answers add nothing to, because a field that they
                                         need is not in it */
};
/* A form of which the pack brings a version that the hub does not have, but for its first one. */
struct effect_form {
    const struct form *fresh;
    uint64_t expected; /* units of which the form is expected at all */
    struct effect_version *versions;
    size_t version_count;
};

struct programme_effect {
    const struct programme *old; /* the one it takes the place of; NULL: none */
    struct effect_form *forms;
    size_t form_count;
    struct effect_names added, removed; /* ids of indicators that are listed */
    struct effect_names changed;        /* ... whose own definition is another one */
    struct effect_names touched;        /* ... that read something of these, and are else as they were */
    struct effect_names built;          /* variables of the pack whose cells are built anew */
    uint64_t definitions, submissions;  /* how many definitions of all programmes, from how many submissions */
    char **texts;                       /* names that were made here */
    size_t text_count;
};

/* `b` is of the same hub and programme (ledger_build.h), and `t` a transaction over it.  Hub and programme must outlive
 * the result.  Reads the submissions of the forms of which a new version comes; progress through cli_progress(). */
MUST_CHECK enum err programme_effect_new(struct programme_effect **out, struct hub *h, struct store_txn *t,
                                         const struct programme *fresh, struct cell_build *b);
void programme_effect_free(struct programme_effect *f);

/* Does it change anything that is there? */
bool programme_effect_is_empty(const struct programme_effect *f);

#endif
