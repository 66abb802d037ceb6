#include "hub/indicators.h"

#include "common/cli.h"
#include "common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACK_MAX_FILES 500u
#define PACK_MAX_FILE  ((1u << 20) - 64u) /* as an object of the hub it gets a head and must still fit a signed one */

static bool is_yaml(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && name[0] != '.' && strcmp(name + len - 5, ".yaml") == 0;
}

static enum err add_file(struct pack *p, const char *dir, const char *name)
{
    char path[FOLDER_PATH_MAX];
    struct pack_file *f;
    void *grown;
    enum err e = folder_path(path, dir, name);

    if (e != OK)
        return e;
    if (p->count == PACK_MAX_FILES)
        return err_set(ERR_LIMIT, _("%s: a pack holds at most %u files"), dir, PACK_MAX_FILES);
    grown = realloc(p->files, (p->count + 1) * sizeof(*p->files));
    if (grown == NULL)
        return ERR_NOMEM;
    p->files = grown;
    f = &p->files[p->count];
    memset(f, 0, sizeof(*f));
    if ((e = cli_read_file(path, PACK_MAX_FILE, &f->bytes, &f->len)) != OK)
        return e;
    f->name = strdup(name);
    p->count++;
    return f->name == NULL ? ERR_NOMEM : OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Hidden files and editors' copies are nobody's mistake; anything else that is not read is worth a word. */
static void warn_left_out(struct report *r, const char *name)
{
    size_t len = strlen(name);
    const char *base = strrchr(name, '/') + 1;
    struct finding f = {.file = name, .is_warning = true};

    if (base[0] != '.' && name[len - 1] != '~')
        report_add(r, &f, "%s", _("this file is not read: a name that ends in .yaml is expected"));
}

static enum err add_folder(struct pack *p, const char *dir, const char *folder, struct report *r)
{
    char path[FOLDER_PATH_MAX];
    char name[512];
    struct dirent **list = NULL;
    int count;
    enum err e = folder_path(path, dir, folder);

    if (e != OK)
        return e;
    count = scandir(path, &list, NULL, by_name); /* sorted: the same pack in the same order everywhere */
    if (count < 0)
        return errno == ENOENT ? OK : err_errno(ERR_IO, errno, "%s", path);
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", folder, list[i]->d_name);
        if (e == OK && is_yaml(list[i]->d_name))
            e = add_file(p, dir, name);
        else if (e == OK)
            warn_left_out(r, name);
        free(list[i]);
    }
    free(list);
    return e;
}

static enum err add_if_there(struct pack *out, const char *dir, const char *name)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, name);
    FILE *f;

    if (e != OK || (f = fopen(path, "re")) == NULL)
        return e;
    (void)fclose(f);
    return add_file(out, dir, name);
}

enum err pack_read_dir(struct pack *out, const char *dir, struct report *r)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = add_file(out, dir, "programme.yaml")) == ERR_NOT_FOUND)
        e = err_set(e, _("%s: a programme pack is expected: a folder with programme.yaml and forms/ in it (%s)"), dir,
                    err_text());
    if (e == OK)
        e = add_if_there(out, dir, "periods.yaml");
    if (e == OK)
        e = add_if_there(out, dir, "calendar.yaml");
    if (e == OK)
        e = add_folder(out, dir, "forms", r);
    if (e == OK)
        e = add_folder(out, dir, "maps", r);
    if (e != OK) {
        const struct finding nowhere = {0}; /* the sentence names the file */

        report_add(r, &nowhere, "%s", err_text());
        pack_free(out);
    }
    return e;
}

void pack_free(struct pack *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->files[i].name);
        free(p->files[i].bytes);
    }
    free(p->files);
    memset(p, 0, sizeof(*p));
}
