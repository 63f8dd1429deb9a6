/*
 * Reads and merges what is cached for an app. A merge is optimistic: it is written only if nobody
 * changed the payload since it was read, and tried again a few times.
 */
#include "store/payload.h"

#include <string.h>

#include "core/input.h"
#include "slipway/field.h"
#include "store/budgets.h"
#include "store/run_eval.h"
#include "store/shared_secrets.h"

#define TRIES  8
#define WISHES "wishes"

static const struct field parts[] = {
	{ FIELD_ROW("inputs", FIELD_JSON, struct payload, inputs, cJSON *) },
	{ FIELD_ROW("config", FIELD_JSON, struct payload, config, cJSON *) },
	{ FIELD_ROW("env", FIELD_JSON, struct payload, env, cJSON *) },
	{ FIELD_ROW("secrets", FIELD_JSON, struct payload, secrets, cJSON *) },
	{ FIELD_ROW("connections", FIELD_JSON, struct payload, connections, cJSON *) },
	{ FIELD_ROW(WISHES, FIELD_JSON, struct payload, wishes, cJSON *) },
};
#define PART_COUNT   ARRAY_LEN(parts)
#define MERGED_COUNT (PART_COUNT - 1) /* wishes follow the secrets */

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

static bool is_whole(struct payload *payload)
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		if (*part_of(payload, i) != NULL)
			continue;
		payload_release(payload);
		return false;
	}
	return true;
}

bool payload_make_empty(struct payload *payload)
{
	*payload = (struct payload){ .version = 0 };
	for (size_t i = 0; i < PART_COUNT; i++)
		*part_of(payload, i) = cJSON_CreateObject();
	return is_whole(payload);
}

bool payload_copy(struct payload *ret_copy, const struct payload *payload)
{
	*ret_copy = *payload;
	ret_copy->generated = NULL;
	for (size_t i = 0; i < PART_COUNT; i++)
		*part_of(ret_copy, i) = cJSON_Duplicate(change_of(payload, i), true);
	return is_whole(ret_copy);
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
	if (class == ERROR_OUT_OF_MEMORY || (class == ERROR_NONE && cJSON_IsObject(*ret_json)))
		return class;
	error_set(error, ERROR_INTERNAL, "the field '%s' of the payload of '%s' is no JSON object",
		name, app);
	return error_remedy(error, NULL,
		"Configure the app again; if that fails too, delete the key and configure it.");
}

/* As it is stored: with references to shared secrets. */
static enum error_class read_stored(struct redis *redis, const struct app_name *app,
	struct payload *ret_payload, struct error *error)
{
	char key[KEY_SIZE];
	const char *words[4 + PART_COUNT] = { "HMGET", key };

	app_key_make(key, app, "payload");
	for (size_t i = 0; i < PART_COUNT; i++)
		words[2 + i] = parts[i].name;
	words[2 + PART_COUNT] = "version";
	words[3 + PART_COUNT] = "changed_at";
	CLEANUP_REPLY struct redisReply *reply = NULL;
	*ret_payload = (struct payload){ .version = 0 };
	if (redis_command(redis, ARRAY_LEN(words), words, &reply, error) != ERROR_NONE)
		return error->class;
	enum error_class class = ERROR_NONE;
	for (size_t i = 0; class == ERROR_NONE && i < PART_COUNT; i++) {
		const char *text = reply_text(reply_item(reply, i));
		ret_payload->size += strlen(text);
		class = read_part(app->app, parts[i].name, text, part_of(ret_payload, i), error);
	}
	ret_payload->version = reply_integer(reply_item(reply, PART_COUNT));
	ret_payload->changed_at = reply_integer(reply_item(reply, PART_COUNT + 1));
	if (class != ERROR_NONE)
		payload_release(ret_payload);
	return class;
}

enum error_class payload_read(struct redis *redis, const struct app_name *app,
	struct payload *ret_payload, struct error *error)
{
	if (read_stored(redis, app, ret_payload, error) != ERROR_NONE)
		return error->class;
	enum error_class class = shared_secrets_resolve(
		redis, app->tenant, ret_payload->secrets, &ret_payload->is_shared, error);
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
	return error_at(error, "/%s", strcmp(name, WISHES) == 0 ? "secrets" : name);
}

static enum error_class write_payload(struct redis *redis, const struct app_name *app,
	struct payload *payload, const char *budgets, int64_t retention_seconds, bool *ret_written,
	struct error *error)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const struct run_name name = { app->tenant, app->app, NULL, NULL };
	struct script_argument arguments[4 + PART_COUNT] = {
		{ "version", .integer = &payload->version }, { "app", .text = app->app },
		{ "retention", .integer = &retention_seconds }, { "budgets", .text = budgets }
	};
	const struct script_call call = { SCRIPT_CONFIGURE, 0, NULL, ARRAY_LEN(arguments),
		arguments };

	for (size_t i = 0; i < PART_COUNT; i++) {
		struct script_argument *part = &arguments[4 + i];
		part->name = parts[i].name;
		if (print_part(*part_of(payload, i), part->name, &arena, &part->text, error) !=
			ERROR_NONE)
			return error->class;
	}

	if (run_eval(redis, &name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	if (strcmp(reply_text(reply_item(reply, 0)), "over") == 0)
		return budget_refuse(reply_item(reply, 2), error);
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
	return error_at_member(error, "/secrets", name);
}

/* Keeps how a secret was asked for, in the place of what is known of another value. */
static bool keep_wish(struct payload *payload, const struct payload *changes, const char *name)
{
	const cJSON *wish = json_member(changes->wishes, name);

	cJSON_DeleteItemFromObjectCaseSensitive(payload->wishes, name);
	return wish == NULL || json_add(payload->wishes, name, cJSON_Duplicate(wish, true));
}

/* What somebody gives or deletes, we have not made. */
static enum error_class apply_wishes(
	struct payload *payload, const struct payload *changes, struct error *error)
{
	const cJSON *secret;

	cJSON_ArrayForEach (secret, changes->secrets) {
		if (!keep_wish(payload, changes, secret->string))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	}
	return ERROR_NONE;
}

/* Whoever made one first has made it for all: the others' is dropped, and so is what was asked for
 * then. */
static enum error_class apply_generated(
	struct payload *payload, const struct payload *changes, struct error *error)
{
	const cJSON *secret;

	cJSON_ArrayForEach (secret, changes->generated) {
		const char *name = secret->string,
			   *own = json_member_string(payload->secrets, name);
		bool is_shared = secret_shared_name(secret->valuestring) != NULL;
		if (own != NULL && is_shared && !secret_shares(own, secret->valuestring))
			return refuse_own(name, error);
		if (own != NULL)
			continue;
		if (!json_add(payload->secrets, name, cJSON_CreateString(secret->valuestring)) ||
			!keep_wish(payload, changes, name))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	}

	return ERROR_NONE;
}

enum error_class payload_apply(
	struct payload *payload, const struct payload *changes, struct error *error)
{
	for (size_t i = 0; i < MERGED_COUNT; i++) {
		const cJSON *change = change_of(changes, i);
		if (change != NULL && apply_part(part_of(payload, i), change, error) != ERROR_NONE)
			return error->class;
	}
	if (apply_wishes(payload, changes, error) != ERROR_NONE)
		return error->class;
	return apply_generated(payload, changes, error);
}

static bool changes_nothing(const struct payload *changes)
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (change_of(changes, i) != NULL)
			return false;
	return changes->generated == NULL;
}

enum error_class payload_merge(struct redis *redis, const struct app_name *app,
	const struct payload *changes, int64_t retention_seconds, struct payload *ret_payload,
	struct error *error)
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
			class = write_payload(redis, app, ret_payload, changes->budgets,
				retention_seconds, &written, error);
		if (class == ERROR_NONE && written)
			return ERROR_NONE;
		payload_release(ret_payload);
		if (class != ERROR_NONE)
			return class;
	}

	error_set(error, ERROR_STORE_UNAVAILABLE,
		"others configure '%s' at the same time, again and again", app->app);
	error->retry_after_ms = 1000;
	return error->class;
}

/* What stands for a shared secret in the app's payload leads to the tenant's. */
static enum error_class read_shared(struct redis *redis, const char *tenant, const char *shared,
	struct arena *arena, struct stored_secret *ret_secret, struct error *error)
{
	const char *name = arena_string(arena, shared);

	if (name == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	ret_secret->name = (struct secret_name){ tenant, SECRET_SHARED_APP, name };
	return shared_secret_read(redis, tenant, name, arena, &ret_secret->sealed, error);
}

enum error_class payload_secret(struct redis *redis, const struct secret_name *name,
	struct arena *arena, struct stored_secret *ret_secret, struct error *error)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGET", key, "secrets" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	CLEANUP_JSON cJSON *secrets = NULL;

	app_key_make(key, &(struct app_name){ name->tenant, name->app }, "payload");
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
		return read_shared(redis, name->tenant, shared, arena, ret_secret, error);
	ret_secret->sealed = arena_string(arena, text);
	if (ret_secret->sealed == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
	return ERROR_NONE;
}
