/*
 * Names as GitHub has them, for the actions that take a repository as owner/name.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_NAMES_H
#define WORKFLOWS_ACTIONS_GITHUB_NAMES_H

#include <ctype.h>
#include <string.h>

#include "slipway/action.h"

#define REPOSITORY_PATTERN "^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$"
#define REPOSITORY_FORM    "owner/name, such as acme/website"
/* Git allows more characters. As it has it, no part begins or ends with a dot, and none is empty. */
#define BRANCH_PATTERN                                                                                                 \
	"^[A-Za-z0-9_][A-Za-z0-9_@+#=-]*"                                                                              \
	"([.][A-Za-z0-9_@+#=-]+|/[A-Za-z0-9_@+#=-]+)*$"
#define BRANCH_FORM                                                                                                    \
	"the name of a branch: letters, digits and . _ / @ + # = -, and no part that is empty or ends in a dot"
#define BRANCH_MAX 250
/* Of a secret or a variable for Actions. */
#define SETTING_PATTERN "^[A-Za-z_][A-Za-z0-9_]{0,254}$"
#define SETTING_FORM    "letters, digits and underscores, the first no digit"

/* What was made a moment ago may be invisible for so long: until then a 404 says "not yet". */
#define VISIBLE_BUDGET_MS 60000
/* A fork may take five minutes until it can be worked on, and the steps that work on it come after that. */
#define SETTLING_MS 600000

/* Puts owner and name into the first two parameters of a path. False where there is no slash, or memory is short;
 * the call that gets the NULL refuses it. */
static inline bool split_repository(struct action_context *context, const char *full_name, const char *parameters[2])
{
	const char *slash = full_name != NULL ? strchr(full_name, '/') : NULL;
	if (slash == NULL) {
		action_fail(context, ERROR_INVALID_INPUT, "a repository is named owner/name");
		return false;
	}
	parameters[0] = action_format(context, "%.*s", (int)(slash - full_name), full_name);
	parameters[1] = slash + 1;
	if (parameters[0] == NULL)
		action_fail(context, ERROR_OUT_OF_MEMORY, "no memory for a name");
	return parameters[0] != NULL;
}

/* Under which key the ledger has a repository: GitHub takes no notice of upper and lower case. NULL where memory is
 * short. */
static inline const char *repository_key(struct action_context *context, const char *full_name)
{
	size_t length = strlen(full_name);
	char *key = action_allocate(context, length + 1, 1);
	for (size_t i = 0; key != NULL && i < length; i++)
		key[i] = (char)tolower((unsigned char)full_name[i]);
	return key;
}

/*
 * Whether what is missing in a repository may only be late: the app itself has made it, and GitHub does not show it
 * everywhere at once. Of any other repository GitHub's refusal is final. The run is given the time, for what is still
 * missing then is missing for another reason, such as a permission.
 */
static inline bool is_settling(struct action_context *context, const char *full_name, int64_t run_budget_ms)
{
	int64_t made_ms_ago = ledger_age_ms(context, "github", "repository", repository_key(context, full_name));
	return made_ms_ago >= 0 && made_ms_ago < SETTLING_MS && action_run_age_ms(context) < run_budget_ms;
}

/* What is wrong with the name of a secret or a variable, beside what the pattern says; NULL where nothing is. */
static inline const char *setting_name_problem(const char *name)
{
	return strncasecmp(name, "GITHUB_", strlen("GITHUB_")) == 0
		? "begins with GITHUB_, which GitHub keeps to itself"
		: NULL;
}

#endif
