/*
 * Tokens that `slipway login` has kept: one for each endpoint, in $XDG_CONFIG_HOME/slipway/tokens,
 * which nobody but its owner may read.
 */
#ifndef SLIPWAY_CLI_TOKEN_FILE_H
#define SLIPWAY_CLI_TOKEN_FILE_H

#include "core/token.h"

/* The token for the endpoint at this URL; "" where none is kept. ERROR_INVALID_INPUT where the file
 * cannot be read, or others may read it. The caller wipes it. */
enum error_class token_file_find(
	const char *url, char ret_text[TOKEN_TEXT_SIZE], struct error *error) SLIPWAY_MUST_CHECK;

/* Keeps a token for the endpoint, in the place of the one before; NULL: none any more. What is kept
 * for others stays. ERROR_INVALID_INPUT where the file cannot be read or written. */
enum error_class token_file_keep(
	const char *url, const char *text, struct error *error) SLIPWAY_MUST_CHECK;

#endif
