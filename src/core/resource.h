/*
 * A row of a ledger as people and clients see it: the name of the row, provider:type:key, and what
 * stands in it.
 */
#ifndef SLIPWAY_CORE_RESOURCE_H
#define SLIPWAY_CORE_RESOURCE_H

#include "base/arena.h"
#include "base/json.h"
#include "slipway/field.h"

/* Texts are NULL where the row has none. */
struct resource {
	const char *provider, *type, *key, *state, *id, *url, *run, *workflow, *step, *at;
	bool created, shared;
	bool part; /* goes and stays with another one, as a variable with its project */
};
extern const struct record resource_record;

/* Reads one row; its texts are in the arena. An error where it is damaged. */
enum error_class resource_read(const char *field, const char *row, struct arena *arena,
	struct resource *ret_resource, struct error *error) SLIPWAY_MUST_CHECK;

#endif
