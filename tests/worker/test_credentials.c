/*
 * What the keeper gives a run to call providers with, whatever an executor asks for.
 *
 * covers: src/worker/credentials.c src/provider/github_app_key.c src/base/locked_text.c
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
	opening.signs = true;
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	ck_assert_ptr_null(text);
}
END_TEST

static void expect_signed(const struct opening *opening)
{
	ck_assert_msg(ask(opening) == ERROR_NONE, "%s", error.message);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(strncmp(text, "eyJ", 3), 0);
	ck_assert_ptr_null(strstr(text, "PRIVATE"));
}

START_TEST(of_an_app_no_key_is_given)
{
	struct opening opening = of_step("secrets", "github");

	take_app(0600);
	unlink(key_file);
	expect("secrets", "github", ERROR_NONE, NULL);
	opening.signs = true;
	expect_signed(&opening);
	opening.step = "env";
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	ck_assert_ptr_null(text);
}
END_TEST

static void expect_fault(const char *why)
{
	struct opening opening = of_step("secrets", "github");

	opening.signs = true;
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

START_TEST(a_connection_gives_its_token_or_what_its_app_signs)
{
	struct opening opening = of_connection(OF_TOKEN, "token-of-one");

	take();
	ck_assert_int_eq(ask(&opening), ERROR_NONE);
	ck_assert_str_eq(text, "token-of-one");
	opening.signs = true;
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
	opening = of_connection(OF_APP, pem);
	ck_assert_int_eq(ask(&opening), ERROR_NONE);
	ck_assert_ptr_null(text);
	opening.signs = true;
	expect_signed(&opening);
	opening.step = "env";
	ck_assert_int_eq(ask(&opening), ERROR_NOT_ALLOWED);
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
		a_connection_gives_its_token_or_what_its_app_signs,
		a_connection_to_another_provider_gives_nothing, NULL };
	make_key();
	int status = suite_main("credentials", tests, set_up, tear_down);
	unlink(key_file);
	return status;
}
