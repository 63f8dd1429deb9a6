/*
 * Asks scripts/draw.lua for requests, and says in words what scripts have refused.
 */
#include "store/budgets.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "slipway/field.h"
#include "store/run_eval.h"
#include "store/server.h"

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define LIVE_MS   2000 /* after which it may be that a run has ended */
#define PAGE      "500"

static void make_key(char key[KEY_SIZE], const char *tenant, const char *what)
{
	text_format(key, KEY_SIZE, KEY_TENANT_PREFIX "%s:%s", tenant, what);
}

/* ---- refusals ---- */

/* Time alone makes no room. */
static enum error_class refuse_full(enum budget budget, struct error *error)
{
	static const char *const remedies[BUDGET_COUNT] = {
		[BUDGET_APPS] = "Use an app that is there, or ask an operator to forget one that "
				"is not needed any more, or to raise the budget.",
		[BUDGET_BYTES] = "Send less, or ask an operator to forget an app that is not "
				 "needed any more, or to raise the budget.",
		[BUDGET_LIVE] = "It takes more than the whole budget. Ask an operator to raise it.",
		[BUDGET_STARTS] =
			"It takes more than the whole budget. Ask an operator to raise it.",
	};
	return error_remedy(error, NULL, "%s", remedies[budget]);
}

enum error_class budget_refuse(const struct redisReply *excess, struct error *error)
{
	enum { NAME, MOST, USED, ASKED, ENDS, NOW };
	const char *name = reply_text(reply_item(excess, NAME));
	const enum budget budget = budget_find(name, strlen(name));
	const int64_t most = reply_integer(reply_item(excess, MOST)),
		      used = reply_integer(reply_item(excess, USED)),
		      asked = reply_integer(reply_item(excess, ASKED)),
		      ends = reply_integer(reply_item(excess, ENDS));
	const bool passes = (budget == BUDGET_LIVE || budget == BUDGET_STARTS) && asked <= most;
	char until[CLOCK_TEXT_SIZE];

	if (budget == BUDGET_COUNT)
		return error_set(error, ERROR_INTERNAL,
			"a script refused by '%.50s', which is no budget", name);
	error_set(error, passes ? ERROR_OVER_BUDGET : ERROR_BUDGET_FULL,
		"the budget of %s is %lld, of which %lld are used, and this takes %lld",
		budget_title(budget), (long long)most, (long long)used, (long long)asked);
	if (!passes)
		return refuse_full(budget, error);

	error->retry_after_ms = LIVE_MS;
	if (ends == 0)
		return error_remedy(error, NULL, "Send the request again when a run has ended.");
	error->retry_after_ms = ends - reply_integer(reply_item(excess, NOW));
	clock_format(ends, until);
	return error_remedy(error, NULL,
		"The budget is used up until %s: send the request again then, or ask an operator "
		"to raise it.",
		until);
}

enum error_class budget_refuse_request(int64_t most, int64_t wait_ms, struct error *error)
{
	char until[CLOCK_TEXT_SIZE];

	if (most == 0) {
		error_set(error, ERROR_BUDGET_FULL,
			"the tenant may send no requests: its budget is 0");
		return error_remedy(error, NULL, "Ask an operator to raise it.");
	}
	error_set(error, ERROR_OVER_BUDGET, "the budget of %s is %lld, and all of them are used",
		budget_title(BUDGET_REQUESTS), (long long)most);
	error->retry_after_ms = wait_ms;
	clock_format(clock_wall_ms() + wait_ms, until);
	return error_remedy(error, NULL,
		"There is one again at %s. Poll no faster than nextPollMs, or with wait.", until);
}

/* ---- requests ---- */

enum error_class budget_draw(struct redis *redis, const char *tenant, int64_t most, int64_t want,
	int64_t back, struct budget_draw *ret_draw, struct error *error)
{
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	const struct script_argument arguments[] = { { "most", .integer = &most },
		{ "want", .integer = &want }, { "back", .integer = &back } };
	const struct script_call call = { SCRIPT_DRAW, 1, keys, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	make_key(key, tenant, "requests");
	if (script_call(redis, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_draw = (struct budget_draw){ reply_integer(reply_item(reply, 0)),
		reply_integer(reply_item(reply, 1)), reply_integer(reply_item(reply, 2)) };
	return ERROR_NONE;
}

/* ---- for operators ---- */

/* Requests that are missing in the bucket. */
static int64_t requests_used(int64_t most, double full_at, int64_t now)
{
	const double missing_ms = full_at - (double)now;

	if (most <= 0 || missing_ms <= 0)
		return 0;
	return (int64_t)(missing_ms * (double)most / (double)MINUTE_MS + 0.5);
}

enum error_class tenant_use_read(struct redis *redis, const char *text, const char *tenant,
	struct tenant_use *ret_use, struct error *error)
{
	enum { COUNTED, APPS, CONFIGURED, REQUESTS, ALL };
	char used[KEY_SIZE], apps[KEY_SIZE], configured[KEY_SIZE], requests[KEY_SIZE], now_text[24];
	const char *const counted[] = { "HMGET", used, "live", "starts", "day", "bytes" };
	const char *const listed[] = { "ZCARD", apps };
	const char *const unused[] = { "ZCOUNT", configured, now_text, "+inf" };
	const char *const bucket[] = { "GET", requests };
	const struct redis_words commands[ALL] = { [COUNTED] = { ARRAY_LEN(counted), counted,
							   NULL },
		[APPS] = { ARRAY_LEN(listed), listed, NULL },
		[CONFIGURED] = { ARRAY_LEN(unused), unused, NULL },
		[REQUESTS] = { ARRAY_LEN(bucket), bucket, NULL } };
	struct redisReply *replies[ALL];
	int64_t now;

	*ret_use = (struct tenant_use){ .tenant = tenant };
	budgets_of(text, tenant, &ret_use->budgets);
	make_key(used, tenant, "used");
	make_key(configured, tenant, "configured");
	make_key(requests, tenant, "requests");
	tenant_key_make(apps, KEY_APPS_PREFIX, tenant);
	if (server_time(redis, &now, error) != ERROR_NONE)
		return error->class;
	text_format(now_text, sizeof(now_text), "%lld", (long long)now);
	if (redis_batch(redis, ALL, commands, replies, error) != ERROR_NONE)
		return error->class;

	const struct redisReply *counts = replies[COUNTED];
	ret_use->used[BUDGET_LIVE] = reply_integer(reply_item(counts, 0));
	if (reply_integer(reply_item(counts, 2)) == now / DAY_MS)
		ret_use->used[BUDGET_STARTS] = reply_integer(reply_item(counts, 1));
	ret_use->used[BUDGET_BYTES] = reply_integer(reply_item(counts, 3));
	ret_use->used[BUDGET_APPS] =
		reply_integer(replies[APPS]) + reply_integer(replies[CONFIGURED]);
	ret_use->used[BUDGET_REQUESTS] = requests_used(ret_use->budgets.most[BUDGET_REQUESTS],
		strtod(reply_text(replies[REQUESTS]), NULL), now);
	for (size_t i = 0; i < ALL; i++)
		reply_free(replies[i]);
	return ERROR_NONE;
}

/* Sorted, each once: a tenant may have five keys. */
struct names {
	const char **list;
	size_t count;
	bool complete;
	struct arena *arena;
};

/* Where it stands, or is to stand. */
static size_t find_name(const struct names *names, const char *name)
{
	size_t from = 0, to = names->count;

	while (from < to) {
		const size_t middle = from + (to - from) / 2;
		if (strcmp(names->list[middle], name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* What a hand has written there may be no tenant. */
static void add_name(struct names *names, const char *text, size_t length)
{
	char name[IDENTIFIER_SIZE];

	if (!text_format(name, sizeof(name), "%.*s", (int)length, text) || !identifier_valid(name))
		return;
	const size_t place = find_name(names, name);
	if (place < names->count && strcmp(names->list[place], name) == 0)
		return;
	const bool is_full = names->count == TENANTS_LISTED_MAX;
	names->complete = names->complete && !is_full;
	const char *copy = is_full ? NULL : arena_string(names->arena, name);
	if (copy == NULL)
		return;
	memmove(&names->list[place + 1], &names->list[place],
		(names->count - place) * sizeof(*names->list));
	names->list[place] = copy;
	names->count++;
}

static enum error_class add_with_apps(struct redis *redis, struct names *names, struct error *error)
{
	char last[24]; /* one more than is listed */
	const char *const words[] = { "ZRANGE", KEY_TENANTS, "0", last };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	text_format(last, sizeof(last), "%zu", TENANTS_LISTED_MAX);
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	names->complete = reply_count(reply) <= TENANTS_LISTED_MAX;
	for (size_t i = 0; i < reply_count(reply); i++) {
		const char *name = reply_text(reply_item(reply, i));
		add_name(names, name, strlen(name));
	}
	return ERROR_NONE;
}

static enum error_class add_counted(struct redis *redis, struct names *names, struct error *error)
{
	char cursor[32] = "0";

	do {
		const char *const words[] = { "SCAN", cursor, "MATCH", KEY_TENANT_PREFIX "*",
			"COUNT", PAGE };
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
			return error->class;
		for (size_t i = 0; i < reply_count(reply_item(reply, 1)); i++) {
			const char *key = reply_text(reply_item(reply_item(reply, 1), i));
			if (text_has_prefix(key, KEY_TENANT_PREFIX))
				add_name(names, key + strlen(KEY_TENANT_PREFIX),
					strcspn(key + strlen(KEY_TENANT_PREFIX), ":"));
		}
		text_copy(cursor, sizeof(cursor), reply_text(reply_item(reply, 0)));
	} while (strcmp(cursor, "0") != 0);
	return ERROR_NONE;
}

enum error_class tenants_list(struct redis *redis, struct arena *arena,
	const char *const **ret_names, size_t *ret_count, bool *ret_complete, struct error *error)
{
	struct names names = { arena_allocate_array(arena, TENANTS_LISTED_MAX, sizeof(char *)), 0,
		true, arena };

	*ret_names = NULL;
	*ret_count = 0;
	if (names.list == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of tenants");
	if (add_with_apps(redis, &names, error) != ERROR_NONE ||
		add_counted(redis, &names, error) != ERROR_NONE)
		return error->class;
	if (arena->exhausted)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of tenants");

	*ret_names = names.list;
	*ret_count = names.count;
	*ret_complete = names.complete;
	return ERROR_NONE;
}

enum error_class budgets_recount(struct redis *redis, bool repair, struct redisReply **ret_faults,
	bool *ret_complete, struct error *error)
{
	static const struct run_name any = { TENANT_DEFAULT, "any", "", "" };
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_BUFFER struct buffer tenants =
		BUFFER_EMPTY(TENANTS_LISTED_MAX * (IDENTIFIER_SIZE + 1));
	const char *const *names;
	bool complete = true;
	size_t count;

	if (tenants_list(redis, &arena, &names, &count, ret_complete, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; complete && i < count; i++)
		complete = buffer_append_string(&tenants, names[i]) &&
			buffer_append_string(&tenants, " ");
	if (!complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of tenants");
	const struct script_argument arguments[] = { { "tenants", .text = buffer_text(&tenants) },
		{ "repair", .text = repair ? "1" : "" } };
	const struct script_call call = { SCRIPT_RECOUNT_BUDGETS, 0, NULL, ARRAY_LEN(arguments),
		arguments };
	return run_eval(redis, &any, &call, ret_faults, error);
}
