#include "hub/commands.h"

#include <stdio.h>
#include <string.h>

static void say_root_key(const char *home, bool is_locked)
{
    if (is_locked)
        (void)printf(
            _("The root key is %s/keys/root.key.locked, locked with your passphrase. Copy it to two memory sticks "
              "that lie in different places, then delete it here: the hub does not need it from day to day.\n"),
            home);
    else
        (void)printf(
            _("The root key is %s/keys/root.key and NOT locked. Copy it to two memory sticks that lie in different "
              "places, then delete it here: whoever has it can pose as this hub. (With --root-passphrase-file "
              "it would have been locked.)\n"),
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
    const char *home = NULL, *name = NULL, *passphrase = NULL, *door = NULL, *telephone = NULL;
    const struct cli_command *c = command_named("init");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"name", 0, N_("NAME"), N_("the district's name, as schools see it"), &name},
        {"listen", 0, N_("URL"), N_("tcp://HOST:PORT to listen at; may be given several times"), NULL},
        {"announce", 0, N_("URL"),
         N_("tcp://HOST:PORT that schools connect to, when it is not the one to listen at; several times"), NULL},
        {"door", 0, N_("URL"),
         N_("tcp://HOST:PORT at which schools join by the code of their sheet (default: none, they need the file)"),
         &door},
        {"telephone", 0, N_("NUMBER"), N_("whom schools call; stands on every sheet"), &telephone},
        {"root-passphrase-file", 0, N_("FILE"), N_("lock the root key with the passphrase in this file"), &passphrase},
        LAST_OPTION};
    struct command_list listen_urls = {.count = 0};
    struct command_list announce_urls = {.count = 0};
    struct hub_init init;
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
                             .announce_count = announce_urls.count,
                             .door = door,
                             .telephone = telephone,
                             .root_passphrase_file = passphrase};
    if ((e = hub_create(home, &init)) == OK)
        e = say_identity(home, passphrase != NULL);
    return cli_fail(e);
}
