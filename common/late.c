#include "common/late.h"

#include "common/cli.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static enum err fill(struct late_library *l)
{
    void *library = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; i < l->count; i++) {
        void *function = library != NULL ? dlsym(library, l->functions[i].name) : NULL;

        if (function == NULL)
            return err_set(
                ERR_IO, _("this needs the library %s, which is missing here or is another one; install the package %s"),
                l->file, l->package);
        memcpy(l->functions[i].slot, &function, sizeof(function));
    }
    l->is_open = true;
    return OK;
}

enum err late_open(struct late_library *l)
{
    enum err e = OK;

    (void)pthread_mutex_lock(&opening);
    if (!l->is_open)
        e = fill(l);
    (void)pthread_mutex_unlock(&opening);
    return e;
}
