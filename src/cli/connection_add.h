/*
 * What `slipway connection add` makes: the record from its options, and the credential from a file
 * or standard input, sealed before it goes anywhere.
 */
#ifndef SLIPWAY_CLI_CONNECTION_ADD_H
#define SLIPWAY_CLI_CONNECTION_ADD_H

#include "base/arena.h"
#include "base/settings.h"
#include "cli/options.h"
#include "store/redis.h"

struct connection_options {
	struct settings settings; /* first: see command.h */
	const char *what, *name;
	const char *tenant, *provider, *account;
	const char *token_file, *app_key_file; /* "-": standard input */
	const char *app_id, *installation_id;
	struct option_list owners, repositories, projects, domains, apps;
	bool adopt, share, is_default, replace, json;
};

/* Writes it to Redis; *ret_record is what readers find of it, without its credential, in the arena:
 * also where an error came after it was written; else NULL. ERROR_INVALID_INPUT names the option
 * that is wrong. */
enum error_class connection_add(struct redis *redis, const struct connection_options *options,
	struct arena *arena, const char **ret_record, struct error *error) SLIPWAY_MUST_CHECK;

#endif
