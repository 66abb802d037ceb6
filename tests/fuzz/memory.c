/* memory.c: what every fuzz target has in front of the libraries, so that its time goes into our code.
 * AddressSanitizer maps each large block anew, and its shadow, and takes both away again, page by page: most of the
 * time of what works with whole batches.  So large blocks come from an arena here (the linker's --wrap), poisoned by
 * hand around what was asked for and as long as they are free.  Guarded memory of libsodium costs five system calls a
 * key; AddressSanitizer guards it as well. */
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#include <sodium.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_MIN   (100u << 10)
#define BIN_MIN     17u /* 128 KiB */
#define BINS        6u  /* to 4 MiB */
#define GUARD       4096u
#define ARENA_BYTES (512u << 20)

/* ---- large blocks ---- */

struct block {
    struct block *next; /* of the free ones of its bin, oldest first */
    uint8_t *start;
    size_t size; /* as asked for */
    unsigned bin;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *arena;
static size_t arena_used;
static struct block *at_page[ARENA_BYTES / GUARD];
static struct block *oldest[BINS], **newest[BINS];

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
void __wrap_free(void *p);

static size_t bin_bytes(unsigned bin)
{
    return (size_t)1 << (BIN_MIN + bin);
}

static bool is_ours(const void *p)
{
    return arena != NULL && (const uint8_t *)p >= arena && (const uint8_t *)p < arena + ARENA_BYTES;
}

static struct block *block_at(const void *p)
{
    return at_page[((const uint8_t *)p - arena) / GUARD];
}

static struct block *carve(unsigned bin)
{
    struct block *b = __real_calloc(1, sizeof(*b));
    size_t bytes = bin_bytes(bin) + GUARD;

    if (arena == NULL) {
        arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        for (unsigned i = 0; i < BINS; i++)
            newest[i] = &oldest[i];
    }
    if (b == NULL || arena == MAP_FAILED || arena_used + bytes > ARENA_BYTES)
        abort(); /* more large blocks than an input can need: they leak */
    b->start = arena + arena_used;
    b->bin = bin;
    arena_used += bytes;
    at_page[(b->start - arena) / GUARD] = b;
    __asan_poison_memory_region(b->start, bytes);
    __lsan_register_root_region(b->start, bin_bytes(bin)); /* it may hold the only pointer to another block */
    return b;
}

static void *large_new(size_t size)
{
    unsigned bin = 0;
    struct block *b;

    while (bin < BINS && size > bin_bytes(bin))
        bin++;
    if (bin == BINS)
        return __real_malloc(size);
    (void)pthread_mutex_lock(&lock);
    if ((b = oldest[bin]) == NULL)
        b = carve(bin);
    else if ((oldest[bin] = b->next) == NULL)
        newest[bin] = &oldest[bin];
    b->next = NULL;
    b->size = size;
    (void)pthread_mutex_unlock(&lock);
    __asan_unpoison_memory_region(b->start, size);
    return b->start;
}

static void large_free(void *p)
{
    struct block *b = block_at(p);

    if (b == NULL || b->start != p || __asan_address_is_poisoned(p))
        abort(); /* not what was given, or freed twice */
    __asan_poison_memory_region(b->start, b->size);
    (void)pthread_mutex_lock(&lock);
    *newest[b->bin] = b;
    newest[b->bin] = &b->next;
    (void)pthread_mutex_unlock(&lock);
}

void *__wrap_malloc(size_t size)
{
    return size < LARGE_MIN ? __real_malloc(size) : large_new(size);
}

void __wrap_free(void *p)
{
    if (is_ours(p))
        large_free(p);
    else
        __real_free(p);
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *p;

    if (size == 0 || count < LARGE_MIN / size || count > SIZE_MAX / size)
        return __real_calloc(count, size);
    if ((p = large_new(count * size)) != NULL)
        memset(p, 0, count * size);
    return p;
}

void *__wrap_realloc(void *p, size_t size)
{
    size_t old;
    void *to;

    if (!is_ours(p) && (p != NULL || size < LARGE_MIN))
        return __real_realloc(p, size); /* what has grown large by and by stays where it is */
    old = p == NULL ? 0 : block_at(p)->size;
    if ((to = __wrap_malloc(size)) == NULL)
        return NULL;
    if (old > 0)
        memcpy(to, p, old < size ? old : size);
    __wrap_free(p);
    return to;
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(p, count * size);
}

/* ---- guarded memory, and what AddressSanitizer keeps ---- */

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16:clear_shadow_mmap_threshold=1073741824";
}

void *sodium_malloc(size_t size)
{
    return __wrap_malloc(size);
}

void *sodium_allocarray(size_t count, size_t size)
{
    return size > 0 && count > SIZE_MAX / size ? NULL : __wrap_malloc(count * size);
}

void sodium_free(void *p)
{
    __wrap_free(p);
}

int sodium_mlock(void *const p, const size_t len)
{
    (void)p;
    (void)len;
    return 0;
}

int sodium_mprotect_noaccess(void *p)
{
    (void)p;
    return 0;
}

int sodium_mprotect_readonly(void *p)
{
    (void)p;
    return 0;
}

int sodium_mprotect_readwrite(void *p)
{
    (void)p;
    return 0;
}
