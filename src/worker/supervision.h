/*
 * What the parts of the supervisor share: its executors with their runs, and the coroutines in
 * which it talks to Redis. All of it is changed on one thread; a coroutine that has waited finds
 * other runs in the slots, so it compares tokens.
 */
#ifndef SLIPWAY_WORKER_SUPERVISION_H
#define SLIPWAY_WORKER_SUPERVISION_H

#include "base/channel.h"
#include "base/loop.h"
#include "base/prefork.h"
#include "base/settings.h"
#include "worker/batch.h"
#include "worker/connections.h"
#include "worker/decline.h"
#include "worker/heartbeat.h"
#include "worker/keeper_link.h"
#include "worker/minters.h"
#include "worker/report.h"

#define WORKER_NAME_SIZE 96
#define UNRELEASED_MAX   PREFORK_CHILDREN_MAX

/* Why the supervisor killed an executor; decides what becomes of its run. */
enum kill_reason {
	KILL_NONE, /* it was not killed: it crashed, or ended by itself */
	KILL_TIMEOUT,
	KILL_CANCELLED,
	KILL_LEASE_LOST, /* or not renewed in time: the run is released once Redis can be reached */
};

struct supervisor;

/* The place of an executor; processes come and go in it. */
struct slot {
	struct supervisor *supervisor;
	size_t index;
	uint64_t generation; /* of its process: another one each time */
	struct channel channel;
	struct loop_watch watch; /* of the channel */
	struct loop_hook hook;   /* takes what was left in the channel */
	uint32_t events;         /* that it is watched for */
	bool is_watched, writes;
	bool is_ready;    /* it takes a run */
	size_t asked;     /* coroutines that answer it */
	bool is_waiting;  /* for the reply of one of them */
	bool is_cut_off;  /* it is killed for what it has said, and heard no more */
	bool has_ended;   /* its process; what it has said is still heard */
	int64_t number;   /* of the last run that it was given */
	int64_t given;    /* runs, to this process */
	int64_t leave_by; /* monotonic: when it has to have ended, after its last run; 0: not yet */
	struct arena arena;
	const char *input; /* of its run, where that may refer to something; in the arena */

	struct report report;
	size_t mints;        /* tokens of apps that its attempt has asked for */
	bool has_alarmed;    /* operators know what was refused to its attempt */
	int64_t deadline_at; /* monotonic, as all below */
	int64_t renewed_at;
	int64_t kill_at; /* where its run is cancelled, and has not ended; else 0 */
	enum kill_reason kill_reason;
	char killed_token[TOKEN_SIZE]; /* the lease that the executor was killed for */
};

struct supervisor {
	struct settings *settings;
	uint64_t stamp; /* of the files with credentials, as they were read */
	char name[WORKER_NAME_SIZE];
	struct loop *loop;
	struct redis *redis; /* in the loop: for coroutines only */
	struct batch batch;  /* of what is written about runs, and taken */
	struct redis *bell;  /* the same, for waits: a wait holds up what comes after it */
	struct prefork prefork;
	struct slot slots[PREFORK_CHILDREN_MAX];
	/* By slot, each in a page of its own, which no other executor has. */
	struct executor_shared *shared[PREFORK_CHILDREN_MAX];
	uint64_t sandbox_stamp; /* of what executors may read that are started now */
	struct keeper_link keeper;
	struct minters minters;
	struct connection_cache connections;
	/* Derived from the keeper's; zero in each child. New ones come into the same place. */
	struct mac_keys *macs;
	struct heartbeat heartbeat;
	int64_t heartbeat_at, tidied_at, looked_at, loaded_at, recounted_at, reserved_at;
	size_t functions_missed;                 /* as it was when they were loaded last */
	struct lease unreleased[UNRELEASED_MAX]; /* of runs to release once Redis can be reached */
	size_t unreleased_count;
	size_t tenant_most; /* runs of a tenant at a time: see reserve.h; 0: no limit */
	bool knows_reserve; /* it was read, or cannot be */
	size_t coroutines;  /* under way */
	/* Of dispatch.c. */
	struct arena arena;
	const char *definitions; /* of all steps of this build; in the arena */
	struct worker_directory directory;
	struct loop_hook dispatch_hook;
	bool after_begun;   /* the last run that was taken had begun before */
	bool wants_take;    /* somebody became idle, or the bell rang */
	size_t dispatchers; /* coroutines that take runs */
	size_t asked;       /* runs that they have asked for */
	bool is_waiting;

	bool is_renewing, is_housekeeping; /* one of each at a time */
	bool has_closed;                   /* it ends, and no executor sends a request any more */
	bool redis_lost;                   /* so that each loss is logged once */
	bool layout_refused;               /* by the last error */
};

/* How long a lease lasts. */
int64_t supervisor_lease_ms(const struct supervisor *supervisor);

/* Logs when Redis is lost, and when it is back: NULL. */
void supervisor_record_redis(struct supervisor *supervisor, const struct error *error);

/* Starts a coroutine of the supervisor, which is waited for at the end. Not from within one. False
 * if there was no memory: then nothing has run. It calls supervisor_leave() at its end. */
bool supervisor_start(
	struct supervisor *supervisor, coroutine_main *main, void *context) SLIPWAY_MUST_CHECK;

/* What each such coroutine calls last. */
void supervisor_leave(struct supervisor *supervisor);

/* Whether Redis could not be reached, or did not answer: then further commands have to wait. */
bool supervisor_is_cut_off(enum error_class class);

/* The run of an executor, as far as it is needed for the log; borrows its texts. */
void slot_run(const struct slot *slot, struct run *run);

#endif
