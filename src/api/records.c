/*
 * The records are those of the FastCGI specification: a header of eight bytes, then at most 65,535
 * bytes of content.
 */
#include "api/records.h"

#include <string.h>

#define RECORD_MAX  ((size_t)65528) /* a multiple of 8: no padding */
#define HEADER_SIZE ((size_t)8)
#define FCGI_END    3
#define FCGI_STDOUT 6

static bool add_record(
	struct buffer *records, int type, int number, const char *content, size_t length)
{
	const unsigned char header[HEADER_SIZE] = { 1, (unsigned char)type,
		(unsigned char)(number >> 8), (unsigned char)number, (unsigned char)(length >> 8),
		(unsigned char)length };
	return buffer_append(records, (const char *)header, sizeof(header)) &&
		buffer_append(records, content, length);
}

static bool add_output(struct buffer *records, int number, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t part = length < RECORD_MAX ? length : RECORD_MAX;
		if (!add_record(records, FCGI_STDOUT, number, bytes, part))
			return false;
		bytes += part;
		length -= part;
	}

	return true;
}

bool records_append(
	struct buffer *records, int number, const struct response *response, bool has_body)
{
	static const char complete[8]; /* exit status 0, and the request is complete */
	const size_t length = has_body ? response->body.length : 0;
	const size_t count = 4 + length / RECORD_MAX;
	char head[RESPONSE_HEAD_SIZE];

	response_head(response, head);
	const size_t all = strlen(head) + length + count * HEADER_SIZE + sizeof(complete);
	return buffer_room(records, all) != NULL &&
		add_output(records, number, head, strlen(head)) &&
		add_output(records, number, buffer_text(&response->body), length) &&
		add_record(records, FCGI_STDOUT, number, "", 0) &&
		add_record(records, FCGI_END, number, complete, sizeof(complete));
}
