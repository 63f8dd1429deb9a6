/*
 * Which step of a workflow may be triggered next, and when nothing is left to do. Independent of
 * HTTP.
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
	char input_key[65]; /* the member of the inputs that it takes; "": none */
	char summary[160];  /* what it does, in a sentence */
	enum graph_state state;
	bool needs[GRAPH_STEPS_MAX]; /* by index */
	char run[65];                /* the run of our trigger; "": none yet */
	int64_t version;             /* of the status that was shown last */
	int64_t started_at;          /* monotonic */
};

struct step_graph {
	struct graph_step steps[GRAPH_STEPS_MAX];
	size_t count;
};

/* Reads one workflow of GET /api/workflows. ERROR_INVALID_INPUT if its format is unknown. */
enum error_class step_graph_read(const cJSON *workflow, struct step_graph *ret_graph,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The step with this id; NULL: there is none. */
struct graph_step *step_graph_find(struct step_graph *graph, const char *id);

/* A step that was not triggered yet and whose needs are all done; NULL: there is none. */
struct graph_step *step_graph_next(struct step_graph *graph);

/* Whether a step is running. */
bool step_graph_is_running(const struct step_graph *graph);

/* Whether every step is done. */
bool step_graph_is_done(const struct step_graph *graph);

#endif
