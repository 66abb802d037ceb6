#include "hub/command_text.h"

#include "common/cli.h"

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Who has logged in, which sudo and su do not change; else whose process this is. */
static uid_t login_user(void)
{
    char text[24] = "";
    char *end = text;
    unsigned long uid;
    FILE *f = fopen("/proc/self/loginuid", "re");

    if (f == NULL)
        return getuid();
    if (fgets(text, sizeof(text), f) == NULL)
        text[0] = '\0';
    (void)fclose(f);
    uid = strtoul(text, &end, 10);
    return end == text || uid >= UINT32_MAX ? getuid() : (uid_t)uid;
}

void command_user(char *out, size_t size)
{
    const struct passwd *who = getpwuid(login_user());

    if (who != NULL)
        (void)snprintf(out, size, "office:%s", who->pw_name);
    else
        (void)snprintf(out, size, "office:%u", (unsigned)login_user());
}

void command_time(char *out, size_t size, int64_t wall_ms, enum table_format f)
{
    out[0] = '\0';
    if (wall_ms == 0)
        return;
    if (f == TABLE_TEXT)
        cli_format_time(out, size, wall_ms);
    else
        cli_format_utc(out, size, wall_ms);
}

void command_value(struct buf *out, const struct indicator *i, const struct result *r)
{
    const char *measure = cli_pick(i->unit_ru, i->unit_en);

    if (i->kind == KIND_CLASS && r->class_index > 0 && r->class_index <= i->class_count) {
        const struct class_rule *c = &i->classes[r->class_index - 1];

        buf_put_str(out, cli_pick(c->name_ru, c->name_en));
    } else if (i->is_yes_no)
        buf_put_str(out, r->value == RESULT_SCALE ? _("yes") : _("no"));
    else {
        result_put_value(out, r, i->shown);
        cli_localise(out);
        if (measure[0] != '\0')
            buf_printf(out, " %s", measure);
    }
}

void command_fraction(struct buf *out, const struct indicator *i, const struct result *r)
{
    struct buf part;

    if (i->kind == KIND_CLASS || !r->has_denominator)
        return; /* without one the numerator is the value */
    buf_init(&part, 256);
    result_put_numerator(&part, r);
    buf_put_str(&part, " / ");
    result_put_denominator(&part, r);
    cli_localise(&part);
    buf_put_str(out, buf_cstr(&part));
    buf_fini(&part);
}

const char *command_target_word(enum target_status s)
{
    switch (s) {
    case TARGET_NONE: return "";
    case TARGET_BELOW: return _("below the target");
    case TARGET_WITHIN: return _("within the target");
    case TARGET_ABOVE: return _("above the target");
    case TARGET_NOT_DUE: return _("not due");
    case TARGET_NO_DATA: return _("no data");
    }
    return "";
}
