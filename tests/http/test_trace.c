/*
 * Records of exchanges: what stands in them, what never does, and that they harm nothing.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "harness/json_text.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "http/trace.h"
#include "provider/provider.h"

#define TOKEN  "ghs_token-that-only-the-provider-knows"
#define SECRET "a \"quoted\" secret\nof two lines"

static struct peer *peer;
static struct http_client *client;
static struct arena arena;
static struct error error;
static struct provider_response response;
static char folder[64], file_name[300], text[65536];
static int failures;

static void setup(void)
{
	unsetenv("http_proxy");
	arena_init(&arena, 0);
	peer = peer_start();
	failures = 0;
	snprintf(folder, sizeof(folder), "/tmp/slipway-record-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
	ck_assert_int_eq(redact_add(SECRET, &error), ERROR_NONE);
}

/* How many records there are; the name of the last that the folder gives is kept. */
static int count_records(void)
{
	int count = 0;
	DIR *listing = opendir(folder);
	ck_assert_ptr_nonnull(listing);
	for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file_name, sizeof(file_name), "%s", entry->d_name);
		count++;
	}
	closedir(listing);
	return count;
}

static const char *path_of_record(void)
{
	return arena_format(&arena, "%s/%s", folder, file_name);
}

static void teardown(void)
{
	while (count_records() > 0)
		unlink(path_of_record());
	rmdir(folder);
	http_client_free(client);
	peer_stop(peer);
	redact_forget(0);
	arena_release(&arena);
}

static void on_failed(const char *event, const struct error *failed)
{
	failures++;
	ck_assert_ptr_nonnull(strstr(event, "not recorded"));
	error = *failed;
}

/* Paths of these tests, of which no provider has a row. */
static const struct call_row any_calls[] = {
	{ CALL(GET, "/thing") },
	{ CALL(DELETE, "/thing") },
	{ CALL_OF(POST, "/projects/{id}/env", NAMES_PROJECT) },
	{ .path = NULL },
};

static enum error_class send_to(
	const struct provider *provider, const struct provider_request *request)
{
	const struct provider_access access = { .base_url = peer_url(peer), .token = TOKEN };
	const struct settings settings = { .allow_loopback = true, .record_folder = folder };
	struct error own;
	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = &access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.calls = any_calls,
		.settings = &settings,
		.record_failed = on_failed };
	return provider_send(&exchange, request, &response, &own);
}

/* The only record there is, which then is gone. */
static cJSON *take_record(void)
{
	cJSON *json;
	ck_assert_int_eq(count_records(), 1);
	FILE *file = fopen(path_of_record(), "r");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	ck_assert_msg(json_parse(text, length, JSON_LIMITS_WIDE, &json, &error) == ERROR_NONE,
		"%s: %s", error.message, text);
	unlink(path_of_record());
	return json;
}

static cJSON *record_answer(
	const struct provider *provider, int status, const char *headers, const char *body)
{
	const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/thing",
			.status = status,
			.headers = headers,
			.body = body },
		{ .method = NULL },
	};
	const struct provider_request request = { .path = "/thing", .expect = { 404, 500 } };
	peer_set(peer, rows);
	ck_assert_int_eq(send_to(provider, &request), ERROR_NONE);
	return take_record();
}

struct variable {
	const char *key, *value, *note;
};
static const struct field variable_fields[] = {
	{ STRING_FIELD("key", struct variable, key) },
	{ STRING_FIELD("encrypted_value", struct variable, value) },
	{ STRING_FIELD("comment", struct variable, note) },
};
static const struct record variable_record = RECORD(struct variable, variable_fields);

START_TEST(test_whole_exchange)
{
	const struct peer_row rows[] = {
		{ "POST", "/projects/a%2Fb/env", .status = 201,
			.body = "{'id':7,'made':[true,null]}",
			.headers =
				"x-vercel-id: fra1::7\nRetry-After: 3\nx-ratelimit-remaining: 12" },
		{ .method = NULL },
	};
	const struct variable body[] = { { "ONE", "hidden", "first" },
		{ "TWO", "hidden", "of " SECRET } };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/projects/{id}/env",
		.parameters = { "a/b" },
		.query = { { "upsert", "true" } },
		.body_record = &variable_record,
		.body = body,
		.body_count = 2 };
	peer_set(peer, rows);
	int64_t before = clock_wall_ms();
	ck_assert_int_eq(send_to(&vercel, &request), ERROR_NONE);
	cJSON *json = take_record();
	int64_t at = clock_parse(json_member_string(json, "at"));
	/* It is the end less what it took, each cut to a millisecond. */
	ck_assert_int_ge(at, before - 1);
	ck_assert_int_le(at, clock_wall_ms());
	ck_assert_str_eq(json_member_string(json, "provider"), "vercel");
	ck_assert_str_eq(json_member_string(json, "method"), "POST");
	ck_assert_str_eq(json_member_string(json, "url"),
		arena_format(&arena, "%s/projects/a%%2Fb/env?upsert=true", peer_url(peer)));
	ck_assert_str_eq(json_print(&arena, json_member(json, "requestHeaders")),
		J("{'Accept':'application/json','Content-Type':'application/json'}"));
	ck_assert_str_eq(json_print(&arena, json_member(json, "requestBody")),
		J("[{'key':'***','encrypted_value':'***','comment':'first'},"
		  "{'key':'***','encrypted_value':'***','comment':'of "
		  "******************************'}]"));
	ck_assert_double_eq(json_member(json, "status")->valuedouble, 201);
	ck_assert_str_eq(json_print(&arena, json_member(json, "responseHeaders")),
		J("{'retry-after':3,'x-ratelimit-remaining':12}"));
	ck_assert_str_eq(json_member_string(json, "requestId"), "fra1::7");
	ck_assert_str_eq(json_print(&arena, json_member(json, "responseBody")),
		J("{'id':7,'made':[true,null]}"));
	ck_assert(cJSON_IsNumber(json_member(json, "tookMs")));
	cJSON_Delete(json);
	/* What was sent is not what is recorded. */
	ck_assert_ptr_nonnull(
		strstr(peer_last(peer, "POST", "/projects/a%2Fb/env").body, "hidden"));
}
END_TEST

START_TEST(test_secret_members_are_cut)
{
	static const char *const bodies[][2] = {
		{ "{\"token\":\"ghs_new\",\"expires_at\":\"x\"}",
			"{\"token\":\"***\",\"expires_at\":\"x\"}" },
		{ "{\"a\":[{\"b\":{\"Secret\":[1,2],\"c\":1}}]}",
			"{\"a\":[{\"b\":{\"Secret\":\"***\",\"c\":1}}]}" },
		{ "{\"value\":{\"of\":\"it\"},\"value2\":5}", "{\"value\":\"***\",\"value2\":5}" },
		{ "{\"key\":123456,\"encrypted_value\":null}",
			"{\"key\":\"***\",\"encrypted_value\":null}" },
		{ "{\"temp_clone_token\":\"A\",\"privateKey\":\"B\"}",
			"{\"temp_clone_token\":\"***\",\"privateKey\":\"***\"}" },
		{ "{\"keys\":1,\"tokens\":2,\"keyId\":\"k\"}",
			"{\"keys\":1,\"tokens\":2,\"keyId\":\"k\"}" },
		{ "\"text\"", "\"text\"" },
		{ "[]", "[]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		cJSON *json = record_answer(&github, 200, NULL, bodies[i][0]);
		ck_assert_str_eq(
			json_print(&arena, json_member(json, "responseBody")), bodies[i][1]);
		cJSON_Delete(json);
	}
}
END_TEST

/* Beside the members that are secret whoever sends them. */
START_TEST(test_secret_members_of_a_provider_are_cut)
{
	static const char *const bodies[][2] = {
		{ "{\"protectionBypass\":{\"s3cr3t\":{\"scope\":\"x\"}}}",
			"{\"protectionBypass\":\"***\"}" },
		{ "{\"link\":{\"DeployHooks\":[{\"url\":\"x\"}]},\"token\":\"x\"}",
			"{\"link\":{\"DeployHooks\":\"***\"},\"token\":\"***\"}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		cJSON *json = record_answer(&vercel, 200, NULL, bodies[i][0]);
		ck_assert_str_eq(
			json_print(&arena, json_member(json, "responseBody")), bodies[i][1]);
		cJSON_Delete(json);
	}
}
END_TEST

START_TEST(test_secrets_are_cut_by_value)
{
	static const char *const bodies[] = {
		"{\"message\":\"no a \\\"quoted\\\" secret\\nof two lines here\"}",
		"{\"a \\\"quoted\\\" secret\\nof two lines\":1}",
		"no JSON: " SECRET,
		"{\"message\":\"you sent " TOKEN "\"}",
		"bad token " TOKEN "!",
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		cJSON *json = record_answer(
			&github, 404, "x-accepted-github-permissions: " TOKEN, bodies[i]);
		ck_assert_msg(
			strstr(text, "quoted") == NULL && strstr(text, TOKEN) == NULL, "%s", text);
		ck_assert_ptr_nonnull(strstr(text, "*****"));
		ck_assert_ptr_null(strcasestr(text, "authorization"));
		cJSON_Delete(json);
	}
	/* What one record added to the known secrets is not kept. */
	ck_assert_uint_eq(redact_count(), 1);
}
END_TEST

START_TEST(test_any_bytes_give_json)
{
	static const char *const bodies[][2] = {
		{ "", "null" },
		{ "<h1>gr\xc3\xbc\xc3\x9f</h1>", "\"<h1>gr\xc3\xbc\xc3\x9f</h1>\"" },
		{ "a\xff\xc3z\x01\xc3", "\"a??z\\u0001?\"" },
		{ "{\"a\":1,\"a\":2}", "\"(left out: 13 bytes that are no valid JSON)\"" },
		{ " [{\"value\":\"s3cr3t\"}", "\"(left out: 20 bytes that are no valid JSON)\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		cJSON *json = record_answer(&vercel, 500, NULL, bodies[i][0]);
		ck_assert_str_eq(
			json_print(&arena, json_member(json, "responseBody")), bodies[i][1]);
		cJSON_Delete(json);
	}
}
END_TEST

START_TEST(test_no_answer_is_recorded_too)
{
	const struct peer_row rows[] = {
		{ .method = "DELETE", .path = "/thing", .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	const struct provider_request request = { .method = HTTP_DELETE, .path = "/thing" };
	peer_set(peer, rows);
	ck_assert_int_eq(send_to(&github, &request), ERROR_NETWORK);
	cJSON *json = take_record();
	ck_assert_double_eq(json_member(json, "status")->valuedouble, 0);
	const char *named =
		arena_format(&arena, "DELETE %s/thing", peer_url(peer) + strlen("http://"));
	ck_assert_ptr_nonnull(strstr(json_member_string(json, "error"), named));
	ck_assert(cJSON_IsNull(json_member(json, "requestBody")));
	ck_assert(cJSON_IsNull(json_member(json, "responseBody")));
	cJSON_Delete(json);
}
END_TEST

START_TEST(test_files)
{
	const struct peer_row rows[] = { { "GET", "/thing", .status = 200, .body = "{}" },
		{ .method = NULL } };
	const struct provider_request request = { .path = "/thing" };
	struct stat status;
	int day, milliseconds, pid, sequence, end = 0;
	peer_set(peer, rows);
	umask(0);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(send_to(&github, &request), ERROR_NONE);
		ck_assert_int_eq(count_records(), i);
	}
	ck_assert_int_eq(stat(path_of_record(), &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	ck_assert_int_eq(sscanf(file_name, "%8dT%*6d.%3dZ-%d-%6d.json%n", &day, &milliseconds, &pid,
				 &sequence, &end),
		4);
	ck_assert_int_eq(pid, (int)getpid());
	ck_assert_uint_eq((size_t)end, strlen(file_name));
}
END_TEST

START_TEST(test_what_cannot_be_written_harms_nothing)
{
	const struct peer_row rows[] = { { "GET", "/thing", .status = 200, .body = "{}" },
		{ .method = NULL } };
	const struct provider_request request = { .path = "/thing" };
	char there[sizeof(folder)];
	peer_set(peer, rows);
	snprintf(there, sizeof(there), "%s", folder);
	snprintf(folder, sizeof(folder), "%s", "/nowhere/to/be/found");
	ck_assert_int_eq(send_to(&github, &request), ERROR_NONE);
	ck_assert_int_eq(response.status, 200);
	ck_assert_int_eq(failures, 1);
	ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/to/be/found/"));
	ck_assert_ptr_nonnull(strstr(error.message, "No such file"));
	ck_assert_ptr_nonnull(strstr(error.message, "SLIPWAY_RECORD"));
	snprintf(folder, sizeof(folder), "%s", there);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_whole_exchange, test_secret_members_are_cut,
		test_secret_members_of_a_provider_are_cut, test_secrets_are_cut_by_value,
		test_any_bytes_give_json, test_no_answer_is_recorded_too, test_files,
		test_what_cannot_be_written_harms_nothing, NULL };
	return suite_main("records of exchanges", tests, setup, teardown);
}
