/* roster.h: which units exist, with dated facts.  The office keeps the roster in a form of that name (mode rows, about
 * the unit `district`): one row a unit in a school year.  It is carried on: in a period the row of a unit holds that is
 * of the latest school year with a row of the unit, among those that have begun by the period's last day.
 *
 * Without such a form, or before its first row, the units are those that grants name and that something current is
 * about, all of them active unless only participants that are closed name them, and nothing else is known of them.
 *
 * Fields, found by name in each version of the form: unit_id, name, kind, settlement, status (active, closed, merged),
 * since, until (first and last day of the unit), successor, branch_of (unit ids), small, remote.  What a version lacks,
 * or has with another type, is a fact that is not known.
 *
 * A roster is a copy of its own and never changes; any thread may read it. */
#ifndef SVODKA_HUB_ROSTER_H
#define SVODKA_HUB_ROSTER_H

#include "common/report.h"
#include "hub/hub.h"

#define ROSTER_FORM "roster"
/* Mergers in a row that are followed; who stands further down a chain is no predecessor. */
#define ROSTER_MAX_CHAIN 64u

struct roster;

/* Reads the current rows through the hub's ledger, in the transaction.  ERR_CORRUPT: one that cannot be read. */
MUST_CHECK enum err roster_load(struct roster **out, struct hub *h, struct store_txn *t);
void roster_free(struct roster *r); /* NULL does nothing */

/* The form has rows: else see above. */
bool roster_is_entered(const struct roster *r);
/* Units that ever had a row, sorted by id.  All texts live as long as the roster. */
size_t roster_count(const struct roster *r);
const char *roster_unit_at(const struct roster *r, size_t i);
bool roster_has(const struct roster *r, const char *unit);
/* For display: of its newest row, or the id when that has no name: as long as the roster lives.  No such unit: `unit`
 * itself, as long as that lives. */
const char *roster_name(const struct roster *r, const char *unit);

enum roster_status { ROSTER_ACTIVE, ROSTER_CLOSED, ROSTER_MERGED };
enum roster_answer { ROSTER_UNKNOWN, ROSTER_NO, ROSTER_YES };
struct roster_facts {
    const char *name;                  /* the id when there is none */
    const char *kind, *settlement;     /* choice codes; NULL: not known */
    enum roster_status status;         /* active when it is not known */
    int32_t since, until;              /* days; INT32_MIN and INT32_MAX: not known */
    const char *successor, *branch_of; /* ids; NULL: none */
    enum roster_answer small, remote;
};
/* Of the row that holds in a period from the day `first` to the day `last`; false: none does. */
bool roster_facts(const struct roster *r, const char *unit, int32_t first, int32_t last, struct roster_facts *out);
/* Did it exist on at least one day of the period?  `until` decides where it is given, else the status: what is closed
 * or merged without a day is so from the beginning of the school year in whose row that stands first. */
bool roster_is_active(const struct roster *r, const char *unit, int32_t first, int32_t last);

/* The unit that it has gone over into by the day; NULL: it is active then, or went without a successor. */
const char *roster_successor(const struct roster *r, const char *unit, int32_t day);
/* Every unit that has gone over into `unit` by the day, directly or through others, sorted by id; never `unit` itself,
 * whatever circle a mistake has made.  A callback that returns anything but OK ends it. */
MUST_CHECK enum err roster_each_predecessor(const struct roster *r, const char *unit, int32_t day,
                                            enum err (*each)(void *ctx, const char *predecessor), void *ctx);

/* What the office should put right: successors in a circle, successors and main schools that have no row.  Warnings
 * with the unit as their field. */
void roster_check(const struct roster *r, struct report *report);

#endif
