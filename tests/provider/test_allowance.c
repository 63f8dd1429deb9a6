/*
 * What leaves the machine with a connection that lists some things only, and what does not; that
 * each call which the actions make has a row, and each row says all.
 *
 * covers: src/provider/allowance.c src/provider/github_calls.c src/provider/vercel_calls.c
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "harness/json_text.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "provider/allowance.h"
#include "provider/providers.h"

static struct peer *peer;
static struct http_client *client;
static struct arena arena;
static struct error error;
static struct call_finding *findings;
static struct provider_response response;

/* The lists of the tests: exact names, in another case than calls have them. */
static const char *const owners[] = { "acme" }, *const repositories[] = { "Other/One", "half/*-x" },
			 *const projects[] = { "docs", "p*", "prj_listed" },
			 *const domains[] = { "docs.acme.example", "*.acme.dev" };
static const struct connection listed = {
	.tenant = "t1",
	.name = "narrow",
	.provider = "github",
	.kind = "token",
	.owners = { owners, 1 },
	.repositories = { repositories, 2 },
	.projects = { projects, 3 },
	.domains = { domains, 2 },
};
static struct connection connection;

static void setup(void)
{
	struct error ignored;
	arena_init(&arena, 0);
	peer = peer_start();
	ck_assert_int_eq(http_client_new(&client, &ignored), ERROR_NONE);
	connection = listed;
	findings = NULL;
}

static void teardown(void)
{
	http_client_free(client);
	peer_stop(peer);
	arena_release(&arena);
}

/* What the app's ledger has. */
static const char *key_of_id(void *data, const char *provider, const char *type, const char *id)
{
	static const struct {
		const char *provider, *type, *id, *key;
	} rows[] = {
		{ "vercel", "project", "prj_ours", "docs" },
		{ "vercel", "project", "prj_renamed", "other" },
		{ "vercel", "deployment", "dpl_ours", "dpl_ours" },
		{ "github", "repository", "42", "acme/docs" },
		{ "github", "repository", "43", "evil/docs" },
	};
	(void)data;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].provider, provider) == 0 && strcmp(rows[i].type, type) == 0 &&
			strcmp(rows[i].id, id) == 0)
			return rows[i].key;
	return NULL;
}

static enum error_class with_exchange(const struct provider *provider,
	enum error_class (*visit)(const struct provider_exchange *exchange, const void *data),
	const void *data)
{
	static const struct settings settings = { .allow_loopback = true };
	const struct provider_access access = { .base_url = peer_url(peer),
		.token = "token-of-test",
		.connection = &connection,
		.scope = "team-a" };
	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = &access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.findings = &findings,
		.key_of_id = key_of_id,
		.settings = &settings };
	memset(&error, 0, sizeof(error));
	return visit(&exchange, data);
}

static enum error_class send_it(const struct provider_exchange *exchange, const void *data)
{
	return provider_send(exchange, data, &response, &error);
}

static enum error_class send_to(
	const struct provider *provider, const struct provider_request *request)
{
	return with_exchange(provider, send_it, request);
}

static enum error_class plan_it(const struct provider_exchange *exchange, const void *data)
{
	return allowance_check(exchange, data, true, &error);
}

static enum error_class run_it(const struct provider_exchange *exchange, const void *data)
{
	return allowance_check(exchange, data, false, &error);
}

static enum error_class check_planned(const struct provider_request *request, bool planned)
{
	return with_exchange(&vercel, planned ? plan_it : run_it, request);
}

/* ---- what is sent, and what is not ---- */

struct text {
	const char *value, *other, *third;
};
/* clang-format off */
#define TEXT_FIELD(name, first, second, last) \
	static const struct field name##_fields[] = { \
		{ STRING_FIELD(first, struct text, value) }, \
		{ STRING_FIELD(second, struct text, other) }, \
		{ STRING_FIELD(last, struct text, third) }, \
	}; \
	static const struct record name = RECORD(struct text, name##_fields)
/* clang-format on */
TEXT_FIELD(creation, "name", "owner", "organization");
TEXT_FIELD(deployment, "name", "project", "deploymentId");
TEXT_FIELD(addition, "name", "redirect", "gitBranch");
TEXT_FIELD(link_body, "repo", "type", "org");
TEXT_FIELD(source, "repoId", "type", "ref");

struct nested {
	const char *name;
	const void *part;
};
static const struct field project_fields[] = {
	{ STRING_FIELD("name", struct nested, name) },
	{ OBJECT_FIELD("gitRepository", struct nested, part), .record = &link_body },
};
static const struct record project = RECORD(struct nested, project_fields);
static const struct field sourced_fields[] = {
	{ STRING_FIELD("project", struct nested, name) },
	{ OBJECT_FIELD("gitSource", struct nested, part), .record = &source },
};
static const struct record sourced = RECORD(struct nested, sourced_fields);

#define REPO "/repos/{owner}/{repo}"
#define BODY(the_record, ...)                                                                      \
	.body_record = &(the_record), .body = (const struct text[1])                               \
	{                                                                                          \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define NESTED(the_record, the_name, ...)                                                          \
	.body_record = &(the_record), .body = (const struct nested[1])                             \
	{                                                                                          \
		{                                                                                  \
			(the_name), (const struct text[1])                                         \
			{                                                                          \
				{                                                                  \
					__VA_ARGS__                                                \
				}                                                                  \
			}                                                                          \
		}                                                                                  \
	}

#define TO(the_method, the_path, ...)                                                              \
	.method = HTTP_##the_method, .path = (the_path), .parameters = { __VA_ARGS__ }
#define TO_ONE(the_method, the_path) .method = HTTP_##the_method, .path = (the_path)

struct trial_call {
	const struct provider *provider;
	struct provider_request request;
};

static const struct trial_call allowed[] = {
	{ &github, { TO(GET, REPO, "ACME", "anything") } },
	{ &github, { TO(DELETE, REPO, "other", "one") } },
	{ &github, { TO(GET, REPO "/branches/{branch}", "half", "of-x", "evil/main") } },
	{ &github, { TO(GET, "/orgs/{org}", "other") } },
	{ &github, { TO(POST, "/orgs/{org}/repos", "other"), BODY(creation, "one", NULL, NULL) } },
	{ &github,
		{ TO(POST, "/repos/{template_owner}/{template_repo}/generate", "acme", "template"),
			BODY(creation, "one", "Other", NULL) } },
	{ &github,
		{ TO(POST, REPO "/forks", "acme", "docs"), BODY(creation, "new", NULL, "Acme") } },
	{ &vercel, { TO(GET, "/v9/projects/{idOrName}", "docs") } },
	{ &vercel, { TO(GET, "/v9/projects/{idOrName}", "prj_listed") } },
	{ &vercel, { TO(DELETE, "/v9/projects/{idOrName}", "prj_ours") } },
	{ &vercel,
		{ TO_ONE(POST, "/v11/projects"),
			NESTED(project, "docs", "acme/docs", NULL, NULL) } },
	{ &vercel,
		{ TO(POST, "/v10/projects/{idOrName}/domains", "docs"),
			BODY(addition, "www.acme.dev", "docs.acme.example", NULL) } },
	{ &vercel,
		{ TO_ONE(POST, "/v13/deployments"),
			NESTED(sourced, "prj_ours", "42", NULL, NULL) } },
	{ &vercel, { TO_ONE(POST, "/v13/deployments"), BODY(deployment, "docs", NULL, NULL) } },
	{ &vercel, { TO(GET, "/v13/deployments/{idOrUrl}", "dpl_ours") } },
	{ &vercel, { TO(GET, "/v2/teams/{teamId}", "team-a") } },
	{ &vercel, { TO_ONE(GET, "/v2/user"), .unscoped = true } },
};

static const struct trial_call refused[] = {
	{ &github, { TO(GET, REPO, "evil", "docs") } },
	{ &github, { TO(GET, REPO, "acme-x", "docs") } },
	{ &github, { TO(GET, REPO, "other", "two") } },
	{ &github, { TO(GET, REPO, "acme", "../evil/docs") } },
	{ &github, { TO(GET, REPO, "half/a", "b-x") } },
	{ &github, { TO(GET, REPO, "half", "a/b-x") } },
	{ &github, { TO(GET, "/orgs/{org}", "evil") } },
	{ &github, { TO(POST, "/orgs/{org}/repos", "evil"), BODY(creation, "docs", NULL, NULL) } },
	{ &github, { TO(POST, "/orgs/{org}/repos", "other"), BODY(creation, "two", NULL, NULL) } },
	{ &github, { TO(POST, "/orgs/{org}/repos", "acme") } },
	{ &github, { TO_ONE(POST, "/user/repos"), BODY(creation, "docs", NULL, NULL) } },
	{ &github, { TO_ONE(POST, "/user/repos"), BODY(creation, "docs", "acme", "acme") } },
	{ &github,
		{ TO(POST, "/repos/{template_owner}/{template_repo}/generate", "evil", "template"),
			BODY(creation, "docs", "acme", NULL) } },
	{ &github,
		{ TO(POST, "/repos/{template_owner}/{template_repo}/generate", "acme", "template"),
			BODY(creation, "docs", "evil", NULL) } },
	{ &github,
		{ TO(POST, "/repos/{template_owner}/{template_repo}/generate", "acme", "template"),
			BODY(creation, "docs", NULL, NULL) } },
	{ &github,
		{ TO(POST, REPO "/forks", "acme", "docs"), BODY(creation, "docs", NULL, NULL) } },
	{ &github,
		{ TO(POST, REPO "/forks", "acme", "docs"), BODY(creation, "docs", NULL, "evil") } },
	{ &github,
		{ TO(PUT, "/orgs/{org}/teams/{team_slug}" REPO, "evil", "team", "acme", "docs") } },
	{ &github,
		{ TO(PUT, "/orgs/{org}/teams/{team_slug}" REPO, "acme", "team", "evil", "docs") } },
	{ &github, { TO(PATCH, REPO, "acme", "docs"), BODY(creation, "other", NULL, NULL) } },
	/* no row */
	{ &github, { TO(POST, REPO "/transfer", "acme", "docs") } },
	{ &github, { TO(DELETE, "/orgs/{org}", "acme") } },
	{ &github, { TO_ONE(GET, "/repos/acme/docs") } },
	{ &github, { TO(GET, REPO "/", "acme", "docs") } },
	{ &github, { TO(GET, REPO, "acme", "docs"), .query = { { "owner", "evil" } } } },
	{ &vercel, { TO(GET, "/v9/projects/{idOrName}", "other") } },
	/* the pattern p* is one of names */
	{ &vercel, { TO(GET, "/v9/projects/{idOrName}", "prj_evil") } },
	{ &vercel, { TO(GET, "/v9/projects/{idOrName}", "pQmHash") } },
	{ &vercel, { TO(DELETE, "/v9/projects/{idOrName}", "prj_renamed") } },
	{ &vercel, { TO(GET, "/v9/projects/{idOrName}", "docs"), .unscoped = true } },
	{ &vercel,
		{ TO(GET, "/v9/projects/{idOrName}", "docs"), .query = { { "teamId", "evil" } } } },
	{ &vercel,
		{ TO_ONE(POST, "/v11/projects"),
			NESTED(project, "docs", "evil/docs", NULL, NULL) } },
	{ &vercel, { TO_ONE(POST, "/v11/projects"), NESTED(project, "docs", "acme", NULL, NULL) } },
	{ &vercel,
		{ TO_ONE(POST, "/v11/projects"),
			NESTED(project, "other", "acme/docs", NULL, NULL) } },
	{ &vercel,
		{ TO(POST, "/v9/projects/{idOrName}/link", "docs"),
			BODY(link_body, "evil/docs", NULL, NULL) } },
	{ &vercel,
		{ TO(POST, "/v10/projects/{idOrName}/domains", "docs"),
			BODY(addition, "evil.example", NULL, NULL) } },
	{ &vercel,
		{ TO(POST, "/v10/projects/{idOrName}/domains", "docs"),
			BODY(addition, "www.acme.dev", "evil.example", NULL) } },
	{ &vercel,
		{ TO(GET, "/v6/domains/{domain}/config", "www.acme.dev"),
			.query = { { "projectIdOrName", "other" } } } },
	{ &vercel, { TO_ONE(GET, "/v7/deployments"), .query = { { "limit", "20" } } } },
	{ &vercel,
		{ TO_ONE(POST, "/v13/deployments"),
			NESTED(sourced, "prj_ours", "43", NULL, NULL) } },
	{ &vercel,
		{ TO_ONE(POST, "/v13/deployments"),
			NESTED(sourced, "prj_ours", "44", NULL, NULL) } },
	{ &vercel,
		{ TO_ONE(POST, "/v13/deployments"),
			BODY(deployment, "docs", "prj_ours", "dpl_evil") } },
	{ &vercel, { TO_ONE(POST, "/v13/deployments"), BODY(deployment, "other", NULL, NULL) } },
	{ &vercel, { TO(PATCH, "/v12/deployments/{id}/cancel", "dpl_evil") } },
	{ &vercel, { TO(GET, "/v2/teams/{teamId}", "team-b") } },
};

static const struct peer_row nothing[] = { { .method = NULL } };

START_TEST(test_what_the_lists_have_is_sent)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		peer_set(peer, nothing);
		enum error_class class = send_to(allowed[i].provider, &allowed[i].request);
		ck_assert_msg(error.http_status == 501, "%zu: %s: %s: %s", i,
			allowed[i].request.path, error_class_facts(class)->name, error.message);
	}
}
END_TEST

START_TEST(test_what_they_have_not_never_leaves_the_machine)
{
	peer_set(peer, nothing);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		enum error_class class = send_to(refused[i].provider, &refused[i].request);
		ck_assert_msg(class == ERROR_NOT_ALLOWED, "%zu: %s: %s: %s", i,
			refused[i].request.path, error_class_facts(class)->name, error.message);
		ck_assert_str_ne(error.remedy, "");
	}
	ck_assert_uint_eq(peer_count(peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_the_refusal_says_what_and_who_may_change_it)
{
	const struct provider_request request = { .path = REPO, .parameters = { "evil", "docs" } };
	ck_assert_int_eq(send_to(&github, &request), ERROR_NOT_ALLOWED);
	ck_assert_str_eq(error.message,
		"the connection 'narrow' to GitHub is not for the repository evil/docs: the call "
		"was not sent");
	ck_assert_str_eq(error.remedy,
		"If it is meant, an operator has to add it to the repositories of the connection "
		"by "
		"'slipway connection add narrow --tenant t1 --provider github --replace' with its "
		"other flags, its credential and the login slipway-admin. Or use another "
		"connection.");
	ck_assert(!error_class_facts(error.class)->retryable);
}
END_TEST

START_TEST(test_lists_of_everything_and_no_list)
{
	static const char *const all[] = { "*" };
	const struct provider_request calls[] = {
		{ .path = REPO, .parameters = { "evil", "docs" } },
		{ TO_ONE(POST, "/user/repos"), BODY(creation, "docs", NULL, NULL) },
	};
	connection.owners = (struct string_list){ all, 1 };
	peer_set(peer, nothing);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		send_to(&github, &calls[i]);
		ck_assert_int_eq(error.http_status, 501);
	}
	connection.owners = (struct string_list){ NULL, 0 };
	ck_assert_int_eq(send_to(&github, &calls[0]), ERROR_NOT_ALLOWED);
}
END_TEST

/* ---- ids ---- */

static enum error_class get_project(const char *id)
{
	const struct provider_request request = { .path = "/v9/projects/{idOrName}",
		.parameters = { id } };
	return send_to(&vercel, &request);
}

START_TEST(test_an_id_that_a_name_has_given)
{
	const struct peer_row rows[] = {
		{ "GET", "/v9/projects/docs", .status = 200,
			.body = J("{'id':'prj_found','name':'docs','link':{'repoId':77},"
				  "'targets':{'production':{'id':'dpl_live'}}}") },
		{ .method = NULL },
	};
	const struct provider_request read = { .path = "/v13/deployments/{idOrUrl}",
		.parameters = { "dpl_live" } };
	const struct provider_request deploy = { TO_ONE(POST, "/v13/deployments"),
		NESTED(sourced, "prj_found", "77", NULL, NULL) };

	peer_set(peer, rows);
	ck_assert_int_eq(get_project("prj_found"), ERROR_NOT_ALLOWED);
	ck_assert_int_eq(send_to(&vercel, &read), ERROR_NOT_ALLOWED);
	ck_assert_int_eq(get_project("docs"), ERROR_NONE);
	ck_assert_int_ne(get_project("prj_found"), ERROR_NOT_ALLOWED);
	ck_assert_int_ne(send_to(&vercel, &read), ERROR_NOT_ALLOWED);
	ck_assert_int_ne(send_to(&vercel, &deploy), ERROR_NOT_ALLOWED);
	ck_assert_int_eq(get_project("prj_other"), ERROR_NOT_ALLOWED);
}
END_TEST

START_TEST(test_ids_in_a_list_of_a_listed_project)
{
	const struct peer_row rows[] = {
		{ "GET", "/v7/deployments", .status = 200,
			.body = J("{'deployments':[{'uid':'dpl_1'},{'id':'dpl_2'}]}") },
		{ .method = NULL },
	};
	const struct provider_request list = { .path = "/v7/deployments",
		.query = { { "projectId", "docs" }, { "limit", "20" } } };
	struct provider_request cancel = { .method = HTTP_PATCH,
		.path = "/v12/deployments/{id}/cancel",
		.parameters = { "dpl_2" } };

	peer_set(peer, rows);
	ck_assert_int_eq(send_to(&vercel, &list), ERROR_NONE);
	ck_assert_int_ne(send_to(&vercel, &cancel), ERROR_NOT_ALLOWED);
	cancel.parameters[0] = "dpl_1";
	ck_assert_int_ne(send_to(&vercel, &cancel), ERROR_NOT_ALLOWED);
	cancel.parameters[0] = "dpl_3";
	ck_assert_int_eq(send_to(&vercel, &cancel), ERROR_NOT_ALLOWED);
}
END_TEST

START_TEST(test_the_account_of_the_credential)
{
	const struct provider_request create = { TO_ONE(POST, "/user/repos"),
		BODY(creation, "docs", NULL, NULL) };
	const struct provider_request look = { .path = "/user" };
	const struct provider_request fork = { TO(POST, REPO "/forks", "acme", "docs"),
		BODY(creation, "docs", NULL, NULL) };
	struct peer_row rows[] = {
		{ "GET", "/user", .status = 200, .body = "{'login':'Acme'}" },
		{ .method = NULL },
	};

	peer_set(peer, rows);
	ck_assert_int_eq(send_to(&github, &create), ERROR_NOT_ALLOWED);
	ck_assert_int_eq(send_to(&github, &look), ERROR_NONE);
	ck_assert_int_ne(send_to(&github, &create), ERROR_NOT_ALLOWED);
	ck_assert_int_ne(send_to(&github, &fork), ERROR_NOT_ALLOWED);
	rows[0].body = "{'login':'evil'}";
	peer_set(peer, rows);
	findings = NULL;
	ck_assert_int_eq(send_to(&github, &look), ERROR_NONE);
	ck_assert_int_eq(send_to(&github, &create), ERROR_NOT_ALLOWED);
	/* An operator may have given it any: GitHub puts these where the token is at home. */
	findings = NULL;
	connection.account = "acme";
	ck_assert_int_eq(send_to(&github, &create), ERROR_NOT_ALLOWED);
	ck_assert_int_eq(send_to(&github, &fork), ERROR_NOT_ALLOWED);
	ck_assert_uint_eq(peer_count(peer, "POST", NULL), 0);
}
END_TEST

/* ---- plans ---- */

START_TEST(test_an_id_that_a_plan_awaits)
{
	struct numbered {
		int64_t id;
	};
	static const struct field id_fields[] = { { INTEGER_FIELD(
		"repoId", struct numbered, id) } };
	static const struct record by_id = RECORD(struct numbered, id_fields);
	static const struct field fields[] = {
		{ STRING_FIELD("project", struct nested, name) },
		{ OBJECT_FIELD("gitSource", struct nested, part), .record = &by_id },
	};
	static const struct record deployment_by_id = RECORD(struct nested, fields);
	struct numbered source_id = { UNKNOWN_INTEGER };
	const struct nested body = { "docs", &source_id };
	const struct provider_request deploy = { TO_ONE(POST, "/v13/deployments"),
		.body_record = &deployment_by_id, .body = &body };

	ck_assert_int_eq(check_planned(&deploy, true), ERROR_NONE);
	ck_assert_int_eq(check_planned(&deploy, false), ERROR_NOT_ALLOWED);
	source_id.id = 43;
	ck_assert_int_eq(check_planned(&deploy, true), ERROR_NOT_ALLOWED);
}
END_TEST

/* ---- redirects ---- */

static enum error_class redirected_to(const char *path)
{
	const struct peer_row rows[] = {
		{ "GET", "/repos/acme/docs", .status = 301,
			.headers = arena_format(&arena, "Location: %s%s", peer_url(peer), path) },
		{ "GET", path, .status = 200, .body = "{'id':42}" },
		{ .method = NULL },
	};
	const struct provider_request request = { .path = REPO, .parameters = { "acme", "docs" } };
	peer_set(peer, rows);
	return send_to(&github, &request);
}

START_TEST(test_a_redirect_leads_to_nothing_that_is_not_listed)
{
	static const char *const elsewhere[] = { "/repositories/43", "/repositories/44",
		"/repos/evil/docs", "/repos/evil/x/repositories/42", "/repositories/42x" };

	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		ck_assert_int_eq(redirected_to(elsewhere[i]), ERROR_NOT_ALLOWED);
		ck_assert_uint_eq(peer_count(peer, "GET", elsewhere[i]), 0);
		ck_assert_ptr_nonnull(strstr(error.message, "renamed or moved"));
	}
	ck_assert_int_eq(redirected_to("/repositories/42"), ERROR_NONE);
}
END_TEST

/* The ledger knows 42 by the name that it had before somebody moved it. */
START_TEST(test_a_change_is_not_sent_on_to_what_was_moved)
{
	static const char *const all[] = { "*" };
	static const struct {
		enum http_method method;
		const char *name;
		int status;
	} changes[] = { { HTTP_PUT, "PUT", 307 }, { HTTP_DELETE, "DELETE", 308 },
		{ HTTP_PATCH, "PATCH", 307 }, { HTTP_POST, "POST", 307 } };

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		const char *path = i == 0 ? REPO "/collaborators/{username}"
			: i == 3          ? REPO "/git/trees"
					  : REPO,
			   *below = i == 0 ? "/collaborators/eve"
			: i == 3           ? "/git/trees"
					   : "",
			   *from = arena_format(&arena, "/repos/acme/docs%s", below),
			   *to = arena_format(&arena, "/repositories/42%s", below);
		const struct provider_request request = { .method = changes[i].method,
			.path = path,
			.parameters = { "acme", "docs", i == 0 ? "eve" : NULL } };
		const struct peer_row rows[] = {
			{ changes[i].name, from, .status = changes[i].status,
				.headers = arena_format(
					&arena, "Location: %s%s", peer_url(peer), to) },
			{ changes[i].name, to, .status = 200, .body = "{}" },
			{ .method = NULL },
		};
		peer_set(peer, rows);
		connection.owners = listed.owners;
		ck_assert_int_eq(send_to(&github, &request), ERROR_NOT_ALLOWED);
		ck_assert_uint_eq(peer_count(peer, changes[i].name, to), 0);
		ck_assert_ptr_nonnull(strstr(error.message, from));
		ck_assert_ptr_nonnull(strstr(error.message, to));
		ck_assert_ptr_nonnull(strstr(error.remedy, "the name that it has at GitHub now"));
		connection.owners = (struct string_list){ all, 1 };
		ck_assert_int_eq(send_to(&github, &request), ERROR_NONE);
		ck_assert_uint_eq(peer_count(peer, changes[i].name, to), 1);
	}
}
END_TEST

/* ---- the tables ---- */

static void check_row(const struct provider *provider, const struct call_row *row)
{
	size_t names = 0;

	for (const char *at = row->path; (at = strchr(at, '{')) != NULL; at++)
		ck_assert_msg(
			row->path_names[names++] != NAMES_UNSAID, "%s %s", provider->id, row->path);
	for (; names < PROVIDER_PARAMETERS; names++)
		ck_assert_int_eq(row->path_names[names], NAMES_UNSAID);
	for (const struct call_row *other = row + 1; other->path != NULL; other++)
		ck_assert(other->method != row->method || strcmp(other->path, row->path) != 0);
}

START_TEST(test_rows_say_all)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		for (const struct call_row *row = providers[i]->calls; row->path != NULL; row++)
			check_row(providers[i], row);
}
END_TEST

static bool has_path(const char *path)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		for (const struct call_row *row = providers[i]->calls; row->path != NULL; row++)
			if (strcmp(row->path, path) == 0)
				return true;
	return false;
}

static bool is_path(const char *text)
{
	static const char *const firsts[] = { "/repos/", "/orgs/", "/user\"", "/user/",
		"/installation/" };

	for (size_t i = 0; i < ARRAY_LEN(firsts); i++)
		if (strncmp(text, firsts[i], strlen(firsts[i])) == 0)
			return true;
	return text[1] == 'v' && text[2] >= '0' && text[2] <= '9';
}

/* Any text in a file that looks like a path of a provider. */
static size_t check_paths_in(const char *file_name)
{
	static char text[64000];
	size_t count = 0;
	FILE *file = fopen(file_name, "r");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (char *at = text; (at = strstr(at, "\"/")) != NULL; at++) {
		if (!is_path(at + 1))
			continue;
		char path[128] = "";
		ck_assert_int_eq(sscanf(at + 1, "%127[^\"]", path), 1);
		ck_assert_msg(has_path(path), "%s: no row has %s", file_name, path);
		count++;
	}
	return count;
}

/* Methods are told by the tests of the actions, all calls of which come by here. */
START_TEST(test_each_path_of_an_action_has_a_row)
{
	static const char *const patterns[] = { "workflows/actions/*.c", "src/provider/github*s.c",
		"src/provider/vercel.c" };
	size_t count = 0;
	glob_t found;

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		ck_assert_int_eq(glob(patterns[i], 0, NULL, &found), 0);
		for (size_t f = 0; f < found.gl_pathc; f++)
			count += strstr(found.gl_pathv[f], "_calls.c") == NULL
				? check_paths_in(found.gl_pathv[f])
				: 0;
		globfree(&found);
	}
	ck_assert_uint_ge(count, 60);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_the_lists_have_is_sent,
		test_what_they_have_not_never_leaves_the_machine,
		test_the_refusal_says_what_and_who_may_change_it,
		test_lists_of_everything_and_no_list, test_an_id_that_a_name_has_given,
		test_ids_in_a_list_of_a_listed_project, test_the_account_of_the_credential,
		test_an_id_that_a_plan_awaits, test_a_redirect_leads_to_nothing_that_is_not_listed,
		test_a_change_is_not_sent_on_to_what_was_moved, test_rows_say_all,
		test_each_path_of_an_action_has_a_row, NULL };
	return suite_main("allowance", tests, setup, teardown);
}
