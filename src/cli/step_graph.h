/*
 * Which step of a workflow may be triggered next, and when there is nothing more to do. Knows nothing of HTTP.
 */
#ifndef SLIPWAY_CLI_STEP_GRAPH_H
#define SLIPWAY_CLI_STEP_GRAPH_H

#include "base/json.h"

#define GRAPH_STEPS_MAX 32

enum graph_state {
	GRAPH_PENDING, /* not triggered by us yet */
	GRAPH_RUNNING,
	GRAPH_DONE,
	GRAPH_FAILED,
};

struct graph_step {
	char id[65];
	char input_key[65]; /* which member of the inputs it takes; "": none */
	char summary[160];  /* what it does, in a sentence */
	enum graph_state state;
	bool needs[GRAPH_STEPS_MAX]; /* by number */
	char run[65];                /* the run that our trigger gave; "": none yet */
	int64_t version;             /* the last that was shown */
	int64_t started_at;          /* monotonic */
};

struct step_graph {
	struct graph_step steps[GRAPH_STEPS_MAX];
	size_t count;
};

/* From one workflow of GET /api/workflows. ERROR_INVALID_INPUT where its steps cannot be put in order. */
enum error_class step_graph_read(
	const cJSON *workflow, struct step_graph *ret_graph, struct error *error) SLIPWAY_MUST_CHECK;

/* The step of this id; NULL where there is none. */
struct graph_step *step_graph_find(struct step_graph *graph, const char *id);

/* A step whose needs are all done and that was not triggered yet; NULL where there is none. */
struct graph_step *step_graph_next(struct step_graph *graph);

/* Whether something runs. */
bool step_graph_is_running(const struct step_graph *graph);

/* Whether every step is done. */
bool step_graph_is_done(const struct step_graph *graph);

#endif
