#include "hub/home_internal.h"

#include "common/cli.h"
#include "common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static enum err no_key(const char *dir, const char *name)
{
    return err_set(ERR_NOT_FOUND,
                   _("%s/%s: the key file is missing (nothing was changed): put it back from the recovery copy"), dir,
                   name);
}

static enum err read_key(struct key **out, const char *dir, const char *name, enum key_kind kind)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_path(path, dir, name);

    if (e == OK && (e = key_read(out, path, kind)) == ERR_NOT_FOUND)
        e = no_key(dir, name);
    return e;
}

/* The secret half of a transport key is the gateway's business. */
static enum err read_public(uint8_t out[KEY_BYTES], const char *dir, const char *name)
{
    struct key *k = NULL;
    enum err e = read_key(&k, dir, name, KEY_CURVE);

    if (e == OK)
        memcpy(out, key_public(k), KEY_BYTES);
    key_free(k);
    return e;
}

/* "seal-2026.key" and nothing else: 2026; else -1. */
static int year_of_seal_file(const char *name)
{
    int year = 0;

    if (strlen(name) != strlen("seal-2026.key") || strncmp(name, "seal-", 5) != 0 || strcmp(name + 9, ".key") != 0)
        return -1;
    for (const char *c = name + 5; c < name + 9; c++) {
        if (*c < '0' || *c > '9')
            return -1;
        year = year * 10 + (*c - '0');
    }
    return year;
}

static enum err load_seal_keys(struct hub *h, const char *keys_dir)
{
    DIR *d = opendir(keys_dir);
    enum err e = OK;

    if (d == NULL)
        return err_errno(ERR_IO, errno, "%s", keys_dir);
    for (struct dirent *f; e == OK && (f = readdir(d)) != NULL;) {
        int year = year_of_seal_file(f->d_name);

        if (year < 0)
            continue;
        if (h->seal_count == DIRECTORY_MAX_SEAL_KEYS)
            e = err_set(ERR_LIMIT, _("%s: more than %u sealing keys"), keys_dir, DIRECTORY_MAX_SEAL_KEYS);
        else if ((e = read_key(&h->seal[h->seal_count], keys_dir, f->d_name, KEY_SEAL)) == OK)
            h->seal_year[h->seal_count++] = year;
    }
    closedir(d);
    if (e == OK && h->seal_count == 0)
        e = err_set(ERR_NOT_FOUND, _("%s: no sealing key (seal-YEAR.key): put it back from the recovery copy"),
                    keys_dir);
    return e;
}

enum err hub_keys_load(struct hub *h)
{
    char dir[FOLDER_PATH_MAX];
    struct stat st;
    enum err e = folder_path(dir, h->dir, "keys");

    if (e != OK)
        return e;
    if (stat(dir, &st) != 0)
        return err_set(ERR_NOT_FOUND,
                       _("%s is missing (nothing was changed): put the keys back from the recovery copy"), dir);
    if ((st.st_mode & 077) != 0)
        return err_set(ERR_DENIED, _("%s: others may look into the folder of the keys; run: chmod 700 %s"), dir, dir);
    if ((e = read_key(&h->sign, dir, "sign.key", KEY_SIGN)) != OK)
        return e;
    if ((e = read_key(&h->storage, dir, "storage.key", KEY_SECRET)) != OK)
        return e;
    if ((e = read_public(h->curve, dir, "curve.key")) != OK)
        return e;
    return load_seal_keys(h, dir);
}

/* The keys must be the ones that this hub was made with: another storage key would hide the ledger's own entries from
 * it, another sealing or transport key would turn every school away. */
enum err hub_wrong_key(const struct hub *h, const char *file)
{
    return err_set(ERR_INVALID,
                   _("%s/%s is not the key of this hub (nothing was changed): put the right one back from the recovery "
                     "copy"),
                   h->dir, file);
}

void hub_storage_mark(const struct hub *h, uint8_t mark[DIGEST_BYTES])
{
    derive(mark, key_secret(h->storage), "svodka storage key mark", bytes_of(h->district, sizeof(h->district)));
}

/* Every sealing key that the schools were told, and that is not given up, must be there. */
static enum err check_seal_key(const struct hub *h, const struct directory_seal_key *told)
{
    char file[32];
    bool has_year = false;

    for (size_t i = 0; i < h->seal_count; i++) {
        if (memcmp(key_public(h->seal[i]), told->key, KEY_BYTES) == 0)
            return OK;
        has_year = has_year || h->seal_year[i] == told->school_year;
    }
    (void)snprintf(file, sizeof(file), "keys/seal-%d.key", (int)told->school_year);
    return has_year ? hub_wrong_key(h, file) : no_key(h->dir, file);
}

static enum err check_curve(const struct hub *h)
{
    if (h->directory->endpoint_count > 0 && memcmp(h->directory->endpoints[0].curve, h->curve, KEY_BYTES) != 0)
        return hub_wrong_key(h, "keys/curve.key");
    return OK;
}

enum err hub_keys_check(const struct hub *h)
{
    const struct directory *d = h->directory;
    enum err e = OK;

    for (uint32_t i = 0; i < d->seal_key_count && e == OK; i++)
        if (d->seal_keys[i].state != SEAL_LOST)
            e = check_seal_key(h, &d->seal_keys[i]);
    return e == OK ? check_curve(h) : e;
}
