#include "store/queue.h"

#include <string.h>

#include "base/text.h"

#define CONSUMER_KEPT_MS 86400000

static enum error_class run_quietly(struct redis *redis, size_t count, const char *const *words, struct error *error)
{
	struct redisReply *reply;
	if (redis_command(redis, count, words, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}

/* From the beginning: entries may have been put there before any worker came. */
static enum error_class make_group(struct redis *redis, struct error *error)
{
	const char *const words[] = { "XGROUP", "CREATE", KEY_QUEUE, QUEUE_GROUP, "0", "MKSTREAM" };
	enum error_class class = run_quietly(redis, 6, words, error);
	/* Another worker may have been faster. */
	return class != ERROR_NONE && strstr(error->message, "BUSYGROUP") != NULL ? ERROR_NONE : class;
}

/* The entry's pairs as one line, for people who look at what was buried. */
static const char *held_text(const struct redisReply *pairs, struct arena *arena)
{
	const char *text = "";
	for (size_t i = 0; text != NULL && i + 1 < reply_count(pairs) && i < 16; i += 2)
		text = arena_format(arena, "%s%s%.64s=%.64s", text, i > 0 ? " " : "", reply_text(reply_item(pairs, i)),
			reply_text(reply_item(pairs, i + 1)));
	return text;
}

static enum error_class read_entry(
	const struct redisReply *reply, struct arena *arena, struct queue_entry *entry, struct error *error)
{
	const struct {
		const char *name;
		const char **target;
	} fields[] = { { "app", &entry->app }, { "workflow", &entry->workflow }, { "action", &entry->action },
		{ "run", &entry->run } };
	const struct redisReply *pairs = reply_item(reply, 1);
	*entry = (struct queue_entry){ arena_string(arena, reply_text(reply_item(reply, 0))), "", "", "", "",
		held_text(pairs, arena) };
	bool complete = entry->id != NULL && entry->held != NULL;
	for (size_t i = 0; complete && i + 1 < reply_count(pairs); i += 2) {
		for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
			if (strcmp(fields[j].name, reply_text(reply_item(pairs, i))) != 0)
				continue;
			*fields[j].target = arena_string(arena, reply_text(reply_item(pairs, i + 1)));
			complete = complete && *fields[j].target != NULL;
		}
	}
	return complete ? ERROR_NONE : error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
}

enum error_class queue_reserve(struct redis *redis, const char *consumer, int block_ms, struct arena *arena,
	bool *ret_found, struct queue_entry *ret_entry, struct error *error)
{
	char block[16];
	text_format(block, sizeof(block), "%d", block_ms);
	const char *const words[] = { "XREADGROUP", "GROUP", QUEUE_GROUP, consumer, "COUNT", "1", "BLOCK", block,
		"STREAMS", KEY_QUEUE, ">" };
	struct redisReply *reply;
	*ret_found = false;
	if (redis_command(redis, 11, words, &reply, error) != ERROR_NONE) {
		if (strstr(error->message, "NOGROUP") == NULL)
			return error->class;
		return make_group(redis, error);
	}
	const struct redisReply *entries = reply_item(reply_item(reply, 0), 1);
	enum error_class class = ERROR_NONE;
	if (reply_count(entries) > 0) {
		*ret_found = true;
		class = read_entry(reply_item(entries, 0), arena, ret_entry, error);
	}
	reply_free(reply);
	return class;
}

enum error_class queue_list(
	struct redis *redis, const char *from, struct arena *arena, struct queue_page *ret_page, struct error *error)
{
	const char *const words[] = { "XRANGE", KEY_QUEUE, from, "+", "COUNT", "200" };
	struct redisReply *reply;
	if (redis_command(redis, 6, words, &reply, error) != ERROR_NONE)
		return error->class;
	struct queue_entry *entries = arena_allocate_array(arena, reply_count(reply), sizeof(*entries));
	enum error_class class =
		entries != NULL ? ERROR_NONE : error_set(error, ERROR_OUT_OF_MEMORY, "no memory to read the queue");
	for (size_t i = 0; class == ERROR_NONE && i < reply_count(reply); i++)
		class = read_entry(reply_item(reply, i), arena, &entries[i], error);
	*ret_page = (struct queue_page){ entries, reply_count(reply) };
	reply_free(reply);
	return class;
}

enum error_class queue_bury(
	struct redis *redis, const struct queue_entry *entry, const char *reason, struct error *error)
{
	const char *const keys[] = { KEY_DEAD, KEY_QUEUE };
	const char *const arguments[] = { entry->id, reason, entry->held };
	struct redisReply *reply;
	if (redis_eval(redis, SCRIPT_BURY, 2, keys, 3, arguments, &reply, error) != ERROR_NONE)
		return error->class;
	reply_free(reply);
	return ERROR_NONE;
}

enum error_class queue_leave(struct redis *redis, const char *consumer, struct error *error)
{
	const char *const words[] = { "XGROUP", "DELCONSUMER", KEY_QUEUE, QUEUE_GROUP, consumer };
	return run_quietly(redis, 5, words, error);
}

/* XINFO answers each consumer as pairs: name, pending, idle (ms). */
static int64_t consumer_fact(const struct redisReply *consumer, const char *name)
{
	for (size_t i = 0; i + 1 < reply_count(consumer); i += 2)
		if (strcmp(reply_text(reply_item(consumer, i)), name) == 0)
			return reply_integer(reply_item(consumer, i + 1));
	return 0;
}

enum error_class queue_tidy(struct redis *redis, struct error *error)
{
	const char *const words[] = { "XINFO", "CONSUMERS", KEY_QUEUE, QUEUE_GROUP };
	struct redisReply *reply;
	/* Before the first worker there is no group, and nothing to tidy. */
	if (redis_command(redis, 4, words, &reply, error) != ERROR_NONE)
		return error->class == ERROR_INTERNAL ? ERROR_NONE : error->class;
	enum error_class class = ERROR_NONE;
	for (size_t i = 0; class == ERROR_NONE && i < reply_count(reply); i++) {
		const struct redisReply *consumer = reply_item(reply, i);
		if (consumer_fact(consumer, "idle") > CONSUMER_KEPT_MS && consumer_fact(consumer, "pending") == 0)
			class = queue_leave(redis, reply_text(reply_item(consumer, 1)), error);
	}
	reply_free(reply);
	return class;
}
