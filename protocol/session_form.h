/* session_form.h: the form by which a school says that it opened, closed or withdrew a session of anonymous answers,
 * one of the built-in ones (builtin.h; SPEC.md section 3.2).  Any role may send it; its unit and period are those of
 * the answers.  It names no answer: which ones lie in the session only the school's computer knows. */
#ifndef SVODKA_PROTOCOL_SESSION_FORM_H
#define SVODKA_PROTOCOL_SESSION_FORM_H

#include "common/form.h"

#define SESSION_FORM       "answer-session" /* no other form may have this id */
#define SESSION_NAME_CHARS 60u              /* of name and group, characters */
#define SESSION_NAME_MAX   240u             /* bytes */
#define SESSION_EXPECT_MAX 100000u

extern const char session_yaml[];

/* Its fields, in their order. */
enum session_field {
    SESSION_KEY, /* QUESTIONNAIRE/NAME: the row */
    SESSION_QUESTIONNAIRE,
    SESSION_NAME,
    SESSION_GROUP,
    SESSION_EXPECTED,
    SESSION_STATE,
    SESSION_ENTERED,
    SESSION_FIELDS
};
/* As the choices stand in the form. */
enum session_state { SESSION_OPEN, SESSION_CLOSED, SESSION_WITHDRAWN };

struct session_word {
    char form[FORM_NAME_MAX + 1]; /* the questionnaire's id */
    char name[SESSION_NAME_MAX + 1];
    char group[SESSION_NAME_MAX + 1]; /* "": not said */
    uint32_t expected;                /* 0: not said */
    enum session_state state;
    uint32_t entered;
};
/* False: not what form_check() lets through. */
bool session_word_read(struct session_word *out, const struct value *values, uint32_t count);
/* Texts are loans of `w` and `key`, which gets the row's key. */
#define SESSION_KEY_MAX (FORM_NAME_MAX + 1u + SESSION_NAME_MAX)
void session_word_write(const struct session_word *w, char key[SESSION_KEY_MAX + 1],
                        struct value values[SESSION_FIELDS]);

#endif
