#include "hub/programme.h"

#include "common/cli.h"
#include "common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PACK_MAX_FILES 500u
#define PACK_MAX_FILE  ((1u << 20) - 64u) /* as an object of the hub it gets a head and must still fit a signed one */

static bool is_yaml(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && name[0] != '.' && strcmp(name + len - 5, ".yaml") == 0;
}

/* `file` inside `dir`, under the name by which the pack knows it. */
static enum err add_file_as(struct pack *p, const char *dir, const char *file, const char *name)
{
    char path[FOLDER_PATH_MAX];
    struct pack_file *f;
    void *grown;
    enum err e = folder_path(path, dir, file);

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

static enum err add_file(struct pack *p, const char *dir, const char *name)
{
    return add_file_as(p, dir, name, name);
}

static enum err unless_absent(enum err e)
{
    return e == ERR_NOT_FOUND ? OK : e;
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

/* ---- what the district shares ---- */

/* Looked at before anything is judged: the folder it names and the forms it takes from there.  What is wrong with the
 * list is told when the pack is loaded, with its place. */
static enum err add_listed_forms(struct pack *p, const char *shared, const struct yaml_node *list)
{
    char name[FORM_NAME_MAX + 16];
    size_t own = p->count;
    enum err e = OK;

    for (uint32_t i = 0; list != NULL && list->kind == YAML_SEQUENCE && i < list->count && e == OK; i++) {
        const struct yaml_node *n = list->items[i];
        bool is_there = false;

        if (n->kind != YAML_SCALAR || n->len == 0 || n->len > FORM_NAME_MAX || strpbrk(n->text, "/\\") != NULL)
            continue;
        (void)snprintf(name, sizeof(name), "forms/%s.yaml", n->text);
        for (size_t f = own; f < p->count; f++)
            is_there = is_there || strcmp(p->files[f].name, name) == 0;
        if (!is_there)
            e = unless_absent(add_file(p, shared, name));
    }
    return e;
}

/* A relative path is meant from the pack's folder; links and `..` in it are the operator's own. */
static enum err shared_path(char out[FOLDER_PATH_MAX], const char *dir, const struct yaml_node *shared)
{
    struct stat st;
    enum err e = OK;

    if (shared->text[0] != '/')
        e = folder_path(out, dir, shared->text);
    else if (snprintf(out, FOLDER_PATH_MAX, "%s", shared->text) >= (int)FOLDER_PATH_MAX)
        e = err_set(ERR_LIMIT, "%s", _("the path of the shared folder is too long"));
    if (e == OK && (stat(out, &st) != 0 || !S_ISDIR(st.st_mode)))
        e = err_set(ERR_NOT_FOUND, _("programme.yaml:%u:%u: shared: there is no folder %s"), shared->line,
                    shared->column, out);
    return e;
}

static enum err add_shared(struct pack *p, const char *dir)
{
    const struct pack_file *f = &p->files[0];
    const struct yaml_node *shared;
    char path[FOLDER_PATH_MAX];
    struct yaml_doc *d = NULL;
    enum err e;

    if ((e = yaml_parse(&d, f->name, f->bytes, f->len, NULL)) != OK)
        return e == ERR_NOMEM ? e : OK;
    shared = yaml_get(yaml_root(d), "shared");
    if (shared != NULL && shared->kind == YAML_SCALAR && shared->len > 0) {
        if ((e = shared_path(path, dir, shared)) == OK)
            e = unless_absent(add_file_as(p, path, "variables.yaml", "shared/variables.yaml"));
        if (e == OK)
            e = unless_absent(add_file_as(p, path, "periods.yaml", "shared/periods.yaml"));
        if (e == OK)
            e = add_listed_forms(p, path, yaml_get(yaml_root(d), "forms"));
    }
    yaml_free(d);
    return e;
}

/* ---- a folder ---- */

static enum err add_all(struct pack *p, const char *dir, struct report *r)
{
    static const char *const optional[] = {"periods.yaml", "variables.yaml", "calendar.yaml", "roadmap.yaml", NULL};
    enum err e = add_file(p, dir, "programme.yaml");

    if (e == ERR_NOT_FOUND)
        return err_set(e, _("%s: a programme pack is expected: a folder with programme.yaml and forms/ in it (%s)"),
                       dir, err_text());
    for (size_t i = 0; optional[i] != NULL && e == OK; i++)
        e = unless_absent(add_file(p, dir, optional[i]));
    if (e == OK)
        e = add_folder(p, dir, "forms", r);
    if (e == OK)
        e = add_folder(p, dir, "maps", r);
    return e == OK ? add_shared(p, dir) : e;
}

enum err pack_read_dir(struct pack *out, const char *dir, struct report *r)
{
    enum err e;

    memset(out, 0, sizeof(*out));
    if ((e = add_all(out, dir, r)) != OK) {
        const struct finding nowhere = {0}; /* the sentence names the file */

        report_add(r, &nowhere, "%s", err_text());
        pack_free(out);
    }
    return e;
}

const struct pack_file *pack_find(const struct pack *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->files[i].name, name) == 0)
            return &p->files[i];
    return NULL;
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
