/* ledger_erase_internal.h: shared by the ledger_erase*.c files alone.
 *
 *   ledger_erase.c         one order, from what it means to the act
 *   ledger_erase_batch.c   one batch: sections replaced, slots frozen
 *   ledger_erase_select.c  which submissions an order about a person or a return means
 *   ledger_erase_replay.c  the same again for verify, and the frozen sums */
#ifndef SVODKA_HUB_LEDGER_ERASE_INTERNAL_H
#define SVODKA_HUB_LEDGER_ERASE_INTERNAL_H

#include "hub/ledger_erase.h"
#include "hub/ledger_internal.h"

/* What an act vouches for, section by section: digest so far | lsn | section | digest of the clear part | digest of
 * (number, digest) of all records the section ever had | what stayed of those that this act erased. */
struct vouch {
    uint8_t digest[DIGEST_BYTES];
    struct buf buf;
};
void vouch_init(struct vouch *v);
void vouch_fini(struct vouch *v);
/* `list`: all that is erased of the section; `records`, `numbers`: all that is left. */
MUST_CHECK enum err vouch_section(struct vouch *v, uint64_t act, uint64_t lsn, uint32_t section, struct bytes clear,
                                  const struct erased_list *list, const struct bytes *records, const uint64_t *numbers,
                                  uint32_t count);

/* Submissions to be erased, in the order of entry and number. */
struct chosen {
    uint64_t lsn, number;
};
struct selection {
    struct chosen *items;
    size_t count;
    char form[FORM_NAME_MAX + 1], unit[ID_MAX + 1], period[PERIOD_ID_MAX + 1]; /* they are about */
};
MUST_CHECK enum err selection_make(struct selection *out, struct hub *h, struct store_txn *t,
                                   const struct erase_order *o);
void selection_fini(struct selection *s);
bool selection_has(const struct selection *s, uint64_t lsn, uint64_t number);
bool selection_touches(const struct selection *s, uint64_t lsn);

/* Sections of one class and year that lose their present storage key. */
struct prick {
    char retention[RETENTION_MAX + 1];
    int32_t year;
    uint64_t lsn;
};

/* Whose submission was erased: its school is told. */
struct told {
    uint32_t participant;
    struct record_ref ref;
};

/* The order at work. */
struct erasing {
    struct hub *hub;
    struct ledger *ledger;
    struct store_txn *t;
    const struct erase_order *order;
    struct act *act;
    struct selection selection; /* empty for a class */
    struct cell_sums *sums;     /* of what counted: frozen, or taken away */
    struct vouch vouch;
    struct buf touched; /* as it lies beside the act */
    uint32_t touched_count;
    struct buf pricks; /* struct prick */
    struct buf told;   /* struct told */
};

/* What the order means of one batch.  `ctx`: struct erasing. */
MUST_CHECK enum err erase_batch(void *ctx, const struct batch_entry *entry);

/* Calls `each` for every batch entry of the journal, in order. */
MUST_CHECK enum err erase_each_batch(struct store_txn *t, enum err (*each)(void *ctx, const struct batch_entry *entry),
                                     void *ctx);

#endif
