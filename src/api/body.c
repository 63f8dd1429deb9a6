/*
 * Members of a request body that several modes share. An invalid one is ERROR_INVALID_REQUEST at
 * its JSON pointer. Whether an input suits its step is checked elsewhere, by the table of the
 * step's action.
 */
#include "api/body.h"

#include <math.h>

#include "api/body_secrets.h"
#include "api/media_type.h"
#include "base/identifier.h"
#include "base/text.h"
#include "slipway/field.h"

enum error_class body_identifier_optional(
	const cJSON *body, const char *name, const char **ret_text, struct error *error)
{
	const cJSON *member = json_member(body, name);

	*ret_text = NULL;
	if (member == NULL)
		return ERROR_NONE;
	*ret_text = cJSON_GetStringValue(member);
	if (*ret_text != NULL && identifier_valid(*ret_text))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "%s must be a string that matches %s", name,
		IDENTIFIER_PATTERN);
	return error_at(error, "/%s", name);
}

enum error_class body_parse(const struct request *request, cJSON **ret_body, struct error *error)
{
	if (request->body_too_large)
		return error_set(error, ERROR_PAYLOAD_TOO_LARGE,
			"the body is larger than %zu bytes", REQUEST_BODY_MAX);
	if (media_type_check(request->content_type, request->content_encoding, error) != ERROR_NONE)
		return error->class;
	return json_parse(request->body, request->body_length, JSON_LIMITS_CLIENT, ret_body, error);
}

enum error_class body_identifier(
	const cJSON *body, const char *name, const char **ret_text, struct error *error)
{
	if (body_identifier_optional(body, name, ret_text, error) != ERROR_NONE)
		return error->class;
	if (*ret_text != NULL)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST, "%s is missing", name);
	return error_at(error, "/%s", name);
}

static enum error_class check_booleans(const cJSON *body, struct error *error)
{
	static const char *const names[] = { "force", "hold", "replace" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const cJSON *member = json_member(body, names[i]);
		if (member == NULL || cJSON_IsBool(member))
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "%s must be true or false", names[i]);
		return error_at(error, "/%s", names[i]);
	}

	return ERROR_NONE;
}

static enum error_class check_ids(const cJSON *body, struct error *error)
{
	static const char *const names[] = { "triggerId", "startId" };
	const char *ignored;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (body_identifier_optional(body, names[i], &ignored, error) != ERROR_NONE)
			return error->class;
	return ERROR_NONE;
}

static enum error_class check_version(const cJSON *version, struct error *error)
{
	if (version == NULL ||
		(cJSON_IsNumber(version) && version->valuedouble >= 0 &&
			version->valuedouble <= (double)JSON_INTEGER_MAX &&
			version->valuedouble == floor(version->valuedouble)))
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_REQUEST,
		"configVersion must be the version that a configure returned");
	return error_at(error, "/configVersion");
}

enum error_class body_check_options(const cJSON *body, struct error *error)
{
	const cJSON *inputs = json_member(body, "inputs");

	if (inputs != NULL && !cJSON_IsObject(inputs)) {
		error_set(error, ERROR_INVALID_REQUEST, "inputs must be an object");
		return error_at(error, "/inputs");
	}

	if (check_booleans(body, error) != ERROR_NONE || check_ids(body, error) != ERROR_NONE)
		return error->class;
	return check_version(json_member(body, "configVersion"), error);
}

enum error_class body_check_version(
	const char *app, const struct payload *payload, const cJSON *body, struct error *error)
{
	const cJSON *version = json_member(body, "configVersion");

	if (version == NULL || (int64_t)version->valuedouble == payload->version)
		return ERROR_NONE;
	return error_set(error, ERROR_CONFIG_CHANGED,
		"'%s' has been configured again: its version is %lld, and the request expects %lld",
		app, (long long)payload->version, (long long)version->valuedouble);
}

/* ---- the payload of an app ---- */

static enum error_class check_strings(const cJSON *body, const char *part, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, json_member(body, part)) {
		if (cJSON_IsString(member) || cJSON_IsNull(member))
			continue;
		error_set(error, ERROR_INVALID_REQUEST,
			"a member of %s must be a string, or null to delete it", part);
		char place[16];
		text_format(place, sizeof(place), "/%s", part);
		return error_at_member(error, place, member->string);
	}

	return ERROR_NONE;
}

/* All parts are objects; the members of env are strings. */
static enum error_class check_parts(const cJSON *body, struct error *error)
{
	static const char *const names[] = { "inputs", "config", "env", "secrets", "connections" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const cJSON *part = json_member(body, names[i]);
		if (part == NULL || cJSON_IsObject(part))
			continue;
		error_set(error, ERROR_INVALID_REQUEST, "%s must be an object", names[i]);
		return error_at(error, "/%s", names[i]);
	}

	return check_strings(body, "env", error) == ERROR_NONE
		? check_strings(body, "connections", error)
		: error->class;
}

enum error_class body_payload(const struct service *service, const char *app, cJSON *body,
	struct payload *ret_changes, struct error *error)
{
	if (check_parts(body, error) != ERROR_NONE)
		return error->class;
	*ret_changes = (struct payload){ .inputs = json_member_mutable(body, "inputs"),
		.config = json_member_mutable(body, "config"),
		.env = json_member_mutable(body, "env"),
		.connections = json_member_mutable(body, "connections") };
	return body_secrets_seal(service, app, body, ret_changes, error);
}

enum error_class app_payload_read(const struct service *service, const char *app,
	struct payload *ret_payload, struct error *error)
{
	const struct app_name name = service_app(service, app);
	return payload_read(service->redis, &name, ret_payload, error);
}
