/*
 * What several modes read from the body of a request.
 */
#ifndef SLIPWAY_API_BODY_H
#define SLIPWAY_API_BODY_H

#include "api/request.h"
#include "store/payload.h"

/* Reads the body of a POST as JSON; the caller owns *ret_body. Refuses another media type,
 * malformed JSON, and what is too large. */
enum error_class body_parse(
	const struct request *request, cJSON **ret_body, struct error *error) SLIPWAY_MUST_CHECK;

/* A string member that is a valid identifier. Errors name the member. */
enum error_class body_identifier(const cJSON *body, const char *name, const char **ret_text,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same for a member that may be absent: then NULL. */
enum error_class body_identifier_optional(const cJSON *body, const char *name,
	const char **ret_text, struct error *error) SLIPWAY_MUST_CHECK;

/* inputs must be an object, the options true or false, triggerId and startId ids and configVersion
 * a whole number, where they are given. ERROR_INVALID_REQUEST with the place. */
enum error_class body_check_options(const cJSON *body, struct error *error) SLIPWAY_MUST_CHECK;

/* A client that has configured the app must not run with what another client has configured since:
 * ERROR_CONFIG_CHANGED if the body has another configVersion than the payload. */
enum error_class body_check_version(const char *app, const struct payload *payload,
	const cJSON *body, struct error *error) SLIPWAY_MUST_CHECK;

/* Reads the payload of an app of the request's tenant, as payload_read does. */
enum error_class app_payload_read(const struct service *service, const char *app,
	struct payload *ret_payload, struct error *error) SLIPWAY_MUST_CHECK;

/* The parts of an app's payload that a body has: borrowed from it, each NULL where it has none.
 * Seals the secrets of the body in place, and those that it asks to be generated. */
enum error_class body_payload(const struct service *service, const char *app, cJSON *body,
	struct payload *ret_changes, struct error *error) SLIPWAY_MUST_CHECK;

#endif
