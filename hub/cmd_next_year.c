/* programme next-year: the next version of a programme, and what a person must decide for it. */
#include "hub/commands.h"

#include "common/clock.h"
#include "common/folder.h"
#include "hub/next_year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_NAME "next-year.tmp"

/* What was done and what is to be decided, in the order of the three headings. */
struct said {
    struct buf lines[3];
    unsigned counts[3];
};

static void say(void *ctx, enum next_year_what what, const char *text)
{
    struct said *s = ctx;

    buf_printf(&s->lines[what], "  %s\n", text);
    s->counts[what]++;
}

static void print_said(struct said *s)
{
    const char *const headings[3] = {[NEXT_MADE] = _("Made:"),
                                     [NEXT_DECIDE] = _("To be decided by you, in the next version or later:"),
                                     [NEXT_LEFT] = _("Left as it is, because its dates were meant for their year:")};

    for (size_t i = 0; i < 3; i++)
        if (s->counts[i] > 0)
            (void)printf("%s\n%s", headings[i], buf_cstr(&s->lines[i]));
    (void)printf("%s\n", _("Going on by themselves: rules of the calendar, yearly measures, predefined periods, the "
                           "roster."));
}

static enum err read_year(const char *text, int *year)
{
    struct calendar *c = NULL;
    struct period p;
    enum err e;

    *year = next_year_of(clock_today());
    if (text == NULL)
        return OK;
    if ((e = calendar_new(&c)) == OK && (e = calendar_find(c, "school_year", text, &p)) == OK)
        *year = school_year_of(p.first);
    calendar_free(c);
    return e;
}

static enum err make(struct hub *h, const char *id, int year, struct pack *out, struct said *said)
{
    struct calendar *calendar = NULL;
    struct store_txn *t = NULL;
    struct pack stored = {NULL, 0};
    enum err e = store_begin_read(h->store, &t);

    if (e != OK)
        return e;
    if ((e = hub_pack(t, id, &stored)) == ERR_NOT_FOUND)
        e = err_set(e, _("there is no programme \"%s\""), id);
    if (e == OK)
        e = hub_calendar(t, id, &calendar);
    store_abort(t);
    if (e == OK)
        e = next_year_make(out, &stored, year, calendar, say, said);
    calendar_free(calendar);
    pack_free(&stored);
    return e;
}

/* Through the same door as a pack that a person wrote. */
static enum err load_made(struct hub *h, const struct pack *p)
{
    char dir[FOLDER_PATH_MAX];
    enum err e = folder_path(dir, h->dir, SCRATCH_NAME);

    if (e != OK)
        return e;
    folder_remove(dir); /* of one that was killed */
    if ((e = next_year_write(p, dir)) == OK)
        e = command_load_pack(h, dir);
    folder_remove(dir);
    return e;
}

static enum err run(struct hub *h, const char *id, int year, const char *dir)
{
    struct pack pack = {NULL, 0};
    struct said said = {.counts = {0, 0, 0}};
    enum err e;

    for (size_t i = 0; i < 3; i++)
        buf_init(&said.lines[i], 4u << 20);
    if ((e = make(h, id, year, &pack, &said)) == OK) {
        (void)printf(_("Programme %s for the school year %d/%02d.\n"), id, year, (year + 1) % 100);
        print_said(&said);
        e = dir != NULL ? next_year_write(&pack, dir) : load_made(h, &pack);
    }
    if (e == OK && dir != NULL)
        (void)printf(_("Written to %s; look through it, then: svodka-hub programme load %s\n"), dir, dir);
    for (size_t i = 0; i < 3; i++)
        buf_fini(&said.lines[i]);
    pack_free(&pack);
    return e;
}

int cmd_programme_next_year(int argc, char **argv)
{
    const char *home = NULL, *dir = NULL, *year_text = NULL;
    const struct cli_command *c = command_named("programme next-year");
    const struct cli_option options[] = {
        HOME_OPTION(&home),
        {"write", 'w', N_("DIR"), N_("write the pack there, and load nothing"), &dir},
        {"year", 'y', N_("Y"), N_("school year to prepare for (default: the coming one)"), &year_text},
        LAST_OPTION};
    struct hub *h = NULL;
    int year = 0;
    enum err e;

    if (cli_parse(c, options, argc, argv, 1, 1) < 0)
        return cli_exit_code();
    if ((e = read_year(year_text, &year)) != OK)
        return cli_fail(e);
    if ((e = command_open(&h, home, dir != NULL ? HUB_READ : HUB_WRITE)) == OK)
        e = run(h, argv[0], year, dir);
    return command_close(h, e, dir == NULL);
}
