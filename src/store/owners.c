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
#include "store/functions.h"
#include "store/keys.h"
#include "store/ledger.h"

/* An attempt that has claimed has written its row by then, or never will */
#define UNWRITTEN_MS 300000

/* What owner.lua is asked, with apps as tenant:app; the last two may be NULL. */
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
	return script_call(redis, &call, ret_reply, error);
}

static enum error_class call(struct redis *redis, const struct owned_thing *thing,
	const struct question *question, char holder[APP_MEMBER_SIZE], int64_t *ret_age_ms,
	struct error *error)
{
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (ask(redis, thing, question, &reply, error) != ERROR_NONE)
		return error->class;
	text_copy(holder, APP_MEMBER_SIZE, reply_text(reply_item(reply, 0)));
	*ret_age_ms = reply_integer(reply_item(reply, 1));
	return ERROR_NONE;
}

/* What the ledger of the app that is named, as tenant:app, says of the thing. What is no such name
 * has nothing. */
static enum error_class look_into_ledger(struct redis *redis, const struct owned_thing *thing,
	const char *holder, bool *ret_has, bool *ret_shares, struct error *error)
{
	CLEANUP_JSON cJSON *ledger = NULL;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const cJSON *item;
	char prefix[KEY_SIZE], parts[APP_MEMBER_SIZE];
	struct app_name app;
	struct ledger_row row;
	struct error ignored;

	*ret_has = *ret_shares = false;
	if (!text_copy(parts, sizeof(parts), holder) || !app_member_split(parts, &app))
		return ERROR_NONE;
	if (ledger_read(redis, &app, &ledger, error) != ERROR_NONE)
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

bool owner_is_of(const char *owner, const char *tenant)
{
	size_t length = strlen(tenant);
	return strncmp(owner, tenant, length) == 0 && owner[length] == ':';
}

/* Another app has it: who shares it with that one, and whose claim was never carried out. */
static enum error_class claim_held(struct redis *redis, const struct owned_thing *thing,
	const char *own, const char *tenant, int64_t age_ms, bool shared,
	char holder[APP_MEMBER_SIZE], struct error *error)
{
	const struct question take_over = { "claim", own, holder }, share = { "share", own, NULL };
	bool has, shares;

	if (look_into_ledger(redis, thing, holder, &has, &shares, error) != ERROR_NONE)
		return error->class;
	if (!has && age_ms > UNWRITTEN_MS &&
		call(redis, thing, &take_over, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	if (!shared || !shares || !owner_is_of(holder, tenant))
		return ERROR_NONE;
	if (call(redis, thing, &share, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	holder[0] = '\0';
	return ERROR_NONE;
}

enum error_class owner_claim(struct redis *redis, const struct owned_thing *thing,
	const struct app_name *app, bool shared, char holder[APP_MEMBER_SIZE], struct error *error)
{
	char own[APP_MEMBER_SIZE];
	const struct question claim = { "claim", own, NULL };
	int64_t age_ms = 0;

	app_member_make(own, app);
	if (call(redis, thing, &claim, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	if (strcmp(holder, own) != 0 &&
		claim_held(redis, thing, own, app->tenant, age_ms, shared, holder, error) !=
			ERROR_NONE)
		return error->class;
	if (strcmp(holder, own) == 0)
		holder[0] = '\0';
	return ERROR_NONE;
}

enum error_class owner_look(struct redis *redis, const struct owned_thing *thing,
	char holder[APP_MEMBER_SIZE], struct error *error)
{
	const struct question look = { "look", NULL, NULL };
	int64_t age_ms = 0;
	return call(redis, thing, &look, holder, &age_ms, error);
}

enum error_class owner_sharer(struct redis *redis, const struct owned_thing *thing,
	const struct app_name *app, char sharer[APP_MEMBER_SIZE], struct error *error)
{
	char own[APP_MEMBER_SIZE];
	const struct question look = { "look", NULL, NULL };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	bool has = false, shares;

	app_member_make(own, app);
	sharer[0] = '\0';
	if (ask(redis, thing, &look, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 2; !has && i < reply_count(reply); i++) {
		const char *other = reply_text(reply_item(reply, i));
		if (strcmp(other, own) == 0 || !owner_is_of(other, app->tenant))
			continue;
		if (look_into_ledger(redis, thing, other, &has, &shares, error) != ERROR_NONE)
			return error->class;
		if (has)
			text_copy(sharer, APP_MEMBER_SIZE, other);
	}

	return ERROR_NONE;
}

static enum error_class release(
	struct redis *redis, const struct owned_thing *thing, const char *own, struct error *error)
{
	const struct question question = { "release", own, NULL };
	char holder[APP_MEMBER_SIZE];
	int64_t age_ms = 0;
	return call(redis, thing, &question, holder, &age_ms, error);
}

enum error_class owner_release(struct redis *redis, const struct owned_thing *thing,
	const struct app_name *app, struct error *error)
{
	char own[APP_MEMBER_SIZE];

	app_member_make(own, app);
	return release(redis, thing, own, error);
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
	char parts[KEY_SIZE], holder[APP_MEMBER_SIZE] = "";
	struct owned_thing thing;
	bool has, shares;
	int64_t age_ms = 0;

	*ret_astray = false;
	if (!text_copy(parts, sizeof(parts), key + strlen(OWNER_PREFIX)) || !split(parts, &thing))
		return ERROR_NONE;
	if (call(redis, &thing, &look, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	if (holder[0] == '\0')
		return ERROR_NONE;
	if (look_into_ledger(redis, &thing, holder, &has, &shares, error) != ERROR_NONE)
		return error->class;
	*ret_astray = !has && age_ms > UNWRITTEN_MS;
	return *ret_astray && repair ? release(redis, &thing, holder, error) : ERROR_NONE;
}

/* What the rows of an app are looked at for. */
struct row_check {
	struct redis *redis;
	const struct app_name *app;
	const char *own; /* tenant:app */
	bool repair;
	const struct owner_visitor *visitor;
};

static enum error_class verify_row(
	const struct row_check *check, const cJSON *item, struct arena *arena, struct error *error)
{
	struct ledger_row row;
	struct owned_thing thing;
	struct error broken;
	char parts[KEY_SIZE], holder[APP_MEMBER_SIZE] = "";

	/* What cannot be read, `slipway resources` names. */
	if (!text_copy(parts, sizeof(parts), item->string) || !split(parts, &thing) ||
		ledger_row_read(cJSON_GetStringValue(item), arena, &row, &broken) != ERROR_NONE ||
		row.part || ledger_row_is_pending(&row))
		return ERROR_NONE;
	thing.id = row.id;
	if (owner_look(check->redis, &thing, holder, error) != ERROR_NONE)
		return error->class;
	if (strcmp(holder, check->own) == 0 || (row.shared && holder[0] != '\0'))
		return ERROR_NONE;
	check->visitor->found(check->visitor->context, item->string, holder);
	if (!check->repair || holder[0] != '\0')
		return ERROR_NONE;
	return owner_claim(check->redis, &thing, check->app, false, holder, error);
}

enum error_class owner_verify_rows(struct redis *redis, const struct app_name *app, bool repair,
	const struct owner_visitor *visitor, struct error *error)
{
	char own[APP_MEMBER_SIZE];
	const struct row_check check = { redis, app, own, repair, visitor };
	CLEANUP_JSON cJSON *ledger = NULL;
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const cJSON *item;

	app_member_make(own, app);
	if (ledger_read(redis, app, &ledger, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (item, ledger) {
		if (verify_row(&check, item, &arena, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}
