/*
 * Tells repositories of the same name apart, by id and by what they were created from. GitHub does
 * not always report the upstream of a fork; in that case the upstream's list of forks is searched.
 */
#include "actions/github_origin.h"

#include "actions/github_names.h"
#include "slipway/provider.h"

#define PAGE_ITEMS 100
#define PAGES_MAX  20

/* ---- what GitHub returns ---- */

struct named {
	const char *full_name;
};
static const struct field named_fields[] = { { STRING_FIELD(
	"full_name", struct named, full_name) } };
static const struct record named_record = RECORD(struct named, named_fields);

static const struct field owner_fields[] = { { STRING_FIELD(
	"login", struct repository_owner, login) } };
static const struct record owner_record = RECORD(struct repository_owner, owner_fields);

static const struct field repository_fields[] = {
	{ INTEGER_FIELD("id", struct repository, id), .required = true },
	{ STRING_FIELD("full_name", struct repository, full_name), .required = true },
	{ STRING_FIELD("name", struct repository, name), .required = true },
	{ STRING_FIELD("default_branch", struct repository, default_branch) },
	{ STRING_FIELD("html_url", struct repository, html_url) },
	{ STRING_FIELD("created_at", struct repository, created_at) },
	{ STRING_FIELD("visibility", struct repository, visibility) },
	{ BOOLEAN_FIELD("fork", struct repository, fork) },
	{ BOOLEAN_FIELD("archived", struct repository, archived) },
	{ BOOLEAN_FIELD("disabled", struct repository, disabled) },
	{ OBJECT_FIELD("owner", struct repository, owner), .required = true,
		.record = &owner_record },
	{ OBJECT_FIELD("parent", struct repository, parent), .record = &named_record },
	{ OBJECT_FIELD("source", struct repository, source), .record = &named_record },
	{ OBJECT_FIELD("template_repository", struct repository, template_repository),
		.record = &named_record },
};
const struct record repository_record = RECORD(struct repository, repository_fields);

bool repository_read(struct action_context *context, const char *owner, const char *name,
	bool *ret_exists, struct repository *ret_repository)
{
	struct provider_response response;
	const struct provider_request request = {
		.path = "/repos/{owner}/{repo}", .parameters = { owner, name }, .expect = { 404 }
	};
	if (!provider_call(context, &github, &request, &response))
		return false;
	*ret_exists = response.status != 404;
	return !*ret_exists ||
		provider_decode(context, &response, &repository_record, ret_repository);
}

bool repository_is_named(const struct repository *repository, const char *owner, const char *name)
{
	size_t length = strlen(owner);

	return strncasecmp(repository->full_name, owner, length) == 0 &&
		repository->full_name[length] == '/' &&
		strcasecmp(repository->full_name + length + 1, name) == 0;
}

static bool is_named(const void *named, const char *full_name)
{
	const struct named *repository = named;
	return full_name != NULL && repository != NULL && repository->full_name != NULL &&
		strcasecmp(repository->full_name, full_name) == 0;
}

/* For a fork that does not name its upstream: searches the upstream's list of forks, the newest
 * first. */
static bool find_among_forks(struct action_context *context, const char *upstream,
	const struct repository *repository, bool *ret_found)
{
	struct provider_response response;
	struct object_list list = { .count = PAGE_ITEMS };
	struct provider_request request = { .path = "/repos/{owner}/{repo}/forks",
		.expect = { 404 } };

	*ret_found = false;
	if (!split_repository(context, upstream, request.parameters))
		return false;
	request.query[0] = (struct string_pair){ "per_page", "100" };
	for (int page = 1; page <= PAGES_MAX && list.count == PAGE_ITEMS && !*ret_found; page++) {
		request.query[1] =
			(struct string_pair){ "page", action_format(context, "%d", page) };
		if (!provider_call(context, &github, &request, &response))
			return false;
		if (response.status == 404)
			return true;
		if (!provider_decode_list(context, &response, &repository_record, &list))
			return false;
		const struct repository *forks = list.items;
		for (size_t i = 0; i < list.count; i++)
			*ret_found = *ret_found || forks[i].id == repository->id;
	}

	return true;
}

static bool names_source(const struct repository *repository, const char *source)
{
	return is_named(repository->template_repository, source) ||
		is_named(repository->parent, source) || is_named(repository->source, source);
}

/* People may have renamed the source since: GitHub knows the old name, and tells the new one of
 * both. */
static bool find_by_new_name(struct action_context *context, const char *source,
	const struct repository *repository, bool *ret_is)
{
	const char *names[2];
	struct repository found;
	bool exists;

	if (!split_repository(context, source, names) ||
		!repository_read(context, names[0], names[1], &exists, &found))
		return false;
	*ret_is = exists && names_source(repository, found.full_name);
	return true;
}

bool repository_is_made_from(struct action_context *context, const char *source,
	const struct repository *repository, bool *ret_is)
{
	*ret_is = source != NULL ? names_source(repository, source)
				 : !repository->fork && repository->template_repository == NULL;
	if (*ret_is || source == NULL)
		return true;
	if (repository->parent != NULL || repository->template_repository != NULL)
		return find_by_new_name(context, source, repository, ret_is);
	return !repository->fork || find_among_forks(context, source, repository, ret_is);
}

const char *repository_id(struct action_context *context, const struct repository *repository)
{
	return action_format(context, "%lld", (long long)repository->id);
}

bool repository_own(struct action_context *context, const struct repository *repository,
	bool created, bool shared)
{
	struct ledger_resource resource = { .provider = "github",
		.type = "repository",
		.key = repository_key(context, repository->full_name),
		.id = repository_id(context, repository),
		.url = repository->html_url,
		.created = created,
		.shared = shared };
	const struct ledger_resource *list, *renamed = NULL;
	size_t count;

	if (resource.key == NULL || resource.id == NULL ||
		!ledger_list(context, "github", "repository", &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!list[i].pending && strcmp(list[i].id, resource.id) == 0 &&
			strcmp(list[i].key, resource.key) != 0)
			renamed = &list[i];
	resource.created = created || (renamed != NULL && renamed->created);
	return ledger_put(context, &resource) &&
		(renamed == NULL || ledger_remove(context, "github", "repository", renamed->key));
}
