/*
 * Acting as a GitHub App: what it signs, what it asks for, how long a token is used, and what a
 * person is told.
 *
 * covers: src/provider/github_app.c src/provider/github_installation.c
 */
#include "provider/github_app.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/redact.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "provider/providers.h"

#define MINT       "POST", "/app/installations/77/access_tokens"
#define REPOSITORY "GET", "/repos/acme/docs"
#define LONG_TOKEN                                                                                 \
	"ghs_123_eyJhbGciOiJSUzI1NiJ9."                                                            \
	"eyJpc3MiOiJhIGxvbmcgdG9rZW4sIGFzIEdpdEh1YiBnaXZlcyB0aGVtIHNpbmNlIDIwMjYifQ.c2ln"

static struct peer *peer;
static struct http_client *client;
static struct arena arena;
static struct error error;
static struct settings settings;
static struct provider_response response;
static EVP_PKEY *key;
static char key_file[] = "/tmp/slipway-app-key-XXXXXX";
static char token_body[2][512];

/* A token that ends so many seconds from now, in whole seconds as GitHub tells it. */
static const char *token(int which, const char *text, int64_t seconds)
{
	char at[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms() + seconds * 1000, at);
	strcpy(strchr(at, '.'), "Z");
	snprintf(token_body[which], sizeof(token_body[which]),
		J("{'token':'%s','expires_at':'%s','permissions':{}}"), text, at);
	return token_body[which];
}

static void setup(void)
{
	unsetenv("http_proxy");
	arena_init(&arena, 0);
	peer = peer_start();
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
	strcpy(key_file + strlen(key_file) - 6, "XXXXXX");
	int descriptor = mkstemp(key_file);
	FILE *file = fdopen(descriptor, "w");
	ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	settings.allow_loopback = true;
	named_setting_set(&settings, "SLIPWAY_GITHUB_URL", peer_url(peer));
	named_setting_set(&settings, "SLIPWAY_GITHUB_TOKEN", "of-a-person");
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_ID", "Iv1.app");
	named_setting_set(&settings, "SLIPWAY_GITHUB_INSTALLATION_ID", "77");
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_KEY_FILE", key_file);
}

static void teardown(void)
{
	github_app_forget();
	remove(key_file);
	http_client_free(client);
	peer_stop(peer);
	arena_release(&arena);
}

/* Borrows the access and the grant. */
static struct provider_exchange exchange_by(
	const struct provider_access *access, const struct provider_grant *grant)
{
	return (struct provider_exchange){ .client = client,
		.provider = &github,
		.access = access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.settings = &settings,
		.grant = grant };
}

static enum error_class get(const char *repository, const struct provider_grant *grant)
{
	const struct provider_access access = github.access(&settings);
	const struct provider_exchange exchange = exchange_by(&access, grant);
	const struct provider_request request = { .path = "/repos/{owner}/{repo}",
		.parameters = { "acme", repository } };
	memset(&error, 0, sizeof(error));
	return provider_send(&exchange, &request, &response, &error);
}

/* The JSON of the JWT's part, after its signature was verified with the app's public key. */
static cJSON *verified(const char *authorization, int part)
{
	unsigned char bytes[1024];
	size_t size;
	const char *jwt = authorization + strlen("Bearer "), *dot = strrchr(jwt, '.');
	ck_assert_ptr_nonnull(dot);
	ck_assert_int_eq(sodium_base642bin(bytes, sizeof(bytes), dot + 1, strlen(dot + 1), NULL,
				 &size, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
		0);
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	ck_assert_int_eq(EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(EVP_DigestVerify(digest, bytes, size, (const unsigned char *)jwt,
				 (size_t)(dot - jwt)),
		1);
	EVP_MD_CTX_free(digest);
	const char *begin = part == 0 ? jwt : strchr(jwt, '.') + 1;
	size_t length = strcspn(begin, ".");
	ck_assert_int_eq(sodium_base642bin(bytes, sizeof(bytes), begin, length, NULL, &size, NULL,
				 sodium_base64_VARIANT_URLSAFE_NO_PADDING),
		0);
	cJSON *json = cJSON_ParseWithLength((const char *)bytes, size);
	ck_assert_ptr_nonnull(json);
	return json;
}

START_TEST(test_token_is_made_once_with_the_least_rights)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = token(0, LONG_TOKEN, 3600) },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	static const struct string_pair permissions[] = { { "contents", "write" },
		{ "metadata", "read" }, { NULL, NULL } };
	const struct provider_grant grant = { .permissions = permissions, .one_repository = true },
				    wide = { .permissions = permissions };
	peer_set(peer, rows);
	ck_assert_int_eq(get("docs", &grant), ERROR_NONE);
	ck_assert_int_eq(get("docs", &grant), ERROR_NONE);
	ck_assert_uint_eq(peer_count(peer, MINT), 1);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer " LONG_TOKEN);
	struct peer_request asked = peer_last(peer, MINT);
	ck_assert_str_eq(asked.body,
		J("{'permissions':{'contents':'write','metadata':'read'},'repositories':['docs']"
		  "}"));
	cJSON *header = verified(asked.authorization, 0),
	      *claims = verified(asked.authorization, 1);
	ck_assert_str_eq(json_member_string(header, "alg"), "RS256");
	ck_assert_str_eq(json_member_string(claims, "iss"), "Iv1.app");
	double issued = cJSON_GetNumberValue(json_member(claims, "iat")), now = (double)time(NULL);
	ck_assert(issued <= now - 55 && issued >= now - 70);
	ck_assert(cJSON_GetNumberValue(json_member(claims, "exp")) <= now + 600);
	cJSON_Delete(header);
	cJSON_Delete(claims);
	/* Other rights, another token. */
	ck_assert_int_eq(get("docs", &wide), ERROR_NONE);
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	ck_assert_uint_eq(peer_count(peer, MINT), 3);
	ck_assert_str_eq(peer_last(peer, MINT).body, J("{'permissions':{'metadata':'read'}}"));
}
END_TEST

START_TEST(test_token_is_renewed_before_its_end_and_outlived)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = token(0, "ghs_the_first", 299), .times = 1 },
		{ MINT, .status = 201, .body = token(1, "ghs_the_second", 3600) },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_the_first");
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_the_second");
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	ck_assert_uint_eq(peer_count(peer, MINT), 2);
}
END_TEST

START_TEST(test_refused_token_is_made_anew_once)
{
	const struct peer_row once[] = {
		{ MINT, .status = 201, .body = token(0, "ghs_withdrawn", 3600), .times = 1 },
		{ MINT, .status = 201, .body = token(1, "ghs_good", 3600) },
		{ REPOSITORY, .status = 401, .body = "{'message':'Bad credentials'}", .times = 1 },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(peer, once);
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_good");
	const struct peer_row always[] = {
		{ MINT, .status = 201, .body = token(0, "ghs_lagging", 3600) },
		{ REPOSITORY, .status = 401, .body = "{'message':'Bad credentials'}" },
		{ .method = NULL },
	};
	github_app_forget();
	peer_set(peer, always);
	ck_assert_int_eq(get("docs", NULL), ERROR_PROVIDER_UNAVAILABLE);
	ck_assert_uint_eq(peer_count(peer, MINT), 2);
	ck_assert_uint_eq(peer_count(peer, REPOSITORY), 2);
	ck_assert_str_eq(error.provider, "github");
}
END_TEST

START_TEST(test_clock_that_is_off_is_put_right)
{
	char date[64], headers[80];
	time_t theirs = time(NULL) + 900;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&theirs));
	snprintf(headers, sizeof(headers), "Date: %s", date);
	const struct peer_row rows[] = {
		{ MINT, .status = 401, .headers = headers, .times = 1,
			.body = "{\"message\":\"'Expiration time' claim ('exp') is too far in the "
				"future\"}" },
		{ MINT, .status = 201, .body = token(0, "ghs_good", 3600), .headers = headers },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	cJSON *claims = verified(peer_last(peer, MINT).authorization, 1);
	double issued = cJSON_GetNumberValue(json_member(claims, "iat"));
	ck_assert(issued > (double)time(NULL) + 800 && issued < (double)time(NULL) + 900);
	cJSON_Delete(claims);
}
END_TEST

START_TEST(test_refusals_name_the_page)
{
	static const struct {
		int status;
		const char *body;
		enum error_class class;
		const char *url, *remedy;
	} cases[] = {
		{ 401, "{'message':'A JSON web token could not be decoded'}", ERROR_AUTH_EXPIRED,
			"", "SLIPWAY_GITHUB_APP_KEY_FILE" },
		{ 404, "{'message':'Not Found'}", ERROR_APP_NOT_INSTALLED,
			"https://github.com/apps/slipway/installations/new", "Install the app" },
		{ 403, "{'message':'This installation has been suspended'}",
			ERROR_APP_NOT_INSTALLED,
			"https://github.com/organizations/acme/settings/installations/77",
			"Lift the suspension" },
		{ 422,
			"{'message':'The permissions requested are not granted to this "
			"installation.'}",
			ERROR_SCOPE_MISSING,
			"https://github.com/organizations/acme/settings/installations/77",
			"permissions" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct peer_row rows[] = {
			{ MINT, .status = cases[i].status, .body = cases[i].body },
			{ "GET", "/app", .status = 200,
				.body = "{'html_url':'https://github.com/apps/slipway'}" },
			{ "GET", "/app/installations/77", .status = 200,
				.body = "{'html_url':'https://github.com/organizations/acme/"
					"settings/installations/"
					"77'}" },
			{ .method = NULL },
		};
		peer_set(peer, rows);
		ck_assert_int_eq(get("docs", NULL), cases[i].class);
		ck_assert_int_eq(error.http_status, cases[i].status);
		ck_assert_str_eq(error.remedy_url, cases[i].url);
		ck_assert_msg(strstr(error.remedy, cases[i].remedy) != NULL, "%s", error.remedy);
		ck_assert_uint_eq(peer_count(peer, REPOSITORY), 0);
	}
}
END_TEST

#define INSTALLATION "GET", "/app/installations/77"
#define GRANTED                                                                                    \
	J("{'permissions':{'contents':'write','members':'read','metadata':'read'},"                \
	  "'suspended_at':null,'html_url':'https://x/77'}")

static enum error_class check(const char *path, const struct string_pair *permissions)
{
	const struct provider_access access = github.access(&settings);
	const struct provider_grant grant = { .permissions = permissions, .one_repository = true };
	const struct provider_exchange exchange = exchange_by(&access, &grant);
	const struct provider_request request = { .path = path, .parameters = { "acme", "docs" } };
	memset(&error, 0, sizeof(error));
	return provider_check_grant(&exchange, &request, &error);
}

START_TEST(test_what_is_granted_is_found_without_a_token_for_it)
{
	static const struct string_pair has[] = { { "contents", "write" }, { "contents", "read" },
		{ "members", "read" }, { NULL, NULL } },
					more[] = { { "members", "write" }, { NULL, NULL } },
					lacks[] = { { "pages", "read" }, { NULL, NULL } };
	struct peer_row rows[] = {
		{ INSTALLATION, .status = 200, .body = GRANTED },
		{ MINT, .status = 201, .body = token(0, "ghs_to_look", 3600) },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_msg(check("/user", has) == ERROR_NONE, "%s", error.message);
	ck_assert_uint_eq(peer_count(peer, MINT), 0);
	ck_assert_int_eq(check("/user", more), ERROR_SCOPE_MISSING);
	ck_assert_ptr_nonnull(strstr(error.message, "members: write"));
	ck_assert_str_eq(error.remedy_url, "https://x/77");
	ck_assert_int_eq(check("/user", lacks), ERROR_SCOPE_MISSING);
	ck_assert_uint_eq(peer_count(peer, MINT), 0);
	/* Whether the repository is in reach says a token that sees it, and no more. */
	ck_assert_int_eq(check("/repos/{owner}/{repo}/pages", has), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, MINT).body,
		J("{'permissions':{'metadata':'read'},'repositories':['docs']}"));
	github_app_forget();
	rows[1] = (struct peer_row){ MINT, .status = 422, .body = "{'message':'does not exist'}" };
	peer_set(peer, rows);
	ck_assert_int_eq(check("/repos/{owner}/{repo}/pages", has), ERROR_SCOPE_MISSING);
	rows[0].body = J("{'permissions':{'contents':'write'},'suspended_at':'2026-01-01T00:00:00Z'"
			 "}");
	peer_set(peer, rows);
	ck_assert_int_eq(check("/user", has), ERROR_APP_NOT_INSTALLED);
	rows[0] = (struct peer_row){ INSTALLATION, .status = 404, .body = "{}" };
	peer_set(peer, rows);
	ck_assert_int_eq(check("/user", has), ERROR_APP_NOT_INSTALLED);
}
END_TEST

/* The token was made, and still does not do: its installation is where that is changed. */
START_TEST(test_refused_call_names_the_page)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = token(0, "ghs_good", 3600) },
		{ REPOSITORY, .status = 403,
			.body = "{'message':'Resource not accessible by integration'}",
			.headers = "x-accepted-github-permissions: pages=write" },
		{ "GET", "/app/installations/77", .status = 200,
			.body = "{'html_url':'https://github.com/organizations/acme/settings/"
				"installations/77'}" },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(get("docs", NULL), ERROR_SCOPE_MISSING);
	ck_assert_str_eq(error.remedy_url,
		"https://github.com/organizations/acme/settings/installations/77");
	ck_assert_ptr_nonnull(strstr(error.remedy, "pages=write"));
	ck_assert_int_eq(error.http_status, 403);
}
END_TEST

START_TEST(test_key_that_is_none)
{
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_KEY_FILE", "/nowhere/key.pem");
	ck_assert_int_eq(get("docs", NULL), ERROR_AUTH_MISSING);
	ck_assert(error.unsent);
	ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/key.pem"));
	ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_GITHUB_APP_KEY_FILE"));
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_KEY_FILE", key_file);
	FILE *file = fopen(key_file, "w");
	fputs("no key\n", file);
	fclose(file);
	ck_assert_int_eq(get("docs", NULL), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.message, "no RSA key"));
	chmod(key_file, 0644);
	ck_assert_int_eq(get("docs", NULL), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.message, "chmod 600"));
}
END_TEST

START_TEST(test_tokens_are_cut_out_of_texts)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = token(0, LONG_TOKEN, 3600) },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	char text[] = "it is " LONG_TOKEN ".";
	peer_set(peer, rows);
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	redact_text(text);
	ck_assert_ptr_null(strstr(text, "eyJ"));
	/* The token and the JWT that asked for it. */
	size_t count = redact_count();
	github_app_forget();
	ck_assert_uint_eq(redact_count(), count - 2);
}
END_TEST

/* A proxy that answers with the headers of the request: the JWT is good for nine minutes more. */
START_TEST(test_the_jwt_stands_in_no_error)
{
	char body[1400];
	const struct peer_row refused[] = {
		{ MINT, .status = 401, .body = "{'message':'no'}" },
		{ "GET", "/app/installations/77", .status = 404, .body = "{}" },
		{ .method = NULL },
	};
	peer_set(peer, refused);
	ck_assert_int_eq(get("docs", NULL), ERROR_AUTH_EXPIRED);
	const char *jwt = peer_last(peer, MINT).authorization + strlen("Bearer ");
	ck_assert_uint_gt(strlen(jwt), 200);
	snprintf(body, sizeof(body), J("{'message':'no: %.1300s'}"), jwt);
	const struct peer_row echoing[] = {
		{ MINT, .status = 401, .body = body },
		{ .method = NULL },
	};
	peer_set(peer, echoing);
	ck_assert_int_eq(get("docs", NULL), ERROR_AUTH_EXPIRED);
	ck_assert_ptr_null(strstr(error.message, "eyJ"));
	ck_assert_ptr_nonnull(strstr(error.message, "no: ****"));
	/* However many there were, the list is bounded. */
	for (int i = 0; i < 120; i++)
		ck_assert_int_eq(get("docs", NULL), ERROR_AUTH_EXPIRED);
	ck_assert_uint_le(redact_count(), 96);
}
END_TEST

/* One that was refused is made anew; it may be good elsewhere, or again, until it ends. */
START_TEST(test_a_token_that_was_replaced_stands_in_no_text_either)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = token(0, "the-first-token", 3600), .times = 1 },
		{ MINT, .status = 201, .body = token(1, "the-second-token", 3600) },
		{ REPOSITORY, .status = 401, .body = "{'message':'Bad credentials'}", .times = 1 },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	char text[] = "it is the-first-token or the-second-token.";
	peer_set(peer, rows);
	ck_assert_int_eq(get("docs", NULL), ERROR_NONE);
	redact_text(text);
	ck_assert_ptr_null(strstr(text, "first"));
	ck_assert_ptr_null(strstr(text, "second"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_token_is_made_once_with_the_least_rights,
		test_token_is_renewed_before_its_end_and_outlived,
		test_refused_token_is_made_anew_once, test_clock_that_is_off_is_put_right,
		test_refusals_name_the_page, test_what_is_granted_is_found_without_a_token_for_it,
		test_refused_call_names_the_page, test_key_that_is_none,
		test_tokens_are_cut_out_of_texts, test_the_jwt_stands_in_no_error,
		test_a_token_that_was_replaced_stands_in_no_text_either, NULL };
	/* Once, and short: it takes long under valgrind. */
	key = EVP_RSA_gen(1024);
	if (key == NULL)
		return EXIT_FAILURE;
	int status = suite_main("github app", tests, setup, teardown);
	EVP_PKEY_free(key);
	return status;
}
