/*
 * POST /api/deploy: decodes the body and passes it to its mode. What no mode accepts is refused
 * here, before a handler sees the body: another media type, malformed JSON, members that the mode
 * does not have.
 */
#include <string.h>

#include "api/authorise.h"
#include "api/body.h"
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
	return error_at_member(error, "", name);
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

const struct mode *mode_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i]->name, name) == 0)
			return modes[i];
	return NULL;
}

static enum error_class find_mode(
	const cJSON *body, const struct mode **ret_mode, struct error *error)
{
	if (!cJSON_IsObject(body))
		return error_set(error, ERROR_INVALID_REQUEST, "the body must be an object");
	const char *name = json_member_string(body, "mode");
	*ret_mode = name != NULL ? mode_find(name) : NULL;
	return *ret_mode != NULL ? check_members(*ret_mode, body, error) : refuse_mode(error);
}

/* A body whose appId is none is refused by its mode, which looks at no app then. */
static enum error_class check_caller(const struct service *service, const struct mode *mode,
	const cJSON *body, struct error *error)
{
	const struct token *caller = service->caller;
	char what[32];
	const char *app = json_member_string(body, "appId");

	text_format(what, sizeof(what), "the mode %s", mode->name);
	if (caller_check_mode(caller, mode->name, error) != ERROR_NONE ||
		caller_check_role(caller, mode->role, what, error) != ERROR_NONE)
		return error->class;
	if (app != NULL && caller_check_app(caller, app, error) != ERROR_NONE)
		return error->class;
	return caller_check_references(service, body, error);
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
	if (class != ERROR_NONE || check_caller(service, mode, body, error) != ERROR_NONE)
		return error->class;
	return mode->handle(service, request, body, response, error);
}

static enum error_class handle_deploy(const struct service *service, const struct request *request,
	struct response *response, struct error *error)
{
	CLEANUP_JSON cJSON *body = NULL;

	if (body_parse(request, &body, error) != ERROR_NONE)
		return error->class;
	return handle_body(service, request, body, response, error);
}

const struct route route_deploy = { .method = "POST",
	.path = "/api/deploy",
	.role = ROLE_READ,
	.mode = "",
	.handle = handle_deploy };
