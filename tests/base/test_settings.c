/*
 * Settings: flags over environment over file over defaults; secrets.
 *
 * covers: src/base/settings.c
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/redact.h"
#include "base/settings.h"
#include "base/text.h"
#include "harness/suite.h"

static struct settings settings;
static struct error error;
static char path[64];

static void set_up(void)
{
	settings_init(&settings, SETTINGS_WORKER);
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
	const struct argp_child children[] = { { settings_argp(SETTINGS_WORKER), 0, NULL, 0 }, { NULL, 0, NULL, 0 } };
	const struct argp parser = { .children = children };
	ck_assert_int_eq(argp_parse(&parser, count, words, 0, NULL, &settings), 0);
}

START_TEST(test_defaults)
{
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(settings.redis_url, "redis://127.0.0.1:6379");
	ck_assert_str_eq(settings.github_url, "https://api.github.com");
	ck_assert_int_eq(settings.lease_seconds, 30);
	ck_assert_int_eq(settings.grace_seconds, 25);
	ck_assert(!settings.allow_loopback);
	ck_assert_ptr_null(settings.github_token);
}
END_TEST

START_TEST(test_flags_over_environment_over_file)
{
	char program[] = "worker", flag[] = "--executors=7";
	char *words[] = { program, flag, NULL };
	write_file("# comment\n\nSLIPWAY_EXECUTORS=3\nSLIPWAY_LEASE_SECONDS=\"9\"\nSLIPWAY_GRACE_SECONDS=4\n"
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
	/* A token is a secret of the workers: read from a file or wiped from the environment, never printed. */
	char secret[] = "ghp_personal-token";
	char *end = NULL, printed[8192] = "";
	size_t size = 0;
	write_file("ghp_from-a-file\nsecond line\n");
	setenv("SLIPWAY_VERCEL_TOKEN_FILE", path, 1);
	settings.config_path = "/nonexistent/slipway.conf";
	setenv("SLIPWAY_GITHUB_TOKEN", secret, 1);
	const char *in_environment = getenv("SLIPWAY_GITHUB_TOKEN");
	ck_assert_msg(settings_load(&settings, &error) == ERROR_NONE, "%s", error.message);
	ck_assert_str_eq(settings.github_token, secret);
	ck_assert_str_eq(settings.vercel_token, "ghp_from-a-file");
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
	settings_print_reference(stream);
	fclose(stream);
	ck_assert_ptr_nonnull(strstr(text, "`SLIPWAY_REDIS_URL` | `--redis-url`"));
	ck_assert_ptr_nonnull(strstr(text, "`--github-token-file`"));
	free(text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_defaults, test_flags_over_environment_over_file,
		test_bad_values_name_setting_and_origin, test_github_access_through_a_personal_token,
		test_reference_lists_every_setting, NULL };
	return suite_main("settings", tests, set_up, tear_down);
}
