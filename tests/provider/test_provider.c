/*
 * What providers are sent, and what their refusals mean.
 *
 * covers: src/provider/provider.c src/provider/providers.c src/provider/github.c
 * covers: src/provider/vercel.c
 */
#include <string.h>

#include "base/clock.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "provider/provider.h"
#include "provider/providers.h"

static struct peer *peer;
static struct http_client *client;
static struct arena arena;
static struct error error;
static struct provider_response response;
static struct provider_access access_to;

static void setup(void)
{
	unsetenv("http_proxy");
	arena_init(&arena, 0);
	peer = peer_start();
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
	access_to = (struct provider_access){ .base_url = arena_format(
						      &arena, "%s/api/v3/", peer_url(peer)),
		.token = "token-of-test" };
}

static void teardown(void)
{
	http_client_free(client);
	peer_stop(peer);
	arena_release(&arena);
}

static const struct settings settings = { .allow_loopback = true };

/* Paths of these tests, of which no provider has a row. */
static const struct call_row any_calls[] = {
	{ CALL(GET, "/thing"), .query = { { CALL_PART("limit", NAMES_NOTHING) } } },
	{ CALL(DELETE, "/thing") },
	{ CALL_OF(POST, "/{id}", NAMES_NOTHING) },
	{ CALL(GET, "/a") },
	{ CALL(GET, "/b") },
	{ .path = NULL },
};

static enum error_class send_to(
	const struct provider *provider, const struct provider_request *request)
{
	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = &access_to,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.calls = any_calls,
		.settings = &settings };
	return provider_send(&exchange, request, &response, &error);
}

/* The error that one scripted answer gives. */
static enum error_class classify(
	const struct provider *provider, int status, const char *headers, const char *body)
{
	const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/api/v3/thing",
			.status = status,
			.body = body,
			.headers = headers },
		{ .method = NULL },
	};
	const struct provider_request request = { .path = "/thing" };
	peer_set(peer, rows);
	memset(&error, 0, sizeof(error));
	enum error_class class = send_to(provider, &request);
	ck_assert_int_eq(class, error.class);
	return class;
}

struct refused {
	int status;
	const char *headers, *body;
	enum error_class class;
};

static void check_all(const struct provider *provider, const struct refused *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum error_class class =
			classify(provider, cases[i].status, cases[i].headers, cases[i].body);
		ck_assert_msg(class == cases[i].class, "%d %s: %s", cases[i].status, cases[i].body,
			error_class_facts(class)->name);
		ck_assert_str_eq(error.provider, provider->id);
		ck_assert_int_eq(error.http_status, cases[i].status);
	}
}

START_TEST(test_github_refusals)
{
	static const struct refused cases[] = {
		{ 401, NULL, "{'message':'Bad credentials'}", ERROR_AUTH_EXPIRED },
		{ 403, NULL, "{'message':'Resource not accessible by integration'}",
			ERROR_SCOPE_MISSING },
		{ 403, NULL, "{'message':'Resource protected by organization SAML enforcement.'}",
			ERROR_SCOPE_MISSING },
		{ 403, NULL, "{'message':'Upgrade to GitHub Pro or make this repository public'}",
			ERROR_PLAN_LIMIT },
		{ 403, NULL, "{'message':'This installation has been suspended'}",
			ERROR_APP_NOT_INSTALLED },
		{ 403, NULL, "{'message':'You have exceeded a secondary rate limit.'}",
			ERROR_RATE_LIMITED },
		{ 403, "x-ratelimit-remaining: 0", "{'message':'API rate limit exceeded'}",
			ERROR_RATE_LIMITED },
		{ 403, "Retry-After: 5", "{'message':'no'}", ERROR_RATE_LIMITED },
		{ 403, "x-ratelimit-remaining: 12", "{'message':'Must have admin rights'}",
			ERROR_SCOPE_MISSING },
		{ 429, NULL, "{}", ERROR_RATE_LIMITED },
		{ 404, NULL, "{'message':'Not Found'}", ERROR_NOT_FOUND },
		{ 409, NULL, "{'message':'Git Repository is empty.'}", ERROR_NOT_READY },
		{ 422, NULL,
			"{'message':'Could not clone: Name already exists on this account',"
			"'errors':['Could not clone: Name already exists on this account']}",
			ERROR_CONFLICT_FOREIGN },
		{ 422, NULL, "{'message':'Validation Failed','errors':[{'code':'already_exists'}]}",
			ERROR_CONFLICT_FOREIGN },
		{ 422, NULL, "{'message':'Validation Failed'}", ERROR_INVALID_INPUT },
		{ 500, NULL, "", ERROR_PROVIDER_UNAVAILABLE },
		{ 502, NULL, "<html>Bad gateway</html>", ERROR_PROVIDER_UNAVAILABLE },
		{ 503, "Retry-After: 3", "{}", ERROR_PROVIDER_UNAVAILABLE },
	};
	check_all(&github, cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(test_vercel_refusals)
{
	static const struct refused cases[] = {
		{ 401, NULL, "{'error':{'code':'forbidden','message':'Not authorized'}}",
			ERROR_AUTH_EXPIRED },
		{ 402, NULL,
			"{'error':{'code':'api-deployments-free-per-day','message':'Resource is "
			"limited',"
			"'limit':{'reset':1786496876996}}}",
			ERROR_PLAN_LIMIT },
		{ 403, NULL, "{'error':{'code':'forbidden','message':'no permission'}}",
			ERROR_SCOPE_MISSING },
		{ 404, NULL, "{'error':{'code':'not_found','message':'Project not found'}}",
			ERROR_NOT_FOUND },
		{ 409, NULL, "{'error':{'code':'conflict','message':'exists'}}",
			ERROR_CONFLICT_FOREIGN },
		{ 428, NULL, "{}", ERROR_PLAN_LIMIT },
		{ 400, NULL,
			"{'error':{'code':'bad_request','message':'no','action':'Install GitHub "
			"App'}}",
			ERROR_APP_NOT_INSTALLED },
		{ 400, NULL, "{'error':{'code':'repo_not_found','message':'no'}}",
			ERROR_APP_NOT_INSTALLED },
		{ 400, NULL, "{'error':{'code':'bad_request','message':'additional property'}}",
			ERROR_INVALID_INPUT },
		{ 429, NULL, "{'error':{'code':'rate_limited','message':'limit'}}",
			ERROR_RATE_LIMITED },
		{ 500, NULL, "{'error':{'code':'internal_server_error','message':'oh'}}",
			ERROR_PROVIDER_UNAVAILABLE },
		{ 503, NULL, "", ERROR_PROVIDER_UNAVAILABLE },
	};
	check_all(&vercel, cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(test_refusal_carries_what_the_provider_said)
{
	classify(&vercel, 400, "x-vercel-id: fra1::abc",
		J("{'error':{'code':'bad_request','message':'Failed to link','action':'Install "
		  "GitHub App',"
		  "'link':'https://vercel.com/docs/x'}}"));
	ck_assert_str_eq(error.provider_code, "bad_request");
	ck_assert_str_eq(error.request_id, "fra1::abc");
	ck_assert_ptr_nonnull(strstr(error.message, "Failed to link"));
	ck_assert_str_ne(error.remedy, "");
	ck_assert_str_ne(error.remedy_url, "");
	classify(&github, 403, "x-accepted-github-permissions: administration=write",
		J("{'message':'Resource not accessible by personal access token'}"));
	ck_assert_ptr_nonnull(strstr(error.remedy, "administration=write"));
}
END_TEST

/* An Enterprise Server has its own pages for tokens, and GitHub's are of no use there. */
START_TEST(test_links_go_to_the_site_of_the_api)
{
	static const struct {
		const char *base_url, *site;
	} cases[] = {
		{ "https://api.github.com", "https://github.com" },
		{ "https://api.github.com/", "https://github.com" },
		{ "https://ghe.example.org/api/v3", "https://ghe.example.org" },
		{ "https://ghe.example.org:8443/api/v3/", "https://ghe.example.org:8443" },
		{ "https://api.acme.ghe.com", "https://acme.ghe.com" },
		{ "http://127.0.0.1:4001", "https://github.com" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(github.site(&arena, cases[i].base_url), cases[i].site);
	classify(&github, 401, NULL, J("{'message':'Bad credentials'}"));
	ck_assert_str_eq(
		error.remedy_url, arena_format(&arena, "%s/settings/tokens", peer_url(peer)));
	classify(&github, 403, NULL,
		J("{'message':'Resource not accessible by personal access token'}"));
	ck_assert_str_eq(error.remedy_url,
		arena_format(&arena, "%s/settings/personal-access-tokens", peer_url(peer)));
	/* GitHub's own pages stay where they are. */
	classify(&github, 403, NULL,
		J("{'message':'Upgrade to GitHub Pro or make this repository public'}"));
	ck_assert_str_eq(error.remedy_url, "https://github.com/pricing");
}
END_TEST

START_TEST(test_rate_limit_says_for_how_long)
{
	classify(&github, 429, "Retry-After: 30", "{}");
	ck_assert_int_eq(error.retry_after_ms, 30000);
	/* No clock of ours: the reset is compared with the answer's own Date. */
	classify(&github, 403,
		"x-ratelimit-remaining: 0\nx-ratelimit-reset: 1000000120\nDate: Sun, 09 Sep 2001 "
		"01:46:40 GMT",
		"{}");
	ck_assert_int_ge(error.retry_after_ms, 1000);
	classify(&github, 403, NULL, J("{'message':'You have exceeded a secondary rate limit'}"));
	ck_assert_int_eq(error.retry_after_ms, 60000);
	classify(&vercel, 429, "Retry-After: 11", "{}");
	ck_assert_int_eq(error.retry_after_ms, 11000);
	classify(&vercel, 429, NULL, "{}");
	ck_assert_int_ge(error.retry_after_ms, 1000);
	classify(&vercel, 503, "Retry-After: 4", "{}");
	ck_assert_int_eq(error.retry_after_ms, 4000);
}
END_TEST

START_TEST(test_missing_token_names_the_setting)
{
	const struct provider_request request = { .path = "/thing" };
	access_to.token = NULL;
	ck_assert_int_eq(send_to(&github, &request), ERROR_AUTH_MISSING);
	ck_assert(error.unsent);
	ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_GITHUB_TOKEN_FILE"));
	ck_assert_int_eq(send_to(&vercel, &request), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_VERCEL_TOKEN_FILE"));
	ck_assert_uint_eq(peer_count(peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_scope_goes_with_every_call)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/api/v3/thing", .status = 200, .body = "{}" },
		{ .method = "DELETE", .path = "/api/v3/thing", .status = 204 },
		{ .method = NULL },
	};
	struct provider_request request = { .path = "/thing", .query = { { "limit", "1" } } };
	peer_set(peer, rows);
	access_to.scope = "acme";
	ck_assert_int_eq(send_to(&vercel, &request), ERROR_NONE);
	ck_assert_str_eq(
		peer_last(peer, "GET", "/api/v3/thing").uri, "/api/v3/thing?limit=1&slug=acme");
	access_to.scope = "team_1a2b";
	request = (struct provider_request){ .method = HTTP_DELETE, .path = "/thing" };
	ck_assert_int_eq(send_to(&vercel, &request), ERROR_NONE);
	ck_assert_str_eq(
		peer_last(peer, "DELETE", "/api/v3/thing").uri, "/api/v3/thing?teamId=team_1a2b");
	ck_assert_str_eq(
		peer_last(peer, "DELETE", "/api/v3/thing").authorization, "Bearer token-of-test");
}
END_TEST

struct pair {
	const char *name;
	int64_t number;
};
static const struct field pair_fields[] = {
	{ STRING_FIELD("name", struct pair, name) },
	{ INTEGER_FIELD("number", struct pair, number), .omit_zero = true },
};
static const struct record pair_record = RECORD(struct pair, pair_fields);

START_TEST(test_bodies_are_encoded)
{
	static const struct peer_row rows[] = {
		{ .method = "POST", .path = "/api/v3/a%2Fb", .status = 201 }, { .method = NULL }
	};
	static const struct pair pairs[] = { { "one", 1 }, { "t\"wo", 0 } };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/{id}",
		.parameters = { "a/b" },
		.body_record = &pair_record,
		.body = pairs };
	peer_set(peer, rows);
	ck_assert_int_eq(send_to(&github, &request), ERROR_NONE);
	ck_assert_str_eq(
		peer_last(peer, "POST", "/api/v3/a%2Fb").body, J("{'name':'one','number':1}"));
	ck_assert_str_eq(peer_last(peer, "POST", "/api/v3/a%2Fb").content_type, "application/json");
	request.body_count = 2;
	ck_assert_int_eq(send_to(&github, &request), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, "POST", "/api/v3/a%2Fb").body,
		"[{\"name\":\"one\",\"number\":1},{\"name\":\"t\\\"wo\"}]");
}
END_TEST

START_TEST(test_expected_status_is_the_callers_but_not_a_rate_limit)
{
	const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/api/v3/a",
			.status = 404,
			.body = "{'message':'Not Found'}" },
		{ .method = "GET",
			.path = "/api/v3/b",
			.status = 403,
			.body = "{'message':'x'}",
			.headers = "Retry-After: 9" },
		{ .method = NULL },
	};
	struct provider_request request = { .path = "/a", .expect = { 404, 403 } };
	peer_set(peer, rows);
	ck_assert_int_eq(send_to(&github, &request), ERROR_NONE);
	ck_assert_int_eq(response.status, 404);
	ck_assert_str_eq(response.message, "Not Found");
	ck_assert_str_eq(response.code, "");
	request.path = "/b";
	ck_assert_int_eq(send_to(&github, &request), ERROR_RATE_LIMITED);
}
END_TEST

static enum error_class send_url(const struct url_request *request, bool allow_loopback)
{
	const struct settings own = { .allow_loopback = allow_loopback };
	const struct provider_exchange exchange = { .client = client,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.settings = &own };
	return url_send(&exchange, request, &response, &error);
}

START_TEST(test_any_url_without_credentials)
{
	static const struct string_pair headers[] = { { "x-vercel-protection-bypass", "let me in" },
		{ "X-2", "2" }, { "X-3", "3" }, { "X-4", "4" }, { "X-5", "5" }, { "X-6", "6" },
		{ "X-7", "7" }, { "X-8", "8" } };
	static const struct peer_row rows[] = {
		{ .method = "PATCH", .path = "/x", .status = 418, .body = "tea" },
		{ .method = NULL }
	};
	struct url_request request = { .method = HTTP_PATCH,
		.url = arena_format(&arena, "%s/x", peer_url(peer)),
		.body = "text" };
	peer_set(peer, rows);
	ck_assert_int_eq(send_url(&request, true), ERROR_NONE);
	ck_assert_int_eq(response.status, 418);
	ck_assert_str_eq(response.body, "tea");
	struct peer_request sent = peer_last(peer, "PATCH", "/x");
	ck_assert_str_eq(sent.body, "text");
	ck_assert_str_eq(sent.content_type, "text/plain; charset=utf-8");
	ck_assert_str_eq(sent.authorization, "");
	ck_assert_str_eq(peer_header(&sent, "x-vercel-protection-bypass"), "");
	request.content_type = "application/xml";
	request.headers = (struct string_map){ headers, ARRAY_LEN(headers) };
	ck_assert_int_eq(send_url(&request, true), ERROR_NONE);
	sent = peer_last(peer, "PATCH", "/x");
	ck_assert_str_eq(sent.content_type, "application/xml");
	ck_assert_str_eq(peer_header(&sent, "X-Vercel-Protection-Bypass"), "let me in");
	ck_assert_str_eq(peer_header(&sent, "X-8"), "8");
}
END_TEST

START_TEST(test_bad_url_requests_are_not_sent)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	const char *url = arena_format(&arena, "%s/x", peer_url(peer));
	const struct string_pair broken = { "X-One", "a\r\nX-Other: c" };
	static const struct string_pair many[URL_HEADERS_MAX + 1] = { { "A", "1" }, { "B", "1" },
		{ "C", "1" }, { "D", "1" }, { "E", "1" }, { "F", "1" }, { "G", "1" }, { "H", "1" },
		{ "I", "1" } };
	const struct url_request bad[] = {
		{ .url = NULL },
		{ .url = url, .body = "body" },
		{ .method = HTTP_POST,
			.url = url,
			.body = "body",
			.content_type = "a/b\r\nX-Other: c" },
		{ .url = url, .headers = { &broken, 1 } },
		{ .url = url, .headers = { many, ARRAY_LEN(many) } },
		{ .method = HTTP_POST, .url = "http://example.org/", .body = "body" },
		{ .method = HTTP_POST, .url = "https://user:word@example.org/", .body = "body" },
	};
	const struct url_request here = {
		.method = HTTP_POST, .url = "https://127.0.0.1/x", .body = "body"
	};
	peer_set(peer, rows);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(send_url(&bad[i], true), ERROR_INVALID_INPUT);
	ck_assert_int_eq(send_url(&here, false), ERROR_INVALID_INPUT);
	ck_assert_uint_eq(peer_count(peer, NULL, NULL), 0);
}
END_TEST

/* Whoever adds a provider gets its settings read, and its access made of them. */
START_TEST(test_each_provider_has_settings_of_its_own)
{
	static struct settings loaded;
	settings_init(&loaded, SETTINGS_WORKER, providers_introduce());
	for (size_t i = 0; providers[i] != NULL; i++) {
		named_setting_set(&loaded, providers[i]->token_setting, providers[i]->id);
		const struct provider_access access = providers[i]->access(&loaded);
		ck_assert_str_eq(access.token, providers[i]->id);
		ck_assert_ptr_nonnull(access.questions[0].path);
		named_setting_set(&loaded, providers[i]->token_setting, NULL);
		ck_assert_ptr_null(providers[i]->access(&loaded).token);
	}
	settings_release(&loaded);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_each_provider_has_settings_of_its_own,
		test_github_refusals, test_vercel_refusals,
		test_refusal_carries_what_the_provider_said, test_links_go_to_the_site_of_the_api,
		test_rate_limit_says_for_how_long, test_missing_token_names_the_setting,
		test_scope_goes_with_every_call, test_bodies_are_encoded,
		test_expected_status_is_the_callers_but_not_a_rate_limit,
		test_any_url_without_credentials, test_bad_url_requests_are_not_sent, NULL };
	return suite_main("providers", tests, setup, teardown);
}
