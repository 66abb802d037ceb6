#include "agent/commands.h"
#include "common/cli.h"
#include "common/log.h"
#include "protocol/keys.h"

#define PROGRAM "svodka-agent"

static const struct cli_command commands[] = {
    {"join", "INVITE-FILE|CODE|LINE --home DIR [--offline FILE] | --grant FILE",
     N_("begin: make a home out of the district's invitation"), cmd_join},
    {"forms", "[FORM [--template FILE.csv]]", N_("what is collected, and what a form asks"), cmd_forms},
    {"submit", "FORM --period P [--unit U] [--json FILE|-]", N_("fill in a form"), cmd_submit},
    {"import", "FORM --period P --csv FILE | --xlsx FILE [--map MAP] [--replace]", N_("submit the rows of a table"),
     cmd_import},
    {"session open", "FORM --period P --name NAME [--group G] [--expected N]",
     N_("begin a stack of anonymous questionnaires"), cmd_session_open},
    {"session list", "[FORM] [--period P] [--all]", N_("the stacks, and how many sheets are in"), cmd_session_list},
    {"session show", "NAME", N_("one stack, and what of it can be seen"), cmd_session_show},
    {"session close", "NAME", N_("all sheets are in: send what is left of the stack"), cmd_session_close},
    {"session withdraw", "NAME --reason TEXT", N_("take a whole stack back"), cmd_session_withdraw},
    {"correct", "ID|FORM [--key K] [--period P] --reason TEXT [--set FIELD=VALUE...]",
     N_("change something that was submitted"), cmd_correct},
    {"retract", "ID|FORM [--key K | --all] [--period P] --reason TEXT", N_("withdraw something that was submitted"),
     cmd_retract},
    {"return", "FORM --period P [--complete|--partial|--nothing] [--approve NAME] [--print FILE]",
     N_("how the return of a form stands: show it, mark it, print it to be signed"), cmd_return},
    {"queue", "[FORM] [--period P] [--all]", N_("what still waits to be sent"), cmd_queue},
    {"waits", "", N_("what waits, with codes to read out when there is no line"), cmd_waits},
    {"history", "[FORM] [--period P] [--values]", N_("everything that was submitted from here"), cmd_history},
    {"sync", "", N_("send what waits and fetch what is new, once"), cmd_sync},
    {"run", "", N_("stay and sync at the agreed hours"), cmd_run},
    {"bundle write", "FILE|FOLDER", N_("put what waits into a file for a stick or a mail"), cmd_bundle_write},
    {"bundle receipt", "FILE|FOLDER...", N_("take the district's answer from a file"), cmd_bundle_receipt},
    {"status", "[--read]", N_("how things stand, and what the district says"), cmd_status},
    {"questions", "[--all]", N_("what the district asks about what was sent"), cmd_questions},
    {"answer", "QUESTION --checked --remark TEXT", N_("answer a question: it was checked, and is correct"), cmd_answer},
    {"indicators", "[--period P] [--xlsx FILE] [--html FILE]", N_("this school beside the district, as published"),
     cmd_indicators},
    {"receipt", "ID | FORM --period P [--out FILE] | --check FILE --root F",
     N_("what the district confirmed about a submission"), cmd_receipt},
    {"doctor", "[--offline]", N_("what could keep your work from arriving, and what to do about it"), cmd_doctor},
    {"handover", "[--print FILE.html]", N_("what a new deputy head must know"), cmd_handover},
    {"codes", "FORM [--unit U]", N_("who stands behind each code of a form's rows: known here alone"), cmd_codes},
    {"codes name", "FORM CODE NAME", N_("write down who a code is"), cmd_codes_name},
    {"codes rename", "FORM CODE NEW", N_("a code was wrong: what is to be corrected"), cmd_codes_rename},
    {"codes merge", "FORM CODE INTO", N_("two codes are one person: what is to be corrected"), cmd_codes_merge},
    {"people", "", N_("those who enter at this school: names that stay here"), cmd_people},
    {"people add", "NAME [--code C]", N_("write somebody into the list"), cmd_people_add},
    {"people remove", "NAME|CODE", N_("take somebody out of it"), cmd_people_remove},
    {"verify", "[--with-hub]", N_("check that everything stored here is whole"), cmd_verify},
    {"backup", "FILE | --new-code", N_("copy this whole computer into one encrypted file"), cmd_backup},
    {"restore", "FILE --home DIR", N_("make a home again out of such a copy"), cmd_restore},
    {NULL, NULL, NULL, NULL}};

int main(int argc, char **argv)
{
    enum err e;

    cli_start(PROGRAM);
    log_init("agent", LOG_NOTICE);
    if ((e = keys_start()) != OK)
        return cli_fail(e);
    return cli_dispatch(PROGRAM, commands, argc, argv);
}
