/* code_follow.h: where else at this school a code of a form's rows stands, when it is renamed or merged.
 *
 * A row of another form is built on the code if a calculated field that is called as the form's key has the code as its
 * value, and its own key begins with it: T07-1 of professional development, whose `teacher` is T07.  It follows.  What
 * only has the code as a text somewhere may mean something else (a mentor of another school), and so may a row of
 * another form whose key is called the same: they are told. */
#ifndef SVODKA_AGENT_CODE_FOLLOW_H
#define SVODKA_AGENT_CODE_FOLLOW_H

#include "agent/home.h"

#define CODE_FOLLOW_MAX 5000u

enum code_place {
    CODE_BUILT_ON, /* in the row's key: it becomes `fresh` */
    CODE_SAME,     /* in a text that is called as the form's key: it becomes the new code */
    CODE_TEXT,     /* in another text: told */
    CODE_ROW       /* it is the row's key: told, once a form */
};
struct code_follower {
    const struct form *form; /* as it is now */
    struct period period;
    enum code_place place;
    char *key, *fresh; /* of the row; `fresh` of CODE_BUILT_ON alone */
    bool is_taken;     /* a row with the key `fresh` stands already */
    const char *field; /* name of the field that is to be set */
    const char *label; /* what people call it */
};
struct code_followers {
    struct code_follower *items; /* by form and period */
    size_t count, cap;
};
/* Those of the code `from` of `form` for the unit, that is to be `to`.  ERR_LIMIT: more than CODE_FOLLOW_MAX. */
MUST_CHECK enum err code_followers_read(struct code_followers *out, const struct agent *a, const struct form *form,
                                        const char *unit, const char *from, const char *to);
void code_followers_fini(struct code_followers *l);
/* It is changed with the code, and not only told. */
bool code_follower_moves(const struct code_follower *f);

#endif
