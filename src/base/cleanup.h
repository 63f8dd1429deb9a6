/*
 * Locals that release themselves at the end of their block, on every way out of it. The header of a type names its
 * macro, such as CLEANUP_JSON, CLEANUP_ARENA and CLEANUP_BUFFER. Such a local is initialised where it is declared:
 *
 *	CLEANUP_JSON cJSON *json = NULL;
 *	if (json_parse(text, length, JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
 *		return error->class;
 *	*ret_json = json_take(&json);
 */
#ifndef SLIPWAY_BASE_CLEANUP_H
#define SLIPWAY_BASE_CLEANUP_H

/* The function is given the address of the local. */
#define CLEANUP(function) __attribute__((cleanup(function)))

#endif
