/*
 * Feeds whole HTTP responses, with their status line and headers, to calls of a provider and of any
 * URL, over a socket of this machine. There is a status, or an error in words that can be shown; a
 * body ends with a NUL where its length says; times and limits are within their bounds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "fuzz/claims.h"
#include "provider/provider.h"
#include "provider/providers.h"

#define INPUT_MAX  ((size_t)65536)
#define YEAR_10000 INT64_C(253402300800000)

static int listener;
static char base_url[64];
static struct http_client *client;
static struct settings settings;

/* What the peer answers. A connection that a call has left may get that of the next one. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char answer[INPUT_MAX];
static size_t answer_length;

/* ---- the peer ---- */

/* Up to the empty line behind its headers: none of these requests has a body. */
static void read_request(int connection)
{
	char bytes[8192];
	size_t length = 0;

	while (length + 1 < sizeof(bytes)) {
		ssize_t got = recv(connection, bytes + length, sizeof(bytes) - 1 - length, 0);
		if (got <= 0)
			return;
		length += (size_t)got;
		bytes[length] = '\0';
		if (strstr(bytes, "\r\n\r\n") != NULL)
			return;
	}
}

static void *serve(void *context)
{
	(void)context;
	for (;;) {
		int connection = accept(listener, NULL, NULL);
		if (connection < 0)
			continue;
		read_request(connection);
		pthread_mutex_lock(&lock);
		(void)send(connection, answer, answer_length, MSG_NOSIGNAL);
		pthread_mutex_unlock(&lock);
		close(connection);
	}
	return NULL;
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	struct error error;
	pthread_t thread;

	(void)count;
	(void)words;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLAIM(listener >= 0 && bind(listener, (const struct sockaddr *)&address, size) == 0 &&
			listen(listener, 8) == 0 &&
			getsockname(listener, (struct sockaddr *)&address, &size) == 0,
		"no socket");
	text_format(base_url, sizeof(base_url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	settings_init(&settings, SETTINGS_WORKER, providers_introduce());
	settings.allow_loopback = true;
	CLAIM(http_client_new(&client, &error) == ERROR_NONE, "%s", error.message);
	CLAIM(pthread_create(&thread, NULL, serve, NULL) == 0, "no thread");
	return 0;
}

/* ---- the calls ---- */

static void claim_response(const struct provider_response *response)
{
	CLAIM(response->status >= 100 && response->status <= 999, "status %d", response->status);
	CLAIM(response->body[response->body_length] == '\0', "the body has no end");
	CLAIM(response->date_at >= 0 && response->date_at < YEAR_10000, "date %lld",
		(long long)response->date_at);
	CLAIM(text_is_valid(response->code) && text_is_valid(response->message),
		"the code or the message is no UTF-8");
}

static void try_provider(const struct provider *provider)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct provider_access access = { .base_url = base_url, .token = "token-of-fuzzing" };
	struct credential_notice notice = { .expires_at = 0 };
	const struct provider_exchange exchange = { .client = client,
		.provider = provider,
		.access = &access,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + 5000,
		.settings = &settings,
		.notice = &notice };
	const struct provider_request request = {
		.path = "/repos/{owner}/{repo}", .parameters = { "acme", "docs" }, .expect = { 404 }
	};
	struct provider_response response;
	struct error error;

	if (provider_send(&exchange, &request, &response, &error) == ERROR_NONE) {
		claim_response(&response);
		CLAIM(response.status / 100 == 2 || response.status == 404, "status %d",
			response.status);
		return;
	}
	claim_error(&error);
	CLAIM(error.retry_after_ms >= 0 && error.retry_after_ms <= INT64_C(86400000),
		"to be tried in %lld ms", (long long)error.retry_after_ms);
}

static void try_url(void)
{
	CLEANUP_ARENA struct arena arena = ARENA_EMPTY;
	const struct provider_exchange exchange = { .client = client,
		.arena = &arena,
		.deadline_at = clock_monotonic_ms() + 5000,
		.settings = &settings };
	const struct url_request request = { .url = base_url, .body_max = 4096 };
	struct provider_response response;
	struct error error;

	if (url_send(&exchange, &request, &response, &error) != ERROR_NONE) {
		claim_error(&error);
		return;
	}
	claim_response(&response);
	CLAIM(response.body_length <= 4096, "%zu bytes", response.body_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return -1;
	pthread_mutex_lock(&lock);
	if (size > 0)
		memcpy(answer, data, size);
	answer_length = size;
	pthread_mutex_unlock(&lock);
	try_provider(&github);
	try_provider(&vercel);
	try_url();
	return 0;
}
