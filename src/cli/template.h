/*
 * Files that are compiled in, filled in: what `slipway dev` configures its parts with, and what `slipway new` lays
 * down.
 */
#ifndef SLIPWAY_CLI_TEMPLATE_H
#define SLIPWAY_CLI_TEMPLATE_H

#include "base/buffer.h"

/* Appends the bytes of an embedded file with each @NAME@ replaced; names and values stand in turn, ended by NULL. */
enum error_class template_fill(const char *embedded_name, const char *const *replacements, struct buffer *buffer,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
