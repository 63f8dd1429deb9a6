/*
 * What real refusals of GitHub and Vercel become. Each fixture names where its body is from, and
 * what a person is told.
 *
 * covers: src/provider/provider.c src/provider/refusal.c src/provider/github.c
 * covers: src/provider/vercel.c
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "harness/json_text.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "provider/provider.h"

#define FIXTURES_MIN 40
#define FILE_MAX     131072
#define REQUEST_ID   "ID:of-the-exchange"

static struct peer *peer;
static struct http_client *client;
static struct arena arena;
static struct error error;

static void setup(void)
{
	unsetenv("http_proxy");
	arena_init(&arena, 0);
	peer = peer_start();
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
}

static void teardown(void)
{
	http_client_free(client);
	peer_stop(peer);
	arena_release(&arena);
	redact_forget(0);
}

struct some_input {
	const char *name;
	struct string_list variables;
	bool visibility;
};
static const struct field some_fields[] = {
	{ STRING_FIELD("name", struct some_input, name) },
	{ STRINGS_FIELD("variables", struct some_input, variables) },
	{ BOOLEAN_FIELD("visibility", struct some_input, visibility) },
};
static const struct record some_record = RECORD(struct some_input, some_fields);

static enum error_class send_to(
	const struct provider *provider, const struct provider_request *request)
{
	static const struct settings settings = { .allow_loopback = true };
	const struct provider_access access = { .base_url = peer_url(peer),
		.token = "token-of-test" };
	/* The paths of fixtures are of no call that is made here. */
	const struct call_row calls[] = { { .method = request->method,
						  .path = request->path,
						  .path_names = { NAMES_OWNER, NAMES_REPOSITORY } },
		{ .path = NULL } };
	struct provider bare = *provider;
	bare.calls = NULL;
	const struct provider_exchange exchange = { .client = client,
		.provider = &bare,
		.access = &access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.calls = calls,
		.input = &some_record,
		.settings = &settings };
	struct provider_response response;
	memset(&error, 0, sizeof(error));
	return provider_send(&exchange, request, &response, &error);
}

static cJSON *read_fixtures(const char *path)
{
	char *text = arena_allocate(&arena, FILE_MAX);
	FILE *file = fopen(path, "r");
	ck_assert_msg(text != NULL && file != NULL, "%s cannot be read", path);
	size_t length = fread(text, 1, FILE_MAX - 1, file);
	fclose(file);
	ck_assert_uint_lt(length, FILE_MAX - 1);
	cJSON *fixtures = cJSON_Parse(text);
	ck_assert_msg(cJSON_IsArray(fixtures), "%s is no list", path);
	return fixtures;
}

static const char *member(const cJSON *fixture, const char *name)
{
	const char *text = json_member_string(fixture, name);
	ck_assert_msg(text != NULL, "a fixture has no %s", name);
	return text;
}

static enum http_method method_of(const char *name)
{
	enum http_method method = HTTP_GET;
	while (strcmp(http_method_name(method), name) != 0)
		ck_assert_int_le(++method, HTTP_DELETE);
	return method;
}

/* The fixture's own headers as lines, and the id by which the provider's support finds the
 * exchange. */
static const char *headers_of(const struct provider *provider, const cJSON *fixture)
{
	const char *lines = arena_format(&arena, "%s: " REQUEST_ID,
		provider == &github ? "x-github-request-id" : "x-vercel-id");
	const cJSON *header;
	cJSON_ArrayForEach (header, json_member(fixture, "headers"))
		lines = arena_format(
			&arena, "%s\n%s: %s", lines, header->string, header->valuestring);
	return lines;
}

static const char *code_of(const struct provider *provider, const cJSON *body)
{
	const cJSON *from = json_member(body, "error");
	if (provider == &github)
		from = cJSON_GetArrayItem(json_member(body, "errors"), 0);
	const char *code = json_member_string(from, "code");
	return code != NULL ? code : "";
}

/* Text that the fixture demands somewhere; a fixture without the member demands none. */
static void check_piece(const cJSON *fixture, const char *name, const char *text)
{
	const char *piece = json_member_string(fixture, name);
	ck_assert_msg(piece == NULL || strstr(text, piece) != NULL, "%s: %s is \"%s\"",
		member(fixture, "source"), name, text);
}

static void check_error(const struct provider *provider, const cJSON *fixture)
{
	const struct error_class_facts *facts = error_class_facts(error.class);
	const char *remedy = error.remedy[0] != '\0' ? error.remedy : facts->remedy;
	const cJSON *retryable = json_member(fixture, "retryable"),
		    *wait = json_member(fixture, "retryAfterMs");
	const char *source = member(fixture, "source");
	ck_assert_msg(
		strcmp(facts->name, member(fixture, "class")) == 0, "%s: %s", source, facts->name);
	ck_assert_msg(retryable == NULL || cJSON_IsTrue(retryable) == facts->retryable,
		"%s: retryable", source);
	ck_assert_msg(facts->retryable || remedy != NULL, "%s: nobody is told what to do", source);
	ck_assert_str_eq(error.provider, provider->id);
	ck_assert_int_eq(error.http_status, json_member(fixture, "status")->valueint);
	ck_assert_str_eq(error.provider_code, code_of(provider, json_member(fixture, "body")));
	ck_assert_str_eq(error.request_id, REQUEST_ID);
	ck_assert_ptr_nonnull(strstr(error.message, member(fixture, "path")));
	ck_assert_msg(wait == NULL || error.retry_after_ms == wait->valueint, "%s: %lld ms", source,
		(long long)error.retry_after_ms);
	check_piece(fixture, "message", error.message);
	check_piece(fixture, "remedy", remedy != NULL ? remedy : "");
	check_piece(fixture, "remedyUrl", error.remedy_url);
}

static void check_fixture(const struct provider *provider, const cJSON *fixture)
{
	const cJSON *body = json_member(fixture, "body");
	char *text = cJSON_IsNull(body) ? NULL : cJSON_PrintUnformatted(body);
	const struct peer_row rows[] = {
		{ .method = member(fixture, "method"),
			.path = member(fixture, "path"),
			.status = json_member(fixture, "status")->valueint,
			.body = text,
			.headers = headers_of(provider, fixture) },
		{ .method = NULL },
	};
	const struct provider_request request = { .method = method_of(rows[0].method),
		.path = rows[0].path };
	peer_set(peer, rows);
	ck_assert_msg(send_to(provider, &request) == error.class, "%s", member(fixture, "source"));
	check_error(provider, fixture);
	cJSON_free(text);
}

static void check_fixtures(const struct provider *provider, const char *path)
{
	cJSON *fixtures = read_fixtures(path);
	const cJSON *fixture;
	ck_assert_int_ge(cJSON_GetArraySize(fixtures), FIXTURES_MIN);
	cJSON_ArrayForEach (fixture, fixtures)
		check_fixture(provider, fixture);
	cJSON_Delete(fixtures);
}

START_TEST(test_github)
{
	check_fixtures(&github, "tests/http/fixtures/github.json");
}
END_TEST

START_TEST(test_vercel)
{
	check_fixtures(&vercel, "tests/http/fixtures/vercel.json");
}
END_TEST

/* One answer of the provider to GET /thing. */
static void refuse_with(const struct provider *provider, int status, const char *body)
{
	const struct peer_row rows[] = {
		{ .method = "GET", .path = "/thing", .status = status, .body = body },
		{ .method = NULL },
	};
	const struct provider_request request = { .path = "/thing" };
	peer_set(peer, rows);
	ck_assert_int_ne(send_to(provider, &request), ERROR_NONE);
}

START_TEST(test_unknown_refusal_says_what_was_answered)
{
	refuse_with(&github, 418, "<html>\n<h1>Teapot of the proxy</h1>");
	ck_assert_int_eq(error.class, ERROR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(error.message, "418"));
	ck_assert_ptr_nonnull(strstr(error.message, ": Teapot of the proxy"));
	refuse_with(&vercel, 418, J("{'reason':'no member that is known'}"));
	ck_assert_int_eq(error.class, ERROR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(error.message, "no member that is known"));
	refuse_with(&vercel, 418, NULL);
	ck_assert_ptr_nonnull(strstr(error.message, "(no message)"));
}
END_TEST

/* Which row is asked for what: a fault of the provider, a plan, a permission, a member of the
 * input. */
struct told {
	const struct provider *provider;
	int status;
	const char *body;
	enum error_class class;
	const char *message, *remedy, *input; /* NULL: whatever it is */
};

static const struct told told[] = {
	{ &github, 502, "<!DOCTYPE html>\n<!-- Hello future GitHubber! --><title>Unicorn!</title>",
		ERROR_PROVIDER_UNAVAILABLE,
		"GitHub has a problem of its own (502): GET /repos/acme/do/cs", NULL, NULL },
	{ &vercel, 500, "{'error':{'code':'internal','message':'It broke'}}",
		ERROR_PROVIDER_UNAVAILABLE, "(500): GET /repos/acme/do/cs: It broke", NULL, NULL },
	{ &github, 403,
		"{'message':'Although you appear to have the correct authorization credentials, "
		"the `acme` "
		"organization "
		"has an IP allow list enabled, and your IP address is not permitted to access this "
		"resource.'}",
		ERROR_SCOPE_MISSING, NULL, "IP allow list", NULL },
	{ &github, 403, "{'message':'The `acme` organization requires two-factor authentication'}",
		ERROR_SCOPE_MISSING, NULL, "Turn on two-factor authentication", NULL },
	{ &github, 403, "{'message':'At least one email address must be verified to do that.'}",
		ERROR_SCOPE_MISSING, NULL, "Verify the email address", NULL },
	{ &github, 422, "{'message':'Changes must be made through a pull request.'}",
		ERROR_INVALID_INPUT, NULL, "takes commits without a pull request", NULL },
	/* It speaks of a rule that was sent, and is none that was met. */
	{ &github, 422,
		"{'message':'Invalid rule: Require a pull request before merging','errors':[]}",
		ERROR_INVALID_INPUT, NULL, "Change the input as GitHub says", NULL },
	{ &github, 403, "{'message':'Something of the organisation'}", ERROR_SCOPE_MISSING, NULL,
		"Read what GitHub says", NULL },
	{ &github, 403, "{'message':'Resource not accessible by integration'}", ERROR_SCOPE_MISSING,
		NULL, "Give the credential the permission metadata=read", NULL },
	{ &github, 422,
		"{'message':'Repository creation "
		"failed.','errors':[{'resource':'Repository','code':'custom',"
		"'field':'visibility','message':'Not permitted'}]}",
		ERROR_INVALID_INPUT, "Not permitted", "Change the input as GitHub says",
		"visibility" },
	{ &github, 422, "{'message':'x','errors':[{'field':'head','code':'invalid'}]}",
		ERROR_INVALID_INPUT, NULL, NULL, "" },
	{ &vercel, 400,
		"{'error':{'code':'cron_jobs_limits_reached','message':'Hobby accounts are limited "
		"to daily "
		"cron "
		"jobs.'}}",
		ERROR_PLAN_LIMIT, "daily cron", NULL, "" },
	{ &github, 422,
		"{'message':'Invalid','errors':['terraform plan is no check, upgrade-x neither']}",
		ERROR_INVALID_INPUT, "terraform plan", NULL, NULL },
	{ &vercel, 403,
		"{'error':{'code':'forbidden','message':'You have reached the limit of 50 "
		"domains'}}",
		ERROR_PLAN_LIMIT, NULL, NULL, NULL },
	{ &vercel, 403,
		"{'error':{'code':'TEAM_ACCESS_REQUIRED','message':'Git author dana@example.org "
		"must have "
		"access to "
		"the team bar on Vercel to create deployments.'}}",
		ERROR_SCOPE_MISSING, "dana@example.org", "author of the commit", NULL },
	{ &vercel, 400,
		"{'error':{'code':'X','message':'The name of your Environment Variable is "
		"reserved.','envVarKey':"
		"'TZ'}}",
		ERROR_INVALID_INPUT, "reserved.: TZ", "another name", "variables" },
	{ &vercel, 400,
		"{'error':{'code':'X','message':'Project names can be up to 100 characters long'}}",
		ERROR_INVALID_INPUT, NULL, "another name", "name" },
	{ &vercel, 404, "{'error':{'code':'not_found','message':'Project not found.'}}",
		ERROR_NOT_FOUND, "/repos/acme/do/cs", "Run the step that makes the project again",
		NULL },
};

static void check_told(const struct told *row)
{
	const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/repos/acme/do%2Fcs",
			.status = row->status,
			.body = row->body,
			.headers = "x-accepted-github-permissions: metadata=read" },
		{ .method = NULL },
	};
	const struct provider_request request = { .path = "/repos/{owner}/{repo}",
		.parameters = { "acme", "do/cs" } };
	peer_set(peer, rows);
	ck_assert_int_eq(send_to(row->provider, &request), row->class);
	ck_assert_ptr_null(strchr(error.message, '<'));
	ck_assert_ptr_null(strchr(error.message, '{'));
	ck_assert_msg(row->message == NULL || strstr(error.message, row->message) != NULL, "%s",
		error.message);
	ck_assert_msg(row->remedy == NULL || strstr(error.remedy, row->remedy) != NULL, "%s",
		error.remedy);
	if (row->input != NULL)
		ck_assert_str_eq(error.remedy_input, row->input);
}

START_TEST(test_what_a_refusal_tells_a_person)
{
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		check_told(&told[i]);
}
END_TEST
/* A secret that stands where the text is cut would otherwise leave half of itself. */
START_TEST(test_refusal_is_redacted_before_it_is_cut)
{
	char body[1024];
	ck_assert_int_eq(redact_add("secret-of-the-customer", &error), ERROR_NONE);
	for (int before = 60; before < 400; before++) {
		snprintf(body, sizeof(body), "%*s secret-of-the-customer", before, "x");
		refuse_with(&github, 418, body);
		ck_assert_ptr_null(strstr(error.message, "sec"));
	}
	refuse_with(&vercel, 400,
		J("{'error':{'code':'bad_request','message':'value secret-of-the-customer'}}"));
	ck_assert_ptr_nonnull(strstr(error.message, "value ****"));
	/* A number may be a secret too: the refusal is understood nevertheless. */
	ck_assert_int_eq(redact_add("123456", &error), ERROR_NONE);
	refuse_with(&vercel, 400,
		J("{'error':{'code':'bad_request','message':'no 123456','limit':1234567}}"));
	ck_assert_str_eq(error.provider_code, "bad_request");
	ck_assert_ptr_nonnull(strstr(error.message, "no ******"));
}
END_TEST

START_TEST(test_link_must_be_one_that_may_be_followed)
{
	refuse_with(&vercel, 400,
		J("{'error':{'code':'bad_request','message':'no','action':'Install GitHub App',"
		  "'link':'javascript:alert(1)'}}"));
	ck_assert_str_eq(error.remedy_url, "https://github.com/apps/vercel");
}
END_TEST

/* Part of an address leads elsewhere, and a terminal must not be moved by one. */
START_TEST(test_an_address_is_whole_or_none)
{
	struct refusal_body body;
	char longer[512];
	text_format(longer, sizeof(longer), "https://x.example/%0*d", 320, 1);
	const struct {
		const char *link, *kept;
	} rows[] = {
		{ "https://x.example/a?b=c", "https://x.example/a?b=c" },
		{ "http://x.example/", "" },
		{ "https://x.example/\x1b[2J", "" },
		{ "https://x.example/\xff", "" },
		{ "https://x.example/cut-before...", "" },
		{ longer, "" },
		{ "", "" },
		{ NULL, "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		refusal_link(&body, rows[i].link);
		ck_assert_str_eq(body.link, rows[i].kept);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_github, test_vercel,
		test_unknown_refusal_says_what_was_answered, test_what_a_refusal_tells_a_person,
		test_refusal_is_redacted_before_it_is_cut,
		test_link_must_be_one_that_may_be_followed, test_an_address_is_whole_or_none,
		NULL };
	return suite_main("refusals", tests, setup, teardown);
}
