/*
 * Which connection is found for whom, in a Redis of its own: by the app's word, the step's word and
 * the tenant's default, and for how long.
 *
 * covers: src/worker/connections.c src/store/connections.c
 */
#include <string.h>

#include "base/clock.h"
#include "harness/store.h"
#include "worker/connections.h"

static struct redis *redis;
static struct arena arena;
static struct error error;
static struct connection_cache cache;
static struct stored_connection found;

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
}

static void tear_down(void)
{
	connections_forget(&cache);
	store_close(redis);
	arena_release(&arena);
}

static void add(const char *tenant, const char *name, const char *provider, bool is_default)
{
	static const char *const all[] = { "*" };
	const struct connection connection = { .tenant = tenant,
		.name = name,
		.provider = provider,
		.kind = CONNECTION_TOKEN,
		.owners = { all, 1 },
		.apps = { all, 1 } };
	const char *record;
	bool changed;

	ck_assert_int_eq(connection_print(&connection, &arena, &record, &error), ERROR_NONE);
	ck_assert_int_eq(connection_store(redis, &connection, record, "sealed.00000000.AAAA", true,
				 &changed, &error),
		ERROR_NONE);
	if (is_default)
		ck_assert_int_eq(connection_set_default(redis, &connection, &error), ERROR_NONE);
}

static void name_in_app(const char *tenant, const char *app, const char *connections)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HSET", key, "connections", connections };

	app_key_make(key, &(struct app_name){ tenant, app }, "payload");
	ck_assert_int_eq(redis_tell(redis, 4, words, &error), ERROR_NONE);
}

static enum error_class find(
	const char *tenant, const char *app, const char *provider, const char *slot)
{
	const struct connection_question question = { { tenant, app }, provider, slot };
	memset(&error, 0, sizeof(error));
	return connections_find(&cache, redis, &question, &arena, &found, &error);
}

static void check_found(const char *app, const char *slot, const char *name)
{
	ck_assert_int_eq(find("one", app, "github", slot), ERROR_NONE);
	ck_assert_str_eq(found.connection.name, name);
	ck_assert_str_eq(found.connection.tenant, "one");
	ck_assert_str_eq(found.sealed, "sealed.00000000.AAAA");
}

START_TEST(the_apps_word_goes_before_the_tenants_default)
{
	add("one", "main", "github", true);
	add("one", "second", "github", false);
	name_in_app("one", "picky", "{\"github\":\"second\"}");
	name_in_app("one", "broken", "no JSON");
	check_found("plain", NULL, "main");
	check_found("picky", NULL, "second");
	check_found("broken", NULL, "main");
}
END_TEST

START_TEST(a_steps_word_is_a_name_unless_the_app_says_which)
{
	add("one", "main", "github", true);
	add("one", "templates", "github", false);
	add("one", "elsewhere", "github", false);
	name_in_app("one", "picky", "{\"templates\":\"elsewhere\"}");
	check_found("plain", "templates", "templates");
	check_found("picky", "templates", "elsewhere");
	ck_assert_int_eq(find("one", "plain", "github", "nobodys"), ERROR_AUTH_MISSING);
	ck_assert_int_eq(find("two", "plain", "github", "templates"), ERROR_AUTH_MISSING);
}
END_TEST

START_TEST(only_the_default_tenant_has_that_of_the_settings)
{
	ck_assert_int_eq(find("default", "docs", "github", NULL), ERROR_NONE);
	ck_assert_ptr_null(found.record);
	ck_assert_int_eq(find("one", "docs", "github", NULL), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.remedy, "--tenant one --provider github"));
	name_in_app("one", "sly", "{\"github\":\"settings\"}");
	ck_assert_int_eq(find("one", "sly", "github", NULL), ERROR_AUTH_MISSING);
	add("default", "main", "github", true);
	ck_assert_int_eq(find("default", "later", "github", NULL), ERROR_NONE);
	ck_assert_str_eq(found.connection.name, "main");
	name_in_app("default", "back", "{\"github\":\"settings\"}");
	ck_assert_int_eq(find("default", "back", "github", NULL), ERROR_NONE);
	ck_assert_ptr_null(found.record);
}
END_TEST

/* As whoever writes to Redis might. */
START_TEST(a_name_that_leads_out_of_the_tenant_leads_nowhere)
{
	static const char *const names[] = { "two:main", "main:", "../two", "", "*" };
	char text[64];

	add("two", "main", "github", true);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(text, sizeof(text), "{\"github\":\"%s\"}", names[i]);
		name_in_app("one", "sly", text);
		ck_assert_int_eq(find("one", "sly", "github", NULL), ERROR_AUTH_MISSING);
	}
}
END_TEST

START_TEST(one_for_another_provider_is_refused)
{
	add("one", "web", "vercel", true);
	name_in_app("one", "docs", "{\"github\":\"web\"}");
	ck_assert_int_eq(find("one", "docs", "github", NULL), ERROR_AUTH_MISSING);
	ck_assert_ptr_nonnull(strstr(error.message, "is for vercel, not for github"));
	ck_assert_int_eq(find("one", "docs", "vercel", NULL), ERROR_NONE);
}
END_TEST

static void set_age(int64_t age_ms)
{
	for (size_t i = 0; i < CONNECTION_CACHE_SIZE; i++)
		cache.items[i].read_at = clock_monotonic_ms() - age_ms;
}

START_TEST(what_was_found_is_remembered_and_what_was_not_is_not)
{
	bool changed;

	ck_assert_int_eq(find("one", "docs", "github", NULL), ERROR_AUTH_MISSING);
	add("one", "main", "github", true);
	check_found("docs", NULL, "main");
	ck_assert_int_eq(connection_delete(redis, "one", "main", &changed, &error), ERROR_NONE);
	set_age(-60000); /* however slow this machine is */
	check_found("docs", NULL, "main");
	set_age(CONNECTION_CACHE_MS);
	ck_assert_int_eq(find("one", "docs", "github", NULL), ERROR_AUTH_MISSING);
}
END_TEST

/* More than there are places: each has its own, and nothing of another. */
START_TEST(a_full_cache_mixes_nobody_up)
{
	char app[32], text[64], name[32];

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < CONNECTION_CACHE_SIZE + 8; i++) {
			snprintf(app, sizeof(app), "app-%d", i);
			snprintf(name, sizeof(name), "c%d", i);
			snprintf(text, sizeof(text), "{\"github\":\"%s\"}", name);
			if (round == 0) {
				add("one", name, "github", false);
				name_in_app("one", app, text);
			}
			check_found(app, NULL, name);
		}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { the_apps_word_goes_before_the_tenants_default,
		a_steps_word_is_a_name_unless_the_app_says_which,
		only_the_default_tenant_has_that_of_the_settings,
		a_name_that_leads_out_of_the_tenant_leads_nowhere,
		one_for_another_provider_is_refused,
		what_was_found_is_remembered_and_what_was_not_is_not, a_full_cache_mixes_nobody_up,
		NULL };
	return store_suite_main("connections", tests, set_up, tear_down);
}
