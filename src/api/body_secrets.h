/*
 * The secrets of a body: those that are given, and those that it asks to be generated.
 */
#ifndef SLIPWAY_API_BODY_SECRETS_H
#define SLIPWAY_API_BODY_SECRETS_H

#include "api/request.h"
#include "store/payload.h"

/*
 * Seals the secrets of the body in place. Generates those that are asked for; they become
 * ret_changes->generated, and how they were asked for ret_changes->wishes. Both are borrowed from
 * the body, as ret_changes->secrets is. Stores nothing.
 */
enum error_class body_secrets_seal(const struct service *service, const char *app, cJSON *body,
	struct payload *ret_changes, struct error *error) SLIPWAY_MUST_CHECK;

/* Stores the shared ones that it has generated and nobody has yet, before the payload that refers
 * to them. */
enum error_class body_secrets_share(
	const struct service *service, const cJSON *body, struct error *error) SLIPWAY_MUST_CHECK;

/* Replaces those that the body asks for anew, for all apps: behind the payload, for a refused
 * request must not take away what the others have. */
enum error_class body_secrets_replace(
	const struct service *service, const cJSON *body, struct error *error) SLIPWAY_MUST_CHECK;

#endif
