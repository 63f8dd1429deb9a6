/*
 * Checks of Redis and of what workers report to it. Each needs only the permissions of the Redis
 * user of `slipway doctor`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/url_password.h"
#include "cli/doctor.h"
#include "slipway/field.h"
#include "store/keys.h"
#include "store/server.h"
#include "store/workers.h"

#define CLOCK_OFF_MS       2000
#define MEMORY_HIGH        80 /* per cent */
#define REDIS_OLDEST_MAJOR 7

/* By series the first that Redis has made without CVE-2025-49844. Of 7.0 it has made none: who has
 * the last one of it has it as mended by a distribution, or not mended. */
static const struct server_version mended[] = {
	{ 7, 0, 15 },
	{ 7, 2, 11 },
	{ 7, 4, 6 },
	{ 8, 0, 4 },
	{ 8, 2, 2 },
};

static void judge_version(struct server_version version, struct diagnosis *diagnosis)
{
	diagnosis_set(diagnosis, DOCTOR_FINE, "reachable, version %d.%d.%d", version.major,
		version.minor, version.patch);
	if (version.major < REDIS_OLDEST_MAJOR) {
		diagnosis->verdict = DOCTOR_FAULT;
		diagnosis_advise(diagnosis, "Install Redis %d or newer; the scripts need it.",
			REDIS_OLDEST_MAJOR);
		return;
	}

	for (size_t i = 0; i < ARRAY_LEN(mended); i++) {
		if (mended[i].major != version.major || mended[i].minor != version.minor ||
			mended[i].patch <= version.patch)
			continue;
		diagnosis->verdict = DOCTOR_WARNING;
		diagnosis_advise(diagnosis,
			"Scripts can break out of this version (CVE-2025-49844), unless your "
			"distribution has mended it: install Redis %d.%d.%d or a later one.",
			mended[i].major, mended[i].minor, mended[i].patch);
	}
}

static void check_reachable(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	struct error error;
	struct server_version version;

	if (server_read_version(doctor->redis, &version, &error) != ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		char url[256];
		url_password_mask(doctor->settings->redis_url, url, sizeof(url));
		diagnosis_advise(
			diagnosis, "Start Redis, or correct SLIPWAY_REDIS_URL (now %s).", url);
		return;
	}
	judge_version(version, diagnosis);
}

static void check_settings(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	struct error error;
	enum server_state state;

	diagnosis_set(diagnosis, DOCTOR_FINE,
		"runs scripts, evicts nothing, keeps and replays an append-only file");
	for (size_t i = 0; i < server_check_count(); i++) {
		if (server_check(doctor->redis, i, &state, &error) != ERROR_NONE) {
			diagnosis_set_error(diagnosis, &error);
			return;
		}
		if (state != SERVER_HIDDEN)
			continue;
		diagnosis_set(diagnosis, DOCTOR_WARNING, "Redis does not let this user check: %s",
			server_check_name(i));
		diagnosis_advise(diagnosis,
			"Use a user of conf/redis/users.acl, such as slipway-verify, or check it "
			"manually.");
	}
}

static void check_memory(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	struct error error;
	int64_t used, most;

	if (server_number(doctor->redis, "memory", "used_memory", 0, &used, &error) != ERROR_NONE ||
		server_number(doctor->redis, "memory", "maxmemory", 0, &most, &error) !=
			ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	if (most == 0) {
		diagnosis_set(diagnosis, DOCTOR_WARNING, "%lld MiB used, no limit set",
			(long long)(used >> 20));
		diagnosis_advise(diagnosis,
			"Set maxmemory below the memory of the machine: then triggers are refused "
			"before the kernel kills Redis.");
		return;
	}

	bool high = used * 100 / most >= MEMORY_HIGH;
	diagnosis_set(diagnosis, high ? DOCTOR_FAULT : DOCTOR_FINE, "%lld of %lld MiB used",
		(long long)(used >> 20), (long long)(most >> 20));
	if (high)
		diagnosis_advise(diagnosis, "Raise maxmemory, or lower SLIPWAY_RETENTION_DAYS.");
}

static void check_clock(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	struct error error;
	int64_t theirs;

	if (server_time(doctor->redis, &theirs, &error) != ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	int64_t off = clock_wall_ms() - theirs;
	bool wrong = llabs(off) > CLOCK_OFF_MS;
	diagnosis_set(diagnosis, wrong ? DOCTOR_WARNING : DOCTOR_FINE,
		"this machine's clock is %lld ms %s Redis' clock", llabs(off),
		off < 0 ? "behind" : "ahead of");
	if (wrong)
		diagnosis_advise(diagnosis,
			"Deadlines use the clock of Redis, but logs and token lifetimes do not: "
			"set up time synchronisation on both machines.");
}

static void check_replication(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	struct error error;
	int64_t replicas, bound;
	const char *const words[] = { "CONFIG", "GET", "min-replicas-to-write" };
	struct redisReply *reply = NULL;

	if (server_number(doctor->redis, "replication", "connected_slaves", 0, &replicas, &error) !=
		ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	/* A hosted Redis may not allow CONFIG. */
	bool asked = redis_command(doctor->redis, 3, words, &reply, &error) == ERROR_NONE;
	bound = asked ? reply_integer(reply_item(reply, 1)) : 0;
	reply_free(reply);
	diagnosis_set(diagnosis, DOCTOR_FINE,
		"%lld replicas, of which %lld must acknowledge a write", (long long)replicas,
		(long long)bound);
	if (replicas > 0 && asked && bound == 0) {
		diagnosis->verdict = DOCTOR_WARNING;
		diagnosis_advise(diagnosis,
			"A failover loses writes that no replica has received yet: set "
			"min-replicas-to-write 1 and min-replicas-max-lag to bound it.");
	}
}

static void check_queue(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	const char *const live[] = { "ZCARD", KEY_LIVE },
			  *const delayed[] = { "ZCARD", KEY_DELAYED };
	const struct redis_words commands[] = { { 2, live, NULL }, { 2, delayed, NULL } };
	struct error error;
	struct redisReply *replies[ARRAY_LEN(commands)] = { NULL };

	if (redis_batch(doctor->redis, ARRAY_LEN(commands), commands, replies, &error) !=
		ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	long long all = reply_integer(replies[0]), later = reply_integer(replies[1]);
	reply_free(replies[0]);
	reply_free(replies[1]);
	diagnosis_set(diagnosis, DOCTOR_FINE, "%lld runs queued or executing, %lld wait",
		all > later ? all - later : 0, later);
}

struct worker_tally {
	size_t alive, silent, other_version;
};

static void count_worker(void *context, const struct worker_heartbeat *beat, int64_t age_ms)
{
	struct worker_tally *tally = context;
	if (age_ms > WORKER_SILENT_MS) {
		tally->silent++;
		return;
	}
	tally->alive++;
	tally->other_version += strcmp(beat->version, SLIPWAY_VERSION) != 0 ? 1 : 0;
}

static void check_workers(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	struct worker_tally tally = { 0, 0, 0 };
	struct error error;

	if (workers_list(doctor->redis, count_worker, &tally, &error) != ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	diagnosis_set(diagnosis, DOCTOR_FINE, "%zu running, all with version " SLIPWAY_VERSION,
		tally.alive);
	if (tally.alive == 0) {
		diagnosis_set(diagnosis, DOCTOR_FAULT, "none is running; %zu stopped reporting",
			tally.silent);
		diagnosis_advise(
			diagnosis, "Start slipway-worker; triggered steps stay queued until then.");
	} else if (tally.other_version > 0) {
		diagnosis_set(diagnosis, DOCTOR_WARNING,
			"%zu running, %zu of them without version " SLIPWAY_VERSION, tally.alive,
			tally.other_version);
		diagnosis_advise(
			diagnosis, "Restart the others one by one; they hand over their runs.");
	} else if (tally.silent > 0) {
		diagnosis_set(diagnosis, DOCTOR_WARNING, "%zu running, %zu stopped reporting",
			tally.alive, tally.silent);
		diagnosis_advise(diagnosis,
			"Check whether they were meant to stop; other workers have taken over "
			"their runs.");
	}
}

static void check_dead(const struct doctor *doctor, struct diagnosis *diagnosis)
{
	const char *const words[] = { "XLEN", KEY_DEAD };
	struct error error;
	struct redisReply *reply;

	if (redis_command(doctor->redis, 2, words, &reply, &error) != ERROR_NONE) {
		diagnosis_set_error(diagnosis, &error);
		return;
	}

	long long count = reply_integer(reply);
	reply_free(reply);
	diagnosis_set(diagnosis, count > 0 ? DOCTOR_WARNING : DOCTOR_FINE,
		"%lld entries could not be run", count);
	if (count > 0)
		diagnosis_advise(
			diagnosis, "Read them with XRANGE %s - +, then DEL that key.", KEY_DEAD);
}

const struct doctor_check doctor_store_checks[] = {
	{ "Redis", check_reachable },
	{ "durability", check_settings },
	{ "memory", check_memory },
	{ "replication", check_replication },
	{ "clock", check_clock },
	{ "queue", check_queue },
	{ "workers", check_workers },
	{ "dead entries", check_dead },
	{ NULL, NULL },
};
