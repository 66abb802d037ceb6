#include "protocol/join_file.h"

#include "common/cli.h"
#include "protocol/armour.h"
#include "protocol/fields.h"

#include <string.h>

#define REQUEST_FIELDS 3u
#define GRANT_FIELDS   2u
#define NOTES_MAX      (16u << 10)

static const struct armour request_kind = {.name = "request",
                                           .domain = "svodka request file v1",
                                           .wrong = N_("This is not a request to join."),
                                           .max = JOIN_REQUEST_MAX};
static const struct armour grant_kind = {.name = "grant",
                                         .domain = "svodka grant file v1",
                                         .wrong = N_("This is not the district's answer to a request to join."),
                                         .max = JOIN_GRANT_MAX};

static enum err write_file(struct buf *text, const struct armour *k, const struct buf *notes, const struct buf *body)
{
    enum err e = buf_status(body);

    if (e == OK)
        e = buf_status(notes);
    return e == OK ? armour_write(text, k, bytes_of(notes->data, notes->len), bytes_of(body->data, body->len)) : e;
}

/* ---- up ---- */

enum err join_request_write(struct buf *text, const struct join_request *r, const char *participant_name,
                            const char *hub_name)
{
    struct buf notes, body;
    enum err e;

    buf_init(&notes, NOTES_MAX);
    buf_init(&body, (size_t)2 * ENROL_MAX);
    armour_note(&notes, "Просьба о подключении: ", participant_name);
    armour_note(&notes, "Кому: ", hub_name);
    armour_note(&notes, "Отдел образования: ", "svodka-hub school accept ФАЙЛ --grant ОТВЕТ");
    armour_note(&notes, "", "");
    armour_note(&notes, "A request to join, from: ", participant_name);
    armour_note(&notes, "For: ", hub_name);
    armour_note(&notes, "At the district office: ", "svodka-hub school accept FILE --grant ANSWER");
    mp_put_array(&body, REQUEST_FIELDS);
    mp_put_bin(&body, r->district, DISTRICT_BYTES);
    mp_put_cstr(&body, r->participant);
    mp_put_bin(&body, r->sealed.p, r->sealed.len);
    e = write_file(text, &request_kind, &notes, &body);
    buf_fini(&notes);
    buf_fini(&body);
    return e;
}

enum err join_request_read(struct join_request *out, struct buf *keep, struct bytes text)
{
    struct mp m;
    size_t unknown;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = armour_read(keep, &request_kind, text)) != OK)
        return e;
    m = mp_of(bytes_of(keep->data, keep->len));
    unknown = fields_begin(&m, REQUEST_FIELDS);
    mp_bin_exact(&m, out->district, DISTRICT_BYTES);
    fields_id(&m, out->participant);
    out->sealed = mp_bin(&m, ENROL_MAX);
    fields_end(&m, unknown);
    if ((e = fields_done(&m, "request file")) != OK) {
        memset(out, 0, sizeof(*out));
        buf_reset(keep);
    }
    return e;
}

/* ---- down ---- */

enum err join_grant_write(struct buf *text, const struct join_grant *g, const char *participant_name,
                          const char *hub_name)
{
    struct buf notes, body;
    enum err e;

    buf_init(&notes, NOTES_MAX);
    buf_init(&body, JOIN_GRANT_MAX);
    armour_note(&notes, "Ответ отдела образования на просьбу о подключении: ", participant_name);
    armour_note(&notes, "Кто отвечает: ", hub_name);
    armour_note(&notes, "На компьютере школы: ", "svodka-agent join --grant ФАЙЛ");
    armour_note(&notes, "", "");
    armour_note(&notes, "The district's answer to a request to join, for: ", participant_name);
    armour_note(&notes, "From: ", hub_name);
    armour_note(&notes, "On the school's PC: ", "svodka-agent join --grant FILE");
    mp_put_array(&body, GRANT_FIELDS);
    mp_put_bin(&body, g->directory.p, g->directory.len);
    mp_put_bin(&body, g->grant.p, g->grant.len);
    e = write_file(text, &grant_kind, &notes, &body);
    buf_fini(&notes);
    buf_fini(&body);
    return e;
}

enum err join_grant_read(struct join_grant *out, struct buf *keep, struct bytes text)
{
    struct mp m;
    size_t unknown;
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = armour_read(keep, &grant_kind, text)) != OK)
        return e;
    m = mp_of(bytes_of(keep->data, keep->len));
    unknown = fields_begin(&m, GRANT_FIELDS);
    out->directory = mp_bin(&m, SIGNED_MAX);
    out->grant = mp_bin(&m, SIGNED_MAX);
    fields_end(&m, unknown);
    if ((e = fields_done(&m, "grant file")) != OK) {
        memset(out, 0, sizeof(*out));
        buf_reset(keep);
    }
    return e;
}
