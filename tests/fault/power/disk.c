#include "tests/fault/power/disk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512u

/* Told, and perhaps not there. */
struct pending {
    const struct tape_event *e;
    bool is_sure;
};
struct pendings {
    struct pending *list;
    size_t count, cap;
};
struct content {
    uint8_t *bytes;
    size_t len;
};
struct node {
    bool is_folder;
    struct content sure;
    struct pendings writes;
};
struct name {
    uint32_t folder, node;
    const char *text; /* the tape's */
};
struct names {
    struct name *list;
    size_t count, cap;
};
struct disk {
    struct node *nodes;
    uint32_t node_count;
    struct names sure;
    struct pendings changes; /* of names */
    bool lies;
};

static void *grown(void *list, size_t *cap, size_t count, size_t each)
{
    if (count < *cap)
        return list;
    *cap = *cap == 0 ? 16 : *cap * 2;
    if ((list = realloc(list, *cap * each)) == NULL)
        abort();
    return list;
}

static void push(struct pendings *p, const struct tape_event *e)
{
    p->list = grown(p->list, &p->cap, p->count, sizeof(*p->list));
    p->list[p->count++] = (struct pending){e, false};
}

/* ---- bytes ---- */

static void resize(struct content *c, size_t len)
{
    if ((c->bytes = realloc(c->bytes, len + 1)) == NULL)
        abort();
    if (len > c->len)
        memset(c->bytes + c->len, 0, len - c->len); /* what was never written reads as zeros */
    c->len = len;
}

static void put(struct content *c, size_t at, const uint8_t *bytes, size_t len)
{
    if (at + len > c->len)
        resize(c, at + len);
    memcpy(c->bytes + at, bytes, len);
}

static void apply_whole(struct content *c, const struct tape_event *e)
{
    if (e->kind == TAPE_TRUNCATE)
        resize(c, e->offset);
    else
        put(c, e->offset, e->bytes, e->len);
}

/* A sector is written if `chance` in 256 says so; one in sixteen of them is torn. */
static void apply_sectors(struct content *c, const struct tape_event *e, uint32_t (*random)(void), unsigned chance)
{
    if (e->kind == TAPE_TRUNCATE) {
        if (random() % 256 < chance)
            resize(c, e->offset);
        return;
    }
    for (size_t done = 0; done < e->len;) {
        size_t n = SECTOR - (e->offset + done) % SECTOR;

        if (n > e->len - done)
            n = e->len - done;
        if (random() % 256 < chance)
            put(c, e->offset + done, e->bytes + done, random() % 16 == 0 ? random() % n : n);
        done += n;
    }
}

static struct content content_of(const struct node *n, enum disk_luck luck, uint32_t (*random)(void), unsigned chance)
{
    struct content c = {NULL, 0};
    size_t longest = n->sure.len;

    resize(&c, n->sure.len);
    if (n->sure.len > 0)
        memcpy(c.bytes, n->sure.bytes, n->sure.len);
    for (size_t i = 0; i < n->writes.count; i++) {
        const struct tape_event *e = n->writes.list[i].e;

        longest = e->kind == TAPE_TRUNCATE ? e->offset : e->offset + e->len > longest ? e->offset + e->len : longest;
        if (n->writes.list[i].is_sure || luck == DISK_ALL || luck == DISK_BYTES)
            apply_whole(&c, e);
        else if (luck == DISK_CHANCE)
            apply_sectors(&c, e, random, chance);
    }
    if (luck == DISK_CHANCE && n->writes.count > 0 && random() % 4 == 0)
        resize(&c, longest);
    return c;
}

static void settle_bytes(struct node *n)
{
    for (size_t i = 0; i < n->writes.count; i++)
        apply_whole(&n->sure, n->writes.list[i].e);
    n->writes.count = 0;
}

/* ---- names ---- */

static void set_name(struct names *names, uint32_t folder, const char *text, uint32_t node)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].folder == folder && strcmp(names->list[i].text, text) == 0) {
            names->list[i].node = node;
            return;
        }
    names->list = grown(names->list, &names->cap, names->count, sizeof(*names->list));
    names->list[names->count++] = (struct name){folder, node, text};
}

static void drop_name(struct names *names, uint32_t folder, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].folder == folder && strcmp(names->list[i].text, text) == 0) {
            names->list[i] = names->list[--names->count];
            return;
        }
}

static void change_names(struct names *names, const struct tape_event *e)
{
    if (e->kind == TAPE_UNLINK) {
        drop_name(names, e->folder, e->name);
        return;
    }
    if (e->kind == TAPE_RENAME)
        drop_name(names, e->from, e->from_name);
    set_name(names, e->folder, e->name, e->node);
}

/* In order, as far as all is sure. */
static void settle_names(struct disk *d)
{
    size_t done = 0;

    while (done < d->changes.count && d->changes.list[done].is_sure)
        change_names(&d->sure, d->changes.list[done++].e);
    d->changes.count -= done;
    if (done > 0)
        memmove(d->changes.list, d->changes.list + done, d->changes.count * sizeof(*d->changes.list));
}

/* ---- being told ---- */

struct disk *disk_new(uint32_t nodes)
{
    struct disk *d = calloc(1, sizeof(*d));

    if (d == NULL || (d->nodes = calloc(nodes, sizeof(*d->nodes))) == NULL)
        abort();
    d->node_count = nodes;
    d->nodes[TAPE_ROOT].is_folder = true;
    return d;
}

void disk_free(struct disk *d)
{
    for (uint32_t i = 0; i < d->node_count; i++) {
        free(d->nodes[i].sure.bytes);
        free(d->nodes[i].writes.list);
    }
    free(d->nodes);
    free(d->sure.list);
    free(d->changes.list);
    free(d);
}

void disk_lie(struct disk *d)
{
    d->lies = true;
}

void disk_tell(struct disk *d, const struct tape_event *e)
{
    switch (e->kind) {
    case TAPE_CREATE: d->nodes[e->node].is_folder = e->is_folder; break;
    case TAPE_LINK:
    case TAPE_RENAME:
    case TAPE_UNLINK: break;
    case TAPE_WRITE:
    case TAPE_TRUNCATE: push(&d->nodes[e->node].writes, e); return;
    case TAPE_SYNC: return;
    }
    if (e->node < d->node_count)
        push(&d->changes, e);
}

void disk_return(struct disk *d, const struct tape_event *e)
{
    if (d->lies)
        return;
    if (e->kind == TAPE_WRITE && e->is_synced)
        d->nodes[e->node].writes.list[d->nodes[e->node].writes.count - 1].is_sure = true;
    if (e->kind != TAPE_SYNC)
        return;
    settle_bytes(&d->nodes[e->node]);
    for (size_t i = 0; i < d->changes.count; i++)
        if (d->changes.list[i].e->folder == e->node)
            d->changes.list[i].is_sure = true;
    settle_names(d);
}

/* ---- losing power ---- */

struct taking {
    const struct disk *d;
    const struct names *names;
    struct disk_image *to;
    size_t cap;
    enum disk_luck luck;
    uint32_t (*random)(void);
    unsigned chance;
};

static uint64_t mix(uint64_t mark, uint64_t x)
{
    mark = (mark ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return mark ^ mark >> 29;
}

static uint64_t mix_bytes(uint64_t mark, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t word;

    mark = mix(mark, len);
    for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        mark = mix(mark, word);
    }
    for (; len > 0; len--)
        mark = mix(mark, *p++);
    return mark;
}

static int by_name(const void *a, const void *b)
{
    const struct name *x = a;
    const struct name *y = b;

    if (x->folder != y->folder)
        return x->folder < y->folder ? -1 : 1;
    return strcmp(x->text, y->text);
}

bool disk_is_part(const char *name, const char *part)
{
    size_t len = strlen(part);

    return strncmp(name, part, len) == 0 && (name[len] == '\0' || name[len] == '.');
}

static void take(struct taking *t, uint32_t folder, const char *path, const char *part)
{
    for (size_t i = 0; i < t->names->count; i++) {
        const struct name *name = &t->names->list[i];
        const struct node *n = &t->d->nodes[name->node];
        struct content c = {NULL, 0};
        struct disk_file *f;
        char *own;

        if (name->folder != folder || (part != NULL && !disk_is_part(name->text, part)))
            continue;
        if (asprintf(&own, "%s%s%s", path, path[0] == '\0' ? "" : "/", name->text) < 0)
            abort();
        if (!n->is_folder)
            c = content_of(n, t->luck, t->random, t->chance);
        t->to->files = grown(t->to->files, &t->cap, t->to->count, sizeof(*t->to->files));
        f = &t->to->files[t->to->count++];
        *f = (struct disk_file){own, c.bytes, c.len, n->is_folder};
        t->to->mark = mix_bytes(mix_bytes(t->to->mark, own, strlen(own)), c.bytes, c.len);
        if (n->is_folder)
            take(t, name->node, own, NULL);
    }
}

struct disk_image *disk_lose(const struct disk *d, const char *part, enum disk_luck luck, uint32_t (*random)(void))
{
    struct disk_image *image = calloc(1, sizeof(*image));
    struct names names = {.list = NULL};
    struct taking t = {.d = d, .names = &names, .to = image, .luck = luck, .random = random};
    unsigned chance = luck == DISK_CHANCE ? random() % 257 : 0;

    if (image == NULL)
        abort();
    t.chance = luck == DISK_CHANCE ? random() % 257 : 0;
    for (size_t i = 0; i < d->sure.count; i++)
        set_name(&names, d->sure.list[i].folder, d->sure.list[i].text, d->sure.list[i].node);
    for (size_t i = 0; i < d->changes.count; i++)
        if (d->changes.list[i].is_sure || luck == DISK_ALL || luck == DISK_NAMES ||
            (luck == DISK_CHANCE && random() % 256 < chance))
            change_names(&names, d->changes.list[i].e);
    if (names.count > 0)
        qsort(names.list, names.count, sizeof(*names.list), by_name);
    take(&t, TAPE_ROOT, "", part);
    free(names.list);
    return image;
}

void disk_image_free(struct disk_image *i)
{
    for (size_t k = 0; k < i->count; k++) {
        free(i->files[k].path);
        free(i->files[k].bytes);
    }
    free(i->files);
    free(i);
}

void disk_image_write(const struct disk_image *i, const char *folder)
{
    char path[PATH_MAX];

    for (size_t k = 0; k < i->count; k++) {
        const struct disk_file *f = &i->files[k];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, f->path);
        if (f->is_folder) {
            if (mkdir(path, 0700) != 0)
                abort();
            continue;
        }
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, f->bytes, f->len) != (ssize_t)f->len || close(fd) != 0)
            abort();
    }
}
