/* bench_plain: what the libraries allow when somebody writes the shortest program around them: the same unavoidable
 * work as ours, without forms, validation, keys of slots, cells, resumption or receipts that anyone could check.
 *
 *   bench_plain import rows.csv DIR          CSV -> msgpack rows -> XChaCha20-Poly1305 per page -> LMDB
 *   bench_plain drain DIR SENDERS            such stores -> zstd, secretstream, signature -> CURVE over TCP -> one
 *                                            receiver: verify, open, unpack, every row into LMDB, durable
 *
 * `drain` wants DIR/1 to DIR/SENDERS made by `import`.  Both print key=value lines: rows, wall_s, cpu_s; drain also
 * bytes (all messages, up). */
#include "tests/bench/bench_plain.h"

#include "common/clock.h"

#include <errno.h>
#include <msgpack.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define STAGE_BYTES (2u << 20) /* one commit of an import, as ours */
#define MAP_BYTES   ((size_t)4 << 30)
#define MAC         crypto_aead_xchacha20poly1305_ietf_ABYTES

void plain_die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("bench_plain: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void plain_mdb(int rc, const char *what)
{
    if (rc != 0)
        plain_die("%s: %s", what, mdb_strerror(rc));
}

void plain_sodium(int rc, const char *what)
{
    if (rc != 0)
        plain_die("%s failed", what);
}

double plain_cpu_seconds(int who)
{
    struct rusage u;

    if (getrusage(who, &u) != 0)
        plain_die("getrusage: %s", strerror(errno));
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- bytes ---- */

unsigned char *out_room(struct bytes_out *b, size_t more)
{
    if (b->len + more > b->cap) {
        b->cap = (b->len + more) * 2;
        if ((b->data = realloc(b->data, b->cap)) == NULL)
            plain_die("no memory");
    }
    return b->data + b->len;
}

void be_put(unsigned char *out, uint64_t v, size_t len)
{
    while (len-- > 0) {
        out[len] = (unsigned char)v;
        v >>= 8;
    }
}

uint64_t be_get(const unsigned char *in, size_t len)
{
    uint64_t v = 0;

    for (size_t i = 0; i < len; i++)
        v = v << 8 | in[i];
    return v;
}

/* ---- a store: default flags, one table ---- */

void plain_store_open(struct plain_store *s, const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        plain_die("%s: %s", dir, strerror(errno));
    plain_mdb(mdb_env_create(&s->env), "mdb_env_create");
    plain_mdb(mdb_env_set_mapsize(s->env, MAP_BYTES), "mdb_env_set_mapsize");
    plain_mdb(mdb_env_open(s->env, dir, 0, 0600), dir);
    plain_mdb(mdb_txn_begin(s->env, NULL, 0, &s->txn), "mdb_txn_begin");
    plain_mdb(mdb_dbi_open(s->txn, NULL, 0, &s->table), "mdb_dbi_open");
    plain_mdb(mdb_txn_commit(s->txn), "mdb_txn_commit");
    s->txn = NULL;
    memset(s->key, 7, sizeof(s->key)); /* where a key is kept is not what is measured */
}

/* ---- import ---- */

static int out_write(void *ctx, const char *bytes, size_t len)
{
    struct bytes_out *b = ctx;

    memcpy(out_room(b, len), bytes, len);
    b->len += len;
    return 0;
}

struct importing {
    struct plain_store store;
    struct bytes_out page;
    unsigned char sealed[PLAIN_NONCE + PLAIN_PAGE_BYTES * 2 + MAC];
    uint64_t first, next;
    size_t staged;
};

static void flush_page(struct importing *im)
{
    unsigned char number[8];
    unsigned long long sealed_len;
    MDB_val key = {sizeof(number), number};
    MDB_val value;

    if (im->page.len == 0)
        return;
    be_put(number, im->first, sizeof(number));
    randombytes_buf(im->sealed, PLAIN_NONCE);
    plain_sodium(crypto_aead_xchacha20poly1305_ietf_encrypt(im->sealed + PLAIN_NONCE, &sealed_len, im->page.data,
                                                            im->page.len, number, sizeof(number), NULL, im->sealed,
                                                            im->store.key),
                 "encryption");
    if (im->store.txn == NULL)
        plain_mdb(mdb_txn_begin(im->store.env, NULL, 0, &im->store.txn), "mdb_txn_begin");
    value.mv_size = PLAIN_NONCE + sealed_len;
    value.mv_data = im->sealed;
    plain_mdb(mdb_put(im->store.txn, im->store.table, &key, &value, MDB_APPEND), "mdb_put");
    im->staged += value.mv_size;
    if (im->staged >= STAGE_BYTES) {
        plain_mdb(mdb_txn_commit(im->store.txn), "mdb_txn_commit");
        im->store.txn = NULL;
        im->staged = 0;
    }
    im->page.len = 0;
    im->first = im->next;
}

/* A cell of digits is a number, anything else a text. */
static void pack_cell(msgpack_packer *pk, const char *cell, size_t len)
{
    uint64_t n = 0;
    size_t i = 0;

    while (i < len && i < 18 && cell[i] >= '0' && cell[i] <= '9')
        n = n * 10 + (uint64_t)(cell[i++] - '0');
    if (len > 0 && i == len) {
        msgpack_pack_uint64(pk, n);
    } else {
        msgpack_pack_str(pk, len);
        msgpack_pack_str_body(pk, cell, len);
    }
}

/* Length u16 and the row. */
static void pack_row(struct bytes_out *to, const char *line, size_t columns)
{
    size_t start = to->len;
    msgpack_packer pk;

    out_room(to, 2);
    to->len += 2;
    msgpack_packer_init(&pk, to, out_write);
    msgpack_pack_array(&pk, columns);
    for (size_t i = 0; i < columns; i++) {
        size_t len = strcspn(line, ";\n");

        pack_cell(&pk, line, len);
        line += len + (line[len] != '\0');
    }
    be_put(to->data + start, to->len - start - 2, 2);
}

static size_t count_columns(const char *line)
{
    size_t n = 1;

    for (; *line != '\0'; line++)
        n += *line == ';';
    return n;
}

static int import(const char *csv, const char *dir)
{
    struct importing *im = calloc(1, sizeof(*im));
    FILE *f = fopen(csv, "re");
    char *line = NULL;
    size_t cap = 0;
    size_t columns;
    int64_t began = clock_mono_ns();

    if (im == NULL || f == NULL)
        plain_die("%s: %s", csv, strerror(errno));
    plain_store_open(&im->store, dir);
    if (getline(&line, &cap, f) < 0)
        plain_die("%s: a heading is expected", csv);
    columns = count_columns(line);
    im->first = im->next = 1;
    while (getline(&line, &cap, f) > 0) {
        pack_row(&im->page, line, columns);
        im->next++;
        if (im->page.len + 400 > PLAIN_PAGE_BYTES)
            flush_page(im);
    }
    flush_page(im);
    if (im->store.txn != NULL)
        plain_mdb(mdb_txn_commit(im->store.txn), "mdb_txn_commit");
    mdb_env_close(im->store.env);
    (void)printf("rows=%llu\nwall_s=%.6f\ncpu_s=%.6f\n", (unsigned long long)(im->next - 1),
                 (double)(clock_mono_ns() - began) / 1e9, plain_cpu_seconds(RUSAGE_SELF));
    free(line);
    free(im->page.data);
    free(im);
    (void)fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0)
        plain_die("libsodium does not start");
    if (argc == 4 && strcmp(argv[1], "import") == 0)
        return import(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "drain") == 0) {
        int senders = atoi(argv[3]); /* NOLINT(cert-err34-c) */

        if (senders >= 1 && senders <= PLAIN_SENDERS_MAX)
            return plain_drain(argv[2], senders);
    }
    (void)fprintf(stderr, "usage: bench_plain import rows.csv DIR\n       bench_plain drain DIR SENDERS\n");
    return 2;
}
