#include "hub/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Nobody is asked who cannot answer: a script without --root-passphrase-file gets an unlocked key, and is told. */
static enum err ask_for_passphrase(struct passphrase *p, const char *file, bool *has)
{
    *has = file != NULL || isatty(STDIN_FILENO) != 0;
    return *has ? passphrase_get(p, file, true) : OK;
}

static void say_root_key(const char *home, bool is_locked)
{
    if (is_locked)
        (void)printf(
            _("The root key is %s/keys/root.key.locked, locked with your passphrase; that it opens again was tried. "
              "Print "
              "it (svodka-hub key export root --paper FILE.html), copy it to a memory stick, then delete it here: the "
              "hub does not need it from day to day. What goes into which envelope is printed by: svodka-hub key "
              "export envelopes --paper FILE.html\n"),
            home);
    else
        (void)printf(_("The root key is %s/keys/root.key and NOT locked. Print it (svodka-hub key export root --paper "
                       "FILE.html), "
                       "copy it to a memory stick, then delete it here: whoever has it can pose as this hub. (With "
                       "--root-passphrase-file it would have been locked.)\n"),
                     home);
}

static enum err say_identity(const char *home, bool is_locked)
{
    struct hub *h = NULL;
    char text[40];
    enum err e = hub_open(&h, home, HUB_READ);

    if (e != OK)
        return e;
    fingerprint(text, h->root);
    (void)printf(_("The hub \"%s\" is ready in %s.\n"), h->conf.name, home);
    (void)printf(_("Fingerprint of its root key: %s\n"), text);
    (void)printf(_("Every invitation sheet shows this fingerprint; schools compare it when they join.\n"));
    say_root_key(home, is_locked);
    (void)printf(_("Next: svodka-hub programme load DIR, svodka-hub school add ID --name NAME --invite FILE, "
                   "svodka-hub serve.\n"));
    hub_close(h, false);
    return OK;
}

int cmd_init(int argc, char **argv)
{
    const char *home = NULL, *name = NULL, *passphrase = NULL;
    const struct cli_command *c = command_named("init");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"name", 0, N_("NAME"), N_("the district's name, as schools see it"), &name},
        {"listen", 0, N_("URL"), N_("tcp://HOST:PORT to listen at; may be given several times"), NULL},
        {"announce", 0, N_("URL"),
         N_("tcp://HOST:PORT that schools connect to, when it is not the one to listen at; several times"), NULL},
        {"root-passphrase-file", 0, N_("FILE"), N_("lock the root key with the passphrase in this file"), &passphrase},
        LAST_OPTION};
    struct command_list listen_urls = {.count = 0};
    struct command_list announce_urls = {.count = 0};
    struct passphrase words;
    struct hub_init init;
    bool is_locked = false;
    enum err e = command_take_list(options, "listen", &argc, argv, &listen_urls);

    if (e == OK)
        e = command_take_list(options, "announce", &argc, argv, &announce_urls);
    if (e != OK)
        return cli_fail(e);
    if (cli_parse(c, options, argc, argv, 0, 0) < 0)
        return cli_exit_code();
    if ((e = cli_home(home, &home)) != OK)
        return cli_fail(e);
    if (name == NULL)
        return cli_fail(err_set(ERR_USAGE, _("--name is missing: the district's name, as schools see it")));
    if (listen_urls.count == 0)
        return cli_fail(err_set(ERR_USAGE, _("--listen is missing: tcp://HOST:PORT, where schools reach this hub")));
    init = (struct hub_init){.name = name,
                             .listen = listen_urls.items,
                             .listen_count = listen_urls.count,
                             .announce = announce_urls.items,
                             .announce_count = announce_urls.count};
    if ((e = ask_for_passphrase(&words, passphrase, &is_locked)) != OK)
        return cli_fail(e);
    init.root_passphrase = is_locked ? &words : NULL;
    if ((e = hub_create(home, &init)) == OK)
        e = say_identity(home, is_locked);
    passphrase_wipe(&words);
    return cli_fail(e);
}
