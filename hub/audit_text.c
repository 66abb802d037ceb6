/* audit_text.c: what the codes and names in the audit are called.  The log itself holds codes: a Russian operator and
 * an English inspector read the same entry. */
#include "hub/audit.h"

#include "common/cli.h"

#include <string.h>

static const struct {
    const char *code, *words;
} actions[AUDIT_ACTIONS] = {
    [AUDIT_HUB_INIT] = {"hub.init", N_("hub made")},
    [AUDIT_SCHOOL_INVITE] = {"school.invite", N_("school invited")},
    [AUDIT_SCHOOL_ENROL] = {"school.enrol", N_("school enrolled")},
    [AUDIT_SCHOOL_HOLD] = {"school.hold", N_("school put on hold")},
    [AUDIT_SCHOOL_RELEASE] = {"school.release", N_("school's hold ended")},
    [AUDIT_SCHOOL_REVOKE] = {"school.revoke", N_("school's keys revoked")},
    [AUDIT_SCHOOL_REKEY] = {"school.rekey", N_("school invited anew")},
    [AUDIT_SCHOOL_CLOSE] = {"school.close", N_("school closed")},
    [AUDIT_SCHOOL_HISTORIES] = {"school.histories", N_("two histories of a school met")},
    [AUDIT_SCHOOL_FINISH] = {"school.finish", N_("an earlier computer of a school has given all it had")},
    [AUDIT_SCHOOL_TRY] = {"school.try", N_("a wrong code for a school's invitation")},
    [AUDIT_SCHOOL_LOCK] = {"school.lock", N_("invitation locked after wrong codes")},
    [AUDIT_SCHOOL_WORDS] = {"school.words", N_("the six words were compared, and are the same")},
    [AUDIT_SCHOOL_TAKEOUT] = {"school.takeout", N_("doubtful parcels taken out of the numbers")},
    [AUDIT_SCHOOL_KEEP] = {"school.keep", N_("doubtful parcels believed")},
    [AUDIT_PROGRAMME_LOAD] = {"programme.load", N_("programme loaded")},
    [AUDIT_RETURN_ACCEPT] = {"return.accept", N_("return accepted")},
    [AUDIT_RETURN_QUESTION] = {"return.question", N_("return asked back about")},
    [AUDIT_RETURN_WAIVE] = {"return.waive", N_("return waived")},
    [AUDIT_RETURN_EXTEND] = {"return.extend", N_("return extended")},
    [AUDIT_RETURN_UNDO] = {"return.undo", N_("waiver or extension taken back")},
    [AUDIT_RETURN_CALL] = {"return.call", N_("what waits at a school told by telephone")},
    [AUDIT_PERIOD_CLOSE] = {"period.close", N_("period closed")},
    [AUDIT_PERIOD_REOPEN] = {"period.reopen", N_("period opened again")},
    [AUDIT_PUBLISH_MAKE] = {"publish.make", N_("published")},
    [AUDIT_PUBLISH_OUT] = {"publish.out", N_("publication shown again")},
    [AUDIT_PUBLISH_WITHDRAW] = {"publish.withdraw", N_("publication withdrawn from schools")},
    [AUDIT_CHECKPOINT_FORGET] = {"checkpoint.forget", N_("later checkpoints forgotten")},
    [AUDIT_QUARANTINE_RELEASE] = {"quarantine.release", N_("released from quarantine")},
    [AUDIT_QUARANTINE_REJECT] = {"quarantine.reject", N_("rejected from quarantine")},
    [AUDIT_VIEW_INDICATORS] = {"view.indicators", N_("indicators looked at")},
    [AUDIT_VIEW_EXPLAIN] = {"view.explain", N_("explanation looked at")},
    [AUDIT_VIEW_QUARANTINE] = {"view.quarantine", N_("quarantine looked into")},
    [AUDIT_VIEW_QUESTIONS] = {"view.questions", N_("questions and answers looked at")},
    [AUDIT_VIEW_TABLE] = {"view.table", N_("table of a form looked at")},
    [AUDIT_EXPORT_SUBMISSIONS] = {"export.submissions", N_("submissions written out, raw")},
    [AUDIT_EXPORT_AUDIT] = {"export.audit", N_("audit written out")},
    [AUDIT_KEY_ROTATE] = {"key.rotate", N_("key changed")},
    [AUDIT_KEY_EXPORT] = {"key.export", N_("key written out")},
    [AUDIT_KEY_LOST] = {"key.lost", N_("key declared lost")},
    [AUDIT_KEY_DESTROY] = {"key.destroy", N_("key destroyed")},
    [AUDIT_KEY_FOUND] = {"key.found", N_("key found in the hub's folder")},
    [AUDIT_KEY_RESTORE] = {"key.restore", N_("key typed in from paper")},
    [AUDIT_BACKUP_WRITE] = {"backup.write", N_("backup written")},
    [AUDIT_BACKUP_CHECK] = {"backup.check", N_("backup checked, and entered in the register")},
    [AUDIT_BACKUP_CONFIRM] = {"backup.confirm", N_("backup confirmed")},
    [AUDIT_BACKUP_RESTORE] = {"backup.restore", N_("restored from a backup")},
    [AUDIT_BACKUP_DESTROYED] = {"backup.destroyed", N_("backup said to be destroyed, with its copies")},
    [AUDIT_ERASE_CLASS] = {"erase.class", N_("class and year erased")},
    [AUDIT_ERASE_RETURN] = {"erase.return", N_("content erased")},
    [AUDIT_BUNDLE_READ] = {"bundle.read", N_("bundle read")},
    [AUDIT_COMMENT_WRITE] = {"comment.write", N_("comment written beside an indicator")},
    [AUDIT_COMMENT_REMOVE] = {"comment.remove", N_("comment beside an indicator removed")},
};

static const struct {
    const char *name, *words;
} names[] = {
    {"act", N_("act:")},
    {"again", N_("again:")},
    {"aside", N_("packages put aside:")},
    {"audience", N_("for:")},
    {"breakdown", N_("part:")},
    {"by", N_("by:")},
    {"class", N_("class:")},
    {"count", N_("count:")},
    {"counted", N_("counted:")},
    {"doubtful", N_("doubtful packages:")},
    {"duplicate", N_("there already:")},
    {"entries", N_("entries:")},
    {"entry", N_("up to entry of the journal:")},
    {"file", N_("by a file:")},
    {"fingerprint", N_("fingerprint:")},
    {"forced", N_("forced:")},
    {"form", N_("form:")},
    {"generation", N_("history number:")},
    {"group", N_("group:")},
    {"indicator", N_("indicator:")},
    {"known", N_("packages known already:")},
    {"made", N_("made:")},
    {"new", N_("new packages:")},
    {"number", N_("number:")},
    {"period", N_("period:")},
    {"programme", N_("programme:")},
    {"quarantined", N_("kept apart:")},
    {"replaced", N_("replaced by something later:")},
    {"school", N_("school:")},
    {"step", N_("step:")},
    {"unit", N_("unit:")},
    {"until", N_("until:")},
    {"version", N_("version:")},
    {"whole", N_("whole:")},
    {"year", N_("year:")},
};

const char *audit_code(enum audit_action a)
{
    return a < AUDIT_ACTIONS ? actions[a].code : "";
}

const char *audit_words(const char *code)
{
    for (size_t i = 0; i < AUDIT_ACTIONS; i++)
        if (strcmp(actions[i].code, code) == 0)
            return _(actions[i].words);
    return code;
}

static void put_value(struct buf *out, const char *value, size_t len)
{
    if (len == 3 && memcmp(value, "yes", 3) == 0)
        buf_put_str(out, _("yes"));
    else if (len == 2 && memcmp(value, "no", 2) == 0)
        buf_put_str(out, _("no"));
    else
        buf_put(out, value, len);
}

static void put_pair(struct buf *out, const char *line, size_t len)
{
    const char *equals = memchr(line, '=', len);
    size_t name = equals == NULL ? 0 : (size_t)(equals - line);
    size_t i = 0;

    if (equals == NULL || name + 1 == len) { /* no value: nothing to say */
        if (equals == NULL)
            buf_put(out, line, len);
        return;
    }
    while (i < sizeof(names) / sizeof(names[0]) &&
           (strlen(names[i].name) != name || memcmp(names[i].name, line, name) != 0))
        i++;
    if (i < sizeof(names) / sizeof(names[0])) {
        buf_printf(out, "%s ", _(names[i].words));
    } else {
        buf_put(out, line, name);
        buf_put_str(out, ": ");
    }
    put_value(out, equals + 1, len - name - 1);
}

void audit_put_detail(struct buf *out, const char *detail)
{
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
