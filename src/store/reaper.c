/* Each run by itself, so that one that is broken keeps no other waiting. */
#include "store/reaper.h"

#include <string.h>

#include "base/text.h"
#include "core/error_json.h"
#include "slipway/field.h"
#include "store/run_eval.h"

#define REAP_AGAIN_MS 5000

struct reaper {
	struct redis *redis;
	int64_t lease_ms, spare_ms; /* for how long a lease lasts, and is left alone where no worker
				       could renew it */
	const struct reap_listener *listener; /* or NULL */
	int64_t now;
};

static enum error_class reap_run(const struct reaper *reaper, const struct run_name *name,
	const char *member, struct arena *arena, struct error *error)
{
	const int64_t crashes_max = RUN_CRASHES_MAX;
	const char *const keys[] = { KEY_PULSE };
	const struct script_argument arguments[] = {
		{ "member", .text = member },
		{ "expired", .text = error_text(arena, ERROR_TIMEOUT, RUN_EXPIRED_MESSAGE) },
		{ "lost", .text = error_text(arena, ERROR_WORKER_LOST, RUN_LOST_MESSAGE) },
		{ "crashes_max", .integer = &crashes_max },
		{ "lease_ms", .integer = &reaper->spare_ms },
	};
	const struct script_call call = { SCRIPT_REAP, ARRAY_LEN(keys), keys, ARRAY_LEN(arguments),
		arguments };
	const struct reap_listener *listener = reaper->listener;
	struct run told;
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (arguments[1].text == NULL || arguments[2].text == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to look at a run");
	if (run_eval(reaper->redis, name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	if (listener != NULL && run_told(&told, name, reply, arena, error) == ERROR_NONE &&
		told.id[0] != '\0')
		listener->told(listener->context, &told);
	return ERROR_NONE;
}

static enum error_class reap_member(
	const struct reaper *reaper, const char *index, const char *member, struct error *error)
{
	char parts[MEMBER_SIZE];
	struct run_name name;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	/* Put there by hand: no run can be named so. */
	const char *const remove[] = { "ZREM", index, member };

	if (!text_copy(parts, sizeof(parts), member) || !member_split(parts, &name))
		return redis_tell(reaper->redis, 3, remove, error);
	return reap_run(reaper, &name, member, &arena, error);
}

enum error_class run_repair(struct redis *redis, const char *index, const char *member,
	int64_t lease_ms, struct error *error)
{
	const struct reaper reaper = { .redis = redis, .lease_ms = lease_ms };
	return reap_member(&reaper, index, member, error);
}

/* Takes a member that cannot be dealt with out of its index, and keeps it where an operator finds
 * it. */
static enum error_class bury_member(const struct reaper *reaper, const char *index,
	const char *member, const struct error *why, struct error *error)
{
	const char *const note[] = { "XADD", KEY_DEAD, "MAXLEN", "~", "1000", "*", "entry", member,
		"reason", why->message };
	const char *const remove[] = { "ZREM", index, member };

	if (redis_tell(reaper->redis, ARRAY_LEN(note), note, error) != ERROR_NONE)
		return error->class;
	return redis_tell(reaper->redis, ARRAY_LEN(remove), remove, error);
}

/* The key of a run itself is no hash: then there is no run. */
static enum error_class is_no_run(
	struct redis *redis, const char *member, bool *ret_is_none, struct error *error)
{
	char key[KEY_SIZE];
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(key, sizeof(key), KEY_APP_PREFIX "%s", member);
	const char *const words[] = { "TYPE", key };
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_is_none = strcmp(reply_text(reply), "hash") != 0;
	return ERROR_NONE;
}

/* A key that a hand has broken must not keep the others waiting. Where it is the run's own, there
 * is nothing to wait for; where it is one that runs share, such as the queue, the run is looked at
 * again when it may be repaired. */
static enum error_class defer_member(const struct reaper *reaper, const char *index,
	const char *member, const struct error *why, struct error *error)
{
	char again[24];
	const char *const words[] = { "ZADD", index, "XX", again, member };
	bool none = false;

	if (is_no_run(reaper->redis, member, &none, error) != ERROR_NONE)
		return error->class;
	if (none)
		return bury_member(reaper, index, member, why, error);

	text_format(again, sizeof(again), "%lld", (long long)reaper->now + REAP_AGAIN_MS);
	if (redis_tell(reaper->redis, ARRAY_LEN(words), words, error) != ERROR_NONE)
		return error->class;
	*error = *why;
	return ERROR_STORE_REFUSED;
}

static bool is_among(const struct redisReply *members, const char *member)
{
	for (size_t i = 0; members != NULL && i < reply_count(members); i++)
		if (strcmp(reply_text(reply_item(members, i)), member) == 0)
			return true;
	return false;
}

/* Goes on past what is set aside, and tells of it in the end. Those of the others (NULL: none) have
 * been looked at. */
static enum error_class reap_members(const struct reaper *reaper, const char *index,
	const struct redisReply *members, const struct redisReply *others, size_t *ret_count,
	struct error *error)
{
	struct error one, why;
	enum error_class found = ERROR_NONE;

	if (reply_is_error(members))
		return reply_error(members, error);
	for (size_t i = 0; i < reply_count(members); i++) {
		const char *member = reply_text(reply_item(members, i));
		if (is_among(others, member))
			continue;
		++*ret_count;
		enum error_class class = reap_member(reaper, index, member, &one);
		if (class == ERROR_STORE_REFUSED) {
			why = one;
			class = defer_member(reaper, index, member, &why, &one);
		}
		if (class != ERROR_NONE)
			*error = one;
		if (class != ERROR_NONE && class != ERROR_STORE_REFUSED)
			return class;
		found = class != ERROR_NONE ? class : found;
	}

	return found;
}

/* ---- users that are yet to be told ---- */

static enum error_class tell_users(
	const struct reaper *reaper, const char *of, size_t *ret_count, struct error *error)
{
	const char *own_name = strchr(of, ':');
	const struct script_argument argument = { "name",
		.text = own_name != NULL ? own_name + 1 : "" };
	const struct script_call call = { SCRIPT_TELL, 0, NULL, 1, &argument };
	const char *const remove[] = { "ZREM", KEY_TELLING, of };
	char parts[MEMBER_SIZE];
	struct run_name name;
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (!text_copy(parts, sizeof(parts), of) || !member_split_any(parts, &name))
		return redis_tell(reaper->redis, ARRAY_LEN(remove), remove, error);
	name.workflow = name.step = NULL;
	if (run_eval(reaper->redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_count += (size_t)reply_integer(reply);
	return ERROR_NONE;
}

/* Goes on with the step that has waited longest, the only one of the names. Where its turn fails,
 * the others get theirs: it goes behind them. */
static enum error_class tell_next(const struct reaper *reaper, const struct redisReply *names,
	size_t *ret_count, struct error *error)
{
	char now[24];

	if (reply_is_error(names) || reply_count(names) == 0)
		return ERROR_NONE;
	const char *of = reply_text(reply_item(names, 0));
	const char *const later[] = { "ZADD", KEY_TELLING, "XX", now, of };

	enum error_class class = tell_users(reaper, of, ret_count, error);
	if (class != ERROR_STORE_REFUSED)
		return class;
	text_format(now, sizeof(now), "%lld", (long long)reaper->now);
	return redis_tell(reaper->redis, ARRAY_LEN(later), later, error);
}

/* ---- a turn ---- */

/* Tells the others that somebody looks; gives the time. */
static enum error_class pulse(struct reaper *reaper, struct error *error)
{
	const char *const keys[] = { KEY_PULSE };
	const struct script_argument lease = { "lease_ms", .integer = &reaper->lease_ms };
	const struct script_call call = { SCRIPT_PULSE, 1, keys, 1, &lease };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (script_call(reaper->redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	reaper->now = reply_integer(reply_item(reply, 1));
	return ERROR_NONE;
}

/* What there is to do, read in one round trip: mostly nothing. */
enum { TO_TELL, OF_DELAYED, OF_LIVE, ALL };

static enum error_class look(
	const struct reaper *reaper, struct redisReply **ret_replies, struct error *error)
{
	char now[24];
	const char *const telling[] = { "ZRANGE", KEY_TELLING, "0", "0" };
	const char *const delayed[] = { "ZRANGEBYSCORE", KEY_DELAYED, "-inf", now, "LIMIT", "0",
		"100" };
	const char *const live[] = { "ZRANGEBYSCORE", KEY_LIVE, "-inf", now, "LIMIT", "0", "100" };
	const struct redis_words commands[ALL] = { { ARRAY_LEN(telling), telling, NULL },
		{ ARRAY_LEN(delayed), delayed, NULL }, { ARRAY_LEN(live), live, NULL } };

	text_format(now, sizeof(now), "%lld", (long long)reaper->now);
	return redis_batch_lenient(reaper->redis, 0, ALL, commands, ret_replies, error);
}

/* Most that are due stand in both indexes. */
static enum error_class reap(const struct reaper *reaper, struct redisReply *const *replies,
	size_t *ret_count, struct error *error)
{
	const struct redisReply *delayed = replies[OF_DELAYED], *live = replies[OF_LIVE];

	if (tell_next(reaper, replies[TO_TELL], ret_count, error) != ERROR_NONE ||
		reap_members(reaper, KEY_DELAYED, delayed, NULL, ret_count, error) != ERROR_NONE)
		return error->class;
	return reap_members(reaper, KEY_LIVE, live, delayed, ret_count, error);
}

enum error_class runs_reap(struct redis *redis, int64_t lease_ms,
	const struct reap_listener *listener, size_t *ret_count, struct error *error)
{
	struct reaper reaper = { redis, lease_ms, lease_ms, listener, 0 };
	struct redisReply *replies[ALL];

	*ret_count = 0;
	if (pulse(&reaper, error) != ERROR_NONE || look(&reaper, replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class = reap(&reaper, replies, ret_count, error);
	for (size_t i = 0; i < ALL; i++)
		reply_free(replies[i]);
	return class;
}
