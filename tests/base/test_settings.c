/*
 * Settings: flags over environment over file over defaults; secrets.
 *
 * covers: src/base/settings.c src/base/settings_table.c src/base/settings_print.c
 * covers: src/base/secret_file.c src/base/url_password.c
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/redact.h"
#include "base/settings.h"
#include "base/text.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "provider/github_app.h"
#include "provider/providers.h"
#include "slipway/field.h"

static struct settings settings;
static struct error error;
static char path[64];

static void set_up(void)
{
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	text_copy(path, sizeof(path), "/tmp/slipway-settings-XXXXXX");
	int file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	close(file);
	settings.config_path = path;
}

static void tear_down(void)
{
	unlink(path);
	settings_release(&settings);
	redact_forget(0);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void parse_flags(int count, char **words)
{
	const struct argp_child children[] = { { settings_argp(&settings), 0, NULL, 0 },
		{ NULL, 0, NULL, 0 } };
	const struct argp parser = { .children = children };
	ck_assert_int_eq(argp_parse(&parser, count, words, 0, NULL, &settings), 0);
}

START_TEST(test_defaults)
{
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(settings.redis_url, "redis://127.0.0.1:6379");
	ck_assert_str_eq(named_setting(&settings, "SLIPWAY_GITHUB_URL"), "https://api.github.com");
	ck_assert_int_eq(settings.lease_seconds, 30);
	ck_assert_int_eq(settings.grace_seconds, 25);
	ck_assert(!settings.allow_loopback);
	ck_assert_ptr_null(named_setting(&settings, "SLIPWAY_GITHUB_TOKEN"));
}
END_TEST

START_TEST(test_flags_over_environment_over_file)
{
	char program[] = "worker", flag[] = "--executors=7";
	char *words[] = { program, flag, NULL };
	write_file("# "
		   "comment\n\nSLIPWAY_EXECUTORS=3\nSLIPWAY_LEASE_SECONDS=\"9\"\nSLIPWAY_GRACE_"
		   "SECONDS=4\n"
		   "SLIPWAY_ALLOW_LOOPBACK=yes\n");
	setenv("SLIPWAY_EXECUTORS", "5", 1);
	setenv("SLIPWAY_LEASE_SECONDS", "11", 1);
	parse_flags(2, words);
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_int_eq(settings.executors, 7);
	ck_assert_int_eq(settings.lease_seconds, 11);
	ck_assert_int_eq(settings.grace_seconds, 4);
	ck_assert(settings.allow_loopback);
}
END_TEST

START_TEST(test_bad_values_name_setting_and_origin)
{
	write_file("SLIPWAY_EXECUTORS=many\n");
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_EXECUTORS"));
	ck_assert_ptr_nonnull(strstr(error.message, path));
	write_file("\nSLIPWAY_EXECUTRS=1\n");
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(error.message, ":2: 'SLIPWAY_EXECUTRS'"));
	write_file("SLIPWAY_EXECUTORS=0\n");
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	write_file("");
	setenv("SLIPWAY_ALLOW_LOOPBACK", "maybe", 1);
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	settings.config_path = "/nonexistent/slipway.conf";
	settings.config_required = true;
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
}
END_TEST

START_TEST(test_github_access_through_a_personal_token)
{
	/* A token is a secret of the workers: read from a file or wiped from the environment, never
	 * printed. */
	char secret[] = "ghp_personal-token";
	char *end = NULL, printed[8192] = "";
	size_t size = 0;
	write_file("ghp_from-a-file\nsecond line\n");
	setenv("SLIPWAY_VERCEL_TOKEN_FILE", path, 1);
	settings.config_path = "/nonexistent/slipway.conf";
	setenv("SLIPWAY_GITHUB_TOKEN", secret, 1);
	const char *in_environment = getenv("SLIPWAY_GITHUB_TOKEN");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(named_setting(&settings, "SLIPWAY_GITHUB_TOKEN"), secret);
	ck_assert_str_eq(named_setting(&settings, "SLIPWAY_VERCEL_TOKEN"), "ghp_from-a-file");
	ck_assert_ptr_null(getenv("SLIPWAY_GITHUB_TOKEN"));
	ck_assert_int_eq(in_environment[0], '\0');
	FILE *stream = open_memstream(&end, &size);
	settings_print(&settings, stream);
	fclose(stream);
	text_copy(printed, sizeof(printed), end);
	free(end);
	ck_assert_ptr_nonnull(strstr(printed, "SLIPWAY_GITHUB_TOKEN=***"));
	ck_assert_ptr_null(strstr(printed, "ghp_"));
	char text[] = "it says ghp_personal-token";
	redact_text(text);
	ck_assert_ptr_null(strstr(text, "ghp_"));
}
END_TEST

START_TEST(test_reference_lists_every_setting)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	settings_print_reference(&settings, stream);
	fclose(stream);
	ck_assert_ptr_nonnull(strstr(text, "`SLIPWAY_REDIS_URL` | `--redis-url`"));
	ck_assert_ptr_nonnull(strstr(text, "`--github-token-file`"));
	free(text);
}
END_TEST

static void print_settings(char *printed, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);
	settings_print(&settings, stream);
	fclose(stream);
	text_copy(printed, size, text);
	free(text);
}

START_TEST(test_password_in_a_url_is_masked_and_wiped)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{ "redis://api:hush-hush@h:1/2", "SLIPWAY_REDIS_URL=redis://api:***@h:1/2\n" },
		{ "redis://:hush-hush@h", "SLIPWAY_REDIS_URL=redis://:***@h\n" },
		{ "unix://api:hush-hush@/run/redis.sock",
			"SLIPWAY_REDIS_URL=unix://api:***@/run/redis.sock\n" },
		{ "redis://api:hush-hush@x/y@h", "SLIPWAY_REDIS_URL=redis://api:***@h\n" },
		{ "redis://api@h:1", "SLIPWAY_REDIS_URL=redis://api@h:1\n" },
		{ "redis://h:1", "SLIPWAY_REDIS_URL=redis://h:1\n" },
	};
	char printed[8192];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool secret = strstr(cases[i].url, "hush") != NULL;
		settings_release(&settings);
		settings_init(&settings, SETTINGS_WORKER, providers_introduce());
		settings.config_path = path;
		setenv("SLIPWAY_REDIS_URL", cases[i].url, 1);
		const char *in_environment = getenv("SLIPWAY_REDIS_URL");
		ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
		ck_assert_str_eq(settings.redis_url, cases[i].url);
		print_settings(printed, sizeof(printed));
		ck_assert_msg(strstr(printed, cases[i].shown) != NULL, "%s", printed);
		ck_assert((settings.url_with_password != NULL) == secret);
		if (secret)
			ck_assert_int_eq(in_environment[0], '\0');
	}
	char text[] = "it says hush-hush.";
	redact_text(text);
	ck_assert_ptr_null(strstr(text, "hush"));
}
END_TEST

/* As where somebody put a line together with the one above it. */
START_TEST(test_a_secret_that_stands_in_another_setting_is_not_printed)
{
	char printed[8192];
	setenv("SLIPWAY_GITHUB_TOKEN", "ghp_0123456789abcdefghij", 1);
	setenv("SLIPWAY_GITHUB_URL", "https://github.example/ghp_0123456789abcdefghij", 1);
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	print_settings(printed, sizeof(printed));
	ck_assert_ptr_null(strstr(printed, "ghp_0123456789abcdefghij"));
	ck_assert_ptr_nonnull(strstr(printed, "SLIPWAY_GITHUB_URL=***\n"));
}
END_TEST

START_TEST(test_password_in_a_flag_is_refused)
{
	char program[] = "worker", flag[] = "--redis-url=redis://api:hush-hush@h";
	char *words[] = { program, flag, NULL };
	parse_flags(2, words);
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_REDIS_URL (flag)"));
	ck_assert_ptr_null(strstr(error.message, "hush"));
}
END_TEST

/* The file lies in /tmp; the second one in a folder of its own. */
START_TEST(test_secret_files_that_others_may_read_are_refused)
{
	static const struct {
		mode_t file, folder;
		bool good;
	} cases[] = {
		{ 0600, 0700, true },
		{ 0400, 0755, true },
		{ 0440, 0700, true }, /* the folder keeps the group out */
		{ 0440, 0755, false },
		{ 0640, 0750, false },
		{ 0644, 0700, false },
		{ 0604, 0700, false },
		{ 0660, 0700, false },
		{ 0666, 0755, false },
	};
	char folder[] = "/tmp/slipway-secret-XXXXXX", secret[64];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	text_format(secret, sizeof(secret), "%s/token", folder);
	FILE *file = fopen(secret, "w");
	fputs("ghp_from-a-file\n", file);
	fclose(file);
	setenv("SLIPWAY_GITHUB_TOKEN_FILE", secret, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		chmod(secret, cases[i].file);
		chmod(folder, cases[i].folder);
		enum error_class class = settings_load(&settings, &error);
		ck_assert_msg((class == ERROR_NONE) == cases[i].good, "file %o, folder %o",
			cases[i].file, cases[i].folder);
		if (cases[i].good)
			continue;
		ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_GITHUB_TOKEN_FILE"));
		ck_assert_ptr_nonnull(strstr(error.message, secret));
		ck_assert_ptr_nonnull(strstr(error.remedy, "chmod 600 /tmp/"));
	}
	/* As systemd gives credentials: the bits of the group are the mask of an access list. */
	chmod(secret, 0440);
	chmod(folder, 0550);
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	chmod(folder, 0700);
	unlink(secret);
	rmdir(folder);
}
END_TEST

START_TEST(test_settings_file_with_a_secret_is_for_its_owner)
{
	write_file("SLIPWAY_EXECUTORS=3\nSLIPWAY_GITHUB_TOKEN=ghp_in-the-settings\n");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	chmod(path, 0644);
	ck_assert_int_eq(settings_load(&settings, &error), ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(error.message, ":2: "));
	ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_GITHUB_TOKEN_FILE"));
	write_file("SLIPWAY_EXECUTORS=3\n");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
}
END_TEST

static void write_reloaded(const char *token, const char *keys)
{
	char text[256];
	text_format(text, sizeof(text), "SLIPWAY_GITHUB_TOKEN=%s\nSLIPWAY_SECRETS_KEYS=%s\n", token,
		keys);
	write_file(text);
}

static enum error_class check_refuses(const struct settings *next, struct error *ret_error)
{
	ck_assert_str_eq(next->secrets_keys, "keys-of-a-reload");
	return error_set(ret_error, ERROR_INVALID_INPUT, "refused");
}

START_TEST(test_failed_reload_forgets_what_it_read)
{
	setenv("SLIPWAY_REDIS_PASSWORD", "password-of-before", 1);
	write_reloaded("ghp_of-before", "keys-of-before");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	settings_forget(&settings, "SLIPWAY_SECRETS_KEYS");
	const size_t known = redact_count();

	write_reloaded("ghp_of-a-reload", "keys-of-a-reload");
	ck_assert_int_ne(settings_reload(&settings, check_refuses, &error), ERROR_NONE);
	ck_assert_uint_eq(redact_count(), known);
	ck_assert(!redact_finds("keys-of-a-reload") && !redact_finds("ghp_of-a-reload"));
	ck_assert(redact_finds("ghp_of-before") && redact_finds("password-of-before"));
	ck_assert_ptr_null(settings.secrets_keys);
	ck_assert_str_eq(named_setting(&settings, "SLIPWAY_GITHUB_TOKEN"), "ghp_of-before");

	/* One that ends within the files: the keys are read, the token's file is not there. */
	setenv("SLIPWAY_VERCEL_TOKEN_FILE", "/nowhere/token", 1);
	ck_assert_int_ne(settings_reload(&settings, NULL, &error), ERROR_NONE);
	unsetenv("SLIPWAY_VERCEL_TOKEN_FILE");
	ck_assert_uint_eq(redact_count(), known);
	ck_assert(!redact_finds("keys-of-a-reload") && !redact_finds("ghp_of-a-reload"));
}
END_TEST

START_TEST(test_reloads_have_no_end)
{
	char token[64], before[64] = "";
	setenv("SLIPWAY_REDIS_PASSWORD", "password-of-before", 1);
	write_reloaded("ghp_of-before", "keys-that-stay");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	const size_t known = redact_count();

	for (int i = 0; i < 2 * REDACT_SECRETS_MAX; i++) {
		/* Changed, or as it was. */
		text_format(token, sizeof(token), "ghp_of-reload-%d", i / 2 + 1000);
		write_reloaded(token, "keys-that-stay");
		ck_assert_msg(settings_reload(&settings, NULL, &error) == ERROR_NONE, "%d: %s", i,
			error.message);
		ck_assert_uint_eq(redact_count(), known);
		ck_assert(redact_finds(token) && redact_finds("keys-that-stay"));
		ck_assert(redact_finds("password-of-before"));
		ck_assert(before[0] == '\0' || i % 2 == 1 || !redact_finds(before));
		text_copy(before, sizeof(before), token);
	}
}
END_TEST

/* As a supervisor does, which hands its keys over and forgets them. */
START_TEST(test_reloads_take_no_memory_that_grows)
{
	char token[64];
	write_reloaded("ghp_of-before", "keys-that-are-forgotten");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	size_t used = 0;
	for (int i = 0; i < 200; i++) {
		settings_forget(&settings, "SLIPWAY_SECRETS_KEYS");
		/* Of another length each time, up to the one of the first. */
		text_format(token, sizeof(token), "ghp_of-reload-%.*s%d", 40 - i % 40,
			"0123456789012345678901234567890123456789", i % 10);
		write_reloaded(token, "keys-that-are-forgotten");
		ck_assert_msg(settings_reload(&settings, NULL, &error) == ERROR_NONE, "%d: %s", i,
			error.message);
		ck_assert_str_eq(settings.secrets_keys, "keys-that-are-forgotten");
		ck_assert(redact_finds(token));
		ck_assert_msg(i == 0 || settings.arena.used == used, "reload %d", i);
		used = settings.arena.used;
	}
}
END_TEST

/* Nothing of a replaced secret is left in memory that only the settings have. */
START_TEST(test_what_a_reload_replaces_is_wiped)
{
	write_reloaded("ghp_of-the-beginning-and-long", "keys-that-stay");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	for (int i = 0; i < 4; i++) {
		const struct github_settings *own = settings_part(&settings, &github.settings);
		const char *old = own->token;
		char text[64];
		text_copy(text, sizeof(text), old);
		write_reloaded(i % 2 == 0 ? "ghp_short" : "ghp_one-that-is-much-longer-than-before",
			"keys-that-stay");
		ck_assert_int_eq(settings_reload(&settings, NULL, &error), ERROR_NONE);
		ck_assert_ptr_null(memmem(old, strlen(text), text + 4, strlen(text) - 4));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_defaults, test_flags_over_environment_over_file,
		test_bad_values_name_setting_and_origin,
		test_github_access_through_a_personal_token, test_reference_lists_every_setting,
		test_password_in_a_url_is_masked_and_wiped,
		test_a_secret_that_stands_in_another_setting_is_not_printed,
		test_password_in_a_flag_is_refused,
		test_secret_files_that_others_may_read_are_refused,
		test_settings_file_with_a_secret_is_for_its_owner,
		test_failed_reload_forgets_what_it_read, test_reloads_have_no_end,
		test_reloads_take_no_memory_that_grows, test_what_a_reload_replaces_is_wiped,
		NULL };
	return suite_main("settings", tests, set_up, tear_down);
}
