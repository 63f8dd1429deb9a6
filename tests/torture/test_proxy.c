/*
 * The store behind a proxy that cuts the connection after each byte of what Redis answers, and of
 * what it is asked, or that delivers an answer only when its caller has given up: no reply is ever
 * taken for another command's.
 *
 * covers: src/store/redis.c src/store/runs.c
 */
#include "torture/interpose.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "harness/redis_server.h"
#include "harness/suite.h"
#include "store/deployments.h"
#include "store/queue.h"

#define LATE_MS    100
#define BUSY_TRIES 20
#define NEVER      1000000L

/* ---- the proxy: a child process that serves one connection after another ---- */

/* Shared with it. What is cut is counted over all connections since the plan was made. */
static struct plan {
	atomic_long reply_left, request_left; /* bytes until the cut; NEVER: none */
	atomic_long delay_ms;                 /* of the next reply, once; 0: none */
	atomic_long cuts;                     /* done */
	atomic_long seen_reply, seen_request; /* bytes passed on */
} * plan;

static struct redis_server server;
static char proxy_path[96], proxy_url[112];
static pid_t proxy_pid;

static bool send_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		size -= (size_t)sent;
	}
	return true;
}

/* Passes on what may be passed on. False where the connection is to be cut. */
static bool pass(int from, int to, atomic_long *left, atomic_long *seen)
{
	char bytes[8192];
	ssize_t got = recv(from, bytes, sizeof(bytes), 0);
	if (got <= 0)
		return false;
	long may = atomic_load(left);
	size_t size = may < got ? (size_t)may : (size_t)got;
	if (may < NEVER)
		atomic_fetch_sub(left, (long)size);
	if (!send_all(to, bytes, size))
		return false;
	atomic_fetch_add(seen, (long)size);
	if (size == (size_t)got && (may >= NEVER || may > got))
		return true;
	/* Cut once: who comes next is served. */
	atomic_store(left, NEVER);
	atomic_fetch_add(&plan->cuts, 1);
	return false;
}

static void serve(int client, int redis_fd)
{
	struct pollfd both[2] = { { .fd = client, .events = POLLIN },
		{ .fd = redis_fd, .events = POLLIN } };
	while (poll(both, 2, -1) > 0) {
		if (both[0].revents != 0 &&
			!pass(client, redis_fd, &plan->request_left, &plan->seen_request))
			return;
		if (both[1].revents == 0)
			continue;
		long delay = atomic_exchange(&plan->delay_ms, 0);
		if (delay > 0)
			clock_sleep_ms(delay);
		if (!pass(redis_fd, client, &plan->reply_left, &plan->seen_reply))
			return;
	}
}

static int socket_at(const char *path, bool listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr *any = (const struct sockaddr *)&address;
	bool good = fd >= 0 &&
		(listening ? bind(fd, any, sizeof(address)) == 0 && listen(fd, 64) == 0
			   : connect(fd, any, sizeof(address)) == 0);
	return good ? fd : -1;
}

/* Each connection has a thread of its own, so that one that is late holds up nobody. */
static void *serve_client(void *descriptor)
{
	int client = (int)(intptr_t)descriptor;
	int redis_fd = socket_at(server.url + strlen("unix://"), false);
	if (redis_fd >= 0) {
		serve(client, redis_fd);
		close(redis_fd);
	}
	close(client);
	return NULL;
}

static void proxy_run(int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;
		if (client < 0 ||
			pthread_create(&thread, NULL, serve_client, (void *)(intptr_t)client) != 0)
			_exit(1);
		pthread_detach(thread);
	}
}

static void proxy_start(void)
{
	snprintf(proxy_path, sizeof(proxy_path), "%s/proxy.sock", server.folder);
	snprintf(proxy_url, sizeof(proxy_url), "unix://%s", proxy_path);
	int listener = socket_at(proxy_path, true);
	ck_assert_int_ge(listener, 0);
	proxy_pid = fork();
	if (proxy_pid == 0)
		proxy_run(listener);
	close(listener);
}

static void plan_make(long reply, long request, long delay_ms)
{
	atomic_store(&plan->delay_ms, delay_ms);
	atomic_store(&plan->reply_left, reply);
	atomic_store(&plan->request_left, request);
	atomic_store(&plan->cuts, 0);
	atomic_store(&plan->seen_reply, 0);
	atomic_store(&plan->seen_request, 0);
}

/* ---- what is exchanged through it ---- */

static const struct run_name name = { "default", "acme", "site", "repo" };
static struct redis *direct, *behind; /* behind the proxy */
static struct arena arena;
static struct error error;
static struct lease lease;
static struct trigger_result triggered;

static struct redis *connect_to(const char *url, int timeout_ms)
{
	struct redis *redis;
	ck_assert_int_eq(redis_new(url, NULL, "proxied", timeout_ms, &redis, &error), ERROR_NONE);
	return redis;
}

static void wipe(void)
{
	struct redisReply *reply;
	const char *const words[] = { "FLUSHDB" };
	ck_assert_int_eq(redis_command(direct, 1, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
}

static enum error_class trigger_by(struct redis *redis)
{
	const struct trigger trigger = { .name = name,
		.input = "{\"a\":1}",
		.digest = "d1",
		.run_ms = 600000,
		.attempts = 3,
		.retention_seconds = 3600 };
	return run_trigger(redis, &trigger, &arena, &triggered, &error);
}

/* A deployment of one step. */
static enum error_class start_by(struct redis *redis)
{
	const struct start_step step = { "repo", "{\"a\":1}", "d1", "v1", "", "", "", false, 600000,
		3 };
	struct start_result started;
	const struct start start = { .name = name,
		.digest = "d",
		.definition = "w",
		.inputs = "{}",
		.configured = "{}",
		.retention_seconds = 3600,
		.steps = &step,
		.step_count = 1 };
	return deployment_start(redis, &start, &arena, &started, &error);
}

static enum error_class claim_by(struct redis *redis)
{
	const struct take take = { .worker = "worker-1", .lease_ms = 60000, .want = 1 };
	struct taken_list list;
	enum error_class class = queue_take(redis, &take, &arena, &list, &error);
	if (class == ERROR_NONE && list.count > 0) {
		ck_assert_int_eq(list.items[0].kind, TAKEN_RUN);
		const struct claim *claim = &list.items[0].claim;
		lease = claim->lease;
		ck_assert_str_eq(claim->run.phase, "executing");
		ck_assert_str_eq(claim->run.input, "{\"a\":1}");
		ck_assert_str_eq(claim->run.id, triggered.run.id);
	}
	queue_taken_release(&list);
	return class;
}

static enum error_class call_trigger(void)
{
	enum error_class class = trigger_by(behind);
	if (class == ERROR_NONE)
		ck_assert_str_eq(triggered.run.status, "running");
	return class;
}

static enum error_class call_start(void)
{
	return start_by(behind);
}

static enum error_class call_stop(void)
{
	enum stop_outcome outcome;
	struct deployment deployment;
	return deployment_stop(behind, &name, NULL, &arena, &outcome, &deployment, &error);
}

static enum error_class call_claim(void)
{
	return claim_by(behind);
}

static enum error_class call_finish(void)
{
	return run_write(behind, &lease,
		&(struct run_write){ .kind = RUN_FINISH, .status = "done", .output = "{\"id\":7}" },
		&error);
}

static enum error_class call_read(void)
{
	struct run run;
	enum error_class class = run_read(behind, &name, &arena, &run, &error);
	if (class == ERROR_NONE) {
		ck_assert_str_eq(run.phase, "executing");
		ck_assert_str_eq(run.input, "{\"a\":1}");
		ck_assert_str_eq(run.lease, lease.token);
		ck_assert_int_gt(run.now, 1000000000000);
	}
	return class;
}

static const struct exchange {
	const char *name;
	int stage; /* 0: nothing, 1: triggered, 2: claimed, 3: started as a deployment */
	enum error_class (*call)(void);
	const char *status, *phase; /* of the run after it has taken effect */
} exchanges[] = {
	{ "trigger", 0, call_trigger, "running", "queued" },
	{ "claim", 1, call_claim, "running", "executing" },
	{ "finish", 2, call_finish, "done", "" },
	{ "read", 2, call_read, "running", "executing" },
	{ "start", 0, call_start, "running", "queued" },
	{ "stop", 3, call_stop, "error", "" },
};

static void make_stage(int stage)
{
	wipe();
	if (stage == 3)
		ck_assert_int_eq(start_by(direct), ERROR_NONE);
	if (stage < 1 || stage == 3)
		return;
	ck_assert_int_eq(trigger_by(direct), ERROR_NONE);
	if (stage >= 2)
		ck_assert_int_eq(claim_by(direct), ERROR_NONE);
}

/* ---- whether each reply is its own command's ---- */

static atomic_long *points, *wrong;

/* A cut behind the last byte is met by the next command: once. With a short time-out, a busy
 * machine may be late by itself. */
static void ask_for_distinct_values(const char *what, int failures_allowed)
{
	static long next = 1000;
	for (int answered = 0; answered < 3;) {
		char sent[32];
		const char *const words[] = { "ECHO", sent };
		struct redisReply *reply;
		snprintf(sent, sizeof(sent), "value-%ld", next++);
		if (redis_command(behind, 2, words, &reply, &error) != ERROR_NONE) {
			ck_assert_msg(failures_allowed-- > 0, "%s: then %s", what, error.message);
			continue;
		}
		if (strcmp(reply_text(reply), sent) != 0) {
			atomic_fetch_add(wrong, 1);
			ck_abort_msg(
				"%s: asked for %s, was answered %s", what, sent, reply_text(reply));
		}
		reply_free(reply);
		answered++;
	}
}

/* The run is as before, or as after; and the index and the queue agree with it. */
static void check_state(const struct exchange *exchange, const char *status_before,
	const char *phase_before, bool took_effect, const char *what)
{
	struct run run;
	ck_assert_int_eq(run_read(direct, &name, &arena, &run, &error), ERROR_NONE);
	bool before =
		strcmp(run.status, status_before) == 0 && strcmp(run.phase, phase_before) == 0;
	bool after = strcmp(run.status, exchange->status) == 0 &&
		strcmp(run.phase, exchange->phase) == 0;
	ck_assert_msg(after || (before && !took_effect), "%s: it is '%s' '%s'", what, run.status,
		run.phase);
	const char *const live[] = { "ZCARD", KEY_LIVE },
			  *const queue[] = { "ZCARD", KEY_READY ":default:acme" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(direct, 2, live, &reply, &error), ERROR_NONE);
	ck_assert_msg(reply_integer(reply) == (run_is_live(&run) ? 1 : 0), "%s: index", what);
	reply_free(reply);
	ck_assert_int_eq(redis_command(direct, 2, queue, &reply, &error), ERROR_NONE);
	ck_assert_msg(reply_integer(reply) == (strcmp(run.phase, "queued") == 0 ? 1 : 0),
		"%s: queue", what);
	reply_free(reply);
}

/* One call under the plan. Whether it was disturbed. */
static bool try_once(const struct exchange *exchange, long reply, long request, long delay_ms)
{
	static const char *const statuses[] = { "", "running", "running", "running" };
	static const char *const phases[] = { "", "queued", "executing", "queued" };
	char what[96];
	snprintf(what, sizeof(what), "%s: reply %ld, request %ld, delay %ld", exchange->name, reply,
		request, delay_ms);
	arena_init(&arena, 0);
	make_stage(exchange->stage);
	plan_make(reply, request, delay_ms);
	enum error_class class = exchange->call();
	bool cut = atomic_load(&plan->cuts) > 0 || delay_ms > 0;
	plan_make(NEVER, NEVER, 0);
	ck_assert_msg(class == ERROR_NONE || cut, "%s: %s", what, error.message);
	ck_assert_msg(class == ERROR_NONE || class == ERROR_STORE_UNAVAILABLE ||
			class == ERROR_OUTCOME_UNKNOWN,
		"%s: %s: %s", what, error_class_facts(class)->name, error.message);
	const int failures_allowed = delay_ms > 0 ? BUSY_TRIES : 1;
	ask_for_distinct_values(what, failures_allowed);
	check_state(exchange, statuses[exchange->stage], phases[exchange->stage],
		class == ERROR_NONE, what);
	/* "nothing was changed", it says. */
	struct run run;
	ck_assert_int_eq(run_read(direct, &name, &arena, &run, &error), ERROR_NONE);
	if (class == ERROR_STORE_UNAVAILABLE)
		ck_assert_msg(strcmp(run.phase, phases[exchange->stage]) == 0, "%s: it was changed",
			what);
	/* Again, undisturbed: it works, or has worked before. */
	int tries = failures_allowed;
	do
		class = exchange->call();
	while ((class == ERROR_STORE_UNAVAILABLE || class == ERROR_OUTCOME_UNKNOWN) &&
		delay_ms > 0 && --tries > 0);
	ck_assert_msg(class == ERROR_NONE ||
			(class == ERROR_LEASE_LOST && strcmp(exchange->name, "finish") == 0),
		"%s: again: %s", what, error.message);
	arena_release(&arena);
	return cut;
}

/* ---- what must not grow ---- */

static size_t open_descriptors(void)
{
	size_t count = 0;
	DIR *folder = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void set_up(void)
{
	redis_server_start(&server);
	proxy_start();
	direct = connect_to(server.url, PATIENCE_MS);
	const char *const words[] = { "CONFIG", "SET", "appendfsync", "everysec" };
	struct redisReply *reply;
	ck_assert_int_eq(redis_command(direct, 4, words, &reply, &error), ERROR_NONE);
	reply_free(reply);
	plan_make(NEVER, NEVER, 0);
	behind = connect_to(proxy_url, PATIENCE_MS);
}

static void tear_down(void)
{
	redis_free(direct);
	redis_free(behind);
	kill(proxy_pid, SIGKILL);
	waitpid(proxy_pid, NULL, 0);
	redis_server_stop(&server);
}

static bool call_once(const struct exchange *exchange)
{
	arena_init(&arena, 0);
	make_stage(exchange->stage);
	enum error_class class = exchange->call();
	arena_release(&arena);
	return class == ERROR_NONE;
}

/* A new connection, which sets itself up and loads the scripts, or one that stands and knows them.
 * On a busy machine a short time-out may be over before anything is late: then another one. */
static void connection_make(bool kept, const struct exchange *exchange, int timeout_ms)
{
	int tries = timeout_ms < PATIENCE_MS ? BUSY_TRIES : 1;
	bool made;
	do {
		redis_free(behind);
		behind = connect_to(proxy_url, timeout_ms);
		made = !kept || call_once(exchange);
	} while (!made && --tries > 0);
	ck_assert(made);
}

static void cut_everywhere(const struct exchange *exchange, bool kept, bool replies, long step)
{
	size_t descriptors = 0;
	long live = 0;
	bool cut = true;
	for (long n = 0; cut; n += step) {
		connection_make(kept, exchange, PATIENCE_MS);
		cut = try_once(exchange, replies ? n : NEVER, replies ? NEVER : n, 0);
		atomic_fetch_add(points, cut ? 1 : 0);
		if (n == 2 * step) {
			descriptors = open_descriptors();
			live = faults.live;
		}
	}
	ck_assert_msg(faults.live <= live, "%s: %ld allocations grew to %ld", exchange->name, live,
		faults.live);
	ck_assert_uint_eq(open_descriptors(), descriptors);
}

#define EXCHANGE_COUNT (sizeof(exchanges) / sizeof(exchanges[0]))

START_TEST(test_replies_cut_on_a_kept_connection)
{
	for (size_t i = 0; i < EXCHANGE_COUNT; i++)
		cut_everywhere(&exchanges[i], true, true, 1);
}
END_TEST

START_TEST(test_requests_cut_on_a_kept_connection)
{
	for (size_t i = 0; i < EXCHANGE_COUNT; i++)
		cut_everywhere(&exchanges[i], true, false, 1);
}
END_TEST

START_TEST(test_replies_cut_on_a_new_connection)
{
	for (size_t i = 0; i < EXCHANGE_COUNT; i++)
		cut_everywhere(&exchanges[i], false, true, 7);
}
END_TEST

/* Of these most bytes are the scripts' texts. */
START_TEST(test_requests_cut_on_a_new_connection)
{
	for (size_t i = 0; i < EXCHANGE_COUNT; i++)
		cut_everywhere(&exchanges[i], false, false, 97);
}
END_TEST

/* The answer comes when its caller has given up: to nobody. */
START_TEST(test_replies_come_late)
{
	size_t descriptors = 0;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
			connection_make(true, &exchanges[i], LATE_MS);
			try_once(&exchanges[i], NEVER, NEVER, LATE_MS + 40);
			atomic_fetch_add(points, 1);
			clock_sleep_ms(60);
			ask_for_distinct_values("after a late reply", BUSY_TRIES);
		}
		descriptors = round == 0 ? open_descriptors() : descriptors;
	}
	ck_assert_uint_eq(open_descriptors(), descriptors);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_replies_cut_on_a_kept_connection,
		test_requests_cut_on_a_kept_connection, test_replies_cut_on_a_new_connection,
		test_requests_cut_on_a_new_connection, test_replies_come_late, NULL };
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return EXIT_FAILURE;
	plan = (struct plan *)(void *)shared;
	points = (atomic_long *)(void *)(shared + 1024);
	wrong = (atomic_long *)(void *)(shared + 2048);
	int status = suite_main("proxy", tests, set_up, tear_down);
	printf("proxy: %ld cut points, %ld wrongly paired\n", atomic_load(points),
		atomic_load(wrong));
	return status;
}
