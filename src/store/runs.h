/*
 * Operations on runs, one script each: for clients and for workers. The reaper is in reaper.h.
 */
#ifndef SLIPWAY_STORE_RUNS_H
#define SLIPWAY_STORE_RUNS_H

#include "core/run.h"
#include "core/workflow.h"
#include "store/keys.h"
#include "store/redis.h"

/* ---- for clients ---- */

struct trigger {
	struct run_name name;
	const char *input;      /* JSON */
	const char *digest;     /* of the input */
	const char *definition; /* of the step, as core/digest.h has it */
	bool force;
	const char *id;        /* of the trigger, chosen by the client; NULL: none */
	const int64_t *config; /* version of the payload that it was built with; NULL: whichever */
	const int64_t *config_at; /* and when that was changed */
	const char *request;      /* id of the HTTP request; NULL: none */
	const char *actor;        /* id of the token that sent it; NULL: unknown */
	int64_t run_ms;           /* deadline of the run, from now */
	/* for how long needs that are not done may hold it as blocked; 0: then it is refused */
	int64_t hold_ms;
	int64_t attempts; /* how many may fail */
	int64_t retention_seconds;
	const char *budgets; /* of its tenant: budgets_print; NULL: none */
	const char *outputs; /* names of its outputs: step_outputs */
	const char *uses;    /* which outputs of the needs are used: step_set_uses */
	const char *needs;   /* of its tenant: step_set_names; NULL: none */
};

enum trigger_outcome {
	TRIGGER_NEW,
	TRIGGER_SAME,
	TRIGGER_REUSED,
	TRIGGER_CONFLICT,
	TRIGGER_NEEDS_NOT_DONE,
	TRIGGER_RING,     /* it would wait for itself, through other apps */
	TRIGGER_OUTDATED, /* the payload is not the one that it was built with */
	TRIGGER_OVER,     /* never given: it is the error that budget_refuse() makes of it */
};

struct trigger_result {
	enum trigger_outcome outcome;
	struct run run;
	/* needs that are not done, as step or, of another workflow or app, app.workflow.step; of
	 * TRIGGER_RING what waits for one another, the first also last */
	const char **missing;
	size_t missing_count;
};

/* Texts of the result are in the arena. Safe to repeat after ERROR_OUTCOME_UNKNOWN; with force,
 * only if the trigger has an id. Where a budget is used up, nothing is made: see budget_refuse. */
enum error_class run_trigger(struct redis *redis, const struct trigger *trigger,
	struct arena *arena, struct trigger_result *ret_result,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the current run; idle if there is none. Texts are in the arena. */
enum error_class run_read(struct redis *redis, const struct run_name *name, struct arena *arena,
	struct run *ret_run, struct error *error) SLIPWAY_MUST_CHECK;

enum cancel_outcome {
	CANCEL_ENDED,
	CANCEL_ASKED,   /* a worker executes it, and ends it */
	CANCEL_NOTHING, /* none was live */
	CANCEL_OTHER,   /* another run than the one that is meant is live */
};

/* Ends the run with this id (NULL: whichever it is), or asks its worker to. *ret_run is what the
 * step has now; its texts are in the arena. */
enum error_class run_cancel(struct redis *redis, const struct run_name *name, const char *run_id,
	struct arena *arena, enum cancel_outcome *ret_outcome, struct run *ret_run,
	struct error *error) SLIPWAY_MUST_CHECK;

/* ---- for workers ---- */

#define RUN_CANCELLED_MESSAGE "the run was cancelled before it began; nothing was done"
#define RUN_STOPPED_MESSAGE                                                                        \
	"the run was cancelled after it had begun; what it made stays, and may be half done"
#define RUN_EXPIRED_MESSAGE "the run took longer than its deadline allows"

#define TOKEN_SIZE 96

/* A worker's right to one run. Small and flat, because executors send it to their supervisor. */
struct lease {
	char tenant[IDENTIFIER_SIZE], app[IDENTIFIER_SIZE];
	char workflow[IDENTIFIER_SIZE], step[IDENTIFIER_SIZE];
	char token[TOKEN_SIZE];
};

/* The run that the lease is for; borrows its texts. */
struct run_name lease_name(const struct lease *lease);

/* Names the run in the lease. */
void lease_set_name(struct lease *lease, const struct run_name *name);

/* A run that a worker has taken off the queue: see queue.h. */
struct claim {
	struct lease lease;
	struct run run;
	cJSON *ledger; /* field -> JSON text, as strings; claim_release frees it */
};

/* Why a worker leaves a run to others. */
struct decline {
	const char *reason; /* NULL: a living worker has the definition */
	const char *detail; /* a sentence */
};

/*
 * Says of a run that queue_take() has left to workers of another build whether there is one. The
 * run remains queued and comes back after a second or a few. Without effect on any other run.
 */
enum error_class run_decline(struct redis *redis, const struct run_name *name, const char *run_id,
	const struct decline *decline, struct error *error) SLIPWAY_MUST_CHECK;

/* Frees the ledger of a claim. */
void claim_release(struct claim *claim);

enum renewed {
	RENEWED_HELD,
	RENEWED_CANCEL, /* held, but somebody wants the run to end */
	RENEWED_LOST,   /* the caller no longer has the run */
	RENEWED_BROKEN, /* its key is: the lease runs out */
};

#define RENEWAL_LOOK INT64_C(-1) /* in place of a time: the lease stays as it is */

struct renewal {
	struct lease lease;
	int64_t lease_ms;   /* from now; 0 gives it up: its holder has crashed */
	enum renewed state; /* what has come of it */
};

#define RENEWALS_MAX 256 /* in one call */

/* Renews all of them in one call, each by itself. On an error nothing is known of any. */
enum error_class runs_renew(struct redis *redis, struct renewal *renewals, size_t count,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same for one: ERROR_LEASE_LOST if the caller no longer has the run. */
enum error_class run_renew(struct redis *redis, const struct lease *lease, int64_t lease_ms,
	bool *ret_cancel, struct error *error) SLIPWAY_MUST_CHECK;

enum run_write_kind {
	RUN_PROGRESS, /* checkpoint, ledger_field, ledger_value, ledger_replaces, log */
	RUN_WAIT,     /* checkpoint, phase, delay_ms, reason, detail */
	RUN_RETRY,    /* checkpoint, delay_ms, reason, detail */
	RUN_FINISH,   /* checkpoint, status, output, error, reason */
	RUN_RELEASE,  /* works without the lease too: then takes back the crash that was counted for
			 it */
};

/* What a worker writes. NULL is "": unchanged, or nothing. */
struct run_write {
	enum run_write_kind kind;
	const char *checkpoint;
	const char *ledger_field, *ledger_value, *log;
	bool ledger_replaces; /* the row is for another resource than the current one */
	const char *phase, *reason, *detail;
	int64_t delay_ms;
	const char *status, *output, *error;
	const char *gives; /* of an output: see output_digest */
	/* Of RUN_WAIT and RUN_RETRY: whether the provider is down, how long the call took that
	 * found that, and what it met (NULL: nobody was asked). */
	bool outage;
	int64_t outage_ms;
	const char *outage_seen;
	/* for the log: why the attempt failed, redacted; NULL: it did not */
	const struct error *failure;
};

/*
 * The only way for a worker to change a run: checks that the lease is current, then writes
 * everything. ERROR_LEASE_LOST if it is not: then nothing is written.
 */
enum error_class run_write(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct error *error) SLIPWAY_MUST_CHECK;

/* The same, and returns the run if this write ended it: the facts for run_end_line, in the arena;
 * idle if the run continues. After a cancel, any write ends the run. */
enum error_class run_write_told(struct redis *redis, const struct lease *lease,
	const struct run_write *write, struct arena *arena, struct run *ret_ended,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the hash of a run from a flat list, as it was at `now`. Texts are in the arena. */
enum error_class run_from_hash(struct run *ret_run, const struct run_name *name,
	const struct redisReply *hash, int64_t now, struct arena *arena,
	struct error *error) SLIPWAY_MUST_CHECK;

/* A flat list whose first values have no names in it. */
struct run_list {
	size_t name_count;
	const char *const *names; /* of those */
	const struct redisReply *reply;
};

/* The same of such a list. */
enum error_class run_from_list(struct run *ret_run, const struct run_name *name,
	const struct run_list *list, int64_t now, struct arena *arena,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Reads what told() in transitions.lua returned about a run; idle if it returned nothing. */
enum error_class run_told(struct run *ret_run, const struct run_name *name,
	const struct redisReply *reply, struct arena *arena,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What a step gives to others; texts are in the arena. */
struct step_output {
	/* JSON; NULL if the step is not done, or what it created was removed since */
	const char *output;
	char *gives;        /* see core/signed_text.h */
	const char *status; /* why there is none; "" if there is no run */
};

/* Reads the output of a step of any app. */
enum error_class run_output(struct redis *redis, const struct run_name *name, struct arena *arena,
	struct step_output *ret_output, struct error *error) SLIPWAY_MUST_CHECK;

#endif
