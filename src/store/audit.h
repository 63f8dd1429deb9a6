/*
 * The audit: who changed what, or was refused it, as a list of entries, the newest last. It is a
 * list because its users can be given the right to append to it and nothing else: whoever may write
 * to a stream may also cut it by that. Only operators cut it.
 */
#ifndef SLIPWAY_STORE_AUDIT_H
#define SLIPWAY_STORE_AUDIT_H

#include "base/arena.h"
#include "base/json.h"
#include "store/redis.h"

/* A request with a valid token that changes something, or asked for that. NULL: it has none. */
struct audit_entry {
	const char *at; /* by the clock of the machine that took the request */
	const char *tenant, *token;
	const char *request; /* its id, as the logs have it */
	const char *what;    /* the mode, or the path where there is none */
	const char *app, *workflow, *step;
	int64_t status;
	const char *class;  /* of the refusal; NULL: it was accepted */
	const char *detail; /* what was refused, where that is no request; NULL: it is one */
};

/* Appends an entry; at is filled in. */
enum error_class audit_append(
	struct redis *redis, struct audit_entry *entry, struct error *error) SLIPWAY_MUST_CHECK;

/* One entry, as JSON. What is not JSON is a text in the list. */
typedef enum error_class audit_visit(void *context, const cJSON *entry, struct error *error);

/* Visits the last `most` entries, the oldest of them first; an error ends the walk. */
enum error_class audit_read(struct redis *redis, int64_t most, audit_visit *visit, void *context,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Removes entries from before that time (ms since 1970), from the oldest on, up to the first that
 * is newer. *ret_count is how many. */
enum error_class audit_cut(struct redis *redis, int64_t before, int64_t *ret_count,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
