/*
 * Connections as text, what their patterns allow, and a credential that opens with its own record
 * only.
 *
 * covers: src/core/connection.c
 */
#include <string.h>

#include "core/connection.h"
#include "core/secret.h"
#include "harness/suite.h"

static struct arena arena;
static struct error error;
static struct secret_key_pair pair;

static const char record_text[] =
	"{\"provider\":\"github\",\"kind\":\"token\",\"account\":\"acme\",\"owners\":[\"acme\"],"
	"\"repositories\":[\"other/template-*\"],\"projects\":[],\"domains\":[\"*.acme.example\"],"
	"\"apps\":[\"acme-*\"],\"adopt\":true,\"share\":false,\"createdAt\":1764374400000,"
	"\"createdBy\":\"user 1000\"}";

static void setup(void)
{
	arena_init(&arena, 0);
	memset(&error, 0, sizeof(error));
	secret_key_make(&pair);
}

static void teardown(void)
{
	arena_release(&arena);
}

static struct connection read_one(const char *text)
{
	struct connection connection;
	ck_assert_int_eq(
		connection_read("one", "main", text, &arena, &connection, &error), ERROR_NONE);
	return connection;
}

static bool fits(const char *pattern, const char *value)
{
	const char *const items[] = { pattern };
	const struct connection connection = { .owners = { items, 1 }, .apps = { items, 1 } };
	return connection_allows(&connection, CONNECTION_OWNERS, value);
}

START_TEST(test_reads_what_it_prints)
{
	const struct connection connection = read_one(record_text);
	const char *printed;

	ck_assert_str_eq(connection.tenant, "one");
	ck_assert_str_eq(connection.name, "main");
	ck_assert_str_eq(connection.account, "acme");
	ck_assert(connection.adopt);
	ck_assert(!connection.share);
	ck_assert_int_eq(connection.created_at, 1764374400000);
	ck_assert_int_eq(connection_print(&connection, &arena, &printed, &error), ERROR_NONE);
	const struct connection again = read_one(printed);
	ck_assert_str_eq(again.repositories.items[0], "other/template-*");
	ck_assert_str_eq(again.created_by, "user 1000");
}
END_TEST

START_TEST(test_what_no_list_names_is_refused)
{
	const struct connection connection = read_one(record_text);

	ck_assert(connection_allows(&connection, CONNECTION_OWNERS, "acme"));
	ck_assert(connection_allows(&connection, CONNECTION_OWNERS, "ACME"));
	ck_assert(!connection_allows(&connection, CONNECTION_OWNERS, "acme2"));
	ck_assert(!connection_allows(&connection, CONNECTION_OWNERS, ""));
	ck_assert(!connection_allows(&connection, CONNECTION_OWNERS, NULL));
	ck_assert(connection_allows(&connection, CONNECTION_REPOSITORIES, "other/template-1"));
	ck_assert(!connection_allows(&connection, CONNECTION_REPOSITORIES, "other/secret"));
	ck_assert(!connection_allows(&connection, CONNECTION_PROJECTS, "anything"));
	ck_assert(connection_allows(&connection, CONNECTION_DOMAINS, "docs.acme.example"));
	ck_assert(!connection_allows(&connection, CONNECTION_DOMAINS, "acme.example"));
	ck_assert(connection_allows(&connection, CONNECTION_APPS, "acme-docs"));
	ck_assert(!connection_allows(&connection, CONNECTION_APPS, "Acme-docs"));
}
END_TEST

START_TEST(test_a_star_stands_for_any_characters_but_a_slash)
{
	static const struct {
		const char *pattern, *value;
		bool fits;
	} rows[] = { { "*", "a/b", true }, { "*", "x", true }, { "a*", "a", true },
		{ "a*c", "abc", true }, { "a*c", "ac", true }, { "a*c", "acb", false },
		{ "a*b*c", "abbbxc", true }, { "*ab", "aab", true }, { "*ab", "aba", false },
		{ "acme/*", "acme/docs", true }, { "acme/*", "acme/docs/x", false },
		{ "acme*", "acme/docs", false }, { "*/docs", "acme/docs", true },
		{ "*/docs", "acme/evil/docs", false }, { "a**b", "axb", true },
		{ "acme", "acm", false }, { "acme", "acmee", false },
		{ "*.example", "a.b.example", true }, { "*.example", ".example", true } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(fits(rows[i].pattern, rows[i].value) == rows[i].fits, "%s and %s",
			rows[i].pattern, rows[i].value);
}
END_TEST

START_TEST(test_what_is_none_is_refused_with_its_place)
{
	static const struct {
		const char *name, *text, *place;
	} rows[] = {
		{ "main", "{\"kind\":\"token\"}", "/provider" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"password\"}", "/kind" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"secret\":\"x\"}",
			"/secret" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"app\"}", "/installationId" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"installationId\":\"1\"}",
			"/installationId" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"appId\":\"1\"}",
			"/appId" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"app\",\"installationId\":\"1/..\"}",
			"/installationId" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"account\":\"a/b\"}",
			"/account" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"owners\":[\"a\",\"b/c\"]}",
			"/owners/1" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"owners\":[\"\"]}",
			"/owners/0" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"repositories\":[\"a\"]}",
			"/repositories/0" },
		{ "main",
			"{\"provider\":\"github\",\"kind\":\"token\",\"repositories\":[\"a/b/c\"]}",
			"/repositories/0" },
		{ "main", "{\"provider\":\"github\",\"kind\":\"token\",\"domains\":[\"a b\"]}",
			"/domains/0" },
		{ "settings", "{\"provider\":\"github\",\"kind\":\"token\"}", "/name" },
		{ "a.b", "{\"provider\":\"github\",\"kind\":\"token\"}", "/name" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct connection connection;
		memset(&error, 0, sizeof(error));
		ck_assert_int_eq(connection_read("one", rows[i].name, rows[i].text, &arena,
					 &connection, &error),
			ERROR_INVALID_INPUT);
		ck_assert_str_eq(error.place, rows[i].place);
	}
}
END_TEST

START_TEST(test_the_workers_app_is_used_where_it_has_none_of_its_own)
{
	struct connection connection =
		read_one("{\"provider\":\"github\",\"kind\":\"app\",\"installationId\":\"7\"}");
	ck_assert(connection_uses_settings(&connection));
	connection = read_one(record_text);
	ck_assert(!connection_uses_settings(&connection));
}
END_TEST

START_TEST(test_the_command_names_the_connection_and_what_else_it_takes)
{
	const struct connection connection = read_one(record_text),
				unread = { .tenant = "one", .name = "broken" };
	char command[CONNECTION_COMMAND_SIZE];

	ck_assert_str_eq(connection_command(&connection, "--adopt --replace", command),
		"'slipway connection add main --tenant one --provider github --adopt "
		"--replace' with its other flags, its credential and the login slipway-admin");
	ck_assert_str_eq(connection_command(&unread, "", command),
		"'slipway connection add broken --tenant one --provider PROVIDER' with its other "
		"flags, its credential and the login slipway-admin");
}
END_TEST

static const char *seal(const struct connection *connection, const char *text)
{
	const char *sealed;
	ck_assert_int_eq(connection_seal(pair.public_key, connection, text, "ghp_secret1", &arena,
				 &sealed, &error),
		ERROR_NONE);
	return sealed;
}

static void check_refused(const struct connection *connection, const char *text, const char *sealed)
{
	const char *credential = NULL;
	ck_assert_int_eq(connection_open(pair.private_key, connection, text, sealed, &arena,
				 &credential, &error),
		ERROR_AUTH_MISSING);
	ck_assert_ptr_null(credential);
	ck_assert_ptr_nonnull(strstr(error.remedy, "slipway connection add"));
	ck_assert_ptr_null(strstr(error.message, "ghp_secret1"));
}

START_TEST(test_a_credential_opens_with_its_own_record_only)
{
	struct connection connection = read_one(record_text);
	const char *sealed = seal(&connection, record_text), *credential;
	const char *wider = "{\"provider\":\"github\",\"kind\":\"token\",\"owners\":[\"*\"]}";

	ck_assert_int_eq(connection_open(pair.private_key, &connection, record_text, sealed, &arena,
				 &credential, &error),
		ERROR_NONE);
	ck_assert_str_eq(credential, "ghp_secret1");
	check_refused(&connection, wider, sealed);
	check_refused(&connection, record_text, "");
	check_refused(&connection, record_text, NULL);
	check_refused(&connection, record_text, "sealed.00000000.AAAA");

	connection.name = "other";
	check_refused(&connection, record_text, sealed);
	connection.name = "main";
	connection.tenant = "two";
	check_refused(&connection, record_text, sealed);
}
END_TEST

/* Anybody may seal with the public key: what was sealed as a secret of an app is no credential. */
START_TEST(test_a_secret_is_no_credential)
{
	const struct connection connection = read_one(record_text);
	const struct secret_name name = { "one", "(connection)", "main" };
	const char *sealed;

	ck_assert_int_eq(
		secret_seal(pair.public_key, &name, "ghp_secret1", &arena, &sealed, &error),
		ERROR_NONE);
	check_refused(&connection, record_text, sealed);
}
END_TEST

START_TEST(test_a_credential_has_bounds)
{
	const struct connection connection = read_one(record_text);
	const char *sealed;

	ck_assert_int_eq(connection_seal(pair.public_key, &connection, record_text, "short", &arena,
				 &sealed, &error),
		ERROR_INVALID_INPUT);
	ck_assert_int_eq(connection_seal(NULL, &connection, record_text, "ghp_secret1", &arena,
				 &sealed, &error),
		ERROR_INVALID_REQUEST);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_reads_what_it_prints,
		test_what_no_list_names_is_refused,
		test_a_star_stands_for_any_characters_but_a_slash,
		test_what_is_none_is_refused_with_its_place,
		test_the_workers_app_is_used_where_it_has_none_of_its_own,
		test_the_command_names_the_connection_and_what_else_it_takes,
		test_a_credential_opens_with_its_own_record_only, test_a_secret_is_no_credential,
		test_a_credential_has_bounds, NULL };
	return suite_main("connection", tests, setup, teardown);
}
