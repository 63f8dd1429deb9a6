/*
 * The action context: implements include/slipway/action.h and provider.h over the HTTP client and a backend. The
 * backend is who stores things: the executor with Redis, or a test.
 */
#ifndef SLIPWAY_ACTION_CONTEXT_H
#define SLIPWAY_ACTION_CONTEXT_H

#include "base/json.h"
#include "base/settings.h"
#include "core/reference.h"
#include "core/run.h"
#include "http/client.h"
#include "provider/provider.h"
#include "slipway/action.h"
#include "slipway/provider.h"
#include "slipway/workflow.h"

struct owner_question {
	enum { OWNER_LOOK, OWNER_SHARER, OWNER_CLAIM, OWNER_RELEASE } what;
	const char *provider, *type, *id;
	bool shared;
};

/* One row of the ledger, written together with the checkpoint. */
struct ledger_change {
	const char *field;
	const char *value;      /* NULL: the row goes */
	const char *checkpoint; /* NULL: that stays as it is */
	bool replaces;          /* it is of another thing than the row that stands there */
};

/* When a call may go that is spaced from others: after wait_ms where it is granted, else it is to ask again then. */
struct call_turn {
	int64_t wait_ms;
	bool granted;
	int64_t ahead; /* runs whose turn comes before */
};

/* What the context asks of whoever runs it. An error of save and own means: stop, the run may be another's. */
struct action_backend {
	/* Who has a thing, over all apps, or shares it: see store/owners.h. NULL: there are no other apps. *ret_holder
	 * is
	 * "" where it is this app's, or nobody's. */
	enum error_class (*owner)(
		void *backend, const struct owner_question *question, const char **ret_holder, struct error *error);
	enum error_class (*save)(void *backend, const char *checkpoint, struct error *error);
	enum error_class (*own)(void *backend, const struct ledger_change *change, struct error *error);
	void (*log)(void *backend, const char *line);
	/* Output JSON of a done step, in the attempt's arena; NULL where it is not done. For plans. */
	enum error_class (*output)(
		void *backend, const struct run_name *name, const char **ret_output, struct error *error);
	/* The app's secret, or what is sealed in an input, opened, as the caller's JSON string; it is cut out of texts
	 * from then on. For plans. */
	enum error_class (*secret)(
		void *backend, const struct reference *reference, cJSON **ret_value, struct error *error);
	/* Those that were opened are cut out of texts no more. */
	void (*forget)(void *backend);
	/* For how long the provider is closed to the credential; 0: open. *ret_probing: the call is the first one after
	 * it was closed. */
	int64_t (*enter)(void *backend, const char *provider, const char *credential, bool *ret_probing);
	/* Whether a call that changes something may go. Asked only where the provider wants such calls spaced. */
	void (*pace)(void *backend, const char *provider, const char *credential, int64_t spacing_ms,
		struct call_turn *ret_turn);
	/* After a call that met a limit (it is closed for so long), and after each that probed (0: it went well). */
	void (*leave)(void *backend, const char *provider, const char *credential, int64_t closed_ms);
};

#define CREDENTIAL_SIZE 17

#define DRY_RUN_PROVIDERS_MAX   4
#define DRY_RUN_DIFFERENCES_MAX 64

/* What an action would do, where it may look and nothing else: see dry_run.c. */
struct step_dry_run {
	const char *change;    /* what the first call that would have changed something does; NULL: none was made */
	const char *request;   /* that call as text */
	const char *unchecked; /* what it would look at besides providers; NULL: nothing */
	bool adopts, removes;  /* in the ledger */
	const char *differences[DRY_RUN_DIFFERENCES_MAX];
	size_t difference_count;
	struct {
		const char *provider; /* NULL ends the list */
		int64_t reads, writes;
		int64_t remaining; /* -1: unknown */
	} calls[DRY_RUN_PROVIDERS_MAX];
};

struct action_context {
	/* Set by whoever runs it; borrowed. */
	const struct action_definition *action;
	const char *app, *run_id;
	const char *request; /* that triggered the run, for the log; NULL: unknown */
	int attempt;
	int64_t age_ms;      /* of the run, when the attempt began */
	int64_t started_at;  /* monotonic */
	int64_t deadline_at; /* monotonic */
	const struct settings *settings;
	struct http_client *client;
	struct arena *arena;
	const cJSON *ledger; /* field -> JSON text; NULL: empty */
	const struct action_backend *backend;
	void *backend_data;
	const struct workflow_definition *workflow; /* NULL: unknown */
	const char *step;                           /* its id; the same */
	struct step_dry_run *dry_run;               /* NULL: it is in earnest */

	/* Made by context_run. */
	bool out_of_memory; /* beside the arena, where a function could not say so */
	void *checkpoint, *output;
	cJSON *written; /* into the ledger by this attempt: field -> JSON text, or null: gone; context_release */
	const char *intended, *intended_before; /* the last ledger_intend: field, and what stood there; NULL: nothing */
	struct error error;
	int64_t wait_ms;
	const char *text; /* of a wait or a skip */
	bool for_person, skipped;
	bool for_turn; /* the last call was refused, for it is not its turn yet */
	bool redirect_logged;
	bool late; /* the last call was refused, and what it was about may only be late */
	struct error
		refusal; /* who refused the last call of a provider, and how: class, texts and remedy are not set */
};

/*
 * Skips where the input is null. Else runs the action with the decoded input and checkpoint (JSON text, "" for an empty
 * one). The error of a failed decoding is left in the context as if the action had failed.
 */
enum action_result context_run(struct action_context *context, const cJSON *input, const char *checkpoint);

/* Checkpoint and output as JSON text in the arena; NULL where memory is short, and for a checkpoint that has a secret
 * in it, which the error says. Secrets are cut out of the output, which clients and other steps read. */
const char *context_checkpoint(struct action_context *context);
const char *context_output(struct action_context *context);

/*
 * One place for what memory that was refused does to an attempt: a text that is not there may have looked to the action
 * like a thing that is not there. So it calls nobody and stores nothing any more, and whatever it says, it is tried
 * again. True sets the error.
 */
bool context_is_short_of_memory(struct action_context *context);

/* How many ms ago the app made the youngest thing of the provider that has this name as its key, in any case, or as its
 * id; -1 where its ledger has none. */
int64_t context_made_ms_ago(struct action_context *context, const char *provider, const char *name);

/* A struct as JSON text in the arena; NULL where memory is short, which the error says. */
const char *context_encode(struct action_context *context, const struct record *record, const void *data);

/* Frees what the context made outside the arena. */
void context_release(struct action_context *context);

#endif
