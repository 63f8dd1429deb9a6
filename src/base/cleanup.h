/*
 * Locals that are released at the end of their block, however it is left. Each type's header
 * defines its macro, such as CLEANUP_JSON, CLEANUP_ARENA and CLEANUP_BUFFER. Initialise such a
 * local where you declare it:
 *
 *	CLEANUP_JSON cJSON *json = NULL;
 *	if (json_parse(text, length, JSON_LIMITS_WIDE, &json, error) != ERROR_NONE)
 *		return error->class;
 *	*ret_json = json_take(&json);
 */
#ifndef SLIPWAY_BASE_CLEANUP_H
#define SLIPWAY_BASE_CLEANUP_H

/* The function gets the address of the local. */
#define CLEANUP(function) __attribute__((cleanup(function)))

#endif
