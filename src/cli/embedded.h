/*
 * Compiled-in files: `slipway dev` and `slipway new` need no folder but the one that they write to.
 */
#ifndef SLIPWAY_CLI_EMBEDDED_H
#define SLIPWAY_CLI_EMBEDDED_H

#include <stddef.h>

/* The bytes of a file by its path in the sources, such as conf/dev/nginx.conf.in; NULL: there is no
 * such file. */
const char *embedded_file(const char *name, size_t *ret_length);

#endif
