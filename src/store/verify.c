/*
 * Walks all keys with SCAN and asks a script of each run whether it stands where it should. Repairs
 * go through the scripts that workers use.
 */
#include "store/verify.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/owners.h"
#include "store/queue.h"
#include "store/reaper.h"
#include "store/run_eval.h"

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
} shared[] = { { KEY_QUEUE, "stream" }, { KEY_DELAYED, "zset" }, { KEY_LIVE, "zset" },
	{ KEY_APPS, "zset" }, { KEY_DEAD, "stream" }, { KEY_PULSE, "string" },
	{ KEY_LAYOUT, "string" }, { KEY_WORKERS, "hash" }, { KEY_SHARED, "hash" },
	{ KEY_DEFINITIONS, "hash" } };

/* Where one of these is something else, no script can look at any run: it is the
 * only thing to say. */
static enum error_class verify_shared(const struct verification *verification, struct error *error)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		const char *const words[] = { "TYPE", shared[i].key };
		char what[256];
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(verification->redis, 2, words, &reply, error) != ERROR_NONE)
			return error->class;
		const char *type = reply_text(reply);
		bool right = strcmp(type, shared[i].type) == 0 || strcmp(type, "none") == 0;
		text_format(what, sizeof(what),
			"somebody has made it a %.16s, it is to be a %s: look at it, delete it, "
			"then verify --repair",
			type, shared[i].type);
		if (!right)
			report(verification, shared[i].key, what, false);
	}

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
static enum error_class verify_run_or_say(const struct verification *verification,
	const char *index, const char *member, struct error *error)
{
	enum error_class class = verify_run(verification, index, member, error);
	if (class != ERROR_INTERNAL && class != ERROR_STORE_REFUSED)
		return class;
	char what[512];
	text_format(what, sizeof(what), "it cannot be read (%s): look at it, then delete it",
		error->message);
	report(verification, member, what, false);
	return ERROR_NONE;
}

/* ---- keys ---- */

static bool lives_for_ever(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (strcmp(shared[i].key, key) == 0)
			return true;
	return text_has_prefix(key, "slipway:token:") || text_has_prefix(key, OWNER_PREFIX);
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

/* The ledger by which a key lives: a ledger itself, or what its app was told; "" for all other
 * keys. */
static void name_ledger(const char *key, char ledger[KEY_SIZE])
{
	const char *last = strrchr(key, ':');
	ledger[0] = '\0';
	if (text_has_prefix(key, KEY_APP_PREFIX) &&
		strchr(key + strlen(KEY_APP_PREFIX), ':') == last &&
		(strcmp(last, ":ledger") == 0 || strcmp(last, ":payload") == 0 ||
			strcmp(last, ":makers") == 0))
		text_format(ledger, KEY_SIZE, "%.*s:ledger", (int)(last - key), key);
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

struct owner_report {
	const struct verification *verification;
	const char *key;
};

static void report_row(void *context, const char *field, const char *holder)
{
	const struct owner_report *owners = context;
	char what[512];
	bool free = holder[0] == '\0';

	if (free)
		text_format(what, sizeof(what), "its row '%.300s' has no owner", field);
	else
		text_format(what, sizeof(what),
			"its row '%.300s' is of a thing that the app '%.64s' has: see whose it is",
			field, holder);
	report(owners->verification, owners->key, what,
		free && owners->verification->options->repair);
}

/* Each thing in a ledger has that app as its one owner, and each owner has it in its ledger. */
static enum error_class verify_owners(
	const struct verification *verification, const char *key, struct error *error)
{
	bool repair = verification->options->repair, orphaned = false;
	char ledger[KEY_SIZE], app[IDENTIFIER_SIZE];
	struct owner_report owners = { verification, key };
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

	name_ledger(key, ledger);
	if (strcmp(ledger, key) != 0)
		return ERROR_NONE;
	text_format(app, sizeof(app), "%.*s", (int)strcspn(key + strlen(KEY_APP_PREFIX), ":"),
		key + strlen(KEY_APP_PREFIX));
	return owner_verify_rows(verification->redis, app, repair, &visitor, error);
}

static enum error_class verify_key(
	const struct verification *verification, const char *key, struct error *error)
{
	verification->counts->keys++;
	if (verify_lifetime(verification, key, error) != ERROR_NONE ||
		verify_owners(verification, key, error) != ERROR_NONE)
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

/* ---- the queue ---- */

static enum error_class verify_entry(const struct verification *verification,
	const struct queue_entry *entry, struct error *error)
{
	bool orphaned;
	char key[96];

	if (queue_is_orphaned(verification->redis, entry, &orphaned, error) != ERROR_NONE)
		return error->class;
	if (!orphaned)
		return ERROR_NONE;
	if (verification->options->repair &&
		queue_dead_letter(verification->redis, entry, "no run has this entry", error) !=
			ERROR_NONE)
		return error->class;
	text_format(key, sizeof(key), "queue entry %s", entry->id);
	report(verification, key, "no run has this entry", verification->options->repair);
	return ERROR_NONE;
}

static enum error_class verify_queue(const struct verification *verification, struct error *error)
{
	char from[ENTRY_SIZE] = "-";
	bool more = true;

	while (more) {
		CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
		struct queue_page page;
		if (queue_list(verification->redis, from, &arena, &page, error) != ERROR_NONE)
			return error->class;
		for (size_t i = 0; i < page.count; i++)
			if (verify_entry(verification, &page.entries[i], error) != ERROR_NONE)
				return error->class;
		more = page.count > 0;
		if (more)
			text_format(from, sizeof(from), "(%s", page.entries[page.count - 1].id);
	}

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
	return verify_queue(&verification, error);
}
