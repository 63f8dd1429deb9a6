/*
 * The action context: implements include/slipway/action.h and provider.h over the HTTP client and a
 * backend. The backend stores things: the executor's writes to Redis, a test's keeps them in
 * memory.
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

/* In the place of the id of an app that is none of this tenant. */
#define OWNER_OF_ANOTHER "(another)"

/* One row of the ledger, written together with the checkpoint. */
struct ledger_change {
	const char *field;
	const char *value;      /* NULL: the row is removed */
	const char *checkpoint; /* NULL: unchanged */
	bool replaces;          /* it is about another resource than the row before it */
};

/* When a call may be sent: after wait_ms where it is granted; else the caller asks again after
 * wait_ms. */
struct call_turn {
	int64_t wait_ms;
	bool granted;
	int64_t ahead; /* runs whose turn is earlier */
};

/* Whether a call may be sent to a provider: where both times are 0. */
struct call_admission {
	int64_t limited_ms; /* its rate limit blocks for so long */
	int64_t down_ms;    /* it is down, and another call is to ask first whether it is back */
	int status;         /* of the last response where it is down; 0: none came */
	bool worker_only;   /* it is down for this worker only, which cannot reach it */
	bool probing;       /* the first call after the limit has blocked */
	bool watched; /* calls of others have failed: it is to be told where this one is answered */
};

/* What a call tells of the provider's health. */
struct call_health {
	bool answered;    /* be it with a refusal; then the rest does not matter */
	bool unreachable; /* there was no connection to it, or it was lost */
	int status;       /* of the response; 0: none came */
	int64_t retry_ms; /* how long the provider asks to wait, or 0 */
};

/* A connection, and what it calls with; NULL: what the settings have. */
struct found_connection {
	const struct connection *connection;
	const char *credential;
};

/* What the context needs from its caller. An error of save and ledger_write means: stop, the lease
 * may be lost. */
struct action_backend {
	/* Which app owns a resource, or shares it: see store/owners.h. NULL: there are no other
	 * apps. *ret_holder is "" where it is this app, or none; OWNER_OF_ANOTHER where it is one
	 * of another tenant. */
	enum error_class (*owner)(void *backend, const struct owner_question *question,
		const char **ret_holder, struct error *error);
	enum error_class (*save)(void *backend, const char *checkpoint, struct error *error);
	enum error_class (*ledger_write)(
		void *backend, const struct ledger_change *change, struct error *error);
	void (*log)(void *backend, const char *line);
	/* Output JSON of a done step, in the attempt's arena; NULL where it is not done. For dry
	 * runs. */
	enum error_class (*output)(void *backend, const struct run_name *name,
		const char **ret_output, struct error *error);
	/* Opens the app's secret, or what is sealed in an input; *ret_value is the caller's. It is
	 * redacted from then on. For dry runs. */
	enum error_class (*secret)(void *backend, const struct reference *reference,
		cJSON **ret_value, struct error *error);
	/* Stops redacting the secrets that were opened. */
	void (*forget)(void *backend);
	/* Which connection the run uses to the provider, and its credential, redacted from then on;
	 * slot is what the step's row says, or NULL. Both in the attempt's arena; no connection:
	 * that of the settings. NULL: always that one. */
	enum error_class (*connection)(void *backend, const char *provider, const char *slot,
		struct found_connection *ret_found, struct error *error);
	/* A token of the app of that connection, as struct provider_app has it; in the attempt's
	 * arena, redacted from then on. NULL: the key is in this process. */
	enum error_class (*mint)(void *backend, const char *provider, const char *slot,
		const struct mint_question *question, const char **ret_text, struct error *error);
	/* The rate limiter, one per provider and credential. */
	void (*admit)(void *backend, const char *provider, const char *credential,
		struct call_admission *ret_admission);
	/* Whether a call that changes something may be sent now. Asked only where the provider
	 * wants changes spaced. */
	void (*throttle)(void *backend, const char *provider, const char *credential,
		int64_t spacing_ms, struct call_turn *ret_turn);
	/* After a call that met a limit (the limiter blocks for so long), and after each probe (0:
	 * it succeeded). */
	void (*report_limit)(
		void *backend, const char *provider, const char *credential, int64_t blocked_ms);
	/* After a call that failed for the provider is down, and after one that was answered, where
	 * others have failed. Not asked where the settings want no wait for outages. */
	void (*report_outage)(void *backend, const char *provider, const char *credential,
		const struct call_health *health);
};

#define CREDENTIAL_SIZE 17

/* What a rate limiter is called within its provider: the credential, and the endpoint where that
 * has a limit of its own. */
#define LIMITER_NAME_SIZE 192

#define DRY_RUN_PROVIDERS_MAX   4
#define DRY_RUN_DIFFERENCES_MAX 64

/* What an earlier step of the plan has yet to make. */
struct planned_resource {
	const char *provider, *type, *key; /* as in the ledger */
	const char *step;
};

/* What a dry run observes of one action, which may read and nothing else: see dry_run.c. */
struct step_dry_run {
	/* Given by the dry run; borrowed. */
	const struct planned_resource *planned;
	size_t planned_count;

	/* Steps whose results would tell more; the last one that a call was not sent for, and
	 * whether that step makes what the call is about. */
	const char **after; /* grows in the arena */
	size_t after_count, after_room;
	const char *awaited; /* NULL: none */
	bool awaited_is_new;
	bool assumed; /* the last call was not sent, but answered as if nothing was there yet */
	const char *change;    /* what the first call that would have changed something does; NULL:
				  none was made */
	const char *request;   /* that call as text */
	const char *unchecked; /* what it would look at besides providers; NULL: nothing */
	bool adopts, removes;  /* in the ledger */
	const char *kind,
		*name; /* what it would create or adopt, as in the ledger; NULL: unknown */
	bool gone;     /* the ledger has it, and it is not there any more */
	const char *differences[DRY_RUN_DIFFERENCES_MAX];
	size_t difference_count; /* also of those that were too many to be kept */
	char found[DIGEST_SIZE]; /* of all that was told: see dry_run_found.c; "": nothing was */
	struct step_dry_run_calls {
		const char *provider; /* NULL ends the list */
		int64_t reads, writes;
		int64_t unsent;     /* reads that a run makes as well */
		int64_t remaining;  /* -1: unknown */
		int64_t expires_at; /* of the credential, ms since 1970; 0: unknown */
	} calls[DRY_RUN_PROVIDERS_MAX];
};

struct action_context {
	/* Set by the caller; borrowed. */
	const struct action_definition *action;
	const char *app, *run_id;
	const char *tenant;  /* for the log; NULL: unknown */
	const char *request; /* that triggered the run, for the log; NULL: unknown */
	int attempt;
	int64_t age_ms;      /* of the run, when the attempt began */
	int64_t paused_ms;   /* which its provider was down for; not in the age */
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
	struct step_dry_run *dry_run;               /* NULL: this is no dry run */

	/* With which it has called, see context_access(). */
	struct used_connection *connections;

	/* Made by context_execute. */
	bool out_of_memory; /* an allocation outside the arena has failed */
	void *checkpoint, *output;
	cJSON *written; /* ledger rows of this attempt: field -> JSON text, or null: removed;
			   context_release */
	const char *intended, *intended_before; /* the last ledger_intend: field, and its row
						   before; NULL: none */
	struct error error;
	int64_t wait_ms;
	const char *text; /* of a wait or a skip */
	bool for_person, skipped;
	bool for_turn; /* the last call was refused because its turn has not come */
	bool redirect_logged;
	bool met_outage;   /* the last call found the provider down */
	bool hung;         /* and this by waiting for a response in vain */
	bool was_refused;  /* the last call was not sent: the provider is down */
	int64_t called_at; /* when the last call began; monotonic */
	bool late;         /* the last call was refused, and what it was about may only be late */
	bool cut_off;      /* a call was not sent, or aborted, for the run is to end here */
	struct call_finding *findings; /* what its calls have found by names */
	struct error refusal; /* the response behind the last failed call; class, texts and remedy
				 are not set */
};

/*
 * Skips where the input is null. Else runs the action with the decoded input and checkpoint (JSON
 * text, "" for an empty one). The error of a failed decoding is left in the context as if the
 * action had failed. Where a call was cut off, whatever the action makes of that is no result: it
 * fails with ERROR_LEASE_LOST, unless it is done.
 */
enum action_result context_execute(
	struct action_context *context, const cJSON *input, const char *checkpoint);

/* Checkpoint and output as JSON text in the arena; NULL where memory is short, and for a checkpoint
 * that has a secret in it, which the error says. Secrets in the output are redacted, for clients
 * and other steps read it. */
const char *context_checkpoint(struct action_context *context);
const char *context_output(struct action_context *context);

/*
 * Once an allocation has failed the attempt is void: the action may have mistaken a missing string
 * for a missing resource. It makes no further calls or writes and is retried. True sets the error.
 */
bool context_is_short_of_memory(struct action_context *context);

/* How many ms ago the app made the newest resource of the provider that has this name as its key,
 * in any case, or as its id; -1 where its ledger has none. */
int64_t context_made_ms_ago(struct action_context *context, const char *provider, const char *name);

/*
 * With what the provider is called: the connection of the run, asked for once; *ret_access borrows
 * from the arena. False where there is none, which the error says.
 */
bool context_access(struct action_context *context, const struct provider *provider,
	struct provider_access *ret_access) SLIPWAY_MUST_CHECK;

/*
 * Whether the connection to the resource's provider has the rights for what is new to the app: that
 * it takes over what it did not make, or that others may have it, too. False sets the error; what
 * was intended is taken back then.
 */
bool context_has_rights(struct action_context *context, const struct ledger_resource *resource,
	bool adopts, bool shares) SLIPWAY_MUST_CHECK;

/* The key of the row with this id in the ledger as the attempt found it; NULL: there is none. For
 * a struct provider_exchange: data is the context. */
const char *context_key_of_id(void *data, const char *provider, const char *type, const char *id);

/* Names a credential without giving it away. A token has one limit, whoever has it; an installation
 * can be named by anybody, so that of a connection stands for its tenant's alone. */
void credential_name(const struct provider_access *access, char name[CREDENTIAL_SIZE]);

/* A struct as JSON text in the arena; NULL where memory is short, which the error says. */
const char *context_encode(
	struct action_context *context, const struct record *record, const void *data);

/* A text for people in the arena: secrets are redacted, and it is truncated if it is too long,
 * which its end shows; "" where memory is short. */
const char *context_format(struct action_context *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* Frees what the context made outside the arena. */
void context_release(struct action_context *context);

#endif
