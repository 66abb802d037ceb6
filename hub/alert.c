#include "hub/alert.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "hub/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_PREFIX "alert/" /* in H_META; the value: wall clock, u64 */
#define ENV_MAX    64u
#define WAIT_MS    200 /* between two looks whether it has ended */

/* ---- what it is given ---- */

/* All of the text at once, so that a command that reads nothing, or late, holds nobody up. */
static enum err open_text(int *out, struct bytes text)
{
    size_t done = 0;
    int fd = memfd_create("alert", MFD_CLOEXEC);

    if (fd < 0)
        return err_errno(ERR_IO, errno, "memfd");
    while (done < text.len) {
        ssize_t n = write(fd, text.p + done, text.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return err_errno(ERR_IO, errno, "memfd");
        }
        done += (size_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return err_errno(ERR_IO, errno, "memfd");
    }
    *out = fd;
    return OK;
}

/* The language, the time zone and a home of ours, nothing else: no folder of keys, no address of a service manager. */
static size_t fill_env(char *env[ENV_MAX], const struct alert_command *c)
{
    static const char *const kept[] = {"LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "TZ", "HOME", "USER"};
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    size_t count = 0;

    if ((env[count] = strdup(path)) != NULL)
        count++;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const char *value = getenv(kept[i]);

        if (value != NULL && asprintf(&env[count], "%s=%s", kept[i], value) >= 0)
            count++;
    }
    for (size_t i = 0; c->env[i] != NULL && count < ENV_MAX - 1; i++)
        if ((env[count] = strdup(c->env[i])) != NULL)
            count++;
    env[count] = NULL;
    return count;
}

static int set_attributes(posix_spawnattr_t *a)
{
    sigset_t none, usual;
    int rc;

    (void)sigemptyset(&none);
    (void)sigemptyset(&usual);
    (void)sigaddset(&usual, SIGPIPE);
    if ((rc = posix_spawnattr_setsigmask(a, &none)) == 0 && (rc = posix_spawnattr_setsigdefault(a, &usual)) == 0 &&
        (rc = posix_spawnattr_setpgroup(a, 0)) == 0)
        rc = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return rc;
}

static int set_files(posix_spawn_file_actions_t *f, int in, int out)
{
    int rc;

    if ((rc = posix_spawn_file_actions_adddup2(f, in, STDIN_FILENO)) == 0 &&
        (rc = posix_spawn_file_actions_adddup2(f, out, STDOUT_FILENO)) == 0 &&
        (rc = posix_spawn_file_actions_adddup2(f, out, STDERR_FILENO)) == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(f, STDERR_FILENO + 1);
    return rc;
}

static enum err spawn(pid_t *pid, const struct alert_command *c, int in, int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *env[ENV_MAX] = {NULL};
    size_t count = fill_env(env, c);
    int rc;

    if ((rc = posix_spawn_file_actions_init(&files)) == 0) {
        if ((rc = posix_spawnattr_init(&attributes)) == 0) {
            if ((rc = set_files(&files, in, out)) == 0 && (rc = set_attributes(&attributes)) == 0)
                rc = posix_spawn(pid, c->argv[0], &files, &attributes, (char *const *)(uintptr_t)c->argv, env);
            (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&files);
    }
    for (size_t i = 0; i < count; i++)
        free(env[i]);
    if (rc == 0)
        return OK;
    return err_errno(rc == ENOENT || rc == ENOTDIR ? ERR_NOT_FOUND : ERR_DENIED, rc, "night.alert: %s", c->argv[0]);
}

/* ---- what it says ---- */

/* Takes what is there now; what is above ALERT_OUTPUT is read and dropped.  False: nobody holds the other end. */
static bool take_output(int fd, struct buf *said, uint64_t *dropped)
{
    char part[4096];
    ssize_t n;

    while ((n = read(fd, part, sizeof(part))) > 0) {
        size_t room = ALERT_OUTPUT - said->len;
        size_t taken = (size_t)n < room ? (size_t)n : room;

        buf_put(said, part, taken);
        *dropped += (size_t)n - taken;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void log_output(struct buf *said, uint64_t dropped)
{
    char *rest = NULL;

    if (said->len == 0)
        return;
    (void)buf_cstr(said); /* with a NUL behind it */
    for (char *line = strtok_r((char *)said->data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        log_notice("night.alert: %s", line);
    if (dropped > 0)
        log_notice("night.alert: ... and %llu bytes more", (unsigned long long)dropped);
}

/* Until it ends, or its time is over.  Whoever inherited its output may live on: that is not waited for. */
static enum err wait_for_end(pid_t pid, const struct alert_command *c, int out, int *status, struct buf *said,
                             uint64_t *dropped)
{
    int64_t until = clock_mono_ms() + c->limit_ms;
    struct pollfd p = {.fd = out, .events = POLLIN};

    for (;;) {
        int64_t left = until - clock_mono_ms();
        pid_t ended;

        if (p.fd >= 0 && !take_output(out, said, dropped))
            p.fd = -1; /* poll() passes over it */
        if ((ended = waitpid(pid, status, WNOHANG)) == pid) {
            (void)take_output(out, said, dropped);
            return OK;
        }
        if (ended < 0 && errno != EINTR)
            return err_errno(ERR_INTERNAL, errno, "waitpid");
        if (left <= 0) {
            (void)kill(-pid, SIGKILL);
            while (waitpid(pid, status, 0) < 0 && errno == EINTR)
                continue;
            return err_set(ERR_LIMIT, _("night.alert: %s did not end within %lld s and was killed"), c->argv[0],
                           (long long)c->limit_ms / 1000);
        }
        (void)poll(&p, 1, (int)(left < WAIT_MS ? left : WAIT_MS));
    }
}

static enum err judge(const struct alert_command *c, int status)
{
    if (WIFSIGNALED(status))
        return err_set(ERR_IO, _("night.alert: %s was ended by signal %d"), c->argv[0], WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return err_set(ERR_IO, _("night.alert: %s ended with exit code %d; its output is in the log"), c->argv[0],
                       WEXITSTATUS(status));
    return OK;
}

enum err alert_run(const struct alert_command *c)
{
    int pipes[2] = {-1, -1}, in = -1, status = 0;
    uint64_t dropped = 0;
    struct buf said;
    pid_t pid = 0;
    enum err e = open_text(&in, c->text);

    buf_init(&said, ALERT_OUTPUT + 1);
    if (e == OK && pipe2(pipes, O_CLOEXEC) != 0)
        e = err_errno(ERR_IO, errno, "pipe");
    if (e == OK && fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0) /* ours alone: the command's end waits as usual */
        e = err_errno(ERR_IO, errno, "pipe");
    if (e == OK)
        e = spawn(&pid, c, in, pipes[1]);
    if (pipes[1] >= 0)
        close(pipes[1]);
    if (e == OK) {
        e = wait_for_end(pid, c, pipes[0], &status, &said, &dropped);
        log_output(&said, dropped);
        if (e == OK)
            e = judge(c, status);
    }
    if (pipes[0] >= 0)
        close(pipes[0]);
    if (in >= 0)
        close(in);
    buf_fini(&said);
    return e;
}

/* ---- what was told ---- */

struct thing_key {
    char text[sizeof(KEY_PREFIX) + ALERT_THING_MAX];
};

static void thing_key(struct thing_key *k, const char *thing)
{
    (void)snprintf(k->text, sizeof(k->text), KEY_PREFIX "%.*s", (int)ALERT_THING_MAX, thing);
}

static bool is_fresh(struct bytes value, int64_t now_ms)
{
    int64_t told = value.len == sizeof(uint64_t) ? (int64_t)be64_get(value.p) : 0;

    return told > now_ms - ALERT_AGAIN_MS && told < now_ms + ALERT_AGAIN_MS;
}

enum err alert_was_told(struct store_txn *t, const char *thing, int64_t now_ms, bool *was_told)
{
    struct thing_key k = {.text = ""};
    struct bytes value;
    enum err e;

    thing_key(&k, thing);
    e = store_get(t, H_META, bytes_of(k.text, strlen(k.text)), &value);
    *was_told = e == OK && is_fresh(value, now_ms);
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err alert_note_told(struct store_txn *t, const char *thing, int64_t now_ms)
{
    uint8_t raw[sizeof(uint64_t)];
    struct thing_key k = {.text = ""};

    thing_key(&k, thing);
    be64_put(raw, (uint64_t)now_ms);
    return store_put(t, H_META, bytes_of(k.text, strlen(k.text)), bytes_of(raw, sizeof(raw)));
}

/* The first one that is old after `from`; ERR_NOT_FOUND: none. */
static enum err next_old(struct store_txn *t, struct thing_key *from, int64_t now_ms)
{
    struct store_cursor *c;
    struct bytes key, value;
    enum err e = store_cursor_open(t, H_META, &c);

    if (e != OK)
        return e;
    for (e = store_seek(c, bytes_of(from->text, strlen(from->text)), &key, &value); e == OK;
         e = store_next(c, &key, &value)) {
        if (key.len < strlen(KEY_PREFIX) || memcmp(key.p, KEY_PREFIX, strlen(KEY_PREFIX)) != 0) {
            e = ERR_NOT_FOUND;
            break;
        }
        if (key.len < sizeof(from->text) && !is_fresh(value, now_ms)) {
            memcpy(from->text, key.p, key.len);
            from->text[key.len] = '\0';
            break;
        }
    }
    store_cursor_close(c);
    return e;
}

enum err alert_prune(struct store_txn *t, int64_t now_ms)
{
    struct thing_key k = {.text = KEY_PREFIX};
    enum err e;

    while ((e = next_old(t, &k, now_ms)) == OK)
        if ((e = store_delete(t, H_META, bytes_of(k.text, strlen(k.text)))) != OK)
            return e;
    return e == ERR_NOT_FOUND ? OK : e;
}
