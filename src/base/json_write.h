/*
 * Writes JSON straight into a buffer, in the same bytes as cJSON prints it: for responses that are
 * asked for often, where a tree of cJSON would take most of the time.
 *
 * The caller opens and closes objects and arrays in pairs, and gives each member its name first;
 * the commas are the writer's. What fails is remembered until the end.
 */
#ifndef SLIPWAY_BASE_JSON_WRITE_H
#define SLIPWAY_BASE_JSON_WRITE_H

#include "base/buffer.h"
#include "base/json.h"

struct json_writer {
	struct buffer *buffer;
	bool complete;     /* false: over the buffer's limit, or out of memory, or not JSON */
	bool behind_value; /* the next one needs a comma */
};

/* What is written is appended to the buffer, which must outlive the writer. usual: how many bytes
 * that may well be; they are allocated at once. */
struct json_writer json_writer_to(struct buffer *buffer, size_t usual);

/* bracket is one of { [ and } ]. */
void json_open(struct json_writer *writer, char bracket);
void json_close(struct json_writer *writer, char bracket);

/* The name of the member that comes next: one of the program's own, in which nothing is escaped. */
void json_write_name(struct json_writer *writer, const char *name);

/* One value. A text that is NULL is null; of an integer beyond +-2^53 digits are lost. */
void json_write_text(struct json_writer *writer, const char *text);
void json_write_integer(struct json_writer *writer, int64_t value);
void json_write_boolean(struct json_writer *writer, bool value);
void json_write_tree(struct json_writer *writer, const cJSON *json);

/* A value that is JSON text, however it is written; NULL is null. What is no JSON ends the writing
 * as lack of memory does. */
void json_write_json(struct json_writer *writer, const char *json);

/* A value that another writer has written. */
void json_write_made(struct json_writer *writer, const char *json);

#endif
