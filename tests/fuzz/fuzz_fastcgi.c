/*
 * Feeds FastCGI records to the loop over connections, which a thread of this process serves through
 * libfcgi, and reads what comes back by a reader of its own. Where the first bit is 0, the bytes go
 * as they are: whatever they are, what comes back are whole records. Else they are the texts of a
 * request, cut into records of the length that the other bits say: the handler gets exactly these,
 * and its response comes back whole. The writer for requests that were held writes the same.
 */
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/fastcgi.h"
#include "api/records.h"
#include "base/text.h"
#include "fuzz/claims.h"

#define INPUT_MAX   ((size_t)32768)
#define BYTES_MAX   ((size_t)1 << 20)
#define FCGI_BEGIN  1
#define FCGI_END    3
#define FCGI_PARAMS 4
#define FCGI_STDIN  5
#define FCGI_STDOUT 6
#define REQUEST     0x1234
#define KEEP        1

/* What the handler has got last; the other side reads it when the connection has ended. */
static struct {
	size_t count;
	char method[64], path[512];
	struct buffer query, body;
} seen;

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener;

/* ---- the server ---- */

static void handle(void *context, const struct request *request, struct response *response)
{
	(void)context;
	seen.count++;
	text_copy(seen.method, sizeof(seen.method), request->method);
	text_copy(seen.path, sizeof(seen.path), request->path);
	buffer_release(&seen.query);
	buffer_release(&seen.body);
	buffer_init(&seen.query, BYTES_MAX);
	buffer_init(&seen.body, BYTES_MAX);
	CLAIM(buffer_append_string(&seen.query, request->query) &&
			buffer_append(&seen.body, request->body, request->body_length),
		"no room");
	response->status = 200;
	response->content_type = "text/plain";
	CLAIM(buffer_append(&response->body, request->body, request->body_length), "no room");
}

static void *serve(void *context)
{
	struct loop *loop = NULL;
	struct error error;

	(void)context;
	CLAIM(loop_new(&loop, &error) == ERROR_NONE, "%s", error.message);
	CLAIM(fastcgi_serve(loop, NULL, listener, handle, NULL, &error) == ERROR_NONE, "%s",
		error.message);
	return NULL;
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
	pthread_t thread;
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)count;
	(void)words;
	CLAIM(sodium_init() >= 0, "no libsodium");
	sigaction(SIGPIPE, &ignore, NULL);
	/* An abstract one: no file is left. */
	text_format(address.sun_path + 1, sizeof(address.sun_path) - 1, "slipway-fuzz-%d",
		(int)getpid());
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLAIM(listener >= 0, "no socket");
	CLAIM(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
			listen(listener, 8) == 0,
		"not bound");
	CLAIM(pthread_create(&thread, NULL, serve, NULL) == 0, "no thread");
	return 0;
}

/* ---- records ---- */

static void add_record(struct buffer *bytes, int type, const char *content, size_t length)
{
	const unsigned char header[8] = { 1, (unsigned char)type, REQUEST >> 8, REQUEST & 0xFF,
		(unsigned char)(length >> 8), (unsigned char)length, 0, 0 };
	CLAIM(buffer_append(bytes, (const char *)header, sizeof(header)) &&
			buffer_append(bytes, content, length),
		"no room");
}

/* In pieces, and the empty one that ends them. */
static void add_stream(
	struct buffer *bytes, int type, const char *content, size_t length, size_t piece)
{
	for (size_t at = 0; at < length; at += piece)
		add_record(bytes, type, content + at, length - at < piece ? length - at : piece);
	add_record(bytes, type, "", 0);
}

static void add_parameter(struct buffer *parameters, const char *name, const char *value)
{
	size_t length = strlen(value);
	const unsigned char lengths[5] = { (unsigned char)strlen(name),
		(unsigned char)(0x80 | length >> 24), (unsigned char)(length >> 16),
		(unsigned char)(length >> 8), (unsigned char)length };

	CLAIM(buffer_append(parameters, (const char *)lengths, sizeof(lengths)) &&
			buffer_append_string(parameters, name) &&
			buffer_append_string(parameters, value),
		"no room");
}

/* What was written to standard output; whether the request has ended. */
static bool read_records(const struct buffer *bytes, bool is_ours, struct buffer *output)
{
	const unsigned char *next = (const unsigned char *)bytes->bytes;
	size_t left = bytes->length;
	bool has_ended = false;

	while (left > 0) {
		CLAIM(left >= 8, "a part of a header");
		size_t length = (size_t)next[4] << 8 | next[5], padding = next[6];
		CLAIM(next[0] == 1, "version %d", next[0]);
		CLAIM(left >= 8 + length + padding, "a part of a record");
		CLAIM(!is_ours || (next[2] << 8 | next[3]) == REQUEST, "another request");
		CLAIM(!is_ours || !has_ended, "something behind the end");
		CLAIM(!is_ours || next[1] == FCGI_STDOUT || next[1] == FCGI_END, "type %d",
			next[1]);
		if (next[1] == FCGI_STDOUT)
			CLAIM(buffer_append(output, (const char *)next + 8, length), "no room");
		CLAIM(next[1] != FCGI_END || length == 8, "an end of %zu bytes", length);
		has_ended = has_ended || next[1] == FCGI_END;
		next += 8 + length + padding;
		left -= 8 + length + padding;
	}
	return has_ended;
}

/* ---- the client ---- */

static void read_all(int socket, struct buffer *bytes)
{
	char part[4096];
	ssize_t got;

	while ((got = read(socket, part, sizeof(part))) > 0)
		CLAIM(buffer_append(bytes, part, (size_t)got), "no room");
}

/* Sends all, and reads until the server has closed its end. */
static void converse(const struct buffer *bytes, struct buffer *received)
{
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t sent = 0;

	CLAIM(client >= 0, "no socket");
	CLAIM(connect(client, (const struct sockaddr *)&address, sizeof(address)) == 0,
		"not connected");
	while (sent < bytes->length) {
		ssize_t part =
			send(client, bytes->bytes + sent, bytes->length - sent, MSG_NOSIGNAL);
		if (part <= 0)
			break;
		sent += (size_t)part;
	}
	shutdown(client, SHUT_WR);
	read_all(client, received);
	close(client);
}

static void claim_response(const struct buffer *output, const char *body)
{
	static const char status[] = "Status: 200";
	const char *text = buffer_text(output), *end = strstr(text, "\r\n\r\n");

	CLAIM(text_has_prefix(text, status) && end != NULL, "no head: %s", text);
	CLAIM(strcmp(end + 4, body) == 0, "another body: %s", end + 4);
}

/* ---- what is tried ---- */

/* libfcgi aborts where a name and its value have 2 GiB together, and has no limit that could be set
 * (SECURITY.md has who could send it). So no byte can begin a length of 512 MiB or more. */
static void limit_lengths(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] >= 0xA0)
			bytes[i] = (char)((unsigned char)bytes[i] & 0x9F);
}

static void try_bytes(const char *text, size_t length)
{
	CLEANUP_BUFFER struct buffer bytes = BUFFER_EMPTY(BYTES_MAX);
	CLEANUP_BUFFER struct buffer received = BUFFER_EMPTY(BYTES_MAX);
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY(BYTES_MAX);

	CLAIM(buffer_append(&bytes, text, length), "no room");
	limit_lengths(bytes.bytes, bytes.length);
	converse(&bytes, &received);
	read_records(&received, false, &output);
}

static void try_request(const uint8_t *data, size_t size, size_t piece)
{
	CLEANUP_BUFFER struct buffer bytes = BUFFER_EMPTY(BYTES_MAX);
	CLEANUP_BUFFER struct buffer parameters = BUFFER_EMPTY(BYTES_MAX);
	CLEANUP_BUFFER struct buffer received = BUFFER_EMPTY(BYTES_MAX);
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY(BYTES_MAX);
	char *texts[3], length[24];
	const char begin[8] = { 0, 1, piece % 2 == 0 ? KEEP : 0 };

	input_split(data, size, texts, 3);
	text_format(length, sizeof(length), "%zu", strlen(texts[2]));
	add_parameter(&parameters, "REQUEST_METHOD", "POST");
	add_parameter(&parameters, "DOCUMENT_URI", texts[0]);
	add_parameter(&parameters, "QUERY_STRING", texts[1]);
	add_parameter(&parameters, "CONTENT_LENGTH", length);
	add_record(&bytes, FCGI_BEGIN, begin, sizeof(begin));
	add_stream(&bytes, FCGI_PARAMS, parameters.bytes, parameters.length, piece);
	add_stream(&bytes, FCGI_STDIN, texts[2], strlen(texts[2]), piece);

	size_t before = seen.count;
	converse(&bytes, &received);
	CLAIM(seen.count == before + 1, "the handler was called %zu times", seen.count - before);
	CLAIM(strcmp(seen.method, "POST") == 0, "method %s", seen.method);
	size_t path = strcspn(texts[0], "?");
	CLAIM(path >= sizeof(seen.path) - 8 ||
			(strlen(seen.path) == path && memcmp(seen.path, texts[0], path) == 0),
		"path %s", seen.path);
	CLAIM(strcmp(buffer_text(&seen.query), texts[1]) == 0, "query %s", seen.query.bytes);
	CLAIM(strcmp(buffer_text(&seen.body), texts[2]) == 0, "body %s", seen.body.bytes);
	CLAIM(read_records(&received, true, &output), "no end");
	claim_response(&output, texts[2]);
	free(texts[0]);
}

static void try_writer(const char *text, size_t length)
{
	CLEANUP_BUFFER struct buffer records = BUFFER_EMPTY(RECORDS_MAX);
	CLEANUP_BUFFER struct buffer output = BUFFER_EMPTY(BYTES_MAX);
	struct response response;
	char head[RESPONSE_HEAD_SIZE];

	response_init(&response);
	response.content_type = "text/plain";
	CLAIM(buffer_append(&response.body, text, length), "no room");
	response_head(&response, head);
	CLAIM(records_append(&records, REQUEST, &response, true), "no room");
	CLAIM(read_records(&records, true, &output), "no end");
	size_t before = strlen(head);
	CLAIM(output.length == before + length && memcmp(output.bytes, head, before) == 0 &&
			memcmp(output.bytes + before, text, length) == 0,
		"another response");
	response_release(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > INPUT_MAX)
		return -1;
	char *text = input_copy(data + 1, size - 1);
	if (data[0] % 2 == 0)
		try_bytes(text, size - 1);
	else
		try_request(data + 1, size - 1, data[0] / 2 + 1u);
	try_writer(text, size - 1);
	free(text);
	return 0;
}
