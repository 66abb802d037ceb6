/* fuzz_zone.c: any bytes as a file of the time zone database; what is read says of any moment something within a day
 * and some hours of it. */
#include "common/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t moments[] = {INT64_MIN,     -4000000000000, 0,        1583020799000,
                                      1600000000000, 32503680000000, INT64_MAX};
    struct zone *z = NULL;

    if (zone_decode(&z, bytes_of(data, size)) != OK)
        return 0;
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        struct zone_time t = zone_at(z, moments[i]);
        int64_t back = zone_moment(z, t.day, t.minute);

        if (t.minute < 0 || t.minute >= ZONE_DAY_MIN)
            abort();
        if (i > 0 && i < 6 && (back - moments[i] > 3 * INT64_C(86400000) || moments[i] - back > 3 * INT64_C(86400000)))
            abort();
    }
    zone_free(z);
    return 0;
}
