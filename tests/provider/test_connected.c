/*
 * What a provider is called with where a connection says so, and that no connection gets what was
 * made with the credential of another one.
 *
 * covers: src/provider/connected.c
 */
#include "provider/connected.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "provider/github_app.h"
#include "provider/providers.h"

#define MINT       "POST", "/app/installations/77/access_tokens"
#define REPOSITORY "GET", "/repos/acme/docs"
#define MADE_FOR(token, repository)                                                                \
	J("{'token':'" token "','expires_at':'2126-12-03T08:03:22Z','repositories':[{"             \
	  "'full_name':'" repository "'}]}")
#define MADE(token) J("{'token':'" token "','expires_at':'2126-12-03T08:03:22Z','permissions':{}}")

static struct peer *peer;
static struct http_client *client;
static struct arena arena;
static struct error error;
static struct settings settings;
static struct provider_response response;
static char pem[2048], key_file[] = "/tmp/slipway-connected-XXXXXX";

static void setup(void)
{
	unsetenv("http_proxy");
	arena_init(&arena, 0);
	peer = peer_start();
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	settings.allow_loopback = true;
	named_setting_set(&settings, "SLIPWAY_GITHUB_URL", peer_url(peer));
	named_setting_set(&settings, "SLIPWAY_GITHUB_TOKEN", "of-the-settings");
	named_setting_set(&settings, "SLIPWAY_VERCEL_TOKEN", "of-the-settings");
	named_setting_set(&settings, "SLIPWAY_VERCEL_TEAM", "team_settings");
}

static void teardown(void)
{
	github_app_forget();
	http_client_free(client);
	peer_stop(peer);
	arena_release(&arena);
}

static struct provider_access access_of(const struct provider *provider,
	const struct connection *connection, const char *credential)
{
	return connected_access(provider, &settings, connection, credential);
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

static enum error_class get_for(const struct connection *connection, const char *credential,
	const char *repository, const struct provider_grant *grant)
{
	const struct provider_access access = access_of(&github, connection, credential);
	const struct provider_exchange exchange = exchange_by(&access, grant);
	const struct provider_request request = { .path = "/repos/{owner}/{repo}",
		.parameters = { "acme", repository } };
	memset(&error, 0, sizeof(error));
	return provider_send(&exchange, &request, &response, &error);
}

static enum error_class get_with(const struct connection *connection, const char *credential)
{
	return get_for(connection, credential, "docs", NULL);
}

static const char *const acme[] = { "acme" };
static const struct connection token_of_one = { .tenant = "one",
	.name = "main",
	.provider = "github",
	.kind = CONNECTION_TOKEN,
	.account = "acme",
	.owners = { acme, 1 } };
static const struct connection app_of_one = { .tenant = "one",
	.name = "bot",
	.provider = "github",
	.kind = CONNECTION_APP,
	.app_id = "Iv1.one",
	.installation_id = "77",
	.owners = { acme, 1 } };

START_TEST(test_that_of_the_settings_has_what_they_say)
{
	ck_assert_str_eq(access_of(&github, NULL, NULL).token, "of-the-settings");
	ck_assert_str_eq(access_of(&vercel, NULL, NULL).scope, "team_settings");
	ck_assert_ptr_null(access_of(&github, NULL, NULL).connection);
}
END_TEST

START_TEST(test_a_token_has_nothing_of_the_settings)
{
	const struct provider_access access = access_of(&github, &token_of_one, "of-one");
	const struct connection personal = {
		.tenant = "one", .name = "own", .provider = "vercel", .kind = CONNECTION_TOKEN
	};

	ck_assert_str_eq(access.token, "of-one");
	ck_assert_str_eq(access.scope, "acme");
	ck_assert_ptr_null(access.account);
	ck_assert_str_eq(access.base_url, peer_url(peer));
	ck_assert_ptr_null(access_of(&github, &token_of_one, NULL).token);
	ck_assert_ptr_null(access_of(&vercel, &personal, "v").scope);
	ck_assert_ptr_ne(access_of(&vercel, &personal, "v").questions,
		access_of(&vercel, NULL, NULL).questions);
}
END_TEST

START_TEST(test_without_its_credential_nothing_is_sent)
{
	ck_assert_int_eq(get_with(&token_of_one, NULL), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.message, "(connection 'main')"));
	ck_assert_ptr_nonnull(strstr(error.remedy, "slipway connection add main --tenant one"));
	ck_assert_uint_eq(peer_count(peer, REPOSITORY), 0);
}
END_TEST

START_TEST(test_an_expired_token_names_its_connection)
{
	const struct peer_row rows[] = {
		{ REPOSITORY, .status = 401, .body = J("{'message':'Bad credentials'}") },
		{ .method = NULL },
	};

	peer_set(peer, rows);
	ck_assert_int_eq(get_with(&token_of_one, "ghp_old"), ERROR_AUTH_EXPIRED);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghp_old");
	ck_assert_ptr_nonnull(strstr(error.remedy, "slipway connection add main --tenant one"));
	ck_assert_str_eq(error.remedy_url, "https://github.com/settings/tokens");
	ck_assert_int_eq(get_with(NULL, NULL), ERROR_AUTH_EXPIRED);
	ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_GITHUB_TOKEN_FILE"));
}
END_TEST

START_TEST(test_what_to_do_is_whole_whatever_the_names)
{
	char name[IDENTIFIER_SIZE];
	struct connection connection = token_of_one;

	memset(name, 'n', IDENTIFIER_MAX);
	name[IDENTIFIER_MAX] = '\0';
	connection.tenant = connection.name = name;
	error_set(&error, ERROR_AUTH_EXPIRED, "Bad credentials");
	ck_assert_int_eq(connected_error(&connection, &error), ERROR_AUTH_EXPIRED);
	ck_assert_ptr_nonnull(strstr(error.remedy, "; then trigger the step again."));
}
END_TEST

/* Anybody can name the installation of somebody else. */
START_TEST(test_a_token_that_was_made_is_of_its_connection_only)
{
	struct connection other = app_of_one, again = app_of_one;
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = MADE("ghs_of_one"), .times = 1 },
		{ MINT, .status = 201, .body = MADE("ghs_of_two"), .times = 1 },
		{ MINT, .status = 201, .body = MADE("ghs_anew") },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};

	peer_set(peer, rows);
	ck_assert_int_eq(get_with(&app_of_one, pem), ERROR_NONE);
	ck_assert_int_eq(get_with(&app_of_one, pem), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_of_one");
	ck_assert_uint_eq(peer_count(peer, MINT), 1);
	other.tenant = "two";
	ck_assert_int_eq(get_with(&other, pem), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_of_two");
	again.created_at = 1;
	ck_assert_int_eq(get_with(&again, pem), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_anew");
}
END_TEST

static void expect_token(const struct connection *connection, const char *token)
{
	const struct provider_access access =
		access_of(&github, connection, connection->app_id != NULL ? pem : NULL);
	const struct provider_exchange exchange = exchange_by(&access, NULL);
	const char *made;

	ck_assert_msg(github_app_token(&exchange, NULL, false, &made, &error) == ERROR_NONE, "%s",
		error.message);
	ck_assert_str_eq(made, token);
}

/* Whoever writes to Redis has the record say what he likes, where no credential is sealed with it.
 */
START_TEST(test_a_record_that_was_changed_gets_no_token_that_was_made_by_the_one_before)
{
	static const char *const all[] = { "*" };
	struct connection wider = app_of_one, forged = app_of_one, moved = app_of_one;
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = MADE("ghs_of_one"), .times = 1 },
		{ MINT, .status = 201, .body = MADE("ghs_of_wider"), .times = 1 },
		{ MINT, .status = 201, .body = MADE("ghs_of_the_settings"), .times = 1 },
		{ MINT, .status = 201, .body = MADE("ghs_of_other_apps"), .times = 1 },
		{ .method = NULL },
	};

	peer_set(peer, rows);
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_ID", "Iv1.shared");
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_KEY_FILE", key_file);
	expect_token(&app_of_one, "ghs_of_one");
	wider.owners = (struct string_list){ all, 1 };
	expect_token(&wider, "ghs_of_wider");
	forged.app_id = NULL;
	expect_token(&forged, "ghs_of_the_settings");
	moved.apps = (struct string_list){ all, 1 };
	expect_token(&moved, "ghs_of_other_apps");
	expect_token(&app_of_one, "ghs_of_one");
}
END_TEST

/* A hostile executor gives the repository any name. */
START_TEST(test_a_name_that_spells_out_a_wider_grant_gets_no_token_of_that)
{
	static const struct string_pair administer[] = { { "administration", "write" },
		{ "metadata", "read" }, { NULL, NULL } },
					look[] = { { "metadata", "read" }, { NULL, NULL } };
	static const struct provider_grant one = { .permissions = administer,
		.one_repository = true },
					   all = { .permissions = administer },
					   least = { .permissions = look, .one_repository = true };
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = MADE_FOR("ghs_wide", "acme/docs"), .times = 2 },
		{ MINT, .status = 422, .body = J("{'message':'There is no such repository'}") },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};

	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &one), ERROR_NONE);
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &all), ERROR_NONE);
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs, administration: write", &least),
		ERROR_SCOPE_MISSING);
	ck_assert_int_eq(
		get_for(&app_of_one, pem, "all repositories, administration: write", &least),
		ERROR_SCOPE_MISSING);
	ck_assert_uint_eq(peer_count(peer, MINT), 4);
}
END_TEST

/* A token is asked for by the name of a repository: whose that is says the installation. */
START_TEST(test_a_token_for_a_repository_that_is_not_listed_is_not_used)
{
	static const char *const listed[] = { "acme/docs" };
	static const struct provider_grant one = { .permissions = NULL, .one_repository = true };
	struct connection narrow = app_of_one;
	struct peer_row rows[] = {
		{ MINT, .status = 201, .body = MADE_FOR("ghs_other", "other/docs") },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};

	narrow.owners = (struct string_list){ NULL, 0 };
	narrow.repositories = (struct string_list){ listed, 1 };
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &one), ERROR_NOT_ALLOWED);
	ck_assert_ptr_nonnull(strstr(error.message, "'other/docs'"));
	rows[0].body = MADE("ghs_of_nobody");
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &one), ERROR_NOT_ALLOWED);
	ck_assert_ptr_nonnull(strstr(error.message, "whose repository 'docs'"));
	ck_assert_uint_eq(peer_count(peer, REPOSITORY), 0);
	rows[0].body = MADE_FOR("ghs_one", "Acme/docs");
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &one), ERROR_NONE);
}
END_TEST

/* What a plan looks at, and a teardown: it may be there, be gone, or be somebody else's. */
START_TEST(test_one_that_may_be_missing_is_looked_for_by_a_token_that_sees)
{
	static const char *const listed[] = { "acme/docs", "other/docs" };
	static const struct string_pair administer[] = { { "administration", "write" },
		{ NULL, NULL } };
	static const struct provider_grant look = { .permissions = administer,
		.one_repository = true,
		.may_be_missing = true },
					   change = { .permissions = administer,
						   .one_repository = true };
	struct connection narrow = app_of_one;
	struct peer_row rows[] = {
		{ MINT, .status = 422, .times = 1,
			.body = J("{'message':'There is at least one repository that does not "
				  "exist or is not accessible to the parent installation.'}") },
		{ MINT, .status = 201, .body = MADE("ghs_sees") },
		{ REPOSITORY, .status = 404, .body = "{}" },
		{ .method = NULL },
	};

	narrow.owners = (struct string_list){ NULL, 0 };
	narrow.repositories = (struct string_list){ listed, 2 };
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &look), ERROR_NOT_FOUND);
	ck_assert_str_eq(peer_last(peer, MINT).body, J("{'permissions':{'metadata':'read'}}"));
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_sees");
	ck_assert_uint_eq(peer_count(peer, MINT), 2);
	/* It may have been made since: it is asked for again, and the token that sees is not. */
	rows[0].body = "{'message':'no'}";
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &look), ERROR_SCOPE_MISSING);
	ck_assert_uint_eq(peer_count(peer, MINT), 1);
	/* One of that name that is the installation's is none of the call's, whatever is listed. */
	rows[0] = (struct peer_row){ MINT, .status = 201, .times = 1,
		.body = MADE_FOR("ghs_for_it", "other/docs") };
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &look), ERROR_NOT_FOUND);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_sees");
	rows[0].body = MADE_FOR("ghs_for_it", "Acme/Docs");
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &look), ERROR_NOT_FOUND);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_for_it");
	/* What is to be changed has to be there. */
	github_app_forget();
	rows[0] = (struct peer_row){ MINT, .status = 422, .body = "{'message':'does not exist'}" };
	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&narrow, pem, "docs", &change), ERROR_SCOPE_MISSING);
}
END_TEST

/* A teardown removes what has the name, and the next deployment makes another thing of that name.
 */
START_TEST(test_a_token_is_not_used_for_what_was_made_after_it)
{
	struct provider_grant grant = { .one_repository = true }, wide = { .made_ago_ms = 1 };
	const struct peer_row rows[] = {
		{ MINT, .status = 201, .body = MADE_FOR("ghs_old", "acme/docs"), .times = 1 },
		{ MINT, .status = 201, .body = MADE_FOR("ghs_new", "acme/docs") },
		{ REPOSITORY, .status = 200, .body = "{}" },
		{ .method = NULL },
	};

	peer_set(peer, rows);
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &grant), ERROR_NONE);
	clock_sleep_ms(5);
	grant.made_ago_ms = 1000 * 3600; /* the token is of it */
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &grant), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_old");
	grant.made_ago_ms = 1;
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &grant), ERROR_NONE);
	ck_assert_str_eq(peer_last(peer, REPOSITORY).authorization, "Bearer ghs_new");
	ck_assert_uint_eq(peer_count(peer, MINT), 2);
	/* One for all is for that as well. */
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &wide), ERROR_NONE);
	clock_sleep_ms(5);
	ck_assert_int_eq(get_for(&app_of_one, pem, "docs", &wide), ERROR_NONE);
	ck_assert_uint_eq(peer_count(peer, MINT), 3);
}
END_TEST

static int asked_elsewhere;

static enum error_class mint_elsewhere(
	void *data, const struct mint_question *question, const char **ret_text, struct error *ret)
{
	(void)data;
	(void)ret;
	asked_elsewhere++;
	*ret_text = question->missing ? "ghs_sees_or_more" : "ghs_for_it";
	return ERROR_NONE;
}

/* Which of the two it is that came, whoever has asked elsewhere does not know. */
START_TEST(test_a_token_that_may_only_see_is_not_used_to_change)
{
	static const struct provider_grant look = { .one_repository = true,
		.may_be_missing = true },
					   change = { .one_repository = true };
	struct provider_access access = access_of(&github, &app_of_one, NULL);
	struct provider_exchange exchange = exchange_by(&access, NULL);
	const struct provider_request request = { .path = "/repos/{owner}/{repo}",
		.parameters = { "acme", "docs" } };
	const char *token;

	access.app.mint = mint_elsewhere;
	asked_elsewhere = 0;
	for (int round = 0; round < 2; round++) {
		exchange.grant = &look;
		ck_assert_int_eq(
			github_app_token(&exchange, &request, false, &token, &error), ERROR_NONE);
		ck_assert_str_eq(token, "ghs_sees_or_more");
		exchange.grant = &change;
		ck_assert_int_eq(
			github_app_token(&exchange, &request, false, &token, &error), ERROR_NONE);
		ck_assert_str_eq(token, "ghs_for_it");
	}
	ck_assert_int_eq(asked_elsewhere, 2);
}
END_TEST

START_TEST(test_a_key_that_is_none_is_told)
{
	ck_assert_int_eq(get_with(&app_of_one, "-----BEGIN NOTHING-----"), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.message, "Iv1.one is no RSA key"));
	ck_assert_int_eq(get_with(&app_of_one, NULL), ERROR_AUTH_MISSING);
	ck_assert_uint_eq(peer_count(peer, MINT), 0);
}
END_TEST

/* The workers' app, of which the settings have the key, and a connection its installation. */
START_TEST(test_the_workers_app_serves_connections)
{
	struct connection shared = app_of_one;

	shared.app_id = NULL;
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_ID", "Iv1.shared");
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_KEY_FILE", "/nonexistent.pem");
	const struct provider_access access = access_of(&github, &shared, NULL);
	ck_assert_str_eq(access.app.id, "Iv1.shared");
	ck_assert_str_eq(access.app.installation_id, "77");
	ck_assert_str_eq(access.app.key_file, "/nonexistent.pem");
	ck_assert_ptr_null(access.token);
	ck_assert_str_eq(access_of(&github, NULL, NULL).token, "of-the-settings");
	ck_assert_ptr_null(access_of(&github, &app_of_one, pem).app.key_file);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_that_of_the_settings_has_what_they_say,
		test_a_token_has_nothing_of_the_settings,
		test_without_its_credential_nothing_is_sent,
		test_an_expired_token_names_its_connection,
		test_what_to_do_is_whole_whatever_the_names,
		test_a_token_that_was_made_is_of_its_connection_only,
		test_a_record_that_was_changed_gets_no_token_that_was_made_by_the_one_before,
		test_a_name_that_spells_out_a_wider_grant_gets_no_token_of_that,
		test_a_token_for_a_repository_that_is_not_listed_is_not_used,
		test_one_that_may_be_missing_is_looked_for_by_a_token_that_sees,
		test_a_token_that_may_only_see_is_not_used_to_change,
		test_a_token_is_not_used_for_what_was_made_after_it,
		test_a_key_that_is_none_is_told, test_the_workers_app_serves_connections, NULL };
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *memory = BIO_new(BIO_s_mem());
	int file = mkstemp(key_file);

	PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
	BIO_read(memory, pem, sizeof(pem) - 1);
	BIO_free(memory);
	EVP_PKEY_free(key);
	if (file < 0 || write(file, pem, strlen(pem)) != (ssize_t)strlen(pem))
		abort();
	close(file);
	int status = suite_main("connected", tests, setup, teardown);
	unlink(key_file);
	return status;
}
