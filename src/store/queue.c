/*
 * The stream and its consumer group. The stream only carries names: the run's hash is the truth,
 * and an entry that no run refers to is dropped.
 */
#include "store/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "store/server.h"

#define CONSUMER_KEPT_MS 86400000

/* From the beginning: entries may have been put there before any worker came. */
static enum error_class make_group(struct redis *redis, struct error *error)
{
	const char *const words[] = { "XGROUP", "CREATE", KEY_QUEUE, QUEUE_GROUP, "0", "MKSTREAM" };
	enum error_class class = redis_tell(redis, 6, words, error);
	/* Another worker may have been faster. */
	return class != ERROR_NONE && strcmp(error->store_code, "BUSYGROUP") == 0 ? ERROR_NONE
										  : class;
}

/* The entry's pairs as one line, for people who look into the dead-letter stream. */
static const char *held_text(const struct redisReply *pairs, struct arena *arena)
{
	const char *text = "";
	for (size_t i = 0; text != NULL && i + 1 < reply_count(pairs) && i < 16; i += 2)
		text = arena_format(arena, "%s%s%.64s=%.64s", text, i > 0 ? " " : "",
			reply_text(reply_item(pairs, i)), reply_text(reply_item(pairs, i + 1)));
	return text;
}

static const struct field entry_fields[] = {
	{ STRING_FIELD("app", struct queue_entry, name.app) },
	{ STRING_FIELD("workflow", struct queue_entry, name.workflow) },
	{ STRING_FIELD("action", struct queue_entry, name.step) },
	{ STRING_FIELD("run", struct queue_entry, run_id) },
	{ STRING_FIELD("definition", struct queue_entry, definition) },
};
static const struct record entry_record = RECORD(struct queue_entry, entry_fields);

static enum error_class read_entry(const struct redisReply *reply, struct arena *arena,
	struct queue_entry *entry, struct error *error)
{
	const struct redisReply *pairs = reply_item(reply, 1);

	record_clear(&entry_record, entry);
	entry->id = arena_string(arena, reply_text(reply_item(reply, 0)));
	entry->held = held_text(pairs, arena);
	bool complete = entry->id != NULL && entry->held != NULL;
	for (size_t i = 0; complete && i + 1 < reply_count(pairs); i += 2)
		complete = record_take(&entry_record, entry, reply_text(reply_item(pairs, i)),
			reply_text(reply_item(pairs, i + 1)), arena);
	return complete ? ERROR_NONE
			: error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
}

/* entry:run:app:workflow:step:definition, as reap.lua writes it; the last may be empty. What a hand
 * has put there is passed over. */
static bool split_due(char *text, struct queue_entry *entry)
{
	const char **const parts[] = { &entry->id, &entry->run_id, &entry->name.app,
		&entry->name.workflow, &entry->name.step, &entry->definition };
	char *rest = text;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const char *part = strsep(&rest, ":");
		if (part == NULL || (part[0] == '\0' && parts[i] != &entry->definition))
			return false;
		*parts[i] = part;
	}

	return rest == NULL;
}

enum error_class queue_take_due(struct redis *redis, struct arena *arena, bool *ret_found,
	struct queue_entry *ret_entry, struct error *error)
{
	const char *const words[] = { "ZPOPMIN", KEY_DUE };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	*ret_found = false;
	if (redis_command(redis, 2, words, &reply, error) != ERROR_NONE)
		return error->class;
	char *text = arena_string(arena, reply_text(reply_item(reply, 0)));
	*ret_entry = (struct queue_entry){ .held = arena_string(
						   arena, reply_text(reply_item(reply, 0))) };
	if (text == NULL || ret_entry->held == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
	*ret_found = split_due(text, ret_entry);
	return ERROR_NONE;
}

enum error_class queue_reserve(struct redis *redis, const char *consumer, int block_ms,
	struct arena *arena, bool *ret_found, struct queue_entry *ret_entry, struct error *error)
{
	char block[16];

	text_format(block, sizeof(block), "%d", block_ms);
	const char *const waiting[] = { "XREADGROUP", "GROUP", QUEUE_GROUP, consumer, "COUNT", "1",
		"BLOCK", block, "STREAMS", KEY_QUEUE, ">" };
	const char *const looking[] = { "XREADGROUP", "GROUP", QUEUE_GROUP, consumer, "COUNT", "1",
		"STREAMS", KEY_QUEUE, ">" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	*ret_found = false;
	enum error_class class = block_ms > 0
		? redis_command(redis, ARRAY_LEN(waiting), waiting, &reply, error)
		: redis_command(redis, ARRAY_LEN(looking), looking, &reply, error);
	if (class != ERROR_NONE) {
		if (strcmp(error->store_code, "NOGROUP") != 0)
			return class;
		return make_group(redis, error);
	}

	const struct redisReply *entries = reply_item(reply_item(reply, 0), 1);
	*ret_found = reply_count(entries) > 0;
	return *ret_found ? read_entry(reply_item(entries, 0), arena, ret_entry, error)
			  : ERROR_NONE;
}

enum error_class queue_list(struct redis *redis, const char *from, struct arena *arena,
	struct queue_page *ret_page, struct error *error)
{
	const char *const words[] = { "XRANGE", KEY_QUEUE, from, "+", "COUNT", "200" };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	*ret_page = (struct queue_page){ NULL, 0 };
	if (redis_command(redis, 6, words, &reply, error) != ERROR_NONE)
		return error->class;
	struct queue_entry *entries =
		arena_allocate_array(arena, reply_count(reply), sizeof(*entries));
	enum error_class class = entries != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
	for (size_t i = 0; class == ERROR_NONE && i < reply_count(reply); i++)
		class = read_entry(reply_item(reply, i), arena, &entries[i], error);
	*ret_page = (struct queue_page){ entries, reply_count(reply) };
	return class;
}

enum error_class queue_dead_letter(struct redis *redis, const struct queue_entry *entry,
	const char *reason, struct error *error)
{
	const char *const keys[] = { KEY_DEAD, KEY_QUEUE };
	const struct script_argument arguments[] = { { "entry", .text = entry->id },
		{ "reason", .text = reason }, { "held", .text = entry->held } };
	const struct script_call call = { SCRIPT_BURY, ARRAY_LEN(keys), keys, ARRAY_LEN(arguments),
		arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	return redis_eval(redis, &call, &reply, error);
}

enum error_class queue_leave(struct redis *redis, const char *consumer, struct error *error)
{
	const char *const words[] = { "XGROUP", "DELCONSUMER", KEY_QUEUE, QUEUE_GROUP, consumer };
	return redis_tell(redis, 5, words, error);
}

/* XINFO describes each consumer by pairs: name, pending, idle (ms). */
static int64_t consumer_fact(const struct redisReply *consumer, const char *name)
{
	for (size_t i = 0; i + 1 < reply_count(consumer); i += 2)
		if (strcmp(reply_text(reply_item(consumer, i)), name) == 0)
			return reply_integer(reply_item(consumer, i + 1));
	return 0;
}

static enum error_class tidy_consumers(struct redis *redis, struct error *error)
{
	const char *const words[] = { "XINFO", "CONSUMERS", KEY_QUEUE, QUEUE_GROUP };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	/* Before the first worker there is no group, and nothing to tidy. */
	if (redis_command(redis, 4, words, &reply, error) != ERROR_NONE)
		return error->class == ERROR_STORE_REFUSED ? ERROR_NONE : error->class;
	for (size_t i = 0; i < reply_count(reply); i++) {
		const struct redisReply *consumer = reply_item(reply, i);
		bool gone = consumer_fact(consumer, "idle") > CONSUMER_KEPT_MS &&
			consumer_fact(consumer, "pending") == 0;
		if (gone &&
			queue_leave(redis, reply_text(reply_item(consumer, 1)), error) !=
				ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

/* Whether the entry is the current one of the run that it names. */
static enum error_class is_current(struct redis *redis, const struct queue_entry *entry,
	bool *ret_is_current, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGET", key, "entry" };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	*ret_is_current = false;
	if (!run_name_valid(&entry->name))
		return ERROR_NONE;
	run_key_make(key, &entry->name);
	enum error_class class = redis_command(redis, 3, words, &reply, error);

	/* A key that is no hash, by a hand, is no run. */
	if (class != ERROR_NONE)
		return class == ERROR_STORE_REFUSED ? ERROR_NONE : class;
	*ret_is_current = strcmp(reply_text(reply), entry->id) == 0;
	return ERROR_NONE;
}

/* The order of the two questions matters: an entry that its run gave up in between is gone by the
 * second. */
enum error_class queue_is_orphaned(
	struct redis *redis, const struct queue_entry *entry, bool *ret_astray, struct error *error)
{
	const char *const words[] = { "XRANGE", KEY_QUEUE, entry->id, entry->id };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	bool current;

	*ret_astray = false;
	if (is_current(redis, entry, &current, error) != ERROR_NONE)
		return error->class;
	if (current)
		return ERROR_NONE;
	if (redis_command(redis, 4, words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_astray = reply_count(reply) > 0;
	return ERROR_NONE;
}

/* What has an entry is live. A hand may have deleted the index by which the reaper finds it: it
 * comes back there, and where it has ended in between, the reaper forgets it again. */
static enum error_class keep_in_sight(
	struct redis *redis, const struct queue_entry *entry, struct error *error)
{
	char member[MEMBER_SIZE];
	member_make(member, &entry->name);
	const char *const words[] = { "ZADD", KEY_LIVE, "NX", "0", member };
	return redis_tell(redis, 5, words, error);
}

static enum error_class tidy_entries(
	struct redis *redis, int64_t before_ms, struct arena *arena, struct error *error)
{
	struct queue_page page;

	if (queue_list(redis, "-", arena, &page, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < page.count; i++) {
		bool orphaned;
		/* An id begins with the time at which it was made, by Redis' clock. */
		if (strtoll(page.entries[i].id, NULL, 10) >= before_ms)
			break;
		if (queue_is_orphaned(redis, &page.entries[i], &orphaned, error) != ERROR_NONE)
			return error->class;
		enum error_class class = orphaned
			? queue_dead_letter(redis, &page.entries[i], "no run has this entry", error)
			: keep_in_sight(redis, &page.entries[i], error);
		if (class != ERROR_NONE)
			return class;
	}

	return ERROR_NONE;
}

enum error_class queue_tidy(struct redis *redis, int64_t kept_ms, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	int64_t now;
	if (server_time(redis, &now, error) != ERROR_NONE ||
		tidy_entries(redis, now - kept_ms, &arena, error) != ERROR_NONE)
		return error->class;
	return tidy_consumers(redis, error);
}
