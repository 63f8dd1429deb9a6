/*
 * Runs: what triggers, workers and the reaper do to them, each one script.
 */
#ifndef SLIPWAY_STORE_RUNS_H
#define SLIPWAY_STORE_RUNS_H

#include "core/run.h"
#include "core/workflow.h"
#include "store/keys.h"
#include "store/redis.h"

/* ---- for clients ---- */

struct trigger {
	struct run_name name;
	const char *input;  /* JSON */
	const char *digest; /* of the input */
	bool force;
	const char *id;      /* of the trigger, made by the client; NULL: none */
	const char *request; /* id of the HTTP request that it came with; NULL: none */
	int64_t run_ms;      /* deadline of the run, from now */
	int64_t attempts;    /* that may fail */
	int64_t retention_seconds;
	const char *needs[WORKFLOW_STEPS_MAX]; /* steps of the same workflow */
	size_t need_count;
	struct run_name others[APP_NEEDS_MAX]; /* steps that are needed of any app */
	size_t other_count;
};

enum trigger_outcome {
	TRIGGER_NEW,
	TRIGGER_SAME,
	TRIGGER_REUSED,
	TRIGGER_CONFLICT,
	TRIGGER_NEEDS_NOT_DONE,
};

struct trigger_result {
	enum trigger_outcome outcome;
	struct run run;
	const char *missing[NEEDS_MAX]; /* needs that are not done: step, or app.workflow.step */
	size_t missing_count;
};

/* Texts of the result lie in the arena. Safe to repeat after ERROR_OUTCOME_UNKNOWN; with force, where it has an id. */
enum error_class run_trigger(struct redis *redis, const struct trigger *trigger, struct arena *arena,
	struct trigger_result *ret_result, struct error *error) SLIPWAY_MUST_CHECK;

/* The run as it stands; idle where there is none. Texts lie in the arena. */
enum error_class run_read(struct redis *redis, const struct run_name *name, struct arena *arena, struct run *ret_run,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What a status is made of, of at most WORKFLOW_STEPS_MAX runs read in one turn; the other fields are left "" and
 * 0. Texts lie in the arena. */
enum error_class runs_read_shown(struct redis *redis, size_t count, const struct run_name *names, struct arena *arena,
	struct run *ret_runs, struct error *error) SLIPWAY_MUST_CHECK;

/* Ends a run, or asks its worker to. *ret_accepted: it was live. Texts of the run lie in the arena. */
enum error_class run_cancel(struct redis *redis, const struct run_name *name, struct arena *arena, bool *ret_accepted,
	struct run *ret_run, struct error *error) SLIPWAY_MUST_CHECK;

/* ---- for workers ---- */

#define RUN_CANCELLED_MESSAGE "the run was cancelled before it began; nothing was done"
#define RUN_STOPPED_MESSAGE   "the run was cancelled after it had begun; what it made stays, and may be half done"
#define RUN_EXPIRED_MESSAGE   "the run took longer than its deadline allows"

#define TOKEN_SIZE 96
#define ENTRY_SIZE 48

/* A worker's right to one run. Small and flat: it travels between an executor and its supervisor. */
struct lease {
	char app[IDENTIFIER_SIZE], workflow[IDENTIFIER_SIZE], step[IDENTIFIER_SIZE];
	char token[TOKEN_SIZE];
};

/* Which run it is a lease of; borrows its texts. */
struct run_name lease_name(const struct lease *lease);

/* Who takes a run, and for how long. Borrowed. */
struct claimant {
	const char *worker;
	int64_t lease_ms;
};

struct claim {
	bool taken; /* false: the entry was stale, or the run had expired; then run is what there is to tell, or idle */
	struct lease lease;
	struct run run;
	cJSON *ledger; /* field -> JSON text, as strings; claim_release frees it */
};

struct queue_entry;

/* Takes the run that the entry is of. Texts of the run lie in the arena. */
enum error_class run_claim(struct redis *redis, const struct queue_entry *entry, const struct claimant *claimant,
	struct arena *arena, struct claim *ret_claim, struct error *error) SLIPWAY_MUST_CHECK;

/* Frees the ledger of a claim. */
void claim_release(struct claim *claim);

/* ERROR_LEASE_LOST where the run is no longer the caller's. A lease of 0 ms is given up: its holder has crashed. */
enum error_class run_renew(struct redis *redis, const struct lease *lease, int64_t lease_ms, bool *ret_cancel,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether somebody wants the run to end. A read only: cheap enough for every second. */
enum error_class run_wants_cancel(
	struct redis *redis, const struct lease *lease, bool *ret_cancel, struct error *error) SLIPWAY_MUST_CHECK;

enum run_write_kind {
	RUN_PROGRESS, /* checkpoint, ledger_field, ledger_value, ledger_replaces, log */
	RUN_WAIT,     /* checkpoint, phase, delay_ms, reason, detail */
	RUN_RETRY,    /* checkpoint, delay_ms, reason, detail */
	RUN_FINISH,   /* checkpoint, status, output, error, reason */
	RUN_RELEASE,  /* also where the lease is lost: then a crash that was counted for it is taken back */
};

/* What a worker writes. NULL is "": unchanged, or nothing. */
struct run_write {
	enum run_write_kind kind;
	const char *checkpoint;
	const char *ledger_field, *ledger_value, *log;
	bool ledger_replaces; /* the row is of another thing than the one that stands there */
	const char *phase, *reason, *detail;
	int64_t delay_ms;
	const char *status, *output, *error;
	const struct error *failure; /* for the log: what the attempt failed with, secrets cut out; NULL: it did not */
};

/*
 * The one way by which a worker changes a run: checks that the lease is current, then writes all of it.
 * ERROR_LEASE_LOST where it is not: then nothing was written.
 */
enum error_class run_write(struct redis *redis, const struct lease *lease, const struct run_write *write,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same, and tells what ended by it: the facts of run_end_line, in the arena; idle where the run goes on. A write
 * that comes after a cancel ends the run too. */
enum error_class run_write_told(struct redis *redis, const struct lease *lease, const struct run_write *write,
	struct arena *arena, struct run *ret_ended, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes from a script's answer what told() in transitions.lua tells of a run; idle where it tells nothing. */
enum error_class run_told(struct run *ret_run, const struct run_name *name, const struct redisReply *reply,
	struct arena *arena, struct error *error) SLIPWAY_MUST_CHECK;

/* Output JSON of a step of any app, in the arena; NULL where it is not done, or what it made was removed since:
 * *ret_status says so. It is "" where there is none. */
enum error_class run_output(struct redis *redis, const struct run_name *name, struct arena *arena,
	const char **ret_output, const char **ret_status, struct error *error) SLIPWAY_MUST_CHECK;

#endif
