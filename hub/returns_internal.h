/* returns_internal.h: shared by the returns*.c files alone. */
#ifndef SVODKA_HUB_RETURNS_INTERNAL_H
#define SVODKA_HUB_RETURNS_INTERNAL_H

#include "hub/returns.h"

#define WAIVER_FORM "waiver"

/* ---- what the office decided about single returns (returns_waivers.c) ---- */

struct waiver {
    char form[FORM_NAME_MAX + 1];
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    bool is_extension;
    int32_t until; /* extension */
    char *reason;  /* never NULL */
};
struct waivers {
    struct waiver *items;
    size_t count, cap;
};
/* All current ones; the hub's own decisions (excuse.h) before those of the form.  Rows that lack what they need are
 * passed over. */
MUST_CHECK enum err waivers_load(struct waivers *out, struct hub *h, struct store_txn *t);
void waivers_fini(struct waivers *w);
/* NULL: none. */
const struct waiver *waivers_find(const struct waivers *w, const char *form, const char *unit, const char *period);

/* ---- what the schools say of their returns (returns_cover.c) ---- */

struct held_cover {
    char form[FORM_NAME_MAX + 1];
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
    uint32_t participant;
    struct record_ref ref, target;
    enum record_kind kind;
    uint64_t lsn;
    int64_t made_ms;
    int32_t filled_on;
    uint8_t digest[DIGEST_BYTES];
    struct return_cover said; /* all but what is here */
};
struct covers {
    struct held_cover *items; /* sorted */
    size_t count, cap;
};
/* All current ones, of one unit or period if it is not NULL. */
MUST_CHECK enum err covers_load(struct covers *out, struct hub *h, struct store_txn *t, const char *unit,
                                const char *period);
void covers_fini(struct covers *c);
/* NULL: none. */
const struct held_cover *covers_find(const struct covers *c, const char *form, const char *unit, const char *period);

/* ---- what the office entered for others (returns_behalf.c) ---- */

struct behalf_place {
    char form[FORM_NAME_MAX + 1];
    char unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1];
};
struct behalf_places {
    struct behalf_place *items; /* sorted; some twice */
    size_t count, cap;
};
/* Returns of which it entered something that was neither withdrawn nor kept apart; whether it counts is not asked. */
MUST_CHECK enum err behalf_load(struct behalf_places *out, struct hub *h, struct store_txn *t);
void behalf_fini(struct behalf_places *l);
bool behalf_has(const struct behalf_places *l, const char *form, const char *unit, const char *period);

/* returns_facts(), when the covers are at hand. */
MUST_CHECK enum err returns_facts_with(struct hub *h, struct store_txn *t, const struct covers *covers,
                                       const char *form, const char *unit, const char *period,
                                       struct return_facts *out);

/* Key of a return in H_RETURNS: form id 0 unit 0 period 0. */
#define RETURN_KEY_MAX (FORM_NAME_MAX + 1u + ID_MAX + 1u + PERIOD_ID_MAX + 1u)
/* Its length; 0: a name is too long to have been stored. */
size_t return_key(uint8_t out[RETURN_KEY_MAX], const char *form, const char *unit, const char *period);

#endif
