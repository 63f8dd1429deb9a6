/*
 * JSON pointers (RFC 6901), with which errors name the place of a value. Long ones are truncated.
 */
#ifndef SLIPWAY_BASE_JSON_POINTER_H
#define SLIPWAY_BASE_JSON_POINTER_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "slipway/error.h"

#define JSON_POINTER_SIZE 192 /* the size of an error's place */

/* Appends "/name" to a pointer, with ~ and / in the name escaped. */
void json_pointer_append(char *pointer, size_t size, const char *name);

/* Makes the place of an error the member of this name below another place. Returns the class. */
enum error_class error_at_member(struct error *error, const char *place, const char *name);

/* The pointer to the member of this name below another pointer. */
void json_pointer_member(char pointer[JSON_POINTER_SIZE], const char *parent, const char *name);

/* The pointer to a child: by name if it has one, else by index. */
void json_pointer_child(
	char pointer[JSON_POINTER_SIZE], const char *parent, const cJSON *child, size_t index);

/* The value that the pointer leads to; NULL where there is none. Borrowed from json. */
const cJSON *json_pointer_find(const cJSON *json, const char *pointer);

#endif
