/*
 * POST /api/deploy: decodes the body and passes it to its mode. What no mode accepts is refused
 * here, before a handler sees the body: another media type, malformed JSON, members that the mode
 * does not have.
 */
#include <string.h>

#include "api/media_type.h"
#include "api/mode.h"
#include "api/route.h"
#include "base/text.h"
#include "slipway/field.h"

/* All modes, in the order in which refusals list them. A new one is a file mode_*.c and a line
 * here. */
/* clang-format off */
#define MODES(MODE)     \
	MODE(start)     \
	MODE(retry)     \
	MODE(skip)      \
	MODE(trigger)   \
	MODE(poll)      \
	MODE(configure) \
	MODE(cancel)    \
	MODE(plan)      \
	MODE(validate)

#define DECLARED(name) extern const struct mode mode_##name;
#define LISTED(name)   &mode_##name,
/* clang-format on */

MODES(DECLARED)

static const struct mode *const modes[] = { MODES(LISTED) };

/* Every mode has these. */
static const char *const common_members[] = { "mode", "appId", NULL };

static bool is_listed(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static enum error_class refuse_member(
	const struct mode *mode, const char *name, struct error *error)
{
	char names[160] = "mode, appId";

	for (const char *const *member = mode->members; *member != NULL; member++)
		text_append(names, sizeof(names), ", %s", *member);
	error_set(
		error, ERROR_INVALID_REQUEST, "mode '%s' does not accept this member", mode->name);
	error_remedy(error, NULL, "Its members are %s.", names);
	error_at(error, "%s", "");
	json_pointer_append(error->place, sizeof(error->place), name);
	return error->class;
}

static enum error_class check_members(
	const struct mode *mode, const cJSON *body, struct error *error)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, body) {
		if (!is_listed(common_members, member->string) &&
			!is_listed(mode->members, member->string))
			return refuse_member(mode, member->string, error);
	}

	return ERROR_NONE;
}

static enum error_class refuse_mode(struct error *error)
{
	char names[160] = "";

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		text_append(names, sizeof(names), "%s%s", i > 0 ? ", " : "", modes[i]->name);
	error_set(error, ERROR_INVALID_REQUEST, "mode must be one of %s", names);
	return error_at(error, "/mode");
}

static enum error_class find_mode(
	const cJSON *body, const struct mode **ret_mode, struct error *error)
{
	if (!cJSON_IsObject(body))
		return error_set(error, ERROR_INVALID_REQUEST, "the body must be an object");
	const char *name = json_member_string(body, "mode");
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(modes); i++) {
		if (strcmp(modes[i]->name, name) != 0)
			continue;
		*ret_mode = modes[i];
		return check_members(modes[i], body, error);
	}

	return refuse_mode(error);
}

static enum error_class handle_body(const struct service *service, const struct request *request,
	cJSON *body, struct response *response, struct error *error)
{
	const struct mode *mode = NULL;
	enum error_class class = find_mode(body, &mode, error);

	response_subject(response, body);
	if (mode == NULL)
		return class;
	text_copy(response->subject.mode, sizeof(response->subject.mode), mode->name);
	response->subject.reads = mode->reads;
	return class == ERROR_NONE ? mode->handle(service, request, body, response, error) : class;
}

static enum error_class handle_deploy(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *body = NULL;

	if (request->body_too_large)
		return error_set(error, ERROR_PAYLOAD_TOO_LARGE,
			"the body is larger than %zu bytes", REQUEST_BODY_MAX);
	if (media_type_check(request->content_type, request->content_encoding, error) !=
			ERROR_NONE ||
		json_parse(request->body, request->body_length, JSON_LIMITS_CLIENT, &body, error) !=
			ERROR_NONE)
		return error->class;
	return handle_body(service, request, body, response, error);
}

const struct route route_deploy = {
	.method = "POST", .path = "/api/deploy", .handle = handle_deploy
};
