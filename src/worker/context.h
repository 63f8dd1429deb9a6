/*
 * The action context: implements include/slipway/action.h and provider.h over the HTTP client and a host. The host is
 * who stores things: the executor with Redis, or a test.
 */
#ifndef SLIPWAY_WORKER_CONTEXT_H
#define SLIPWAY_WORKER_CONTEXT_H

#include "base/json.h"
#include "base/settings.h"
#include "http/client.h"
#include "http/provider.h"
#include "slipway/action.h"
#include "slipway/provider.h"

/* What the context asks of whoever runs it. An error of save and own means: stop, the run may be another's. The value
 * of own is NULL where the thing is gone. */
struct action_host {
	enum error_class (*save)(void *host, const char *checkpoint, struct error *error);
	enum error_class (*own)(void *host, const char *key, const char *value, struct error *error);
	void (*log)(void *host, const char *line);
	/* For how long the provider is closed to the credential; 0: open. *ret_probing: the call is the first one after
	 * it was closed. */
	int64_t (*enter)(void *host, const char *provider, const char *credential, bool *ret_probing);
	/* After a call that met a limit (it is closed for so long), and after each that probed (0: it went well). */
	void (*leave)(void *host, const char *provider, const char *credential, int64_t closed_ms);
};

#define CREDENTIAL_SIZE 17

struct action_context {
	/* Set by whoever runs it; borrowed. */
	const struct action_definition *action;
	const char *app, *run_id;
	int attempt;
	int64_t age_ms;      /* of the run, when the attempt began */
	int64_t started_ms;  /* monotonic */
	int64_t deadline_ms; /* monotonic */
	const struct settings *settings;
	struct http_client *client;
	struct arena *arena;
	const cJSON *ledger; /* field -> JSON text; NULL: empty */
	const struct action_host *host;
	void *host_data;

	/* Made by context_run. */
	void *checkpoint, *output;
	cJSON *written; /* into the ledger by this attempt: field -> JSON text, or null: gone; context_release */
	struct error error;
	int64_t wait_ms;
	const char *text; /* of a wait or a skip */
	bool for_person, skipped;
};

/*
 * Runs the action with decoded input and checkpoint (both JSON text, "" for an empty checkpoint). The error of a
 * failed decoding is left in the context as if the action had failed.
 */
enum action_result context_run(struct action_context *context, const char *input, const char *checkpoint);

/* Checkpoint and output as JSON text in the arena; NULL where memory is short. */
const char *context_checkpoint(struct action_context *context);
const char *context_output(struct action_context *context);

/*
 * One place for what memory that was refused does to an attempt: a text that is not there may have looked to the action
 * like a thing that is not there. So it calls nobody and stores nothing any more, and whatever it says, it is tried
 * again. True sets the error.
 */
bool context_is_short_of_memory(struct action_context *context);

/* A struct as JSON text in the arena; NULL where memory is short, which the error says. */
const char *context_encode(struct action_context *context, const struct record *record, const void *data);

/* Frees what the context made outside the arena. */
void context_release(struct action_context *context);

#endif
