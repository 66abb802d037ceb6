/* bench_plain.h: what the two halves of bench_plain share.  Every failure ends the program. */
#ifndef SVODKA_TESTS_BENCH_PLAIN_H
#define SVODKA_TESTS_BENCH_PLAIN_H

#include <lmdb.h>
#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#define PLAIN_PAGE_BYTES  16300u /* with nonce and tag just under four pages of LMDB, as ours */
#define PLAIN_SENDERS_MAX 100
#define PLAIN_NONCE       crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

void plain_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void plain_mdb(int rc, const char *what);    /* 0 is good */
void plain_sodium(int rc, const char *what); /* 0 is good */
double plain_cpu_seconds(int who);           /* getrusage() */

struct bytes_out {
    unsigned char *data;
    size_t len, cap;
};
/* Room for `more` bytes at the end, not yet counted in len. */
unsigned char *out_room(struct bytes_out *b, size_t more);
void be_put(unsigned char *out, uint64_t v, size_t len);
uint64_t be_get(const unsigned char *in, size_t len);

/* LMDB with default flags and one table. */
struct plain_store {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    unsigned char key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
};
void plain_store_open(struct plain_store *s, const char *dir);

/* `bench_plain drain DIR SENDERS`; returns the exit code. */
int plain_drain(const char *dir, int senders);

#endif
