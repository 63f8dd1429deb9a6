/*
 * Reads lists in few round trips; nothing here changes anything.
 */
#include "store/apps.h"

#include <string.h>

#include "base/record.h"
#include "base/text.h"
#include "store/deployments.h"
#include "store/keys.h"
#include "store/run_eval.h"

#define BATCH_MAX 64
#define CHUNK_MAX 200

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of apps");
}

/* ---- the list ---- */

/* A page while it is read. */
struct page {
	const char *tenant;
	const struct token *caller;
	const struct apps_cursor *after;
	struct listed_app *apps;
	size_t limit, count;
	/* Where the next chunk begins: the highest score, and how many of that were looked at. */
	char highest[24];
	size_t offset;
	bool more;
};

/* Redis orders by score and, among equal ones, by name: downwards here. What a hand has put on the
 * list is left out, and so is what the caller does not reach: not even a cursor names that. */
static bool belongs_to(const struct page *page, const char *app, int64_t changed_at)
{
	if (!identifier_valid(app) || !token_reaches(page->caller, app))
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

/* Behind the last of these. By its score, for to pass over entries costs Redis as much as to read
 * them, and an app that changes meanwhile leaves its place. */
static void go_on_behind(struct page *page, const struct redisReply *reply)
{
	const size_t count = reply_count(reply) / 2;
	const char *last = count > 0 ? reply_text(reply_item(reply, 2 * count - 1)) : "";
	size_t of_last = 0;

	while (of_last < count &&
		strcmp(reply_text(reply_item(reply, 2 * (count - of_last) - 1)), last) == 0)
		of_last++;
	page->offset = strcmp(page->highest, last) == 0 ? page->offset + of_last : of_last;
	text_copy(page->highest, sizeof(page->highest), last);
}

static enum error_class read_chunk(struct redis *redis, struct page *page, struct arena *arena,
	bool *ret_ended, struct error *error)
{
	char key[KEY_SIZE], offset[24], count[24];
	const char *const words[] = { "ZRANGE", key, page->highest, "-inf", "BYSCORE", "REV",
		"LIMIT", offset, count, "WITHSCORES" };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	tenant_key_make(key, KEY_APPS_PREFIX, page->tenant);
	text_format(offset, sizeof(offset), "%zu", page->offset);
	text_format(count, sizeof(count), "%d", CHUNK_MAX);
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE ||
		take_chunk(page, reply, arena, error) != ERROR_NONE)
		return error->class;
	go_on_behind(page, reply);
	*ret_ended = page->more || reply_count(reply) / 2 < CHUNK_MAX;
	return ERROR_NONE;
}

enum error_class apps_page(struct redis *redis, const char *tenant, const struct token *caller,
	const struct apps_cursor *after, size_t limit, struct arena *arena,
	struct listed_app *ret_apps, size_t *ret_count, struct apps_cursor *ret_next,
	struct error *error)
{
	struct page page = { .tenant = tenant,
		.caller = caller,
		.after = after,
		.apps = ret_apps,
		.limit = limit,
		.highest = "+inf" };
	bool ended = false;

	if (after->id[0] != '\0')
		text_format(
			page.highest, sizeof(page.highest), "%lld", (long long)after->changed_at);
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

/* ---- of all tenants ---- */

static enum error_class count_some(
	struct redis *redis, const struct redisReply *tenants, int64_t *count, struct error *error)
{
	char keys[BATCH_MAX][KEY_SIZE];
	const char *words[BATCH_MAX][2];
	struct redis_words commands[BATCH_MAX];
	struct redisReply *replies[BATCH_MAX];
	const size_t some = reply_count(tenants);

	for (size_t i = 0; i < some; i++) {
		tenant_key_make(keys[i], KEY_APPS_PREFIX, reply_text(reply_item(tenants, i)));
		words[i][0] = "ZCARD";
		words[i][1] = keys[i];
		commands[i] = (struct redis_words){ 2, words[i], NULL };
	}
	if (some > 0 && redis_batch(redis, some, commands, replies, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < some; i++) {
		*count += reply_integer(replies[i]);
		reply_free(replies[i]);
	}
	return ERROR_NONE;
}

enum error_class apps_count(struct redis *redis, int64_t *ret_count, struct error *error)
{
	char from[24], to[24];
	const char *const words[] = { "ZRANGE", KEY_TENANTS, from, to };
	size_t found = BATCH_MAX;

	*ret_count = 0;
	for (long long at = 0; found == BATCH_MAX; at += BATCH_MAX) {
		CLEANUP_REPLY struct redisReply *tenants = NULL;
		text_format(from, sizeof(from), "%lld", at);
		text_format(to, sizeof(to), "%lld", at + BATCH_MAX - 1);
		if (redis_command(redis, ARRAY_LEN(words), words, &tenants, error) != ERROR_NONE ||
			count_some(redis, tenants, ret_count, error) != ERROR_NONE)
			return error->class;
		found = reply_count(tenants);
	}
	return ERROR_NONE;
}

/* ---- one app ---- */

static enum error_class count_ended_runs(
	struct redis *redis, const struct app_name *app, int64_t *ret_count, struct error *error)
{
	const struct script_call call = { .script = SCRIPT_TALLY };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	const struct run_name name = { app->tenant, app->app, "", "" };

	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_count = reply_integer(reply);
	return ERROR_NONE;
}

enum error_class app_read(struct redis *redis, const struct app_name *app,
	struct app_facts *ret_facts, struct error *error)
{
	const struct {
		const char *command, *what;
		int64_t *value;
	} rows[] = {
		{ "HLEN", "ledger", &ret_facts->resources },
		{ "XLEN", "deployments", &ret_facts->ended_deployments },
		{ "LLEN", "events", &ret_facts->events },
	};
	enum { ROWS = ARRAY_LEN(rows), ALL = ROWS + 2 };
	char apps[KEY_SIZE], keys[ROWS + 1][KEY_SIZE];
	const char *words[ROWS][2];
	const char *const score[] = { "ZSCORE", apps, app->app };
	const char *const version[] = { "HGET", keys[ROWS], "version" };
	struct redis_words commands[ALL] = { [ROWS] = { 3, score, NULL },
		[ROWS + 1] = { 3, version, NULL } };
	struct redisReply *replies[ALL];

	tenant_key_make(apps, KEY_APPS_PREFIX, app->tenant);
	app_key_make(keys[ROWS], app, "payload");
	for (size_t i = 0; i < ROWS; i++) {
		app_key_make(keys[i], app, rows[i].what);
		words[i][0] = rows[i].command;
		words[i][1] = keys[i];
		commands[i] = (struct redis_words){ 2, words[i], NULL };
	}
	if (redis_batch(redis, ALL, commands, replies, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < ROWS; i++)
		*rows[i].value = reply_integer(replies[i]);
	ret_facts->changed_at = reply_integer(replies[ROWS]);
	ret_facts->payload_version = reply_integer(replies[ROWS + 1]);
	for (size_t i = 0; i < ALL; i++)
		reply_free(replies[i]);
	return count_ended_runs(redis, app, &ret_facts->ended_runs, error);
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
			&(struct run_name){ names[i].tenant, names[i].app, names[i].workflow,
				DEPLOYMENT_STEP_ID });
		words[0] = "HMGET";
		words[1] = question->keys[i];
		for (size_t j = 0; j < deployment_shown.count; j++)
			words[2 + j] = deployment_shown.fields[j].name;
		question->commands[i] =
			(struct redis_words){ 2 + deployment_shown.count, words, NULL };
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
	struct question question = { .commands = { { 0, NULL, NULL } } };
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
