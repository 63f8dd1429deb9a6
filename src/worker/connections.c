/*
 * A place of the cache may be another one's after a wait for Redis, so what is found is copied for
 * whoever asks. What was not found is not kept: whoever has added it does not wait.
 */
#include "worker/connections.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "slipway/field.h"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a connection");
}

static const char *slot_of(const struct connection_question *question)
{
	return question->slot != NULL ? question->slot : question->provider;
}

/* ---- the cache ---- */

static void release(struct cached_connection *item)
{
	arena_release(&item->arena);
	*item = (struct cached_connection){ .read_at = 0 };
}

void connections_forget(struct connection_cache *cache)
{
	for (size_t i = 0; i < ARRAY_LEN(cache->items); i++)
		release(&cache->items[i]);
}

static bool make_key(const struct connection_question *question, char key[CONNECTION_KEY_SIZE])
{
	return text_format(key, CONNECTION_KEY_SIZE, "%s %s %s %s", question->app.tenant,
		question->app.app, slot_of(question), question->provider);
}

static struct cached_connection *find_item(struct connection_cache *cache, const char *key)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < ARRAY_LEN(cache->items); i++)
		if (strcmp(cache->items[i].key, key) == 0 &&
			now - cache->items[i].read_at < CONNECTION_CACHE_MS)
			return &cache->items[i];
	return NULL;
}

static struct cached_connection *take_place(struct connection_cache *cache, const char *key)
{
	struct cached_connection *place = NULL;

	for (size_t i = 0; i < ARRAY_LEN(cache->items) && place == NULL; i++)
		if (strcmp(cache->items[i].key, key) == 0)
			place = &cache->items[i];
	if (place == NULL)
		place = &cache->items[cache->next++ % ARRAY_LEN(cache->items)];
	release(place);
	arena_init(&place->arena, 0);
	return place;
}

/* The record is read again from its text: nothing of the copy lies in the cache's memory. */
static enum error_class copy_stored(const struct stored_connection *from, struct arena *arena,
	struct stored_connection *to, struct error *error)
{
	const char *tenant = arena_string(arena, from->connection.tenant),
		   *name = arena_string(arena, from->connection.name);

	*to = (struct stored_connection){
		.record = from->record != NULL ? arena_string(arena, from->record) : NULL,
		.sealed = from->sealed != NULL ? arena_string(arena, from->sealed) : NULL,
	};
	if (tenant == NULL || name == NULL || (to->record == NULL) != (from->record == NULL) ||
		(to->sealed == NULL) != (from->sealed == NULL))
		return no_memory(error);
	return connection_read(tenant, name, to->record, arena, &to->connection, error);
}

/* Best effort: without memory the next one asks Redis again. read_at is before Redis was asked. */
static void keep(struct connection_cache *cache, const char *key, int64_t read_at,
	const struct stored_connection *found)
{
	struct cached_connection *place = take_place(cache, key);
	struct error ignored;

	place->is_built_in = found->record == NULL;
	if (!place->is_built_in &&
		copy_stored(found, &place->arena, &place->found, &ignored) != ERROR_NONE) {
		release(place);
		return;
	}
	text_copy(place->key, sizeof(place->key), key);
	place->read_at = read_at;
}

/* ---- finding ---- */

static enum error_class refuse_none(const struct connection_question *question, struct error *error)
{
	const struct connection missing = {
		.name = "NAME", .tenant = question->app.tenant, .provider = question->provider
	};
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_AUTH_MISSING,
		"the tenant has no connection for %s that the app uses", question->provider);
	return error_remedy(error, NULL,
		"An operator adds one by %s, or the app names one with mode 'configure'; then "
		"trigger the step again.",
		connection_command(&missing, "--default", command));
}

static enum error_class refuse_unknown(
	const struct connection_question *question, const char *name, struct error *error)
{
	/* What is no name can only be another one. */
	const struct connection missing = { .name = identifier_valid(name) ? name : "NAME",
		.tenant = question->app.tenant,
		.provider = question->provider };
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_AUTH_MISSING, "the tenant has no connection '%.64s'", name);
	return error_remedy(error, NULL,
		"An operator adds it by %s, or the app names another one with mode 'configure'; "
		"then trigger the step again.",
		connection_command(&missing, "", command));
}

static enum error_class refuse_other_provider(const struct connection_question *question,
	const struct connection *connection, struct error *error)
{
	error_set(error, ERROR_AUTH_MISSING, "the connection '%s' is for %s, not for %s",
		connection->name, connection->provider, question->provider);
	return error_remedy(error, NULL,
		"Name one for %s as \"connections\": {\"%s\": ...} with mode 'configure', then "
		"trigger the step again.",
		question->provider, slot_of(question));
}

static enum error_class refuse_app(const struct connection_question *question,
	const struct connection *connection, struct error *error)
{
	char command[CONNECTION_COMMAND_SIZE];

	error_set(error, ERROR_NOT_ALLOWED, "the app '%s' may not use the connection '%s'",
		question->app.app, connection->name);
	return error_remedy(error, NULL,
		"An operator lets it by %s, or the app names another one with mode 'configure'; "
		"then trigger the step again.",
		connection_command(connection, "--app APP --replace", command));
}

static enum error_class check(const struct connection_question *question,
	const struct connection *connection, struct error *error)
{
	if (strcmp(connection->provider, question->provider) != 0)
		return refuse_other_provider(question, connection, error);
	if (!connection_allows(connection, CONNECTION_APPS, question->app.app))
		return refuse_app(question, connection, error);
	return ERROR_NONE;
}

/* A row's word is the name of a connection where the app says nothing else of it. */
static enum error_class choose(struct redis *redis, const struct connection_question *question,
	struct arena *arena, const char **ret_name, struct error *error)
{
	if (question->slot == NULL)
		return connection_choose(redis, &question->app, question->provider,
			question->provider, arena, ret_name, error);
	if (connection_choose(redis, &question->app, question->slot, "", arena, ret_name, error) !=
		ERROR_NONE)
		return error->class;
	if (*ret_name == NULL)
		*ret_name = question->slot;
	return ERROR_NONE;
}

static enum error_class ask_redis(struct redis *redis, const struct connection_question *question,
	struct arena *arena, struct stored_connection *ret_found, struct error *error)
{
	const bool is_default_tenant = strcmp(question->app.tenant, TENANT_DEFAULT) == 0;
	const char *name;

	*ret_found = (struct stored_connection){ .record = NULL };
	if (choose(redis, question, arena, &name, error) != ERROR_NONE)
		return error->class;
	if (is_default_tenant && (name == NULL || strcmp(name, CONNECTION_BUILT_IN) == 0))
		return ERROR_NONE;
	if (name == NULL)
		return refuse_none(question, error);
	/* What a hand has put there may be no name, and part of no key. */
	if (!identifier_valid(name))
		return refuse_unknown(question, name, error);
	if (connection_fetch(redis, question->app.tenant, name, true, arena, ret_found, error) !=
		ERROR_NONE)
		return error->class;
	return ret_found->record != NULL ? check(question, &ret_found->connection, error)
					 : refuse_unknown(question, name, error);
}

enum error_class connections_find(struct connection_cache *cache, struct redis *redis,
	const struct connection_question *question, struct arena *arena,
	struct stored_connection *ret_found, struct error *error)
{
	char key[CONNECTION_KEY_SIZE];
	const int64_t read_at = clock_monotonic_ms();
	const struct cached_connection *item =
		make_key(question, key) ? find_item(cache, key) : NULL;

	*ret_found = (struct stored_connection){ .record = NULL };
	if (item != NULL)
		return item->is_built_in ? ERROR_NONE
					 : copy_stored(&item->found, arena, ret_found, error);
	if (ask_redis(redis, question, arena, ret_found, error) != ERROR_NONE)
		return error->class;
	keep(cache, key, read_at, ret_found);
	return ERROR_NONE;
}
