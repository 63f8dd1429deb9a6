/*
 * Writing an action: one file in workflows/actions/ with a field table, a run function and one const struct.
 *
 * The run function is called in a process of its own, in plain blocking code, once for each attempt. It may be
 * called again after any failure, after the process was killed between any two lines, and after an answer that
 * never came. So an action that changes something looks before it creates (see ledger_intend and ledger_get_id).
 *
 * All memory that these functions return belongs to the context and is wiped after the attempt; nothing is freed
 * by the action.
 */
#ifndef SLIPWAY_ACTION_H
#define SLIPWAY_ACTION_H

#include "slipway/error.h"
#include "slipway/field.h"

struct action_context;
struct input_check;

/* How an attempt ended. Made only by the functions below: `return action_done(context);` */
enum action_result {
	ACTION_FAILED, /* with the error that the context holds; its class decides whether there is another attempt */
	ACTION_DONE,
	ACTION_WAITING,
};

enum action_reuse {
	ACTION_KEEP_RESULT, /* the result is given back, unless what the step made is no longer there */
	ACTION_ALWAYS,      /* a new run each time: a removal, for what it removed may stand again; a check */
};

struct action_definition {
	const char *id;      /* such as github.repository; shown to people, not looked up */
	const char *summary; /* one sentence: what it does */
	struct record input; /* what it takes; validated when a run is triggered */
	/* What the table cannot say, such as of two members that exclude each other: see input_fault. NULL: nothing.
	 * Called with an input that fits the table, before anything of a workflow is made and again before each
	 * attempt; so in its strings references may stand that are put in later (input_is_known), and an integer or a
	 * boolean that is one is 0 or false then. Decides by the input alone. */
	void (*validate)(const void *input, struct input_check *check);
	/* What it remembers between attempts; zeroed at the first one. Stored by action_save, and by every wait
	 * and failure. No secrets: it stands readable in Redis. */
	struct record checkpoint;
	struct record output; /* what it made, for clients and for the steps that need it. No secrets. */

	/* What a trigger of a step that is done, with the same input, means. */
	enum action_reuse reuse;

	/* input, checkpoint and output are of the structs that the records describe. */
	enum action_result (*run)(struct action_context *context, const void *input, void *checkpoint, void *output);

	/* The action that removes what this one makes: the steps of a teardown. NULL: there is nothing to remove, or it
	 * goes with something else, as a variable goes with its project. */
	const struct action_definition *undo;

	/* Of a GitHub App's token for this action: the least permissions, as GitHub names them ({ "contents", "write"
	 * }), ended by a NULL name; NULL: all that the app has. */
	const struct string_pair *permissions;
	bool one_repository; /* each of its calls is about one repository that is there: the token is for no other */

	/* Limits; 0 takes the default that is named. */
	uint32_t attempt_timeout_s; /* an attempt that takes longer is killed: 120 */
	uint32_t run_timeout_s;     /* all attempts and waits together, such as for a rate limit: 4 h */
	uint32_t max_attempts;      /* attempts that may fail with a retryable error: 5 */
};

/* What is stored of a run as JSON is no larger: one that would be ends in payload_too_large. Keep ids and addresses,
 * not what can be read again. */
#define ACTION_OUTPUT_MAX     ((size_t)128 << 10)
#define ACTION_CHECKPOINT_MAX ((size_t)64 << 10)

#define ACTION_ATTEMPT_TIMEOUT_S 120
#define ACTION_RUN_TIMEOUT_S     14400 /* windows of rate limits last an hour, and who is parked may meet the next */
#define ACTION_MAX_ATTEMPTS      5

/* ---- what is wrong with an input ---- */

/* Where a fault is: a member, or of a list of objects a member of one item. */
struct input_fault {
	const char *member; /* as the table names it */
	const char *item;   /* member of the item; NULL: the fault is of the whole */
	size_t index;       /* of the item */
	const char *remedy; /* what a person can do, where it is more than to correct that place; NULL */
};

/* Says in .validate what is wrong there. May be called for several places. */
void input_fault(struct input_check *check, const struct input_fault *fault, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Whether the text is there and has no reference in it any more, so that it can be judged. */
bool input_is_known(const char *text);

/* ---- what the run is about ---- */

const char *action_app(const struct action_context *context);    /* appId */
const char *action_run_id(const struct action_context *context); /* the same through all attempts of a run */
int action_attempt(const struct action_context *context);        /* 1, 2, ... */
/* Milliseconds since this run was triggered, all waits included; by the clock of Redis. */
int64_t action_run_age_ms(const struct action_context *context);

/* ---- how an attempt ends ---- */

/* The output is complete and what it names is usable. */
enum action_result action_done(struct action_context *context);

/* Nothing was to be done, and the status says so and why; ends the run as done with output {"skipped": true}. */
enum action_result action_skip(struct action_context *context, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/*
 * Not ready: the run comes back after delay_ms (100 ms to 1 h) with its checkpoint; no attempt is used up and no
 * process is held. The text says what is waited for: "branch main of acme/docs to resolve".
 */
enum action_result action_wait(struct action_context *context, int64_t delay_ms, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* The same where it waits for a person to do something: the text is what to do. Shown as phase blocked. */
enum action_result action_wait_for_person(struct action_context *context, int64_t delay_ms, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Fails with a class and a message that says what happened, to what. Where the last call of a provider was refused, as
 * the action expected or not, the error also has who refused it, with which status and code, and the exchange's id. */
enum action_result action_fail(struct action_context *context, enum error_class class, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Adds to the failure what a person can do, and where (url may be NULL). Returns ACTION_FAILED. */
enum action_result action_remedy(struct action_context *context, const char *url, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Adds which member of the step's input has to be changed for it, as the field table names it: "adopt". Clients lead
 * a person there. Returns ACTION_FAILED. */
enum action_result action_remedy_input(struct action_context *context, const char *name);

/* Fails with the error that the last failed call on this context left: `if (!provider_call(...)) return
 * action_failed(context);` */
enum action_result action_failed(struct action_context *context);

/* Fails with an error that an earlier call left, for an action that has looked at something in between: all of it but
 * the message, which is given anew. */
enum action_result action_fail_again(
	struct action_context *context, const struct error *earlier, const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* The error that the last failed call left; its class is ERROR_NONE where none failed. */
const struct error *action_error(const struct action_context *context);

/* ---- what survives a crash ---- */

/*
 * Stores the checkpoint now. Call it right before a call that must not be repeated unseen; where that makes a thing of
 * its own, ledger_intend is for it. The attempt after a crash, a time-out or a lost answer then knows that it has to
 * look first.
 * False where it could not be stored or the run is no longer ours: return action_failed(context) at once and
 * call no provider.
 */
bool action_save(struct action_context *context) SLIPWAY_MUST_CHECK;

/* One thing at a provider that this app has, or is about to make: a row of the app's ledger. Rows outlive runs; they go
 * when the thing goes. */
struct ledger_resource {
	const char *provider; /* github */
	const char *type;     /* repository */
	const char *key;      /* the natural key, such as acme/docs */
	const char *id;       /* the provider's own id of it, which survives renaming */
	const char *url;      /* where a person looks at it; NULL: nowhere */
	bool created;         /* by us; false: adopted */
	/* For ledger_intend: what it is to be made from, by which it is recognised, such as a template; NULL: nothing.
	 */
	const char *source;
	bool shared; /* other apps may have it as well, if they say so too */
	bool part;   /* it goes with another thing, as a deployment with its project: it has no owner of its own */

	/* Of a row that was read. */
	bool pending; /* it was asked for, and what came of it is not known. id and created are then those of the thing
		       * that the app had under the key before: "" and false where it had none */
	int64_t first_requested_at, last_requested_at; /* of a pending one, since 1970 */
	bool by_this_run;                              /* which wrote it last */
};

/*
 * Writes into the ledger, and the checkpoint with it, that the thing is about to be made. Call it right before the
 * call that makes it, in the place of action_save; the id is not looked at. Where the answer is lost, the next attempt
 * finds the pending row, and so does the next run, whatever became of this one, and the removal.
 * False as for action_save: then make no call.
 */
bool ledger_intend(struct action_context *context, const struct ledger_resource *resource) SLIPWAY_MUST_CHECK;

/*
 * Puts the ledger back to what it was before this attempt's ledger_intend: the call was refused, so it made nothing.
 * `if (provider_made_nothing(context) && !ledger_take_back(context)) return action_failed(context);`
 * The error of the call stays. False as for action_save.
 */
bool ledger_take_back(struct action_context *context) SLIPWAY_MUST_CHECK;

/* The row of this key; false where the ledger has none. */
bool ledger_get(struct action_context *context, const char *provider, const char *type, const char *key,
	struct ledger_resource *ret_row) SLIPWAY_MUST_CHECK;

/*
 * Whether a thing that was made at this time (ms since 1970, by the provider) can be what the pending row asked for:
 * not before that, and not long after. Where the provider does not say when (0), it can be only if this very run asked.
 */
bool ledger_may_be_ours(const struct ledger_resource *pending, int64_t made_at);

/* How many milliseconds ago the pending thing was asked for last. By the clocks of two workers. */
int64_t ledger_pending_age_ms(const struct ledger_resource *pending);

/*
 * Writes what the app has into its ledger, at once; no row is pending under the key any more. A thing has one owner
 * over all apps: where another app has it, and not both say that they share it, this fails with ERROR_CONFLICT_FOREIGN
 * and that app's name. So call it before anything of the thing is changed. False also as for action_save.
 */
bool ledger_put(struct action_context *context, const struct ledger_resource *resource) SLIPWAY_MUST_CHECK;

/* The other app that has the thing of this id; NULL in *ret_app where none has. False where it cannot be asked. */
bool ledger_holder(struct action_context *context, const char *provider, const char *type, const char *id,
	const char **ret_app) SLIPWAY_MUST_CHECK;

/* The same of an app that shares it with this one, by the word of both: what it still has is not removed. */
bool action_sharer(struct action_context *context, const char *provider, const char *type, const char *id,
	const char **ret_app) SLIPWAY_MUST_CHECK;

/* Whether no other app has the thing of this id. Where one has, fails as ledger_put does, with that app's name, for who
 * adopts what another app has is refused again. */
bool action_is_free(struct action_context *context, const struct ledger_resource *resource) SLIPWAY_MUST_CHECK;

/* The id under which this app's ledger has such a thing; NULL where it has none, or one that is pending. */
const char *ledger_get_id(struct action_context *context, const char *provider, const char *type, const char *key);

/*
 * How many milliseconds ago such a thing that this app made came into its ledger; -1 where the ledger has none, or it
 * was adopted. By the clocks of two workers, so good for "a moment ago" and no more.
 */
int64_t ledger_age_ms(struct action_context *context, const char *provider, const char *type, const char *key);

/*
 * All that this app has of one type, the newest first: the order in which things are removed. Pending rows are among
 * them. The list lies in the context; a broken entry is left out. False where memory is short.
 */
bool ledger_list(struct action_context *context, const char *provider, const char *type,
	const struct ledger_resource **ret_list, size_t *ret_count) SLIPWAY_MUST_CHECK;

/* Whether this app's ledger has the thing of this id under any key: what people rename keeps its id. False where memory
 * is short. */
bool ledger_has_id(struct action_context *context, const char *provider, const char *type, const char *id,
	bool *ret_owns) SLIPWAY_MUST_CHECK;

/* Takes it out of the ledger, at once: it is gone. Fine where it is not there. False as for action_save. */
bool ledger_remove(
	struct action_context *context, const char *provider, const char *type, const char *key) SLIPWAY_MUST_CHECK;

/* ---- helpers ---- */

/* A line into the app's events, which people read; secrets are cut out by value. */
void action_log(struct action_context *context, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/* For plans: one thing that is other than asked and would be changed, such as "SITE: has another value". No secrets. */
void action_difference(struct action_context *context, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/* A formatted string. NULL where memory is short; every function here that takes a string refuses NULL where
 * it needs one, so the result may be passed on unchecked. */
const char *action_format(struct action_context *context, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/* Zeroed memory for count items of the size. NULL where memory is short. */
void *action_allocate(struct action_context *context, size_t count, size_t size);

#endif
