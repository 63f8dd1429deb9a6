/*
 * An entry is a JSON object made of a table, so no value can end it, or begin another one.
 */
#include "store/audit.h"

#include <string.h>

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "store/keys.h"

#define PAGE 500

static const struct field fields[] = {
	{ STRING_FIELD("at", struct audit_entry, at) },
	{ STRING_FIELD("tenant", struct audit_entry, tenant) },
	{ STRING_FIELD("token", struct audit_entry, token) },
	{ STRING_FIELD("requestId", struct audit_entry, request) },
	{ STRING_FIELD("what", struct audit_entry, what) },
	{ STRING_FIELD("appId", struct audit_entry, app) },
	{ STRING_FIELD("workflowId", struct audit_entry, workflow) },
	{ STRING_FIELD("actionId", struct audit_entry, step) },
	{ INTEGER_FIELD("status", struct audit_entry, status) },
	{ STRING_FIELD("class", struct audit_entry, class) },
	{ STRING_FIELD("detail", struct audit_entry, detail) },
};
static const struct record entry_record = RECORD(struct audit_entry, fields);

enum error_class audit_append(struct redis *redis, struct audit_entry *entry, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_JSON cJSON *tree = NULL;
	char at[CLOCK_TEXT_SIZE];

	clock_format(clock_wall_ms(), at);
	entry->at = at;
	enum error_class class = record_encode(&entry_record, entry, &tree, error);
	entry->at = NULL;
	if (class != ERROR_NONE)
		return class;
	const char *const words[] = { "RPUSH", KEY_AUDIT, json_print(&arena, tree) };
	if (words[2] == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the audit");
	return redis_write(redis, "audit", ARRAY_LEN(words), words, error);
}

static enum error_class read_length(struct redis *redis, int64_t *ret_length, struct error *error)
{
	const char *const words[] = { "LLEN", KEY_AUDIT };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_length = reply_integer(reply);
	return ERROR_NONE;
}

/* The entries from this one on, at most a page. */
static enum error_class read_page(
	struct redis *redis, int64_t first, struct redisReply **ret_page, struct error *error)
{
	char from[24], to[24];
	const char *const words[] = { "LRANGE", KEY_AUDIT, from, to };

	text_format(from, sizeof(from), "%lld", (long long)first);
	text_format(to, sizeof(to), "%lld", (long long)first + PAGE - 1);
	return redis_command(redis, ARRAY_LEN(words), words, ret_page, error);
}

/* The caller's; NULL if memory is short. */
static cJSON *parse(const struct redisReply *item)
{
	const char *text = reply_text(item);
	struct error ignored;
	cJSON *json = NULL;

	if (json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &json, &ignored) == ERROR_NONE)
		return json;
	return cJSON_CreateString(text);
}

static enum error_class visit_page(
	const struct redisReply *page, audit_visit *visit, void *context, struct error *error)
{
	for (size_t i = 0; i < reply_count(page); i++) {
		CLEANUP_JSON cJSON *entry = parse(reply_item(page, i));
		if (entry == NULL)
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the audit");
		if (visit(context, entry, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

enum error_class audit_read(
	struct redis *redis, int64_t most, audit_visit *visit, void *context, struct error *error)
{
	int64_t length = 0;

	if (read_length(redis, &length, error) != ERROR_NONE)
		return error->class;
	for (int64_t next = length > most ? length - most : 0; next < length; next += PAGE) {
		CLEANUP_REPLY struct redisReply *page = NULL;
		if (read_page(redis, next, &page, error) != ERROR_NONE ||
			visit_page(page, visit, context, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/* How many of the page, from its begin on, are from before that time; those without a time too. */
static int64_t count_older(const struct redisReply *page, int64_t before)
{
	int64_t count = 0;

	while (count < (int64_t)reply_count(page)) {
		CLEANUP_JSON cJSON *entry = parse(reply_item(page, (size_t)count));
		if (clock_parse(json_member_string(entry, "at")) >= before)
			break;
		count++;
	}
	return count;
}

enum error_class audit_cut(
	struct redis *redis, int64_t before, int64_t *ret_count, struct error *error)
{
	int64_t older = 0;

	*ret_count = 0;
	do {
		CLEANUP_REPLY struct redisReply *page = NULL;
		char from[24];
		const char *const words[] = { "LTRIM", KEY_AUDIT, from, "-1" };
		if (read_page(redis, 0, &page, error) != ERROR_NONE)
			return error->class;
		older = count_older(page, before);
		text_format(from, sizeof(from), "%lld", (long long)older);
		if (older > 0 && redis_tell(redis, ARRAY_LEN(words), words, error) != ERROR_NONE)
			return error->class;
		*ret_count += older;
	} while (older == PAGE);
	return ERROR_NONE;
}
