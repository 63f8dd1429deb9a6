/*
 * What is left of a token in the memory of a process that has sent it: nothing.
 *
 * covers: src/http/client.c
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/suite.h"
#include "http/client.h"

#define LENGTH 40
#define MASK   0x5A

static struct error error;

/* A process of its own, for what it receives is not to stand in ours: answers two requests. */
static pid_t start_server(int listener)
{
	static const char response[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
	pid_t child = fork();
	if (child != 0)
		return child;
	for (int i = 0; i < 2; i++) {
		char bytes[4096];
		int peer = accept(listener, NULL, NULL);
		if (read(peer, bytes, sizeof(bytes)) <= 0 ||
			write(peer, response, sizeof(response) - 1) < 0)
			_exit(1);
		shutdown(peer, SHUT_WR);
		close(peer);
	}
	_exit(0);
}

static int listen_somewhere(char url[64])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	snprintf(url, 64, "http://127.0.0.1:%d/", ntohs(address.sin_port));
	return listener;
}

/* Sends the masked token in a header and in a body, from texts that are wiped then. */
static void send_token(const char *url, const char masked[LENGTH])
{
	struct http_client *client;
	char header[LENGTH + 32] = "Authorization: Bearer ", body[LENGTH + 32] = "{\"value\":\"";
	size_t begin = strlen(header), body_begin = strlen(body);
	for (size_t i = 0; i < LENGTH; i++) {
		header[begin + i] = (char)(masked[i] ^ MASK);
		body[body_begin + i] = header[begin + i];
	}
	memcpy(body + body_begin + LENGTH, "\"}", 3);
	ck_assert_int_eq(http_client_new(&client, &error), ERROR_NONE);
	const struct http_request requests[] = {
		{ .method = HTTP_GET, .url = url, .headers = { header }, .allow_loopback = true },
		{ .method = HTTP_POST,
			.url = url,
			.headers = { header },
			.body = body,
			.allow_loopback = true },
	};
	for (size_t i = 0; i < 2; i++) {
		struct http_request request = requests[i];
		struct http_response response;
		request.deadline_at = clock_monotonic_ms() + PATIENCE_MS;
		ck_assert_msg(http_send(client, &request, &response, &error) == ERROR_NONE, "%s",
			error.message);
		ck_assert_int_eq(response.status, 200);
		http_response_release(&response);
	}
	http_client_free(client);
	explicit_bzero(header, sizeof(header));
	explicit_bzero(body, sizeof(body));
}

__attribute__((no_sanitize("address"))) static bool is_token(
	const char *bytes, const char masked[LENGTH])
{
	for (size_t i = 0; i < LENGTH / 2; i++)
		if ((bytes[i] ^ MASK) != masked[i])
			return false;
	return true;
}

/* Larger ones are a sanitizer's own, and not all there */
#define MAPPING_MAX ((unsigned long)1 << 30)

/* How often half of the token stands in what the process may write to, but for the stack, which is
 * in use. */
__attribute__((no_sanitize("address"))) static size_t count_tokens(const char masked[LENGTH])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	size_t count = 0;
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long begin, end;
		char rights[8];
		if (sscanf(line, "%lx-%lx %7s", &begin, &end, rights) != 3 ||
			strncmp(rights, "rw", 2) != 0 || strstr(line, "[stack]") != NULL ||
			end - begin > MAPPING_MAX)
			continue;
		for (const char *at = (const char *)begin; at + LENGTH < (const char *)end; at++)
			count += is_token(at, masked) ? 1 : 0;
	}
	fclose(maps);
	return count;
}

START_TEST(test_no_token_is_left_in_memory)
{
	char url[64];
	char masked[LENGTH];
	int listener = listen_somewhere(url);
	unsetenv("http_proxy");
	pid_t server = start_server(listener);
	for (size_t i = 0; i < LENGTH; i++)
		masked[i] = (char)(('a' + randombytes_uniform(26)) ^ MASK);
	send_token(url, masked);
	ck_assert_uint_eq(count_tokens(masked), 0);
	/* It is found where it is there. */
	char *there = malloc(LENGTH + 1);
	for (size_t i = 0; i < LENGTH; i++)
		there[i] = (char)(masked[i] ^ MASK);
	ck_assert_uint_eq(count_tokens(masked), 1);
	free(there);
	int status;
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_no_token_is_left_in_memory, NULL };
	return suite_main("memory", tests, NULL, NULL);
}
