/*
 * An attempt of the worker on a claimed run, with its references, while memory and the connection
 * fail at each place in turn; and what a key that cannot be read does to the verification of the
 * others.
 *
 * covers: src/worker/attempt.c src/worker/backend.c src/worker/desk.c src/worker/answers.c
 * covers: src/worker/outcome.c src/store/verify.c
 */
#include "torture/state.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/mac.h"
#include "core/secret.h"
#include "core/signed_text.h"
#include "worker/answers.h"
#include "worker/attempt.h"
#include "worker/desk.h"

static const struct run_name greet = { "default", "acme", "hello", "greet" },
			     repeat = { "default", "acme", "hello", "repeat" };
static const struct settings settings = { .development = true, .retention_days = 1 };
static struct desk desk;
static struct arena arena, kept;
static struct error error;
static struct claim claim;
static struct run_write write_now;
static enum error_class class_now;
#define GIVES "0123456789abcdef0123456789abcdef"

static long live_before;
static struct secret_key_pair keys; /* of all workers */
static struct mac_keys *macs;       /* made of them; a child has none of its parent's */

/* ---- the supervisor's end, in a process of its own, which no fault meets ---- */

static int channel;
static pid_t supervisor;

static void answer_all(int end)
{
	struct channel served;
	struct redis *redis;
	struct batch batch;
	struct pollfd polled = { .fd = end, .events = POLLIN };
	const char *text;
	size_t length;
	static struct connection_cache connections;

	if (mac_keys_new(keys.private_key, &macs, &error) != ERROR_NONE)
		_exit(1);
	const struct asker asker = { .redis = redis = state_connect(),
		.batch = &batch,
		.connections = &connections,
		.lease = &claim.lease,
		.run_id = claim.run.id,
		.worker = "worker-1",
		.macs = macs,
		.input_digest = "" };

	batch_init(&batch, redis, NULL);
	channel_init(&served, end);
	while (channel_read(&served) != CHANNEL_GONE) {
		while (channel_take(&served, &text, &length)) {
			struct arena own;
			struct ask ask;
			struct reply reply;
			arena_init(&own, 0);
			if (message_read(&ask_record, text, length, &own, &ask, &error) !=
				ERROR_NONE)
				_exit(1);
			answer_ask(&asker, &ask, &own, &reply);
			if (strcmp(ask.kind, ASK_LOG) != 0 &&
				(message_put(&served, &reply_record, &reply, &error) !=
						ERROR_NONE ||
					channel_flush(&served) != CHANNEL_OPEN))
				_exit(1);
			arena_release(&own);
		}
		poll(&polled, 1, 1000);
	}
	_exit(0);
}

static void open_desk(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	supervisor = fork();
	if (supervisor == 0) {
		close(pair[0]);
		answer_all(pair[1]);
	}
	close(pair[1]);
	channel = pair[0];
	desk_init(&desk, channel);
}

static void close_desk(void)
{
	desk_release(&desk);
	close(channel);
	waitpid(supervisor, NULL, 0);
}

/* The claimed run is repeat, whose input takes what greet has made. */
static void prepare(void)
{
	struct lease lease;
	struct trigger_result result;
	struct trigger trigger = state_trigger(&greet);
	state_wipe();
	arena_init(&kept, 0);
	ck_assert_int_eq(run_trigger(observer, &trigger, &kept, &result, &error), ERROR_NONE);
	state_claim(&kept, &lease);
	const struct mac_place place = output_place(&greet);
	ck_assert_int_eq(mac_keys_new(keys.private_key, &macs, &error), ERROR_NONE);
	const char *output = "{\"text\":\"one\",\"length\":3}";
	const struct run_write done = { .kind = RUN_FINISH,
		.status = "done",
		.output = output,
		.gives = gives_sign(macs, &place, output, GIVES, &kept) };
	ck_assert_int_eq(run_write(observer, &lease, &done, &error), ERROR_NONE);
	mac_keys_free(macs);
	trigger.name = repeat;
	trigger.input = "{\"text\":\"again: ${step.greet.text}\"}";
	ck_assert_int_eq(run_trigger(observer, &trigger, &kept, &result, &error), ERROR_NONE);
	claim = state_take(&kept, "worker-1", 60000);
	live_before = faults.live;
	open_desk();
}

static void run(void)
{
	const struct attempt attempt = { .settings = &settings,
		.desk = &desk,
		.step = workflow_step(workflow_find("hello"), "repeat"),
		.claim = &claim,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.arena = &arena };
	arena_init(&arena, 0);
	class_now = attempt_execute(&attempt, &write_now, &error);
}

/* Nothing to write, or tried again, or done with what was asked for; never the end of the run. A
 * channel that breaks is a supervisor that is gone, and with it the lease. */
static void check(bool faulted, const char *what)
{
	if (class_now != ERROR_NONE) {
		const enum error_class expected =
			desk.is_gone && !desk.is_short ? ERROR_LEASE_LOST : ERROR_OUT_OF_MEMORY;
		ck_assert_msg(faulted && class_now == expected, "%s: %s: %s", what,
			error_class_facts(class_now)->name, error.message);
	} else if (write_now.kind == RUN_RETRY) {
		ck_assert_msg(faulted, "%s: %s", what, write_now.detail);
	} else {
		ck_assert_msg(write_now.kind == RUN_FINISH && strcmp(write_now.status, "done") == 0,
			"%s: %s: %s", what, write_now.reason, write_now.detail);
		ck_assert_str_eq(write_now.output, "{\"text\":\"again: one\",\"length\":10}");
	}
	arena_release(&arena);
	close_desk(); /* it may be of no more use */
	open_desk();
	run();
	ck_assert_msg(class_now == ERROR_NONE && write_now.kind == RUN_FINISH, "%s: then %s", what,
		error.message);
	ck_assert_str_eq(write_now.output, "{\"text\":\"again: one\",\"length\":10}");
	ck_assert_int_eq(run_write(observer, &claim.lease, &write_now, &error), ERROR_NONE);
	arena_release(&arena);
	close_desk();
	torture_check_live(live_before, what);
	state_check(&repeat, what);
	claim_release(&claim);
	arena_release(&kept);
}

START_TEST(test_attempt)
{
	state_begin();
	torture_all(&(struct torture){ "attempt", prepare, run, check }, FAULT_MALLOC);
	state_end();
}
END_TEST

static size_t found;

static void count_found(void *context, const char *key, const char *what, bool repaired)
{
	(void)context;
	(void)key;
	(void)what;
	(void)repaired;
	found++;
}

/* A key that a hand has broken is told of, and all others are looked at. */
START_TEST(test_broken_key_hides_no_other)
{
	const struct verify_options options = {
		.lease_ms = 60000, .retention_seconds = 3600, .found = count_found
	};
	struct verify_counts counts;
	struct trigger_result result;
	char app[16];
	state_begin();
	arena_init(&arena, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(app, sizeof(app), "app-%d", i);
		const struct run_name one = { "default", app, "hello", "greet" };
		const struct trigger trigger = state_trigger(&one);
		ck_assert_int_eq(
			run_trigger(observer, &trigger, &arena, &result, &error), ERROR_NONE);
	}
	STATE_INTEGER("SET", "slipway:{0}:app:default:bad:hello:greet", "x", "EX", "3600");
	STATE_INTEGER("SET", "slipway:{0}:app:default:worse:hello:greet", "x", "EX", "3600");
	ck_assert_msg(store_verify(observer, &options, &counts, &error) == ERROR_NONE, "%s: %s",
		error_class_facts(error.class)->name, error.message);
	ck_assert_uint_eq(found, 2);
	ck_assert_uint_eq(counts.live, 20);
	arena_release(&arena);
	state_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_attempt, test_broken_key_hides_no_other, NULL };

	secret_key_make(&keys);
	torture_begin();
	int status = suite_main("attempt under faults", tests, NULL, NULL);
	torture_end();
	return status;
}
