/*
 * What SLIPWAY_REDIS_URL may be, and what is said where it is something else.
 */
#include <string.h>

#include "harness/suite.h"
#include "slipway/field.h"
#include "store/redis_address.h"

static struct redis_address address;
static struct error error;

START_TEST(test_what_is_understood)
{
	static const struct {
		const char *url, *socket, *host;
		int port;
		const char *user, *password, *database;
	} good[] = {
		{ "redis://127.0.0.1:6379", "", "127.0.0.1", 6379, "", "", "" },
		{ "redis://redis.example.org", "", "redis.example.org", 6379, "", "", "" },
		{ "redis://localhost:7000/3", "", "localhost", 7000, "", "", "3" },
		{ "redis://localhost/", "", "localhost", 6379, "", "", "" },
		{ "redis://[::1]", "", "::1", 6379, "", "", "" },
		{ "redis://[::1]:7000/1", "", "::1", 7000, "", "", "1" },
		{ "redis://slipway-api@[fe80::1]:7000", "", "fe80::1", 7000, "slipway-api", "",
			"" },
		{ "redis://u:p@ss:w@h", "", "h", 6379, "u", "p@ss:w", "" },
		{ "redis://:p@h:1", "", "h", 1, "", "p", "" },
		{ "unix:///run/redis.sock", "/run/redis.sock", "", 0, "", "", "" },
		{ "unix://slipway-api@/run/redis.sock", "/run/redis.sock", "", 0, "slipway-api", "",
			"" },
		{ "unix://u:p@/run/a@b.sock", "/run/a@b.sock", "", 0, "u", "p", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(redis_address_parse(good[i].url, &address, &error) == ERROR_NONE,
			"%s: %s", good[i].url, error.message);
		ck_assert_str_eq(address.socket, good[i].socket);
		ck_assert_str_eq(address.host, good[i].host);
		ck_assert_int_eq(address.port, good[i].port);
		ck_assert_str_eq(address.user, good[i].user);
		ck_assert_str_eq(address.password, good[i].password);
		ck_assert_str_eq(address.database, good[i].database);
	}
}
END_TEST

START_TEST(test_what_is_refused_with_the_reason)
{
	static const struct {
		const char *url, *reason;
	} bad[] = {
		{ "", "scheme" },
		{ "localhost:6379", "scheme" },
		{ "http://localhost", "scheme" },
		{ "rediss://localhost", "TLS" },
		{ "redis://", "host" },
		{ "redis://:6379", "host" },
		{ "redis://u@", "host" },
		{ "redis://two words", "host" },
		{ "redis://[::1", "host" },
		{ "redis://[localhost]:1", "host" },
		{ "redis://[::1]x", "host" },
		{ "redis://::1", "host" },
		{ "redis://fe80::1:6379", "brackets" },
		{ "redis://h:", "port" },
		{ "redis://h:0", "port" },
		{ "redis://h:65536", "port" },
		{ "redis://h:-1", "port" },
		{ "redis://h:+1", "port" },
		{ "redis://h:63 79", "port" },
		{ "redis://h:1/x", "database" },
		{ "redis://h:1/1/2", "database" },
		{ "redis://h:1/-1", "database" },
		{ "redis://h:1?db=1", "port" },
		{ "unix://run/redis.sock", "absolute" },
		{ "unix://", "absolute" },
		{ "unix://u@", "absolute" },
		/* The slash ends what may be a host. */
		{ "redis://u:hush-hush/x@h", "port" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(
			redis_address_parse(bad[i].url, &address, &error) == ERROR_INVALID_INPUT,
			"%s", bad[i].url);
		ck_assert_msg(strstr(error.message, bad[i].reason) != NULL, "%s: %s", bad[i].url,
			error.message);
		ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_REDIS_URL"));
		ck_assert_ptr_null(strstr(error.message, "hush-hush"));
		ck_assert_ptr_nonnull(strstr(error.remedy, "SLIPWAY_REDIS_PASSWORD_FILE"));
	}
}
END_TEST

/* A part that does not fit is refused, never cut to something that names another server or user. */
START_TEST(test_parts_that_do_not_fit)
{
	static const char *const parts[] = { "unix:///%s", "redis://%s", "redis://%s@h",
		"redis://u:%s@h" };
	static const size_t most[] = { 106, 255, 127, 511 };
	char filler[1024], url[1200];
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t over = 0; over < 2; over++) {
			memset(filler, 'a', sizeof(filler));
			filler[most[i] + over] = '\0';
			const char *place = strstr(parts[i], "%s");
			snprintf(url, sizeof(url), "%.*s%s%s", (int)(place - parts[i]), parts[i],
				filler, place + 2);
			ck_assert_msg((redis_address_parse(url, &address, &error) == ERROR_NONE) ==
					(over == 0),
				"%s", url);
		}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_what_is_understood,
		test_what_is_refused_with_the_reason, test_parts_that_do_not_fit, NULL };
	return suite_main("redis_address", tests, NULL, NULL);
}
