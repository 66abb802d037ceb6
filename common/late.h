/* late.h: a library that few commands need is opened when one of them does.
 *
 * The loader finds, maps and relocates whatever a program is linked with before each command, and libzmq, Clp, libzip
 * and libxlsxwriter bring a dozen libraries of their own (Kerberos, LAPACK, OpenSSL): two thirds of the time of a short
 * command, more on an old computer.  So these four are no part of the programs but are opened by their sonames, which
 * CMake asks the libraries for.  Their functions keep the types of the library's header:
 *
 *     static struct { __typeof__(&zip_open) zip_open; } from_zip;
 *     static const struct late_function functions[] = {LATE(from_zip, zip_open)};
 */
#ifndef SVODKA_COMMON_LATE_H
#define SVODKA_COMMON_LATE_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

struct late_function {
    const char *name;
    void *slot; /* where the pointer to it goes */
};

#define LATE(from, function)                                                                                           \
    {                                                                                                                  \
        .name = #function, .slot = &(from).function                                                                    \
    }

struct late_library {
    const char *file;    /* as the loader looks for it: libzmq.so.5 */
    const char *package; /* that brings it, for the person who is told that it is missing */
    const struct late_function *functions;
    size_t count;
    bool is_open;
};

/* Fills the slots; does nothing when they are filled.  The library stays open as long as the process lives.  Any
 * thread. ERR_IO: it is not there, or has not all of these functions. */
MUST_CHECK enum err late_open(struct late_library *l);

#endif
