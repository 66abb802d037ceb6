#include "hub/ledger_internal.h"

#include "hub/words.h"

#include <stdlib.h>
#include <string.h>

/* What a batch does to the standing of submissions, beyond what its receipt can say: gathered while it is applied, told
 * in words of the same transaction. */

struct said {
    struct record_ref ref;
    uint8_t standing, reason;
};

enum err apply_say(struct apply *a, const struct record_ref *ref, enum standing standing, enum quarantine_reason reason)
{
    struct said s = {*ref, (uint8_t)standing, (uint8_t)reason};

    if (!a->tells)
        return OK;
    buf_put(&a->said, &s, sizeof(s));
    return buf_status(&a->said);
}

enum err apply_say_corrected(struct apply *a, const struct record_ref *target)
{
    uint8_t raw[PLACE_KEY_BYTES];
    struct bytes value;
    enum err e;

    if (!a->tells)
        return OK;
    e = store_get(a->t, H_QUARANTINE, place_key(raw, a->p->participant, &target->gen, target->number), &value);
    if (e == OK)
        return apply_say(a, target, STANDING_CORRECTED, (enum quarantine_reason)0);
    return e == ERR_NOT_FOUND ? OK : e;
}

/* Those of one standing, a word's worth at a time. */
static enum err send_all(const struct apply *a, enum standing standing, enum notice_kind kind)
{
    const struct said *list = (const struct said *)(const void *)a->said.data;
    size_t total = a->said.len / sizeof(*list);
    struct notice_entry *entries = calloc(NOTICE_MAX_ENTRIES, sizeof(*entries));
    size_t count = 0;
    enum err e = entries == NULL ? ERR_NOMEM : OK;

    for (size_t i = 0; e == OK && i < total; i++) {
        if (list[i].standing == (uint8_t)standing) {
            entries[count].ref = list[i].ref;
            entries[count].standing = list[i].standing;
            entries[count++].why.reason = (enum quarantine_reason)list[i].reason;
        }
        if (count == NOTICE_MAX_ENTRIES || (i + 1 == total && count > 0)) {
            e = words_notice(a->ledger->hub, a->t, a->p->participant, kind, "", entries, count);
            count = 0;
        }
    }
    free(entries);
    return e;
}

enum err apply_send_words(const struct apply *a)
{
    enum err e;

    if (a->said.len == 0)
        return OK;
    e = send_all(a, STANDING_QUARANTINED, NOTICE_HELD);
    return e == OK ? send_all(a, STANDING_CORRECTED, NOTICE_CORRECTED) : e;
}
