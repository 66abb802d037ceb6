/* audit_text.c: what the codes and names in the audit are called.  The log itself holds codes: a Russian operator and
 * an English inspector read the same entry. */
#include "hub/audit.h"

#include "common/cli.h"

#include <string.h>

static const struct {
    const char *code, *words;
} actions[AUDIT_ACTIONS] = {
    [AUDIT_OTHER] = {"other", N_("a note")},
    [AUDIT_HUB_INIT] = {"hub.init", N_("hub made")},
    [AUDIT_SCHOOL_INVITE] = {"school.invite", N_("school invited")},
    [AUDIT_SCHOOL_ENROL] = {"school.enrol", N_("school enrolled")},
    [AUDIT_SCHOOL_HOLD] = {"school.hold", N_("school put on hold")},
    [AUDIT_SCHOOL_RELEASE] = {"school.release", N_("school's hold ended")},
    [AUDIT_SCHOOL_REVOKE] = {"school.revoke", N_("school's keys revoked")},
    [AUDIT_SCHOOL_REKEY] = {"school.rekey", N_("school invited anew")},
    [AUDIT_SCHOOL_CLOSE] = {"school.close", N_("school closed")},
    [AUDIT_SCHOOL_HISTORIES] = {"school.histories", N_("two histories of a school met")},
    [AUDIT_PROGRAMME_LOAD] = {"programme.load", N_("programme loaded")},
    [AUDIT_RETURN_ACCEPT] = {"return.accept", N_("return accepted")},
    [AUDIT_RETURN_QUESTION] = {"return.question", N_("return asked back about")},
    [AUDIT_PERIOD_CLOSE] = {"period.close", N_("period closed")},
    [AUDIT_PERIOD_REOPEN] = {"period.reopen", N_("period opened again")},
    [AUDIT_PUBLISH_MAKE] = {"publish.make", N_("published")},
    [AUDIT_PUBLISH_OUT] = {"publish.out", N_("publication shown again")},
    [AUDIT_CHECKPOINT_FORGET] = {"checkpoint.forget", N_("later checkpoints forgotten")},
    [AUDIT_QUARANTINE_RELEASE] = {"quarantine.release", N_("released from quarantine")},
    [AUDIT_QUARANTINE_REJECT] = {"quarantine.reject", N_("rejected from quarantine")},
    [AUDIT_VIEW_INDICATORS] = {"view.indicators", N_("indicators looked at")},
    [AUDIT_VIEW_EXPLAIN] = {"view.explain", N_("explanation looked at")},
    [AUDIT_VIEW_TABLE] = {"view.table", N_("table looked at")},
    [AUDIT_VIEW_QUARANTINE] = {"view.quarantine", N_("quarantine looked into")},
    [AUDIT_EXPORT_SUBMISSIONS] = {"export.submissions", N_("submissions written out, raw")},
    [AUDIT_EXPORT_AUDIT] = {"export.audit", N_("audit written out")},
    [AUDIT_EXPORT_REGISTER] = {"export.register", N_("register written out")},
    [AUDIT_KEY_ROTATE] = {"key.rotate", N_("key changed")},
    [AUDIT_KEY_EXPORT] = {"key.export", N_("key written out")},
    [AUDIT_KEY_LOST] = {"key.lost", N_("key declared lost")},
    [AUDIT_BACKUP_WRITE] = {"backup.write", N_("backup written")},
    [AUDIT_BACKUP_CONFIRM] = {"backup.confirm", N_("backup confirmed")},
    [AUDIT_BACKUP_RESTORE] = {"backup.restore", N_("restored from a backup")},
    [AUDIT_ERASE_CLASS] = {"erase.class", N_("class and year erased")},
    [AUDIT_ERASE_RETURN] = {"erase.return", N_("content erased")},
    [AUDIT_BUNDLE_READ] = {"bundle.read", N_("bundle read")},
    [AUDIT_BUNDLE_WRITE] = {"bundle.write", N_("bundle written")},
};

static const struct {
    const char *name, *words;
} names[] = {
    {"act", N_("act:")},
    {"audience", N_("for:")},
    {"breakdown", N_("part:")},
    {"by", N_("by:")},
    {"class", N_("class:")},
    {"count", N_("count:")},
    {"entries", N_("entries:")},
    {"fingerprint", N_("fingerprint begins:")},
    {"forced", N_("forced:")},
    {"form", N_("form:")},
    {"generation", N_("history number:")},
    {"group", N_("group:")},
    {"indicator", N_("indicator:")},
    {"number", N_("number:")},
    {"period", N_("period:")},
    {"programme", N_("programme:")},
    {"school", N_("school:")},
    {"unit", N_("unit:")},
    {"until", N_("until:")},
    {"version", N_("version:")},
    {"year", N_("year:")},
};

const char *audit_code(enum audit_action a)
{
    return actions[a < AUDIT_ACTIONS ? a : AUDIT_OTHER].code;
}

const char *audit_words(const char *code)
{
    for (size_t i = 0; i < AUDIT_ACTIONS; i++)
        if (strcmp(actions[i].code, code) == 0)
            return _(actions[i].words);
    return code;
}

static void put_pair(struct buf *out, const char *line, size_t len)
{
    const char *equals = memchr(line, '=', len);
    size_t name = equals == NULL ? 0 : (size_t)(equals - line);

    if (equals == NULL || name + 1 == len) { /* no value: nothing to say */
        if (equals == NULL)
            buf_put(out, line, len);
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i].name) == name && memcmp(names[i].name, line, name) == 0) {
            buf_printf(out, "%s ", _(names[i].words));
            buf_put(out, equals + 1, len - name - 1);
            return;
        }
    buf_put(out, line, name);
    buf_put_str(out, ": ");
    buf_put(out, equals + 1, len - name - 1);
}

void audit_put_detail(struct buf *out, const char *code, const char *detail)
{
    if (strcmp(code, actions[AUDIT_OTHER].code) == 0) {
        buf_put_str(out, detail);
        return;
    }
    while (*detail != '\0') {
        size_t len = strcspn(detail, "\n");
        size_t before = out->len;

        put_pair(out, detail, len);
        detail += len + (detail[len] == '\n' ? 1 : 0);
        if (out->len > before && *detail != '\0')
            buf_put_str(out, "; ");
    }
    while (out->len >= 2 && memcmp(out->data + out->len - 2, "; ", 2) == 0) /* the last ones had no value */
        out->len -= 2;
}
