/*
 * An action tried without Redis: against a scripted peer, attempt after attempt, with what survives one kept in memory
 * as the executor keeps it in Redis. Each provider is /ID of the peer: GitHub is
 * /github.
 * Where SLIPWAY_RECORD names a folder, every exchange is recorded there, as by the worker's setting of that name.
 */
#ifndef TESTS_HARNESS_TRIAL_H
#define TESTS_HARNESS_TRIAL_H

#include "action/context.h"
#include "harness/peer.h"

#define TRIAL_TOKEN "ghp_trial_token_0123456789"

struct trial {
	struct peer *peer;
	struct http_client *client;
	struct settings settings;
	struct arena arena, attempt_arena; /* of the settings; of the last attempt */
	struct error error;
	struct action_context context; /* of the last attempt */

	char checkpoint[4096]; /* as it would stand in Redis */
	char saved[4096];      /* what the last action_save stored */
	char intended[512];    /* what the last ledger_intend stored, as field row */
	char log[8192];
	cJSON *ledger;             /* field -> JSON text */
	int saves, attempts, owns; /* counted */
	int64_t age_ms;
	bool lease_lost; /* the backend refuses every write */

	int64_t closed_ms; /* what the backend says of the gate */
	bool probing;      /* the same */
	char closed_credential[64];
	int closes, opens;
};

void trial_begin(struct trial *trial);
void trial_end(struct trial *trial);

/* One attempt with the checkpoint that the last one left. */
enum action_result trial_attempt(struct trial *trial, const struct action_definition *action, const char *input);

/* Attempts until it waits no more, but for a person, or the number is used up; the waits are not slept, the run only
 * grows older. */
enum action_result trial_run(
	struct trial *trial, const struct action_definition *action, const char *input, int attempts_max);

/* Lets the ledger have a thing that the app made so long ago; the field is such as github:repository:acme/docs. */
void trial_made(struct trial *trial, const char *field, int64_t ms_ago);

/* What the last attempt gave, as JSON text. */
const char *trial_output(struct trial *trial);

#endif
