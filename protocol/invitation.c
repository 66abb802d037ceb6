#include "protocol/invitation.h"

#include "common/cli.h"
#include "protocol/armour.h"
#include "protocol/fields.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INVITATION_FIELDS 6u
#define NOTES_MAX         (16u << 10)

#define CODE_DOMAIN  "svodka invitation code v1"
#define CURVE_DOMAIN "svodka invitation curve v2"
#define MAC_DOMAIN   "svodka invitation mac v1"

static const struct armour file_kind = {.name = "invitation",
                                        .domain = "svodka invitation v1",
                                        .wrong = N_("This is not an invitation."),
                                        .max = INVITATION_MAX};

/* ---- what the code gives ---- */

/* Stretched: whoever poses as the door sees the public half of this key, and must not be able to try all codes. */
enum err invitation_curve(struct key **out, const char code[CODE_CHARS + 1], const uint8_t print[FINGERPRINT_BYTES])
{
    uint8_t stretched[KEY_BYTES], seed[KEY_BYTES];
    enum err e = code_stretch(stretched, code, print);

    if (e == OK) {
        derive(seed, stretched, CURVE_DOMAIN, bytes_of(print, FINGERPRINT_BYTES));
        e = key_from_seed(out, KEY_CURVE, seed);
    }
    wipe(stretched, sizeof(stretched));
    wipe(seed, sizeof(seed));
    return e;
}

void invitation_mac_key(uint8_t out[KEY_BYTES], const char code[CODE_CHARS + 1], const uint8_t district[DISTRICT_BYTES])
{
    uint8_t key[DIGEST_BYTES];

    digest_domain(key, CODE_DOMAIN, bytes_of(code, strlen(code)));
    derive(out, key, MAC_DOMAIN, bytes_of(district, DISTRICT_BYTES));
    wipe(key, sizeof(key));
}

/* ---- the array inside ---- */

static void put_array(struct buf *b, const struct invitation *i)
{
    mp_put_array(b, INVITATION_FIELDS);
    mp_put_cstr(b, i->code);
    mp_put_int(b, i->expires_ms);
    mp_put_bin(b, i->root, KEY_BYTES);
    mp_put_bin(b, i->directory.p, i->directory.len);
    mp_put_bin(b, i->grant.p, i->grant.len);
    mp_put_array(b, i->object_count);
    for (uint32_t k = 0; k < i->object_count; k++)
        mp_put_bin(b, i->objects[k].p, i->objects[k].len);
}

static enum err read_array(struct invitation *out, struct bytes array)
{
    char again[CODE_CHARS + 1];
    struct mp m = mp_of(array);
    size_t unknown = fields_begin(&m, INVITATION_FIELDS);

    mp_text(&m, out->code, CODE_CHARS, CODE_CHARS);
    out->expires_ms = fields_time(&m);
    mp_bin_exact(&m, out->root, KEY_BYTES);
    out->directory = mp_bin(&m, SIGNED_MAX);
    out->grant = mp_bin(&m, SIGNED_MAX);
    out->object_count = (uint32_t)mp_array(&m, 0, DIRECTORY_MAX_FORMS);
    for (uint32_t k = 0; k < out->object_count && !m.failed; k++)
        out->objects[k] = mp_bin(&m, DIRECTORY_OBJECT_MAX);
    fields_end(&m, unknown);
    if (!m.failed && (code_normalise(again, out->code) != OK || strcmp(again, out->code) != 0))
        m.failed = true;
    return fields_done(&m, "invitation");
}

static enum err check_objects(const struct invitation *i, const struct directory *d)
{
    uint8_t name[DIGEST_BYTES];

    for (uint32_t k = 0; k < i->object_count; k++) {
        digest(name, i->objects[k]);
        if (directory_find_object(d, name) == NULL)
            return err_set(ERR_AUTH, _("The invitation holds a form or calendar that its directory does not list."));
    }
    return OK;
}

/* Root, hub, participant and objects must be one chain. */
enum err invitation_check(const struct invitation *i)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct grant *g = calloc(1, sizeof(*g));
    enum err e = ERR_NOMEM;

    if (d == NULL || g == NULL)
        goto done;
    if ((e = directory_open(d, i->directory, i->root)) != OK || (e = grant_open(g, i->grant, d->hub_sign)) != OK)
        goto done;
    if (memcmp(d->district, g->district, DISTRICT_BYTES) != 0)
        e = err_set(ERR_AUTH, _("The invitation's directory and grant belong to different districts."));
    else
        e = check_objects(i, d);
done:
    free(g);
    free(d);
    return e;
}

/* ---- the text ---- */

static void put_for_people(struct buf *text, const struct invitation *i, const char *hub_name,
                           const char *participant_name)
{
    time_t seconds = (time_t)(i->expires_ms / 1000);
    char print[40], until[32] = "?";
    struct tm tm;

    fingerprint(print, i->root);
    if (localtime_r(&seconds, &tm) != NULL)
        (void)strftime(until, sizeof(until), "%d.%m.%Y", &tm);
    armour_note(text, "Приглашение: ", participant_name);
    armour_note(text, "Кто приглашает: ", hub_name);
    armour_note(text, "Действительно до: ", until);
    armour_note(text, "Отпечаток ключа района (сверьте с листом): ", print);
    armour_note(text, "Храните файл как пароль. ", "На компьютере школы: svodka-agent join ФАЙЛ");
    armour_note(text, "", "");
    if (localtime_r(&seconds, &tm) != NULL)
        (void)strftime(until, sizeof(until), "%Y-%m-%d", &tm);
    armour_note(text, "Invitation for: ", participant_name);
    armour_note(text, "Invited by: ", hub_name);
    armour_note(text, "Valid until: ", until);
    armour_note(text, "Fingerprint of the district's key (compare with the sheet): ", print);
    armour_note(text, "Keep this file like a password. ", "On the school's PC: svodka-agent join FILE");
}

enum err invitation_write(struct buf *text, const struct invitation *i, const char *hub_name,
                          const char *participant_name)
{
    struct invitation *again;
    struct buf array, notes;
    enum err e;

    if (i->object_count > DIRECTORY_MAX_FORMS)
        return err_set(ERR_LIMIT, "invitation: at most %u objects", DIRECTORY_MAX_FORMS);
    again = calloc(1, sizeof(*again));
    if (again == NULL)
        return ERR_NOMEM;
    buf_init(&array, INVITATION_MAX);
    buf_init(&notes, NOTES_MAX);
    put_array(&array, i);
    put_for_people(&notes, i, hub_name, participant_name);
    if ((e = buf_status(&array)) != OK || (e = buf_status(&notes)) != OK)
        goto done;
    if ((e = read_array(again, bytes_of(array.data, array.len))) != OK || (e = invitation_check(again)) != OK)
        e = e == ERR_NOMEM ? e : err_prefix(ERR_INVALID, "an invitation that nobody could use");
    else
        e = armour_write(text, &file_kind, bytes_of(notes.data, notes.len), bytes_of(array.data, array.len));
done:
    wipe(again, sizeof(*again));
    free(again);
    buf_wipe(&array);
    buf_fini(&notes);
    return e;
}

bool invitation_is(struct bytes text)
{
    return armour_is(&file_kind, text);
}

enum err invitation_read(struct invitation *out, struct buf *keep, struct bytes text)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = armour_read(keep, &file_kind, text)) == OK && (e = read_array(out, bytes_of(keep->data, keep->len))) == OK)
        e = invitation_check(out);
    if (e != OK) {
        wipe(out, sizeof(*out));
        buf_wipe(keep);
    }
    return e;
}
