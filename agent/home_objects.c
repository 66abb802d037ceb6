#include "agent/home_internal.h"
#include "agent/own_history.h"

#include "common/cli.h"
#include "common/log.h"

#include <stdlib.h>
#include <string.h>

/* Value in T_OBJECTS: kind u8 | bytes. */
static enum err get_object(const struct agent *a, const uint8_t d[DIGEST_BYTES], struct buf *out)
{
    struct store_txn *t = NULL;
    struct bytes v;
    enum err e = store_begin_read(a->store, &t);

    if (e != OK)
        return e;
    buf_reset(out);
    if ((e = store_get(t, T_OBJECTS, bytes_of(d, DIGEST_BYTES), &v)) == OK && v.len >= 1) {
        buf_put(out, v.p + 1, v.len - 1);
        e = buf_status(out);
    }
    store_abort(t);
    return e;
}

static enum err add_form(struct agent *a, const struct directory_object *o)
{
    struct held_form *forms = realloc(a->forms, (a->form_count + 1) * sizeof(*forms));

    if (forms == NULL)
        return ERR_NOMEM;
    a->forms = forms;
    a->forms[a->form_count++] = (struct held_form){.object = o};
    return OK;
}

const struct form *agent_form_at(const struct agent *a, size_t n)
{
    struct held_form *h = &a->forms[n];
    struct buf source;
    enum err e;

    if (h->form != NULL || h->is_broken)
        return h->form;
    buf_init(&source, SIGNED_MAX);
    e = get_object(a, h->object->digest, &source);
    if (e == OK)
        e = form_load(&h->form, h->object->name, source.data, source.len, NULL);
    buf_fini(&source);
    if (e != OK) {
        h->is_broken = e != ERR_NOMEM;
        log_warning("the form %s cannot be read: %s", h->object->name, err_text());
    }
    return h->form;
}

static enum err add_calendar(struct agent *a, const char *name, const struct buf *source)
{
    struct yaml_doc *doc = NULL;
    struct report *r = NULL;
    const struct yaml_node *periods;
    enum err e = report_new(&r, 1);

    if (e == OK && (e = yaml_parse(&doc, name, source->data, source->len, r)) == OK) {
        periods = yaml_root(doc)->kind == YAML_MAPPING ? yaml_get(yaml_root(doc), "periods") : NULL;
        if (periods == NULL || !calendar_read(a->calendar, doc, periods, r))
            e = err_set(ERR_CORRUPT, _("the calendar of %s from the hub cannot be read"), name);
    }
    yaml_free(doc);
    report_free(r);
    return e;
}

/* Rules of a later program's kind are no reason to stop work: the school is only not shown what is due. */
static enum err add_due(struct agent *a, const char *name, const struct buf *source)
{
    struct due_scope scope = {a->calendar, NULL, 0};
    struct due_rules *rules = NULL;
    struct due_rules **grown = realloc(a->due, (a->due_count + 1) * sizeof(struct due_rules *));
    enum err e;

    if (grown == NULL)
        return ERR_NOMEM;
    a->due = grown;
    e = due_rules_read(&rules, name, source->data, source->len, &scope, NULL);
    if (e == ERR_NOMEM)
        return e;
    if (e == OK)
        a->due[a->due_count++] = rules;
    else
        log_warning("what is due for programme %s cannot be read, and is not shown: %s", name, err_text());
    return OK;
}

static enum err add_object(struct agent *a, const struct directory_object *o, const struct buf *bytes)
{
    switch (o->kind) {
    case OBJECT_FORM: return add_form(a, o);
    case OBJECT_CALENDAR: return add_calendar(a, o->name, bytes);
    case OBJECT_DUE: return add_due(a, o->name, bytes);
    case OBJECT_MAP: break;
    }
    return OK;
}

static enum err load_kinds(struct agent *a, bool are_due)
{
    struct buf bytes;
    enum err e = OK;

    buf_init(&bytes, SIGNED_MAX);
    for (uint32_t i = 0; i < a->directory->object_count && e == OK; i++) {
        const struct directory_object *o = &a->directory->objects[i];

        if (o->kind == OBJECT_MAP || (o->kind == OBJECT_DUE) != are_due)
            continue;
        e = get_object(a, o->digest, &bytes);
        if (e == OK)
            e = add_object(a, o, &bytes);
        else if (e == ERR_NOT_FOUND) /* comes at the next meeting */
            e = OK;
    }
    buf_fini(&bytes);
    return e;
}

/* The current version of a form, or, while that is on its way, the latest of those that are here: a line may break
 * between a version's name and its text, and every version stays acceptable. */
static void offer(struct agent *a, const struct directory_object *current)
{
    struct held_form *best = NULL;

    for (size_t i = 0; i < a->form_count; i++) {
        struct held_form *h = &a->forms[i];

        if (h->object == current) {
            h->is_offered = true;
            return;
        }
        if (strcmp(h->object->name, current->name) == 0 &&
            (best == NULL || strverscmp(h->object->version, best->object->version) > 0))
            best = h;
    }
    if (best != NULL)
        best->is_offered = true;
}

/* What is due is read when all periods are known. */
enum err agent_load_objects(struct agent *a)
{
    enum err e = calendar_new(&a->calendar);

    if (e == OK)
        e = load_kinds(a, false);
    for (uint32_t i = 0; i < a->directory->object_count; i++)
        if (a->directory->objects[i].kind == OBJECT_FORM && a->directory->objects[i].is_current)
            offer(a, &a->directory->objects[i]);
    return e == OK ? load_kinds(a, true) : e;
}

void agent_free_objects(struct agent *a)
{
    for (size_t i = 0; i < a->form_count; i++)
        form_free(a->forms[i].form);
    for (size_t i = 0; i < a->due_count; i++)
        due_rules_free(a->due[i]);
    free(a->due);
    free(a->forms);
    calendar_free(a->calendar);
    a->forms = NULL;
    a->calendar = NULL;
    a->due = NULL;
    a->form_count = a->due_count = 0;
}

/* Loads again; when that fails, what was there stays. */
static enum err reload_objects(struct agent *a)
{
    struct agent old = *a;
    enum err e;

    a->forms = NULL;
    a->calendar = NULL;
    a->due = NULL;
    a->form_count = a->due_count = 0;
    if ((e = agent_load_objects(a)) != OK) {
        agent_free_objects(a);
        a->forms = old.forms;
        a->form_count = old.form_count;
        a->calendar = old.calendar;
        a->due = old.due;
        a->due_count = old.due_count;
        return e;
    }
    agent_free_objects(&old);
    return OK;
}

const struct form *agent_form(const struct agent *a, const char *id)
{
    for (size_t i = 0; i < a->form_count; i++)
        if (a->forms[i].is_offered && strcmp(a->forms[i].object->name, id) == 0)
            return agent_form_at(a, i);
    return NULL;
}

const struct form *agent_form_by_digest(const struct agent *a, const uint8_t digest_in[32])
{
    for (size_t i = 0; i < a->form_count; i++)
        if (memcmp(a->forms[i].object->digest, digest_in, FORM_DIGEST_BYTES) == 0)
            return agent_form_at(a, i);
    return builtin_form_by_digest(&a->builtin, digest_in);
}

enum err agent_map(const struct agent *a, const char *name, struct buf *out)
{
    for (uint32_t i = 0; i < a->directory->object_count; i++) {
        const struct directory_object *o = &a->directory->objects[i];

        if (o->kind == OBJECT_MAP && o->is_current && strcmp(o->name, name) == 0)
            return get_object(a, o->digest, out);
    }
    return err_set(ERR_NOT_FOUND, _("the programme has no import map called '%s'"), name);
}

/* A new signing key of the hub's and the memory of the old one are one step: the grant at hand is by the old one until
 * the next comes. */
static enum err keep_directory(struct agent *a, const struct directory *fresh, struct bytes object)
{
    struct store_txn *t = NULL;
    enum err e = store_begin_write(a->store, &t);

    if (e == OK && memcmp(fresh->hub_sign, a->directory->hub_sign, KEY_BYTES) != 0)
        e = agent_keep_signer(a, t, a->directory->hub_sign);
    if (e == OK && (e = agent_meta_put(a, t, "directory", object)) == OK)
        return store_commit(t);
    store_abort(t);
    return e;
}

enum err agent_take_directory(struct agent *a, struct bytes object)
{
    struct directory *fresh = calloc(1, sizeof(*fresh));
    struct directory *before = a->directory;
    enum err e;

    if (fresh == NULL)
        return ERR_NOMEM;
    e = directory_open(fresh, object, a->directory->root);
    if (e == OK && memcmp(fresh->district, a->directory->district, sizeof(fresh->district)) != 0)
        e = err_set(ERR_AUTH, _("the directory is of another district"));
    if (e == OK && fresh->version < a->directory->version)
        e = err_set(ERR_VERSION, _("the hub offered an older directory than the one held; it was not taken"));
    if (e == OK)
        e = keep_directory(a, fresh, object);
    if (e != OK) {
        free(fresh);
        return e;
    }
    a->directory = fresh;
    if ((e = reload_objects(a)) != OK)
        a->directory = before; /* what was there stays, and belongs to it; the next start takes the fresh one */
    free(e == OK ? before : fresh);
    return e;
}

enum err agent_check_grant_keys(const struct agent *a, const struct grant *g)
{
    if (!grant_has_keys(g) ||
        (digest_equal(g->sign_key, key_public(a->sign)) && digest_equal(g->curve_key, key_public(a->curve))))
        return OK;
    return err_set(ERR_DENIED,
                   _("this answer is for another computer of %s, which has joined in the place of this one; call the "
                     "district office"),
                   a->grant->name);
}

enum err agent_take_grant(struct agent *a, struct bytes object)
{
    struct grant *fresh = calloc(1, sizeof(*fresh));
    enum err e;

    if (fresh == NULL)
        return ERR_NOMEM;
    e = grant_open(fresh, object, a->directory->hub_sign);
    if (e == OK && (strcmp(fresh->participant, a->grant->participant) != 0 ||
                    memcmp(fresh->district, a->grant->district, sizeof(fresh->district)) != 0))
        e = err_set(ERR_AUTH, _("the grant is another participant's"));
    if (e == OK)
        e = agent_check_grant_keys(a, fresh); /* taken, it would end this computer's own membership */
    if (e == OK && fresh->version < a->grant->version)
        e = err_set(ERR_VERSION, _("the hub offered an older grant than the one held; it was not taken"));
    if (e == OK)
        e = agent_meta_put(a, NULL, "grant", object);
    if (e != OK) {
        free(fresh);
        return e;
    }
    free(a->grant);
    a->grant = fresh;
    if (!agent_is_enrolled(a) || a->code[0] == '\0')
        return OK;
    wipe(a->code, sizeof(a->code)); /* the invitation has done its work */
    return agent_forget_code(a);
}

static enum err put_object(struct agent *a, struct store_txn *t, enum object_kind kind, const uint8_t d[DIGEST_BYTES],
                           struct bytes bytes)
{
    struct buf value;
    enum err e;

    buf_init(&value, SIGNED_MAX + 1);
    buf_put_u8(&value, (uint8_t)kind);
    buf_put(&value, bytes.p, bytes.len);
    e = buf_status(&value);
    if (e == OK)
        e = store_put(t, T_OBJECTS, bytes_of(d, DIGEST_BYTES), bytes_of(value.data, value.len));
    buf_fini(&value);
    (void)a;
    return e;
}

static const struct directory_object *find_listed(const struct agent *a, const uint8_t d[DIGEST_BYTES])
{
    for (uint32_t i = 0; i < a->directory->object_count; i++)
        if (memcmp(a->directory->objects[i].digest, d, DIGEST_BYTES) == 0)
            return &a->directory->objects[i];
    return NULL;
}

enum err agent_take_object(struct agent *a, const uint8_t digest_in[32], struct bytes bytes)
{
    const struct directory_object *o = find_listed(a, digest_in);
    struct store_txn *t = NULL;
    uint8_t real[DIGEST_BYTES];
    enum err e;

    digest(real, bytes);
    if (o == NULL || !digest_equal(real, digest_in))
        return err_set(ERR_INVALID, _("the hub sent something that its directory does not list"));
    if ((e = store_begin_write(a->store, &t)) != OK)
        return e;
    if ((e = put_object(a, t, o->kind, digest_in, bytes)) != OK) {
        store_abort(t);
        return e;
    }
    if ((e = store_commit(t)) != OK)
        return e;
    return reload_objects(a);
}

enum err agent_missing_object(const struct agent *a, size_t n, struct directory_object *out)
{
    struct store_txn *t = NULL;
    size_t seen = 0;
    enum err e = store_begin_read(a->store, &t);
    enum err found = ERR_NOT_FOUND;

    if (e != OK)
        return e;
    for (uint32_t i = 0; i < a->directory->object_count && found == ERR_NOT_FOUND; i++) {
        const struct directory_object *o = &a->directory->objects[i];
        bool is_wanted = o->is_current;
        struct bytes v;

        if (!is_wanted && (e = own_history_wants(t, o->digest, &is_wanted)) != OK) {
            found = e;
            break;
        }
        e = is_wanted ? store_get(t, T_OBJECTS, bytes_of(o->digest, DIGEST_BYTES), &v) : OK;
        if (e == ERR_NOT_FOUND && seen++ == n) {
            *out = *o;
            found = OK;
        } else if (e != OK && e != ERR_NOT_FOUND) {
            found = e;
        }
    }
    store_abort(t);
    return found;
}
