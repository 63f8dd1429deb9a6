/*
 * An action tried without Redis: against a scripted peer, attempt after attempt, with what survives
 * one kept in memory as the executor keeps it in Redis. Each provider is /ID of the peer: GitHub is
 * /github.
 * Where SLIPWAY_RECORD names a folder, every exchange is recorded there, as by the worker's setting
 * of that name.
 */
#ifndef TESTS_HARNESS_TRIAL_H
#define TESTS_HARNESS_TRIAL_H

#include "action/context.h"
#include "harness/peer.h"

#define TRIAL_TOKEN "ghp_trial_token_0123456789"

struct trial {
	/* For the test to use and to set. */
	struct peer *peer;
	struct arena arena; /* until trial_end */
	struct settings settings;
	int64_t age_ms; /* of the run: an action sees besides what its attempt has taken, which may
			   be seconds where the machine stands still */
	int64_t paused_ms; /* which its provider was down for, beside that */
	bool lease_lost;   /* the backend refuses every write */
	bool planned;      /* the next attempts are those of a plan */
	/* What an earlier step of that plan has yet to make; NULL: nothing. Borrowed. */
	const struct planned_resource *planned_resource;
	/* What the backend says of the rate limiter, and what the attempts told it. */
	int64_t closed_ms;
	int64_t down_ms;
	int down_status;
	bool probing, watched, worker_only;
	char closed_credential[96];
	int closes, opens, failed, answered, unreachable;
	int64_t deadline_ms; /* of an attempt; 0: PATIENCE_MS */

	/* For the functions below. */
	struct http_client *client;
	struct arena attempt_arena;
	struct action_context context;
	struct step_dry_run dry_run;
	char checkpoint[4096], saved[4096], intended[512], log[8192];
	cJSON *ledger; /* field -> JSON text */
	int saves, attempts, ledger_writes;
};

void trial_begin(struct trial *trial);
void trial_end(struct trial *trial);

/* One attempt with the checkpoint that the last one left. JSON that is given to a trial may have
 * single quotes. */
enum action_result trial_attempt(
	struct trial *trial, const struct action_definition *action, const char *input);

/* Attempts until it waits no more, but for a person, or the number is used up; the waits are not
 * slept, the run only grows older. */
enum action_result trial_run(struct trial *trial, const struct action_definition *action,
	const char *input, int attempts_max);

/* Lets the ledger have a thing that the app made so long ago; the field is such as
 * github:repository:acme/docs. */
void trial_made(struct trial *trial, const char *field, int64_t ms_ago);

/* What the last attempt gave, as JSON text; the same as the record that it is, NULL where it gave
 * nothing. */
const char *trial_output(struct trial *trial);
const void *trial_record(const struct trial *trial);

/* With what the last attempt failed. */
const struct error *trial_error(const struct trial *trial);

/* For what the last attempt waits, and for how long. */
int64_t trial_wait_ms(const struct trial *trial);
const char *trial_wait_text(const struct trial *trial);
bool trial_waits_for_person(const struct trial *trial);

bool trial_skipped(const struct trial *trial);

/* What the last attempt of a plan would have done, "" where it would change nothing; and one of its
 * differences, "" where there are not so many. */
const char *trial_change(const struct trial *trial);
const char *trial_difference(const struct trial *trial, size_t index);

/* A digest of all that the last attempt of a plan was told of what is there; "" without any. */
const char *trial_found(const struct trial *trial);

/* The call that would do it, as people read it; "" where none was made. */
const char *trial_planned_request(struct trial *trial);

/* The context of the last attempt; before the first one, it has the ledger and nothing else. */
struct action_context *trial_context(struct trial *trial);

/* The checkpoint as it would stand in Redis; what the last action_save and the last ledger_intend
 * ("field row") stored; all that was logged; how often something was saved, and how many attempts
 * there were. */
const char *trial_checkpoint(const struct trial *trial);
const char *trial_saved(const struct trial *trial);
const char *trial_intended(const struct trial *trial);
const char *trial_log(const struct trial *trial);
int trial_saves(const struct trial *trial);
int trial_attempts(const struct trial *trial);

/* The next attempt finds no checkpoint, as that of a new run. */
void trial_forget(struct trial *trial);

/* The ledger: all of it as JSON text, how many rows it has, how often the attempts wrote one, one
 * of them (NULL: none); puts one, in place of one of the same field; removes one that may be there.
 */
const char *trial_ledger(struct trial *trial);
int trial_ledger_size(const struct trial *trial);
int trial_ledger_writes(const struct trial *trial);
const char *trial_ledger_row(const struct trial *trial, const char *field);
void trial_ledger_put(struct trial *trial, const char *field, const char *row);
void trial_ledger_remove(struct trial *trial, const char *field);

#endif
