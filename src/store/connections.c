/*
 * Reads and writes connections. A writer puts the new credential beside the old one, then the
 * record, then takes the old one away: whoever reads in between finds a record with its own. Of
 * two writers at once, the record that is put last stands, and the other one leaves its credential.
 */
#include "store/connections.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

#define RECORD_PREFIX     "slipway:connection:"
#define CREDENTIAL_PREFIX "slipway:credential:"
#define RECORD_FIELD      "record"
#define LISTED_MAX        4000
#define PAGE              "500"
#define TRIES             3 /* of a reader who came between the two */

static void make_key(char key[KEY_SIZE], const char *prefix, const char *tenant, const char *name)
{
	text_format(key, KEY_SIZE, "%s%s:%s", prefix, tenant, name);
}

static void make_defaults_key(char key[KEY_SIZE], const char *tenant)
{
	text_format(key, KEY_SIZE, RECORD_PREFIX "%s", tenant);
}

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a connection");
}

/* ---- reading ---- */

static enum error_class refuse_broken(const struct stored_connection *stored, struct error *error)
{
	char command[CONNECTION_COMMAND_SIZE];

	if (error->class == ERROR_OUT_OF_MEMORY)
		return error->class;
	error_set(error, ERROR_AUTH_MISSING, "the connection '%s' is broken: %s",
		stored->connection.name, error->message);
	return error_remedy(error, NULL, "An operator adds it again by %s.",
		connection_command(&stored->connection, "--replace", command));
}

static enum error_class read_record(const char *text, struct arena *arena,
	struct stored_connection *stored, struct error *error)
{
	const char *tenant = stored->connection.tenant, *name = stored->connection.name;

	stored->record = arena_string(arena, text);
	if (stored->record == NULL)
		return no_memory(error);
	if (connection_read(tenant, name, stored->record, arena, &stored->connection, error) ==
		ERROR_NONE)
		return ERROR_NONE;
	stored->connection = (struct connection){ .tenant = tenant, .name = name };
	return refuse_broken(stored, error);
}

/* The credential of that record among those that stand there. */
static enum error_class find_sealed(const struct redisReply *pairs, struct arena *arena,
	struct stored_connection *stored, struct error *error)
{
	char digest[CONNECTION_DIGEST_SIZE];

	connection_digest(stored->record, digest);
	for (size_t i = 0; i + 1 < reply_count(pairs); i += 2)
		if (strcmp(reply_text(reply_item(pairs, i)), digest) == 0) {
			stored->sealed = arena_string(arena, reply_text(reply_item(pairs, i + 1)));
			return stored->sealed != NULL ? ERROR_NONE : no_memory(error);
		}
	return ERROR_NONE;
}

static enum error_class fetch_once(struct redis *redis, bool with_credential, struct arena *arena,
	struct stored_connection *stored, struct error *error)
{
	char record_key[KEY_SIZE], credential_key[KEY_SIZE];
	const char *const ask[] = { "HMGET", record_key, RECORD_FIELD },
			  *const ask_sealed[] = { "HGETALL", credential_key };
	const struct redis_words commands[] = { { ARRAY_LEN(ask), ask, NULL },
		{ ARRAY_LEN(ask_sealed), ask_sealed, NULL } };
	struct redisReply *replies[ARRAY_LEN(commands)] = { NULL, NULL };

	make_key(record_key, RECORD_PREFIX, stored->connection.tenant, stored->connection.name);
	make_key(credential_key, CREDENTIAL_PREFIX, stored->connection.tenant,
		stored->connection.name);
	stored->record = stored->sealed = NULL;
	if (redis_batch(redis, with_credential ? 2 : 1, commands, replies, error) != ERROR_NONE)
		return error->class;
	const struct redisReply *record = reply_item(replies[0], 0);
	enum error_class class = reply_is_nil(record)
		? ERROR_NONE
		: read_record(reply_text(record), arena, stored, error);
	if (class == ERROR_NONE && stored->record != NULL)
		class = find_sealed(replies[1], arena, stored, error);
	reply_free(replies[0]);
	reply_free(replies[1]);
	return class;
}

enum error_class connection_fetch(struct redis *redis, const char *tenant, const char *name,
	bool with_credential, struct arena *arena, struct stored_connection *ret_stored,
	struct error *error)
{
	struct stored_connection *stored = ret_stored;

	*stored = (struct stored_connection){
		.connection = { .tenant = arena_string(arena, tenant),
			.name = arena_string(arena, name) },
	};
	if (stored->connection.tenant == NULL || stored->connection.name == NULL)
		return no_memory(error);
	for (int tries = 0; tries < TRIES; tries++) {
		if (fetch_once(redis, with_credential, arena, stored, error) != ERROR_NONE)
			return error->class;
		if (!with_credential || stored->record == NULL || stored->sealed != NULL ||
			connection_uses_settings(&stored->connection))
			break;
	}
	return ERROR_NONE;
}

/* What the app has configured for the slot; "" for nothing. What is no name there was put there by
 * hand, and is that of no connection. */
static enum error_class read_choice(const char *text, const char *slot, struct arena *arena,
	const char **ret_name, struct error *error)
{
	CLEANUP_JSON cJSON *json = NULL;

	*ret_name = NULL;
	if (text[0] == '\0' ||
		json_parse(text, strlen(text), JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
		return text[0] == '\0' || error->class != ERROR_OUT_OF_MEMORY ? ERROR_NONE
									      : error->class;
	const char *name = json_member_string(json, slot);
	if (name == NULL)
		return ERROR_NONE;
	*ret_name = arena_string(arena, name);
	return *ret_name != NULL ? ERROR_NONE : no_memory(error);
}

enum error_class connection_choose(struct redis *redis, const struct app_name *app,
	const char *slot, const char *provider, struct arena *arena, const char **ret_name,
	struct error *error)
{
	char payload_key[KEY_SIZE], defaults_key[KEY_SIZE];
	const char *const ask_app[] = { "HGET", payload_key, "connections" },
			  *const ask_default[] = { "HGET", defaults_key, provider };
	const struct redis_words commands[] = { { ARRAY_LEN(ask_app), ask_app, NULL },
		{ ARRAY_LEN(ask_default), ask_default, NULL } };
	struct redisReply *replies[ARRAY_LEN(commands)] = { NULL, NULL };

	app_key_make(payload_key, app, "payload");
	make_defaults_key(defaults_key, app->tenant);
	if (redis_batch(redis, ARRAY_LEN(commands), commands, replies, error) != ERROR_NONE)
		return error->class;
	enum error_class class = read_choice(reply_text(replies[0]), slot, arena, ret_name, error);
	if (class == ERROR_NONE && *ret_name == NULL && !reply_is_nil(replies[1])) {
		*ret_name = arena_string(arena, reply_text(replies[1]));
		class = *ret_name != NULL ? ERROR_NONE : no_memory(error);
	}
	reply_free(replies[0]);
	reply_free(replies[1]);
	return class;
}

/* ---- writing ---- */

static enum error_class refuse_second(const char *name, struct error *error)
{
	error_set(error, ERROR_RUN_CONFLICT, "the tenant has a connection '%s' already", name);
	return error_remedy(error, NULL, "Give --replace, or another name.");
}

/* The digest of the record that stands there now; "" for none. */
static enum error_class read_digest(struct redis *redis, const char *record_key,
	char ret_digest[CONNECTION_DIGEST_SIZE], struct error *error)
{
	const char *const ask[] = { "HMGET", record_key, RECORD_FIELD };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	ret_digest[0] = '\0';
	if (redis_command(redis, ARRAY_LEN(ask), ask, &reply, error) != ERROR_NONE)
		return error->class;
	if (!reply_is_nil(reply_item(reply, 0)))
		connection_digest(reply_text(reply_item(reply, 0)), ret_digest);
	return ERROR_NONE;
}

static enum error_class put_credential(struct redis *redis, const char *key, const char *digest,
	const char *sealed, struct error *error)
{
	const char *const put[] = { "HSET", key, digest, sealed };
	return redis_write(redis, "connection", ARRAY_LEN(put), put, error);
}

static enum error_class drop_but(struct redis *redis, const char *key, const char *digest,
	const struct redisReply *pairs, struct error *error)
{
	for (size_t i = 0; i + 1 < reply_count(pairs); i += 2) {
		const char *other = reply_text(reply_item(pairs, i));
		const char *const drop[] = { "HDEL", key, other };
		if (strcmp(other, digest) != 0 &&
			redis_write(redis, "connection", ARRAY_LEN(drop), drop, error) !=
				ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/*
 * All credentials but that of the record that stands there, which may be another writer's by now.
 * It may also come to stand there while they are dropped: then its credential, of which a copy is
 * here, is put back. So whichever comes later, the record or the drop, its writer finds the gap.
 */
static enum error_class drop_others(struct redis *redis, const char *record_key,
	const char *credential_key, struct error *error)
{
	const char *const ask[] = { "HGETALL", credential_key };
	char digest[CONNECTION_DIGEST_SIZE], now[CONNECTION_DIGEST_SIZE];
	CLEANUP_REPLY struct redisReply *pairs = NULL;

	if (redis_command(redis, ARRAY_LEN(ask), ask, &pairs, error) != ERROR_NONE ||
		read_digest(redis, record_key, digest, error) != ERROR_NONE ||
		drop_but(redis, credential_key, digest, pairs, error) != ERROR_NONE ||
		read_digest(redis, record_key, now, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i + 1 < reply_count(pairs) && strcmp(now, digest) != 0; i += 2)
		if (strcmp(reply_text(reply_item(pairs, i)), now) == 0)
			return put_credential(redis, credential_key, now,
				reply_text(reply_item(pairs, i + 1)), error);
	return ERROR_NONE;
}

enum error_class connection_store(struct redis *redis, const struct connection *connection,
	const char *record, const char *sealed, bool replace, bool *ret_changed,
	struct error *error)
{
	char record_key[KEY_SIZE], credential_key[KEY_SIZE], digest[CONNECTION_DIGEST_SIZE];
	char standing[CONNECTION_DIGEST_SIZE];
	const char *const put[] = { "HSET", record_key, RECORD_FIELD, record };

	make_key(record_key, RECORD_PREFIX, connection->tenant, connection->name);
	make_key(credential_key, CREDENTIAL_PREFIX, connection->tenant, connection->name);
	connection_digest(record, digest);
	*ret_changed = false;
	if (read_digest(redis, record_key, standing, error) != ERROR_NONE)
		return error->class;
	if (!replace && standing[0] != '\0')
		return refuse_second(connection->name, error);
	if (sealed != NULL &&
		put_credential(redis, credential_key, digest, sealed, error) != ERROR_NONE)
		return error->class;
	*ret_changed = true;
	/* Once more behind the record: another writer may have dropped it before that stood there.
	 */
	if (redis_write(redis, "connection", ARRAY_LEN(put), put, error) != ERROR_NONE ||
		(sealed != NULL &&
			put_credential(redis, credential_key, digest, sealed, error) != ERROR_NONE))
		return error->class;
	return drop_others(redis, record_key, credential_key, error);
}

enum error_class connection_set_default(
	struct redis *redis, const struct connection *connection, struct error *error)
{
	char key[KEY_SIZE];
	const char *const put[] = { "HSET", key, connection->provider, connection->name };

	make_defaults_key(key, connection->tenant);
	return redis_write(redis, "connection", ARRAY_LEN(put), put, error);
}

static enum error_class drop_default(
	struct redis *redis, const char *tenant, const char *name, struct error *error)
{
	char key[KEY_SIZE];
	const char *const ask[] = { "HGETALL", key };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	make_defaults_key(key, tenant);
	if (redis_command(redis, ARRAY_LEN(ask), ask, &reply, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i + 1 < reply_count(reply); i += 2) {
		const char *const drop[] = { "HDEL", key, reply_text(reply_item(reply, i)) };
		if (strcmp(reply_text(reply_item(reply, i + 1)), name) == 0 &&
			redis_write(redis, "connection", ARRAY_LEN(drop), drop, error) !=
				ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

/* The default first, so that none names what is not there, wherever this ends; the record last, so
 * that the same command goes on with what is left. */
static enum error_class drop_all(struct redis *redis, const char *tenant, const char *name,
	const char *record_key, struct error *error)
{
	char credential_key[KEY_SIZE];
	const char *const drop_sealed[] = { "DEL", credential_key };
	const char *const drop[] = { "DEL", record_key };

	make_key(credential_key, CREDENTIAL_PREFIX, tenant, name);
	if (drop_default(redis, tenant, name, error) != ERROR_NONE ||
		redis_write(redis, "connection", ARRAY_LEN(drop_sealed), drop_sealed, error) !=
			ERROR_NONE ||
		redis_write(redis, "connection", ARRAY_LEN(drop), drop, error) != ERROR_NONE)
		return error->class;
	/* Another writer may have made it the default meanwhile. */
	return drop_default(redis, tenant, name, error);
}

enum error_class connection_delete(struct redis *redis, const char *tenant, const char *name,
	bool *ret_changed, struct error *error)
{
	char record_key[KEY_SIZE], digest[CONNECTION_DIGEST_SIZE];

	*ret_changed = false;
	make_key(record_key, RECORD_PREFIX, tenant, name);
	if (read_digest(redis, record_key, digest, error) != ERROR_NONE)
		return error->class;
	if (digest[0] == '\0') {
		error_set(error, ERROR_NOT_FOUND, "the tenant '%s' has no connection '%s'", tenant,
			name);
		return error_remedy(error, NULL, "'slipway connection list' shows them.");
	}
	*ret_changed = true;
	return drop_all(redis, tenant, name, record_key, error);
}

/* ---- listing ---- */

struct listing {
	struct arena *arena;
	struct stored_connection *items;
	size_t count;
};

/* slipway:connection:<tenant>:<name> into its two parts, in the arena. */
static bool split_key(
	const char *key, struct arena *arena, const char **ret_tenant, const char **ret_name)
{
	char *tenant = text_has_prefix(key, RECORD_PREFIX)
		? arena_string(arena, key + sizeof(RECORD_PREFIX) - 1)
		: NULL;
	char *colon = tenant != NULL ? strchr(tenant, ':') : NULL;

	if (colon == NULL)
		return false;
	*colon = '\0';
	*ret_tenant = tenant;
	*ret_name = colon + 1;
	return identifier_valid(tenant) && identifier_valid(colon + 1);
}

/* Also where the key is no hash: a command cannot mend that. */
static enum error_class tell_fault(
	struct stored_connection *stored, struct arena *arena, struct error *error)
{
	if (error->class == ERROR_STORE_REFUSED)
		error_remedy(error, NULL,
			"Delete the key " RECORD_PREFIX "%s:%s, which is no connection; then add "
			"it anew.",
			stored->connection.tenant, stored->connection.name);
	stored->fault = arena_string(arena, error->message);
	stored->advice = arena_string(arena, error->remedy);
	return stored->fault != NULL && stored->advice != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class read_page(struct redis *redis, const struct redisReply *page,
	struct listing *listing, struct error *error)
{
	for (size_t i = 0; i < reply_count(page) && listing->count < LISTED_MAX; i++) {
		struct stored_connection *stored = &listing->items[listing->count];
		const char *tenant, *name;
		if (!split_key(reply_text(reply_item(page, i)), listing->arena, &tenant, &name))
			continue;
		enum error_class class =
			connection_fetch(redis, tenant, name, false, listing->arena, stored, error);
		if (class == ERROR_AUTH_MISSING || class == ERROR_STORE_REFUSED)
			class = tell_fault(stored, listing->arena, error);
		if (class != ERROR_NONE)
			return class;
		listing->count += stored->record != NULL || stored->fault != NULL ? 1 : 0;
	}
	return ERROR_NONE;
}

static int compare(const void *left, const void *right)
{
	const struct connection *one = &((const struct stored_connection *)left)->connection;
	const struct connection *other = &((const struct stored_connection *)right)->connection;
	int order = strcmp(one->tenant, other->tenant);

	return order != 0 ? order : strcmp(one->name, other->name);
}

/* SCAN may name a key twice. */
static void remove_doubles(struct listing *listing)
{
	size_t kept = 0;

	for (size_t i = 0; i < listing->count; i++)
		if (kept == 0 || compare(&listing->items[kept - 1], &listing->items[i]) != 0)
			listing->items[kept++] = listing->items[i];
	listing->count = kept;
}

static enum error_class mark_defaults(
	struct redis *redis, const struct listing *listing, struct error *error)
{
	for (size_t i = 0; i < listing->count; i++) {
		struct stored_connection *stored = &listing->items[i];
		char key[KEY_SIZE];
		const char *const ask[] = { "HGET", key, stored->connection.provider };
		CLEANUP_REPLY struct redisReply *reply = NULL;

		if (stored->fault != NULL)
			continue;
		make_defaults_key(key, stored->connection.tenant);
		enum error_class class = redis_command(redis, ARRAY_LEN(ask), ask, &reply, error);
		if (class == ERROR_STORE_REFUSED)
			continue; /* no hash: whoever sets a default is told */
		if (class != ERROR_NONE)
			return class;
		stored->is_default = strcmp(reply_text(reply), stored->connection.name) == 0;
	}
	return ERROR_NONE;
}

enum error_class connection_list_all(struct redis *redis, const char *tenant, struct arena *arena,
	const struct stored_connection **ret_list, size_t *ret_count, struct error *error)
{
	char cursor[32] = "0", pattern[KEY_SIZE];
	struct listing listing = { .arena = arena,
		.items = arena_allocate_array(arena, LISTED_MAX, sizeof(*listing.items)) };

	make_key(pattern, RECORD_PREFIX, tenant != NULL ? tenant : "*", "*");
	if (listing.items == NULL)
		return no_memory(error);
	do {
		const char *const words[] = { "SCAN", cursor, "MATCH", pattern, "COUNT", PAGE };
		CLEANUP_REPLY struct redisReply *reply = NULL;
		if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE ||
			read_page(redis, reply_item(reply, 1), &listing, error) != ERROR_NONE)
			return error->class;
		text_copy(cursor, sizeof(cursor), reply_text(reply_item(reply, 0)));
	} while (strcmp(cursor, "0") != 0 && listing.count < LISTED_MAX);

	qsort(listing.items, listing.count, sizeof(*listing.items), compare);
	remove_doubles(&listing);
	*ret_list = listing.items;
	*ret_count = listing.count;
	return mark_defaults(redis, &listing, error);
}
