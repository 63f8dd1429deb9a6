/*
 * Reads the rules that rulesets put on a branch. Those of an organisation are none of a step's to
 * change, and what they ask for already need not be asked for once more.
 *
 * API: https://docs.github.com/rest/repos/rules#get-rules-for-a-branch.
 */
#include "actions/github_rulesets.h"

#include <stdlib.h>

#include "actions/github_names.h"
#include "slipway/provider.h"

struct check {
	const char *context;
};
static const struct field check_fields[] = { { STRING_FIELD("context", struct check, context) } };
static const struct record check_record = RECORD(struct check, check_fields);

/* Of a rule about pull requests, or about status checks. */
struct parameters {
	int64_t reviews;
	struct object_list checks;
};
static const struct field parameters_fields[] = {
	{ INTEGER_FIELD("required_approving_review_count", struct parameters, reviews) },
	{ OBJECTS_FIELD("required_status_checks", struct parameters, checks),
		.record = &check_record },
};
static const struct record parameters_record = RECORD(struct parameters, parameters_fields);

struct rule {
	const char *type;
	int64_t ruleset;
	const void *parameters;
};
static const struct field rule_fields[] = {
	{ STRING_FIELD("type", struct rule, type), .required = true },
	{ INTEGER_FIELD("ruleset_id", struct rule, ruleset) },
	{ OBJECT_FIELD("parameters", struct rule, parameters), .record = &parameters_record },
};
static const struct record rule_record = RECORD(struct rule, rule_fields);

bool branch_rules_read(struct action_context *context, const char *repository, const char *branch,
	struct branch_rules *ret_rules)
{
	struct provider_response response;
	/* Servers that know no rulesets answer 404, plans without them 403. */
	struct provider_request request = { .path = "/repos/{owner}/{repo}/rules/branches/{branch}",
		.query = { { "per_page", "100" } },
		.expect = { 403, 404 } };

	*ret_rules = (struct branch_rules){ { NULL, 0 } };
	if (!split_repository(context, repository, request.parameters))
		return false;
	request.parameters[2] = branch;
	if (!provider_call(context, &github, &request, &response))
		return false;
	return response.status >= 400 ||
		provider_decode_list(context, &response, &rule_record, &ret_rules->rules);
}

static bool add_checks(struct action_context *context, const struct parameters *parameters,
	struct protection_standing *standing)
{
	const struct check *checks = parameters->checks.items;
	size_t count = standing->checks.count;
	const char **names =
		action_allocate(context, count + parameters->checks.count + 1, sizeof(*names));

	if (names == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		names[i] = standing->checks.items[i];
	for (size_t i = 0; i < parameters->checks.count; i++)
		if (checks[i].context != NULL)
			names[count++] = checks[i].context;
	standing->checks = (struct string_list){ names, count };
	return true;
}

bool branch_rules_list_standing(struct action_context *context, const struct branch_rules *rules,
	const char *ruleset, struct protection_standing *standing)
{
	const struct rule *list = rules->rules.items;

	for (size_t i = 0; ruleset != NULL && i < rules->rules.count; i++) {
		const struct parameters *parameters = list[i].parameters;
		if (parameters == NULL || list[i].ruleset != strtoll(ruleset, NULL, 10))
			continue;
		if (strcmp(list[i].type, "pull_request") == 0 &&
			parameters->reviews > standing->reviews)
			standing->reviews = parameters->reviews;
		if (!add_checks(context, parameters, standing))
			return false;
	}

	return true;
}

static bool has(const struct branch_rules *rules, const char *type)
{
	const struct rule *list = rules->rules.items;
	for (size_t i = 0; i < rules->rules.count; i++)
		if (strcmp(list[i].type, type) == 0)
			return true;
	return false;
}

bool branch_rules_protect(const struct branch_rules *rules)
{
	return has(rules, "deletion") && has(rules, "non_fast_forward");
}

bool branch_rules_have_reviews(const struct branch_rules *rules, int64_t count)
{
	const struct rule *list = rules->rules.items;
	for (size_t i = 0; i < rules->rules.count; i++) {
		const struct parameters *parameters = list[i].parameters;
		if (strcmp(list[i].type, "pull_request") == 0 && parameters != NULL &&
			parameters->reviews >= count)
			return true;
	}
	return false;
}

static bool has_check(const struct branch_rules *rules, const char *name)
{
	const struct rule *list = rules->rules.items;
	for (size_t i = 0; i < rules->rules.count; i++) {
		const struct parameters *parameters = list[i].parameters;
		const struct check *checks = parameters != NULL ? parameters->checks.items : NULL;
		for (size_t j = 0; checks != NULL && j < parameters->checks.count; j++)
			if (checks[j].context != NULL && strcmp(checks[j].context, name) == 0)
				return true;
	}
	return false;
}

bool branch_rules_have_checks(const struct branch_rules *rules, const struct string_list *checks)
{
	for (size_t i = 0; i < checks->count; i++)
		if (!has_check(rules, checks->items[i]))
			return false;
	return true;
}
