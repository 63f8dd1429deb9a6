/*
 * A run as it stands in Redis, and as clients see it.
 */
#ifndef SLIPWAY_CORE_RUN_H
#define SLIPWAY_CORE_RUN_H

#include "base/json_write.h"
#include "core/reference.h"
#include "slipway/field.h"

/* An app, and whose it is. Both borrowed and valid identifiers. */
struct app_name {
	const char *tenant, *app;
};

/* Which step of which app. All borrowed and valid identifiers. */
struct run_name {
	const char *tenant, *app, *workflow, *step;
};

/* Copies the texts into the arena. False: no memory. */
bool run_name_copy(struct run_name *ret_copy, const struct run_name *name,
	struct arena *arena) SLIPWAY_MUST_CHECK;

/* The app that the run is of. */
struct app_name run_app(const struct run_name *name);

/*
 * The hash of one step of one app. Texts are "" where the hash has no such field, numbers 0; times
 * are milliseconds by the clock of Redis.
 */
struct run {
	struct run_name name; /* whose it is; set by whoever reads, the hash may be absent */
	const char *id;       /* runId; "" before any trigger */
	const char *status;   /* running, done, error; "" is idle */
	const char *phase; /* queued, executing, waiting, retrying, blocked; "" when it has ended */
	const char *reason, *detail; /* why it is in this phase: a word, a sentence */
	const char *input, *checkpoint, *output, *error; /* JSON; "" where there is none */
	const char *lease, *worker;
	const char *cancel;   /* error JSON, where somebody wants it to end */
	const char *request;  /* id of the HTTP request that triggered it, for the logs */
	const char *triggers; /* ids of those that got a run of the step, the newest first */
	int64_t attempt, attempts, crashes, version;
	int64_t removed;        /* when what it had made was taken away */
	int64_t stale;          /* 1: what it was made from has changed since */
	const char *deployment; /* id of the deployment that it is part of */
	int64_t queued_at, started_at, finished_at, due, lease_until, run_deadline;
	int64_t ready_at;  /* since when it stands on the queue */
	int64_t outage_at; /* since when it waits for a provider that is down */
	int64_t outage_ms; /* how long it has waited for that, without its time in the queue */
	int64_t paused_ms; /* the same, of all outages that it has met */
	const char *outage_seen; /* what its last call met, while it waits for its provider */
	int64_t now;             /* when it was read */
	const char *made;        /* its status object as it was written before; NULL: it was not */
};

#define RUN_FIELDS_MAX 32

/* The fields of the hash: what a status is made of, and the rest. */
extern const struct record run_shown, run_hidden;

/* An idle run: all texts "", all numbers 0. */
void run_init(struct run *run, const struct run_name *name);

/* Adds what the hash of a run that has ended leaves unsaid: its only attempt. */
void run_add_unsaid(struct run *run);

/* Whether it has been triggered and not yet ended. */
bool run_is_live(const struct run *run);

/* For how long it has been worked on, in ms: since its first attempt, without the time in which its
 * providers were down. Its time on the queue before that is no age. */
int64_t run_age_ms(const struct run *run);

/* How long a client may wait before it asks again, by the age of the run; 0 where nothing will
 * change by itself. */
int64_t run_next_poll_ms(const struct run *run);

#define RUN_TAG_SIZE 33

/*
 * What stands for the statuses of these runs: it changes with each change that raises a run's
 * version, with another run, with another reason or detail, and with the version of the program,
 * which may show the same run in another way.
 */
void runs_tag(const struct run *runs, size_t count, char tag[RUN_TAG_SIZE]);

/* The status object of the HTTP contract. *ret_json is the caller's. */
enum error_class run_status(
	const struct run *run, cJSON **ret_json, struct error *error) SLIPWAY_MUST_CHECK;

/* Writes the same, as members of the object that is open. */
enum error_class run_status_write(
	const struct run *run, struct json_writer *writer, struct error *error) SLIPWAY_MUST_CHECK;

/* Writes the same, as an object. */
enum error_class run_status_object(
	const struct run *run, struct json_writer *writer, struct error *error) SLIPWAY_MUST_CHECK;

/* What a reference to a step's output JSON names; null where the output has no such member, as a
 * skipped step's, but an error where a map has no such value. *ret_value is the caller's. */
enum error_class run_output_member(const char *output, const struct reference *reference,
	cJSON **ret_value, struct error *error) SLIPWAY_MUST_CHECK;

#endif
