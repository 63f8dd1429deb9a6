/*
 * What a supervisor and an executor say to each other, at both ends of a channel.
 *
 * covers: src/base/channel.c src/worker/protocol.c src/worker/desk.c src/worker/answers.c
 * covers: src/core/run_input.c src/worker/referred.c
 * covers: src/worker/backend.c
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "core/secret.h"
#include "core/signed_text.h"
#include "harness/store.h"
#include "harness/take.h"
#include "worker/answers.h"
#include "worker/desk.h"

static struct redis *redis;
static struct arena arena;
static struct error error;
static struct channel ours; /* the supervisor's end */
static struct desk desk;
static int pair[2];

static void set_up(void)
{
	arena_init(&arena, 0);
	redis = store_open();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	channel_init(&ours, pair[0]);
	desk_init(&desk, pair[1]);
}

static void tear_down(void)
{
	channel_release(&ours);
	desk_release(&desk);
	close(pair[0]);
	close(pair[1]);
	store_close(redis);
	arena_release(&arena);
}

static struct claim claim_one(void)
{
	struct trigger_result result;
	const struct trigger trigger = { .name = { "default", "acme", "site", "repo" },
		.input = "{}",
		.digest = "d1",
		.run_ms = 60000,
		.attempts = 3,
		.retention_seconds = 3600 };
	const struct take take = { .worker = "w", .lease_ms = 30000 };
	ck_assert_int_eq(run_trigger(redis, &trigger, &arena, &result, &error), ERROR_NONE);
	const struct taken taken = take_as(redis, &take, &arena);
	ck_assert_int_eq(taken.kind, TAKEN_RUN);
	return taken.claim;
}

static struct ask next_ask(void)
{
	const char *text;
	size_t length;
	struct ask ask;
	while (!channel_take(&ours, &text, &length))
		ck_assert_int_ne(channel_read(&ours), CHANNEL_GONE);
	ck_assert_int_eq(message_read(&ask_record, text, length, &arena, &ask, &error), ERROR_NONE);
	return ask;
}

START_TEST(test_a_frame_comes_in_pieces_and_whole)
{
	const char *text;
	size_t length;
	const uint32_t size = 5;
	char bytes[9];
	memcpy(bytes, &size, 4);
	memcpy(bytes + 4, "hello", 5);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ck_assert_int_eq(channel_read(&ours), CHANNEL_FULL);
		ck_assert(!channel_take(&ours, &text, &length));
		ck_assert_int_eq(send(pair[1], bytes + i, 1, 0), 1);
		ck_assert_int_eq(channel_read(&ours), CHANNEL_OPEN);
	}
	ck_assert(channel_take(&ours, &text, &length));
	ck_assert_uint_eq(length, 5);
	ck_assert_int_eq(strncmp(text, "hello", 5), 0);
	ck_assert(!channel_take(&ours, &text, &length));
}
END_TEST

START_TEST(test_a_frame_that_is_too_large_ends_the_channel)
{
	const uint32_t size = CHANNEL_FRAME_MAX + 1;
	const char *text;
	size_t length;
	ck_assert_int_eq(send(pair[1], &size, sizeof(size), 0), sizeof(size));
	ck_assert_int_eq(channel_read(&ours), CHANNEL_GONE);
	ck_assert(!channel_take(&ours, &text, &length));
	ck_assert(!channel_put(&ours, "", CHANNEL_FRAME_MAX + 1));
}
END_TEST

/* The socket takes less at a time than one frame has. */
START_TEST(test_a_large_run_gets_through_whole)
{
	static char input[1 << 20];
	struct job job = { "default", "acme", "site", "repo", "token", "run-1", "", "w", input, "",
		"", .attempt = 2, .number = 7, .now = INT64_C(1764355200000), .ledger = "{}" },
		   read;
	const char *text;
	size_t length;
	memset(input, '"', sizeof(input) - 1);
	ck_assert_int_eq(message_put(&ours, &job_record, &job, &error), ERROR_NONE);
	while (channel_flush(&ours) == CHANNEL_FULL)
		ck_assert_int_ne(channel_read(&desk.channel), CHANNEL_GONE);
	while (!channel_take(&desk.channel, &text, &length))
		ck_assert_int_ne(channel_read(&desk.channel), CHANNEL_GONE);
	ck_assert_int_eq(
		message_read(&job_record, text, length, &arena, &read, &error), ERROR_NONE);
	ck_assert_str_eq(read.input, input);
	ck_assert_int_eq(read.attempt, 2);
	ck_assert_int_eq(read.number, 7);
	ck_assert_int_eq(read.now, job.now);
}
END_TEST

START_TEST(test_a_supervisor_that_is_gone_takes_the_lease_with_it)
{
	const struct ask ask = { .kind = ASK_SAVE, .checkpoint = "{}" };
	struct reply reply;
	close(pair[0]);
	ck_assert_int_eq(desk_ask(&desk, &ask, &arena, &reply, &error), ERROR_LEASE_LOST);
	ck_assert(desk.is_gone);
	pair[0] = dup(pair[1]);
}
END_TEST

START_TEST(test_what_is_asked_is_answered_under_the_lease)
{
	struct claim claim = claim_one();
	struct lease lost = claim.lease;
	struct batch batch;
	struct secret_key_pair keys;
	struct mac_keys *macs;
	secret_key_make(&keys);
	ck_assert_int_eq(mac_keys_new(keys.private_key, &macs, &error), ERROR_NONE);
	struct asker asker = { .redis = redis,
		.batch = &batch,
		.lease = &claim.lease,
		.run_id = claim.run.id,
		.macs = macs,
		.input_digest = "" };
	const struct ask ask = { .kind = ASK_SAVE, .checkpoint = "{\"n\":1}", .log = "a line" };
	struct reply reply;
	struct run run;
	batch_init(&batch, redis, NULL);
	ck_assert(desk_tell(&desk, &ask));
	const struct ask heard = next_ask();
	ck_assert_str_eq(heard.checkpoint, "{\"n\":1}");
	ck_assert_ptr_null(heard.field);
	answer_ask(&asker, &heard, &arena, &reply);
	ck_assert_ptr_null(reply.class);
	ck_assert_int_eq(run_read(redis, &claim.run.name, &arena, &run, &error), ERROR_NONE);
	const struct mac_place place = checkpoint_place(&claim.run.name, claim.run.id, "");
	const char *checkpoint;
	ck_assert_int_eq(checkpoint_open(macs, &place, run.checkpoint, &checkpoint), MAC_VALID);
	ck_assert_str_eq(checkpoint, "{\"n\":1}");

	text_copy(lost.token, sizeof(lost.token), "another");
	asker.lease = &lost;
	answer_ask(&asker, &heard, &arena, &reply);
	ck_assert_str_eq(reply.class, error_class_facts(ERROR_LEASE_LOST)->name);
	ck_assert_int_eq(error_class_by_name(reply.class), ERROR_LEASE_LOST);
	mac_keys_free(macs);
	claim_release(&claim);
}
END_TEST

/* An executor may be told to say anything: it reaches no key by it. */
START_TEST(test_nonsense_is_answered_with_an_error)
{
	struct claim claim = claim_one();
	static const char *const names[] = { "acme site repo:x" };
	const struct asker asker = { .redis = redis, .lease = &claim.lease };
	const struct ask asks[] = { { .kind = "EVAL" }, { .kind = ASK_OUTPUT, .app = "a:b" },
		{ .kind = ASK_NEEDS, .needs = { names, 1 } },
		{ .kind = ASK_CONNECTION, .provider = "nobody" }, { .kind = ASK_CONNECTION },
		{ .kind = ASK_CONNECTION, .provider = "github", .name = "another" },
		{ .kind = ASK_MINT, .provider = "github", .name = "another" },
		/* what an app shows of itself: no executor is told */
		{ .kind = "sign", .provider = "github" } };
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct reply reply;
		answer_ask(&asker, &asks[i], &arena, &reply);
		ck_assert_str_eq(reply.class, error_class_facts(ERROR_INTERNAL)->name);
	}
	struct run_write write;
	struct error failure;
	ask_write(&(struct ask){ .kind = ASK_RESULT, .write = 99 }, &failure, &write);
	ck_assert_int_eq(write.kind, RUN_RELEASE);
	claim_release(&claim);
}
END_TEST

/* Whether each way to ask for that step's output is refused, for a run of acme with this input. */
static bool is_refused(const struct claim *claim, const char *step, const char *input,
	const char *app, const char *of)
{
	struct lease lease = claim->lease;
	text_copy(lease.step, sizeof(lease.step), step);
	const struct asker asker = { .redis = redis, .lease = &lease, .input = input };
	const char *names[] = { "acme site project", arena_format(&arena, "%s site %s", app, of) };
	const struct ask asks[] = {
		{ .kind = ASK_OUTPUT, .app = app, .workflow = "site", .step = of },
		{ .kind = ASK_NEEDS, .needs = { names, 2 } }
	};
	const char *refused = error_class_facts(ERROR_INTERNAL)->name;
	int count = 0;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct reply reply;
		answer_ask(&asker, &asks[i], &arena, &reply);
		count += reply.class != NULL && strcmp(reply.class, refused) == 0;
	}
	ck_assert_msg(count % 2 == 0, "%s of %s for %s: %d", of, app, input, count);
	return count > 0;
}

/* What other apps have is of other people, and an executor may be told to ask for anything. */
START_TEST(test_of_another_app_is_answered_what_the_input_refers_to)
{
	static const char
		input[] = "{\"owner\":\"${app.other.site.repo.fullName}\",\"name\":\"$${app.third."
			  "site.repo.id}\"}",
		plan[] = "{\"steps\":[{\"id\":\"repo\",\"input\":\"{\\\"name\\\":\\\""
			 "${app.other.site.repo.fullName|default:\\\\\\\"x\\\\\\\"}\\\"}\"}]}";
	struct claim claim = claim_one();
	ck_assert(!is_refused(&claim, "repo", input, "other", "repo"));
	ck_assert(is_refused(&claim, "repo", input, "other", "project"));
	ck_assert(is_refused(&claim, "repo", input, "third", "repo"));
	ck_assert(is_refused(&claim, "repo", NULL, "other", "repo"));
	ck_assert(is_refused(&claim, "no-such-step", input, "other", "repo"));
	ck_assert(!is_refused(&claim, "repo", NULL, "acme", "repo"));
	ck_assert(!is_refused(&claim, "plan", plan, "other", "repo"));
	ck_assert(is_refused(&claim, "plan", plan, "other", "project"));
	claim_release(&claim);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_frame_comes_in_pieces_and_whole,
		test_a_frame_that_is_too_large_ends_the_channel,
		test_a_large_run_gets_through_whole,
		test_a_supervisor_that_is_gone_takes_the_lease_with_it,
		test_what_is_asked_is_answered_under_the_lease,
		test_nonsense_is_answered_with_an_error,
		test_of_another_app_is_answered_what_the_input_refers_to, NULL };
	return store_suite_main("channel", tests, set_up, tear_down);
}
