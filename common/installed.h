/* installed.h: where what was installed with this program lies, into whatever folder the whole was put: programs are in
 * PREFIX/bin and PREFIX/libexec/svodka, and PREFIX need not be the one that was said when they were compiled. */
#ifndef SVODKA_COMMON_INSTALLED_H
#define SVODKA_COMMON_INSTALLED_H

#include "common/folder.h"

/* PREFIX/`name`, by the path of the running program.  ERR_NOT_FOUND without a sentence: the program does not lie in an
 * installation (it runs from where it was built), or there is nothing of that name. */
MUST_CHECK enum err installed_path(char out[FOLDER_PATH_MAX], const char *name);

#endif
