#include "agent/cmd_common.h"

#include "agent/self_copy.h"
#include "common/ask.h"

#include <stdlib.h>
#include <string.h>

#define CODE_FILE_MAX 1024u

/* ---- backup ---- */

enum err command_show_code(struct agent *a)
{
    char code[COPY_CODE_CHARS + 1];
    enum err e = self_copy_new_code(a, code);

    if (e == OK)
        (void)printf(
            _("Recovery code of the copies of this computer:\n\n    %s\n\nWrite it on the sheet and put it into "
              "the safe. It is shown this once and kept nowhere; without it no copy opens.\n"),
            code);
    wipe(code, sizeof(code));
    return e;
}

static enum err back_up(struct agent *a, const char *path)
{
    struct self_copy_made made;
    char size[40];
    enum err e = self_copy_write(a, path, &made);

    if (e != OK)
        return e;
    cli_format_bytes(size, sizeof(size), made.bytes);
    (void)printf(
        _("Copy of this computer: %s, %s, read back and whole. It opens with the recovery code in the safe.\n"), path,
        size);
    return OK;
}

int cmd_backup(int argc, char **argv)
{
    static const struct cli_command self = {
        "backup", "FILE | --new-code",
        N_("Writes everything of this computer into one encrypted file, best on a stick: what was entered, drafts, "
           "history and keys. An older copy of this computer under that name is replaced."),
        cmd_backup};
    const char *home = NULL;
    const char *new_code = NULL;
    const struct cli_option options[] = {
        {"new-code", 0, NULL, N_("make another recovery code: later copies open with it alone"), &new_code},
        OPTION_HOME(&home),
        OPTION_END};
    struct agent *a = NULL;
    int count = cli_parse(&self, options, argc, argv, 0, 1);
    enum err e;

    if (count < 0)
        return cli_exit_code();
    if (count == 0 && new_code == NULL)
        return cli_fail(err_set(ERR_USAGE, _("a file is expected: where is the copy to be written?")));
    if ((e = command_open(&a, home)) == OK && new_code != NULL)
        e = command_show_code(a);
    if (e == OK && count == 1)
        e = back_up(a, argv[0]);
    agent_close(a);
    return cli_fail(e);
}

/* ---- restore ---- */

static enum err read_code(const char *file, char *out, size_t size)
{
    void *text = NULL;
    size_t len = 0;
    enum err e;

    if (file == NULL)
        return ask_line(_("Recovery code from the sheet: "), out, size);
    if ((e = cli_read_file(file, size - 1, &text, &len)) == OK) {
        memcpy(out, text, len + 1); /* with the NUL that follows */
        wipe(text, len);
    }
    free(text);
    return e;
}

static enum err restore(const char *path, const char *home, const char *code_file)
{
    char code[CODE_FILE_MAX];
    char when[64];
    int64_t made_ms = 0;
    enum err e = read_code(code_file, code, sizeof(code));

    if (e == OK)
        e = self_copy_restore(path, home, code, &made_ms);
    wipe(code, sizeof(code));
    if (e != OK)
        return e;
    cli_format_time(when, sizeof(when), made_ms);
    (void)printf(_("Restored in %s from the copy of %s.\n"), home, when);
    (void)printf("%s\n", _("Work can go on at once, also without a line. What the district received after that copy is "
                           "compared at the next meeting; nothing is counted twice. The old computer's folder must not "
                           "be used any more."));
    return OK;
}

int cmd_restore(int argc, char **argv)
{
    static const struct cli_command self = {
        "restore", "FILE --home DIR [--code-file F]",
        N_("Makes the agent's home again out of a copy, with the recovery code from the safe."), cmd_restore};
    const char *home = NULL;
    const char *code_file = NULL;
    const char *dir = NULL;
    const struct cli_option options[] = {
        {"home", 0, N_("DIR"), N_("the folder to make; it must not exist, or be empty"), &home},
        {"code-file", 0, N_("FILE"), N_("read the recovery code from this file instead of asking for it"), &code_file},
        OPTION_END};
    enum err e;

    if (cli_parse(&self, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = cli_home(home, &dir)) == OK)
        e = restore(argv[0], dir, code_file);
    return cli_fail(e);
}
