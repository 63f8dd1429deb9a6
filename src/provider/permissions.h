/*
 * The permissions of the tokens that are made for apps, where a provider has apps: what an action
 * has to say of them, and what is left of them for whom less is enough.
 */
#ifndef SLIPWAY_PROVIDER_PERMISSIONS_H
#define SLIPWAY_PROVIDER_PERMISSIONS_H

#include "base/arena.h"
#include "slipway/workflow.h"

struct provider;

/*
 * Whether each action of the workflow that calls a provider which makes tokens for apps has a table
 * of the permissions that they need, and so has what removes what it makes: a token without any
 * named has all that the installation has, and so no run gets one. ERROR_INVALID_INPUT names the
 * action and what to write.
 */
enum error_class permissions_check(
	const struct workflow_definition *workflow, struct error *error) SLIPWAY_MUST_CHECK;

/* The same permissions to read alone, without those that nobody can have so; none at all would be
 * all that there are, so where none is left it is the least. In the arena. */
enum error_class permissions_to_read(const struct provider *provider,
	const struct string_map *whole, struct arena *arena, struct string_map *ret_read,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Those of them that are about no repository, and the least: for a call that names none. In the
 * arena. */
enum error_class permissions_of_no_repository(const struct provider *provider,
	const struct string_map *whole, struct arena *arena, struct string_map *ret_left,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
