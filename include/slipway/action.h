/*
 * Writing an action: one file in workflows/actions/ with a field table, a run function and one
 * const struct.
 *
 * The run function is plain blocking code, called once for each attempt in a process of its own. It
 * may be called again after any failure: after the process was killed between any two lines, or
 * after a response was lost. So an action that changes something reads before it writes (see
 * ledger_intend and ledger_get_id).
 *
 * The context owns all memory that these functions return, and wipes it after the attempt; an
 * action frees nothing.
 */
#ifndef SLIPWAY_ACTION_H
#define SLIPWAY_ACTION_H

#include "slipway/error.h"
#include "slipway/field.h"

struct action_context;
struct call_row;
struct input_check;

/* How an attempt ended. Use the functions below to get one: `return action_done(context);` */
enum action_result {
	ACTION_FAILED, /* with the error in the context, whose class decides whether there is
			  another attempt */
	ACTION_DONE,
	ACTION_WAITING,
};

enum action_reuse {
	ACTION_KEEP_RESULT, /* return the previous result, unless what the step created no longer
			       exists: for an effect that is wanted once */
	ACTION_LOOK_AGAIN,  /* the same for a single step; but when its workflow is started again,
			       the  step runs and finds nothing to do: it reads before it writes, so
			       it sees  what people have changed or deleted by hand */
	ACTION_ALWAYS, /* start a new run each time: for removals, whose targets may exist again,
			  and checks */
};

struct action_definition {
	const char *id;      /* such as github.repository; only shown to people */
	const char *summary; /* what it does, in one sentence */
	struct record input; /* its parameters; validated when a run is triggered */
	/* Checks what the table cannot express, such as members that exclude each other: see
	 * input_fault. NULL: no such check. It is called with an input that matches the table,
	 * before a workflow creates anything and again before each attempt. At first, strings may
	 * still contain references (see input_is_known), and an integer or boolean given as a
	 * reference is 0 or false. It must depend on nothing but the input. */
	void (*validate)(const void *input, struct input_check *check);
	/* What it keeps between attempts; zeroed before the first one. Stored by action_save, and
	 * by every wait and failure. No secrets: it is stored in Redis in plain text. */
	struct record checkpoint;
	struct record output; /* its results, for clients and for later steps. No secrets. */

	/* What to do if a step that is done is triggered again with the same input. */
	enum action_reuse reuse;

	/*
	 * input, checkpoint and output point to the structs that the records describe. Put into the
	 * output what is known of it before the first call that changes something: a plan ends the
	 * action there, and goes on with that. What is still zero then is unknown to later steps.
	 */
	enum action_result (*run)(
		struct action_context *context, const void *input, void *checkpoint, void *output);

	/* The action that removes what this one creates, for teardowns. NULL: there is nothing to
	 * remove, or it is removed with something else, as a variable is with its project. */
	const struct action_definition *undo;

	/* The least permissions that a GitHub App's token needs for this action, as GitHub names
	 * them ({ "contents", "write" }), ending with a NULL name. `make` refuses an action that
	 * calls GitHub and has none: it would get no token. NULL: it calls no such provider. */
	const struct string_pair *permissions;
	/* What some of its calls need beside them (struct provider_request), ending with a NULL
	 * name; no token is made for anything else. NULL: nothing. */
	const struct string_pair *more_permissions;
	bool one_repository; /* all its calls are about an existing repository: it gets no token for
				another call */
	/* It makes repositories: its token is for all that the app has, because one that is yet to
	 * be made cannot be named. Of any other action, a token is for the repository that the
	 * call's path names as /repos/{owner}/{repo}; where it names none, it has of the
	 * permissions that are about repositories no more than to see what is there. */
	bool makes_repositories;

	/* The id of another provider than that of its own id, before the point, that it calls as
	 * well: a run gets credentials of no other. NULL: there is none. */
	const char *other_provider;

	/* What the calls name for which the providers have no row (slipway/provider.h), ended by a
	 * NULL path. NULL: there are none. */
	const struct call_row *calls;

	/* Limits; 0 means the default in the comment. */
	uint32_t attempt_timeout_s; /* an attempt that takes longer is killed: 120 */
	uint32_t run_timeout_s;     /* for all attempts and waits together, from the first attempt,
				       including waits for rate limits: 4 h */
	uint32_t max_attempts;      /* how many attempts may fail with a retryable error: 5 */
};

/* Limits for what is stored as JSON; a run that exceeds one fails with payload_too_large. Store ids
 * and URLs, not what can be read again. */
#define ACTION_OUTPUT_MAX     ((size_t)128 << 10)
#define ACTION_CHECKPOINT_MAX ((size_t)64 << 10)

#define ACTION_ATTEMPT_TIMEOUT_S 120
/* Rate limit windows last an hour, and a waiting run may hit several */
#define ACTION_RUN_TIMEOUT_S 14400
#define ACTION_MAX_ATTEMPTS  5

/* ---- what is wrong with an input ---- */

/* Where a fault is: a member of the input, or a member of one item in a list of objects. */
struct input_fault {
	const char *member; /* its name in the table */
	const char *item;   /* member of the item; NULL: the fault is in the whole member */
	size_t index;       /* of the item */
	const char *remedy; /* what a person can do, if it is more than correcting that member; else
			       NULL */
};

/* For .validate: reports what is wrong with a member. May be called several times. */
void input_fault(struct input_check *check, const struct input_fault *fault, const char *format,
	...) SLIPWAY_FORMAT(3, 4);

/* Whether the text is given and contains no reference, and in a plan no value that an earlier step
 * has yet to give, so that it can be checked. */
bool input_is_known(const char *text);

/* ---- the run ---- */

const char *action_app(const struct action_context *context); /* appId */
const char *action_run_id(
	const struct action_context *context);            /* the same for all attempts of a run */
int action_attempt(const struct action_context *context); /* 1, 2, ... */
/* Milliseconds since the first attempt of this run, including all waits but those for a provider
 * that was down, by the clock of Redis: to compare with a limit of time. */
int64_t action_run_age_ms(const struct action_context *context);
/* The same, including outages: to compare with a provider's times. */
int64_t action_run_elapsed_ms(const struct action_context *context);

/* ---- how an attempt ends ---- */

/* Done: the output is complete, and what it refers to is usable. */
enum action_result action_done(struct action_context *context);

/* There was nothing to do; the text says why. The run is done, with output {"skipped": true}. */
enum action_result action_skip(struct action_context *context, const char *format, ...)
	SLIPWAY_FORMAT(2, 3);

/*
 * Not ready: the run continues after delay_ms (100 ms to 1 h) with its checkpoint. A wait uses up
 * no attempt and holds no process. The text completes "waiting for": "branch main of acme/docs to
 * resolve".
 */
enum action_result action_wait(struct action_context *context, int64_t delay_ms, const char *format,
	...) SLIPWAY_FORMAT(3, 4);

/* The same if a person has to do something: the text says what. Shown as phase blocked. */
enum action_result action_wait_for_person(struct action_context *context, int64_t delay_ms,
	const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Fails with a class and a message that says what happened, and to what. If the provider refused
 * the last call, expected or not, the error also has the provider, the status, the error code and
 * the request id. */
enum action_result action_fail(struct action_context *context, enum error_class class,
	const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Adds to the failure what a person can do about it, and where (url may be NULL). Returns
 * ACTION_FAILED. */
enum action_result action_remedy(struct action_context *context, const char *url,
	const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Adds the member of the step's input that has to change, as the field table names it ("adopt"):
 * clients point to it. Returns ACTION_FAILED. */
enum action_result action_remedy_input(struct action_context *context, const char *name);

/* Fails with the error of the last failed call on this context: `if (!provider_call(...)) return
 * action_failed(context);` */
enum action_result action_failed(struct action_context *context);

/* Fails with the error of an earlier call, but with a new message: for an action that has made
 * other calls since. */
enum action_result action_fail_again(struct action_context *context, const struct error *earlier,
	const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* The error of the last failed call; its class is ERROR_NONE if none failed. */
const struct error *action_error(const struct action_context *context);

/* ---- what survives a crash ---- */

/*
 * Stores the checkpoint now. Call it right before a call that must not be repeated blindly, or
 * ledger_intend if the call creates a resource. The attempt after a crash, a timeout or a lost
 * response then knows that it has to read first. False if the checkpoint could not be stored or the
 * run is no longer ours: return action_failed(context) at once, and call no provider.
 */
bool action_save(struct action_context *context) SLIPWAY_MUST_CHECK;

/* A row of the app's ledger: one resource at a provider that the app has, or is about to create.
 * Rows outlive runs, and are removed with the resource. */
struct ledger_resource {
	const char *provider; /* github */
	const char *type;     /* repository */
	const char *key;      /* the natural key, such as acme/docs */
	const char *id;       /* the provider's id, which survives renaming */
	const char *url;      /* page of the resource; NULL: it has none */
	bool created;         /* true: by us; false: adopted */
	/* For ledger_intend: what it is created from, such as a template, to recognise it later;
	 * NULL: nothing. */
	const char *source;
	/* How to remove it, if that differs from resource to resource: JSON from action_encode,
	 * without secrets. NULL: its removal knows. */
	const char *removal;
	bool shared; /* other apps may have it as well, if they also set this */
	bool part;   /* it belongs to another resource, as a deployment to its project, so it has no
			owner of its own */

	/* Set in rows that are read. */
	bool pending; /* it was requested, with an unknown outcome. id and created are then those of
		       * the previous resource under this key:
		       * "" and false if there was none */
	int64_t first_requested_at, last_requested_at; /* of a pending row, in ms since 1970 */
	bool by_this_run;                              /* this run wrote the row last */
};

/*
 * Writes a pending row for a resource that is about to be created, and the checkpoint with it. Call
 * it right before the call that creates the resource, instead of action_save; the id is ignored. If
 * the response is lost, the next attempt finds the pending row, and so do later runs and the
 * removal, whatever became of this run. False as for action_save: then make no call.
 */
bool ledger_intend(
	struct action_context *context, const struct ledger_resource *resource) SLIPWAY_MUST_CHECK;

/*
 * Undoes this attempt's ledger_intend, because the call was refused and created nothing:
 * `if (provider_made_nothing(context) && !ledger_take_back(context)) return
 * action_failed(context);` Keeps the error of the call. False as for action_save.
 */
bool ledger_take_back(struct action_context *context) SLIPWAY_MUST_CHECK;

/* Reads the row of this key; false if the ledger has none. */
bool ledger_get(struct action_context *context, const char *provider, const char *type,
	const char *key, struct ledger_resource *ret_row) SLIPWAY_MUST_CHECK;

/*
 * Whether a resource that was created at made_at (ms since 1970, by the provider's clock) can be
 * the one that the pending row requested: created not before the request, and not long after it. If
 * the provider does not tell the time (0), only if this very run requested it.
 */
bool ledger_may_be_ours(const struct ledger_resource *pending, int64_t made_at);

/* Milliseconds since the pending resource was last requested. Compares the
 * clocks of two workers. */
int64_t ledger_pending_age_ms(const struct ledger_resource *pending);

/*
 * Writes a resource that the app has into its ledger, at once, in place of any pending row. A
 * resource has one owner among all apps: if another app has it, and not both set `shared`, this
 * fails with ERROR_CONFLICT_FOREIGN and the name of that app. So call it before you change the
 * resource. Also false as for action_save.
 */
bool ledger_put(
	struct action_context *context, const struct ledger_resource *resource) SLIPWAY_MUST_CHECK;

/* Finds the other app that has the resource with this id; *ret_app is NULL if none has. False if
 * that cannot be determined. */
bool ledger_holder(struct action_context *context, const char *provider, const char *type,
	const char *id, const char **ret_app) SLIPWAY_MUST_CHECK;

/* The same for an app that shares it with this one: a resource that another app still has must not
 * be removed. */
bool action_sharer(struct action_context *context, const char *provider, const char *type,
	const char *id, const char **ret_app) SLIPWAY_MUST_CHECK;

/* Whether no other app has the resource with this id. If one has, fails as ledger_put does, with
 * the name of that app: adopting it would fail as well. */
bool action_is_free(
	struct action_context *context, const struct ledger_resource *resource) SLIPWAY_MUST_CHECK;

/* The id of the resource in this app's ledger; NULL if there is no row, or only a pending one. */
const char *ledger_get_id(
	struct action_context *context, const char *provider, const char *type, const char *key);

/*
 * Milliseconds since a resource that this app created was entered into its ledger; -1 if there is
 * no row, or it was adopted. Compares the clocks of two workers, so use it only to tell whether
 * something is new.
 */
int64_t ledger_age_ms(
	struct action_context *context, const char *provider, const char *type, const char *key);

/*
 * Lists all rows of one type in this app's ledger, pending ones too, the newest first: the order in
 * which to remove resources. The context owns the list. A corrupt entry is left out. False if
 * memory runs out.
 */
bool ledger_list(struct action_context *context, const char *provider, const char *type,
	const struct ledger_resource **ret_list, size_t *ret_count) SLIPWAY_MUST_CHECK;

/* Whether this app's ledger has the resource with this id under any key: a renamed resource keeps
 * its id. False if memory runs out. */
bool ledger_has_id(struct action_context *context, const char *provider, const char *type,
	const char *id, bool *ret_owns) SLIPWAY_MUST_CHECK;

/* Removes the row from the ledger, at once, after the resource was deleted. Succeeds if there is no
 * such row. False as for action_save. */
bool ledger_remove(struct action_context *context, const char *provider, const char *type,
	const char *key) SLIPWAY_MUST_CHECK;

/* ---- helpers ---- */

/* Adds a line to the app's events, for people to read; values of secrets are masked. */
void action_log(struct action_context *context, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/*
 * Whether the attempt belongs to a plan, which ends at the first call that would change something.
 * Ask this only to read what a run would learn from the refusal of that call.
 */
bool action_is_planned(const struct action_context *context);

/*
 * For plans: a text that stands for a value which is known only when the thing that the last call
 * was about is made (see provider_is_to_be_made), such as "head commit". It may be passed on as any
 * text: a call with it in its path is not sent. NULL if memory runs out.
 */
const char *action_unknown(struct action_context *context, const char *what);

/* For plans: reports one difference that the step would change, such as "SITE: has a different
 * value". No secrets. */
void action_difference(struct action_context *context, const char *format, ...)
	SLIPWAY_FORMAT(2, 3);

/* For plans: what the step has found and would change, such as the value that SITE has. Only a
 * digest is kept, so it may be a secret: a plan has another hash if that is another. NULL: nothing
 * is there. */
void action_found(struct action_context *context, const char *found);

/* A formatted string; NULL if memory runs out. It may be passed on unchecked, because every
 * function here refuses NULL where it needs a string. */
const char *action_format(struct action_context *context, const char *format, ...)
	SLIPWAY_FORMAT(2, 3);

/* The struct as JSON, by its record; NULL if memory runs out. No secrets if it is to be stored. */
const char *action_encode(
	struct action_context *context, const struct record *record, const void *data);

/* Reads such a JSON text into the struct of the record; false if it does not match. */
bool action_decode(struct action_context *context, const char *text, const struct record *record,
	void *ret_struct) SLIPWAY_MUST_CHECK;

/* Zeroed memory for count items of the size; NULL if memory runs out. */
void *action_allocate(struct action_context *context, size_t count, size_t size);

#endif
