/*
 * A trigger as Redis sees it: in how many turns, and that what a process remembers of a payload is
 * never used when the payload is another.
 *
 * covers: src/api/mode_trigger.c, src/store/payload_memory.c
 */
#include <string.h>

#include "api/together.h"
#include "base/text.h"
#include "harness/json_text.h"
#include "harness/post.h"
#include "harness/store.h"
#include "store/payload_memory.h"

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
	settings.retention_days = 1;
	redis = store_open();
}

static void tear_down(void)
{
	response_release(&response);
	store_close(redis);
	arena_release(&arena);
}

/* Of an api process. */
static void send_by(const struct service *service, const char *body)
{
	response_release(&response);
	response_init(&response);
	post_deploy(service, body, &response);
}

static void send(const char *body)
{
	const struct service service = { .settings = &settings, .redis = redis, .arena = &arena };
	send_by(&service, body);
}

static int64_t turns(void)
{
	static const char *const words[] = { "INFO", "stats" };
	static const char name[] = "\ntotal_reads_processed:";
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(redis, 2, words, &reply, &error), ERROR_NONE);
	const char *found = strstr(reply_text(reply), name);
	ck_assert_ptr_nonnull(found);
	int64_t number = strtoll(found + strlen(name), NULL, 10);
	reply_free(reply);
	return number;
}

/* Turns that the request took; turns() itself is one. */
static int64_t turns_of(const char *body, int status)
{
	int64_t before = turns();
	send(body);
	ck_assert_msg(
		response.status == status, "%d: %s", response.status, buffer_text(&response.body));
	return turns() - before - 1;
}

/* Another process: what this one remembers is none of it. */
static void configure_elsewhere(const char *text)
{
	CLEANUP_PAYLOAD struct payload stored = PAYLOAD_EMPTY;
	CLEANUP_JSON cJSON *inputs = NULL;
	ck_assert_int_eq(
		json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &inputs, &error), ERROR_NONE);
	const struct payload changes = { .inputs = inputs };
	ck_assert_msg(
		payload_merge(redis, APP("acme"), &changes, 3600, &stored, &error) == ERROR_NONE,
		"%s", error.message);
}

static const char *input_of(const char *app)
{
	char key[KEY_SIZE];
	const char *const words[] = { "HGET", key, "input" };
	struct redisReply *reply;
	run_key_make(key, &(struct run_name){ "default", app, "hello", "greet" });
	ck_assert_int_eq(redis_command(redis, 3, words, &reply, &error), ERROR_NONE);
	const char *text = arena_string(&arena, reply_text(reply));
	reply_free(reply);
	return text;
}

#define TRIGGER(app, rest)                                                                         \
	J("{'mode':'trigger','appId':'" app "','workflowId':'hello','actionId':'greet'" rest "}")

START_TEST(test_a_trigger_is_one_turn)
{
	turns_of(TRIGGER("first", ",'inputs':{'greet':{'text':'a'}}"), 202); /* loads the script */
	ck_assert_int_eq(turns_of(TRIGGER("other", ",'inputs':{'greet':{'text':'a'}}"), 202), 1);
	ck_assert_int_eq(turns_of(TRIGGER("other", ",'inputs':{'greet':{'text':'a'}}"), 200), 1);
	ck_assert_int_eq(
		turns_of(TRIGGER("third", ",'triggerId':'t','inputs':{'greet':{'text':'a'}}"), 202),
		1);
}
END_TEST

START_TEST(test_what_is_configured_is_remembered_and_still_one_turn)
{
	turns_of(TRIGGER("first", ",'inputs':{'greet':{'text':'a'}}"), 202);
	configure_elsewhere(J("{'greet':{'text':'configured'}}"));
	turns_of(TRIGGER("acme", ""), 202);
	ck_assert_str_eq(input_of("acme"), J("{'text':'configured'}"));
	ck_assert_int_eq(turns_of(TRIGGER("acme", ""), 200), 1);
}
END_TEST

/* A process that remembers an older payload, or guesses that there is none. */
START_TEST(test_what_somebody_else_has_configured_since_is_used)
{
	configure_elsewhere(J("{'greet':{'text':'first'}}"));
	turns_of(TRIGGER("acme", ""), 202);
	for (int i = 0; i < 3; i++) {
		const char *const forget[] = { "DEL", "slipway:{0}:app:default:acme:hello:greet" };
		char text[64], expected[64];
		struct redisReply *reply;
		text_format(text, sizeof(text), J("{'greet':{'text':'%d'}}"), i);
		text_format(expected, sizeof(expected), J("{'text':'%d'}"), i);
		configure_elsewhere(text);
		ck_assert_int_eq(redis_command(redis, 2, forget, &reply, &error), ERROR_NONE);
		reply_free(reply);
		turns_of(TRIGGER("acme", ""), 202);
		ck_assert_str_eq(input_of("acme"), expected);
	}
}
END_TEST

/* It was deleted, say: what is configured then begins with the same version again. */
START_TEST(test_another_payload_of_the_same_version_is_used)
{
	static const char *const keys[] = { "slipway:{0}:app:default:acme:payload",
		"slipway:{0}:app:default:acme:hello:greet" };
	configure_elsewhere(J("{'greet':{'text':'first'}}"));
	turns_of(TRIGGER("acme", ""), 202);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *const forget[] = { "DEL", keys[i] };
		ck_assert_int_eq(redis_tell(redis, 2, forget, &error), ERROR_NONE);
	}
	configure_elsewhere(J("{'greet':{'text':'second'}}"));
	turns_of(TRIGGER("acme", ",'configVersion':1"), 202);
	ck_assert_str_eq(input_of("acme"), J("{'text':'second'}"));
	ck_assert_int_eq(turns_of(TRIGGER("acme", ""), 200), 1);
}
END_TEST

static struct service joined;
static bool is_sent;

static void send_joined(void *context)
{
	(void)context;
	send_by(&joined, TRIGGER("acme", ""));
	is_sent = true;
}

START_TEST(test_what_is_remembered_while_a_trigger_waits_is_not_what_it_was_built_with)
{
	CLEANUP_PAYLOAD struct payload newer = PAYLOAD_EMPTY;
	struct loop *loop;
	struct together together;
	const char *const forget[] = { "DEL", "slipway:{0}:app:default:acme:hello:greet" };

	configure_elsewhere(J("{'greet':{'text':'first'}}"));
	turns_of(TRIGGER("acme", ""), 202);
	ck_assert_int_eq(redis_tell(redis, 2, forget, &error), ERROR_NONE);
	configure_elsewhere(J("{'greet':{'text':'second'}}"));
	ck_assert_int_eq(payload_read(redis, APP("acme"), &newer, &error), ERROR_NONE);

	joined = (struct service){ .settings = &settings, .arena = &arena, .together = &together };
	joined.redis = store_join(&loop);
	together_init(&together, joined.redis, loop);
	ck_assert(coroutine_start(send_joined, NULL));
	payload_remember(APP("acme"), &newer); /* as another request does */
	while (!is_sent)
		loop_turn(loop, 1000);
	ck_assert_int_eq(response.status, 202);
	ck_assert_str_eq(input_of("acme"), J("{'text':'second'}"));
	store_leave(joined.redis, loop);
}
END_TEST

/* The guess that nothing is configured would refuse it. */
START_TEST(test_a_guess_refuses_nothing)
{
	configure_elsewhere(J("{'greet':{'text':'configured'}}"));
	turns_of(TRIGGER("acme", ",'configVersion':1"), 202);
	turns_of(TRIGGER("acme", ",'configVersion':2"), 409);
	turns_of(TRIGGER("bare", ""), 422);
	turns_of(TRIGGER("bare", ",'configVersion':0,'inputs':{'greet':{'text':'a'}}"), 202);
}
END_TEST

START_TEST(test_a_trigger_sent_again_is_known_although_nothing_of_it_holds_any_more)
{
	configure_elsewhere(J("{'greet':{'text':'configured'}}"));
	turns_of(TRIGGER("acme", ",'triggerId':'t'"), 202);
	configure_elsewhere(J("{'greet':null}"));
	turns_of(TRIGGER("acme", ",'triggerId':'t'"), 200);
	turns_of(TRIGGER("acme", ",'triggerId':'u'"), 422);
}
END_TEST

static void remember(const char *app, int64_t version, size_t size, bool is_shared)
{
	struct payload payload;
	ck_assert(payload_make_empty(&payload));
	payload.version = version;
	payload.size = size;
	payload.is_shared = is_shared;
	payload_remember(APP(app), &payload);
	payload_release(&payload);
}

START_TEST(test_only_so_many_are_remembered_and_none_that_is_large_or_shared)
{
	char app[32];
	remember("large", 3, PAYLOAD_REMEMBERED_MAX + 1, false);
	remember("shared", 3, 10, true);
	remember("kept", 3, 10, false);
	ck_assert_int_eq(payload_remembered(APP("large"))->version, 0);
	ck_assert_int_eq(payload_remembered(APP("shared"))->version, 0);
	for (int i = 0; i < 2 * PAYLOADS_REMEMBERED; i++) {
		text_format(app, sizeof(app), "app%d", i);
		remember(app, 7, 10, false);
		ck_assert_int_eq(payload_remembered(APP("kept"))->version, 3);
	}
	ck_assert_int_eq(payload_remembered(APP("app0"))->version, 0);
	ck_assert_int_eq(payload_remembered(APP(app))->version, 7);
	remember("kept", 4, PAYLOAD_REMEMBERED_MAX + 1, false); /* it has grown */
	ck_assert_int_eq(payload_remembered(APP("kept"))->version, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_trigger_is_one_turn,
		test_what_is_configured_is_remembered_and_still_one_turn,
		test_what_somebody_else_has_configured_since_is_used,
		test_another_payload_of_the_same_version_is_used,
		test_what_is_remembered_while_a_trigger_waits_is_not_what_it_was_built_with,
		test_a_guess_refuses_nothing,
		test_a_trigger_sent_again_is_known_although_nothing_of_it_holds_any_more,
		test_only_so_many_are_remembered_and_none_that_is_large_or_shared, NULL };
	return store_suite_main("trigger", tests, set_up, tear_down);
}
