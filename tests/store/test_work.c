/*
 * What a worker has to say in one call: each part has an outcome of its own, and they happen in
 * their order.
 *
 * covers: src/store/work.c src/store/scripts/work.lua src/store/scripts/finish.lua
 * covers: src/store/scripts/ending.lua src/store/scripts/gathered.lua
 * covers: src/store/scripts/lease_run.lua
 */
#include "store/work.h"

#include <string.h>

#include "base/text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "slipway/field.h"
#include "store/changes.h"

#define RUNS 3

static struct redis *redis;
static struct arena arena;
static struct error error;
static const char *const apps[RUNS] = { "one", "two", "three" };

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

static struct run_name name_of(const char *app)
{
	return (struct run_name){ "default", app, "site", "repo" };
}

static void trigger(const char *app)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = name_of(app),
		.input = "{}",
		.digest = "d1",
		.run_ms = 3600000,
		.attempts = 5,
		.retention_seconds = 3600 };
	ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE, "%s",
		error.message);
}

static void claim_all(struct claim claims[RUNS])
{
	for (int i = 0; i < RUNS; i++)
		trigger(apps[i]);
	for (int i = 0; i < RUNS; i++)
		claims[i] = take_next(redis, 30000, &arena);
}

static struct run read_run(const char *app)
{
	struct run run;
	const struct run_name name = name_of(app);
	ck_assert_int_eq(run_read(redis, &name, &arena, &run, &error), ERROR_NONE);
	return run;
}

static void break_key(const char *key)
{
	const char *const words[][3] = { { "DEL", key }, { "SET", key, "a hand was here" } };
	ck_assert_int_eq(redis_tell(redis, 2, words[0], &error), ERROR_NONE);
	ck_assert_int_eq(redis_tell(redis, 3, words[1], &error), ERROR_NONE);
}

static const struct run_write done = { .kind = RUN_FINISH, .status = "done", .output = "{}" };

/* One write of each claim, and what becomes of it. */
struct many {
	struct work_write writes[RUNS];
	struct error errors[RUNS];
	struct work work;
};

static void prepare(struct many *many, const struct claim *claims)
{
	many->work = (struct work){ .count = RUNS };
	for (int i = 0; i < RUNS; i++) {
		many->writes[i] = (struct work_write){ .lease = &claims[i].lease,
			.write = &done,
			.arena = &arena,
			.error = &many->errors[i] };
		many->work.writes[i] = &many->writes[i];
	}
}

START_TEST(test_all_that_has_ended_and_the_next_in_one_call)
{
	struct claim claims[RUNS];
	struct many many;
	struct taken_list list;
	claim_all(claims);
	trigger("next");
	prepare(&many, claims);
	const struct take wanted = { .worker = "w", .lease_ms = 30000, .want = RUNS };
	struct work_take take = {
		.wanted = &wanted, .arena = &arena, .error = &error, .list = &list
	};
	many.work.take = &take;
	work_send(redis, &many.work);
	for (int i = 0; i < RUNS; i++) {
		ck_assert_int_eq(many.writes[i].class, ERROR_NONE);
		ck_assert_str_eq(many.writes[i].ended.status, "done");
		ck_assert_str_eq(many.writes[i].ended.name.app, apps[i]);
		ck_assert_str_eq(read_run(apps[i]).status, "done");
	}
	ck_assert_int_eq(take.class, ERROR_NONE);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_str_eq(list.items[0].claim.lease.app, "next");
	queue_taken_release(&list);
}
END_TEST

START_TEST(test_a_claim_and_an_end_say_what_stands_in_the_hash)
{
	struct claim claims[RUNS];
	struct many many;
	claim_all(claims);
	const struct run *claimed = &claims[1].run;
	const struct run stands = read_run("two");
	ck_assert_str_ne(claimed->id, "");
	ck_assert_str_eq(claimed->id, stands.id);
	ck_assert_str_eq(claimed->status, "running");
	ck_assert_str_eq(claimed->phase, "executing");
	ck_assert_str_eq(claimed->input, "{}");
	ck_assert_int_eq(claimed->attempt, 1);
	ck_assert_int_eq(claimed->attempts, 5);
	ck_assert_int_eq(claimed->crashes, 0);
	ck_assert_int_gt(claimed->queued_at, 0);
	ck_assert_int_eq(claimed->queued_at, stands.queued_at);
	ck_assert_int_eq(claimed->started_at, stands.started_at);
	ck_assert_int_eq(claimed->run_deadline, claimed->started_at + 3600000);
	ck_assert_int_eq(cJSON_GetArraySize(claims[1].ledger), 0);
	prepare(&many, claims);
	work_send(redis, &many.work);
	const struct run *ended = &many.writes[1].ended;
	ck_assert_str_eq(ended->id, stands.id);
	ck_assert_int_eq(ended->attempt, 1);
	ck_assert_int_eq(ended->crashes, 0);
	ck_assert_int_eq(ended->queued_at, stands.queued_at);
	ck_assert_str_eq(ended->reason, "");
	ck_assert_str_eq(ended->error, "");
}
END_TEST

START_TEST(test_a_lost_lease_is_that_of_one_run)
{
	struct claim claims[RUNS];
	struct many many;
	claim_all(claims);
	text_copy(claims[1].lease.token, TOKEN_SIZE, "another");
	prepare(&many, claims);
	work_send(redis, &many.work);
	ck_assert_int_eq(many.writes[0].class, ERROR_NONE);
	ck_assert_int_eq(many.writes[1].class, ERROR_LEASE_LOST);
	ck_assert_int_eq(many.writes[2].class, ERROR_NONE);
	ck_assert_str_eq(read_run("two").status, "running");
	ck_assert_str_eq(read_run("three").status, "done");
}
END_TEST

START_TEST(test_a_broken_key_is_that_of_one_run)
{
	struct claim claims[RUNS];
	struct many many;
	struct taken_list list;
	char key[KEY_SIZE];
	const struct run_name name = name_of("one");
	claim_all(claims);
	trigger("next");
	run_key_make(key, &name);
	break_key(key);
	prepare(&many, claims);
	const struct take wanted = { .worker = "w", .lease_ms = 30000, .want = 1 };
	struct work_take take = {
		.wanted = &wanted, .arena = &arena, .error = &error, .list = &list
	};
	many.work.take = &take;
	work_send(redis, &many.work);
	ck_assert_int_eq(many.writes[0].class, ERROR_STORE_REFUSED);
	ck_assert_str_eq(many.errors[0].store_code, "WRONGTYPE");
	ck_assert_int_eq(many.writes[1].class, ERROR_NONE);
	ck_assert_int_eq(many.writes[2].class, ERROR_NONE);
	ck_assert_int_eq(take.class, ERROR_NONE);
	ck_assert_uint_eq(list.count, 1);
	queue_taken_release(&list);
}
END_TEST

START_TEST(test_a_broken_queue_keeps_no_result_from_being_written)
{
	struct claim claims[RUNS];
	struct many many;
	struct taken_list list = { NULL, 0, false };
	claim_all(claims);
	break_key(KEY_BEGUN);
	prepare(&many, claims);
	const struct take wanted = { .worker = "w", .lease_ms = 30000, .want = 1 };
	struct work_take take = {
		.wanted = &wanted, .arena = &arena, .error = &error, .list = &list
	};
	many.work.take = &take;
	work_send(redis, &many.work);
	for (int i = 0; i < RUNS; i++)
		ck_assert_int_eq(many.writes[i].class, ERROR_NONE);
	ck_assert_int_eq(take.class, ERROR_STORE_REFUSED);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* A line of the log goes before the end; what comes after it finds no lease. */
START_TEST(test_writes_of_one_run_happen_in_their_order)
{
	struct claim claims[RUNS];
	struct many many;
	claim_all(claims);
	const struct run_write save = {
		.kind = RUN_PROGRESS, .checkpoint = "{\"n\":1}", .log = "a line"
	};
	prepare(&many, claims);
	for (int i = 1; i < RUNS; i++)
		many.writes[i].lease = many.writes[0].lease;
	many.writes[0].write = many.writes[2].write = &save;
	work_send(redis, &many.work);
	ck_assert_int_eq(many.writes[0].class, ERROR_NONE);
	ck_assert_int_eq(many.writes[1].class, ERROR_NONE);
	ck_assert_int_eq(many.writes[2].class, ERROR_LEASE_LOST);
	ck_assert_str_eq(read_run("one").status, "done");
	ck_assert_str_eq(read_run("one").checkpoint, ""); /* of no interest any more */
	const char *const words[] = { "LINDEX", KEY_APP_PREFIX "default:one:events", "1" };
	struct redisReply *line;
	ck_assert_int_eq(redis_command(redis, 3, words, &line, &error), ERROR_NONE);
	ck_assert_ptr_nonnull(strstr(reply_text(line), "a line"));
	reply_free(line);
}
END_TEST

/* The newest event first: of each its name and its detail. */
static const char *events_of(const char *app)
{
	const char *key = arena_format(&arena, "slipway:{0}:app:default:%s:events", app);
	const char *const words[] = { "LRANGE", key, "0", "-1" };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	const char *found = "";
	ck_assert_int_eq(redis_command(redis, 4, words, &reply, &error), ERROR_NONE);
	for (size_t i = 0; i < reply_count(reply); i++) {
		const char *name = strchr(reply_text(reply_item(reply, i)), ' ') + 1;
		const char *what = strchr(name, ' ') + 1, *detail = strchr(what, ' ');
		found = arena_format(&arena, "%s%.*s%s;", found, (int)(what - name - 1), name,
			detail != NULL ? detail : "");
	}
	return found;
}

/* Another one's write may come between them; what follows the end finds no lease. */
START_TEST(test_lines_of_a_log_go_before_the_end_that_they_are_written_with)
{
	struct claim claims[RUNS];
	struct many many;
	claim_all(claims);
	const struct run_write lines[] = { { .kind = RUN_PROGRESS, .log = "first" },
		{ .kind = RUN_PROGRESS, .log = "second" } };
	const struct run_write late = { .kind = RUN_PROGRESS, .log = "late" };
	struct lease lost = claims[2].lease;
	text_copy(lost.token, TOKEN_SIZE, "another");
	text_copy(claims[1].lease.token, TOKEN_SIZE, "another");
	const struct {
		const struct lease *lease;
		const struct run_write *write;
		enum error_class class;
	} sent[] = { { &claims[0].lease, &lines[0], ERROR_NONE },
		{ &claims[1].lease, &lines[0], ERROR_LEASE_LOST },
		{ &lost, &lines[0], ERROR_LEASE_LOST }, { &claims[2].lease, &done, ERROR_NONE },
		{ &claims[0].lease, &lines[1], ERROR_NONE },
		{ &claims[0].lease, &done, ERROR_NONE },
		{ &claims[1].lease, &done, ERROR_LEASE_LOST },
		{ &claims[0].lease, &late, ERROR_LEASE_LOST } };
	struct work_write writes[ARRAY_LEN(sent)];
	struct error errors[ARRAY_LEN(sent)];
	prepare(&many, claims);
	many.work.count = ARRAY_LEN(sent);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		writes[i] = (struct work_write){ .lease = sent[i].lease,
			.write = sent[i].write,
			.arena = &arena,
			.error = &errors[i] };
		many.work.writes[i] = &writes[i];
	}
	work_send(redis, &many.work);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++)
		ck_assert_int_eq(writes[i].class, sent[i].class);
	ck_assert_str_eq(events_of("one"),
		"done;log second;log first;executing attempt 1 on worker-1;queued;");
	ck_assert_str_eq(events_of("two"), "executing attempt 1 on worker-1;queued;");
	ck_assert_str_eq(events_of("three"), "done;executing attempt 1 on worker-1;queued;");
}
END_TEST

struct told {
	const char *apps;
};

static void note_told(void *context, const char *app)
{
	struct told *told = context;
	told->apps = arena_format(&arena, "%s%s ", told->apps, app);
}

static int64_t ask_number(const char *command, const char *key)
{
	const char *const words[] = { command, key };
	CLEANUP_REPLY struct redisReply *reply = NULL;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	return reply_integer(reply);
}

/* What all runs share is written once: who waits is told of each app, and only what is live is
 * looked at. */
START_TEST(test_a_call_tells_of_all_its_apps_in_one_entry)
{
	struct claim claims[RUNS];
	struct many many;
	struct taken_list list;
	struct told told = { "" };
	char position[STREAM_ID_SIZE];
	claim_all(claims);
	trigger("next");
	prepare(&many, claims);
	const struct take wanted = { .worker = "w", .lease_ms = 30000, .want = RUNS };
	struct work_take take = {
		.wanted = &wanted, .arena = &arena, .error = &error, .list = &list
	};
	many.work.take = &take;
	ck_assert_int_eq(changes_position(redis, position, &error), ERROR_NONE);
	const int64_t before = ask_number("XLEN", KEY_CHANGES);
	work_send(redis, &many.work);
	ck_assert_int_eq(ask_number("XLEN", KEY_CHANGES), before + 1);
	ck_assert_int_eq(changes_read(redis, position, 1, note_told, &told, &error), ERROR_NONE);
	ck_assert_str_eq(told.apps, "default:one default:two default:three default:next ");
	ck_assert_int_eq(ask_number("ZCARD", "slipway:{0}:live"), 1);
	ck_assert_int_eq(ask_number("ZCARD", "slipway:{0}:apps:default"), RUNS + 1);
	queue_taken_release(&list);
}
END_TEST

START_TEST(test_what_cannot_be_sent_has_failed_for_each)
{
	struct claim claims[RUNS];
	struct many many;
	struct taken_list list = { NULL, 0, false };
	struct redis *nowhere;
	claim_all(claims);
	ck_assert_int_eq(
		redis_new("unix:///nowhere", NULL, "t", 1000, &nowhere, &error), ERROR_NONE);
	prepare(&many, claims);
	const struct take wanted = { .worker = "w", .want = 1 };
	struct work_take take = {
		.wanted = &wanted, .arena = &arena, .error = &error, .list = &list
	};
	many.work.take = &take;
	work_send(nowhere, &many.work);
	for (int i = 0; i < RUNS; i++) {
		ck_assert_int_eq(many.writes[i].class, ERROR_STORE_UNAVAILABLE);
		ck_assert_int_eq(many.errors[i].class, ERROR_STORE_UNAVAILABLE);
	}
	ck_assert_int_eq(take.class, ERROR_STORE_UNAVAILABLE);
	ck_assert_int_eq(error.class, ERROR_STORE_UNAVAILABLE);
	redis_free(nowhere);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_all_that_has_ended_and_the_next_in_one_call,
		test_a_claim_and_an_end_say_what_stands_in_the_hash,
		test_a_lost_lease_is_that_of_one_run, test_a_broken_key_is_that_of_one_run,
		test_a_broken_queue_keeps_no_result_from_being_written,
		test_writes_of_one_run_happen_in_their_order,
		test_lines_of_a_log_go_before_the_end_that_they_are_written_with,
		test_a_call_tells_of_all_its_apps_in_one_entry,
		test_what_cannot_be_sent_has_failed_for_each, NULL };
	return store_suite_main("work", tests, set_up, tear_down);
}
