/*
 * Reads lists in few round trips; nothing here changes anything.
 */
#include "store/apps.h"

#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "store/deployments.h"
#include "store/keys.h"

#define BATCH_MAX 64
#define CHUNK_MAX 200

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of apps");
}

void app_key_make(char *key, size_t size, const char *app, const char *what)
{
	text_format(key, size, KEY_APP_PREFIX "%s:%s", app, what);
}

/* ---- the list ---- */

/* A page while it is read. */
struct page {
	const struct apps_cursor *after;
	struct listed_app *apps;
	size_t limit, count, offset; /* offset: entries of this score range that were looked at */
	bool more;
};

/* Redis orders by score and, among equal ones, by name: downwards here. What a hand has put on the
 * list is left out. */
static bool belongs_to(const struct page *page, const char *app, int64_t changed_at)
{
	if (!identifier_valid(app))
		return false;
	return page->after->id[0] == '\0' || changed_at < page->after->changed_at ||
		(changed_at == page->after->changed_at && strcmp(app, page->after->id) < 0);
}

static enum error_class take_chunk(
	struct page *page, const struct redisReply *reply, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
		const char *app = reply_text(reply_item(reply, i));
		int64_t changed_at = reply_integer(reply_item(reply, i + 1));
		if (!belongs_to(page, app, changed_at))
			continue;
		page->more = page->count == page->limit;
		if (page->more)
			return ERROR_NONE;
		const char *id = arena_string(arena, app);
		if (id == NULL)
			return no_memory(error);
		page->apps[page->count++] = (struct listed_app){ id, changed_at };
	}
	return ERROR_NONE;
}

static enum error_class read_chunk(struct redis *redis, struct page *page, struct arena *arena,
	bool *ret_ended, struct error *error)
{
	char highest[24] = "+inf", offset[24], count[24];
	const char *const words[] = { "ZRANGE", KEY_APPS, highest, "-inf", "BYSCORE", "REV",
		"LIMIT", offset, count, "WITHSCORES" };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (page->after->id[0] != '\0')
		text_format(highest, sizeof(highest), "%lld", (long long)page->after->changed_at);
	text_format(offset, sizeof(offset), "%zu", page->offset);
	text_format(count, sizeof(count), "%d", CHUNK_MAX);
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE ||
		take_chunk(page, reply, arena, error) != ERROR_NONE)
		return error->class;
	page->offset += reply_count(reply) / 2;
	*ret_ended = page->more || reply_count(reply) / 2 < CHUNK_MAX;
	return ERROR_NONE;
}

enum error_class apps_page(struct redis *redis, const struct apps_cursor *after, size_t limit,
	struct arena *arena, struct listed_app *ret_apps, size_t *ret_count,
	struct apps_cursor *ret_next, struct error *error)
{
	struct page page = { .after = after, .apps = ret_apps, .limit = limit };
	bool ended = false;

	while (!ended)
		if (read_chunk(redis, &page, arena, &ended, error) != ERROR_NONE)
			return error->class;
	*ret_count = page.count;
	*ret_next = (struct apps_cursor){ 0 };
	if (page.more) {
		ret_next->changed_at = ret_apps[limit - 1].changed_at;
		text_copy(ret_next->id, sizeof(ret_next->id), ret_apps[limit - 1].id);
	}
	return ERROR_NONE;
}

/* ---- one app ---- */

enum error_class app_read(
	struct redis *redis, const char *app, struct app_facts *ret_facts, struct error *error)
{
	const struct {
		const char *command, *what;
		int64_t *value;
	} rows[] = {
		{ "HLEN", "ledger", &ret_facts->resources },
		{ "XLEN", "history", &ret_facts->ended_runs },
		{ "XLEN", "deployments", &ret_facts->ended_deployments },
		{ "XLEN", "events", &ret_facts->events },
	};
	enum { ROWS = ARRAY_LEN(rows), ALL = ROWS + 2 };
	char keys[ROWS + 1][KEY_SIZE];
	const char *words[ROWS][2];
	const char *const score[] = { "ZSCORE", KEY_APPS, app };
	const char *const version[] = { "HGET", keys[ROWS], "version" };
	struct redis_words commands[ALL] = { [ROWS] = { 3, score }, [ROWS + 1] = { 3, version } };
	struct redisReply *replies[ALL];

	app_key_make(keys[ROWS], KEY_SIZE, app, "payload");
	for (size_t i = 0; i < ROWS; i++) {
		app_key_make(keys[i], KEY_SIZE, app, rows[i].what);
		words[i][0] = rows[i].command;
		words[i][1] = keys[i];
		commands[i] = (struct redis_words){ 2, words[i] };
	}
	if (redis_batch(redis, ALL, commands, replies, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < ROWS; i++)
		*rows[i].value = reply_integer(replies[i]);
	ret_facts->changed_at = reply_integer(replies[ROWS]);
	ret_facts->payload_version = reply_integer(replies[ROWS + 1]);
	for (size_t i = 0; i < ALL; i++)
		reply_free(replies[i]);
	return ERROR_NONE;
}

/* ---- deployments ---- */

/* The words that read some deployments. */
struct question {
	char keys[BATCH_MAX][KEY_SIZE];
	const char *words[BATCH_MAX][2 + DEPLOYMENT_SHOWN_MAX];
	struct redis_words commands[BATCH_MAX];
};

static void ask(const struct run_name *names, size_t count, struct question *question)
{
	for (size_t i = 0; i < count; i++) {
		const char **words = question->words[i];
		run_key_make(question->keys[i],
			&(struct run_name){ names[i].app, names[i].workflow, DEPLOYMENT_STEP_ID });
		words[0] = "HMGET";
		words[1] = question->keys[i];
		for (size_t j = 0; j < deployment_shown.count; j++)
			words[2 + j] = deployment_shown.fields[j].name;
		question->commands[i] = (struct redis_words){ 2 + deployment_shown.count, words };
	}
}

static enum error_class take(const struct redisReply *values, const struct run_name *name,
	struct arena *arena, struct deployment *deployment, struct error *error)
{
	deployment_init(deployment, name->app, name->workflow);
	for (size_t i = 0; i < reply_count(values); i++)
		if (!deployment_take_field(deployment, deployment_shown.fields[i].name,
			    reply_text(reply_item(values, i)), arena))
			return no_memory(error);
	return ERROR_NONE;
}

/* One by one, where a key among them is broken. */
static enum error_class read_singly(struct redis *redis, const struct question *question,
	const struct run_name *names, size_t count, struct arena *arena,
	struct deployment *deployments, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP_REPLY struct redisReply *reply = NULL;
		enum error_class class = redis_command(redis, question->commands[i].count,
			question->commands[i].words, &reply, error);
		if (class != ERROR_NONE && class != ERROR_STORE_REFUSED)
			return class;
		if (take(reply, &names[i], arena, &deployments[i], error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

static enum error_class read_some(struct redis *redis, const struct run_name *names, size_t count,
	struct arena *arena, struct deployment *deployments, struct error *error)
{
	struct question question = { .commands = { { 0, NULL } } };
	struct redisReply *replies[BATCH_MAX];

	ask(names, count, &question);
	enum error_class class = redis_batch(redis, count, question.commands, replies, error);
	if (class == ERROR_STORE_REFUSED)
		return read_singly(redis, &question, names, count, arena, deployments, error);
	if (class != ERROR_NONE)
		return class;
	for (size_t i = 0; class == ERROR_NONE && i < count; i++)
		class = take(replies[i], &names[i], arena, &deployments[i], error);
	for (size_t i = 0; i < count; i++)
		reply_free(replies[i]);
	return class;
}

enum error_class deployments_read(struct redis *redis, const struct run_name *names, size_t count,
	struct arena *arena, struct deployment *ret_deployments, struct error *error)
{
	for (size_t i = 0; i < count; i += BATCH_MAX) {
		size_t some = count - i < BATCH_MAX ? count - i : BATCH_MAX;
		if (read_some(redis, &names[i], some, arena, &ret_deployments[i], error) !=
			ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}
