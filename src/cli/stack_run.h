/*
 * What `slipway apply` and `slipway destroy` do with a stack at the server: ask, start, and follow
 * many deployments at once.
 */
#ifndef SLIPWAY_CLI_STACK_RUN_H
#define SLIPWAY_CLI_STACK_RUN_H

#include "base/identifier.h"
#include "cli/held_poll.h"
#include "cli/stack.h"

#define FOLLOWED_NAME_MAX (2 * IDENTIFIER_MAX + 2)

/* One deployment that is followed. Begins zeroed. */
struct followed {
	char name[FOLLOWED_NAME_MAX]; /* app/workflow */
	const char *app, *workflow;   /* borrowed */
	cJSON *before; /* its steps before it was started: a response to a poll; NULL: not known */
	cJSON *now;    /* the last response to a poll; NULL: none yet */
	struct held_poll poll;
	char deployment[IDENTIFIER_SIZE]; /* its id; "": it was not started */
	char line[200];                   /* what was last shown of it */
	bool any; /* whichever deployment is the latest: that of another client does the same */
	bool ended, failed;
};

/* Fills in whom it follows. */
void followed_init(struct followed *followed, const char *app, const char *workflow);

/* Frees what they hold. */
void followed_release(struct followed *list, size_t count);

/* Reads how its steps stand now, before it is started. */
enum error_class followed_look(
	struct session *session, struct followed *followed, struct error *error) SLIPWAY_MUST_CHECK;

/* Refuses with ERROR_RUN_CONFLICT where, by the last look, a deployment is live that was given
 * other inputs than these (NULL: none). What a start finds out besides is not foreseen. */
enum error_class followed_check(struct session *session, const struct followed *followed,
	const cJSON *inputs, struct error *error) SLIPWAY_MUST_CHECK;

/* Sends the body of a start, gives it an id that makes a lost response harmless, and takes the
 * deployment's id. */
enum error_class followed_start(struct session *session, struct followed *followed, cJSON *body,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Follows all that were started until they have ended, or the user interrupts. Shows a table on a
 * terminal, else a line for each change; as JSON, each changed status. */
enum error_class followed_wait(struct session *session, struct followed *list, size_t count,
	bool json, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether every step gave what it had given before. */
bool followed_is_unchanged(const struct followed *followed);

/* Whether a step was made from what has changed since. */
bool followed_is_stale(const struct followed *followed);

/* Prints the steps that failed, each with what to do. */
void followed_show_failures(const struct followed *followed, FILE *stream);

/*
 * Runs a plan of a workflow to its end; the body is that of mode plan. *ret_status is its last
 * status, which is the caller's. Where another client's plan is running, or takes the place of this
 * one, waits for that and plans again, a few times: then ERROR_RUN_CONFLICT.
 */
enum error_class stack_plan_ask(struct session *session, const cJSON *body, cJSON **ret_status,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Prints the steps of a plan, each line behind the name. Returns whether nothing is in the way. */
bool stack_plan_show(const char *name, const cJSON *status, FILE *stream);

#endif
