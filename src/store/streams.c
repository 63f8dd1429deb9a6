/*
 * XREVRANGE in chunks, or what page.lua gives in the same form. Filters are applied here: a page
 * goes on until it is full, or the list ends.
 */
#include "store/streams.h"

#include <string.h>

#include "base/text.h"
#include "store/apps.h"
#include "store/run_eval.h"

#define CHUNK_MAX      100
#define PAGE_BYTES_MAX ((size_t)1 << 20)

/* A page while it is read. */
struct page {
	const struct stream_query *query;
	stream_taker *take;
	void *context;
	char next[STREAM_ID_SIZE]; /* id of the entry that was looked at last */
	size_t taken, bytes;
	bool full;
};

/* Redis takes no other: it counts to 2^63, and nothing is before 0-0. */
bool stream_id_valid(const char *text)
{
	size_t first = strspn(text, "0123456789");
	const char *rest = text + first;
	size_t second = *rest == '-' ? strspn(rest + 1, "0123456789") : 0;

	return first >= 1 && first <= 18 && second >= 1 && second <= 18 &&
		rest[1 + second] == '\0' && strpbrk(text, "123456789") != NULL;
}

const char *stream_field(const struct redisReply *fields, const char *name)
{
	for (size_t i = 0; i + 1 < reply_count(fields); i += 2)
		if (strcmp(reply_text(reply_item(fields, i)), name) == 0)
			return reply_text(reply_item(fields, i + 1));
	return "";
}

static bool suits(const struct redisReply *fields, const char *name, const char *wanted)
{
	return wanted == NULL || strcmp(stream_field(fields, name), wanted) == 0;
}

static size_t bytes_of(const struct redisReply *fields)
{
	size_t bytes = 0;

	for (size_t i = 0; i < reply_count(fields); i++)
		bytes += strlen(reply_text(reply_item(fields, i)));
	return bytes;
}

static int64_t time_of(const char *id)
{
	char text[STREAM_ID_SIZE];
	int64_t at = 0;

	text_format(text, sizeof(text), "%.*s", (int)strcspn(id, "-"), id);
	return text_to_integer(text, &at) ? at : 0;
}

static enum error_class take_entry(
	struct page *page, const struct redisReply *reply, struct error *error)
{
	const struct redisReply *fields = reply_item(reply, 1);
	const char *id = reply_text(reply_item(reply, 0));
	const struct stream_entry entry = { id, time_of(id), fields };

	if (!suits(fields, "workflow", page->query->workflow) ||
		!suits(fields, "status", page->query->status)) {
		text_copy(page->next, sizeof(page->next), id);
		return ERROR_NONE;
	}
	size_t bytes = bytes_of(fields);
	page->full = page->taken == page->query->limit ||
		(page->taken > 0 && page->bytes + bytes > PAGE_BYTES_MAX);
	if (page->full)
		return ERROR_NONE;
	text_copy(page->next, sizeof(page->next), id);
	page->taken++;
	page->bytes += bytes;
	return page->take(page->context, &entry, error);
}

static enum error_class read_stream(struct redis *redis, const struct page *page, const char *count,
	struct redisReply **ret_reply, struct error *error)
{
	char key[KEY_SIZE], end[STREAM_ID_SIZE + 1] = "+";
	const char *const words[] = { "XREVRANGE", key, end, "-", "COUNT", count };

	app_key_make(key, &page->query->app, "deployments");
	if (page->next[0] != '\0')
		text_format(end, sizeof(end), "(%s", page->next);
	return redis_command(redis, ARRAY_LEN(words), words, ret_reply, error);
}

static enum error_class read_lines(struct redis *redis, const struct page *page, const char *count,
	struct redisReply **ret_reply, struct error *error)
{
	const struct script_argument arguments[] = {
		{ "list", page->query->list == STREAM_EVENTS ? "events" : "history", NULL },
		{ "after", page->next, NULL },
		{ "count", count, NULL },
	};
	const struct script_call call = { .script = SCRIPT_PAGE,
		.argument_count = ARRAY_LEN(arguments),
		.arguments = arguments };

	return run_eval(redis,
		&(struct run_name){ page->query->app.tenant, page->query->app.app, "", "" }, &call,
		ret_reply, error);
}

/* *ret_more: whether the list may have more entries. */
static enum error_class take_chunk(
	struct redis *redis, struct page *page, bool *ret_more, struct error *error)
{
	char count[24];
	size_t left = page->query->limit - page->taken + 1;
	size_t chunk = left < CHUNK_MAX ? left : CHUNK_MAX;
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (page->query->workflow != NULL || page->query->status != NULL)
		chunk = CHUNK_MAX;
	text_format(count, sizeof(count), "%zu", chunk);
	enum error_class class = page->query->list == STREAM_DEPLOYMENTS
		? read_stream(redis, page, count, &reply, error)
		: read_lines(redis, page, count, &reply, error);
	if (class != ERROR_NONE)
		return class;
	for (size_t i = 0; !page->full && i < reply_count(reply); i++)
		if (take_entry(page, reply_item(reply, i), error) != ERROR_NONE)
			return error->class;
	*ret_more = !page->full && reply_count(reply) == chunk;
	return ERROR_NONE;
}

enum error_class stream_page(struct redis *redis, const struct stream_query *query,
	stream_taker *take, void *context, char ret_next[STREAM_ID_SIZE], struct error *error)
{
	struct page page = { .query = query, .take = take, .context = context };
	bool more = true;

	if (query->after != NULL)
		text_copy(page.next, sizeof(page.next), query->after);
	while (more)
		if (take_chunk(redis, &page, &more, error) != ERROR_NONE)
			return error->class;
	text_copy(ret_next, STREAM_ID_SIZE, page.full ? page.next : "");
	return ERROR_NONE;
}
