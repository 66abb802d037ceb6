#include "agent/session_internal.h"

#include "common/cli.h"

#include <stdlib.h>
#include <string.h>

#define POOL_MAX    (16u << 20) /* bytes of answers taken in at once */
#define MARK_DOMAIN "svodka session sheet v1"
#define MARK_ROWS   'r'
#define MARK_NUMBER 'n'
#define NUMBER_MAX  200u

void session_pool_init(struct session_pool *p)
{
    memset(p, 0, sizeof(*p));
    buf_init_secret(&p->records, POOL_MAX);
    buf_init_secret(&p->likeness, (size_t)SESSION_ANSWERS_MAX * RECORD_DIGEST_BYTES + 1 + SESSION_ID_BYTES);
}

void session_pool_fini(struct session_pool *p)
{
    buf_wipe(&p->records);
    buf_wipe(&p->likeness);
    p->count = 0;
}

static enum err too_many(enum err e)
{
    return e == ERR_LIMIT || e == ERR_FULL
               ? err_set(ERR_LIMIT, "%s", _("so many answers at once do not fit: import the sheet in parts"))
               : e;
}

enum err session_pool_add(struct session_pool *p, struct bytes record)
{
    buf_put_u32(&p->records, (uint32_t)record.len);
    buf_put(&p->records, record.p, record.len);
    p->count++;
    return too_many(buf_status(&p->records));
}

enum err session_pool_liken(struct session_pool *p, const uint8_t likeness[RECORD_DIGEST_BYTES])
{
    buf_put(&p->likeness, likeness, RECORD_DIGEST_BYTES);
    return too_many(buf_status(&p->likeness));
}

bool session_pool_next(const struct session_pool *p, size_t *at, struct bytes *record)
{
    struct rd r = rd_of(p->records.data + *at, p->records.len - *at);
    uint32_t len;

    if (rd_left(&r) < 4)
        return false;
    len = rd_u32(&r);
    if (len == 0 || len > RECORD_MAX || (record->p = rd_bytes(&r, len)) == NULL)
        return false;
    record->len = len;
    *at = p->records.len - rd_left(&r);
    return true;
}

/* The modulo's bias is below 2^-50 here. */
static uint64_t random_below(uint64_t limit)
{
    uint8_t raw[8];

    random_bytes(raw, sizeof(raw));
    return be64_get(raw) % limit;
}

enum err session_pool_shuffled(const struct session_pool *p, struct bytes **out)
{
    struct bytes *records = calloc(p->count + 1u, sizeof(*records));
    size_t at = 0;

    if (records == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < p->count; i++)
        if (!session_pool_next(p, &at, &records[i])) {
            free(records);
            return err_set(ERR_CORRUPT, _("a session of anonymous answers is damaged"));
        }
    for (uint32_t i = p->count; i > 1; i--) {
        uint64_t k = random_below(i);
        struct bytes held = records[i - 1];

        records[i - 1] = records[k];
        records[k] = held;
    }
    *out = records;
    return OK;
}

/* ---- sheets ---- */

static int by_bytes(const void *x, const void *y)
{
    return memcmp(x, y, RECORD_DIGEST_BYTES);
}

/* Keyed by the home's secret, so that a sheet can be recognised and nothing be guessed from what is kept. */
static void mark_of(const struct agent *a, const struct session *s, uint8_t kind, struct bytes what,
                    uint8_t out[SESSION_MARK_BYTES])
{
    uint8_t whole[KEY_BYTES];
    uint8_t key[KEY_BYTES];
    uint8_t context[1 + SESSION_ID_BYTES] = {kind};

    memcpy(context + 1, s->id, SESSION_ID_BYTES);
    derive(key, key_secret(a->home_key), MARK_DOMAIN, bytes_of(context, sizeof(context)));
    derive(whole, key, MARK_DOMAIN, what);
    memcpy(out, whole, SESSION_MARK_BYTES);
    wipe(key, sizeof(key));
    wipe(whole, sizeof(whole));
}

void session_mark_rows(const struct agent *a, const struct session *s, struct session_pool *p,
                       uint8_t out[SESSION_MARK_BYTES])
{
    if (p->likeness.len > 0)
        qsort(p->likeness.data, p->likeness.len / RECORD_DIGEST_BYTES, RECORD_DIGEST_BYTES, by_bytes);
    mark_of(a, s, MARK_ROWS, bytes_of(p->likeness.data, p->likeness.len), out);
}

void session_mark_number(const struct agent *a, const struct session *s, const char *number,
                         uint8_t out[SESSION_MARK_BYTES])
{
    mark_of(a, s, MARK_NUMBER, bytes_of(number, strnlen(number, NUMBER_MAX)), out);
}
