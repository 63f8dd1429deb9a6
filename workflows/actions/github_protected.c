/*
 * Reads and writes the classic protection of a branch.
 *
 * GitHub's PUT replaces the whole protection and resets what it omits. So what stands is sent
 * along, including the app that a check is pinned to, and nothing that stands is lowered.
 *
 * API: https://docs.github.com/rest/branches/branch-protection.
 */
#include "actions/github_protected.h"

#include "actions/github_names.h"

/* ---- what GitHub returns ---- */

/* A user by login, a team or an app by slug. */
struct actor {
	const char *login, *slug;
};
static const struct field actor_fields[] = {
	{ STRING_FIELD("login", struct actor, login) },
	{ STRING_FIELD("slug", struct actor, slug) },
};
static const struct record actor_record = RECORD(struct actor, actor_fields);

struct actors {
	struct object_list users, teams, apps;
};
static const struct field actors_fields[] = {
	{ OBJECTS_FIELD("users", struct actors, users), .record = &actor_record },
	{ OBJECTS_FIELD("teams", struct actors, teams), .record = &actor_record },
	{ OBJECTS_FIELD("apps", struct actors, apps), .record = &actor_record },
};
static const struct record actors_record = RECORD(struct actors, actors_fields);

struct toggle {
	bool enabled;
};
static const struct field toggle_fields[] = { { BOOLEAN_FIELD(
	"enabled", struct toggle, enabled) } };
static const struct record toggle_record = RECORD(struct toggle, toggle_fields);

/* A check by one app (its id) or by any app: GitHub returns null for any but expects -1, and
 * chooses an app itself if the member is absent. */
#define ANY_APP (-1)
struct check {
	const char *context;
	int64_t app_id;
};
static const struct field check_fields[] = {
	{ STRING_FIELD("context", struct check, context), .required = true },
	{ INTEGER_FIELD("app_id", struct check, app_id), .omit_zero = true },
};
static const struct record check_record = RECORD(struct check, check_fields);

struct checks {
	bool strict;
	struct string_list contexts; /* the older form, for servers that have no other */
	struct object_list checks;
};
static const struct field checks_fields[] = {
	{ BOOLEAN_FIELD("strict", struct checks, strict) },
	{ STRINGS_FIELD("contexts", struct checks, contexts) },
	{ OBJECTS_FIELD("checks", struct checks, checks), .record = &check_record },
};
static const struct record checks_record = RECORD(struct checks, checks_fields);

struct reviews {
	bool dismiss_stale, code_owners, last_push;
	int64_t count;
	const void *dismissal, *bypass;
};
static const struct field reviews_fields[] = {
	{ BOOLEAN_FIELD("dismiss_stale_reviews", struct reviews, dismiss_stale) },
	{ BOOLEAN_FIELD("require_code_owner_reviews", struct reviews, code_owners) },
	{ BOOLEAN_FIELD("require_last_push_approval", struct reviews, last_push) },
	{ INTEGER_FIELD("required_approving_review_count", struct reviews, count) },
	{ OBJECT_FIELD("dismissal_restrictions", struct reviews, dismissal),
		.record = &actors_record },
	{ OBJECT_FIELD("bypass_pull_request_allowances", struct reviews, bypass),
		.record = &actors_record },
};
static const struct record reviews_record = RECORD(struct reviews, reviews_fields);

static const struct field protection_fields[] = {
	{ OBJECT_FIELD("required_status_checks", struct protection, checks),
		.record = &checks_record },
	{ OBJECT_FIELD("enforce_admins", struct protection, admins), .record = &toggle_record },
	{ OBJECT_FIELD("required_pull_request_reviews", struct protection, reviews),
		.record = &reviews_record },
	{ OBJECT_FIELD("restrictions", struct protection, restrictions), .record = &actors_record },
	{ OBJECT_FIELD("required_linear_history", struct protection, linear),
		.record = &toggle_record },
	{ OBJECT_FIELD("allow_force_pushes", struct protection, force_pushes),
		.record = &toggle_record },
	{ OBJECT_FIELD("allow_deletions", struct protection, deletions), .record = &toggle_record },
	{ OBJECT_FIELD("block_creations", struct protection, creations), .record = &toggle_record },
	{ OBJECT_FIELD("required_conversation_resolution", struct protection, resolution),
		.record = &toggle_record },
	{ OBJECT_FIELD("lock_branch", struct protection, lock), .record = &toggle_record },
	{ OBJECT_FIELD("allow_fork_syncing", struct protection, syncing),
		.record = &toggle_record },
};
static const struct record protection_record = RECORD(struct protection, protection_fields);

/* ---- what we send: the same with names for actors and plain booleans ---- */

struct names {
	struct string_list users, teams, apps;
};
static const struct field names_fields[] = {
	{ STRINGS_FIELD("users", struct names, users), .required = true },
	{ STRINGS_FIELD("teams", struct names, teams), .required = true },
	{ STRINGS_FIELD("apps", struct names, apps), .required = true },
};
static const struct record names_record = RECORD(struct names, names_fields);

static const struct field checks_request_fields[] = {
	{ BOOLEAN_FIELD("strict", struct checks, strict) },
	{ OBJECTS_FIELD("checks", struct checks, checks), .required = true,
		.record = &check_record },
};
static const struct record checks_request_record = RECORD(struct checks, checks_request_fields);

static const struct field reviews_request_fields[] = {
	{ BOOLEAN_FIELD("dismiss_stale_reviews", struct reviews, dismiss_stale) },
	{ BOOLEAN_FIELD("require_code_owner_reviews", struct reviews, code_owners) },
	{ BOOLEAN_FIELD("require_last_push_approval", struct reviews, last_push) },
	{ INTEGER_FIELD("required_approving_review_count", struct reviews, count) },
	{ OBJECT_FIELD("dismissal_restrictions", struct reviews, dismissal),
		.record = &names_record },
	{ OBJECT_FIELD("bypass_pull_request_allowances", struct reviews, bypass),
		.record = &names_record },
};
static const struct record reviews_request_record = RECORD(struct reviews, reviews_request_fields);

struct protection_request {
	const void *checks, *reviews, *restrictions;
	bool admins, linear, force_pushes, deletions, creations, resolution, lock, syncing;
};
static const struct field request_fields[] = {
	/* GitHub requires all four, if only as null. */
	{ OBJECT_FIELD("required_status_checks", struct protection_request, checks),
		.record = &checks_request_record, .required = true },
	{ BOOLEAN_FIELD("enforce_admins", struct protection_request, admins) },
	{ OBJECT_FIELD("required_pull_request_reviews", struct protection_request, reviews),
		.record = &reviews_request_record, .required = true },
	{ OBJECT_FIELD("restrictions", struct protection_request, restrictions),
		.record = &names_record, .required = true },
	{ BOOLEAN_FIELD("required_linear_history", struct protection_request, linear),
		.omit_zero = true },
	{ BOOLEAN_FIELD("allow_force_pushes", struct protection_request, force_pushes),
		.omit_zero = true },
	{ BOOLEAN_FIELD("allow_deletions", struct protection_request, deletions),
		.omit_zero = true },
	{ BOOLEAN_FIELD("block_creations", struct protection_request, creations),
		.omit_zero = true },
	{ BOOLEAN_FIELD("required_conversation_resolution", struct protection_request, resolution),
		.omit_zero = true },
	{ BOOLEAN_FIELD("lock_branch", struct protection_request, lock), .omit_zero = true },
	{ BOOLEAN_FIELD("allow_fork_syncing", struct protection_request, syncing),
		.omit_zero = true },
};
static const struct record request_record = RECORD(struct protection_request, request_fields);

/* ---- from the current protection to the request ---- */

static bool is_on(const void *toggle)
{
	return toggle != NULL && ((const struct toggle *)toggle)->enabled;
}

static bool names_of(struct action_context *context, const struct object_list *list,
	struct string_list *ret_names)
{
	const struct actor *actors = list->items;
	const char **names = action_allocate(context, list->count + 1, sizeof(*names));
	if (names == NULL)
		return false;
	for (size_t i = 0; i < list->count; i++)
		names[i] = actors[i].login != NULL ? actors[i].login : actors[i].slug;
	*ret_names = (struct string_list){ names, list->count };
	return true;
}

/* *ret_names stays NULL if there is no restriction at all, which differs from an empty list of
 * actors. */
static bool convert_actors(
	struct action_context *context, const void *current, const void **ret_names)
{
	const struct actors *actors = current;
	*ret_names = NULL;
	if (actors == NULL)
		return true;
	struct names *names = action_allocate(context, 1, sizeof(*names));
	*ret_names = names;
	return names != NULL && names_of(context, &actors->users, &names->users) &&
		names_of(context, &actors->teams, &names->teams) &&
		names_of(context, &actors->apps, &names->apps);
}

static bool has_check(const struct check *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].context, name) == 0)
			return true;
	return false;
}

/* Adds those that the list has not yet, by any app; returns how many it has then. */
static size_t add_checks(const struct string_list *names, struct check *list, size_t count)
{
	for (size_t i = 0; i < names->count; i++)
		if (!has_check(list, count, names->items[i]))
			list[count++] = (struct check){ .context = names->items[i] };
	return count;
}

/* What stands, pinned as it is: people decide to which app. Then what is asked besides. */
static bool merge_checks(struct action_context *context, const struct string_list *asked,
	const struct checks *current, struct object_list *ret_list)
{
	static const struct checks none;
	const struct checks *from = current != NULL ? current : &none;
	const struct check *pinned = from->checks.items;
	size_t count = 0;
	struct check *list = action_allocate(context,
		from->checks.count + from->contexts.count + asked->count + 1, sizeof(*list));

	if (list == NULL)
		return false;
	for (; count < from->checks.count; count++)
		list[count] = (struct check){ pinned[count].context,
			pinned[count].app_id != 0 ? pinned[count].app_id : ANY_APP };
	count = add_checks(&from->contexts, list, count);
	count = add_checks(asked, list, count);
	*ret_list = (struct object_list){ list, count };
	return true;
}

/* Without checks, asks GitHub for none. Never sends the older form. */
static bool prepare_checks(struct action_context *context, const struct protection_input *input,
	const struct checks *current, const void **ret_checks)
{
	const struct string_list *asked = &input->required_checks;

	*ret_checks = NULL;
	if (asked->count == 0 && current == NULL)
		return true;
	struct checks *checks = action_allocate(context, 1, sizeof(*checks));
	*ret_checks = checks;
	if (checks == NULL)
		return false;
	checks->strict = current != NULL && current->strict;
	return merge_checks(context, asked, current, &checks->checks);
}

static bool prepare_reviews(struct action_context *context, const struct protection_input *input,
	const struct reviews *current, const void **ret_reviews)
{
	*ret_reviews = NULL;
	if (current == NULL && input->required_reviews < 0)
		return true;
	struct reviews *reviews = action_allocate(context, 1, sizeof(*reviews));
	*ret_reviews = reviews;
	if (reviews == NULL)
		return false;
	if (current != NULL)
		*reviews = *current;
	if (input->required_reviews > reviews->count)
		reviews->count = input->required_reviews;
	return convert_actors(context, reviews->dismissal, &reviews->dismissal) &&
		convert_actors(context, reviews->bypass, &reviews->bypass);
}

static bool prepare(struct action_context *context, const struct protection_input *input,
	const struct protection *current, struct protection_request *ret_request)
{
	*ret_request = (struct protection_request){ .admins = input->enforce_admins ||
			is_on(current->admins),
		.linear = is_on(current->linear),
		.force_pushes = is_on(current->force_pushes),
		.deletions = is_on(current->deletions),
		.creations = is_on(current->creations),
		.resolution = is_on(current->resolution),
		.lock = is_on(current->lock),
		.syncing = is_on(current->syncing) };
	if (prepare_checks(context, input, current->checks, &ret_request->checks) &&
		prepare_reviews(context, input, current->reviews, &ret_request->reviews) &&
		convert_actors(context, current->restrictions, &ret_request->restrictions))
		return true;
	action_fail(context, ERROR_OUT_OF_MEMORY, "out of memory for the branch protection");
	return false;
}

bool protection_has_admins(const struct protection *protection)
{
	return is_on(protection->admins);
}

bool protection_list_standing(struct action_context *context, const struct protection *protection,
	struct protection_standing *ret_standing)
{
	static const struct string_list none;
	const struct reviews *reviews = protection->reviews;
	struct object_list checks;

	*ret_standing =
		(struct protection_standing){ .reviews = reviews != NULL ? reviews->count : -1 };
	if (!merge_checks(context, &none, protection->checks, &checks))
		return false;
	const struct check *list = checks.items;
	const char **names = action_allocate(context, checks.count + 1, sizeof(*names));
	for (size_t i = 0; names != NULL && i < checks.count; i++)
		names[i] = list[i].context;
	ret_standing->checks = (struct string_list){ names, checks.count };
	return names != NULL;
}

/* ---- calls ---- */

#define PROTECTION_PATH "/repos/{owner}/{repo}/branches/{branch}/protection"

bool protection_read(struct action_context *context, const struct protection_input *input,
	struct protection *ret_protection)
{
	struct provider_response response;
	struct provider_request request = { .path = PROTECTION_PATH, .expect = { 404 } };

	*ret_protection = (struct protection){ .exists = false };
	if (!split_repository(context, input->repository, request.parameters))
		return false;
	request.parameters[2] = input->branch;
	if (!provider_call(context, &github, &request, &response))
		return false;
	ret_protection->branch_missing =
		response.status == 404 && strcasestr(response.message, "branch not found") != NULL;
	ret_protection->branch_late = ret_protection->branch_missing && provider_is_late(context);
	if (response.status == 404)
		return true;
	if (!provider_decode(context, &response, &protection_record, ret_protection))
		return false;
	ret_protection->exists = true; /* which decoding has reset */
	return true;
}

bool protection_write(struct action_context *context, const struct protection_input *input,
	const struct protection *current, struct provider_response *response)
{
	struct protection_request body;
	struct provider_request request = { .method = HTTP_PUT,
		.path = PROTECTION_PATH,
		.body_record = &request_record,
		.body = &body,
		.expect = { 404 } };

	if (!split_repository(context, input->repository, request.parameters) ||
		!prepare(context, input, current, &body))
		return false;
	request.parameters[2] = input->branch;
	if (current->exists)
		action_found(context, action_encode(context, &protection_record, current));
	return provider_call(context, &github, &request, response);
}
