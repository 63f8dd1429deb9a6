/*
 * Files that are compiled in, so that `slipway dev` and `slipway new` need no folder but the one they write to.
 */
#ifndef SLIPWAY_CLI_EMBEDDED_H
#define SLIPWAY_CLI_EMBEDDED_H

#include <stddef.h>

/* The bytes of a file by the name that it has in the sources, such as conf/dev/nginx.conf.in; NULL where there is
 * none. */
const char *embedded_file(const char *name, size_t *ret_length);

#endif
