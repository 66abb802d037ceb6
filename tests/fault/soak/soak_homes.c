#include "tests/fault/soak/soak.h"

#include <dirent.h>

static char folder[64];
static bool was_kept[SOAK_SCHOOLS_MAX], hub_was_kept;
static bool went_back[SOAK_SCHOOLS_MAX];
static bool has_other[SOAK_SCHOOLS_MAX];
static bool had_other[SOAK_SCHOOLS_MAX], is_split[SOAK_SCHOOLS_MAX], hub_is_back;

void homes_begin(const char *dir)
{
    (void)snprintf(folder, sizeof(folder), "%s", dir);
    memset(was_kept, 0, sizeof(was_kept));
    memset(went_back, 0, sizeof(went_back));
    memset(has_other, 0, sizeof(has_other));
    memset(had_other, 0, sizeof(had_other));
    memset(is_split, 0, sizeof(is_split));
    hub_was_kept = hub_is_back = false;
}

bool home_went_back(size_t school)
{
    return went_back[school];
}

bool home_has_other(const struct school *s)
{
    return has_other[s->number];
}

void home_loses(size_t school)
{
    went_back[school] = true;
}

void home_forget(const struct school *s)
{
    was_kept[s->number] = has_other[s->number] = false;
}

bool home_is_split(size_t school)
{
    return is_split[school];
}

bool home_is_astray(size_t school)
{
    return went_back[school] || has_other[school];
}

/* ---- copies ---- */

void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    size_t n;

    if (in == NULL || out == NULL || fchmod(fileno(out), 0600) != 0)
        at_fault("%s cannot be copied to %s", from, to);
    while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
        if (fwrite(bytes, 1, n, out) != n)
            at_fault("%s cannot be written", to);
    if (ferror(in) || fclose(in) != 0 || fclose(out) != 0)
        at_fault("%s cannot be copied", from);
}

/* Files and folders; sockets are made anew by whoever needs them. */
static void copy_folder(const char *from, const char *to)
{
    DIR *d = opendir(from);
    struct dirent *x;

    if (d == NULL || mkdir(to, 0700) != 0)
        at_fault("%s cannot be copied to %s", from, to);
    while ((x = readdir(d)) != NULL) {
        char a[FOLDER_PATH_MAX], b[FOLDER_PATH_MAX];
        struct stat st;

        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
            continue;
        MUST(folder_path(a, from, x->d_name));
        MUST(folder_path(b, to, x->d_name));
        if (lstat(a, &st) != 0)
            at_fault("%s is not there any more", a);
        if (S_ISDIR(st.st_mode))
            copy_folder(a, b);
        else if (S_ISREG(st.st_mode))
            copy_file(a, b);
    }
    (void)closedir(d);
}

static void aside(char out[128], const char *what, const char *id)
{
    (void)snprintf(out, 128, "%s/%s-%s", folder, what, id);
}

/* ---- a school's ---- */

void home_keep(struct school *s)
{
    char old[128];

    aside(old, "old", s->id);
    school_end(s);
    folder_remove(old);
    copy_folder(s->home, old);
    was_kept[s->number] = true;
    school_start(s);
    soak_note("%s: a copy of its home is laid aside", s->id);
}

void home_back(struct school *s)
{
    char old[128];

    if (!was_kept[s->number])
        return;
    aside(old, "old", s->id);
    history_see(s);
    school_end(s);
    folder_remove(s->home);
    copy_folder(old, s->home);
    went_back[s->number] = true;
    school_start(s);
    soak_note("%s: its computer goes on from an older copy", s->id);
}

/* The two homes change places. */
void home_turn(struct school *s)
{
    char other[128], between[128];

    aside(other, "other", s->id);
    aside(between, "between", s->id);
    school_end(s);
    if (!has_other[s->number]) {
        folder_remove(other);
        copy_folder(s->home, other);
    }
    has_other[s->number] = had_other[s->number] = true;
    is_split[s->number] |= hub_is_back;
    if (rename(s->home, between) != 0 || rename(other, s->home) != 0 || rename(between, other) != 0)
        at_fault("homes cannot change places");
    school_start(s);
}

/* ---- the hub's ---- */

void hub_keep(void)
{
    char old[128];

    aside(old, "old", "hub");
    hub_stop();
    folder_remove(old);
    copy_folder(hub_home, old);
    hub_was_kept = true;
    hub_start();
    soak_note("a copy of the hub's home is laid aside");
}

void hub_has_gone_back(void)
{
    hub_is_back = true;
    for (size_t i = 0; i < SOAK_SCHOOLS_MAX; i++)
        is_split[i] |= had_other[i];
}

void hub_back(void)
{
    char old[128];

    if (!hub_was_kept)
        return;
    aside(old, "old", "hub");
    hub_stop();
    folder_remove(hub_home);
    copy_folder(old, hub_home);
    hub_has_gone_back();
    hub_start();
    soak_note("the hub goes on from an older copy");
}

void hub_forget_copy(void)
{
    hub_was_kept = false;
}
