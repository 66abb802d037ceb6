#include "agent/home_internal.h"

#include <string.h>

#define META_KEY "hub-keys" /* signing keys that the hub had before, 32 bytes each */

static bool is_kept(const struct agent *a, const uint8_t key[KEY_BYTES])
{
    for (size_t i = 0; i + KEY_BYTES <= a->old_signers.len; i += KEY_BYTES)
        if (memcmp(a->old_signers.data + i, key, KEY_BYTES) == 0)
            return true;
    return false;
}

const uint8_t *agent_hub_signer(const struct agent *a, struct bytes object)
{
    const uint8_t *signer = signed_signer(object);

    return signer != NULL && is_kept(a, signer) ? signer : a->directory->hub_sign;
}

enum err agent_load_signers(struct agent *a)
{
    enum err e = agent_meta_get(a, NULL, META_KEY, &a->old_signers);

    return e == ERR_NOT_FOUND ? OK : e;
}

enum err agent_keep_signer(struct agent *a, struct store_txn *t, const uint8_t key[KEY_BYTES])
{
    enum err e;

    if (is_kept(a, key))
        return OK;
    if (a->old_signers.len + KEY_BYTES > AGENT_MAX_SIGNERS * KEY_BYTES) { /* the oldest: its receipts went long ago */
        memmove(a->old_signers.data, a->old_signers.data + KEY_BYTES, a->old_signers.len - KEY_BYTES);
        a->old_signers.len -= KEY_BYTES;
    }
    buf_put(&a->old_signers, key, KEY_BYTES);
    if ((e = buf_status(&a->old_signers)) == OK)
        e = agent_meta_put(a, t, META_KEY, bytes_of(a->old_signers.data, a->old_signers.len));
    return e;
}
