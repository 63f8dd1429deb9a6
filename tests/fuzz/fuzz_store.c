/*
 * Feeds replies of Redis to all that reads more than one run of it: what a worker takes off the
 * queue, payloads, pages of what has happened, tokens, connections, the statuses of a workflow. A
 * byte chooses which. Whatever comes, there is an error in words that can be shown, or what was
 * read is whole.
 */
#include <sodium.h>
#include <string.h>

#include "base/redact.h"
#include "fuzz/claims.h"
#include "fuzz/scripted_redis.h"
#include "slipway/field.h"
#include "store/connections.h"
#include "store/payload.h"
#include "store/queue.h"
#include "store/shown.h"
#include "store/streams.h"
#include "store/tokens.h"
#include "store/verify.h"

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	CLAIM(sodium_init() >= 0, "no libsodium");
	return 0;
}

static enum error_class read_queue(struct redis *redis, struct arena *arena, struct error *error)
{
	struct taken_list list = { .count = 0 };
	struct redisReply *reply = scripted_redis_reply();

	(void)redis;
	enum error_class class = taken_list_read(reply, arena, &list, error);
	for (size_t i = 0; class == ERROR_NONE && i < list.count; i++) {
		const struct taken *taken = &list.items[i];
		bool has_name = taken->kind != TAKEN_BROKEN;
		CLAIM(!has_name || (taken->name.app != NULL && taken->name.step != NULL),
			"no name");
		CLAIM(has_name || (taken->member != NULL && taken->why != NULL), "no reason");
	}
	queue_taken_release(&list);
	reply_free(reply);
	return class;
}

static enum error_class read_payload(struct redis *redis, struct arena *arena, struct error *error)
{
	CLEANUP_PAYLOAD struct payload payload = PAYLOAD_EMPTY;

	(void)arena;
	enum error_class class =
		payload_read(redis, &(struct app_name){ "default", "acme" }, &payload, error);
	if (class == ERROR_NONE)
		CLAIM(cJSON_IsObject(payload.inputs) && cJSON_IsObject(payload.config) &&
				cJSON_IsObject(payload.env) && cJSON_IsObject(payload.secrets),
			"a part is no object");
	return class;
}

static enum error_class take_entry(
	void *context, const struct stream_entry *entry, struct error *error)
{
	(void)error;
	CLAIM(entry->id != NULL && stream_field(entry->fields, "status") != NULL, "no entry");
	(*(size_t *)context)++;
	return ERROR_NONE;
}

static enum error_class read_page(struct redis *redis, struct arena *arena, struct error *error)
{
	const struct stream_query query = {
		.app = { "default", "acme" }, .list = STREAM_HISTORY, .status = "done", .limit = 3
	};
	char next[STREAM_ID_SIZE];
	size_t count = 0;

	(void)arena;
	enum error_class class = stream_page(redis, &query, take_entry, &count, next, error);
	CLAIM(count <= query.limit, "%zu entries", count);
	return class;
}

static enum error_class read_shown(struct redis *redis, struct arena *arena, struct error *error)
{
	static const struct run_name names[] = { { "default", "acme", "hello", "greet" },
		{ "default", "acme", "hello", "note" } };
	struct shown shown = { .names = names, .count = 2, .with_deployment = true };
	char tag[RUN_TAG_SIZE];

	enum error_class class = shown_read(redis, arena, &shown, error);
	if (class == ERROR_NONE)
		shown_tag(&shown, tag);
	return class;
}

static enum error_class read_token(struct redis *redis, struct arena *arena, struct error *error)
{
	static const char *const ids[] = { "0123456789abcdef", "0123456789abcdef0123456789abcdef" };
	struct token token;
	bool valid = false;
	enum error_class class = ERROR_NONE;

	(void)arena;
	for (size_t i = 0; i < ARRAY_LEN(ids) && class == ERROR_NONE; i++) {
		class = token_read(redis, ids[i], &token, &valid, error);
		if (class != ERROR_NONE || !valid)
			continue;
		CLAIM(token.role > ROLE_NONE && token.role <= ROLE_ADMIN, "role %d",
			(int)token.role);
		CLAIM(token.revoked_at == 0, "it was revoked");
		CLAIM(identifier_valid(token.tenant), "tenant %s", token.tenant);
	}
	return class;
}

static enum error_class list_tokens(struct redis *redis, struct arena *arena, struct error *error)
{
	const struct token *tokens = NULL;
	size_t count = 0;
	enum error_class class = token_list(redis, arena, &tokens, &count, error);

	for (size_t i = 1; class == ERROR_NONE && i < count; i++)
		CLAIM(strcmp(tokens[i - 1].id, tokens[i].id) <= 0, "not sorted");
	return class;
}

static enum error_class read_connection(
	struct redis *redis, struct arena *arena, struct error *error)
{
	struct stored_connection stored;
	enum error_class class =
		connection_fetch(redis, "default", "main", true, arena, &stored, error);

	if (class == ERROR_NONE && stored.record != NULL)
		CLAIM(strcmp(stored.connection.name, "main") == 0 &&
				stored.connection.provider != NULL,
			"no connection");
	return class;
}

static enum error_class choose_connection(
	struct redis *redis, struct arena *arena, struct error *error)
{
	const char *name = NULL;
	return connection_choose(redis, &(struct app_name){ "default", "acme" }, "github", "github",
		arena, &name, error);
}

static enum error_class list_connections(
	struct redis *redis, struct arena *arena, struct error *error)
{
	const struct stored_connection *list = NULL;
	size_t count = 0;
	enum error_class class = connection_list_all(redis, NULL, arena, &list, &count, error);

	for (size_t i = 0; class == ERROR_NONE && i < count; i++)
		CLAIM(identifier_valid(list[i].connection.tenant) &&
				identifier_valid(list[i].connection.name),
			"no names");
	return class;
}

static void note_fault(void *context, const char *key, const char *what, bool repaired)
{
	(void)repaired;
	CLAIM(key != NULL && what != NULL && what[0] != '\0', "a fault without words");
	(*(size_t *)context)++;
}

static enum error_class verify(struct redis *redis, struct arena *arena, struct error *error)
{
	size_t found = 0;
	const struct verify_options options = {
		.lease_ms = 30000, .retention_seconds = 60, .found = note_fault, .context = &found
	};
	struct verify_counts counts = { .faults = 0 };

	(void)arena;
	enum error_class class = store_verify(redis, &options, &counts, error);
	CLAIM(class != ERROR_NONE || counts.faults == found, "%zu of %zu faults", found,
		counts.faults);
	return class;
}

static enum error_class (*const readers[])(struct redis *redis, struct arena *arena,
	struct error *error) = { read_queue, read_payload, read_page, read_shown, read_token,
	list_tokens, verify, read_connection, choose_connection, list_connections };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	struct redis *redis = NULL;
	struct error error;

	if (size < 1)
		return -1;
	CLAIM(redis_new("unix:///nowhere", NULL, "fuzz", 100, &redis, &error) == ERROR_NONE, "%s",
		error.message);
	scripted_redis_begin((const char *)data + 1, size - 1);
	if (readers[data[0] % ARRAY_LEN(readers)](redis, &arena, &error) != ERROR_NONE)
		claim_error(&error);
	scripted_redis_end();
	redis_free(redis);
	redact_forget(0);
	return 0;
}
