/*
 * What a supervisor and its executors say to each other: all messages, each described by a table.
 * An executor asks for what its action needs of the store; it names no key and no script, so it can
 * do no more than its run may. A frame (base/channel.h) is one message, as JSON.
 */
#ifndef SLIPWAY_WORKER_PROTOCOL_H
#define SLIPWAY_WORKER_PROTOCOL_H

#include "base/arena.h"
#include "base/channel.h"
#include "base/record.h"
#include "slipway/error.h"
#include "slipway/field.h"

/* To an executor: a run, with all that an attempt needs. Texts are "" where the run has none. */
struct job {
	const char *tenant, *app, *workflow, *step, *token;
	const char *run_id, *request, *worker, *input, *checkpoint, *outage_seen;
	int64_t attempt, attempts, now, queued_at, run_deadline, outage_at, outage_ms, paused_ms;
	int64_t time_left_ms; /* of the attempt */
	int64_t number;       /* of the jobs of this executor's place: it says that it has begun */
	const char *ledger;   /* a JSON object: field -> JSON text */
};
extern const struct record job_record;

/* What a failed attempt has met, for the log; redacted. */
struct job_failure {
	const char *class, *message, *place, *provider, *request_id;
	int64_t http_status;
};

/* What is asked. */
#define ASK_READY      "ready"      /* it has started, and takes runs; no reply */
#define ASK_RESULT     "result"     /* how the attempt ended: `write` and the like; no reply */
#define ASK_NOTHING    "nothing"    /* the attempt ended, and there is nothing to write; no reply */
#define ASK_LOG        "log"        /* no reply */
#define ASK_SAVE       "save"       /* a checkpoint, a row of the ledger */
#define ASK_NEEDS      "needs"      /* the outputs that the input refers to */
#define ASK_OUTPUT     "output"     /* of one step */
#define ASK_SECRET     "secret"     /* from the keeper: of a name, or what is sealed in the input */
#define ASK_CONNECTION "connection" /* to a provider, with its credential from the keeper */
#define ASK_MINT       "mint"       /* a token of an app, from a minter */
#define ASK_OWNER      "owner"      /* of a thing at a provider */
#define ASK_ADMIT      "admit"      /* whether a call may be sent */
#define ASK_THROTTLE   "throttle"   /* when a change may be sent */
#define ASK_LIMIT      "limit"      /* a limit was met, or is over */
#define ASK_HEALTH     "health"     /* the provider failed, or answered */

/* From an executor. NULL and 0 where the kind has no use for a member. */
struct ask {
	const char *kind;
	bool leaves; /* of a result: it takes no further run */

	/* save, log, result: as in struct run_write; `write` is its kind as a number */
	int64_t write;
	const char *checkpoint, *field, *value, *log, *phase, *reason, *detail, *status, *output,
		*error, *gives, *outage_seen;
	bool replaces, outage;
	int64_t delay_ms, outage_ms;
	const void *failure; /* a job_failure */

	/* output, and what is needed: "app workflow step" each */
	const char *app, *workflow, *step;
	struct string_list needs;
	const char *uses;

	/* secret, owner, limiters */
	/* a connection has the name that the step's row says */
	const char *name, *provider, *credential, *type, *id;
	const char *sealed, *key; /* the secret in the input; to whom it is handed over */
	int64_t what;             /* of an owner_question */
	bool shared, answered, unreachable;
	/* of a token: see struct mint_question */
	const char *owner, *repository;
	struct string_map permissions;
	bool refresh, wants_page, checks, may_be_missing;
	int64_t made_ago_ms, time_left_ms;
	int64_t spacing_ms, blocked_ms, retry_ms, response_status;
};
extern const struct record ask_record;

/* To an executor that has asked. `class` is the error's name; NULL: there was none. */
struct reply {
	const char *class, *message, *remedy;
	int64_t retry_after_ms;
	/* of an error: where to mend it, or what was wanted; the provider's exchange behind it */
	const char *page, *provider, *code, *request_id;

	const char *text; /* an output, an owner, a secret in its box; NULL: there is none */
	/* of a connection: its name, and its JSON; NULL: it is the one of the settings */
	const char *name, *record;
	const char *status;         /* of a step that is not done */
	struct string_list outputs; /* of the needs */
	int64_t missing;            /* the need that is not done, from 1; 0: all are done */
	int64_t wait_ms, down_ms, response_status, ahead;
	bool worker_only, probing, watched, granted;
	/* of a minter: an app has to sign once more, by a clock that is corrected by so much */
	bool wants_signature;
	int64_t skew_seconds;
};
extern const struct record reply_record;

/* Makes it the reply that tells of an error, in the arena; and reads one: ERROR_NONE where it tells
 * of none. */
void reply_refuse(struct reply *reply, const struct error *failure, struct arena *arena);
enum error_class reply_failure(const struct reply *reply, struct error *ret_failure);

/* Puts a message in line. ERROR_OUT_OF_MEMORY, also where it is too large. */
enum error_class message_put(struct channel *channel, const struct record *record,
	const void *message, struct error *error) SLIPWAY_MUST_CHECK;

/* Reads a frame; texts are in the arena. */
enum error_class message_read(const struct record *record, const char *text, size_t length,
	struct arena *arena, void *ret_message, struct error *error) SLIPWAY_MUST_CHECK;

#endif
