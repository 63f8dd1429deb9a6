/*
 * Reads and writes tokens. Their fields are read by position, by one HMGET each.
 */
#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"
#include "store/keys.h"
#include "store/server.h"

#define PREFIX_OWN     "slipway:token:"
#define PREFIX_BROWSER "slipway:browser:"
#define REVOKED_MS     "2592000000" /* how long a token without an end is listed as revoked */
#define LISTED_MAX     10000
#define PAGE           "500"

static const char *const fields[] = { "hash", "tenant", "role", "app_prefix", "app", "modes",
	"label", "created_by", "created_at", "expires_at", "revoked_at" };
enum { HASH, TENANT, ROLE, APP_PREFIX, APP, MODES, LABEL, MAKER, CREATED, EXPIRES, REVOKED };

static bool is_of_browser(const char *id)
{
	return strlen(id) == TOKEN_ID_SIZE - 1;
}

static void make_key(char key[KEY_SIZE], const char *id)
{
	text_format(key, KEY_SIZE, "%s%s", is_of_browser(id) ? PREFIX_BROWSER : PREFIX_OWN, id);
}

static bool is_id_or_empty(const char *text)
{
	return text[0] == '\0' || identifier_valid(text);
}

static bool take(const struct redisReply *reply, size_t index, char *target, size_t size)
{
	return text_copy(target, size, reply_text(reply_item(reply, index)));
}

/* Whether it is a token that allows something; else it has no role. */
static bool parse(const struct redisReply *reply, const char *id, struct token *ret_token)
{
	struct token *token = ret_token;

	*token = (struct token){ .role = ROLE_NONE };
	text_copy(token->id, sizeof(token->id), id);
	bool fits = take(reply, TENANT, token->tenant, sizeof(token->tenant)) &&
		take(reply, APP_PREFIX, token->prefix, sizeof(token->prefix)) &&
		take(reply, APP, token->app, sizeof(token->app)) &&
		take(reply, MODES, token->modes, sizeof(token->modes)) &&
		take(reply, LABEL, token->label, sizeof(token->label)) &&
		take(reply, MAKER, token->maker, sizeof(token->maker));
	token->created_at = reply_integer(reply_item(reply, CREATED));
	token->expires_at = reply_integer(reply_item(reply, EXPIRES));
	token->revoked_at = reply_integer(reply_item(reply, REVOKED));
	if (!fits || !token_hash_read(reply_text(reply_item(reply, HASH)), token->hash) ||
		!identifier_valid(token->tenant) || !is_id_or_empty(token->prefix) ||
		!is_id_or_empty(token->app) || (token->app[0] != '\0') != is_of_browser(id))
		return false;
	token->role = role_by_name(reply_text(reply_item(reply, ROLE)));
	return token->role != ROLE_NONE && reply_is_nil(reply_item(reply, REVOKED));
}

/* slipway-api writes those of browsers: what one has in it counts no further than its maker goes.
 */
static bool limit_to(struct token *token, const struct token *maker)
{
	if (token->role > maker->role)
		token->role = maker->role;
	if (token->role > ROLE_DEPLOY)
		token->role = ROLE_DEPLOY;
	return strcmp(token->tenant, maker->tenant) == 0 && token_reaches(maker, token->app);
}

enum error_class token_read(struct redis *redis, const char *id, struct token *ret_token,
	bool *ret_valid, struct error *error)
{
	char keys[2][KEY_SIZE], maker_id[TOKEN_OWN_ID_SIZE];
	const char *words[2][2 + ARRAY_LEN(fields)];
	struct redis_words commands[2];
	struct redisReply *replies[2] = { NULL, NULL };
	struct token maker;
	size_t count = is_of_browser(id) ? 2 : 1;

	text_format(maker_id, sizeof(maker_id), "%.*s", TOKEN_OWN_ID_SIZE - 1, id);
	make_key(keys[0], id);
	make_key(keys[1], maker_id);
	for (size_t i = 0; i < count; i++) {
		words[i][0] = "HMGET";
		words[i][1] = keys[i];
		memcpy(&words[i][2], fields, sizeof(fields));
		commands[i] = (struct redis_words){ ARRAY_LEN(words[i]), words[i], NULL };
	}
	*ret_valid = false;
	if (redis_batch(redis, count, commands, replies, error) != ERROR_NONE)
		return error->class;
	*ret_valid = parse(replies[0], id, ret_token) &&
		(count == 1 ||
			(parse(replies[1], maker_id, &maker) && limit_to(ret_token, &maker)));
	reply_free(replies[0]);
	reply_free(replies[1]);
	return ERROR_NONE;
}

/* ---- writing ---- */

/* A token that is not to last gets its end behind the rest: whoever is stopped in between has told
 * its secret to nobody. */
static enum error_class write_end(
	struct redis *redis, const char *key, const char *expires, struct error *error)
{
	const char *const words[] = { "PEXPIREAT", key, expires };
	return redis_write(redis, "token", ARRAY_LEN(words), words, error);
}

enum error_class token_store(
	struct redis *redis, struct token *token, int64_t lasts_ms, struct error *error)
{
	char key[KEY_SIZE], hash[TOKEN_HASH_SIZE], created[24], expires[24] = "";
	const char *words[2 + 2 * ARRAY_LEN(fields)] = { "HSET" };
	size_t count = 2;
	int64_t now;

	if (server_time(redis, &now, error) != ERROR_NONE)
		return error->class;
	token->created_at = now;
	token->expires_at = lasts_ms > 0 ? now + lasts_ms : 0;
	make_key(key, token->id);
	token_hash_print(token->hash, hash);
	text_format(created, sizeof(created), "%lld", (long long)now);
	if (lasts_ms > 0)
		text_format(expires, sizeof(expires), "%lld", (long long)token->expires_at);

	words[1] = key;
	const char *const values[] = { hash, token->tenant, role_name(token->role), token->prefix,
		token->app, token->modes, token->label, token->maker, created, expires };
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (values[i][0] == '\0')
			continue;
		words[count++] = fields[i];
		words[count++] = values[i];
	}
	if (redis_write(redis, "token", count, words, error) != ERROR_NONE || lasts_ms == 0)
		return lasts_ms == 0 ? ERROR_NONE : error->class;
	return write_end(redis, key, expires, error);
}

/* ---- what operators do ---- */

enum error_class token_revoke(struct redis *redis, const char *id, struct error *error)
{
	char key[KEY_SIZE], text[24];
	int64_t now;

	make_key(key, id);
	const char *const ask[] = { "HGET", key, "tenant" };
	const char *const revoke[] = { "HSETNX", key, "revoked_at", text };
	const char *const keep[] = { "PEXPIRE", key, REVOKED_MS, "NX" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	if (redis_command(redis, ARRAY_LEN(ask), ask, &reply, error) != ERROR_NONE ||
		server_time(redis, &now, error) != ERROR_NONE)
		return error->class;
	if (reply_is_nil(reply)) {
		error_set(error, ERROR_NOT_FOUND, "no token has the id %.40s", id);
		return error_remedy(error, NULL, "'slipway token list' shows the ids.");
	}

	text_format(text, sizeof(text), "%lld", (long long)now);
	return redis_write(redis, "token", ARRAY_LEN(revoke), revoke, error) == ERROR_NONE
		? redis_write(redis, "token", ARRAY_LEN(keep), keep, error)
		: error->class;
}

struct listing {
	struct token *tokens;
	size_t count;
};

/* Those of one page of SCAN, which may name one twice. */
static enum error_class read_page(struct redis *redis, const struct redisReply *page,
	struct listing *listing, struct error *error)
{
	for (size_t i = 0; i < reply_count(page) && listing->count < LISTED_MAX; i++) {
		const char *key = reply_text(reply_item(page, i));
		const char *id = key + sizeof(PREFIX_OWN) - 1;
		struct token *token = &listing->tokens[listing->count];
		bool ignored;
		if (!text_has_prefix(key, PREFIX_OWN) || !token_id_valid(id) || is_of_browser(id))
			continue;
		if (token_read(redis, id, token, &ignored, error) != ERROR_NONE)
			return error->class;
		if (token->created_at != 0)
			listing->count++;
	}
	return ERROR_NONE;
}

static int compare_ids(const void *left, const void *right)
{
	return strcmp(((const struct token *)left)->id, ((const struct token *)right)->id);
}

static void remove_doubles(struct listing *listing)
{
	size_t kept = 0;

	for (size_t i = 0; i < listing->count; i++)
		if (kept == 0 || strcmp(listing->tokens[kept - 1].id, listing->tokens[i].id) != 0)
			listing->tokens[kept++] = listing->tokens[i];
	listing->count = kept;
}

enum error_class token_list(struct redis *redis, struct arena *arena,
	const struct token **ret_tokens, size_t *ret_count, struct error *error)
{
	char cursor[32] = "0";
	struct listing listing = { arena_allocate_array(arena, LISTED_MAX, sizeof(struct token)),
		0 };

	if (listing.tokens == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list of tokens");
	do {
		const char *const words[] = { "SCAN", cursor, "MATCH", PREFIX_OWN "*", "COUNT",
			PAGE };
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE ||
			read_page(redis, reply_item(reply, 1), &listing, error) != ERROR_NONE)
			return error->class;
		text_copy(cursor, sizeof(cursor), reply_text(reply_item(reply, 0)));
	} while (strcmp(cursor, "0") != 0 && listing.count < LISTED_MAX);

	qsort(listing.tokens, listing.count, sizeof(struct token), compare_ids);
	remove_doubles(&listing);
	*ret_tokens = listing.tokens;
	*ret_count = listing.count;
	return ERROR_NONE;
}
