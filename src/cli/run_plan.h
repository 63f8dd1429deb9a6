/*
 * Which step of a workflow may be triggered next, and when there is nothing more to do. Knows nothing of HTTP.
 */
#ifndef SLIPWAY_CLI_RUN_PLAN_H
#define SLIPWAY_CLI_RUN_PLAN_H

#include "base/json.h"

#define PLAN_STEPS_MAX 32

enum graph_state {
	PLAN_PENDING, /* not triggered by us yet */
	PLAN_RUNNING,
	PLAN_DONE,
	PLAN_FAILED,
};

struct plan_step {
	char id[65];
	char input_key[65]; /* which member of the inputs it takes; "": none */
	char summary[160];  /* what it does, in a sentence */
	enum graph_state state;
	bool needs[PLAN_STEPS_MAX]; /* by number */
	char run[65];               /* the run that our trigger gave; "": none yet */
	int64_t version;            /* the last that was shown */
	int64_t started_ms;         /* monotonic */
};

struct plan {
	struct plan_step steps[PLAN_STEPS_MAX];
	size_t count;
};

/* From one workflow of GET /api/workflows. ERROR_INVALID_INPUT where its steps cannot be put in order. */
enum error_class plan_read(const cJSON *workflow, struct plan *ret_plan, struct error *error) SLIPWAY_MUST_CHECK;

/* The step of this id; NULL where there is none. */
struct plan_step *plan_find(struct plan *plan, const char *id);

/* A step whose needs are all done and that was not triggered yet; NULL where there is none. */
struct plan_step *plan_next(struct plan *plan);

/* Whether something runs. */
bool plan_is_running(const struct plan *plan);

/* Whether every step is done. */
bool plan_is_done(const struct plan *plan);

#endif
