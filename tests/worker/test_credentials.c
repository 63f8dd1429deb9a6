/*
 * What the keeper gives a run to call providers with, whatever an executor asks for.
 *
 * covers: src/worker/credentials.c src/worker/mint_order.c src/provider/github_app_key.c
 * covers: src/base/locked_text.c
 */
#include "worker/credentials.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/connection.h"
#include "core/secret.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "provider/providers.h"
#include "worker/handover.h"
#include "worker/mint_order.h"
#include "worker/protocol.h"

static struct settings settings;
static struct credentials credentials;
static struct secret_key_pair keys;
static struct arena arena;
static struct error error;
static const char *text;
static char pem[4096], key_file[] = "/tmp/slipway-key-XXXXXX";

static void set_up(void)
{
	arena_init(&arena, 0);
	secret_key_make(&keys);
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	named_setting_set(&settings, "SLIPWAY_GITHUB_TOKEN", "token-for-github");
	named_setting_set(&settings, "SLIPWAY_VERCEL_TOKEN", "token-for-vercel");
}

static void tear_down(void)
{
	credentials_release(&credentials);
	arena_release(&arena);
}

static void take(void)
{
	ck_assert_int_eq(credentials_take(&credentials, &settings, &error), ERROR_NONE);
	named_setting_set(&settings, "SLIPWAY_GITHUB_TOKEN", NULL);
	named_setting_set(&settings, "SLIPWAY_VERCEL_TOKEN", NULL);
}

static void take_app_as_it_is(void)
{
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_ID", "Iv1.ours");
	named_setting_set(&settings, "SLIPWAY_GITHUB_INSTALLATION_ID", "77");
	named_setting_set(&settings, "SLIPWAY_GITHUB_APP_KEY_FILE", key_file);
	take();
}

static void put_file(const char *bytes, size_t size, mode_t mode)
{
	int file = open(key_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, bytes, size), (ssize_t)size);
	ck_assert_int_eq(fchmod(file, mode), 0);
	close(file);
}

static void take_app(mode_t mode)
{
	put_file(pem, strlen(pem), mode);
	take_app_as_it_is();
}

static struct opening of_step(const char *step, const char *provider)
{
	return (struct opening){ .tenant = "default",
		.app = "mine",
		.workflow = "site",
		.step = step,
		.input = "",
		.reference = "",
		.owner = "",
		.name = "",
		.provider = provider,
		.record = "",
		.sealed = "",
		.key = "" };
}

static enum error_class ask(const struct opening *opening)
{
	memset(&error, 0, sizeof(error));
	return credentials_answer(&credentials, keys.private_key, opening, &arena, &text, &error);
}

static const struct string_pair secrets_table[] = { { "secrets", "write" },
	{ "metadata", "read" } };
/* What an honest executor wishes for a step that sets secrets. */
static const struct mint_wish honest = { .owner = "acme",
	.repository = "docs",
	.permissions = { secrets_table, 2 },
	.time_left_ms = 1000,
	.key = "key-of-the-executor" };

static void expect(
	const char *step, const char *provider, enum error_class class, const char *token)
{
	const struct opening opening = of_step(step, provider);

	ck_assert_msg(ask(&opening) == class, "%s %s: %s", step, provider, error.message);
	if (token != NULL)
		ck_assert_str_eq(text, token);
	else
		ck_assert_ptr_null(text);
}

START_TEST(a_token_is_for_steps_whose_action_calls_its_provider)
{
	take();
	expect("secrets", "github", ERROR_NONE, "token-for-github");
	expect("secrets", "vercel", ERROR_NOT_ALLOWED, NULL);
	expect("env", "vercel", ERROR_NONE, "token-for-vercel");
	expect("env", "github", ERROR_NOT_ALLOWED, NULL);
	expect("deployment", "vercel", ERROR_NONE, "token-for-vercel");
	expect("deployment", "github", ERROR_NONE, "token-for-github");
	expect("check", "github", ERROR_NOT_ALLOWED, NULL);
	expect("nothing", "github", ERROR_NOT_ALLOWED, NULL);
	expect("secrets", "gitlab", ERROR_NOT_ALLOWED, NULL);
	expect("plan", "github", ERROR_NONE, "token-for-github");

	struct opening opening = of_step("plan", "github");
	opening.workflow = "hello";
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
}
END_TEST

START_TEST(the_settings_are_those_of_one_tenant)
{
	struct opening opening = of_step("secrets", "github");

	take();
	opening.tenant = "one";
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	opening.wish = &honest;
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	ck_assert_ptr_null(text);
}
END_TEST

/* The wish of the order for that opening. */
static const struct mint_wish *expect_order(const struct opening *opening)
{
	static struct mint_order order;

	ck_assert_msg(ask(opening) == ERROR_NONE, "%s", error.message);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_null(strstr(text, "PRIVATE"));
	ck_assert_int_eq(
		message_read(&mint_order_record, text, strlen(text), &arena, &order, &error),
		ERROR_NONE);
	ck_assert_int_eq(strncmp(order.signature, "eyJ", 3), 0);
	ck_assert_str_eq(order.tenant, opening->tenant);
	ck_assert_str_eq(order.record, opening->record);
	ck_assert_ptr_nonnull(order.wish);
	return order.wish;
}

START_TEST(of_an_app_no_key_is_given)
{
	struct opening opening = of_step("secrets", "github");

	take_app(0600);
	unlink(key_file);
	expect("secrets", "github", ERROR_NONE, NULL);
	opening.wish = &honest;
	const struct mint_wish *wish = expect_order(&opening);
	ck_assert_str_eq(wish->key, "key-of-the-executor");
	ck_assert_str_eq(wish->repository, "docs");
	opening.step = "env";
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	ck_assert_ptr_null(text);
}
END_TEST

static void expect_fault(const char *why)
{
	struct opening opening = of_step("secrets", "github");

	opening.wish = &honest;
	ck_assert_int_eq(ask(&opening), ERROR_AUTH_MISSING);
	ck_assert_msg(strstr(error.message, why) != NULL, "%s", error.message);
	ck_assert_msg(strstr(error.message, key_file) != NULL, "%s", error.message);
	ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_GITHUB_APP_KEY_FILE"));
}

START_TEST(a_key_that_others_may_read_is_not_used)
{
	take_app(0644);
	unlink(key_file); /* as where files cannot be opened: what was found then is what is told */
	expect_fault("may be read or written by others than its owner: chmod 600");
}
END_TEST

START_TEST(a_key_that_was_not_read_is_refused_by_its_reason)
{
	static const char zeros[16384];

	unlink(key_file);
	take_app_as_it_is();
	expect_fault("does not exist");
	credentials_release(&credentials);

	put_file("", 0, 0600);
	take_app_as_it_is();
	expect_fault("is empty");
	credentials_release(&credentials);

	put_file(zeros, sizeof(zeros), 0600);
	take_app_as_it_is();
	expect_fault("is too large");
}
END_TEST

/* ---- connections ---- */

static struct opening of_connection(const char *record, const char *credential)
{
	const struct connection connection = { .tenant = "one", .name = "main" };
	struct opening opening = of_step("secrets", "github");

	ck_assert_int_eq(connection_seal(keys.public_key, &connection, record, credential, &arena,
				 &opening.sealed, &error),
		ERROR_NONE);
	opening.tenant = "one";
	opening.name = "main";
	opening.record = record;
	return opening;
}

#define OF_APP                                                                                     \
	"{\"provider\":\"github\",\"kind\":\"app\",\"appId\":\"Iv1.one\",\"installationId\":"      \
	"\"78\",\"owners\":[\"*\"],\"apps\":[\"*\"]}"
#define OF_TOKEN "{\"provider\":\"github\",\"kind\":\"token\",\"owners\":[\"*\"],\"apps\":[\"*\"]}"
#define OF_VERCEL                                                                                  \
	"{\"provider\":\"vercel\",\"kind\":\"token\",\"projects\":[\"*\"],\"apps\":[\"*\"]}"

START_TEST(a_connection_gives_its_token_or_an_order_for_its_app)
{
	struct opening opening = of_connection(OF_TOKEN, "token-of-one");

	take();
	ck_assert_int_eq(ask(&opening), ERROR_NONE);
	ck_assert_str_eq(text, "token-of-one");
	opening.wish = &honest;
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	opening = of_connection(OF_APP, pem);
	ck_assert_int_eq(ask(&opening), ERROR_NONE);
	ck_assert_ptr_null(text);
	opening.wish = &honest;
	expect_order(&opening);
	opening.step = "env";
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
}
END_TEST

static void expect_refused(struct opening *opening, const struct mint_wish *wish, const char *what)
{
	opening->wish = wish;
	ck_assert_msg(ask(opening) == ERROR_NOT_ALLOWED, "%s", what);
	ck_assert_ptr_null(text);
}

/* An executor may be told to wish for anything. */
START_TEST(an_order_is_for_no_more_than_the_definition_of_the_step)
{
	static const struct string_pair wide[] = { { "secrets", "write" },
		{ "administration", "write" } },
					more[] = { { "metadata", "write" } },
					one[] = { { "secrets", "write" } };
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = honest;

	take();
	wish.permissions = (struct string_map){ wide, 2 };
	expect_refused(&opening, &wish, "a permission that its table does not have");
	wish.permissions = (struct string_map){ more, 1 };
	expect_refused(&opening, &wish, "more of one that it has");
	wish.permissions = (struct string_map){ NULL, 0 };
	expect_refused(&opening, &wish, "all that there are");
	wish = honest;
	wish.owner = wish.repository = "";
	expect_refused(&opening, &wish, "all repositories");
	wish = honest;
	wish.permissions = (struct string_map){ one, 1 };
	opening.wish = &wish;
	ck_assert_uint_eq(expect_order(&opening)->permissions.count, 1);
}
END_TEST

static void expect_reason(struct opening *opening, const struct mint_wish *wish, const char *reason)
{
	expect_refused(opening, wish, reason);
	ck_assert_msg(strstr(error.message, reason) != NULL, "%s", error.message);
}

START_TEST(an_order_is_refused_by_its_reason)
{
	static const struct string_pair wide[] = { { "administration", "write" } },
					nobody[] = { { "members", "write" } };
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = honest;

	take();
	wish.owner = wish.repository = "";
	expect_reason(&opening, &wish,
		"the step 'secrets' gets no such token for github: the repository has to be named");
	wish.permissions = (struct string_map){ wide, 1 };
	expect_reason(&opening, &wish, ": its action does not have these permissions");
	wish.permissions = (struct string_map){ NULL, 0 };
	expect_reason(&opening, &wish, ": its permissions have to be named");
	opening.step = "plan";
	expect_reason(&opening, &wish, ": its permissions have to be named");
	wish.permissions = (struct string_map){ nobody, 1 };
	expect_reason(&opening, &wish, ": no action of its workflow has these permissions");
	wish = honest;
	opening.step = "secrets";
	wish.permissions = (struct string_map){ NULL, 0 };
	expect_reason(&opening, &wish, ": its permissions have to be named");
	wish.permissions = (struct string_map){ wide, 1 };
	expect_reason(&opening, &wish, ": its action does not have these permissions");
}
END_TEST

#define OF_ONE                                                                                     \
	"{\"provider\":\"github\",\"kind\":\"app\",\"appId\":\"Iv1.one\",\"installationId\":"      \
	"\"78\",\"repositories\":[\"acme/docs\"],\"apps\":[\"*\"]}"

START_TEST(an_order_is_for_what_the_connection_lists)
{
	struct opening opening = of_connection(OF_ONE, pem);
	struct mint_wish wish = honest;

	take();
	wish.repository = "payroll";
	expect_refused(&opening, &wish, "another repository");
	wish = honest;
	wish.owner = "other";
	expect_refused(&opening, &wish, "of another owner");
	opening.wish = &honest;
	expect_order(&opening);
	/* Whoever puts another installation behind it, or another tenant, has one that no longer
	 * opens.
	 */
	struct opening changed = opening;
	changed.tenant = "two";
	ck_assert_int_ne(ask(&changed), ERROR_NONE);
	ck_assert_ptr_null(text);
	changed = opening;
	changed.record = OF_APP;
	ck_assert_int_ne(ask(&changed), ERROR_NONE);
	ck_assert_ptr_null(text);
}
END_TEST

/* Each reader of it takes a text for one name of one repository, or does not get it. */
START_TEST(an_order_names_no_repository_but_by_a_name)
{
	static const char *const none[] = { "docs, administration: write", "docs/..", "..", ".",
		"docs\nlevel=info", "docs\"", "d\303\266cs", "all repositories", "*", " docs" };
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = honest;
	char long_name[102] = "";

	take();
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		wish.repository = none[i];
		expect_refused(&opening, &wish, none[i]);
	}
	memset(long_name, 'd', sizeof(long_name) - 1);
	wish.repository = long_name;
	expect_refused(&opening, &wish, "a name that is too long");
	wish = honest;
	wish.owner = "";
	expect_refused(&opening, &wish, "no owner");
	wish.owner = "acme/docs";
	expect_refused(&opening, &wish, "an owner with a slash");
	wish.owner = "acme";
	wish.repository = "Some_repository.2-0";
	opening.wish = &wish;
	expect_order(&opening);
}
END_TEST

/* It stands in the order, which has to fit into a frame. */
START_TEST(an_order_is_answered_to_a_key_of_the_usual_length)
{
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = honest;
	char key[HANDOVER_KEY_SIZE + 1] = "";

	take();
	memset(key, 'k', sizeof(key) - 1);
	wish.key = key;
	expect_refused(&opening, &wish, "a long key");
}
END_TEST

/* Whoever asks would have what is good on any day. */
START_TEST(nothing_is_signed_for_another_day)
{
	struct opening opening = of_connection(OF_APP, pem);

	take();
	opening.skew_seconds = 86401;
	expect_refused(&opening, &honest, "the day after");
	opening.skew_seconds = -86401;
	expect_refused(&opening, &honest, "the day before");
	opening.skew_seconds = 7200;
	expect_order(&opening);
}
END_TEST

/* The order's permissions, as "secrets: read, metadata: read". */
static const char *expect_permissions(const struct opening *opening)
{
	const struct string_map *ordered = &expect_order(opening)->permissions;
	const char *all = "";

	for (size_t i = 0; i < ordered->count; i++)
		all = arena_format(&arena, "%s%s%s: %s", all, i > 0 ? ", " : "",
			ordered->items[i].name, ordered->items[i].value);
	return all;
}

START_TEST(a_plan_reads_what_one_of_its_steps_has)
{
	static const struct string_pair team[] = { { "members", "read" } },
					nobody[] = { { "members", "write" } },
					files[] = { { "contents", "write" },
						{ "workflows", "write" } },
					flows[] = { { "workflows", "write" } },
					look[] = { { "metadata", "read" } };
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = honest;

	take();
	opening.step = "plan";
	opening.wish = &wish;
	ck_assert_str_eq(expect_permissions(&opening), "secrets: read, metadata: read");
	opening.step = "as-planned";
	ck_assert_str_eq(expect_permissions(&opening), "secrets: read, metadata: read");
	wish.permissions = (struct string_map){ files, 2 };
	ck_assert_str_eq(expect_permissions(&opening), "contents: read");
	wish.permissions = (struct string_map){ flows, 1 };
	ck_assert_str_eq(expect_permissions(&opening), "metadata: read");
	wish.permissions = (struct string_map){ team, 1 };
	ck_assert_str_eq(expect_permissions(&opening), "members: read");
	wish.owner = wish.repository = "";
	ck_assert_str_eq(expect_permissions(&opening), "members: read, metadata: read");
	wish.permissions = honest.permissions;
	ck_assert_str_eq(expect_permissions(&opening), "metadata: read");
	wish.permissions = (struct string_map){ look, 1 };
	ck_assert_str_eq(expect_permissions(&opening), "metadata: read");
	wish.permissions = (struct string_map){ nobody, 1 };
	expect_refused(&opening, &wish, "a permission of none");
	wish.permissions = (struct string_map){ NULL, 0 };
	expect_refused(&opening, &wish, "all that there are");
}
END_TEST

/* One that is yet to be made cannot be named; all else can. */
START_TEST(only_what_makes_repositories_has_a_token_for_all)
{
	static const struct string_pair administer[] = { { "administration", "write" },
		{ "metadata", "read" } };
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = { .owner = "", .repository = "", .missing = true, .key = "key" };

	take();
	opening.wish = &wish;
	wish.permissions = (struct string_map){ administer, 2 };
	opening.step = "repo";
	ck_assert_str_eq(expect_permissions(&opening), "administration: write, metadata: read");
	opening.workflow = "teardown";
	opening.step = "repositories";
	ck_assert_str_eq(expect_permissions(&opening), "metadata: read");
	wish.owner = "acme";
	wish.repository = "docs";
	ck_assert_str_eq(expect_permissions(&opening), "administration: write, metadata: read");
	ck_assert(expect_order(&opening)->missing);
	opening.step = "plan";
	ck_assert_str_eq(expect_permissions(&opening), "administration: read, metadata: read");
	ck_assert(expect_order(&opening)->missing);
	opening.workflow = "site";
	opening.step = "secrets";
	wish.permissions = honest.permissions;
	ck_assert_msg(!expect_order(&opening)->missing, "of one repository, and no other");
}
END_TEST

/* Of which no token comes. */
START_TEST(a_plan_checks_what_its_steps_would_have)
{
	static const struct string_pair nobody[] = { { "members", "write" } };
	struct opening opening = of_connection(OF_APP, pem);
	struct mint_wish wish = honest;

	take();
	opening.step = "plan";
	opening.wish = &wish;
	wish.checks = true;
	wish.owner = wish.repository = "";
	ck_assert_str_eq(expect_permissions(&opening), "secrets: write, metadata: read");
	ck_assert(expect_order(&opening)->checks);
	wish.permissions = (struct string_map){ nobody, 1 };
	expect_refused(&opening, &wish, "a permission of none");
}
END_TEST

START_TEST(a_connection_to_another_provider_gives_nothing)
{
	const struct opening opening = of_connection(OF_VERCEL, "token-of-one");

	take();
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	ck_assert_ptr_null(text);
}
END_TEST

static void make_key(void)
{
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
}

int main(void)
{
	const TTest *const tests[] = { a_token_is_for_steps_whose_action_calls_its_provider,
		the_settings_are_those_of_one_tenant, a_key_that_others_may_read_is_not_used,
		a_key_that_was_not_read_is_refused_by_its_reason, of_an_app_no_key_is_given,
		a_connection_gives_its_token_or_an_order_for_its_app,
		an_order_is_for_no_more_than_the_definition_of_the_step,
		an_order_is_refused_by_its_reason, an_order_is_for_what_the_connection_lists,
		an_order_names_no_repository_but_by_a_name,
		an_order_is_answered_to_a_key_of_the_usual_length,
		nothing_is_signed_for_another_day, a_plan_reads_what_one_of_its_steps_has,
		a_plan_checks_what_its_steps_would_have,
		only_what_makes_repositories_has_a_token_for_all,
		a_connection_to_another_provider_gives_nothing, NULL };
	make_key();
	int status = suite_main("credentials", tests, set_up, tear_down);
	unlink(key_file);
	return status;
}
