/*
 * The list of apps, in pages and in the chunks that a page is read in: each app once, whoever else
 * is on the list and whatever changes meanwhile.
 *
 * covers: src/store/apps.c
 */
#include <string.h>

#include "base/loop.h"
#include "base/text.h"
#include "core/token.h"
#include "harness/store.h"
#include "store/apps.h"

#define PAGE 7

static struct redis *redis;
static struct arena arena;
static struct error error;

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
}

static void tear_down(void)
{
	store_close(redis);
	arena_release(&arena);
}

static void add_app(const char *app, int64_t changed_at)
{
	char score[24];
	text_format(score, sizeof(score), "%lld", (long long)changed_at);
	const char *const words[] = { "ZADD", KEY_APPS_PREFIX "default", score, app };
	ck_assert_int_eq(redis_tell(redis, 4, words, &error), ERROR_NONE);
}

/* So many of each prefix, `spread` of them within one ms. */
static void add_apps(size_t count, size_t spread)
{
	char app[32];
	for (size_t i = 0; i < count; i++) {
		text_format(app, sizeof(app), "foreign-%zu", i);
		add_app(app, (int64_t)(1000 + i / spread));
		text_format(app, sizeof(app), "own-%zu", i);
		if (i % 10 == 0)
			add_app(app, (int64_t)(1000 + i / spread));
	}
}

/* Walks the whole list, and gives how many there were; none is foreign, and none comes twice or out
 * of order. */
static size_t walk(const struct token *caller)
{
	struct listed_app apps[PAGE];
	struct apps_cursor after = { 0 }, next;
	size_t count, all = 0;
	do {
		ck_assert_int_eq(apps_page(redis, "default", caller, &after, PAGE, &arena, apps,
					 &count, &next, &error),
			ERROR_NONE);
		for (size_t i = 0; i < count; i++) {
			ck_assert_msg(text_has_prefix(apps[i].id, "own-"), "%s", apps[i].id);
			ck_assert(after.id[0] == '\0' || apps[i].changed_at < after.changed_at ||
				(apps[i].changed_at == after.changed_at &&
					strcmp(apps[i].id, after.id) < 0));
			after.changed_at = apps[i].changed_at;
			text_copy(after.id, sizeof(after.id), apps[i].id);
		}
		ck_assert(next.id[0] == '\0' || strcmp(next.id, after.id) == 0);
		all += count;
	} while (next.id[0] != '\0');
	return all;
}

static const struct token own = { .prefix = "own-" };

START_TEST(test_a_walk_meets_each_app_once)
{
	static const size_t spreads[] = { 1, 3, 150, 250, 100000 };
	for (size_t i = 0; i < ARRAY_LEN(spreads); i++) {
		const char *const empty[] = { "DEL", KEY_APPS_PREFIX "default" };
		ck_assert_int_eq(redis_tell(redis, 2, empty, &error), ERROR_NONE);
		ck_assert_uint_eq(walk(&own), 0);
		add_apps(1000, spreads[i]);
		ck_assert_uint_eq(walk(&own), 100);
	}
}
END_TEST

/* ---- what changes between two chunks of a page ---- */

#define MANY 250

static struct listed_app listed[MANY];
static size_t listed_count;
static bool was_listed, was_changed;

static void list_many(void *context)
{
	const struct apps_cursor from = { 0 };
	struct apps_cursor next;
	(void)context;
	ck_assert_int_eq(apps_page(redis, "default", &own, &from, MANY, &arena, listed,
				 &listed_count, &next, &error),
		ERROR_NONE);
	was_listed = true;
}

/* Once there is a connection, it goes out behind the first chunk and before the second one. */
static void change_one(void *context)
{
	add_app(context, 999999);
	was_changed = true;
}

START_TEST(test_an_app_that_changes_meanwhile_makes_none_come_twice)
{
	struct redis *filled = redis;
	struct loop *loop;
	char app[32];
	for (int i = 0; i < MANY; i++) {
		text_format(app, sizeof(app), "own-%d", i);
		add_app(app, 1000 + i / 2);
	}
	ck_assert_int_eq(loop_new(&loop, &error), ERROR_NONE);
	redis = store_connect();
	redis_join(redis, loop);
	ck_assert(coroutine_start(change_one, "own-0"));
	while (!was_changed)
		loop_turn(loop, 1000);
	ck_assert(coroutine_start(list_many, NULL) && coroutine_start(change_one, "own-new"));
	ck_assert(!was_listed);
	while (!was_listed)
		loop_turn(loop, 1000);
	ck_assert_uint_eq(listed_count, MANY);
	ck_assert_str_ne(listed[0].id, "own-new");
	for (size_t i = 1; i < listed_count; i++)
		ck_assert_str_ne(listed[i].id, listed[i - 1].id);
	redis_free(redis);
	redis = filled;
	loop_free(loop);
	coroutines_release();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_walk_meets_each_app_once,
		test_an_app_that_changes_meanwhile_makes_none_come_twice, NULL };
	return store_suite_main("apps", tests, set_up, tear_down);
}
