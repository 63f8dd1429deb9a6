/*
 * Builds a request of what a web server passes, and its body.
 */
#include "api/incoming.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

const char *source_parameter(const struct source *source, const char *name)
{
	const char *value = source->parameter(source->context, name);
	return value != NULL ? value : "";
}

static bool read_all(const struct source *source, char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t part = source->read(source->context, bytes + done, length - done);
		if (part <= 0)
			return false;
		done += (size_t)part;
	}

	return true;
}

/* The web server's request id, or a new one where it sends none. A client's own header is never
 * used. */
static const char *request_id(const struct source *source, char id[REQUEST_ID_SIZE])
{
	unsigned char bytes[REQUEST_ID_SIZE / 2];
	if (request_id_valid(source_parameter(source, "REQUEST_ID"))) {
		text_copy(id, REQUEST_ID_SIZE, source_parameter(source, "REQUEST_ID"));
		return id;
	}
	randombytes_buf(bytes, sizeof(bytes));
	return sodium_bin2hex(id, REQUEST_ID_SIZE, bytes, sizeof(bytes));
}

/* The normalised path; where the server sends none, the request target. */
static const char *request_path(const struct source *source)
{
	const char *path = source_parameter(source, "DOCUMENT_URI");
	return path[0] != '\0' ? path : source_parameter(source, "REQUEST_URI");
}

/* For as long as the request may wait, for which the source need not keep all that nobody asked
 * for. The path has no query any more. The caller's to wipe; NULL: no memory. */
static char *copy_texts(struct request *request, size_t *ret_size)
{
	const char **const texts[] = { &request->method, &request->path, &request->query,
		&request->host, &request->authorization, &request->origin, &request->content_type,
		&request->content_encoding, &request->if_none_match };
	size_t lengths[ARRAY_LEN(texts)], size = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		lengths[i] = texts[i] == &request->path ? strcspn(request->path, "?")
							: strlen(*texts[i]);
		size += lengths[i] + 1;
	}
	char *copied = malloc(size), *next = copied;
	for (size_t i = 0; copied != NULL && i < ARRAY_LEN(texts); i++) {
		memcpy(next, *texts[i], lengths[i]);
		next[lengths[i]] = '\0';
		*texts[i] = next;
		next += lengths[i] + 1;
	}
	*ret_size = size;
	return copied;
}

/* Even a partly received body may contain a secret, and the other texts have a token. */
static void wipe(char *bytes, size_t length)
{
	if (bytes != NULL)
		explicit_bzero(bytes, length);
	free(bytes);
}

bool incoming_handle(request_handler *handler, void *context, const struct request *request,
	struct response *response)
{
	do {
		response->held = false;
		handler(context, request, response);
	} while (response->held && request->hold->is_due);
	return response->held;
}

bool incoming_serve(const struct source *source, request_handler *handler, void *context,
	struct held_request *held, struct response *response)
{
	char id[REQUEST_ID_SIZE];
	int64_t length = 0;
	size_t size;
	char *body = NULL;
	struct request request = {
		.id = request_id(source, id),
		.method = source_parameter(source, "REQUEST_METHOD"),
		.path = request_path(source),
		.query = source_parameter(source, "QUERY_STRING"),
		.host = source_parameter(source, "HTTP_HOST"),
		.authorization = source_parameter(source, "HTTP_AUTHORIZATION"),
		.origin = source_parameter(source, "HTTP_ORIGIN"),
		.content_type = source_parameter(source, "CONTENT_TYPE"),
		.content_encoding = source_parameter(source, "HTTP_CONTENT_ENCODING"),
		.if_none_match = source_parameter(source, "HTTP_IF_NONE_MATCH"),
		.body = "",
		.hold = held != NULL ? &held->hold : NULL,
	};
	const char *length_text = source_parameter(source, "CONTENT_LENGTH");

	if (length_text[0] != '\0' && (!text_to_integer(length_text, &length) || length < 0))
		length = 0;
	request.body_too_large = length > (int64_t)REQUEST_BODY_MAX;
	if (length > 0 && !request.body_too_large) {
		body = calloc(1, (size_t)length + 1);
		if (body == NULL || !read_all(source, body, (size_t)length)) {
			wipe(body, (size_t)length);
			return false;
		}
		request.body = body;
		request.body_length = (size_t)length;
	}

	char *texts = copy_texts(&request, &size);
	if (texts == NULL) {
		wipe(body, (size_t)length);
		return false;
	}
	if (source->end != NULL)
		source->end(source->context);
	if (incoming_handle(handler, context, &request, response) &&
		!held_request_keep(held, &request)) {
		request.hold = NULL; /* it is too large to be kept: answered as it stands now */
		incoming_handle(handler, context, &request, response);
	}
	wipe(body, (size_t)length);
	wipe(texts, size);
	return true;
}
