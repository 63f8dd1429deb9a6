/*
 * Finds which variables are missing, differ or are superfluous. It makes no calls, so the rules can
 * be tested as a table.
 */
#include "vercel_variables.h"

#include <string.h>

#include "slipway/crypto.h"

static const char *const types[] = { "plain", "encrypted", "sensitive", NULL };
const char *const variable_targets[] = { "production", "preview", "development", NULL };

static const struct field variable_fields[] = {
	{ STRING_FIELD("key", struct variable, key), .required = true,
		.pattern = "^[A-Za-z_][A-Za-z0-9_]{0,255}$",
		.form = "letters, digits and underscores, the first no digit",
		.description = "Name of the variable" },
	{ STRING_FIELD("value", struct variable, value), .required = true, .secret = true,
		.clear_where = { "type", "plain" },
		.description = "Value of the variable: kept secret unless the type is plain" },
	{ STRING_FIELD("type", struct variable, type), .values = types, .fallback = "encrypted",
		.description =
			"How Vercel stores the value; a sensitive one is never shown again" },
	{ STRINGS_FIELD("targets", struct variable, target), .values = variable_targets,
		.minimum = 1, .maximum = VARIABLE_TARGETS,
		.fallback = "[\"production\",\"preview\",\"development\"]",
		.description = "Environments in which it is set" },
	{ STRING_FIELD("gitBranch", struct variable, git_branch), .minimum = 1, .maximum = 250,
		.description = "Set it only for previews of this branch" },
	{ STRING_FIELD("comment", struct variable, comment), .maximum = 500,
		.description = "Comment shown at Vercel" },
};
const struct record variable_record = RECORD(struct variable, variable_fields);

static const struct field listed_fields[] = {
	{ STRING_FIELD("id", struct listed, id) },
	{ STRING_FIELD("key", struct listed, key), .required = true },
	{ STRING_FIELD("value", struct listed, value) },
	{ STRING_FIELD("type", struct listed, type) },
	{ STRING_FIELD("gitBranch", struct listed, git_branch) },
	{ STRING_FIELD("configurationId", struct listed, configuration_id) },
	{ JSON_FIELD("target", struct listed, target) },
	{ INTEGER_FIELD("updatedAt", struct listed, updated_at) },
};
const struct record listed_record = RECORD(struct listed, listed_fields);

bool variable_same_text(const char *one, const char *two)
{
	return strcmp(one != NULL ? one : "", two != NULL ? two : "") == 0;
}

unsigned variable_desired_targets(const struct variable *variable)
{
	unsigned set = 0;
	for (size_t bit = 0; variable_targets[bit] != NULL; bit++)
		for (size_t i = 0; i < variable->target.count; i++)
			if (strcmp(variable->target.items[i], variable_targets[bit]) == 0)
				set |= 1U << bit;
	return set;
}

/* None of the three words contains another, so a substring search is exact, in a string and in a
 * JSON array. */
unsigned variable_listed_targets(const struct listed *listed)
{
	unsigned set = 0;
	for (size_t bit = 0; listed->target != NULL && variable_targets[bit] != NULL; bit++)
		if (strstr(listed->target, variable_targets[bit]) != NULL)
			set |= 1U << bit;
	return set;
}

static bool same_variable(const struct variable *variable, const struct listed *listed)
{
	return strcmp(variable->key, listed->key) == 0 &&
		variable_same_text(variable->git_branch, listed->git_branch) &&
		!variable_same_text(listed->type, "system");
}

bool variable_changes_has(const struct variable_changes *changes, const struct listed *listed)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->claims[i] == listed)
			return true;
	return false;
}

/* Assigns a listed entry to each variable that has none yet: one with exactly its targets, or with
 * any of them. */
static void claim(struct variable_changes *changes, bool exact)
{
	for (size_t i = 0; i < changes->count; i++) {
		unsigned desired = variable_desired_targets(&changes->variables[i]);
		for (size_t j = 0; changes->claims[i] == NULL && j < changes->listed_count; j++) {
			const struct listed *listed = &changes->listed[j];
			unsigned current = variable_listed_targets(listed);
			if (same_variable(&changes->variables[i], listed) &&
				(desired & current) != 0 && (!exact || desired == current) &&
				!variable_changes_has(changes, listed))
				changes->claims[i] = listed;
		}
	}
}

/* ---- what Vercel does not show ---- */

static bool is_shown(const struct variable *variable)
{
	return strcmp(variable->type, "plain") == 0;
}

static const char *ledger_key(
	struct action_context *context, const char *project, const struct listed *listed)
{
	return action_format(context, "%s/%s/%s", project, listed->key, listed->id);
}

/* Covers the value and the time of the last change, so a change by somebody else is noticed. NULL
 * if Vercel returns too little to tell. */
static const char *fingerprint(struct action_context *context, const struct variable *variable,
	const struct listed *listed)
{
	const char *comment = variable->comment != NULL ? variable->comment : "";
	if (listed->id == NULL || listed->updated_at == 0)
		return NULL;
	return text_fingerprint(context, &vercel,
		action_format(context, "%s %lld %zu %s %s", listed->id,
			(long long)listed->updated_at, strlen(comment), comment, variable->value));
}

static bool is_remembered(struct action_context *context, const char *project,
	const struct variable *variable, const struct listed *listed)
{
	const char *now = fingerprint(context, variable, listed);
	const char *before = now != NULL
		? ledger_get_id(context, "vercel", "variable", ledger_key(context, project, listed))
		: NULL;
	return before != NULL && strcmp(now, before) == 0;
}

bool variables_remember(
	struct action_context *context, const char *project, const struct variable_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct listed *listed = changes->claims[i];
		bool hidden = listed != NULL && !is_shown(&changes->variables[i]);
		const char *name =
			hidden ? fingerprint(context, &changes->variables[i], listed) : NULL;
		const struct ledger_resource row = {
			.provider = "vercel",
			.type = "variable",
			.id = name,
			.created = true,
			.part = true,
			.key = name != NULL ? ledger_key(context, project, listed) : NULL,
		};
		if (name != NULL && !ledger_put(context, &row))
			return false;
	}

	return true;
}

bool variable_forget(
	struct action_context *context, const char *project, const struct listed *listed)
{
	const char *key = ledger_key(context, project, listed);
	return ledger_get_id(context, "vercel", "variable", key) == NULL ||
		ledger_remove(context, "vercel", "variable", key);
}

/* ---- the changes ---- */

static enum change decide(struct action_context *context, const char *project,
	const struct variable *variable, const struct listed *listed)
{
	if (listed == NULL)
		return CHANGE_CREATE;

	/* A team policy may turn an encrypted variable into a sensitive one. */
	bool stricter = variable_same_text(listed->type, "sensitive") &&
		strcmp(variable->type, "encrypted") == 0;
	if ((!stricter && !variable_same_text(listed->type, variable->type)) ||
		variable_listed_targets(listed) != variable_desired_targets(variable))
		return listed->id != NULL ? CHANGE_PATCH : CHANGE_UPSERT;
	bool equal = is_shown(variable) ? variable_same_text(listed->value, variable->value)
					: is_remembered(context, project, variable, listed);
	return equal ? CHANGE_NONE : CHANGE_UPSERT;
}

bool variable_changes_find(struct action_context *context, const char *project,
	const struct object_list *desired, const struct object_list *listed,
	struct variable_changes *changes)
{
	const struct listed **claims =
		action_allocate(context, desired->count, sizeof(const struct listed *));

	*changes = (struct variable_changes){ .variables = desired->items,
		.count = desired->count,
		.listed = listed->items,
		.listed_count = listed->count,
		.kinds = action_allocate(context, desired->count, sizeof(*changes->kinds)),
		.claims = claims };
	if (changes->kinds == NULL || changes->claims == NULL) {
		action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for %zu variables",
			changes->count);
		return false;
	}

	claim(changes, true);
	claim(changes, false);
	for (size_t i = 0; i < changes->count; i++)
		changes->kinds[i] =
			decide(context, project, &changes->variables[i], changes->claims[i]);
	return true;
}

int64_t variable_changes_count(const struct variable_changes *changes, enum change change)
{
	int64_t count = 0;
	for (size_t i = 0; i < changes->count; i++)
		count += changes->kinds[i] == change ? 1 : 0;
	return count;
}

unsigned variable_changes_rest(const struct variable_changes *changes, const struct listed *listed)
{
	unsigned rest = variable_listed_targets(listed);
	for (size_t i = 0; i < changes->count; i++)
		if (same_variable(&changes->variables[i], listed))
			rest &= ~variable_desired_targets(&changes->variables[i]);
	return rest;
}

bool variable_is_in_the_way(const struct variable_changes *changes, const struct listed *listed)
{
	return listed->id != NULL && !variable_changes_has(changes, listed) &&
		variable_changes_rest(changes, listed) != variable_listed_targets(listed);
}

bool variable_is_to_go(const struct variable_changes *changes, const struct listed *listed)
{
	bool kept = listed->id == NULL || listed->configuration_id != NULL ||
		variable_same_text(listed->type, "system") ||
		variable_changes_rest(changes, listed) == 0;
	return !kept && !variable_changes_has(changes, listed);
}

/* Vercel may encrypt a value anew each time it shows it, and says when it was changed. */
static void report_found(struct action_context *context, const struct listed *listed)
{
	if (listed == NULL)
		return;
	bool plain = variable_same_text(listed->type, "plain") && listed->value != NULL;
	action_found(context,
		action_format(context, "%s %s %u %lld %s", listed->id != NULL ? listed->id : "",
			listed->type != NULL ? listed->type : "", variable_listed_targets(listed),
			(long long)listed->updated_at, plain ? listed->value : ""));
}

void variable_changes_report(
	struct action_context *context, const struct variable_changes *changes, bool prunes)
{
	static const char *const words[] = {
		[CHANGE_CREATE] = "does not exist",
		[CHANGE_UPSERT] = "is different",
		[CHANGE_PATCH] = "is different",
	};

	for (size_t i = 0; i < changes->count; i++) {
		if (changes->kinds[i] == CHANGE_NONE)
			continue;
		action_difference(
			context, "%s %s", changes->variables[i].key, words[changes->kinds[i]]);
		report_found(context, changes->claims[i]);
	}

	for (size_t j = 0; j < changes->listed_count; j++) {
		const struct listed *listed = &changes->listed[j];
		if (variable_is_in_the_way(changes, listed))
			action_difference(context, "an older entry of %s gives way", listed->key);
		else if (prunes && variable_is_to_go(changes, listed))
			action_difference(context, "%s will be removed", listed->key);
		else
			continue;
		report_found(context, listed);
	}
}
