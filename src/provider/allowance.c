/*
 * Rows say what the parts of a call name; the lists of the connection say which of that it is for.
 * An id stands for the name that the app's ledger has it under, or that a call of the same attempt
 * has found it by; one that nobody has found so names nothing that a list could have.
 */
#include "provider/allowance.h"

#include <string.h>

#include "base/json.h"
#include "base/json_pointer.h"
#include "base/text.h"
#include "base/unknown.h"

struct check {
	const struct provider_exchange *exchange;
	const struct provider_request *request;
	bool planned;
	/* the owner that the next part is a repository of; NULL: it is not known */
	const char *owner;
	bool has_owner, is_of_account;
	struct error *error;
};

/* What each names, for people, the list that has it, and its row in a ledger. */
static const struct kind {
	const char *noun;
	enum connection_list list;
	const char *provider, *type; /* provider NULL: the one of the call */
} kinds[] = {
	[NAMES_OWNER] = { "all of the owner", CONNECTION_OWNERS, NULL, NULL },
	[NAMES_OWNER_OF] = { "the owner", CONNECTION_OWNERS, NULL, NULL },
	[NAMES_REPOSITORY] = { "the repository", CONNECTION_REPOSITORIES, NULL, NULL },
	[NAMES_FULL_NAME] = { "the repository", CONNECTION_REPOSITORIES, NULL, NULL },
	[NAMES_PROJECT] = { "the project", CONNECTION_PROJECTS, NULL, "project" },
	[NAMES_DOMAIN] = { "the domain", CONNECTION_DOMAINS, NULL, NULL },
	[NAMES_SCOPE] = { "the account", CONNECTION_OWNERS, NULL, NULL },
	[NAMES_REPOSITORY_ID] = { "the repository with the id", CONNECTION_REPOSITORIES, "github",
		"repository" },
	[NAMES_DEPLOYMENT] = { "the deployment", CONNECTION_PROJECTS, NULL, "deployment" },
};

/* ---- refusals ---- */

static enum error_class refuse_rowless(const struct check *check, const char *what)
{
	const struct provider_request *request = check->request;

	error_set(check->error, ERROR_NOT_ALLOWED, "the call %s %s to %s was not sent: %s",
		http_method_name(request->method), request->path, check->exchange->provider->name,
		what);
	return error_remedy(check->error, NULL,
		"This is a mistake in the action: a call needs a row that says what its parts "
		"name. docs/writing-actions.md says how it gets one.");
}

static enum error_class refuse(const struct check *check, enum call_name names, const char *value)
{
	const struct connection *connection = check->exchange->access->connection;
	const struct kind *kind = &kinds[names];
	char command[CONNECTION_COMMAND_SIZE];
	bool by_id = kind->type != NULL && strcmp(kind->type, "project") != 0;

	error_set(check->error, ERROR_NOT_ALLOWED,
		"the connection '%s' to %s is not for %s %s: the call was not sent",
		connection->name, check->exchange->provider->name, kind->noun, value);
	return error_remedy(check->error, NULL,
		"%san operator has to add it to the %s of the connection by %s. Or use another "
		"connection.",
		by_id ? "Use one that this app has made; else " : "If it is meant, ",
		connection_list_name(kind->list),
		connection_command(connection, "--replace", command));
}

/* ---- the lists ---- */

static bool allows_all(const struct connection *connection, enum connection_list which)
{
	const struct string_list *list = connection_list(connection, which);

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], "*") == 0)
			return true;
	return false;
}

static bool allows_all_repositories(const struct connection *connection)
{
	return allows_all(connection, CONNECTION_OWNERS) ||
		allows_all(connection, CONNECTION_REPOSITORIES);
}

static bool allows_repository(
	const struct check *check, const char *owner, const char *name, const char **ret_full)
{
	const struct connection *connection = check->exchange->access->connection;

	if (owner == NULL) {
		*ret_full = arena_format(
			check->exchange->arena, "%s of the credential's own account", name);
		return allows_all_repositories(connection);
	}
	*ret_full = arena_format(check->exchange->arena, "%s/%s", owner, name);
	return *ret_full != NULL && strchr(owner, '/') == NULL && strchr(name, '/') == NULL &&
		name[0] != '\0' && connection_allows_repository(connection, *ret_full);
}

static bool allows_full_name(const struct check *check, const char *value)
{
	const char *slash = strchr(value, '/'), *ignored;
	const char *owner = slash != NULL
		? arena_format(check->exchange->arena, "%.*s", (int)(slash - value), value)
		: NULL;
	return owner != NULL && allows_repository(check, owner, slash + 1, &ignored);
}

/* One whom a pattern of repositories is of. */
static bool allows_owner_of(const struct check *check, const char *owner)
{
	const struct connection *connection = check->exchange->access->connection;
	const struct string_list *repositories =
		connection_list(connection, CONNECTION_REPOSITORIES);

	if (connection_allows(connection, CONNECTION_OWNERS, owner))
		return true;
	for (size_t i = 0; i < repositories->count; i++) {
		const char *pattern = repositories->items[i];
		const char *part = arena_format(
			check->exchange->arena, "%.*s", (int)strcspn(pattern, "/"), pattern);
		const struct connection own = { .owners = { &part, 1 } };
		if (part != NULL && connection_allows(&own, CONNECTION_OWNERS, owner))
			return true;
	}
	return false;
}

/* ---- what is named by an id ---- */

static bool is_found(const struct check *check, enum call_name names, const char *id)
{
	const struct provider_exchange *exchange = check->exchange;
	const struct call_finding *finding =
		exchange->findings != NULL ? *exchange->findings : NULL;

	for (; finding != NULL; finding = finding->next)
		if (finding->names == names &&
			strcmp(finding->provider, exchange->provider->id) == 0 &&
			strcmp(finding->id, id) == 0)
			return true;
	return false;
}

static const char *key_of(const struct check *check, enum call_name names, const char *id)
{
	const struct provider_exchange *exchange = check->exchange;
	const struct kind *kind = &kinds[names];

	return exchange->key_of_id != NULL && kind->type != NULL
		? exchange->key_of_id(exchange->key_data,
			  kind->provider != NULL ? kind->provider : exchange->provider->id,
			  kind->type, id)
		: NULL;
}

/* An id in a list is there whole: a pattern is one of names. */
static bool lists_id(
	const struct connection *connection, enum connection_list which, const char *id)
{
	const struct string_list *list = connection_list(connection, which);

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], id) == 0)
			return true;
	return allows_all(connection, which);
}

static bool allows_project(const struct check *check, const char *value)
{
	const struct provider *provider = check->exchange->provider;
	const struct connection *connection = check->exchange->access->connection;

	if (provider->is_id == NULL || !provider->is_id(NAMES_PROJECT, value))
		return connection_allows(connection, CONNECTION_PROJECTS, value);
	const char *key = key_of(check, NAMES_PROJECT, value);
	return lists_id(connection, CONNECTION_PROJECTS, value) ||
		is_found(check, NAMES_PROJECT, value) ||
		connection_allows(connection, CONNECTION_PROJECTS, key);
}

static bool allows_repository_id(const struct check *check, const char *value)
{
	const char *key = key_of(check, NAMES_REPOSITORY_ID, value);

	return allows_all_repositories(check->exchange->access->connection) ||
		is_found(check, NAMES_REPOSITORY_ID, value) ||
		(key != NULL && allows_full_name(check, key));
}

/* It is part of a project of which nothing is known here; the ledger has those of the app. */
static bool allows_deployment(const struct check *check, const char *value)
{
	return allows_all(check->exchange->access->connection, CONNECTION_PROJECTS) ||
		is_found(check, NAMES_DEPLOYMENT, value) ||
		key_of(check, NAMES_DEPLOYMENT, value) != NULL;
}

static bool allows_scope(const struct check *check, const char *value)
{
	const char *scope = check->exchange->access->scope;
	return scope != NULL && strcmp(scope, value) == 0;
}

static bool allows_owner(const struct check *check, const char *value)
{
	return connection_allows(check->exchange->access->connection, CONNECTION_OWNERS, value);
}

static bool allows_domain(const struct check *check, const char *value)
{
	return connection_allows(check->exchange->access->connection, CONNECTION_DOMAINS, value);
}

static bool (*const rules[])(const struct check *check, const char *value) = {
	[NAMES_OWNER] = allows_owner,
	[NAMES_OWNER_OF] = allows_owner_of,
	[NAMES_FULL_NAME] = allows_full_name,
	[NAMES_PROJECT] = allows_project,
	[NAMES_DOMAIN] = allows_domain,
	[NAMES_SCOPE] = allows_scope,
	[NAMES_REPOSITORY_ID] = allows_repository_id,
	[NAMES_DEPLOYMENT] = allows_deployment,
};

/* ---- the parts of a call ---- */

static enum error_class settle_owner(struct check *check)
{
	const char *owner = check->owner;
	bool stands_alone = check->has_owner && !check->is_of_account;

	check->has_owner = check->is_of_account = false;
	return stands_alone && owner != NULL && !allows_owner(check, owner)
		? refuse(check, NAMES_OWNER, owner)
		: ERROR_NONE;
}

static enum error_class check_repository(struct check *check, const char *name)
{
	const char *full;

	if (!check->has_owner)
		return refuse_rowless(check, "it names a repository without its owner");
	bool is_unknown = check->owner == NULL && !check->is_of_account;
	check->has_owner = check->is_of_account = false;
	if (is_unknown || allows_repository(check, check->owner, name, &full))
		return ERROR_NONE;
	return refuse(check, NAMES_REPOSITORY, full != NULL ? full : name);
}

/* A name that an earlier step of a plan has yet to give goes nowhere now. */
static bool is_awaited(const struct check *check, const char *value)
{
	struct unknown unknown;
	return check->planned && unknown_find(value, &unknown);
}

static enum error_class check_part(struct check *check, enum call_name names, const char *value)
{
	const bool is_awaited_now = is_awaited(check, value);

	if (names == NAMES_OWNER) {
		const bool replaces = check->is_of_account;
		if (!replaces && settle_owner(check) != ERROR_NONE)
			return check->error->class;
		check->owner = is_awaited_now ? NULL : value;
		check->has_owner = true;
		check->is_of_account = false;
		return ERROR_NONE;
	}
	if (names == NAMES_REPOSITORY && !is_awaited_now)
		return check_repository(check, value);
	if (names == NAMES_REPOSITORY)
		check->has_owner = check->is_of_account = false;
	if (settle_owner(check) != ERROR_NONE)
		return check->error->class;
	if (is_awaited_now || names == NAMES_NOTHING || names == NAMES_REPOSITORY)
		return ERROR_NONE;
	if (names == NAMES_UNSAID)
		return refuse_rowless(check, "its row does not say what a part of it names");
	return rules[names](check, value) ? ERROR_NONE : refuse(check, names, value);
}

static enum error_class check_path(struct check *check, const struct call_row *row)
{
	const struct provider_request *request = check->request;
	const char *open = request->path;

	for (size_t i = 0; (open = strchr(open, '{')) != NULL; i++, open++) {
		if (i >= PROVIDER_PARAMETERS || row->path_names[i] == NAMES_UNSAID)
			return refuse_rowless(
				check, "its row does not say what a {name} of its path names");
		if (check->exchange->access->connection == NULL)
			continue;
		const char *value = request->parameters[i] != NULL ? request->parameters[i] : "";
		if (check_part(check, row->path_names[i], value) != ERROR_NONE)
			return check->error->class;
	}
	return ERROR_NONE;
}

static const struct call_part *find_part(const struct call_part *parts, const char *at)
{
	for (size_t i = 0; i < CALL_PARTS_MAX && parts[i].at != NULL; i++)
		if (strcmp(parts[i].at, at) == 0)
			return &parts[i];
	return NULL;
}

static bool is_plain(const struct provider *provider, const char *name)
{
	for (size_t i = 0; provider->plain_query != NULL && provider->plain_query[i] != NULL; i++)
		if (strcmp(provider->plain_query[i], name) == 0)
			return true;
	return false;
}

static const char *query_value(const struct provider_request *request, const char *name)
{
	for (size_t i = 0; i < PROVIDER_PARAMETERS && request->query[i].name != NULL; i++)
		if (strcmp(request->query[i].name, name) == 0 && request->query[i].value != NULL)
			return request->query[i].value;
	return NULL;
}

static enum error_class check_query(struct check *check, const struct call_row *row)
{
	const struct provider_request *request = check->request;

	for (size_t i = 0; i < PROVIDER_PARAMETERS && request->query[i].name != NULL; i++) {
		const struct string_pair *pair = &request->query[i];
		const struct call_part *part = find_part(row->query, pair->name);
		if (part == NULL && !is_plain(check->exchange->provider, pair->name))
			return refuse_rowless(
				check, "its row does not say what a part of its query names");
		if (part != NULL && pair->value != NULL &&
			check->exchange->access->connection != NULL &&
			check_part(check, part->names, pair->value) != ERROR_NONE)
			return check->error->class;
	}
	for (size_t i = 0; i < CALL_PARTS_MAX && row->query[i].at != NULL; i++)
		if (row->query[i].required && query_value(request, row->query[i].at) == NULL)
			return refuse_rowless(
				check, "a part of its query is missing that its row needs");
	return ERROR_NONE;
}

/* A member as text; NULL where it is absent or null. */
static const char *member_text(const struct check *check, const cJSON *json, const char *at)
{
	const cJSON *value = at != NULL ? json_pointer_find(json, at) : NULL;

	if (cJSON_IsString(value))
		return value->valuestring;
	/* As a double, UNKNOWN_INTEGER is one more than what unknown_find knows. */
	if (cJSON_IsNumber(value) && value->valuedouble >= (double)UNKNOWN_INTEGER)
		return arena_format(check->exchange->arena, "%lld", (long long)UNKNOWN_INTEGER);
	if (cJSON_IsNumber(value))
		return arena_format(check->exchange->arena, "%.0f", value->valuedouble);
	return value == NULL || cJSON_IsNull(value) ? NULL : "";
}

/* The account that the provider has said the credential is of; NULL: nobody has asked. What an
 * operator calls it is no proof: the provider puts a new repository where the credential is at
 * home. */
static const char *account_of(const struct provider_exchange *exchange)
{
	const struct call_finding *finding =
		exchange->findings != NULL ? *exchange->findings : NULL;

	for (; finding != NULL; finding = finding->next)
		if (finding->names == NAMES_OWNER &&
			strcmp(finding->provider, exchange->provider->id) == 0)
			return finding->id;
	return NULL;
}

static enum error_class check_members(
	struct check *check, const struct call_row *row, const cJSON *json)
{
	if (row->of_account) {
		if (settle_owner(check) != ERROR_NONE)
			return check->error->class;
		check->owner = account_of(check->exchange);
		check->has_owner = check->is_of_account = true;
	}
	for (size_t i = 0; i < CALL_PARTS_MAX && row->body[i].at != NULL; i++) {
		const char *value = member_text(check, json, row->body[i].at);
		if (value == NULL)
			value = member_text(check, json, row->body[i].otherwise);
		if (value == NULL && row->body[i].required)
			return refuse_rowless(
				check, "a member of its body is missing that its row needs");
		if (value != NULL && check_part(check, row->body[i].names, value) != ERROR_NONE)
			return check->error->class;
	}
	return ERROR_NONE;
}

static enum error_class check_body(struct check *check, const struct call_row *row)
{
	CLEANUP_JSON cJSON *json = NULL;
	const cJSON *item;

	if (row->body[0].at == NULL || check->exchange->access->connection == NULL)
		return ERROR_NONE;
	if (request_body(check->request, &json, check->error) != ERROR_NONE)
		return check->error->class;
	if (!cJSON_IsArray(json))
		return check_members(check, row, json);
	cJSON_ArrayForEach (item, json) {
		if (check_members(check, row, item) != ERROR_NONE)
			return check->error->class;
	}
	return ERROR_NONE;
}

/* ---- all of it ---- */

static const struct call_row *find_row(
	const struct call_row *rows, const struct provider_request *request)
{
	for (; rows != NULL && rows->path != NULL; rows++)
		if (rows->method == request->method && strcmp(rows->path, request->path) == 0)
			return rows;
	return NULL;
}

/* The provider's own, or else one of the action's; NULL: none has it. */
static const struct call_row *find_row_of(
	const struct provider_exchange *exchange, const struct provider_request *request)
{
	const struct call_row *row = find_row(exchange->provider->calls, request);
	return row != NULL ? row : find_row(exchange->calls, request);
}

enum error_class allowance_check(const struct provider_exchange *exchange,
	const struct provider_request *request, bool planned, struct error *error)
{
	const struct call_row *row = find_row_of(exchange, request);
	struct check check = {
		.exchange = exchange, .request = request, .planned = planned, .error = error
	};

	if (row == NULL)
		return refuse_rowless(&check, "no row says what it names");
	if (request->unscoped && !row->unscoped)
		return refuse_rowless(
			&check, "its row does not say that it may go to another account");
	if (check_path(&check, row) != ERROR_NONE || check_query(&check, row) != ERROR_NONE ||
		check_body(&check, row) != ERROR_NONE)
		return error->class;
	return settle_owner(&check);
}

/* ---- what responses give ---- */

static void learn(const struct check *check, enum call_name names, const char *id)
{
	const struct provider_exchange *exchange = check->exchange;

	if (id == NULL || id[0] == '\0' || is_found(check, names, id))
		return;
	struct call_finding *finding = arena_allocate(exchange->arena, sizeof(*finding));
	const char *copy = arena_string(exchange->arena, id);
	if (finding == NULL || copy == NULL)
		return;
	*finding =
		(struct call_finding){ names, exchange->provider->id, copy, *exchange->findings };
	*exchange->findings = finding;
}

/* Where a part of the pointer is `*`, of each item of the list before it. */
static void learn_at(const struct check *check, const cJSON *json, const struct call_part *part)
{
	const char *star = strstr(part->at, "/*");
	const cJSON *item;

	if (star == NULL) {
		learn(check, part->names, member_text(check, json, part->at));
		return;
	}
	const char *list =
		arena_format(check->exchange->arena, "%.*s", (int)(star - part->at), part->at);
	const cJSON *items = list != NULL ? json_pointer_find(json, list) : NULL;
	cJSON_ArrayForEach (item, items) {
		learn(check, part->names, member_text(check, item, star + 2));
	}
}

void allowance_learn(const struct provider_exchange *exchange,
	const struct provider_request *request, const struct provider_response *response)
{
	const struct check check = { .exchange = exchange, .request = request };
	const struct call_row *row = find_row_of(exchange, request);
	struct error ignored;
	CLEANUP_JSON cJSON *json = NULL;

	if (exchange->findings == NULL || exchange->access->connection == NULL || row == NULL ||
		row->gives[0].at == NULL || response->status >= 300 ||
		json_parse(response->body, response->body_length, JSON_LIMITS_WIDE, &json,
			&ignored) != ERROR_NONE)
		return;
	for (size_t i = 0; i < CALL_PARTS_MAX && row->gives[i].at != NULL; i++)
		learn_at(&check, json, &row->gives[i]);
}

bool allowance_follows(
	const struct provider_exchange *exchange, enum http_method method, const char *url)
{
	const struct provider *provider = exchange->provider;
	const struct check check = { .exchange = exchange };
	size_t length = strlen(exchange->access->base_url);

	if (exchange->access->connection == NULL)
		return true;
	if (provider->id_path == NULL)
		return allows_all(exchange->access->connection, CONNECTION_PROJECTS);
	/* The ledger has the id by its old name: who owns the repository now, only a look tells. */
	if (method != HTTP_GET)
		return allows_all_repositories(exchange->access->connection);
	while (length > 0 && exchange->access->base_url[length - 1] == '/')
		length--;
	if (strncmp(url, exchange->access->base_url, length) != 0 ||
		!text_has_prefix(url + length, provider->id_path))
		return allows_all_repositories(exchange->access->connection);
	const char *id = url + length + strlen(provider->id_path);
	const char *copy = arena_format(exchange->arena, "%.*s", (int)strcspn(id, "/?#"), id);
	return copy != NULL && rules[provider->id_path_names](&check, copy);
}
