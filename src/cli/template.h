/*
 * Fills compiled-in templates: the configuration files of `slipway dev`, and the source files of
 * `slipway new`.
 */
#ifndef SLIPWAY_CLI_TEMPLATE_H
#define SLIPWAY_CLI_TEMPLATE_H

#include "base/buffer.h"

/* Appends an embedded file with each @NAME@ replaced; replacements alternates names and values,
 * ended by NULL. */
enum error_class template_fill(const char *embedded_name, const char *const *replacements,
	struct buffer *buffer, struct error *error) SLIPWAY_MUST_CHECK;

#endif
