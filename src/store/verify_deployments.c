/*
 * Asks a script of each deployment whether it is what its steps are, and one of each set of users
 * which of them are not there.
 */
#include "store/verify_deployments.h"

#include <string.h>

#include "base/text.h"
#include "core/deployment.h"
#include "slipway/field.h"
#include "store/run_eval.h"

#define USERS_PREFIX KEY_PREFIX "users:"

/* Whether the key is that of a deployment, whose names are then in parts. */
static bool split_deployment(const char *key, char parts[MEMBER_SIZE], struct run_name *ret_name)
{
	return text_has_prefix(key, KEY_APP_PREFIX) &&
		text_copy(parts, MEMBER_SIZE, key + strlen(KEY_APP_PREFIX)) &&
		member_split_any(parts, ret_name) &&
		strcmp(ret_name->step, DEPLOYMENT_STEP_ID) == 0;
}

static enum error_class verify_state(struct redis *redis, const struct run_name *name, bool repair,
	const struct deployment_visitor *visitor, struct error *error)
{
	const struct script_argument arguments[] = {
		{ "app", .text = name->app },
		{ "workflow", .text = name->workflow },
		{ "repair", .text = repair ? "1" : "" },
	};
	const struct script_call call = { SCRIPT_SETTLE, 0, NULL, ARRAY_LEN(arguments), arguments };
	CLEANUP_REPLY struct redisReply *reply = NULL;

	if (run_eval(redis, name, &call, &reply, error) != ERROR_NONE)
		return error->class;
	const char *what = reply_text(reply_item(reply, 0));
	if (what[0] != '\0')
		visitor->found(visitor->context, what, reply_text(reply_item(reply, 1))[0] != '\0');
	return ERROR_NONE;
}

static enum error_class verify_users(struct redis *redis, const char *key, bool repair,
	const struct deployment_visitor *visitor, struct error *error)
{
	const struct script_argument argument = { "repair", .text = repair ? "1" : "" };
	const struct script_call call = { SCRIPT_STRAYS, 1, &key, 1, &argument };
	CLEANUP_REPLY struct redisReply *strays = NULL;

	if (script_call(redis, &call, &strays, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < reply_count(strays); i++) {
		char what[256];
		text_format(what, sizeof(what), "its user '%.200s' is none that there is",
			reply_text(reply_item(strays, i)));
		visitor->found(visitor->context, what, repair);
	}

	return ERROR_NONE;
}

enum error_class deployment_verify(struct redis *redis, const char *key, bool repair,
	const struct deployment_visitor *visitor, struct error *error)
{
	char parts[MEMBER_SIZE];
	struct run_name name;

	if (split_deployment(key, parts, &name))
		return verify_state(redis, &name, repair, visitor, error);
	return text_has_prefix(key, USERS_PREFIX) ? verify_users(redis, key, repair, visitor, error)
						  : ERROR_NONE;
}
