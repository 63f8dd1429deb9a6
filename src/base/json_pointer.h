/*
 * JSON pointers (RFC 6901): how errors name the place of a value. A place that is too long is truncated.
 */
#ifndef SLIPWAY_BASE_JSON_POINTER_H
#define SLIPWAY_BASE_JSON_POINTER_H

#include <cjson/cJSON.h>
#include <stddef.h>

#define JSON_POINTER_SIZE 192 /* as the place of an error */

/* Appends "/name" to a pointer, with ~ and / of the name escaped. */
void json_pointer_append(char *pointer, size_t size, const char *name);

/* The pointer to the member of this name below another pointer. */
void json_pointer_member(char pointer[JSON_POINTER_SIZE], const char *parent, const char *name);

/* The pointer to a child: by its name where it has one, else by its index. */
void json_pointer_child(char pointer[JSON_POINTER_SIZE], const char *parent, const cJSON *child, size_t index);

/* The value that the pointer leads to; NULL where there is none. Borrowed from json. */
const cJSON *json_pointer_find(const cJSON *json, const char *pointer);

#endif
