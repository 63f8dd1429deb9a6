/*
 * Which connection a run uses to a provider: what its app has configured, or its tenant's default.
 * What was found is used for a second, so that a change holds from then on, and runs of one app
 * that follow each other ask once.
 */
#ifndef SLIPWAY_WORKER_CONNECTIONS_H
#define SLIPWAY_WORKER_CONNECTIONS_H

#include "store/connections.h"

#define CONNECTION_CACHE_SIZE 64
#define CONNECTION_CACHE_MS   1000
#define CONNECTION_KEY_SIZE   ((size_t)4 * IDENTIFIER_SIZE)

struct cached_connection {
	char key[CONNECTION_KEY_SIZE]; /* of which app, for what; "": the place is free */
	int64_t read_at;               /* monotonic */
	struct arena arena;            /* of what was found */
	bool is_built_in;
	struct stored_connection found;
};

struct connection_cache {
	struct cached_connection items[CONNECTION_CACHE_SIZE];
	size_t next; /* the place that the next one takes */
};

/* Who asks for what. Borrowed. */
struct connection_question {
	struct app_name app;
	const char *provider;
	const char *slot; /* what the step's row says; NULL: it says nothing */
};

/*
 * In a coroutine: the connection; without a record, it is the one of the settings, which only the
 * tenant `default` has. In the arena. ERROR_AUTH_MISSING where there is none, in words that are the
 * same for one of another tenant and for one of nobody; ERROR_NOT_ALLOWED where the app may not use
 * it.
 */
enum error_class connections_find(struct connection_cache *cache, struct redis *redis,
	const struct connection_question *question, struct arena *arena,
	struct stored_connection *ret_found, struct error *error) SLIPWAY_MUST_CHECK;

/* Wipes and forgets all. */
void connections_forget(struct connection_cache *cache);

#endif
