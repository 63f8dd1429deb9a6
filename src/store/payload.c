/*
 * Reads and merges what is cached for an app. A merge is optimistic: it is written only if nobody
 * changed the payload since it was read, and tried again a few times.
 */
#include "store/payload.h"

#include <string.h>

#include "base/text.h"
#include "core/input.h"
#include "slipway/field.h"
#include "store/run_eval.h"
#include "store/shared_secrets.h"

#define TRIES 8

static const struct field parts[] = {
	{ FIELD_ROW("inputs", FIELD_JSON, struct payload, inputs, cJSON *) },
	{ FIELD_ROW("config", FIELD_JSON, struct payload, config, cJSON *) },
	{ FIELD_ROW("env", FIELD_JSON, struct payload, env, cJSON *) },
	{ FIELD_ROW("secrets", FIELD_JSON, struct payload, secrets, cJSON *) },
};
#define PART_COUNT ARRAY_LEN(parts)

static cJSON **part_of(struct payload *payload, size_t index)
{
	return (cJSON **)(void *)((char *)payload + parts[index].offset);
}

static const cJSON *change_of(const struct payload *changes, size_t index)
{
	return *(cJSON *const *)(const void *)((const char *)changes + parts[index].offset);
}

void payload_release(struct payload *payload)
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		cJSON_Delete(*part_of(payload, i));
		*part_of(payload, i) = NULL;
	}
}

/* What stands in Redis was written by us; if a hand has broken it, the error names the field. */
static enum error_class read_part(
	const char *app, const char *name, const char *text, cJSON **ret_json, struct error *error)
{
	if (text[0] == '\0') {
		*ret_json = cJSON_CreateObject();
		return *ret_json != NULL
			? ERROR_NONE
			: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a payload");
	}

	enum error_class class = json_parse(text, strlen(text), JSON_LIMITS_WIDE, ret_json, error);
	if (class == ERROR_NONE || class == ERROR_OUT_OF_MEMORY)
		return class;
	error_set(error, ERROR_INTERNAL, "the field '%s' of the payload of '%s' is not valid JSON",
		name, app);
	return error_remedy(error, NULL,
		"Configure the app again; if that fails too, delete the key and configure it.");
}

/* As it is stored: with references to shared secrets. */
static enum error_class read_stored(
	struct redis *redis, const char *app, struct payload *ret_payload, struct error *error)
{
	struct run_keys keys;

	run_keys_make(&keys, &(struct run_name){ app, NULL, NULL });
	const char *words[3 + PART_COUNT] = { "HMGET", keys.list[RUN_KEY_PAYLOAD] };
	for (size_t i = 0; i < PART_COUNT; i++)
		words[2 + i] = parts[i].name;
	words[2 + PART_COUNT] = "version";
	CLEANUP_REPLY struct redisReply *reply = NULL;
	*ret_payload = (struct payload){ .version = 0 };
	if (redis_command(redis, 3 + PART_COUNT, words, &reply, error) != ERROR_NONE)
		return error->class;
	enum error_class class = ERROR_NONE;
	for (size_t i = 0; class == ERROR_NONE && i < PART_COUNT; i++)
		class = read_part(app, parts[i].name, reply_text(reply_item(reply, i)),
			part_of(ret_payload, i), error);
	ret_payload->version = reply_integer(reply_item(reply, PART_COUNT));
	if (class != ERROR_NONE)
		payload_release(ret_payload);
	return class;
}

enum error_class payload_read(
	struct redis *redis, const char *app, struct payload *ret_payload, struct error *error)
{
	if (read_stored(redis, app, ret_payload, error) != ERROR_NONE)
		return error->class;
	enum error_class class = shared_secrets_resolve(redis, ret_payload->secrets, error);
	if (class != ERROR_NONE)
		payload_release(ret_payload);
	return class;
}

static enum error_class print_part(const cJSON *part, const char *name, struct arena *arena,
	const char **ret_text, struct error *error)
{
	*ret_text = json_print(arena, part);
	if (*ret_text == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a payload");
	if (strlen(*ret_text) <= PAYLOAD_MAX)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "with what is cached it is larger than %zu bytes",
		PAYLOAD_MAX);
	error_remedy(error, NULL, "Configure less, or give null for what is not needed any more.");
	return error_at(error, "/%s", name);
}

static enum error_class write_payload(struct redis *redis, const char *app, struct payload *payload,
	int64_t retention_seconds, bool *ret_written, struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const struct run_name name = { app, NULL, NULL };
	struct script_argument arguments[3 + PART_COUNT] = { { "version",
								     .integer = &payload->version },
		{ "app", .text = app }, { "retention", .integer = &retention_seconds } };
	const struct script_call call = { SCRIPT_CONFIGURE, 0, NULL, ARRAY_LEN(arguments),
		arguments };

	for (size_t i = 0; i < PART_COUNT; i++) {
		struct script_argument *part = &arguments[3 + i];
		part->name = parts[i].name;
		if (print_part(*part_of(payload, i), part->name, &arena, &part->text, error) !=
			ERROR_NONE)
			return error->class;
	}

	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	*ret_written = strcmp(reply_text(reply_item(reply, 0)), "written") == 0;
	if (*ret_written)
		payload->version = reply_integer(reply_item(reply, 1));
	return ERROR_NONE;
}

/* Merges into a copy: what says the same afterwards stays as it is written, so that its version
 * stays, too. */
static enum error_class apply_part(cJSON **part, const cJSON *change, struct error *error)
{
	char before[DIGEST_SIZE], after[DIGEST_SIZE];
	cJSON *merged = cJSON_Duplicate(*part, true);

	if (merged == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to merge a payload");
	if (json_merge(&merged, change, error) != ERROR_NONE ||
		json_digest(*part, before, error) != ERROR_NONE ||
		json_digest(merged, after, error) != ERROR_NONE) {
		cJSON_Delete(merged);
		return error->class;
	}

	bool changed = strcmp(before, after) != 0;
	cJSON_Delete(changed ? *part : merged);
	if (changed)
		*part = merged;
	return ERROR_NONE;
}

/* The api cannot open the app's own secret, so it cannot share it; and replacing it would lose it.
 */
static enum error_class refuse_own(const char *name, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "the app has another secret '%s' already", name);
	error_remedy(error, NULL,
		"Delete it with null, then ask for the shared one; or replace it at once with "
		"\"anew\": true, which makes a new value for all apps that share it.");
	error_at(error, "/secrets");
	json_pointer_append(error->place, sizeof(error->place), name);
	return error->class;
}

/* Whoever made one first has made it for all: the others' is dropped. */
static enum error_class apply_generated(cJSON *secrets, const cJSON *generated, struct error *error)
{
	const cJSON *secret;

	cJSON_ArrayForEach (secret, generated) {
		const char *own = json_member_string(secrets, secret->string);
		bool is_shared = secret_shared_name(secret->valuestring) != NULL;
		if (own != NULL && is_shared && !secret_shares(own, secret->valuestring))
			return refuse_own(secret->string, error);
		if (own == NULL &&
			!json_add(secrets, secret->string, cJSON_CreateString(secret->valuestring)))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	}

	return ERROR_NONE;
}

enum error_class payload_apply(
	struct payload *payload, const struct payload *changes, struct error *error)
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		const cJSON *change = change_of(changes, i);
		if (change != NULL && apply_part(part_of(payload, i), change, error) != ERROR_NONE)
			return error->class;
	}
	return apply_generated(payload->secrets, changes->generated, error);
}

static bool changes_nothing(const struct payload *changes)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (change_of(changes, i) != NULL)
			return false;
	return changes->generated == NULL;
}

enum error_class payload_merge(struct redis *redis, const char *app, const struct payload *changes,
	int64_t retention_seconds, struct payload *ret_payload, struct error *error)
{
	/* Nothing to change is a way to read. */
	if (changes_nothing(changes))
		return payload_read(redis, app, ret_payload, error);
	for (int tries = 0; tries < TRIES; tries++) {
		bool written = false;
		if (read_stored(redis, app, ret_payload, error) != ERROR_NONE)
			return error->class;
		enum error_class class = payload_apply(ret_payload, changes, error);
		if (class == ERROR_NONE)
			class = write_payload(
				redis, app, ret_payload, retention_seconds, &written, error);
		if (class == ERROR_NONE && written)
			return ERROR_NONE;
		payload_release(ret_payload);
		if (class != ERROR_NONE)
			return class;
	}

	error_set(error, ERROR_STORE_UNAVAILABLE,
		"others configure '%s' at the same time, again and again", app);
	error->retry_after_ms = 1000;
	return error->class;
}

/* What stands for a shared secret in the app's payload leads to the tenant's. */
static enum error_class read_shared(struct redis *redis, const char *shared, struct arena *arena,
	struct stored_secret *ret_secret, struct error *error)
{
	char *owner = arena_allocate(arena, SECRET_OWNER_SIZE);
	const char *name = arena_string(arena, shared);

	if (owner == NULL || name == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	secret_shared_owner(owner, TENANT_DEFAULT);
	ret_secret->name = (struct secret_name){ owner, name };
	return shared_secret_read(redis, name, arena, &ret_secret->sealed, error);
}

enum error_class payload_secret(struct redis *redis, const struct secret_name *name,
	struct arena *arena, struct stored_secret *ret_secret, struct error *error)
{
	struct run_keys keys;

	run_keys_make(&keys, &(struct run_name){ name->app, NULL, NULL });
	const char *const words[] = { "HGET", keys.list[RUN_KEY_PAYLOAD], "secrets" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	CLEANUP_JSON cJSON *secrets = NULL;
	*ret_secret = (struct stored_secret){ .name = *name };
	if (redis_command(redis, 3, words, &reply, error) != ERROR_NONE)
		return error->class;
	if (read_part(name->app, "secrets", reply_text(reply), &secrets, error) != ERROR_NONE)
		return error->class;
	const char *text = json_member_string(secrets, name->name);
	const char *shared = secret_shared_name(text);
	if (text == NULL)
		return ERROR_NONE;
	if (shared != NULL)
		return read_shared(redis, shared, arena, ret_secret, error);
	ret_secret->sealed = arena_string(arena, text);
	if (ret_secret->sealed == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	return ERROR_NONE;
}
