/*
 * Follows the deployment of a workflow to its end. The server drives it: to stop watching stops
 * nothing.
 */
#ifndef SLIPWAY_CLI_WATCH_H
#define SLIPWAY_CLI_WATCH_H

#include "base/identifier.h"
#include "base/settings.h"
#include "cli/held_poll.h"

#define WATCH_STEPS_MAX 64

/* What was last seen of a step. */
struct watched_step {
	char id[IDENTIFIER_SIZE];
	char run[RUN_ID_SIZE];     /* of the status that was shown last */
	char reason[40];           /* of the same: may change while the version stays */
	char ours[RUN_ID_SIZE];    /* the run of this deployment; "": not seen yet */
	int64_t version, begun_at; /* begun_at: monotonic; 0: it waits for its needs still */
	bool live, failed;
	bool held;            /* what it needs has failed */
	bool stray;           /* it is of no deployment of ours */
	bool waits_for_needs; /* live, and not begun */
	bool hushed;          /* its last change was not shown */
};

struct watch {
	struct session session;
	const struct settings *settings; /* borrowed */
	const char *app, *workflow;      /* borrowed */
	bool json;
	bool any; /* whichever deployment is the latest one */
	/* The deployment, and what it is made of: empty before watch_start. */
	char deployment[IDENTIFIER_SIZE], inputs[80], status[16], reason[32];
	int64_t version;
	int64_t since, ended_at; /* when it was started or retried, and when it ended; wall clock */
	struct held_poll poll;
	int strays; /* polls in a row that showed a stray step */
	struct watched_step steps[WATCH_STEPS_MAX];
	size_t count;
};

/* Opens the session in which the deployment of an app by a workflow is followed; json prints each
 * change as a line of JSON. `watch` is empty before, and watch_close closes it; all else is
 * borrowed until then. */
enum error_class watch_open(struct watch *watch, const struct settings *settings, const char *app,
	const char *workflow, bool json, struct error *error);
void watch_close(struct watch *watch);

/*
 * Sends a request that starts a deployment or goes on with it, and prints its id where `detach`;
 * else follows it. Whoever interrupts it is told that the server goes on. Returns the exit status;
 * errors have been printed.
 */
int watch_start(struct watch *watch, const cJSON *body, bool detach);

/* Follows the deployment that is the latest one, if there is one; first shows how its steps stand.
 * Returns the exit status; errors have been printed. */
int watch_latest(struct watch *watch);

/* Writes a command line of `slipway` for the app and workflow, with the address of the server where
 * that is not the usual one. more may be NULL. */
void watch_show_command(
	FILE *stream, const struct watch *watch, const char *command, const char *more);

#endif
