/*
 * CGI: the environment and standard input are the request, standard output is the response. Nothing
 * is held, for a process that waits costs more than one that asks.
 */
#include "api/cgi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *parameter(const void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

static ssize_t read_input(const void *context, char *bytes, size_t length)
{
	ssize_t part;
	(void)context;

	do {
		part = read(STDIN_FILENO, bytes, length);
	} while (part < 0 && errno == EINTR);
	return part;
}

/* Also to one that asks for the head alone. */
static bool write_response(const struct response *response, bool has_body)
{
	CLEANUP_BUFFER struct buffer text = BUFFER_EMPTY(RESPONSE_HEAD_SIZE + RESPONSE_MAX);
	char head[RESPONSE_HEAD_SIZE];

	response_head(response, head);
	return buffer_append_string(&text, head) &&
		(!has_body ||
			buffer_append(
				&text, buffer_text(&response->body), response->body.length)) &&
		buffer_write(&text, STDOUT_FILENO);
}

enum error_class cgi_serve(request_handler *handler, void *context, struct error *error)
{
	const struct source source = { parameter, read_input, NULL, NULL };
	struct response response;

	response_init(&response);
	bool has_body = strcmp(source_parameter(&source, "REQUEST_METHOD"), "HEAD") != 0;
	bool written = incoming_serve(&source, handler, context, NULL, &response) &&
		write_response(&response, has_body);
	response_release(&response);
	return written
		? ERROR_NONE
		: error_set(error, ERROR_NETWORK,
			  "the web server closed the connection before it had the whole response");
}
