/*
 * Operations on deployments, one script each: to start and retry, to end, and to give a step's
 * result by hand.
 */
#ifndef SLIPWAY_STORE_DEPLOYMENTS_H
#define SLIPWAY_STORE_DEPLOYMENTS_H

#include "core/deployment.h"
#include "core/run.h"
#include "core/workflow.h"
#include "store/redis.h"

/* For how long a step may wait for what it needs; then it ends in error. */
#define DEPLOYMENT_HOLD_MS ((int64_t)7 * 86400 * 1000)

/* One step of a deployment that is to be started. Borrowed. */
struct start_step {
	const char *id;
	const char *input;      /* JSON */
	const char *digest;     /* of the input */
	const char *definition; /* digest of the step's definition */
	const char *outputs;    /* names of its outputs: step_outputs */
	const char *uses;       /* which outputs of the needs are used: step_set_uses */
	/* As app:workflow:step, with spaces between; those of the workflow first. */
	const char *needs;
	bool keep; /* keeps its result while it was made from the same */
	int64_t run_ms, attempts;
};

struct start {
	struct run_name name;   /* the step of it is not used */
	const char *deployment; /* retry: id of the one that is meant; NULL: the last one */
	const char *id;         /* startId: chosen by the client; NULL: none */
	const char *seen;       /* retry: digest of the deployment whose inputs were read */
	const char *digest, *definition;
	const char *inputs, *configured; /* JSON, as struct deployment has them */
	const char *after;               /* NULL: none */
	const char *plan;                /* as struct deployment has it; NULL: none */
	const char *request;             /* id of the HTTP request; NULL: none */
	const char *actor;               /* id of the token that sent it; NULL: unknown */
	bool retry, force;
	bool replaces; /* whoever asks ends a live one with other inputs, and asks again */
	int64_t retention_seconds;
	const char *budgets; /* of its tenant: budgets_print; NULL: none */
	const struct start_step *steps;
	size_t step_count;
};

enum start_outcome {
	START_NEW,
	START_SAME,
	START_CONFLICT, /* another one is live, with other inputs */
	START_NONE,     /* retry: there is no such deployment */
	START_BUSY,     /* a step runs with another input, or is being cancelled */
	START_CHANGED,  /* retry: the inputs are no longer those that were read */
	START_RING,     /* it would wait for itself, through other apps */
	/* It was sent before, and nothing is known any more of the deployment that it got. */
	START_FORGOTTEN,
	START_OVER, /* never given: it is the error that budget_refuse() makes of it */
};

struct start_result {
	enum start_outcome outcome;
	/* what stands there now; of a request that was sent before, what has become of its own */
	struct deployment deployment;
	/* Steps with other inputs; of START_RING what waits for one another, the first also last;
	 * of START_FORGOTTEN the id of the deployment. */
	const char *differing[WORKFLOW_STEPS_MAX];
	size_t differing_count;
};

/* Texts of the result are in the arena. Safe to repeat after ERROR_OUTCOME_UNKNOWN where it has an
 * id; without one, a start that is done by then begins anew. Where a budget is used up, nothing is
 * made: see budget_refuse. */
enum error_class deployment_start(struct redis *redis, const struct start *start,
	struct arena *arena, struct start_result *ret_result,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether a start, or a retry, with this id has been sent before: it is START_SAME or
 * START_FORGOTTEN then, else START_NONE. Texts of the result are in the arena. */
enum error_class deployment_find_request(struct redis *redis, const struct run_name *workflow,
	const char *id, bool retry, struct arena *arena, struct start_result *ret_result,
	struct error *error) SLIPWAY_MUST_CHECK;

enum stop_outcome {
	STOP_CANCELLED,
	STOP_CANCELLING, /* a step executes still */
	STOP_NOTHING,    /* none was live */
	STOP_OTHER,      /* the last one has another id */
};

/* Ends the deployment with this id (NULL: the last one) of a workflow. Texts are in the arena. */
enum error_class deployment_stop(struct redis *redis, const struct run_name *workflow,
	const char *id, struct arena *arena, enum stop_outcome *ret_outcome,
	struct deployment *ret_deployment, struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the deployment of a workflow; the step of the name is not used. Texts are in the arena. */
enum error_class deployment_read(struct redis *redis, const struct run_name *workflow,
	struct arena *arena, struct deployment *ret_deployment,
	struct error *error) SLIPWAY_MUST_CHECK;

struct redisReply;

/* Takes one field of the hash, as record_take does. */
bool deployment_take_field(
	struct deployment *deployment, const char *name, const char *value, struct arena *arena);

/* Takes it from a flat list of fields and values, as HGETALL gives it; for who reads it together
 * with other things. */
enum error_class deployment_take(const struct redisReply *hash, const char *app,
	const char *workflow, struct arena *arena, struct deployment *ret_deployment,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The digest of a result that is for the first input that the step is asked for. */
#define SKIP_ANY_INPUT "given"

/* A result that a person gives. Borrowed. */
struct skip {
	struct run_name name;
	const char *output; /* JSON */
	const char *gives;  /* see output_digest */
	/* As struct start_step has them; the digest, needs and uses are of the input that the step
	 * would have now, and count where nobody has asked for the step yet. */
	const char *definition, *outputs, *digest, *needs, *uses;
	const char *request; /* id of the HTTP request; NULL: none */
	const char *actor;   /* id of the token that sent it; NULL: unknown */
	const char *budgets; /* of its tenant: budgets_print; NULL: none */
	int64_t run_ms, attempts, retention_seconds;
};

/* Where a worker executes the step, or it is done, nothing changes: ERROR_RUN_CONFLICT. Texts of
 * the run are in the arena. */
enum error_class run_skip(struct redis *redis, const struct skip *skip, struct arena *arena,
	struct run *ret_run, struct error *error) SLIPWAY_MUST_CHECK;

#endif
