/*
 * Who has a thing is asked of one key; whether that still holds, of the ledger of the app that the
 * key names. The two lie in different slots, so a claim that is younger than a worker may live
 * between its two writes is believed.
 */
#include "store/owners.h"

#include <string.h>

#include "base/text.h"
#include "core/ledger_row.h"
#include "slipway/field.h"
#include "store/keys.h"
#include "store/ledger.h"

/* An attempt that has claimed has written its row by then, or never will */
#define UNWRITTEN_MS 300000

/* What owner.lua is asked; the last two may be NULL. */
struct question {
	const char *what, *app, *from;
};

static enum error_class ask(struct redis *redis, const struct owned_thing *thing,
	const struct question *question, struct redisReply **ret_reply, struct error *error)
{
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	const struct script_argument arguments[] = { { "what", .text = question->what },
		{ "app", .text = question->app }, { "from", .text = question->from } };
	const struct script_call call = { SCRIPT_OWNER, 1, keys, ARRAY_LEN(arguments), arguments };

	if (!text_format(key, sizeof(key), OWNER_PREFIX "%s:%s:%s", thing->provider, thing->type,
		    thing->id))
		return error_set(
			error, ERROR_INVALID_INPUT, "the id of the %s is too long", thing->type);
	return redis_eval(redis, &call, ret_reply, error);
}

static enum error_class call(struct redis *redis, const struct owned_thing *thing,
	const struct question *question, char holder[IDENTIFIER_SIZE], int64_t *ret_age_ms,
	struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (ask(redis, thing, question, &reply, error) != ERROR_NONE)
		return error->class;
	text_copy(holder, IDENTIFIER_SIZE, reply_text(reply_item(reply, 0)));
	*ret_age_ms = reply_integer(reply_item(reply, 1));
	return ERROR_NONE;
}

/* What the ledger of the app that is named says of the thing. */
static enum error_class look_into_ledger(struct redis *redis, const struct owned_thing *thing,
	const char *app, bool *ret_has, bool *ret_shares, struct error *error)
{
	CLEANUP_JSON cJSON *ledger = NULL;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const cJSON *item;
	char prefix[KEY_SIZE];
	struct ledger_row row;
	struct error ignored;

	*ret_has = *ret_shares = false;
	if (ledger_read(redis, app, &ledger, error) != ERROR_NONE)
		return error->class;
	text_format(prefix, sizeof(prefix), "%s:%s:", thing->provider, thing->type);
	cJSON_ArrayForEach (item, ledger) {
		if (!text_has_prefix(item->string, prefix) ||
			ledger_row_read(cJSON_GetStringValue(item), &arena, &row, &ignored) !=
				ERROR_NONE ||
			row.id == NULL || strcmp(row.id, thing->id) != 0)
			continue;
		*ret_has = true;
		*ret_shares = row.shared;
	}

	return ERROR_NONE;
}

enum error_class owner_claim(struct redis *redis, const struct owned_thing *thing, const char *app,
	bool shared, char holder[IDENTIFIER_SIZE], struct error *error)
{
	const struct question claim = { "claim", app, NULL }, take_over = { "claim", app, holder },
			      share = { "share", app, NULL };
	int64_t age_ms = 0;
	bool has, shares;

	if (call(redis, thing, &claim, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	if (strcmp(holder, app) != 0) {
		if (look_into_ledger(redis, thing, holder, &has, &shares, error) != ERROR_NONE)
			return error->class;
		if (!has && age_ms > UNWRITTEN_MS &&
			call(redis, thing, &take_over, holder, &age_ms, error) != ERROR_NONE)
			return error->class;
		if (shared && shares) {
			if (call(redis, thing, &share, holder, &age_ms, error) != ERROR_NONE)
				return error->class;
			holder[0] = '\0';
		}
	}

	if (strcmp(holder, app) == 0)
		holder[0] = '\0';
	return ERROR_NONE;
}

enum error_class owner_look(struct redis *redis, const struct owned_thing *thing,
	char holder[IDENTIFIER_SIZE], struct error *error)
{
	const struct question look = { "look", NULL, NULL };
	int64_t age_ms = 0;
	return call(redis, thing, &look, holder, &age_ms, error);
}

enum error_class owner_sharer(struct redis *redis, const struct owned_thing *thing, const char *app,
	char sharer[IDENTIFIER_SIZE], struct error *error)
{
	const struct question look = { "look", NULL, NULL };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	bool has = false, shares;

	sharer[0] = '\0';
	if (ask(redis, thing, &look, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 2; !has && i < reply_count(reply); i++) {
		const char *other = reply_text(reply_item(reply, i));
		if (strcmp(other, app) == 0)
			continue;
		if (look_into_ledger(redis, thing, other, &has, &shares, error) != ERROR_NONE)
			return error->class;
		if (has)
			text_copy(sharer, IDENTIFIER_SIZE, other);
	}

	return ERROR_NONE;
}

enum error_class owner_release(
	struct redis *redis, const struct owned_thing *thing, const char *app, struct error *error)
{
	const struct question release = { "release", app, NULL };
	char holder[IDENTIFIER_SIZE];
	int64_t age_ms = 0;
	return call(redis, thing, &release, holder, &age_ms, error);
}

/* ---- verification ---- */

/* provider:type:rest, in place. */
static bool split(char *text, struct owned_thing *ret_thing)
{
	char *type = strchr(text, ':'), *id = type != NULL ? strchr(type + 1, ':') : NULL;
	if (id == NULL)
		return false;
	*type++ = '\0';
	*id++ = '\0';
	*ret_thing = (struct owned_thing){ text, type, id };
	return true;
}

enum error_class owner_verify_claim(
	struct redis *redis, const char *key, bool repair, bool *ret_astray, struct error *error)
{
	const struct question look = { "look", NULL, NULL };
	char parts[KEY_SIZE], holder[IDENTIFIER_SIZE] = "";
	struct owned_thing thing;
	bool has, shares;
	int64_t age_ms = 0;

	*ret_astray = false;
	if (!text_copy(parts, sizeof(parts), key + strlen(OWNER_PREFIX)) || !split(parts, &thing))
		return ERROR_NONE;
	if (call(redis, &thing, &look, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	if (!identifier_valid(holder))
		return ERROR_NONE;
	if (look_into_ledger(redis, &thing, holder, &has, &shares, error) != ERROR_NONE)
		return error->class;
	*ret_astray = !has && age_ms > UNWRITTEN_MS;
	return *ret_astray && repair ? owner_release(redis, &thing, holder, error) : ERROR_NONE;
}

/* What the rows of an app are looked at for. */
struct row_check {
	struct redis *redis;
	const char *app;
	bool repair;
	const struct owner_visitor *visitor;
};

static enum error_class verify_row(
	const struct row_check *check, const cJSON *item, struct arena *arena, struct error *error)
{
	struct ledger_row row;
	struct owned_thing thing;
	struct error broken;
	char parts[KEY_SIZE], holder[IDENTIFIER_SIZE] = "";

	/* What cannot be read, `slipway resources` names. */
	if (!text_copy(parts, sizeof(parts), item->string) || !split(parts, &thing) ||
		ledger_row_read(cJSON_GetStringValue(item), arena, &row, &broken) != ERROR_NONE ||
		row.part || ledger_row_is_pending(&row))
		return ERROR_NONE;
	thing.id = row.id;
	if (owner_look(check->redis, &thing, holder, error) != ERROR_NONE)
		return error->class;
	if (strcmp(holder, check->app) == 0 || (row.shared && holder[0] != '\0'))
		return ERROR_NONE;
	check->visitor->found(check->visitor->context, item->string, holder);
	if (!check->repair || holder[0] != '\0')
		return ERROR_NONE;
	return owner_claim(check->redis, &thing, check->app, false, holder, error);
}

enum error_class owner_verify_rows(struct redis *redis, const char *app, bool repair,
	const struct owner_visitor *visitor, struct error *error)
{
	const struct row_check check = { redis, app, repair, visitor };
	CLEANUP_JSON cJSON *ledger = NULL;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const cJSON *item;

	if (ledger_read(redis, app, &ledger, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (item, ledger) {
		if (verify_row(&check, item, &arena, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}
