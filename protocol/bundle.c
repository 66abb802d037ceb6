#include "protocol/bundle_internal.h"

#include "common/cli.h"
#include "protocol/fields.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_FIELDS     7u
#define ENTRY_FIELDS    3u
#define HOLDINGS_FIELDS 5u

void bundle_name(char out[BUNDLE_NAME_MAX], const struct bundle_about *about)
{
    time_t seconds = (time_t)(about->made_ms / 1000);
    char day[16] = "00000000";
    struct tm local;

    if (localtime_r(&seconds, &local) != NULL && strftime(day, sizeof(day), "%Y%m%d", &local) == 0)
        (void)snprintf(day, sizeof(day), "00000000");
    (void)snprintf(out, BUNDLE_NAME_MAX, "svodka-%s-%s-%llu%s" BUNDLE_SUFFIX, about->participant, day,
                   (unsigned long long)about->serial, about->direction == BUNDLE_DOWN ? "-answer" : "");
}

enum err bundle_numbered(char out[FOLDER_PATH_MAX], const char *path, uint64_t n)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(path, '.');
    int stem = (int)strlen(path);
    int len;

    if (dot != NULL && (slash == NULL ? dot > path : dot > slash + 1)) /* not of a folder, nor of a hidden file */
        stem = (int)(dot - path);
    len = n == 1 ? snprintf(out, FOLDER_PATH_MAX, "%s", path)
                 : snprintf(out, FOLDER_PATH_MAX, "%.*s-%llu%s", stem, path, (unsigned long long)n, path + stem);
    return len < 0 || (size_t)len >= FOLDER_PATH_MAX ? err_set(ERR_LIMIT, _("%s: the path is too long"), path) : OK;
}

enum err bundle_errno(int saved_errno, const char *path)
{
    switch (saved_errno) {
    case ENOENT:
    case ENOTDIR: return err_errno(ERR_NOT_FOUND, saved_errno, "%s", path);
    case EACCES:
    case EPERM: return err_errno(ERR_DENIED, saved_errno, "%s", path);
    case ENOSPC:
    case EDQUOT: return err_set(ERR_FULL, _("%s: there is no room left on the medium; take another one"), path);
    case EFBIG:
        return err_set(ERR_FULL, _("%s: the medium cannot hold a file of this size; set bundle.max_size lower"), path);
    case EROFS:
        return err_set(ERR_DENIED, _("%s: the medium is write-protected; move its switch, or take another one"), path);
    case EIO:
    case ENODEV:
    case ENXIO:
    case ESTALE:
        return err_errno(ERR_IO, saved_errno,
                         _("%s: the medium was pulled out or is broken; nothing is lost: put it in again, or take "
                           "another one, and repeat the command"),
                         path);
    default: return err_errno(ERR_IO, saved_errno, "%s", path);
    }
}

/* ---- the list ---- */

enum err bundle_list_add(struct bundle_list *l, const struct bundle_entry *e)
{
    if (l->entries == NULL && (l->entries = calloc(BUNDLE_MAX_PARTS, sizeof(*l->entries))) == NULL)
        return ERR_NOMEM;
    if (l->count >= BUNDLE_MAX_PARTS - 1)
        return err_set(ERR_LIMIT, "a file has at most %u parts", BUNDLE_MAX_PARTS);
    l->entries[l->count++] = *e;
    return OK;
}

enum err bundle_list_make(struct buf *out, const struct bundle_list *l, const struct key *sign)
{
    struct buf b;
    enum err e;

    buf_init(&b, SIGNED_MAX);
    mp_put_array(&b, LIST_FIELDS);
    mp_put_uint(&b, l->about.direction);
    mp_put_bin(&b, l->about.district, sizeof(l->about.district));
    mp_put_cstr(&b, l->about.participant);
    mp_put_uint(&b, l->about.serial);
    mp_put_int(&b, l->about.made_ms);
    mp_put_bin(&b, l->head, DIGEST_BYTES);
    mp_put_array(&b, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        mp_put_array(&b, ENTRY_FIELDS);
        mp_put_uint(&b, l->entries[i].kind);
        mp_put_uint(&b, l->entries[i].length);
        mp_put_bin(&b, l->entries[i].digest, DIGEST_BYTES);
    }
    if ((e = buf_status(&b)) == OK)
        e = signed_make(out, SIGNED_BUNDLE, bytes_of(b.data, b.len), sign);
    buf_fini(&b);
    return e;
}

/* Every entry as it stands in the file?  The list is read whole even when one differs: malformed is worse. */
static bool entries_agree(struct mp *m, const struct bundle_list *l)
{
    size_t count = mp_array(m, 0, BUNDLE_MAX_PARTS - 1);
    bool agree = count == l->count;

    for (size_t i = 0; i < count && !m->failed; i++) {
        size_t unknown = fields_begin(m, ENTRY_FIELDS);
        uint32_t kind = fields_u32(m, 1, UINT8_MAX);
        uint32_t length = fields_u32(m, 1, BUNDLE_PART_MAX);
        uint8_t digest_in[DIGEST_BYTES] = {0};

        mp_bin_exact(m, digest_in, sizeof(digest_in));
        fields_end(m, unknown);
        agree = agree && kind == l->entries[i].kind && length == l->entries[i].length &&
                memcmp(digest_in, l->entries[i].digest, DIGEST_BYTES) == 0;
    }
    return agree;
}

enum err bundle_list_check(struct bundle_about *about, const struct bundle_list *l, struct bytes object,
                           const uint8_t signer[KEY_BYTES])
{
    struct bundle_about a = {.direction = BUNDLE_UP};
    uint8_t head[DIGEST_BYTES] = {0};
    struct bytes payload;
    struct mp m;
    size_t unknown;
    bool agree;
    enum err e = signed_open(&payload, object, SIGNED_BUNDLE, signer);

    if (e != OK)
        return e;
    m = mp_of(payload);
    unknown = fields_begin(&m, LIST_FIELDS);
    a.direction = (enum bundle_direction)fields_u32(&m, BUNDLE_UP, BUNDLE_DOWN);
    mp_bin_exact(&m, a.district, sizeof(a.district));
    fields_id(&m, a.participant);
    a.serial = fields_u64(&m, 1, UINT64_MAX);
    a.made_ms = fields_time(&m);
    mp_bin_exact(&m, head, sizeof(head));
    agree = entries_agree(&m, l);
    fields_end(&m, unknown);
    if ((e = fields_done(&m, "list of a file's parts")) != OK)
        return e;
    if (!agree || memcmp(head, l->head, DIGEST_BYTES) != 0)
        return err_set(ERR_AUTH, _("the file was altered: its parts are not those that its signed list names"));
    *about = a;
    return OK;
}

/* ---- holdings ---- */

enum err bundle_holdings_put(struct buf *out, const struct bundle_holdings *h)
{
    mp_put_array(out, HOLDINGS_FIELDS);
    fields_put_generation(out, &h->gen);
    mp_put_uint(out, h->next_sequence);
    mp_put_uint(out, h->held_last);
    fields_put_ranges(out, h->gaps, h->gap_count);
    return buf_status(out);
}

enum err bundle_holdings_get(struct bundle_holdings *out, struct bytes in)
{
    struct mp m = mp_of(in);
    size_t unknown = fields_begin(&m, HOLDINGS_FIELDS);

    memset(out, 0, sizeof(*out));
    fields_generation(&m, &out->gen);
    out->next_sequence = fields_u64(&m, 1, UINT64_MAX);
    out->held_last = fields_u64(&m, 0, UINT64_MAX);
    out->gap_count = fields_ranges(&m, out->gaps, WELCOME_MAX_GAPS);
    fields_end(&m, unknown);
    return fields_done(&m, "what the hub holds");
}

bool bundle_holdings_lack(const struct bundle_holdings *h, uint64_t sequence)
{
    if (sequence > h->held_last)
        return sequence >= h->next_sequence;
    for (uint32_t i = 0; i < h->gap_count; i++)
        if (sequence >= h->gaps[i].first && sequence - h->gaps[i].first < h->gaps[i].count)
            return true;
    return false;
}

/* ---- objects held ---- */

enum err bundle_held_put(struct buf *out, const struct bundle_held *h)
{
    mp_put_array(out, h->count);
    for (uint32_t i = 0; i < h->count; i++)
        mp_put_bin(out, h->digests[i], DIGEST_BYTES);
    return buf_status(out);
}

enum err bundle_held_get(struct bundle_held *out, struct bytes in)
{
    struct mp m = mp_of(in);
    size_t count = mp_array(&m, 0, DIRECTORY_MAX_FORMS);

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < count && !m.failed; i++)
        mp_bin_exact(&m, out->digests[i], DIGEST_BYTES);
    out->count = (uint32_t)count;
    return fields_done(&m, "list of objects held");
}
