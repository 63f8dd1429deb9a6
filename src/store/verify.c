/*
 * Walks all keys with SCAN and asks a script of each run whether it stands where it should. Repairs
 * go through the scripts that workers use.
 */
#include "store/verify.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/budgets.h"
#include "store/owners.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/run_eval.h"
#include "store/verify_deployments.h"
#include "store/verify_macs.h"

#define PAGE "200"
/* A worker looks four times a second; what has been due for so long has been forgotten. */
#define OVERDUE_MS "10000"

struct verification {
	struct redis *redis;
	const struct verify_options *options;
	struct verify_counts *counts;
};

static void report(
	const struct verification *verification, const char *key, const char *what, bool repaired)
{
	verification->counts->faults++;
	verification->counts->repaired += repaired ? 1 : 0;
	verification->options->found(verification->options->context, key, what, repaired);
}

/* ---- what all runs share ---- */

static const struct {
	const char *key, *type;
} shared[] = { { KEY_READY, "zset" }, { KEY_BEGUN, "zset" }, { KEY_BELL, "list" },
	{ KEY_SWEEP, "hash" }, { KEY_HELD, "zset" }, { KEY_HOLDS, "hash" }, { KEY_PAUSED, "hash" },
	{ KEY_RUNNING, "hash" }, { KEY_DELAYED, "zset" }, { KEY_LIVE, "zset" },
	{ KEY_TENANTS, "zset" }, { KEY_DEAD, "stream" }, { KEY_PULSE, "string" },
	{ KEY_LAYOUT, "string" }, { KEY_WORKERS, "hash" }, { KEY_DEFINITIONS, "hash" },
	{ KEY_CHANGES, "stream" } };

static enum error_class verify_type(const struct verification *verification, const char *key,
	const char *expected, struct error *error)
{
	const char *const words[] = { "TYPE", key };
	char what[256];
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(verification->redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	const char *type = reply_text(reply);
	text_format(what, sizeof(what),
		"somebody has made it a %.16s, it is to be a %s: look at it, delete it, "
		"then verify --repair",
		type, expected);
	if (strcmp(type, expected) != 0 && strcmp(type, "none") != 0)
		report(verification, key, what, false);
	return ERROR_NONE;
}

/* Where one of these is something else, no script can look at any run: it is the
 * only thing to say. */
static enum error_class verify_shared(const struct verification *verification, struct error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (verify_type(verification, shared[i].key, shared[i].type, error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

/* ---- runs ---- */

static enum error_class inspect(const struct verification *verification, const char *member,
	struct redisReply **ret_faults, struct error *error)
{
	char parts[MEMBER_SIZE];
	struct run_name name;
	const struct script_argument arguments[] = { { "member", .text = member },
		{ "overdue_ms", .text = OVERDUE_MS } };
	const struct script_call call = { .script = SCRIPT_INSPECT,
		.argument_count = ARRAY_LEN(arguments),
		.arguments = arguments };

	if (!text_copy(parts, sizeof(parts), member) || !member_split(parts, &name))
		return error_set(error, ERROR_INTERNAL, "'%.100s' names no run", member);
	return run_eval(verification->redis, &name, &call, ret_faults, error);
}

/* Looks, has it put right, and looks again: what is gone then was put right. */
static enum error_class verify_run(const struct verification *verification, const char *index,
	const char *member, struct error *error)
{
	CLEANUP_REPLY struct redisReply *faults = NULL;
	CLEANUP_REPLY struct redisReply *left = NULL;

	if (inspect(verification, member, &faults, error) != ERROR_NONE)
		return error->class;
	bool repair = verification->options->repair && reply_count(faults) > 0;
	if (repair &&
		(run_repair(verification->redis, index, member, verification->options->lease_ms,
			 error) != ERROR_NONE ||
			inspect(verification, member, &left, error) != ERROR_NONE))
		return error->class;
	for (size_t i = 0; i < reply_count(faults); i++)
		report(verification, member, reply_text(reply_item(faults, i)),
			repair && reply_count(left) == 0);
	return ERROR_NONE;
}

/* What a hand has broken so that no script can read it is a fault of that key, not of the
 * verification. */
static enum error_class report_unreadable(const struct verification *verification, const char *key,
	enum error_class class, const struct error *error)
{
	char what[512];

	if (class != ERROR_INTERNAL && class != ERROR_STORE_REFUSED)
		return class;
	text_format(what, sizeof(what), "it cannot be read (%s): look at it, then delete it",
		error->message);
	report(verification, key, what, false);
	return ERROR_NONE;
}

static enum error_class verify_run_or_say(const struct verification *verification,
	const char *index, const char *member, struct error *error)
{
	enum error_class class = verify_run(verification, index, member, error);
	return report_unreadable(verification, member, class, error);
}

/* ---- keys ---- */

static bool lives_for_ever(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (strcmp(shared[i].key, key) == 0)
			return true;
	return strcmp(key, KEY_AUDIT) == 0 || text_has_prefix(key, "slipway:token:") ||
		text_has_prefix(key, OWNER_PREFIX) || text_has_prefix(key, KEY_LANES_PREFIX) ||
		text_has_prefix(key, KEY_ASIDE ":") || text_has_prefix(key, KEY_PREFIX "behind:") ||
		text_has_prefix(key, KEY_TENANT_PREFIX) || text_has_prefix(key, KEY_APPS_PREFIX) ||
		text_has_prefix(key, KEY_SHARED_PREFIX);
}

static enum error_class ask(const struct verification *verification, const char *command,
	const char *key, int64_t *ret_number, struct error *error)
{
	const char *const words[] = { command, key };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (redis_command(verification->redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_number = reply_integer(reply);
	return ERROR_NONE;
}

/* Whether the key is one of an app, and not of a run: app and what are then in parts. */
static bool split_app_key(
	const char *key, char parts[MEMBER_SIZE], struct app_name *ret_app, const char **ret_what)
{
	if (!text_has_prefix(key, KEY_APP_PREFIX) ||
		!text_copy(parts, MEMBER_SIZE, key + strlen(KEY_APP_PREFIX)))
		return false;
	char *last = strrchr(parts, ':');
	if (last == NULL)
		return false;
	*last = '\0';
	*ret_what = last + 1;
	return app_member_split(parts, ret_app);
}

/* The ledger by which a key lives: a ledger itself, or what its app was told; "" for all other
 * keys. */
static void name_ledger(const char *key, char ledger[KEY_SIZE])
{
	char parts[MEMBER_SIZE];
	struct app_name app;
	const char *what;

	ledger[0] = '\0';
	if (split_app_key(key, parts, &app, &what) &&
		(strcmp(what, "ledger") == 0 || strcmp(what, "payload") == 0 ||
			strcmp(what, "makers") == 0))
		app_key_make(ledger, &app, "ledger");
}

static enum error_class give_lifetime(
	const struct verification *verification, const char *key, bool endless, struct error *error)
{
	char seconds[24];
	text_format(seconds, sizeof(seconds), "%lld",
		(long long)verification->options->retention_seconds);
	const char *const words[] = { endless ? "PERSIST" : "EXPIRE", key, seconds, "NX" };
	return redis_tell(verification->redis, endless ? 2 : 4, words, error);
}

/* What an app has is not forgotten, and neither is what the app was told while it has something;
 * all else is. */
static enum error_class verify_lifetime(
	const struct verification *verification, const char *key, struct error *error)
{
	char ledger[KEY_SIZE];
	int64_t before = 0, there = 0, after = 0;

	if (lives_for_ever(key))
		return ERROR_NONE;
	name_ledger(key, ledger);
	if (ask(verification, "TTL", key, &before, error) != ERROR_NONE ||
		(ledger[0] != '\0' &&
			ask(verification, "EXISTS", ledger, &there, error) != ERROR_NONE) ||
		ask(verification, "TTL", key, &after, error) != ERROR_NONE)
		return error->class;

	/* It changed meanwhile, or is gone. */
	if ((before == -1) != (after == -1) || after == -2 || (there == 1) == (after == -1))
		return ERROR_NONE;
	bool repair = verification->options->repair;
	if (repair && give_lifetime(verification, key, there == 1, error) != ERROR_NONE)
		return error->class;
	report(verification, key,
		there == 1 ? "it expires, and its app still has something at providers"
			   : "it has no time to live",
		repair);
	return ERROR_NONE;
}

/* ---- owners ---- */

struct key_report {
	const struct verification *verification;
	const char *key;
};

static void report_row(void *context, const char *field, const char *holder)
{
	const struct key_report *owners = context;
	char what[512];
	bool free = holder[0] == '\0';

	if (free)
		text_format(what, sizeof(what), "its row '%.300s' has no owner", field);
	else
		text_format(what, sizeof(what),
			"its row '%.300s' is of a thing that the app '%.130s' has: see whose it is",
			field, holder);
	report(owners->verification, owners->key, what,
		free && owners->verification->options->repair);
}

/* Each thing in a ledger has that app as its one owner, and each owner has it in its ledger. */
static enum error_class verify_owners(
	const struct verification *verification, const char *key, struct error *error)
{
	bool repair = verification->options->repair, orphaned = false;
	char parts[MEMBER_SIZE];
	struct app_name app;
	const char *what;
	struct key_report owners = { verification, key };
	const struct owner_visitor visitor = { report_row, &owners };

	if (text_has_prefix(key, OWNER_PREFIX)) {
		if (owner_verify_claim(verification->redis, key, repair, &orphaned, error) !=
			ERROR_NONE)
			return error->class;
		if (orphaned)
			report(verification, key, "the app that it names does not have the thing",
				repair);
		return ERROR_NONE;
	}

	if (!split_app_key(key, parts, &app, &what) || strcmp(what, "ledger") != 0)
		return ERROR_NONE;
	return owner_verify_rows(verification->redis, &app, repair, &visitor, error);
}

/* ---- deployments ---- */

static void report_deployment(void *context, const char *what, bool repaired)
{
	const struct key_report *deployment = context;
	report(deployment->verification, deployment->key, what, repaired);
}

static enum error_class verify_deployment(
	const struct verification *verification, const char *key, struct error *error)
{
	struct key_report deployment = { verification, key };
	const struct deployment_visitor visitor = { report_deployment, &deployment };

	enum error_class class = deployment_verify(
		verification->redis, key, verification->options->repair, &visitor, error);
	return report_unreadable(verification, key, class, error);
}

/* ---- who wrote it ---- */

static void report_text(void *context, const char *what, bool is_signed)
{
	const struct key_report *of = context;
	report(of->verification, of->key, what, is_signed);
}

static void count_renewed(void *context)
{
	const struct key_report *of = context;
	of->verification->counts->renewed++;
}

static enum error_class verify_macs(
	const struct verification *verification, const char *key, struct error *error)
{
	const struct verify_options *options = verification->options;
	struct key_report of = { verification, key };
	const struct mac_visitor visitor = { report_text, count_renewed, &of };

	if (options->macs == NULL)
		return ERROR_NONE;
	enum error_class class = macs_verify(
		verification->redis, key, options->macs, options->signing, &visitor, error);
	/* What a hand has made something else is told with the key. */
	return class == ERROR_STORE_REFUSED ? ERROR_NONE : class;
}

/* ---- the queue ---- */

/* A place on the queue whose run is there was looked at with that. */
static enum error_class verify_place(const struct verification *verification, const char *key,
	const char *lane, const char *place, struct error *error)
{
	char run[KEY_SIZE], what[512];
	const char *const words[] = { "EXISTS", run }, *const remove[] = { "ZREM", key, place };
	const bool repair = verification->options->repair;
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(run, sizeof(run), KEY_APP_PREFIX "%s%s", lane, place);
	if (redis_command(verification->redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	if (reply_integer(reply) == 1)
		return ERROR_NONE;
	if (repair && redis_tell(verification->redis, 3, remove, error) != ERROR_NONE)
		return error->class;
	text_format(what, sizeof(what), "no run stands in its place '%.300s'", place);
	report(verification, key, what, repair);
	return ERROR_NONE;
}

/* A lane of an app ("tenant:app:"), or the runs that were begun (""). */
static enum error_class verify_places(const struct verification *verification, const char *key,
	const char *lane, struct error *error)
{
	char cursor[32] = "0";

	do {
		const char *const words[] = { "ZSCAN", key, cursor, "COUNT", PAGE };
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(verification->redis, ARRAY_LEN(words), words, &reply, error) !=
			ERROR_NONE)
			return error->class;
		const struct redisReply *pairs = reply_item(reply, 1);
		text_copy(cursor, sizeof(cursor), reply_text(reply_item(reply, 0)));
		for (size_t i = 0; i + 1 < reply_count(pairs); i += 2)
			if (verify_place(verification, key, lane, reply_text(reply_item(pairs, i)),
				    error) != ERROR_NONE)
				return error->class;
	} while (strcmp(cursor, "0") != 0);
	return ERROR_NONE;
}

/* What follows the root of the lanes, which is `ready` or that of what holds runs; NULL where the
 * key is in none. */
static const char *below_root(const char *key)
{
	static const char aside[] = KEY_ASIDE ":";

	if (text_has_prefix(key, KEY_READY ":"))
		return key + strlen(KEY_READY);
	if (!text_has_prefix(key, aside))
		return NULL;
	const char *kind_end = strchr(key + strlen(aside), ':');
	return kind_end != NULL ? kind_end + 1 + strcspn(kind_end + 1, ":") : NULL;
}

/* What stands on the queue by this key; nothing where it is none of the queue. */
static enum error_class verify_queue(
	const struct verification *verification, const char *key, struct error *error)
{
	char lane[APP_MEMBER_SIZE + 1];
	const char *below = below_root(key);

	if (strcmp(key, KEY_BEGUN) == 0)
		return verify_places(verification, key, "", error);
	if (below == NULL)
		return ERROR_NONE;
	if (verify_type(verification, key, "zset", error) != ERROR_NONE)
		return error->class;
	/* Above the lanes it is which tenants, and which apps of one, have any. */
	if (below[0] != ':' || strchr(below + 1, ':') == NULL ||
		!text_format(lane, sizeof(lane), "%s:", below + 1))
		return ERROR_NONE;
	return verify_places(verification, key, lane, error);
}

/* What a tenant has for all of its apps. */
static enum error_class verify_of_tenant(
	const struct verification *verification, const char *key, struct error *error)
{
	static const struct {
		const char *prefix, *type;
	} kinds[] = { { KEY_APPS_PREFIX, "zset" }, { KEY_SHARED_PREFIX, "hash" } };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (text_has_prefix(key, kinds[i].prefix))
			return verify_type(verification, key, kinds[i].type, error);
	return ERROR_NONE;
}

/* What a hand has made something else is a fault of that key. */
static enum error_class verify_queue_or_say(
	const struct verification *verification, const char *key, struct error *error)
{
	enum error_class class = verify_queue(verification, key, error);
	return class == ERROR_STORE_REFUSED ? ERROR_NONE : class;
}

static enum error_class verify_key(
	const struct verification *verification, const char *key, struct error *error)
{
	verification->counts->keys++;
	if (verify_lifetime(verification, key, error) != ERROR_NONE ||
		verify_owners(verification, key, error) != ERROR_NONE ||
		verify_deployment(verification, key, error) != ERROR_NONE ||
		verify_of_tenant(verification, key, error) != ERROR_NONE ||
		verify_macs(verification, key, error) != ERROR_NONE ||
		verify_queue_or_say(verification, key, error) != ERROR_NONE)
		return error->class;
	const char *member = key + strlen(KEY_APP_PREFIX);
	char parts[MEMBER_SIZE];
	struct run_name name;
	if (!text_has_prefix(key, KEY_APP_PREFIX) || !text_copy(parts, sizeof(parts), member) ||
		!member_split(parts, &name))
		return ERROR_NONE;
	return verify_run_or_say(verification, KEY_LIVE, member, error);
}

static enum error_class verify_keys(const struct verification *verification, struct error *error)
{
	char cursor[32] = "0";

	do {
		const char *const words[] = { "SCAN", cursor, "MATCH", "slipway:*", "COUNT", PAGE };
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(verification->redis, 6, words, &reply, error) != ERROR_NONE)
			return error->class;
		const struct redisReply *keys = reply_item(reply, 1);
		text_copy(cursor, sizeof(cursor), reply_text(reply_item(reply, 0)));
		for (size_t i = 0; i < reply_count(keys); i++)
			if (verify_key(verification, reply_text(reply_item(keys, i)), error) !=
				ERROR_NONE)
				return error->class;
	} while (strcmp(cursor, "0") != 0);
	return ERROR_NONE;
}

/* ---- indexes ---- */

/* Members whose run's key is there were looked at with it. */
static enum error_class verify_member(const struct verification *verification, const char *index,
	const char *member, struct error *error)
{
	char key[KEY_SIZE];
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(key, sizeof(key), KEY_APP_PREFIX "%s", member);
	const char *const words[] = { "EXISTS", key };
	if (strcmp(index, KEY_LIVE) == 0)
		verification->counts->live++;
	if (redis_command(verification->redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	bool there = reply_integer(reply) == 1;
	return there ? ERROR_NONE : verify_run_or_say(verification, index, member, error);
}

static enum error_class verify_index(
	const struct verification *verification, const char *index, struct error *error)
{
	char cursor[32] = "0";

	do {
		const char *const words[] = { "ZSCAN", index, cursor, "COUNT", PAGE };
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(verification->redis, 5, words, &reply, error) != ERROR_NONE)
			return error->class;
		const struct redisReply *pairs = reply_item(reply, 1);
		text_copy(cursor, sizeof(cursor), reply_text(reply_item(reply, 0)));
		for (size_t i = 0; i + 1 < reply_count(pairs); i += 2)
			if (verify_member(verification, index, reply_text(reply_item(pairs, i)),
				    error) != ERROR_NONE)
				return error->class;
	} while (strcmp(cursor, "0") != 0);
	return ERROR_NONE;
}

/* Whether limits count as many runs as are being run. */
static enum error_class verify_counts(const struct verification *verification, struct error *error)
{
	const struct recount recount = { .repair = verification->options->repair };
	CLEANUP_REPLY struct redisReply *faults = NULL;

	if (queue_recount(verification->redis, &recount, &faults, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < reply_count(faults); i++)
		report(verification, KEY_RUNNING, reply_text(reply_item(faults, i)),
			recount.repair);
	return ERROR_NONE;
}

/* The same of what tenants use of their budgets. */
static enum error_class verify_budgets(const struct verification *verification, struct error *error)
{
	const bool repair = verification->options->repair;
	CLEANUP_REPLY struct redisReply *faults = NULL;
	char what[128];
	bool complete;

	if (budgets_recount(verification->redis, repair, &faults, &complete, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i + 1 < reply_count(faults); i += 2)
		report(verification, KEY_TENANT_PREFIX, reply_text(reply_item(faults, i)),
			reply_text(reply_item(faults, i + 1))[0] == '1');
	text_format(what, sizeof(what),
		"there are more than %zu tenants: the counts of the others were not looked at",
		TENANTS_LISTED_MAX);
	if (!complete)
		report(verification, KEY_TENANT_PREFIX, what, false);
	return ERROR_NONE;
}

enum error_class store_verify(struct redis *redis, const struct verify_options *options,
	struct verify_counts *ret_counts, struct error *error)
{
	const struct verification verification = { redis, options, ret_counts };

	memset(ret_counts, 0, sizeof(*ret_counts));
	memset(error, 0, sizeof(*error));
	if (verify_shared(&verification, error) != ERROR_NONE)
		return error->class;
	if (ret_counts->faults > 0)
		return ERROR_NONE;
	if (verify_keys(&verification, error) != ERROR_NONE ||
		verify_index(&verification, KEY_LIVE, error) != ERROR_NONE ||
		verify_index(&verification, KEY_DELAYED, error) != ERROR_NONE)
		return error->class;
	return verify_counts(&verification, error) == ERROR_NONE
		? verify_budgets(&verification, error)
		: error->class;
}
