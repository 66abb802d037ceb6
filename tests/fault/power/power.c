/* power.c: the power goes, at any moment of a life of whole homes (life.h), and of all that was not synced anything may
 * be lost, torn or out of order (disk.h).  Holds invariants 1 (durable), 2 (nothing lost), 4 (all or nothing) and 5
 * (recomputable) of design section 3: what was promised before is there (facts.h), the chains verify, nothing is half,
 * and it goes on from there.
 *
 *   power [--seed N] [--chances N] [--one-in N] [--lie] [--moment N]
 *
 * For each moment: everything told is there; only what is sure; all names without the bytes; all bytes without the
 * names; and `chances` by chance.  Equal disks are opened once, and of the others one in so many. */
#include "common/clock.h"
#include "common/folder.h"
#include "common/log.h"
#include "hub/gateway_spool.h"
#include "hub/ledger.h"
#include "tests/fault/power/disk.h"
#include "tests/fault/power/facts.h"
#include "tests/fault/power/life.h"
#include "tests/fault/year/year.h"

#include <sys/resource.h>
#include <time.h>

#define STRETCH    32u /* moments that a child looks at */
#define MARKS_BITS 22u
#define LATER_MS   INT64_C(1700000000000)

static uint64_t seed = 1;
static unsigned chances = 1, one_in = 1;
static size_t only = SIZE_MAX;
static bool lies, is_verbose;
static char root[64];

enum fate { FATE_BEGUN, FATE_EQUAL, FATE_SKIPPED, FATE_SOUND, FATE_ABSENT, FATE_UNSOUND };
struct report_line {
    uint64_t mark;
    size_t moment;
    enum part part;
    enum disk_luck luck;
    enum fate fate;
    char text[300];
};
static struct {
    uint64_t disks, equal, skipped, sound, absent, unsound;
} totals;

/* ---- disks that were seen ---- */

static uint64_t *seen;

static bool is_seen(uint64_t mark)
{
    size_t mask = ((size_t)1 << MARKS_BITS) - 1;
    size_t at = mark & mask;

    mark |= 1;
    for (; seen[at] != 0; at = (at + 1) & mask)
        if (seen[at] == mark)
            return true;
    seen[at] = mark;
    return false;
}

/* ---- one disk ---- */

static const char *school_is_sound(enum part part, const char *home, size_t moment)
{
    static char text[300];
    const char *missing;
    struct agent *a = NULL;
    uint64_t bad = 1;

    if (agent_open(&a, home) != OK) {
        (void)snprintf(text, sizeof(text), "the school's home does not open: %s", err_text());
        return text;
    }
    if ((missing = facts_missing_school(a, part, moment)) == NULL && (queue_verify(a, stderr, &bad) != OK || bad != 0))
        missing = "the school's queue does not verify";
    if (missing == NULL && agent_form(a, "marks") != NULL && a->form_count > 0) { /* it goes on */
        uint64_t sealed;

        add_marks(a, 9000, 1);
        if (queue_seal(a, &sealed) != OK || queue_verify(a, stderr, &bad) != OK || bad != 0)
            missing = "the school's queue does not go on";
    }
    agent_close(a);
    return missing;
}

static const char *hub_is_sound(enum part part, const char *home, size_t moment)
{
    static char text[300];
    const char *missing;
    struct spool *spool;
    struct hub *h = NULL;
    uint64_t bad = 1;

    if ((missing = facts_secret_left(part, home, moment)) != NULL)
        return missing;
    if (hub_open(&h, home, HUB_WRITE) != OK) {
        (void)snprintf(text, sizeof(text), "the hub's home does not open: %s", err_text());
        return text;
    }
    if ((missing = facts_missing_hub(h, part, moment)) == NULL && (ledger_verify(h, stderr, &bad) != OK || bad != 0))
        missing = "the ledger does not verify";
    hub_close(h, false);
    if (missing == NULL && spool_open(&spool, home, UINT64_C(1) << 30, 14) != OK) {
        (void)snprintf(text, sizeof(text), "the gateway's spool does not open: %s", err_text());
        return text;
    }
    if (missing == NULL)
        spool_close(spool);
    return missing;
}

static const char *is_sound(enum part part, const char *folder, size_t moment, bool *is_absent)
{
    char home[128];
    struct stat st;

    (void)snprintf(home, sizeof(home), "%s/%s", folder, part_names[part]);
    if (part == PART_STICK || part == PART_COPIES)
        return facts_missing_files(part, home, moment);
    if (stat(home, &st) != 0) {
        *is_absent = true;
        return fact_is_promised(part, FACT_MADE, moment) ? "the whole home is not there" : NULL;
    }
    return part == PART_SCHOOL || part == PART_SCHOOL_AGAIN ? school_is_sound(part, home, moment)
                                                            : hub_is_sound(part, home, moment);
}

/* ---- a stretch of moments, in a child: LMDB may abort on what it finds ---- */

static uint32_t by_chance(void)
{
    return (uint32_t)(chance() >> 32);
}

static void tell(int to, const struct report_line *r)
{
    if (write(to, r, sizeof(*r)) != (ssize_t)sizeof(*r))
        _exit(9);
}

static void look_at(const struct disk *d, enum part part, enum disk_luck luck, size_t moment, int to)
{
    struct disk_image *image = disk_lose(d, part_names[part], luck, by_chance);
    struct report_line r = {.moment = moment, .part = part, .luck = luck};
    char folder[100];
    const char *wrong;
    bool is_absent = false;

    /* The same disk is another question once more was promised. */
    r.mark = (image->mark ^ facts_promised(part, moment)) * UINT64_C(0x9e3779b97f4a7c15);
    if (is_seen(r.mark))
        r.fate = FATE_EQUAL;
    else if ((r.mark >> 32) % one_in != 0)
        r.fate = FATE_SKIPPED;
    else {
        (void)snprintf(folder, sizeof(folder), "%s/after", root);
        folder_remove(folder);
        if (mkdir(folder, 0700) != 0)
            _exit(8);
        disk_image_write(image, folder);
        tell(to, &r);
        wrong = is_sound(part, folder, moment, &is_absent);
        r.fate = wrong != NULL ? FATE_UNSOUND : is_absent ? FATE_ABSENT : FATE_SOUND;
        (void)snprintf(r.text, sizeof(r.text), "%s", wrong == NULL ? "" : wrong);
        folder_remove(folder);
    }
    disk_image_free(image);
    tell(to, &r);
}

static void look_at_part(const struct disk *d, enum part part, size_t moment, int to)
{
    life_chance(seed * UINT64_C(1000003) + moment); /* each moment can be made again alone */
    for (enum disk_luck luck = DISK_ALL; luck < DISK_CHANCE; luck++)
        look_at(d, part, luck, moment, to);
    for (unsigned i = 0; i < chances; i++)
        look_at(d, part, DISK_CHANCE, moment, to);
}

/* Which part an event is of; the names in the root say it. */
static enum part *part_of_node;

static enum part part_of(const struct tape_event *e)
{
    const char *name = e->name;

    if (e->kind == TAPE_WRITE || e->kind == TAPE_TRUNCATE || e->kind == TAPE_SYNC)
        return part_of_node[e->node];
    if (e->folder != TAPE_ROOT)
        return part_of_node[e->folder];
    for (enum part part = PART_HUB; part < PART_COUNT; part++)
        if (disk_is_part(name, part_names[part]))
            return part;
    return PART_COUNT;
}

static void look_on(struct disk *d, size_t from, size_t to, int results)
{
    for (size_t m = from; m < to; m++) {
        const struct tape_event *e = tape_at(m);
        enum part part = part_of(e);

        disk_tell(d, e);
        if ((only == SIZE_MAX || only == m) && part < PART_COUNT)
            look_at_part(d, part, m, results);
        disk_return(d, e);
    }
    for (enum part part = PART_HUB; to == tape_length() && part < PART_COUNT; part++)
        look_at_part(d, part, to, results);
    _exit(0);
}

/* ---- the whole tape ---- */

static const char *luck_name(enum disk_luck luck)
{
    static const char *const names[] = {"all is there", "only what is sure", "names without bytes",
                                        "bytes without names", "chance"};

    return names[luck];
}

static void take(const struct report_line *r)
{
    totals.disks++;
    if (r->fate != FATE_EQUAL)
        (void)is_seen(r->mark);
    switch (r->fate) {
    case FATE_EQUAL: totals.equal++; return;
    case FATE_SKIPPED: totals.skipped++; return;
    case FATE_SOUND: totals.sound++; return;
    case FATE_ABSENT: totals.absent++; return;
    case FATE_BEGUN:
    case FATE_UNSOUND: break;
    }
    if (totals.unsound++ < (lies ? 0 : 40))
        (void)fprintf(stderr, "power: seed %llu, moment %zu, %s, %s: %s\n", (unsigned long long)seed, r->moment,
                      part_names[r->part], luck_name(r->luck),
                      r->fate == FATE_BEGUN ? "the program that opened it died" : r->text);
}

/* A child that dies is followed by one that begins behind the moment of its death. */
static size_t try_some(struct disk *d, size_t from, size_t to)
{
    struct report_line r;
    struct report_line begun = {.fate = FATE_SOUND};
    int ends[2];
    int status;
    pid_t child;

    (void)fflush(NULL);
    if (pipe(ends) != 0 || (child = fork()) < 0)
        at_fault("no child");
    if (child == 0) {
        close(ends[0]);
        look_on(d, from, to, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &r, sizeof(r)) == (ssize_t)sizeof(r)) {
        begun = r;
        if (r.fate != FATE_BEGUN)
            take(&r);
    }
    close(ends[0]);
    if (waitpid(child, &status, 0) != child)
        at_fault("the child is gone");
    if (begun.fate == FATE_BEGUN) {
        take(&begun);
        to = begun.moment + 1;
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        at_fault("power: moments %zu to %zu were not looked at (status %d)", from, to, status);
    for (size_t m = from; m < to && m < tape_length(); m++) {
        disk_tell(d, tape_at(m));
        disk_return(d, tape_at(m));
    }
    return to;
}

/* A file's part is that of the folder that it was made in. */
static void name_parts(void)
{
    for (size_t i = 0; i < tape_length(); i++)
        if (tape_at(i)->kind == TAPE_CREATE)
            part_of_node[tape_at(i)->node] = part_of(tape_at(i));
}

static void try_all(void)
{
    struct disk *d = disk_new(tape_nodes());

    if (lies)
        disk_lie(d);
    for (size_t m = 0; m < tape_length();)
        m = try_some(d, m, m + STRETCH < tape_length() ? m + STRETCH : tape_length());
    disk_free(d);
}

static void say(void)
{
    uint64_t syncs = 0;
    struct rusage own;
    struct rusage children;

    for (size_t i = 0; i < tape_length(); i++)
        syncs += tape_at(i)->kind == TAPE_SYNC;
    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    (void)printf(
        "power: seed %llu: %zu events on the tape, %llu of them barriers; %zu promises; %llu disks, of which "
        "%llu were equal to others and %llu not in the sample; opened %llu: %llu sound, %llu without the home "
        "before it was promised, %llu unsound; %.1f s of processor time\n",
        (unsigned long long)seed, tape_length(), (unsigned long long)syncs, fact_count(),
        (unsigned long long)totals.disks, (unsigned long long)totals.equal, (unsigned long long)totals.skipped,
        (unsigned long long)(totals.sound + totals.absent + totals.unsound), (unsigned long long)totals.sound,
        (unsigned long long)totals.absent, (unsigned long long)totals.unsound,
        (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
            (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec +
                     children.ru_stime.tv_usec) /
                1e6);
}

static bool read_arguments(int argc, char **argv)
{
    int i = 1;

    for (; i < argc; i++) {
        bool has_value = i + 1 < argc;

        if (strcmp(argv[i], "--lie") == 0)
            lies = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            is_verbose = true;
        else if (has_value && strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[++i], NULL, 10);
        else if (has_value && strcmp(argv[i], "--chances") == 0)
            chances = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (has_value && strcmp(argv[i], "--one-in") == 0)
            one_in = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (has_value && strcmp(argv[i], "--moment") == 0)
            only = (size_t)strtoul(argv[++i], NULL, 10);
        else
            return false;
    }
    return one_in > 0;
}

int main(int argc, char **argv)
{
    char life[80];

    if (!read_arguments(argc, argv)) {
        (void)fprintf(stderr, "power [--seed N] [--chances N] [--one-in N] [--moment N] [--lie] [--verbose]\n");
        return 2;
    }
    (void)snprintf(root, sizeof(root), "/dev/shm/svodka-power-XXXXXX");
    if (setenv("TZ", "UTC", 1) != 0 || setenv("LC_ALL", "C", 1) != 0 || mkdtemp(root) == NULL || life_seed(seed) != 0 ||
        (seen = calloc((size_t)1 << MARKS_BITS, sizeof(*seen))) == NULL)
        at_fault("cannot begin");
    tzset();
    MUST(keys_start());
    log_init("power", LOG_ERROR);
    (void)snprintf(life, sizeof(life), "%s/life", root);
    if (mkdir(life, 0700) != 0)
        at_fault("%s", life);
    tape_start(life);
    life_play(life);
    tape_stop();
    if (is_verbose)
        life_print(stdout);
    if ((part_of_node = calloc(tape_nodes(), sizeof(*part_of_node))) == NULL)
        at_fault("no memory");
    name_parts();
    clock_test_set(LATER_MS);
    try_all();
    say();
    folder_remove(root);
    if (lies) /* losses must be found */
        return totals.unsound > totals.sound && totals.unsound > 20 ? 0 : 1;
    return totals.unsound == 0 ? 0 : 1;
}
