/*
 * Who has a thing is asked of one key; whether that still holds, of the ledger of the app that the key names. The two
 * lie in different slots, so a claim that is younger than a worker may live between its two writes is believed.
 */
#include "store/owners.h"

#include <string.h>

#include "base/text.h"
#include "core/ledger_row.h"
#include "store/keys.h"
#include "store/ledger.h"

#define UNWRITTEN_MS 300000 /* an attempt that has claimed has written its row by then, or never will */

static enum error_class call(struct redis *redis, const struct owned_thing *thing, const char *const words[3],
	char holder[IDENTIFIER_SIZE], int64_t *ret_age_ms, struct error *error)
{
	char key[KEY_SIZE];
	const char *const keys[] = { key };
	struct redisReply *reply;
	if (!text_format(key, sizeof(key), OWNER_PREFIX "%s:%s:%s", thing->provider, thing->type, thing->id))
		return error_set(error, ERROR_INVALID_INPUT, "the id of the %s is too long", thing->type);
	if (redis_eval(redis, SCRIPT_OWNER, 1, keys, 3, words, &reply, error) != ERROR_NONE)
		return error->class;
	text_copy(holder, IDENTIFIER_SIZE, reply_text(reply_item(reply, 0)));
	*ret_age_ms = reply_integer(reply_item(reply, 1));
	reply_free(reply);
	return ERROR_NONE;
}

/* What the ledger of the app that is named says of the thing. */
static enum error_class look_into_ledger(struct redis *redis, const struct owned_thing *thing, const char *app,
	bool *ret_has, bool *ret_shares, struct error *error)
{
	cJSON *ledger;
	const cJSON *item;
	char prefix[KEY_SIZE];
	struct arena arena;
	struct ledger_row row;
	struct error ignored;
	*ret_has = *ret_shares = false;
	if (ledger_read(redis, app, &ledger, error) != ERROR_NONE)
		return error->class;
	text_format(prefix, sizeof(prefix), "%s:%s:", thing->provider, thing->type);
	arena_init(&arena, 0);
	cJSON_ArrayForEach(item, ledger)
	{
		if (!text_has_prefix(item->string, prefix) ||
			ledger_row_read(cJSON_GetStringValue(item), &arena, &row, &ignored) != ERROR_NONE ||
			row.id == NULL || strcmp(row.id, thing->id) != 0)
			continue;
		*ret_has = true;
		*ret_shares = row.shared;
	}
	arena_release(&arena);
	cJSON_Delete(ledger);
	return ERROR_NONE;
}

enum error_class owner_claim(struct redis *redis, const struct owned_thing *thing, const char *app, bool shared,
	char holder[IDENTIFIER_SIZE], struct error *error)
{
	const char *const claim[] = { "claim", app, "" }, *const take_over[] = { "claim", app, holder };
	int64_t age_ms = 0;
	bool has, shares;
	if (call(redis, thing, claim, holder, &age_ms, error) != ERROR_NONE)
		return error->class;
	if (strcmp(holder, app) != 0) {
		if (look_into_ledger(redis, thing, holder, &has, &shares, error) != ERROR_NONE)
			return error->class;
		if (!has && age_ms > UNWRITTEN_MS &&
			call(redis, thing, take_over, holder, &age_ms, error) != ERROR_NONE)
			return error->class;
		if (shared && shares)
			holder[0] = '\0';
	}
	if (strcmp(holder, app) == 0)
		holder[0] = '\0';
	return ERROR_NONE;
}

enum error_class owner_look(
	struct redis *redis, const struct owned_thing *thing, char holder[IDENTIFIER_SIZE], struct error *error)
{
	const char *const words[] = { "look", "", "" };
	int64_t age_ms = 0;
	return call(redis, thing, words, holder, &age_ms, error);
}

enum error_class owner_release(
	struct redis *redis, const struct owned_thing *thing, const char *app, struct error *error)
{
	const char *const words[] = { "release", app, "" };
	char holder[IDENTIFIER_SIZE];
	int64_t age_ms = 0;
	return call(redis, thing, words, holder, &age_ms, error);
}
