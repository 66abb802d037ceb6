#include "common/cli.h"
#include "common/cli_internal.h"
#include "common/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Damage met while the store is in use ---- */

/* A damaged page leads LMDB out of its mapped file: SIGBUS, SIGSEGV or a failed assertion of its own.  The process
 * cannot go on, but it can say what it was.  A fault elsewhere is an error of ours and takes its usual way. */

#define GUARDS   8u
#define TEXT_MAX 1024u

struct guard {
    atomic_bool is_used; /* set last, cleared first: a handler may look at any moment */
    const struct store *store;
    uintptr_t from, to; /* where the data file is mapped; anywhere while it is being opened */
    char text[TEXT_MAX];
};

static struct guard guards[GUARDS];
static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER; /* who changes them; a handler only looks */
static struct sigaction usual_bus, usual_segv;

/* Async-signal-safe. */
static void say_and_exit(const struct guard *g)
{
    if (write(STDERR_FILENO, g->text, strlen(g->text)) < 0)
        _exit(1); /* nobody listens */
    _exit(1);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    int saved = errno;

    (void)context;
    for (size_t i = 0; i < GUARDS; i++)
        if (atomic_load(&guards[i].is_used) && at >= guards[i].from && at < guards[i].to)
            say_and_exit(&guards[i]);
    /* The same instruction faults again, now without us. */
    (void)sigaction(signal, signal == SIGBUS ? &usual_bus : &usual_segv, NULL);
    errno = saved;
}

/* Each time: somebody may have set the signals anew since. */
static void install_handler(int signal, struct sigaction *usual)
{
    struct sigaction ours = {.sa_flags = SA_SIGINFO};
    struct sigaction now;

    ours.sa_sigaction = on_fault;
    (void)sigemptyset(&ours.sa_mask);
    if (sigaction(signal, NULL, &now) != 0 || ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault))
        return;
    *usual = now;
    (void)sigaction(signal, &ours, NULL);
}

static void on_assertion(MDB_env *env, const char *what)
{
    const struct store *s = mdb_env_get_userctx(env);

    (void)what;
    for (size_t i = 0; i < GUARDS; i++)
        if (atomic_load(&guards[i].is_used) && guards[i].store == s)
            say_and_exit(&guards[i]);
}

/* LMDB does not tell where it has mapped its file; the kernel does. */
static bool find_map(MDB_env *env, uintptr_t *from, uintptr_t *to)
{
    struct stat st;
    FILE *maps;
    char line[4096];
    bool is_found = false;
    int fd;

    if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) != 0 || (maps = fopen("/proc/self/maps", "re")) == NULL)
        return false;
    while (!is_found && fgets(line, sizeof(line), maps) != NULL) {
        uintmax_t inode = 0;

        /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
        is_found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNuMAX, from, to, &inode) == 3 &&
                   inode == (uintmax_t)st.st_ino && strstr(line, "data.mdb") != NULL;
    }
    (void)fclose(maps);
    return is_found;
}

static void fill(struct guard *g, const struct store *s, MDB_env *env)
{
    int n = snprintf(g->text, sizeof(g->text), "%s: ", cli_program());

    (void)snprintf(g->text + n, sizeof(g->text) - (size_t)n,
                   _("The store %s is damaged and could not be read to the end; what was not confirmed is not stored. "
                     "Restore a backup.\n"),
                   s->dir);
    g->store = s;
    g->from = 0;
    g->to = UINTPTR_MAX;
    atomic_store(&g->is_used, true);
    if (mdb_env_set_userctx(env, (void *)(uintptr_t)s) == 0)
        (void)mdb_env_set_assert(env, on_assertion);
}

void store_guard_add(const struct store *s, MDB_env *env)
{
    (void)pthread_mutex_lock(&guards_lock);
    install_handler(SIGBUS, &usual_bus);
    install_handler(SIGSEGV, &usual_segv);
    for (size_t i = 0; i < GUARDS; i++)
        if (!atomic_load(&guards[i].is_used)) {
            fill(&guards[i], s, env);
            break;
        }
    (void)pthread_mutex_unlock(&guards_lock);
}

void store_guard_narrow(const struct store *s, MDB_env *env)
{
    (void)pthread_mutex_lock(&guards_lock);
    for (size_t i = 0; i < GUARDS; i++) {
        struct guard *g = &guards[i];
        uintptr_t from = 0;
        uintptr_t to = 0;

        if (!atomic_load(&g->is_used) || g->store != s)
            continue;
        atomic_store(&g->is_used, false);
        if (!find_map(env, &from, &to))
            continue;
        g->from = from;
        g->to = to;
        atomic_store(&g->is_used, true);
    }
    (void)pthread_mutex_unlock(&guards_lock);
}

void store_guard_remove(const struct store *s)
{
    (void)pthread_mutex_lock(&guards_lock);
    for (size_t i = 0; i < GUARDS; i++)
        if (guards[i].store == s)
            atomic_store(&guards[i].is_used, false);
    (void)pthread_mutex_unlock(&guards_lock);
}

/* ---- A data file shorter than its last page ---- */

static int walk_table(MDB_txn *txn, MDB_dbi dbi, unsigned *sum)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int rc = mdb_cursor_open(txn, dbi, &cursor);

    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        for (size_t at = 0; at < value.mv_size; at += 512) /* every page is touched */
            *sum += ((const uint8_t *)value.mv_data)[at];
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static void walk_and_exit(const struct store *s)
{
    const struct rlimit none = {0, 0};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    unsigned sum = 0;

    (void)signal(SIGBUS, SIG_DFL); /* reading past the end of a mapped file */
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGABRT, SIG_DFL);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, STORE_MAX_TABLES + 1) != 0 ||
        mdb_env_open(env, s->dir, MDB_RDONLY | MDB_NOLOCK, 0600) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        _exit(1);
    if (walk_table(txn, 0, &sum) != 0) /* LMDB's list of free pages */
        _exit(1);
    for (unsigned i = 0; i < s->table_count; i++) {
        int rc = mdb_dbi_open(txn, s->tables[i], 0, &dbi);

        if (rc != MDB_NOTFOUND && (rc != 0 || walk_table(txn, dbi, &sum) != 0))
            _exit(1);
    }
    _exit(0);
}

/* Pages that a transaction took and freed again are never written, so a sound file may end before its last page; a
 * file that was cut ends there too, and reading it would kill the process.  A child finds out which it is. */
enum err store_check_short_file(const struct store *s, MDB_env *env)
{
    MDB_txn *quiet = NULL;
    int status = 1;
    int rc = mdb_txn_begin(env, NULL, 0, &quiet); /* no writer meanwhile: the child reads without locks */
    pid_t child;

    if (rc != 0)
        return store_from_mdb(s, rc);
    child = fork();
    if (child == 0)
        walk_and_exit(s);
    if (child > 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    mdb_txn_abort(quiet);
    if (child < 0)
        return store_from_mdb(s, EAGAIN);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(ERR_CORRUPT, _("The store %s is cut short; nothing was changed. Restore a backup."), s->dir);
    return OK;
}
