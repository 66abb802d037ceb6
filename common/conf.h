/* conf.h: agent.yaml and hub.yaml: one table for parsing, defaults and ranges, over yaml_read(). */
#ifndef SVODKA_COMMON_CONF_H
#define SVODKA_COMMON_CONF_H

#include "common/yaml.h"

#define CONF_MAX_BYTES (256u << 10)

/* Reads the file into the caller's struct, which holds the defaults before; a key that is absent leaves its own.
 * Prints nothing: on a mistake err_text() holds the first one (file, line, column, key, what was expected) and how many
 * more there are, and `into` may be half filled: do not use it.  Texts in it are loans from *keep, which the caller
 * frees with yaml_free() after its last use of them.
 * `may_be_missing`: no such file is OK, *keep is NULL and `into` as it was.
 * ERR_NOT_FOUND, ERR_IO, ERR_LIMIT, ERR_MALFORMED, ERR_INVALID; on failure *keep is untouched. */
MUST_CHECK enum err conf_load(const char *path, const struct yaml_key *table, void *into, bool may_be_missing,
                              struct yaml_doc **keep);

#endif
