/*
 * The lease of one run: two workers, their supervisors, the reaper, a Redis that loses its latest writes once.
 *
 * A step of the model is one script (they are atomic in Redis), one call of the provider, or one event from outside.
 * The comments name the place that a step stands for; files without a folder are in src/store/scripts.
 *
 * Time is not counted. A lease may run out at any moment, whether its worker is alive or not; so each worker that is
 * merely slow is a late one, and each order of "it ran out", "it was renewed", "it was taken over" is tried.
 *
 * Left out, as it would only end runs earlier and so hide a run that never ends: the run's deadline (take.lua,
 * reap.lua), cancelling. Left out, as the model asks for less than it gives: the supervisor's stop after two thirds
 * of the lease (src/worker/leases.c, check_time_limits) and the check just before each request to a provider
 * (src/worker/executor.c, lease_lasts). A worker may be stopped between that check and the sending, so here it always
 * may send late. expire_lease (clean_up.c) is a crash after which the lease runs out at once: among the orders.
 * pulse.lua and the leases that reap.lua leaves alone by it: a lease that is taken over later is among the orders, too.
 * A crash that release.lua takes back where the lease was lost: it only makes fewer of them.
 *
 * What is taken for granted:
 *   - the provider refuses a second object of a name, as GitHub does for repositories and Vercel for projects and
 *     domains; the refused worker looks again and adopts. A Vercel deployment has no such name: see DUPLICATES.
 *
 * Properties:
 *   1 written()   who writes is who took the lease
 *   2 sound()     an ended run stays as it ended; only the rollback itself may undo that
 *   3 sound()     no more than one object is made; a run is done only where there is one
 *   4 no invalid end state: nothing stops before the run has ended; and the formula `ends`: it ends, for good
 *
 * The token has something new in each claim (claim_run.lua: the time). With run, attempt and version alone (EQUAL_TOKENS),
 * a rollback that undoes the claim lets another worker claim the same run under a token of the same letters, while the
 * first one works on: then both are let in until one of them ends the attempt.
 *
 * Macros for changed models: NO_FENCE, NO_LOOK, LOST_PLACE, EQUAL_TOKENS (mistakes), DUPLICATES (the provider takes any
 * number of one name), EXACT_GUARD (no request is sent without the lease, as if check and sending were one),
 * NO_ROLLBACK, FEW (of what may happen besides, for a look that is over in seconds).
 */
#define WORKERS  2
#define NOBODY   WORKERS
#define CRASHES  3 /* of workers; as many lost leases in a row end a run: RUN_CRASHES_MAX in src/store/reaper.h */
#ifdef FEW
#define DELAYS   0
#define RELEASES 0
#else
#define DELAYS   1 /* answers "not ready" or transient failures */
#define RELEASES 1
#endif
#define LOSSES   1 /* of its place on the queue, by a hand */

mtype = { RUNNING, DONE, FAILED };                            /* status */
mtype = { NONE, QUEUED, EXECUTING, DELAYED };                 /* phase; DELAYED: waiting, retrying, blocked */
mtype = { IDLE, CLAIMED, ABSENT, INTENDED, MADE };      /* where a worker is */
mtype = { FRESH, KEPT, OVER };                                /* the snapshot: not yet made, made, never used again */

/* What Redis holds. `ended` and `holder` are the model's own notes; a rollback takes them back with the rest. */
typedef store {
	mtype status;
	mtype phase;
	byte version; /* of the hash when the run was queued; 0: it is not */
	bit placed;   /* it stands on the queue */
	byte token; /* field lease; 0: none */
	bit ran_out; /* lease_until <= now */
	byte crashes;
	byte ended;
	byte holder
}
store redis;
store snapshot;
mtype history = FRESH;

/* What is outside Redis, so that no rollback reaches it. */
byte objects;
byte fresh; /* within one step */

mtype at[WORKERS] = IDLE;
byte my_token[WORKERS];

byte crashes_left = CRASHES;
byte delays_left = DELAYS;
byte releases_left = RELEASES;
byte losses_left = LOSSES;

#define running   (redis.status == RUNNING)
#define over      (redis.status != RUNNING && history == OVER)
#define held(w)   (running && redis.token == my_token[w] && my_token[w] != 0) /* lease.lua, held */
#define working(w) (at[w] != IDLE)

/*
 * A new id is any that nobody remembers: who has forgotten an id cannot tell it from another, so numbers are used again
 * and states stay few. The token stands for run, attempt, version and time.
 */
#define remembered(id) \
	(redis.version == id || snapshot.version == id || redis.token == id || snapshot.token == id || my_token[0] == id || \
		my_token[1] == id)

inline new_id(id)
{
	id = 1;
	do
	:: remembered(id) -> id++
	:: else -> break
	od
}

/* Properties 2 and 3. At the end of each step. */
inline sound()
{
	assert(redis.ended <= 1);
	assert((redis.ended == 1) == (redis.status != RUNNING));
	assert(running || (redis.phase == NONE && !redis.placed && redis.token == 0));
	assert((redis.phase == EXECUTING) == (redis.token != 0));
	assert(redis.status != DONE || objects > 0);
	assert(objects <= 1)
}

/* Property 1. Wherever a script has let a worker in. */
inline written(w)
{
	assert(redis.holder == w)
}

/* ---- states, transitions.lua ---- */

inline leave() /* states.lua */
{
	redis.version = 0;
	redis.placed = 0;
	redis.token = 0;
	redis.ran_out = 0;
	redis.holder = NOBODY
}

inline enqueue() /* states.lua */
{
	leave();
	new_id(fresh);
	redis.version = fresh;
	fresh = 0;
	redis.placed = 1;
	redis.phase = QUEUED
}

inline finish(how) /* ending.lua */
{
	leave();
	redis.phase = NONE;
	redis.status = how;
	redis.ended++
}

/* ---- workers ---- */

/* Forgets all: what a process that is gone leaves behind is in Redis and at the provider only. */
inline forget(w)
{
	at[w] = IDLE;
	my_token[w] = 0
}

proctype worker(byte me)
{
	do
	/* claim_run.lua: taken off the queue and claimed, in one step */
	:: atomic { at[me] == IDLE && running && redis.phase == QUEUED && redis.placed ->
		redis.placed = 0;
		redis.phase = EXECUTING;
#ifdef EQUAL_TOKENS
		redis.token = redis.version;
#else
		new_id(fresh);
		redis.token = fresh;
		fresh = 0;
#endif
		redis.version = 0;
		redis.ran_out = 0;
		redis.holder = me;
		my_token[me] = redis.token;
		at[me] = CLAIMED;
		sound() }

	/* Each action's look: what is there is adopted, what is not is to be made. */
#ifdef NO_LOOK
	:: atomic { at[me] == CLAIMED -> at[me] = ABSENT }
#else
	:: atomic { at[me] == CLAIMED ->
		if
		:: objects > 0 -> at[me] = MADE
		:: else -> at[me] = ABSENT
		fi }
#endif

	/* The intent, before the call: progress.lua, 18 */
	:: atomic { at[me] == ABSENT && held(me) ->
		written(me);
		at[me] = INTENDED;
		sound() }
	:: atomic { at[me] == ABSENT && !held(me) ->
		forget(me) }

	/* The call that makes it. Whoever has come here may have lost the lease since: the call goes out all the same.
	 * Refused, it looks again and adopts (workflows/actions: github_repository.c, vercel_project.c, vercel_domain.c). */
#ifdef EXACT_GUARD
	:: atomic { at[me] == INTENDED && !held(me) ->
		forget(me) }
	:: atomic { at[me] == INTENDED && held(me) ->
#else
	:: atomic { at[me] == INTENDED ->
#endif
#ifdef DUPLICATES
		objects++;
#else
		if
		:: objects == 0 -> objects++
		:: else -> skip
		fi;
#endif
		at[me] = MADE;
		sound() }

	/* finish.lua */
#ifdef NO_FENCE
	:: atomic { at[me] == MADE ->
#else
	:: atomic { at[me] == MADE && !held(me) ->
		forget(me) }
	:: atomic { at[me] == MADE && held(me) ->
#endif
		written(me);
		finish(DONE);
		forget(me);
		sound() }

	/* wait.lua and retry.lua: not ready, or a transient failure at any point, such as a lost answer */
	:: atomic { working(me) && held(me) && delays_left > 0 ->
		delays_left--;
		written(me);
		leave();
		redis.crashes = 0;
		redis.phase = DELAYED;
		forget(me);
		sound() }

	/* release.lua: the executor's own, or the supervisor's for one that had to stop */
	:: atomic { working(me) && held(me) && releases_left > 0 ->
		releases_left--;
		written(me);
		enqueue();
		forget(me);
		sound() }

	/* A crash, between any two steps; a new process comes in its place. */
	:: atomic { at[me] != IDLE && crashes_left > 0 ->
		crashes_left--;
		forget(me) }

	:: atomic { at[me] == IDLE && over -> break }
	od
}

/* src/worker/leases.c, renew: both workers' supervisors. A process of its own, so that one who renews for ever does
 * not count as one who works. */
proctype supervisors()
{
	byte w;
	do
	:: atomic { (held(0) || held(1)) && redis.ran_out ->
		if
		:: held(0) -> w = 0
		:: held(1) -> w = 1
		fi;
		/* renew.lua: late, but before anybody took it over */
		written(w);
		redis.ran_out = 0;
		w = 0;
		sound() }
	/* renew.lua: lost. The executor is killed, its run handed back to no effect: VERDICT_NOT_OURS */
	:: atomic { (working(0) && !held(0)) || (working(1) && !held(1)) ->
		if
		:: working(0) && !held(0) -> forget(0)
		:: working(1) && !held(1) -> forget(1)
		fi }
	:: atomic { over -> break }
	od
}

/* ---- the reaper, and the clock that it looks at ---- */

proctype reaper()
{
	do
	/* Time goes by. */
	:: atomic { redis.phase == EXECUTING && !redis.ran_out -> redis.ran_out = 1 }

	/* reap.lua: the lease ran out */
	:: atomic { redis.phase == EXECUTING && redis.ran_out ->
		redis.crashes++;
		if
		:: redis.crashes >= CRASHES -> finish(FAILED)
		:: else -> enqueue()
		fi;
		sound() }

	/* reap.lua: due */
	:: atomic { redis.phase == DELAYED ->
		enqueue();
		sound() }

#ifndef LOST_PLACE
	/* sweep.lua, and then reap.lua: it has lost its place */
	:: atomic { redis.phase == QUEUED && !redis.placed ->
		enqueue();
		sound() }
#endif
	:: atomic { over -> break }
	od
}

/* ---- from outside ---- */

inline copy(to, from)
{
	to.status = from.status;
	to.phase = from.phase;
	to.version = from.version;
	to.placed = from.placed;
	to.token = from.token;
	to.ran_out = from.ran_out;
	to.crashes = from.crashes;
	to.ended = from.ended;
	to.holder = from.holder
}

/* The snapshot is of no more use: fewer states. */
inline close_history()
{
	history = OVER;
	snapshot.status = 0;
	snapshot.phase = 0;
	snapshot.version = 0;
	snapshot.placed = 0;
	snapshot.token = 0;
	snapshot.ran_out = 0;
	snapshot.crashes = 0;
	snapshot.ended = 0;
	snapshot.holder = 0
}

proctype outside()
{
	do
#ifndef NO_ROLLBACK
	/* What is on the disk, or at the replica. */
	:: atomic { history == FRESH ->
		copy(snapshot, redis);
		history = KEPT }
	/* Redis comes back with that. Workers and provider know nothing of it. */
	:: atomic { history == KEPT ->
		copy(redis, snapshot);
		close_history();
		sound() }
#endif
	/* No rollback comes any more. */
	:: atomic { history != OVER -> close_history() }
	:: atomic { redis.phase == QUEUED && redis.placed && losses_left > 0 ->
		losses_left--;
		redis.placed = 0;
		sound() }
	:: atomic { over -> break }
	od
}

/* trigger.lua */
init
{
	atomic {
		redis.status = RUNNING;
		enqueue();
		run worker(0);
		run worker(1);
		run supervisors();
		run reaper();
		run outside()
	}
}

#ifdef LIVENESS
ltl ends { <>[] (redis.status != RUNNING) }
#endif
