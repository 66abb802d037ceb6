/* Words about sessions from outside: any bytes as a record of the built-in form of sessions.  What reads as a word says
 * no more than the record does, and is written as the same values again. */
#include "protocol/session_form.h"
#include "tests/fuzz/builtin_target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct session_word *w)
{
    if (memchr(w->form, '\0', sizeof(w->form)) == NULL || memchr(w->name, '\0', sizeof(w->name)) == NULL ||
        memchr(w->group, '\0', sizeof(w->group)) == NULL || w->form[0] == '\0' || w->name[0] == '\0' ||
        w->expected > SESSION_EXPECT_MAX || w->entered > SESSION_EXPECT_MAX || w->state > SESSION_WITHDRAWN)
        abort();
}

static void write_again(const struct session_word *w)
{
    struct value values[SESSION_FIELDS];
    char key[SESSION_KEY_MAX + 1];
    struct session_word again;

    session_word_write(w, key, values);
    if (!session_word_read(&again, values, SESSION_FIELDS) || strcmp(again.form, w->form) != 0 ||
        strcmp(again.name, w->name) != 0 || strcmp(again.group, w->group) != 0 || again.expected != w->expected ||
        again.state != w->state || again.entered != w->entered)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct form *form;
    struct session_word w;
    struct record r;

    if (!target_record(&r, &form, BUILTIN_SESSION, bytes_of(data, size)))
        return 0;
    if (!session_word_read(&w, r.values, r.value_count))
        return 0;
    check_bounds(&w);
    write_again(&w);
    return 0;
}
