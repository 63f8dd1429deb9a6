/*
 * Every request to the endpoint, and what reads texts, while memory and connections fail at each
 * place in turn.
 *
 * covers: src/api/routes.c src/api/response.c src/api/query.c src/api/target.c
 * covers: src/api/mode_trigger.c
 * covers: src/api/mode_poll.c src/api/mode_configure.c src/api/mode_cancel.c
 * covers: src/api/route_workflows.c
 * covers: src/api/route_readyz.c src/api/route_healthz.c src/api/route_metrics.c
 * covers: src/api/route_deploy.c src/api/body.c src/base/json.c src/base/record.c
 * covers: src/base/settings.c
 * covers: src/core/workflow.c
 */
#include <sys/un.h>
#include <sys/wait.h>

#include "actions.h"
#include "api/fastcgi.h"
#include "api/request.h"
#include "base/record.h"
#include "base/redact.h"
#include "core/workflow.h"
#include "harness/named_setting.h"
#include "provider/providers.h"
#include "torture/state.h"

/* ---- requests ---- */

#define APP      "\"appId\":\"acme\""
#define GREET    "\"workflowId\":\"hello\",\"actionId\":\"greet\"," APP
#define INPUT(t) "\"inputs\":{\"greet\":{\"text\":\"" t "\"}}"

static const struct request_case {
	const char *name, *method, *path, *query, *body, *if_none_match;
	int fresh, again; /* statuses: the first time, and where it has taken effect before */
	bool seeded;      /* greet was triggered before */
} cases[] = {
	{ "trigger", "POST", "/api/deploy", "", "{\"mode\":\"trigger\"," GREET "," INPUT("one") "}",
		"", 202, 200, false },
	{ "trigger the same", "POST", "/api/deploy", "",
		"{\"mode\":\"trigger\"," GREET "," INPUT("one") "}", "", 200, 200, true },
	{ "trigger another", "POST", "/api/deploy", "",
		"{\"mode\":\"trigger\"," GREET "," INPUT("two") "}", "", 409, 409, true },
	{ "trigger too early", "POST", "/api/deploy", "",
		"{\"mode\":\"trigger\",\"workflowId\":\"hello\",\"actionId\":\"repeat\"," APP "}",
		"", 409, 409, true },
	{ "poll by POST", "POST", "/api/deploy", "", "{\"mode\":\"poll\"," GREET "}", "", 200, 200,
		true },
	{ "poll all by POST", "POST", "/api/deploy", "",
		"{\"mode\":\"poll\",\"workflowId\":\"hello\"," APP "}", "", 200, 200, true },
	{ "poll by GET", "GET", "/api/deploy", "appId=acme&workflowId=hello&actionId=greet", "", "",
		200, 200, true },
	{ "poll all by GET", "GET", "/api/deploy", "appId=acme&workflowId=hello", "", "", 200, 200,
		true },
	{ "poll unchanged", "GET", "/api/deploy", "appId=acme&workflowId=hello", "", "*", 304, 304,
		true },
	{ "configure", "POST", "/api/deploy", "",
		"{\"mode\":\"configure\"," APP
		",\"config\":{\"a\":{\"b\":1}},\"env\":{\"C\":\"d\"}}",
		"", 200, 200, false },
	{ "configure more", "POST", "/api/deploy", "",
		"{\"mode\":\"configure\"," APP
		",\"inputs\":{\"greet\":{\"text\":\"x\"},\"old\":null}}",
		"", 200, 200, true },
	{ "cancel", "POST", "/api/deploy", "", "{\"mode\":\"cancel\"," GREET "}", "", 202, 200,
		true },
	{ "cancel nothing", "POST", "/api/deploy", "", "{\"mode\":\"cancel\"," GREET "}", "", 200,
		200, false },
	{ "workflows", "GET", "/api/workflows", "", "", "", 200, 200, false },
	{ "healthz", "GET", "/healthz", "", "", "", 200, 200, false },
	{ "readyz", "GET", "/readyz", "", "", "", 200, 200, false },
	{ "metrics", "GET", "/metrics", "", "", "", 200, 200, true },
	{ "malformed", "POST", "/api/deploy", "",
		"{\"mode\":\"trigger\"," GREET "," INPUT("one") ",}", "", 400, 400, false },
	{ "bad input", "POST", "/api/deploy", "", "{\"mode\":\"trigger\"," GREET "," INPUT("") "}",
		"", 422, 422, false },
	{ "no such path", "GET", "/nowhere", "", "", "", 404, 404, false },
};

static const struct run_name greet = { "default", "acme", "hello", "greet" };
static const struct settings settings = {
	.development = true, .tenant = "default", .retention_days = 1
};
static const struct request_case *tried;
static bool warm; /* the connection stands and knows the scripts before the fault */
static struct redis *redis;
static struct arena arena;
static struct response response;
static long live_before;
static int64_t version_before, payload_before;

static void answer(void)
{
	const struct request request = { .id = "",
		.host = "",
		.method = tried->method,
		.path = tried->path,
		.query = tried->query,
		.content_type = "application/json",
		.content_encoding = "",
		.authorization = "",
		.origin = "",
		.if_none_match = tried->if_none_match,
		.body = tried->body,
		.body_length = strlen(tried->body) };
	const struct service service = { .settings = &settings, .redis = redis, .arena = &arena };
	arena_init(&arena, 0);
	response_init(&response);
	request_handle(&service, &request, &response);
}

static void drop_answer(void)
{
	response_release(&response);
	arena_release(&arena);
}

static void seed(void)
{
	static const struct request_case seeds[] = {
		{ "configure", "POST", "/api/deploy", "",
			"{\"mode\":\"configure\"," APP
			",\"config\":{\"k\":[1,\"v\"]},\"env\":{\"E\":\"f\"}}",
			"", 200, 200, false },
		{ "trigger", "POST", "/api/deploy", "",
			"{\"mode\":\"trigger\"," GREET "," INPUT("one") "}", "", 202, 200, false },
	};
	const struct request_case *now = tried;
	struct redis *own = redis;
	redis = observer;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		tried = &seeds[i];
		answer();
		ck_assert_int_eq(response.status, tried->fresh);
		drop_answer();
	}
	tried = now;
	redis = own;
}

static int64_t payload_version(void)
{
	struct run_keys keys;
	run_keys_make(&keys, &greet);
	return STATE_INTEGER("HGET", keys.list[RUN_KEY_PAYLOAD], "version");
}

static void prepare_request(void)
{
	state_wipe();
	if (tried->seeded)
		seed();
	version_before = state_version(&greet);
	payload_before = payload_version();
	live_before = faults.live;
	redis = state_connect();
	if (!warm)
		return;
	/* An answer makes the connection and loads the scripts; the state is made anew. */
	answer();
	drop_answer();
	long live_now = faults.live;
	state_wipe();
	if (tried->seeded)
		seed();
	version_before = state_version(&greet);
	payload_before = payload_version();
	live_before += faults.live - live_now;
}

/* A failure of ours is told as one: 503 with a class that says so, or, without memory for even
 * that, nothing. */
static void check_problem(const char *what)
{
	static const char *const classes[] = { "store_unavailable", "outcome_unknown",
		"out_of_memory", NULL };
	ck_assert_msg(response.status == 503, "%s: status %d: %s", what, response.status,
		buffer_text(&response.body));
	ck_assert_msg(response.retry_after_seconds > 0, "%s: no Retry-After", what);
	ck_assert_msg(response.etag[0] == '\0', "%s: a problem has no entity tag", what);
	if (response.content_type == NULL) {
		ck_assert_msg(response.body.length == 0, "%s: half a body: %s", what,
			buffer_text(&response.body));
		return;
	}
	ck_assert_str_eq(response.content_type, "application/problem+json");
	cJSON *problem = cJSON_Parse(buffer_text(&response.body));
	const char *class = json_member_string(problem, "class");
	ck_assert_msg(class != NULL, "%s: %s", what, buffer_text(&response.body));
	size_t known = 0;
	while (classes[known] != NULL && strcmp(classes[known], class) != 0)
		known++;
	ck_assert_msg(classes[known] != NULL, "%s: %s", what, buffer_text(&response.body));
	/* "nothing was changed", it says. */
	if (strcmp(class, "store_unavailable") == 0) {
		ck_assert_msg(
			state_version(&greet) == version_before, "%s: the run was changed", what);
		ck_assert_msg(
			payload_version() == payload_before, "%s: the payload was changed", what);
	}
	cJSON_Delete(problem);
}

static void check_good(const char *what)
{
	if (response.status == 304) {
		ck_assert_msg(response.body.length == 0, "%s: 304 with a body", what);
		return;
	}
	ck_assert_msg(
		response.content_type != NULL, "%s: %d without a body", what, response.status);
	if (strncmp(response.content_type, "text/plain", 10) == 0) {
		ck_assert_ptr_nonnull(strstr(buffer_text(&response.body), "slipway_workers 0\n"));
		return;
	}
	cJSON *json = cJSON_Parse(buffer_text(&response.body));
	ck_assert_msg(cJSON_IsObject(json), "%s: %s", what, buffer_text(&response.body));
	cJSON_Delete(json);
}

static void check_request(bool faulted, const char *what)
{
	if (response.status == tried->fresh)
		check_good(what);
	else if (faulted)
		check_problem(what);
	else
		ck_abort_msg(
			"%s: status %d: %s", what, response.status, buffer_text(&response.body));
	drop_answer();
	long live_now = faults.live;
	state_check(&greet, what);
	live_before += faults.live - live_now;
	/* The next one on the same connection. */
	answer();
	ck_assert_msg(response.status == tried->fresh || response.status == tried->again,
		"%s: then status %d: %s", what, response.status, buffer_text(&response.body));
	check_good(what);
	drop_answer();
	redis_free(redis);
	torture_check_live(live_before, what);
	state_check(&greet, what);
}

static void torture_requests(void)
{
	state_begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tried = &cases[i];
		torture_all(
			&(struct torture){ tried->name, prepare_request, answer, check_request },
			/* Memory is asked for in the same places on both. */
			warm ? FAULT_READ_RESET : FAULT_MALLOC);
	}
	state_end();
}

START_TEST(test_requests_on_a_new_connection)
{
	torture_requests();
}
END_TEST

START_TEST(test_requests_on_a_kept_connection)
{
	warm = true;
	torture_requests();
}
END_TEST

/* ---- accepting ---- */

static void answer_empty(void *context, const struct request *request, struct response *answered)
{
	(void)context;
	(void)request;
	answered->status = 204;
}

/* Of the FastCGI protocol: one GET without parameters, as a web server would send it. */
static const unsigned char fastcgi_request[] = { 1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1,
	4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 0, 0, 0 };

/* A descriptor that is short for a moment loses no connection: it waits in the backlog. */
START_TEST(test_accept_without_descriptors)
{
	struct error error;
	char folder[] = "/tmp/slipway-torture-XXXXXX", path[64], bytes[256] = "";
	int listener;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	ck_assert_int_eq(fastcgi_listen(path, &listener, &error), ERROR_NONE);
	pid_t pid = fork();
	if (pid == 0) {
		faults_arm(FAULT_ACCEPT, 1);
		struct loop *loop;
		bool served = loop_new(&loop, &error) == ERROR_NONE &&
			fastcgi_serve(loop, NULL, listener, answer_empty, NULL, &error) ==
				ERROR_NONE;
		_exit(served && faults_disarm() ? 0 : 1);
	}
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
		connect(connection, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(write(connection, fastcgi_request, sizeof(fastcgi_request)),
		sizeof(fastcgi_request));
	ck_assert_int_gt(recv(connection, bytes, sizeof(bytes) - 1, 0), 8);
	ck_assert_int_eq(memcmp(bytes + 8, "Status: 204", 11), 0);
	close(connection);
	close(listener);
	int status;
	kill(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	atomic_fetch_add(torture_faults, 1);
	unlink(path);
	rmdir(folder);
}
END_TEST

/* ---- texts ---- */

static struct error error_now;
static enum error_class class_now;
static cJSON *json_now;
static struct settings settings_now;
static char *settings_whole; /* as printed after a load without a fault */
static char settings_path[64];

static void remember(void)
{
	live_before = faults.live;
	class_now = ERROR_NONE;
	json_now = NULL;
}

/* Only memory can have been short. */
static void check_class(bool faulted, const char *what)
{
	if (faulted)
		ck_assert_msg(class_now == ERROR_NONE || class_now == ERROR_OUT_OF_MEMORY,
			"%s: %s: %s", what, error_class_facts(class_now)->name, error_now.message);
	else
		ck_assert_msg(class_now == ERROR_NONE, "%s: %s", what, error_now.message);
	torture_check_live(live_before, what);
}

static void parse(void)
{
	static const char text[] =
		"{\"a\":[1,-2.5e3,\"x\\u00e9\\\"\",{\"b\":null,\"c\":true}],\"d\":{\"e\":\"f\"}}";
	class_now = json_parse(text, sizeof(text) - 1, JSON_LIMITS_CLIENT, &json_now, &error_now);
	cJSON_Delete(json_now);
}

static const struct {
	const struct action_definition *action;
	const char *input;
} inputs[] = {
	{ &note, "{\"text\":\"x\"}" },
	{ &github_repository,
		"{\"owner\":\"acme\",\"name\":\"docs\",\"fork\":\"upstream/starter\"}" },
	{ &vercel_environment,
		"{\"project\":\"prj_1\",\"variables\":[{\"key\":\"A\",\"value\":\"b\"},{\"key\":"
		"\"C\",\"value\":\"d\","
		"\"targets\":[\"preview\"]}]}" },
};
static size_t input_now;
static cJSON *input_json;

/* Decodes and encodes what it has decoded. */
static void code(void)
{
	const struct record *record = &inputs[input_now].action->input;
	struct arena own;
	arena_init(&own, 0);
	void *decoded = arena_allocate(&own, record->size);
	class_now = decoded == NULL
		? error_set(&error_now, ERROR_OUT_OF_MEMORY, "no memory")
		: record_decode(record, input_json, RECORD_STRICT, "", &own, decoded, &error_now);
	if (class_now == ERROR_NONE)
		class_now = record_encode(record, decoded, &json_now, &error_now);
	cJSON_Delete(json_now);
	arena_release(&own);
}

static void describe(void)
{
	class_now = record_schema(&inputs[input_now].action->input, &json_now, &error_now);
	cJSON_Delete(json_now);
}

static void check_all(void)
{
	class_now = workflow_check_all(&error_now);
}

static void prepare_settings(void)
{
	setenv("SLIPWAY_VERCEL_TOKEN", "token-of-a-torture", 1);
	remember();
}

static void load(void)
{
	settings_init(&settings_now, SETTINGS_ALL, providers_introduce());
	settings_now.config_path = settings_path;
	settings_now.config_required = true;
	class_now = settings_load(&settings_now, &error_now);
}

/* All that a load is to give: of each kind of setting one from the file, those of the environment,
 * and the fallbacks.
 */
static void check_loaded(const char *what)
{
	char *printed = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&printed, &size);
	ck_assert_ptr_nonnull(stream);
	settings_print(&settings_now, stream);
	ck_assert_int_eq(fclose(stream), 0);
	if (settings_whole == NULL) {
		settings_whole = printed;
		printed = NULL;
	} else {
		ck_assert_msg(strcmp(printed, settings_whole) == 0, "%s: settings are missing:\n%s",
			what, printed);
	}
	free(printed);
	/* Secrets are not printed. */
	ck_assert_str_eq(named_setting(&settings_now, "SLIPWAY_GITHUB_TOKEN"), "another-token");
	ck_assert_str_eq(
		named_setting(&settings_now, "SLIPWAY_VERCEL_TOKEN"), "token-of-a-torture");
}

static void check_settings(bool faulted, const char *what)
{
	/* A file that cannot be opened is told by its errno. */
	if (faulted && class_now == ERROR_INVALID_INPUT &&
		strstr(error_now.message, strerror(ENOMEM)) != NULL)
		class_now = ERROR_OUT_OF_MEMORY;
	if (class_now == ERROR_NONE)
		check_loaded(what);
	settings_release(&settings_now);
	redact_forget(0);
	check_class(faulted, what);
}

START_TEST(test_texts_without_memory)
{
	struct error error;
	torture_all(&(struct torture){ "json_parse", remember, parse, check_class }, FAULT_MALLOC);
	torture_all(&(struct torture){ "workflow_check_all", remember, check_all, check_class },
		FAULT_MALLOC);
	for (input_now = 0; input_now < sizeof(inputs) / sizeof(inputs[0]); input_now++) {
		const char *text = inputs[input_now].input;
		ck_assert_int_eq(
			json_parse(text, strlen(text), JSON_LIMITS_CLIENT, &input_json, &error),
			ERROR_NONE);
		torture_all(&(struct torture){ "record_decode", remember, code, check_class },
			FAULT_MALLOC);
		torture_all(&(struct torture){ "record_schema", remember, describe, check_class },
			FAULT_MALLOC);
		cJSON_Delete(input_json);
	}
}
END_TEST

START_TEST(test_settings_without_memory)
{
	static const char text[] =
		"# a file\nSLIPWAY_EXECUTORS=3\nSLIPWAY_GITHUB_TOKEN=another-token\n"
		"SLIPWAY_LOG_LEVEL=error\nSLIPWAY_ALLOW_LOOPBACK=yes\nSLIPWAY_VERCEL_TEAM=acme\n";
	snprintf(settings_path, sizeof(settings_path), "/tmp/slipway-torture-XXXXXX");
	int fd = mkstemp(settings_path);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	prepare_settings();
	load();
	check_settings(false, "without a fault");
	ck_assert_ptr_nonnull(strstr(settings_whole, "SLIPWAY_EXECUTORS=3\n"));
	ck_assert_ptr_nonnull(strstr(settings_whole, "SLIPWAY_LOG_LEVEL=error\n"));
	ck_assert_ptr_nonnull(strstr(settings_whole, "SLIPWAY_ALLOW_LOOPBACK=yes\n"));
	ck_assert_ptr_nonnull(strstr(settings_whole, "SLIPWAY_VERCEL_TEAM=acme\n"));
	torture_all(&(struct torture){ "settings_load", prepare_settings, load, check_settings },
		FAULT_MALLOC);
	free(settings_whole);
	unlink(settings_path);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_requests_on_a_new_connection,
		test_requests_on_a_kept_connection, test_accept_without_descriptors,
		test_texts_without_memory, test_settings_without_memory, NULL };
	torture_begin();
	int status = suite_main("torture", tests, NULL, NULL);
	torture_end();
	return status;
}
