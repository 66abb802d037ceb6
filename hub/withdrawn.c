#include "hub/withdrawn.h"

#include "common/clock.h"
#include "hub/home_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FORMAT "withdrawn/%s" /* form id -> wall ms u64 */
#define KEY_MAX    (FORM_NAME_MAX + 16u)

static bool offers(const struct directory *d, const char *form_id)
{
    for (uint32_t i = 0; i < d->object_count; i++)
        if (d->objects[i].kind == OBJECT_FORM && d->objects[i].is_current && strcmp(d->objects[i].name, form_id) == 0)
            return true;
    return false;
}

static enum err forget(struct store_txn *t, const char *form_id)
{
    char key[KEY_MAX];
    enum err e;

    (void)snprintf(key, sizeof(key), KEY_FORMAT, form_id);
    e = store_delete(t, H_META, bytes_of(key, strlen(key)));
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err put(struct store_txn *t, const char *form_id, int64_t wall_ms)
{
    char key[KEY_MAX];
    uint8_t raw[8];

    (void)snprintf(key, sizeof(key), KEY_FORMAT, form_id);
    be64_put(raw, (uint64_t)wall_ms);
    return hub_meta_put(t, key, bytes_of(raw, sizeof(raw)));
}

static enum err compare(struct store_txn *t, const struct directory *before, const struct directory *after)
{
    int64_t now = clock_wall_ms();
    enum err e = OK;

    for (uint32_t i = 0; e == OK && i < after->object_count; i++)
        if (after->objects[i].kind == OBJECT_FORM && after->objects[i].is_current)
            e = forget(t, after->objects[i].name);
    for (uint32_t i = 0; e == OK && i < before->object_count; i++) {
        const struct directory_object *o = &before->objects[i];

        if (o->kind == OBJECT_FORM && o->is_current && !offers(after, o->name))
            e = put(t, o->name, now);
    }
    return e;
}

enum err withdrawn_note(const struct hub *h, struct store_txn *t)
{
    struct directory *after;
    struct bytes object;
    enum err e;

    if (h->directory == NULL)
        return OK;
    if ((after = calloc(1, sizeof(*after))) == NULL)
        return ERR_NOMEM;
    if ((e = hub_meta_get(t, "directory", &object)) == OK && (e = directory_open(after, object, h->root)) == OK)
        e = compare(t, h->directory, after);
    free(after);
    return e;
}

enum err withdrawn_since(struct store_txn *t, const char *form_id, int64_t *wall_ms)
{
    char key[KEY_MAX];
    struct bytes value;
    enum err e;

    (void)snprintf(key, sizeof(key), KEY_FORMAT, form_id);
    if ((e = hub_meta_get(t, key, &value)) != OK)
        return e;
    if (value.len != 8)
        return err_set(ERR_CORRUPT, "the day on which the form %s was withdrawn is damaged", form_id);
    *wall_ms = (int64_t)be64_get(value.p);
    return OK;
}
