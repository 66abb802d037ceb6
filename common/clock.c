#include "common/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t fixed_wall_ms = INT64_MIN;
static _Atomic int64_t fixed_mono_ms = INT64_MIN;

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts); /* cannot fail for these two clocks */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    int64_t fixed = atomic_load(&fixed_wall_ms);

    return fixed != INT64_MIN ? fixed : read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_mono_ms(void)
{
    int64_t fixed = atomic_load(&fixed_mono_ms);

    return fixed != INT64_MIN ? fixed : read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec ts = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    if (ms > 0)
        (void)nanosleep(&ts, NULL);
}

int32_t clock_today(void)
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;

    if (localtime_r(&now, &tm) == NULL)
        return 0;
    return (int32_t)(((int64_t)now + tm.tm_gmtoff) / 86400);
}

void clock_test_set(int64_t wall_ms)
{
    atomic_store(&fixed_wall_ms, wall_ms);
}

void clock_test_set_mono(int64_t mono_ms)
{
    atomic_store(&fixed_mono_ms, mono_ms);
}

void clock_test_real(void)
{
    atomic_store(&fixed_mono_ms, INT64_MIN);
    atomic_store(&fixed_wall_ms, INT64_MIN);
}
