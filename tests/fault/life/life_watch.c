#include "tests/fault/life/life.h"

#define SAMPLE_MS 5000.0
/* The parts that are compared; what comes before is warming up. */
#define MIDDLE_FROM 0.40
#define MIDDLE_TO   0.62
#define LATE_FROM   0.68
#define LATE_TO     0.90
#define MIB         1048576.0
#define LEAST       5u /* samples of a part */

static struct sample samples[LIFE_SAMPLES];
static size_t sample_count;
static int64_t sample_ms;

static void take_schools(struct sample *s)
{
    size_t n = 0;

    for (size_t i = 0; i < herd->count; i++) {
        const struct life *l = &region->life[i];

        if (is_mortal(i) || l->anon_kib == 0)
            continue;
        n++;
        s->school_anon += (double)l->anon_kib;
        s->school_used += (double)l->store_used / (double)(l->stands.records + 1);
        s->school_file += (double)l->store_file;
    }
    if (n == 0)
        return;
    s->school_anon /= (double)n;
    s->school_used /= (double)n;
    s->school_file /= (double)n;
}

static void take(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    hub_watch();
    s->at = since_began();
    s->gateway_anon = (double)gateway.anon_kib;
    s->gateway_files = (double)gateway.files;
    s->gateway_threads = (double)gateway.threads;
    s->core_anon = (double)core.anon_kib;
    s->core_files = (double)core.files;
    s->core_threads = (double)core.threads;
    s->submissions = (double)region->submissions;
    s->hub_used = (double)region->hub_used;
    s->hub_file = (double)region->hub_file;
    s->hub_disk = (double)region->hub_disk;
    s->spool = (double)region->spool;
    s->schools_disk = (double)region->schools_disk;
    take_schools(s);
}

static void say_sample(const struct sample *s)
{
    (void)printf("%6.0f %8.0f | %6.1f %4.0f %2.0f | %6.1f %4.0f %2.0f | %7.1f %6.1f %6.1f %5.2f | %5.2f %6.0f "
                 "%6.0f\n",
                 s->at, s->submissions, s->gateway_anon / 1024, s->gateway_files, s->gateway_threads,
                 s->core_anon / 1024, s->core_files, s->core_threads, s->hub_used / MIB, s->hub_file / MIB,
                 s->hub_disk / MIB, s->spool / MIB, s->school_anon / 1024, s->school_file / 1024,
                 s->schools_disk / MIB);
    (void)fflush(stdout);
}

static void say_heading(void)
{
    (void)printf("     s  entries | gateway MiB  | core     MiB  | hub: used   file   disk spool | a school: "
                 "MiB, KiB; all MiB\n");
}

void watch_step(bool say)
{
    static struct sample last;

    if (clock_mono_ms() >= sample_ms && sample_count < LIFE_SAMPLES) {
        take(&samples[sample_count]);
        last = samples[sample_count++];
        sample_ms = clock_mono_ms() + (int64_t)(SAMPLE_MS * region->tempo);
    }
    if (!say)
        return;
    if (sample_count <= 2)
        say_heading();
    say_sample(&last);
}

/* ---- is it flat? ---- */

typedef double value_of(const struct sample *s);

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of a part of the time. */
static double median(value_of *of, double from, double to, size_t *count)
{
    static double v[LIFE_SAMPLES];
    size_t n = 0;

    for (size_t i = 0; i < sample_count; i++) {
        double at = samples[i].at / region->length;

        if (at >= from && at < to)
            v[n++] = of(&samples[i]);
    }
    qsort(v, n, sizeof(v[0]), by_size);
    *count = n;
    return n == 0 ? 0 : v[n / 2];
}

static double gateway_anon(const struct sample *s)
{
    return s->gateway_anon / 1024;
}
static double gateway_files(const struct sample *s)
{
    return s->gateway_files;
}
static double gateway_threads(const struct sample *s)
{
    return s->gateway_threads;
}
static double core_anon(const struct sample *s)
{
    return s->core_anon / 1024;
}
static double core_files(const struct sample *s)
{
    return s->core_files;
}
static double core_threads(const struct sample *s)
{
    return s->core_threads;
}
static double school_anon(const struct sample *s)
{
    return s->school_anon / 1024;
}
static double school_used(const struct sample *s)
{
    return s->school_used;
}
static double hub_used(const struct sample *s)
{
    return s->hub_used / (s->submissions + 1);
}
static double hub_free(const struct sample *s)
{
    return (s->hub_file - s->hub_used) / MIB;
}
static double hub_other(const struct sample *s)
{
    return (s->hub_disk - s->hub_file) / MIB;
}
static double schools_disk(const struct sample *s)
{
    return s->schools_disk / (s->submissions + 1);
}
static double spool(const struct sample *s)
{
    return s->spool / MIB;
}

/* Late it may be as much as in the middle, and so many times and so much more. */
static const struct rule {
    const char *name;
    value_of *of;
    double times, more;
} rules[] = {
    {"gateway, own memory, MiB", gateway_anon, 1.10, 1},
    {"gateway, open files", gateway_files, 1.20, 16},
    {"gateway, threads", gateway_threads, 1, 0},
    {"core, own memory, MiB", core_anon, 1.10, 2},
    {"core, open files", core_files, 1.10, 4},
    {"core, threads", core_threads, 1, 0},
    {"a school, own memory, MiB", school_anon, 1.05, 0.125},
    {"a school's store, bytes per entry", school_used, 1.05, 0},
    {"hub's store, bytes per entry", hub_used, 1.05, 0},
    {"... free inside the file, MiB", hub_free, 1.25, 16},
    {"hub's other files, MiB", hub_other, 1.50, 8},
    {"schools' disks, bytes per entry", schools_disk, 1.05, 0},
    {"spool, MiB", spool, 1.50, 4},
};

/* A file that a meeting leaves open, a thread that does not end: exactly as many as after the first one. */
bool watch_rest(void)
{
    bool is_good = true;

    for (size_t i = 0; i < herd->count; i++) {
        const struct life *l = &region->life[i];

        if (l->first_files == 0 || (l->most_files == l->first_files && l->most_threads == 1))
            continue;
        (void)printf("school %zu keeps %ld files open (%ld after its first meeting), has %ld threads\n", i + 1,
                     l->most_files, l->first_files, l->most_threads);
        is_good = false;
    }
    return is_good;
}

bool watch_judge(void)
{
    bool is_good = true;
    size_t before, after;

    (void)printf("%-34s %12s %12s %12s\n", "flat?  medians of a part each", "middle", "late", "allowed");
    for (size_t i = 0; i < COUNT(rules); i++) {
        const struct rule *r = &rules[i];
        double middle = median(r->of, MIDDLE_FROM, MIDDLE_TO, &before);
        double late = median(r->of, LATE_FROM, LATE_TO, &after);
        double allowed = middle * r->times + r->more;

        if (before < LEAST || after < LEAST)
            at_fault("%zu and %zu samples are too few", before, after);
        (void)printf("%-34s %12.2f %12.2f %12.2f%s\n", r->name, middle, late, allowed, late > allowed ? "  GROWS" : "");
        is_good &= late <= allowed;
    }
    return is_good;
}
