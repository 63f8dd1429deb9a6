/*
 * Seals and generates the secrets of a body. A generated one is made for every request that asks
 * for it, and thrown away where the app, or another app that shares it, has one by then: whether it
 * has is known only when the payload is written. So is one that is given for an app that has none.
 */
#include "api/body_secrets.h"

#include "api/authorise.h"
#include "core/generated_secret.h"
#include "core/secret.h"
#include "store/shared_secrets.h"

/* Added to the body: what is generated, and how it was asked for, by the names of the app; and what
 * is shared, by its own names. No client can send them, for a mode has no such members. */
#define GENERATED   "(generated)"
#define SHARED      "(shared)"
#define SHARED_ANEW "(shared anew)"
#define WISHES      "(wishes)"

#define INITIAL "initial"

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
}

/* The member of the body, an object; it is added where it is not there yet. */
static cJSON *part_of(cJSON *body, const char *name)
{
	cJSON *part = json_member_mutable(body, name);
	return part != NULL ? part : cJSON_AddObjectToObject(body, name);
}

static bool put_text(cJSON *object, const char *name, const char *text)
{
	return object != NULL && json_add(object, name, cJSON_CreateString(text));
}

static enum error_class generate(const struct service *service, const struct secret_name *name,
	const struct generated_secret *secret, const char **ret_sealed, struct error *error)
{
	const char *value = generated_secret_make(secret, service->arena);
	return value != NULL ? secret_seal(service->settings->secrets_public_key, name, value,
				       service->arena, ret_sealed, error)
			     : no_memory(error);
}

/* Makes a value for a shared secret, once where the body names it for several secrets of the app.
 * What the app itself has is a reference to it. */
static enum error_class generate_shared(const struct service *service, cJSON *body,
	const struct generated_secret *secret, const char **ret_reference, struct error *error)
{
	const struct secret_name name = { service->tenant, SECRET_SHARED_APP, secret->shared };
	const char *sealed;
	cJSON *part = part_of(body, secret->anew ? SHARED_ANEW : SHARED);

	*ret_reference = secret_shared_text(service->arena, secret->shared, NULL);
	if (*ret_reference == NULL)
		return no_memory(error);
	if (json_member(part, secret->shared) != NULL)
		return ERROR_NONE;
	if (generate(service, &name, secret, &sealed, error) != ERROR_NONE)
		return error->class;
	return put_text(part, secret->shared, sealed) ? ERROR_NONE : no_memory(error);
}

/* Keeps how it was asked for, so that it can be asked for again elsewhere. */
static enum error_class put_wish(cJSON *body, const cJSON *wish, struct error *error)
{
	cJSON *part = part_of(body, WISHES);
	cJSON *copy = cJSON_Duplicate(wish, true);

	cJSON_DeleteItemFromObjectCaseSensitive(copy, "anew");
	if (part != NULL)
		return json_add(part, wish->string, copy) ? ERROR_NONE : no_memory(error);
	cJSON_Delete(copy);
	return no_memory(error);
}

/* Replaces what the body asks for by its text: among the secrets where it replaces the one that is
 * there, else apart. */
static enum error_class put_generated(cJSON *body, cJSON *secrets, cJSON *wish, const char *text,
	bool replaces, struct error *error)
{
	if (!replaces) {
		if (!put_text(part_of(body, GENERATED), wish->string, text))
			return no_memory(error);
		cJSON_Delete(cJSON_DetachItemViaPointer(secrets, wish));
		return ERROR_NONE;
	}

	cJSON *value = cJSON_CreateString(text);
	if (value != NULL && cJSON_ReplaceItemInObjectCaseSensitive(secrets, wish->string, value))
		return ERROR_NONE;
	cJSON_Delete(value);
	return no_memory(error);
}

static enum error_class seal_wish(const struct service *service, const char *app, cJSON *body,
	cJSON *secrets, cJSON *wish, const char *place, struct error *error)
{
	const struct secret_name name = { service->tenant, app, wish->string };
	struct generated_secret secret;
	const char *text = NULL;

	if (generated_secret_read(wish, place, service->arena, &secret, error) != ERROR_NONE)
		return error->class;
	if (secret.shared != NULL && caller_check_shared(service->caller, error) != ERROR_NONE)
		return error->class;
	/* An invalid name of the app's own is refused for shared ones, too. */
	if (generate(service, &name, &secret, &text, error) != ERROR_NONE ||
		(secret.shared != NULL &&
			generate_shared(service, body, &secret, &text, error) != ERROR_NONE))
		return error->class;
	if (put_wish(body, wish, error) != ERROR_NONE)
		return error->class;
	return put_generated(body, secrets, wish, text, secret.anew, error);
}

/* {"initial": "value"}: for an app that has none of that name. */
static enum error_class seal_initial(const struct service *service, const char *app, cJSON *body,
	cJSON *secrets, cJSON *secret, struct error *error)
{
	const struct secret_name name = { service->tenant, app, secret->string };
	const char *value = json_member_string(secret, INITIAL), *sealed;

	if (value == NULL || cJSON_GetArraySize(secret) != 1) {
		error_set(error, ERROR_INVALID_REQUEST,
			"'" INITIAL "' must be a string, and stand alone");
		return error_remedy(error, NULL,
			"Write {\"" INITIAL
			"\": \"VALUE\"} for a secret that the app gets if it has "
			"none of that name.");
	}
	if (secret_seal(service->settings->secrets_public_key, &name, value, service->arena,
		    &sealed, error) != ERROR_NONE)
		return error->class;
	return put_generated(body, secrets, secret, sealed, false, error);
}

static enum error_class seal_given(
	const struct service *service, const char *app, cJSON *secret, struct error *error)
{
	const struct secret_name name = { service->tenant, app, secret->string };
	const char *sealed;

	if (cJSON_IsNull(secret)) /* it deletes one */
		return ERROR_NONE;
	if (!cJSON_IsString(secret))
		return error_set(error, ERROR_INVALID_REQUEST,
			"a member of secrets must be a string, null to delete it, or an object "
			"that says how to generate it or what it is at first");
	if (secret_seal(service->settings->secrets_public_key, &name, secret->valuestring,
		    service->arena, &sealed, error) != ERROR_NONE)
		return error->class;
	return cJSON_SetValuestring(secret, sealed) != NULL ? ERROR_NONE : no_memory(error);
}

static enum error_class seal_any(const struct service *service, const char *app, cJSON *body,
	cJSON *secret, const char *place, struct error *error)
{
	cJSON *secrets = json_member_mutable(body, "secrets");

	if (json_member(secret, INITIAL) != NULL)
		return seal_initial(service, app, body, secrets, secret, error);
	return cJSON_IsObject(secret) ? seal_wish(service, app, body, secrets, secret, place, error)
				      : seal_given(service, app, secret, error);
}

enum error_class body_secrets_seal(const struct service *service, const char *app, cJSON *body,
	struct payload *ret_changes, struct error *error)
{
	cJSON *secrets = json_member_mutable(body, "secrets");

	for (cJSON *secret = secrets != NULL ? secrets->child : NULL, *next; secret != NULL;
		secret = next) {
		char place[JSON_POINTER_SIZE] = "/secrets";
		next = secret->next;
		json_pointer_append(place, sizeof(place), secret->string);
		if (seal_any(service, app, body, secret, place, error) == ERROR_NONE)
			continue;
		if (error->place[0] == '\0')
			error_at(error, "%s", place);
		return error->class;
	}

	ret_changes->secrets = secrets;
	ret_changes->generated = json_member_mutable(body, GENERATED);
	ret_changes->wishes = json_member_mutable(body, WISHES);
	return ERROR_NONE;
}

static enum error_class share_all(
	const struct service *service, const cJSON *secrets, bool anew, struct error *error)
{
	const cJSON *secret;

	cJSON_ArrayForEach (secret, secrets) {
		const struct shared_secret shared = { secret->string, secret->valuestring, anew };
		if (shared_secret_store(service->redis, service->tenant, &shared, error) !=
			ERROR_NONE)
			return error_at(error, "/secrets");
	}
	return ERROR_NONE;
}

enum error_class body_secrets_share(
	const struct service *service, const cJSON *body, struct error *error)
{
	if (share_all(service, json_member(body, SHARED_ANEW), false, error) != ERROR_NONE)
		return error->class;
	return share_all(service, json_member(body, SHARED), false, error);
}

enum error_class body_secrets_replace(
	const struct service *service, const cJSON *body, struct error *error)
{
	return share_all(service, json_member(body, SHARED_ANEW), true, error);
}
