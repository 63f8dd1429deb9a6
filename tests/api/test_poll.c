/*
 * A poll as Redis sees it: what it is asked, in how many turns, and how much it sends back.
 *
 * covers: src/api/mode_poll.c
 */
#include <string.h>

#include "api/request.h"
#include "base/text.h"
#include "core/workflow.h"
#include "harness/store.h"
#include "harness/take.h"

#define INPUT_BYTES 200000

static struct redis *redis;
static struct arena arena;
static struct error error;
static struct response response;
static struct settings settings;

static void set_up(void)
{
	arena_init(&arena, 0);
	response_init(&response);
	settings.development = true;
	settings.tenant = "default";
	redis = store_open();
}

static void tear_down(void)
{
	response_release(&response);
	store_close(redis);
	arena_release(&arena);
}

static void command(size_t count, const char *const *words)
{
	struct redisReply *reply;
	ck_assert_msg(redis_command(redis, count, words, &reply, &error) == ERROR_NONE, "%s",
		error.message);
	reply_free(reply);
}

/* Runs of all steps, each with a large input. */
static void trigger_all(const struct workflow_definition *workflow)
{
	char *input = arena_allocate(&arena, INPUT_BYTES);
	memset(input, 'x', INPUT_BYTES - 1);
	for (size_t i = 0; i < workflow->step_count; i++) {
		struct trigger_result result;
		const struct trigger trigger = { .name = { "default", "acme", workflow->id,
							 workflow->steps[i].id },
			.input = input,
			.digest = "d",
			.run_ms = 60000,
			.attempts = 3,
			.retention_seconds = 3600 };
		ck_assert_msg(run_trigger(redis, &trigger, &arena, &result, &error) == ERROR_NONE,
			"%s", error.message);
	}
}

static const char *info(const char *section)
{
	const char *const words[] = { "INFO", section };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	const char *text = arena_string(&arena, reply_text(reply));
	reply_free(reply);
	return text;
}

/* The number behind the name in a text of INFO; 0 where it is not there. */
static int64_t number_in(const char *text, const char *name)
{
	const char *found = strstr(text, name);
	return found != NULL ? strtoll(found + strlen(name), NULL, 10) : 0;
}

static void poll_with(const char *query, const char *if_none_match)
{
	const struct service service = { .settings = &settings, .redis = redis, .arena = &arena };
	const struct request request = { .id = "",
		.host = "",
		.method = "GET",
		.path = "/api/deploy",
		.query = query,
		.content_type = "",
		.content_encoding = "",
		.authorization = "",
		.origin = "",
		.if_none_match = if_none_match,
		.body = "" };
	response_release(&response);
	response_init(&response);
	request_handle(&service, &request, &response);
}

#define POLL_SITE "appId=acme&workflowId=site"

START_TEST(test_a_poll_of_a_workflow_is_one_turn_and_reads_what_it_shows)
{
	const struct workflow_definition *site = workflow_find("site");
	static const char *const reset[] = { "CONFIG", "RESETSTAT" };
	trigger_all(site);
	command(2, reset);
	int64_t turns_before = number_in(info("stats"), "\ntotal_reads_processed:");
	int64_t sent_before = number_in(info("stats"), "\ntotal_net_output_bytes:");
	poll_with(POLL_SITE, "");
	const char *after = info("stats"), *commands = info("commandstats");
	ck_assert_int_eq(response.status, 200);
	/* Of the steps, of `as-planned`, and of the deployment. */
	ck_assert_int_eq(
		number_in(commands, "cmdstat_hmget:calls="), (int64_t)site->step_count + 2);
	ck_assert_int_eq(number_in(commands, "cmdstat_time:calls="), 1);
	/* The heartbeats of the workers. */
	ck_assert_int_eq(number_in(commands, "cmdstat_hgetall:calls="), 1);
	/* One for the poll, and one for each of two questions about it. */
	ck_assert_int_eq(number_in(after, "\ntotal_reads_processed:") - turns_before, 3);
	/* Two answers of INFO are in it. */
	ck_assert_int_lt(number_in(after, "\ntotal_net_output_bytes:") - sent_before, 30000);
}
END_TEST

static struct claim claim_step(const char *step)
{
	struct claim claim = take_next(redis, 30000, &arena);
	while (strcmp(claim.run.name.step, step) != 0)
		claim = take_next(redis, 30000, &arena);
	return claim;
}

START_TEST(test_the_tag_of_an_answer_changes_with_each_change_of_a_run_and_not_by_time)
{
	char tag[sizeof(response.etag)];
	trigger_all(workflow_find("site"));
	/* So that on a slow machine it does not say meanwhile that there is no worker. */
	static const char *const young[] = { "HSET", "slipway:{0}:app:default:acme:site:repo",
		"ready_at", "9999999999999" };
	command(4, young);
	poll_with(POLL_SITE, "");
	ck_assert_int_eq(response.status, 200);
	text_copy(tag, sizeof(tag), response.etag);
	/* As if it had been triggered long ago: the hint of when to ask again is another one. */
	static const char *const age[] = { "HSET", "slipway:{0}:app:default:acme:site:repo",
		"queued_at", "1" };
	command(4, age);
	poll_with(POLL_SITE, tag);
	ck_assert_int_eq(response.status, 304);
	ck_assert_str_eq(response.etag, tag);
	struct claim claim = claim_step("repo");
	poll_with(POLL_SITE, tag);
	ck_assert_int_eq(response.status, 200);
	ck_assert_str_ne(response.etag, tag);
	text_copy(tag, sizeof(tag), response.etag);
	const struct run_write done = { .kind = RUN_FINISH, .status = "done", .output = "{}" };
	ck_assert_int_eq(run_write(redis, &claim.lease, &done, &error), ERROR_NONE);
	poll_with(POLL_SITE, tag);
	ck_assert_int_eq(response.status, 200);
	/* What a step answers has a tag of its own, and that of another step is another one. */
	poll_with(POLL_SITE "&actionId=files", tag);
	ck_assert_int_eq(response.status, 200);
	text_copy(tag, sizeof(tag), response.etag);
	poll_with(POLL_SITE "&actionId=files", tag);
	ck_assert_int_eq(response.status, 304);
	poll_with(POLL_SITE "&actionId=env", tag);
	ck_assert_int_eq(response.status, 200);
}
END_TEST

START_TEST(test_a_key_that_is_no_run_is_an_error_and_the_next_poll_reads_right)
{
	static const char *const spoil[] = { "SET", "slipway:{0}:app:default:acme:site:files",
		"x" };
	static const char *const mend[] = { "DEL", "slipway:{0}:app:default:acme:site:files" };
	trigger_all(workflow_find("site"));
	command(3, spoil);
	poll_with(POLL_SITE, "");
	ck_assert_int_eq(response.status, 500);
	command(2, mend);
	poll_with(POLL_SITE, "");
	ck_assert_int_eq(response.status, 200);
	ck_assert_ptr_nonnull(strstr(buffer_text(&response.body), "\"actionId\":\"protection\""));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_a_poll_of_a_workflow_is_one_turn_and_reads_what_it_shows,
		test_the_tag_of_an_answer_changes_with_each_change_of_a_run_and_not_by_time,
		test_a_key_that_is_no_run_is_an_error_and_the_next_poll_reads_right, NULL
	};
	return store_suite_main("poll", tests, set_up, tear_down);
}
