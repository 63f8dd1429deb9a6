/*
 * The door to libcurl: limits, redirects, addresses.
 *
 * covers: src/http/client.c src/http/url.c src/http/response.c
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "harness/json_text.h"
#include "harness/peer.h"
#include "harness/suite.h"
#include "http/client.h"
#include "http/url.h"

static struct peer *peer, *other;
static struct http_client *client;
static struct arena arena;
static struct error error;
static struct http_response response;

static void setup(void)
{
	unsetenv("http_proxy");
	arena_init(&arena, 0);
	peer = peer_start();
	other = peer_start();
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
}

static void teardown(void)
{
	http_client_free(client);
	peer_stop(peer);
	peer_stop(other);
	arena_release(&arena);
}

static const char *at(const char *path)
{
	return arena_format(&arena, "%s%s", peer_url(peer), path);
}

static enum error_class send_within(
	int64_t milliseconds, enum http_method method, const char *url, const char *body)
{
	const struct http_request request = { .method = method,
		.url = url,
		.headers = { "Authorization: Bearer secret" },
		.kept_headers = { "x-github-request-id", "x-not-sent" },
		.body = body,
		.deadline_at = clock_monotonic_ms() + milliseconds,
		.allow_loopback = true };
	return http_send(client, &request, &response, &error);
}

static enum error_class send_method(enum http_method method, const char *url, const char *body)
{
	return send_within(PATIENCE_MS, method, url, body);
}

START_TEST(test_gets_body_status_and_headers)
{
	static const struct peer_row rows[] = {
		{ .method = "GET",
			.path = "/a",
			.status = 200,
			.body = "hello",
			.headers =
				"Retry-After: 7\nx-ratelimit-remaining: 0\nx-ratelimit-reset: "
				"1795567499\n"
				"Date: Tue, 24 Nov 2026 23:44:59 GMT\nx-github-request-id: ABC:1\n"
				"x-not-asked-for: contents=write" },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_NONE);
	ck_assert_int_eq(response.status, 200);
	ck_assert_str_eq(buffer_text(&response.body), "hello");
	ck_assert_int_eq(response.retry_after_ms, 7000);
	ck_assert_int_eq(response.limit_remaining, 0);
	ck_assert_int_gt(response.limit_reset_ms, 0);
	ck_assert_str_eq(http_response_header(&response, "x-github-request-id"), "ABC:1");
	ck_assert_str_eq(http_response_header(&response, "x-not-sent"), "");
	ck_assert_str_eq(http_response_header(&response, "x-not-asked-for"), "");
	ck_assert_str_eq(http_response_header(&response, NULL), "");
	ck_assert(!response.redirected);
	http_response_release(&response);
	struct peer_request request = peer_last(peer, "GET", "/a");
	ck_assert_ptr_nonnull(strstr(request.user_agent, "slipway/"));
}
END_TEST

START_TEST(test_absent_limit_headers_are_not_zero)
{
	static const struct peer_row rows[] = { { .method = "GET", .path = "/a", .status = 200 },
		{ .method = NULL } };
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_NONE);
	ck_assert_int_eq(response.limit_remaining, -1);
	ck_assert_int_eq(response.retry_after_ms, 0);
	http_response_release(&response);
}
END_TEST

/* Then the reset is compared with our clock: within its day. */
START_TEST(test_a_date_of_no_year_of_http_is_none)
{
	static const struct {
		const char *date;
		int64_t date_at;
	} cases[] = { { "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799000) },
		{ "Sat, 01 Jan 10000 00:00:00 GMT", 0 }, { "Thu, 01 Jan 19700 00:00:00 GMT", 0 },
		{ "Thu, 01 Jan 1970 00:00:01 GMT", 1000 }, { "Wed, 31 Dec 1969 23:00:00 GMT", 0 },
		{ "tomorrow", 0 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct peer_row rows[] = {
			{ .method = "GET",
				.path = "/a",
				.status = 200,
				.headers = arena_format(&arena,
					"x-ratelimit-reset: 253402300800\nDate: %s",
					cases[i].date) },
			{ .method = NULL },
		};
		peer_set(peer, rows);
		ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_NONE);
		ck_assert_msg(response.date_at == cases[i].date_at, "%s: %" PRId64, cases[i].date,
			response.date_at);
		ck_assert_int_eq(response.limit_reset_ms, i == 0 ? 1000 : 86400000);
		http_response_release(&response);
	}
}
END_TEST

/* ---- a peer that writes what MHD would not ---- */

/* A process of its own that answers each request with the next response, waits on one connection
 * until that ends, and exits with how many it has taken. */
static pid_t start_writer(char url[64], const char *const *responses, size_t count)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	char bytes[4096];
	int listener = socket(AF_INET, SOCK_STREAM, 0), connection = -1, taken = 0;
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	text_format(url, 64, "http://127.0.0.1:%d/", ntohs(address.sin_port));
	pid_t child = fork();
	if (child != 0) {
		close(listener);
		return child;
	}
	for (size_t i = 0; i < count; i++) {
		ssize_t got = connection >= 0 ? read(connection, bytes, sizeof(bytes)) : 0;
		while (got <= 0) {
			close(connection);
			connection = accept(listener, NULL, NULL);
			taken++;
			got = read(connection, bytes, sizeof(bytes));
		}
		if (write(connection, responses[i], strlen(responses[i])) < 0)
			_exit(0);
	}
	_exit(taken);
}

/* Such a line goes on where there is one before: what a handle remembered of the response before
 * was taken for it. Else all come over one connection. */
START_TEST(test_a_first_header_that_begins_with_a_blank_belongs_to_none)
{
	static const struct {
		const char *response, *id;
		enum error_class class;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx-github-request-id: A\r\n\r\na", "A",
			ERROR_NONE },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nx-github-request-id: B\r\n C\r\n\r\na",
			"B C", ERROR_NONE },
		{ "HTTP/1.1 200 OK\r\n x: y\r\nContent-Length: 1\r\n\r\na", "", ERROR_NETWORK },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "", ERROR_NONE },
	};
	const char *responses[ARRAY_LEN(cases)];
	char url[64];
	int status;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		responses[i] = cases[i].response;
	pid_t writer = start_writer(url, responses, ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(send_method(HTTP_GET, url, NULL), cases[i].class);
		if (cases[i].class != ERROR_NONE)
			continue;
		ck_assert_str_eq(buffer_text(&response.body), "a");
		ck_assert_str_eq(
			http_response_header(&response, "x-github-request-id"), cases[i].id);
		http_response_release(&response);
	}
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	/* The third response ended the first. */
	ck_assert_int_eq(WEXITSTATUS(status), 2);
}
END_TEST

START_TEST(test_a_status_of_no_three_digits_is_no_response)
{
	static const char *const line = "HTTP/2036854775\x80 307 x\r\nContent-Length: 1\r\n\r\na";
	char url[64];
	int status;
	pid_t writer = start_writer(url, &line, 1);
	ck_assert_int_eq(send_method(HTTP_GET, url, NULL), ERROR_NETWORK);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

START_TEST(test_methods_and_bodies_arrive)
{
	static const struct peer_row rows[] = {
		{ .method = "POST", .path = "/a", .status = 201 },
		{ .method = "PUT", .path = "/a", .status = 204 },
		{ .method = "PATCH", .path = "/a", .status = 200 },
		{ .method = "DELETE", .path = "/a", .status = 204 },
		{ .method = NULL },
	};
	static const struct {
		enum http_method method;
		const char *name, *body;
		int status;
	} cases[] = {
		{ HTTP_POST, "POST", "{\"a\":1}", 201 },
		{ HTTP_POST, "POST", NULL, 201 },
		{ HTTP_PUT, "PUT", NULL, 204 },
		{ HTTP_PATCH, "PATCH", "{}", 200 },
		{ HTTP_DELETE, "DELETE", NULL, 204 },
	};
	peer_set(peer, rows);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(send_method(cases[i].method, at("/a"), cases[i].body), ERROR_NONE);
		ck_assert_int_eq(response.status, cases[i].status);
		struct peer_request request = peer_last(peer, cases[i].name, "/a");
		ck_assert_str_eq(request.body, cases[i].body != NULL ? cases[i].body : "");
		http_response_release(&response);
	}
}
END_TEST

START_TEST(test_redirects_keep_method_and_body_on_the_same_host)
{
	const char *to_b = arena_format(&arena, "Location: %s/b", peer_url(peer));
	const struct peer_row rows[] = {
		{ .method = "GET", .path = "/a", .status = 301, .headers = "Location: /b" },
		{ .method = "POST", .path = "/a", .status = 307, .headers = to_b },
		{ .method = "GET", .path = "/b", .status = 200, .body = "got" },
		{ .method = "POST", .path = "/b", .status = 201, .body = "made" },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_NONE);
	ck_assert_str_eq(buffer_text(&response.body), "got");
	ck_assert(response.redirected);
	http_response_release(&response);
	ck_assert_int_eq(send_method(HTTP_POST, at("/a"), J("{'x':1}")), ERROR_NONE);
	ck_assert_int_eq(response.status, 201);
	http_response_release(&response);
	struct peer_request request = peer_last(peer, "POST", "/b");
	ck_assert_str_eq(request.body, J("{'x':1}"));
	ck_assert_str_eq(request.authorization, "Bearer secret");
}
END_TEST

START_TEST(test_writes_do_not_follow_301)
{
	static const struct peer_row rows[] = {
		{ .method = "POST", .path = "/a", .status = 301, .headers = "Location: /b" },
		{ .method = "POST", .path = "/b", .status = 201 },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_POST, at("/a"), "{}"), ERROR_NONE);
	ck_assert_int_eq(response.status, 301);
	ck_assert_uint_eq(peer_count(peer, "POST", "/b"), 0);
	http_response_release(&response);
}
END_TEST

START_TEST(test_no_redirect_to_another_host)
{
	const char *away = arena_format(&arena, "Location: %s/b", peer_url(other));
	const struct peer_row rows[] = {
		{ .method = "GET", .path = "/a", .status = 302, .headers = away },
		{ .method = "POST", .path = "/a", .status = 307, .headers = away },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_NONE);
	ck_assert_int_eq(response.status, 302);
	http_response_release(&response);
	ck_assert_int_eq(send_method(HTTP_POST, at("/a"), "{}"), ERROR_NONE);
	ck_assert_int_eq(response.status, 307);
	http_response_release(&response);
	ck_assert_uint_eq(peer_count(other, NULL, NULL), 0);
}
END_TEST

START_TEST(test_redirects_end_after_three)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/a", .status = 302, .headers = "Location: /a" },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_NONE);
	ck_assert_int_eq(response.status, 302);
	ck_assert_uint_eq(peer_count(peer, "GET", "/a"), 4);
	http_response_release(&response);
}
END_TEST

/* Where the time was over before the request was sent, once more: that is told as another error. */
START_TEST(test_hanging_answer_ends_at_the_deadline)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/slow", .behaviour = PEER_HANGS }, { .method = NULL }
	};
	int64_t begun;
	enum error_class class;
	peer_set(peer, rows);
	do {
		begun = clock_monotonic_ms();
		class = send_within(1000, HTTP_GET, at("/slow?token=hidden"), NULL);
	} while (class == ERROR_NETWORK && peer_count(peer, "GET", "/slow") == 0);
	ck_assert_int_eq(class, ERROR_TIMEOUT);
	ck_assert_int_lt(clock_monotonic_ms() - begun, 30000);
	char named[100];
	snprintf(named, sizeof(named), "GET %s/slow:", peer_url(peer) + strlen("http://"));
	ck_assert_ptr_nonnull(strstr(error.message, named));
	ck_assert_ptr_null(strstr(error.message, "hidden"));
}
END_TEST

START_TEST(test_cut_and_dropped_answers_are_network_errors)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/cut", .status = 200, .behaviour = PEER_CUTS },
		{ .method = "POST", .path = "/drop", .status = 200, .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_eq(send_method(HTTP_GET, at("/cut"), NULL), ERROR_NETWORK);
	ck_assert_int_eq(send_method(HTTP_POST, at("/drop"), "{}"), ERROR_NETWORK);
	ck_assert_uint_eq(peer_count(peer, "POST", "/drop"), 1);
}
END_TEST

START_TEST(test_closed_port_is_a_network_error)
{
	ck_assert_int_eq(send_method(HTTP_GET, "http://127.0.0.1:1/", NULL), ERROR_NETWORK);
}
END_TEST

START_TEST(test_answer_is_bounded)
{
	static const struct peer_row rows[] = {
		{ .method = "GET", .path = "/big", .status = 200, .behaviour = PEER_OVERFLOWS },
		{ .method = NULL },
	};
	peer_set(peer, rows);
	ck_assert_int_ne(send_method(HTTP_GET, at("/big"), NULL), ERROR_NONE);
	ck_assert_ptr_nonnull(strstr(error.message, "larger than"));
}
END_TEST

START_TEST(test_refuses_urls)
{
	static const char *const bad[] = { "", "nothing", "/path", "ftp://example.org/",
		"file:///etc/passwd", "http://example.org/", "https://user:password@example.org/",
		"https://user@example.org/", "gopher://x", "http://127.0.0.1.example.org/",
		"https://" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(send_method(HTTP_GET, bad[i], NULL) == ERROR_INVALID_INPUT,
			"accepted: %s", bad[i]);
}
END_TEST

START_TEST(test_plain_http_to_loopback_needs_permission)
{
	const struct http_request request = { .url = at("/a"),
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS };
	ck_assert_int_eq(http_send(client, &request, &response, &error), ERROR_INVALID_INPUT);
	ck_assert_uint_eq(peer_count(peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_urls_from_inputs_reach_no_private_address)
{
	static const char *const bad[] = { "https://127.0.0.1/", "https://localhost/",
		"https://[::1]/", "https://10.0.0.1/", "https://192.168.1.1/",
		"https://172.16.0.1/", "https://169.254.169.254/latest/meta-data",
		"https://0.0.0.0/", "https://100.64.0.1/", "https://[fe80::1]/",
		"https://[fd00::1]/", "https://[::ffff:127.0.0.1]/", "https://2130706433/",
		"https://0x7f.1/", "https://[64:ff9b::a00:1]/", "https://[64:ff9b:1::1]/",
		"https://[2002:a00:1::1]/", "https://[2001::1]/", "https://[fec0::1]/",
		"https://[fd00:ec2::254]/", "https://198.18.0.1/", "https://192.0.0.192/" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct http_request request = { .url = bad[i],
			.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
			.reach = HTTP_REACH_PUBLIC };
		enum error_class class = http_send(client, &request, &response, &error);
		ck_assert_msg(class == ERROR_INVALID_INPUT, "%s: %d %s", bad[i], (int)class,
			error.message);
	}
}
END_TEST

/* For development: this machine, and no other in its network. */
START_TEST(test_permission_for_loopback_opens_no_private_network)
{
	const struct http_request private = { .url = "https://192.168.1.1/",
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.reach = HTTP_REACH_PUBLIC,
		.allow_loopback = true };
	ck_assert_int_eq(http_send(client, &private, &response, &error), ERROR_INVALID_INPUT);
	static const struct peer_row rows[] = { { "GET", "/a", .status = 200, .body = "{}" },
		{ .method = NULL } };
	peer_set(peer, rows);
	const struct http_request loopback = { .url = at("/a"),
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.reach = HTTP_REACH_PUBLIC,
		.allow_loopback = true };
	ck_assert_int_eq(http_send(client, &loopback, &response, &error), ERROR_NONE);
	http_response_release(&response);
}
END_TEST

START_TEST(test_url_is_put_together)
{
	const char *url;
	const struct string_pair team = { "slug", "a&b" };
	struct provider_request request = { .path = "/repos/{owner}/{repo}/branches/{branch}",
		.parameters = { "acme", "docs", "feature/a b" },
		.query = { { "limit", "20" }, { "skipped", NULL }, { "sha", "1+1" } } };
	ck_assert_int_eq(
		url_build("https://ghe.example.org/api/v3/", &request, &team, &arena, &url, &error),
		ERROR_NONE);
	ck_assert_str_eq(url,
		"https://ghe.example.org/api/v3/repos/acme/docs/branches/feature%2Fa%20b"
		"?limit=20&sha=1%2B1&slug=a%26b");
	static const char *const bad[] = { NULL, "", ".", ".." };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		request.parameters[1] = bad[i];
		ck_assert_int_eq(url_build("https://x", &request, NULL, &arena, &url, &error),
			ERROR_INVALID_INPUT);
	}
}
END_TEST

/* ---- the guard ---- */

/* What the guard was asked: "w" a request that changes something, "r" one that only reads, "." the
 * end of one. */
struct asked {
	char letters[16];
	bool refuses;
};

static bool on_begin(void *context, bool changes)
{
	struct asked *asked = context;
	text_append(asked->letters, sizeof(asked->letters), changes ? "w" : "r");
	return !asked->refuses;
}

static void on_end(void *context)
{
	struct asked *asked = context;
	text_append(asked->letters, sizeof(asked->letters), ".");
}

static bool never(void *context)
{
	(void)context;
	return false;
}

START_TEST(test_a_guard_knows_what_is_under_way)
{
	static const struct peer_row rows[] = {
		{ .method = "POST", .path = "/old", .status = 307, .headers = "Location: /new" },
		{ .method = "POST", .path = "/new", .status = 201 },
		{ .method = "GET", .path = "/new", .status = 200 },
		{ .method = NULL },
	};
	struct asked asked = { .letters = "" };
	const struct http_guard guard = { .begin = on_begin, .end = on_end, .context = &asked };

	peer_set(peer, rows);
	http_client_guard(client, &guard);
	ck_assert_int_eq(send_method(HTTP_POST, at("/old"), "{}"), ERROR_NONE);
	http_response_release(&response);
	ck_assert_int_eq(send_method(HTTP_GET, at("/new"), NULL), ERROR_NONE);
	http_response_release(&response);
	ck_assert_str_eq(asked.letters, "w.w.r.");
}
END_TEST

START_TEST(test_what_a_guard_refuses_is_not_sent)
{
	static const struct peer_row rows[] = { { .method = NULL } };
	struct asked asked = { .refuses = true };
	const struct http_guard refuses = { .begin = on_begin, .end = on_end, .context = &asked };
	static const struct http_guard aborts = { .may_go_on = never };

	peer_set(peer, rows);
	http_client_guard(client, &refuses);
	ck_assert_int_eq(send_method(HTTP_POST, at("/a"), "{}"), ERROR_LEASE_LOST);
	ck_assert_str_eq(asked.letters, "w.");
	ck_assert(error.unsent);
	http_client_guard(client, &aborts);
	ck_assert_int_eq(send_method(HTTP_GET, at("/a"), NULL), ERROR_LEASE_LOST);
	ck_assert(error.unsent);
	peer_settle(peer);
	ck_assert_uint_eq(peer_count(peer, NULL, NULL), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_gets_body_status_and_headers,
		test_absent_limit_headers_are_not_zero, test_a_date_of_no_year_of_http_is_none,
		test_a_first_header_that_begins_with_a_blank_belongs_to_none,
		test_a_status_of_no_three_digits_is_no_response, test_methods_and_bodies_arrive,
		test_redirects_keep_method_and_body_on_the_same_host, test_writes_do_not_follow_301,
		test_no_redirect_to_another_host, test_redirects_end_after_three,
		test_hanging_answer_ends_at_the_deadline,
		test_cut_and_dropped_answers_are_network_errors,
		test_closed_port_is_a_network_error, test_answer_is_bounded, test_refuses_urls,
		test_plain_http_to_loopback_needs_permission,
		test_urls_from_inputs_reach_no_private_address,
		test_permission_for_loopback_opens_no_private_network, test_url_is_put_together,
		test_a_guard_knows_what_is_under_way, test_what_a_guard_refuses_is_not_sent, NULL };
	return suite_main("http client", tests, setup, teardown);
}
