/*
 * Writes the ruleset of ours for one branch, "slipway: main".
 *
 * A PUT replaces the rules. So those that people have added to ours go along as they are, approvals
 * and checks are the stricter of what stands and what is asked, and administrators whom people bind
 * stay bound.
 *
 * API: https://docs.github.com/rest/repos/rules#create-a-repository-ruleset.
 */
#include "actions/github_ruleset.h"

#include "actions/github_names.h"
#include "slipway/provider.h"

#define NAME_FORMAT   "slipway: %s"
#define RULE_REVIEWS  "pull_request"
#define RULE_CHECKS   "required_status_checks"
#define RULE_KEEP     "deletion"
#define RULE_FORWARD  "non_fast_forward"
#define RULES_ADDED   4 /* at most: one of each */
#define ROLE          "RepositoryRole"
#define OWNERS        "OrganizationAdmin"
#define ADMINISTRATOR 5 /* GitHub's id of that role */

/* ---- as GitHub has it ---- */

/* All that GitHub documents, because a rule that is raised is sent as a whole. */
struct reviews {
	bool dismiss_stale, code_owners, last_push, threads;
	int64_t count;
	const char *methods, *dismissal, *reviewers; /* as they are */
};
static const struct field reviews_fields[] = {
	{ BOOLEAN_FIELD("dismiss_stale_reviews_on_push", struct reviews, dismiss_stale) },
	{ BOOLEAN_FIELD("require_code_owner_review", struct reviews, code_owners) },
	{ BOOLEAN_FIELD("require_last_push_approval", struct reviews, last_push) },
	{ BOOLEAN_FIELD("required_review_thread_resolution", struct reviews, threads) },
	{ INTEGER_FIELD("required_approving_review_count", struct reviews, count) },
	{ JSON_FIELD("allowed_merge_methods", struct reviews, methods) },
	{ JSON_FIELD("dismissal_restriction", struct reviews, dismissal) },
	{ JSON_FIELD("required_reviewers", struct reviews, reviewers) },
};
static const struct record reviews_record = RECORD(struct reviews, reviews_fields);

struct check {
	const char *context;
	int64_t integration; /* 0: any app */
};
static const struct field check_fields[] = {
	{ STRING_FIELD("context", struct check, context), .required = true },
	{ INTEGER_FIELD("integration_id", struct check, integration), .omit_zero = true },
};
static const struct record check_record = RECORD(struct check, check_fields);

struct checks {
	struct object_list list;
	bool strict, lenient_on_create;
};
static const struct field checks_fields[] = {
	{ OBJECTS_FIELD(RULE_CHECKS, struct checks, list), .record = &check_record },
	{ BOOLEAN_FIELD("strict_required_status_checks_policy", struct checks, strict) },
	{ BOOLEAN_FIELD("do_not_enforce_on_create", struct checks, lenient_on_create),
		.omit_zero = true },
};
static const struct record checks_record = RECORD(struct checks, checks_fields);

/* All three are read, and one is sent: a rule of which nothing changes goes back as it is. */
struct rule {
	const char *type, *as_it_is;
	const void *reviews, *checks;
};
static const struct field rule_fields[] = {
	{ STRING_FIELD("type", struct rule, type), .required = true },
	{ JSON_FIELD("parameters", struct rule, as_it_is) },
	{ OBJECT_FIELD("parameters", struct rule, reviews), .record = &reviews_record },
	{ OBJECT_FIELD("parameters", struct rule, checks), .record = &checks_record },
};
static const struct record rule_record = RECORD(struct rule, rule_fields);

struct actor {
	int64_t id;
	const char *type, *mode;
};
static const struct field actor_fields[] = {
	{ INTEGER_FIELD("actor_id", struct actor, id), .omit_zero = true },
	{ STRING_FIELD("actor_type", struct actor, type), .required = true },
	{ STRING_FIELD("bypass_mode", struct actor, mode) },
};
static const struct record actor_record = RECORD(struct actor, actor_fields);

struct names {
	struct string_list include, exclude;
};
static const struct field names_fields[] = {
	{ STRINGS_FIELD("include", struct names, include) },
	{ STRINGS_FIELD("exclude", struct names, exclude) },
};
static const struct record names_record = RECORD(struct names, names_fields);

/* GitHub expects both, if only empty. */
static const struct field covered_fields[] = {
	{ STRINGS_FIELD("include", struct names, include), .required = true },
	{ STRINGS_FIELD("exclude", struct names, exclude), .required = true },
};
static const struct record covered_record = RECORD(struct names, covered_fields);

struct conditions {
	const void *names;
};
static const struct field conditions_fields[] = {
	{ OBJECT_FIELD("ref_name", struct conditions, names), .record = &names_record },
};
static const struct record conditions_record = RECORD(struct conditions, conditions_fields);

static const struct field covering_fields[] = {
	{ OBJECT_FIELD("ref_name", struct conditions, names), .record = &covered_record },
};
static const struct record covering_record = RECORD(struct conditions, covering_fields);

/* Who may bypass it is read in both forms, and sent in one: typed if it is to change. GitHub shows
 * it only to those who may change it. */
struct ruleset {
	int64_t id;
	const char *name, *target, *enforcement, *bypass_as_it_is;
	struct object_list bypass, rules;
	const void *conditions;
};
static const struct field ruleset_fields[] = {
	{ INTEGER_FIELD("id", struct ruleset, id), .required = true },
	{ STRING_FIELD("name", struct ruleset, name), .required = true },
	{ STRING_FIELD("enforcement", struct ruleset, enforcement) },
	{ JSON_FIELD("bypass_actors", struct ruleset, bypass_as_it_is) },
	{ OBJECTS_FIELD("bypass_actors", struct ruleset, bypass), .record = &actor_record },
	{ OBJECT_FIELD("conditions", struct ruleset, conditions), .record = &conditions_record },
	{ OBJECTS_FIELD("rules", struct ruleset, rules), .record = &rule_record },
};
static const struct record ruleset_record = RECORD(struct ruleset, ruleset_fields);

static const struct field request_fields[] = {
	{ STRING_FIELD("name", struct ruleset, name) },
	{ STRING_FIELD("target", struct ruleset, target) },
	{ STRING_FIELD("enforcement", struct ruleset, enforcement) },
	{ JSON_FIELD("bypass_actors", struct ruleset, bypass_as_it_is) },
	{ OBJECTS_FIELD("bypass_actors", struct ruleset, bypass), .record = &actor_record },
	{ OBJECT_FIELD("conditions", struct ruleset, conditions), .record = &covering_record },
	{ OBJECTS_FIELD("rules", struct ruleset, rules), .record = &rule_record, .required = true },
};
static const struct record request_record = RECORD(struct ruleset, request_fields);

/* ---- from what stands to what is sent ---- */

struct draft {
	struct ruleset request;
	struct rule *rules; /* of the request, with room for RULES_ADDED more */
	size_t count;
	bool changed;
};

static struct rule *find_rule(const struct draft *draft, const char *type)
{
	for (size_t i = 0; i < draft->count; i++)
		if (strcmp(draft->rules[i].type, type) == 0)
			return &draft->rules[i];
	return NULL;
}

static void put_rule(struct draft *draft, struct rule rule)
{
	struct rule *standing = find_rule(draft, rule.type);

	*(standing != NULL ? standing : &draft->rules[draft->count++]) = rule;
	draft->changed = true;
}

static void require(struct draft *draft, const char *type)
{
	if (find_rule(draft, type) == NULL)
		put_rule(draft, (struct rule){ .type = type });
}

static bool require_reviews(struct action_context *context, struct draft *draft, int64_t count)
{
	const struct rule *rule = find_rule(draft, RULE_REVIEWS);
	const struct reviews *current = rule != NULL ? rule->reviews : NULL;

	if (current != NULL && current->count >= count)
		return true;
	struct reviews *raised = action_allocate(context, 1, sizeof(*raised));
	if (raised == NULL)
		return false;
	if (current != NULL)
		*raised = *current;
	raised->count = count;
	put_rule(draft, (struct rule){ .type = RULE_REVIEWS, .reviews = raised });
	return true;
}

static bool names_check(const struct check *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].context, name) == 0)
			return true;
	return false;
}

/* Those that stand keep their apps; what the rules require elsewhere is not required again. */
static bool require_checks(struct action_context *context, struct draft *draft,
	const struct string_list *asked, const struct branch_rules *rules)
{
	static const struct checks none;
	const struct rule *rule = find_rule(draft, RULE_CHECKS);
	const struct checks *current = rule != NULL && rule->checks != NULL ? rule->checks : &none;
	const struct check *standing = current->list.items;
	size_t count = 0;
	struct checks *raised = action_allocate(context, 1, sizeof(*raised));
	struct check *list =
		action_allocate(context, current->list.count + asked->count + 1, sizeof(*list));

	if (raised == NULL || list == NULL)
		return false;
	for (; count < current->list.count; count++)
		list[count] = standing[count];
	for (size_t i = 0; i < asked->count; i++)
		if (!names_check(list, count, asked->items[i]) &&
			!branch_rules_have_checks(
				rules, &(struct string_list){ &asked->items[i], 1 }))
			list[count++].context = asked->items[i];
	if (count == current->list.count)
		return true;

	*raised = *current;
	raised->list = (struct object_list){ list, count };
	put_rule(draft, (struct rule){ .type = RULE_CHECKS, .checks = raised });
	return true;
}

static bool is_administrator(const struct actor *actor)
{
	return strcmp(actor->type, OWNERS) == 0 ||
		(strcmp(actor->type, ROLE) == 0 && actor->id == ADMINISTRATOR);
}

/* Takes administrators, and nobody else, from those who may bypass it; plans are not shown them. */
static bool bind_administrators(struct action_context *context, struct draft *draft)
{
	const struct object_list *all = &draft->request.bypass;
	const struct actor *actors = all->items;
	struct actor *left = action_allocate(context, all->count + 1, sizeof(*left));
	size_t count = 0;

	if (left == NULL)
		return false;
	if (draft->request.id != 0 && draft->request.bypass_as_it_is == NULL)
		action_difference(context, "administrators will not bypass it, if they do now");
	for (size_t i = 0; i < all->count; i++)
		if (!is_administrator(&actors[i]))
			left[count++] = actors[i];
	if (count == all->count)
		return true;
	draft->changed = true;
	draft->request.bypass = (struct object_list){ left, count };
	draft->request.bypass_as_it_is = count > 0 ? NULL : "[]";
	return true;
}

/* Without the name, and with room for one more. */
static const char **copy_without(struct action_context *context, const struct string_list *list,
	const char *name, size_t *ret_count)
{
	const char **copy = action_allocate(context, list->count + 1, sizeof(*copy));

	*ret_count = 0;
	for (size_t i = 0; copy != NULL && i < list->count; i++)
		if (strcmp(list->items[i], name) != 0)
			copy[(*ret_count)++] = list->items[i];
	return copy;
}

/* Whatever other branches people let it govern, it governs this one. */
static bool cover_branch(struct action_context *context, struct draft *draft, const char *branch)
{
	static const struct names none;
	const struct conditions *current = draft->request.conditions;
	const struct names *names =
		current != NULL && current->names != NULL ? current->names : &none;
	const char *ref = action_format(context, "refs/heads/%s", branch);
	struct conditions *conditions = action_allocate(context, 1, sizeof(*conditions));
	struct names *covered = action_allocate(context, 1, sizeof(*covered));
	size_t others, excluded;

	if (ref == NULL || conditions == NULL || covered == NULL)
		return false;
	const char **include = copy_without(context, &names->include, ref, &others);
	const char **exclude = copy_without(context, &names->exclude, ref, &excluded);
	if (include == NULL || exclude == NULL)
		return false;
	if (others == names->include.count || excluded < names->exclude.count)
		draft->changed = true;
	include[others++] = ref;
	*covered = (struct names){ { include, others }, { exclude, excluded } };
	conditions->names = covered;
	draft->request.conditions = conditions;
	return true;
}

/* Administrators may be let past the rules of others: what binds them too is all in ours. */
static bool require_all(struct action_context *context, struct draft *draft,
	const struct protection_input *input, const struct branch_rules *elsewhere)
{
	static const struct branch_rules none;
	const struct branch_rules *rules = input->enforce_admins ? &none : elsewhere;

	if (!branch_rules_protect(rules)) {
		require(draft, RULE_KEEP);
		require(draft, RULE_FORWARD);
	}

	return (input->required_reviews < 0 ||
		       branch_rules_have_reviews(rules, input->required_reviews) ||
		       require_reviews(context, draft, input->required_reviews)) &&
		require_checks(context, draft, &input->required_checks, rules) &&
		(!input->enforce_admins || bind_administrators(context, draft)) &&
		cover_branch(context, draft, input->branch);
}

/* A new one lets administrators pass, as a classic protection does. */
static void begin(struct draft *draft, const struct ruleset *current, const char *name)
{
	static const struct actor administrators[] = { { ADMINISTRATOR, ROLE, "always" } };

	if (current == NULL)
		draft->request = (struct ruleset){ .name = name,
			.bypass = { administrators, ARRAY_LEN(administrators) } };
	else
		draft->request = *current;
	draft->changed = current == NULL || current->enforcement == NULL ||
		strcmp(current->enforcement, "active") != 0;
	draft->request.enforcement = "active";
	draft->request.target = "branch";
}

/* Of the two forms in which something was read, one is sent. */
static void choose_forms(struct draft *draft)
{
	struct ruleset *request = &draft->request;

	for (size_t i = 0; i < draft->count; i++)
		if (draft->rules[i].as_it_is != NULL)
			draft->rules[i].reviews = draft->rules[i].checks = NULL;
	request->rules = (struct object_list){ draft->rules, draft->count };
	if (request->bypass_as_it_is != NULL)
		request->bypass = (struct object_list){ NULL, 0 };
}

static bool prepare(struct action_context *context, const struct protection_input *input,
	const struct branch_rules *rules, const struct ruleset *current, const char *name,
	struct draft *ret_draft)
{
	size_t count = current != NULL ? current->rules.count : 0;

	*ret_draft = (struct draft){ .count = count };
	ret_draft->rules = action_allocate(context, count + RULES_ADDED, sizeof(struct rule));
	if (ret_draft->rules != NULL) {
		begin(ret_draft, current, name);
		if (count > 0)
			memcpy(ret_draft->rules, current->rules.items, count * sizeof(struct rule));
		if (require_all(context, ret_draft, input, rules)) {
			choose_forms(ret_draft);
			return true;
		}
	}

	action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for the ruleset '%s'", name);
	return false;
}

/* ---- calls ---- */

#define RULESETS_PATH "/repos/{owner}/{repo}/rulesets"
#define RULESET_PATH  "/repos/{owner}/{repo}/rulesets/{ruleset_id}"

static const char *ruleset_key(struct action_context *context, const struct protection_input *input)
{
	const char *repository = repository_key(context, input->repository);
	return repository != NULL ? action_format(context, "%s/%s", repository, input->branch)
				  : NULL;
}

const char *ruleset_owned(struct action_context *context, const struct protection_input *input)
{
	return ledger_get_id(context, "github", "ruleset", ruleset_key(context, input));
}

static bool read_ruleset(struct action_context *context, const struct protection_input *input,
	const char *id, bool *ret_exists, struct ruleset *ret_ruleset)
{
	struct provider_response response;
	struct provider_request request = { .path = RULESET_PATH,
		.query = { { "includes_parents", "false" } },
		.expect = { 404 } };

	*ret_exists = false;
	if (!split_repository(context, input->repository, request.parameters))
		return false;
	request.parameters[2] = id;
	if (!provider_call(context, &github, &request, &response))
		return false;
	if (response.status == 404)
		return true;
	*ret_exists = true;
	return provider_decode(context, &response, &ruleset_record, ret_ruleset);
}

/* NULL where none has the name. A repository has at most 75. */
static bool find_by_name(struct action_context *context, const struct protection_input *input,
	const char *name, const char **ret_id)
{
	struct provider_response response;
	struct object_list list;
	struct provider_request request = { .path = RULESETS_PATH,
		.query = { { "includes_parents", "false" }, { "per_page", "100" } },
		.expect = { 404 } };

	*ret_id = NULL;
	if (!split_repository(context, input->repository, request.parameters))
		return false;
	if (!provider_call(context, &github, &request, &response))
		return false;
	if (response.status == 404)
		return true;
	if (!provider_decode_list(context, &response, &ruleset_record, &list))
		return false;
	const struct ruleset *rulesets = list.items;
	for (size_t i = 0; i < list.count && *ret_id == NULL; i++)
		if (strcmp(rulesets[i].name, name) == 0)
			*ret_id = action_format(context, "%lld", (long long)rulesets[i].id);
	return true;
}

/* By the ledger first: people may have given it another name. */
static bool find(struct action_context *context, const struct protection_input *input,
	const char *name, bool *ret_exists, struct ruleset *ret_ruleset)
{
	const char *id = ruleset_owned(context, input);

	*ret_exists = false;
	if (id != NULL && !read_ruleset(context, input, id, ret_exists, ret_ruleset))
		return false;
	if (*ret_exists)
		return true;
	return find_by_name(context, input, name, &id) &&
		(id == NULL || read_ruleset(context, input, id, ret_exists, ret_ruleset));
}

static bool remember(struct action_context *context, const struct protection_input *input,
	int64_t id, bool created)
{
	const struct ledger_resource row = { .provider = "github",
		.type = "ruleset",
		.key = ruleset_key(context, input),
		.id = action_format(context, "%lld", (long long)id),
		.url = provider_page(context, &github, "/%s/settings/rules/%lld", input->repository,
			(long long)id),
		.created = created,
		.part = true };
	return ledger_put(context, &row);
}

/* Always false: the call has failed. */
static bool take_back(struct action_context *context)
{
	if (provider_made_nothing(context) && !ledger_take_back(context))
		return false;
	return false;
}

static bool create(struct action_context *context, const struct protection_input *input,
	const struct ruleset *body, bool *ret_missing)
{
	struct provider_response response;
	struct ruleset created;
	const struct ledger_resource row = { .provider = "github",
		.type = "ruleset",
		.key = ruleset_key(context, input),
		.created = true,
		.part = true };
	struct provider_request request = { .method = HTTP_POST,
		.path = RULESETS_PATH,
		.body_record = &request_record,
		.body = body,
		.expect = { 404 } };

	if (!split_repository(context, input->repository, request.parameters) ||
		!ledger_intend(context, &row))
		return false;
	if (!provider_call(context, &github, &request, &response))
		return take_back(context);
	*ret_missing = response.status == 404;
	if (*ret_missing)
		return ledger_take_back(context);
	return provider_decode(context, &response, &ruleset_record, &created) &&
		remember(context, input, created.id, true);
}

/* The row first. One that was found by its name, without a row, is not the app's. */
static bool change(struct action_context *context, const struct protection_input *input,
	const struct ruleset *body, bool *ret_missing)
{
	struct provider_response response;
	struct ledger_resource row;
	bool known = ledger_get(context, "github", "ruleset", ruleset_key(context, input), &row);
	struct provider_request request = { .method = HTTP_PUT,
		.path = RULESET_PATH,
		.body_record = &request_record,
		.body = body,
		.expect = { 404 } };

	if (!known)
		action_log(context, "takes over the ruleset '%s' of %s, which was there before",
			body->name, input->repository);
	if (!split_repository(context, input->repository, request.parameters) ||
		!remember(context, input, body->id, known && (row.created || row.pending)))
		return false;
	request.parameters[2] = action_format(context, "%lld", (long long)body->id);
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_missing = response.status == 404;
	return true;
}

/* The response to its creation was lost, and it is there. */
static bool settle(struct action_context *context, const struct protection_input *input, int64_t id)
{
	struct ledger_resource row;

	return !ledger_get(context, "github", "ruleset", ruleset_key(context, input), &row) ||
		!row.pending || remember(context, input, id, true);
}

bool ruleset_ensure(struct action_context *context, const struct protection_input *input,
	const struct branch_rules *rules, struct ruleset_outcome *ret_outcome)
{
	const char *name = action_format(context, NAME_FORMAT, input->branch);
	struct ruleset current;
	struct draft draft;
	bool exists;

	*ret_outcome = (struct ruleset_outcome){ .changed = false };
	if (name == NULL) {
		action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for a ruleset");
		return false;
	}

	if (!find(context, input, name, &exists, &current) ||
		!prepare(context, input, rules, exists ? &current : NULL, name, &draft))
		return false;
	ret_outcome->changed = draft.changed;
	if (!draft.changed)
		return settle(context, input, current.id);
	if (exists)
		action_found(context, action_encode(context, &ruleset_record, &current));
	return exists ? change(context, input, &draft.request, &ret_outcome->missing)
		      : create(context, input, &draft.request, &ret_outcome->missing);
}
