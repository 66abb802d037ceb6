#include "hub/commands.h"

#include "hub/ledger.h"
#include "protocol/join_file.h"
#include "protocol/six_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct accept {
    const char *file, *answer; /* answer: NULL: none is written */
    struct join_request request;
    struct buf keep, grant;
    struct enrolment result;
};

/* What the person at the office is told, in their language: the core's words are for the log. */
static enum err explain(const struct accept *a, bool is_known, uint32_t tries, enum err e)
{
    const char *id = a->request.participant;

    if (e == ERR_NOMEM || e == ERR_IO || e == ERR_FULL || e == ERR_BUSY || e == ERR_CORRUPT || e == ERR_INTERNAL)
        return e;
    if (a->result.is_wrong_code && tries + 1 < REGISTRY_TRIES)
        return err_set(e,
                       _("%s: the request of %s was made with another code than that of its invitation: an older "
                         "invitation, or somebody else. Wrong tries: %u of %u; then the invitation is locked."),
                       a->file, id, tries + 1, REGISTRY_TRIES);
    if (a->result.is_wrong_code || a->result.refusal == MERR_INVITATION_LOCKED)
        return err_set(
            e,
            _("%s: the invitation of %s is locked after five wrong tries; make another one: svodka-hub school "
              "invite %s"),
            a->file, id, id);
    if (a->result.refusal == MERR_INVITATION_USED)
        return err_set(e,
                       _("%s: %s has joined already with another computer. If that was not the school, hold it; a new "
                         "computer needs svodka-hub school rekey %s"),
                       a->file, id, id);
    if (a->result.refusal == MERR_INVITATION_EXPIRED)
        return err_set(e, _("%s: the invitation of %s has expired; make another one: svodka-hub school invite %s"),
                       a->file, id, id);
    if (!is_known)
        return err_set(e, _("%s: there is no school %s here"), a->file, id);
    return err_set(e,
                   _("%s: this request cannot be opened with the keys of this hub, or was altered; ask %s to write it "
                     "again"),
                   a->file, id);
}

static enum err enrol_in(struct hub *h, struct store_txn *t, struct accept *a)
{
    char who[80];
    enum err e;

    command_user(who, sizeof(who));
    buf_reset(&a->grant);
    a->result = (struct enrolment){.participant = a->request.participant,
                                   .sealed = a->request.sealed,
                                   .from = REGISTRY_FROM_FILE,
                                   .who = who,
                                   .grant = &a->grant};
    if ((e = registry_enrol(h, t, &a->result)) == OK && a->result.was_known) /* its answer goes out once more */
        e = hub_audit_do(h, t, who, AUDIT_SCHOOL_ENROL, a->request.participant, "again=yes\nfile=yes");
    a->result.who = NULL;
    return e;
}

static enum err count_wrong_try(struct hub *h, const char *id)
{
    struct store_txn *t = NULL;
    enum err e = command_begin(h, &t);

    return e == OK ? command_finish(h, t, registry_wrong_try(h, t, id)) : e;
}

static enum err enrol(struct hub *h, struct accept *a)
{
    struct store_txn *t = NULL;
    uint32_t tries = 0;
    const struct participant *p;
    enum err e = command_begin(h, &t);

    if (e != OK)
        return e;
    if ((p = registry_by_id(h->registry, a->request.participant)) != NULL)
        tries = p->tries;
    e = command_finish(h, t, enrol_in(h, t, a));
    if (e == OK)
        return OK;
    e = explain(a, p != NULL, tries, e);
    if (a->result.is_wrong_code) {
        char text[1024];

        (void)snprintf(text, sizeof(text), "%s", err_text());
        if (count_wrong_try(h, a->request.participant) == OK)
            e = err_set(e, "%s", text);
    }
    return e;
}

static enum err write_answer(const struct hub *h, const struct accept *a)
{
    const struct join_grant g = {.directory = bytes_of(h->directory_object.data, h->directory_object.len),
                                 .grant = bytes_of(a->grant.data, a->grant.len)};
    const struct participant *p = registry_by_id(h->registry, a->request.participant);
    struct buf text;
    enum err e;

    if (a->answer == NULL)
        return OK;
    buf_init(&text, JOIN_GRANT_MAX);
    if ((e = join_grant_write(&text, &g, p == NULL ? a->request.participant : p->grant.name, h->conf.name)) == OK)
        e = cli_write_file(a->answer, text.data, text.len, 0600, true);
    buf_fini(&text);
    return e;
}

static void say(const struct hub *h, const struct accept *a)
{
    const struct participant *p = registry_by_id(h->registry, a->request.participant);
    char print[FINGERPRINT_CHARS + 1], words[SIX_WORDS_MAX];

    if (p == NULL)
        return;
    if (a->result.was_known)
        (void)printf(_("%s (%s) had joined by this request before; nothing has changed.\n"), p->grant.name, p->id);
    else
        (void)printf(_("%s (%s) has joined.\n"), p->grant.name, p->id);
    fingerprint(print, p->grant.sign_key);
    (void)printf(_("Fingerprint of its key: %s\n"), print);
    if (p->has_transcript) {
        six_words(words, p->transcript, cli_is_russian());
        (void)printf(_("Six words, to be compared by telephone: %s\n"), words);
    }
    if (a->answer != NULL)
        (void)printf(
            _("The answer is in %s: send it to the school, which reads it in with svodka-agent join --grant.\n"),
            a->answer);
    else
        (void)printf("%s\n", _("No answer was written (--grant FILE): the school learns of it when it has a line."));
}

static enum err read_request(struct hub *h, struct accept *a)
{
    void *text = NULL;
    size_t len = 0;
    enum err e = cli_read_file(a->file, JOIN_REQUEST_MAX, &text, &len);

    if (e == OK && (e = join_request_read(&a->request, &a->keep, bytes_of(text, len))) != OK)
        e = err_prefix(e, "%s", a->file);
    free(text);
    if (e == OK && memcmp(a->request.district, h->district, DISTRICT_BYTES) != 0)
        e = err_set(ERR_AUTH, _("%s: this request is for another district's hub, not for %s"), a->file, h->conf.name);
    return e;
}

static enum err accept_file(struct hub *h, struct accept *a)
{
    enum err e = read_request(h, a);

    if (e == OK && (e = enrol(h, a)) == OK && (e = write_answer(h, a)) == OK)
        say(h, a);
    return e;
}

int cmd_school_accept(int argc, char **argv)
{
    const char *home = NULL;
    struct accept a = {.answer = NULL};
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"grant", 0, N_("FILE"), N_("where the answer for the school goes"), &a.answer},
        LAST_OPTION};
    struct hub *h = NULL;
    int code;
    enum err e;

    if (cli_parse(command_named("school accept"), options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    a.file = argv[0];
    buf_init(&a.keep, JOIN_REQUEST_MAX);
    buf_init(&a.grant, SIGNED_MAX);
    if ((e = command_open(&h, home, HUB_WRITE)) == OK)
        e = accept_file(h, &a);
    buf_fini(&a.keep);
    buf_fini(&a.grant);
    code = cli_fail(e);
    hub_close(h, true); /* a refusal, too, may have counted a wrong try */
    return code;
}
