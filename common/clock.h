/* clock.h: the one door through which time enters.  Tests replace it; nothing else calls clock_gettime() or time(). */
#ifndef SVODKA_COMMON_CLOCK_H
#define SVODKA_COMMON_CLOCK_H

#include <stdint.h>

/* Wall clock in milliseconds since 1970-01-01 UTC; what the PC believes, may be years off. */
int64_t clock_wall_ms(void);
/* Monotonic milliseconds, for timeouts and rates; never goes back. */
int64_t clock_mono_ms(void);
/* CPU-cheap monotonic nanoseconds, for benches. */
int64_t clock_mono_ns(void);
/* Sleeps at most `ms`; returns early on a signal. */
void clock_sleep_ms(int64_t ms);
/* Today in local time, as days since 1970-01-01. */
int32_t clock_today(void);

/* Tests: from now on the wall clock stands at `wall_ms` (until clock_test_real()). */
void clock_test_set(int64_t wall_ms);
/* And the monotonic one at `mono_ms`. */
void clock_test_set_mono(int64_t mono_ms);
void clock_test_real(void);

#endif
