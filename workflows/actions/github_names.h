/*
 * Names as GitHub defines them, for the actions that take a repository as owner/name.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_NAMES_H
#define WORKFLOWS_ACTIONS_GITHUB_NAMES_H

#include <ctype.h>
#include <string.h>

#include "slipway/action.h"

#define REPOSITORY_PATTERN "^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$"
#define REPOSITORY_FORM    "owner/name, such as acme/website"
/* Git allows more characters. Like git, this refuses parts that are empty or that begin or end with
 * a dot. */
#define BRANCH_PATTERN                                                                             \
	"^[A-Za-z0-9_][A-Za-z0-9_@+#=-]*"                                                          \
	"([.][A-Za-z0-9_@+#=-]+|/[A-Za-z0-9_@+#=-]+)*$"
#define BRANCH_FORM                                                                                \
	"the name of a branch: letters, digits and . _ / @ + # = -, and no part that is empty or " \
	"ends in a dot"
#define BRANCH_MAX 250
/* Name of a secret or a variable for GitHub Actions. */
#define SETTING_PATTERN "^[A-Za-z_][A-Za-z0-9_]{0,254}$"
#define SETTING_FORM    "letters, digits and underscores, the first no digit"

/* A new resource may be invisible for this long: until then, a 404 means "not yet". */
#define VISIBLE_BUDGET_MS 60000

/* Puts owner and name into the first two parameters of a path. In a plan, a name that an earlier
 * step has yet to give becomes both, so that the call waits for that step. False if there is no
 * slash, or if memory runs out. */
static inline bool split_repository(
	struct action_context *context, const char *full_name, const char *parameters[2])
{
	const char *slash = full_name != NULL ? strchr(full_name, '/') : NULL;
	if (slash == NULL && full_name != NULL && !input_is_known(full_name)) {
		parameters[0] = parameters[1] = full_name;
		return true;
	}
	if (slash == NULL) {
		action_fail(context, ERROR_INVALID_INPUT,
			"the name of a repository has the form owner/name");
		return false;
	}
	parameters[0] = action_format(context, "%.*s", (int)(slash - full_name), full_name);
	parameters[1] = slash + 1;
	if (parameters[0] == NULL)
		action_fail(context, ERROR_OUT_OF_MEMORY, "no memory for a name");
	return parameters[0] != NULL;
}

/* The ledger key of a repository. It is lower case, because GitHub ignores case. NULL if memory
 * runs out. */
static inline const char *repository_key(struct action_context *context, const char *full_name)
{
	size_t length = strlen(full_name);
	char *key = action_allocate(context, length + 1, 1);
	for (size_t i = 0; key != NULL && i < length; i++)
		key[i] = (char)tolower((unsigned char)full_name[i]);
	return key;
}

/* Whether the last call was refused for want of a right, which people give: single sign-on, allow
 * lists of addresses and suspended apps are refused with the same status, and the error says
 * already what to do about those. */
static inline bool is_right_missing(struct action_context *context)
{
	static const char *const texts[] = { "not accessible by", "must have admin",
		"cannot delete" };
	const struct error *error = action_error(context);
	for (size_t i = 0; error->class == ERROR_SCOPE_MISSING && i < ARRAY_LEN(texts); i++)
		if (strcasestr(error->message, texts[i]) != NULL)
			return true;
	return false;
}

/* What is wrong with the name of a secret or a variable that the pattern accepts; NULL if nothing
 * is. */
static inline const char *setting_name_problem(const char *name)
{
	return strncasecmp(name, "GITHUB_", strlen("GITHUB_")) == 0
		? "begins with GITHUB_, which GitHub reserves"
		: NULL;
}

#endif
