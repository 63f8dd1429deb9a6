/*
 * Who calls, and what he may do: the only place where that is decided. A request is of the tenant
 * of its token; nothing else in it names one.
 */
#ifndef SLIPWAY_API_AUTHORISE_H
#define SLIPWAY_API_AUTHORISE_H

#include "api/request.h"

/*
 * Finds the caller. ERROR_UNAUTHORIZED, always the same, where the request has no token that is
 * valid now; a server for development answers without one, on loopback names (else
 * ERROR_MISDIRECTED), as a caller without an id. ERROR_STORE_UNAVAILABLE where the token cannot be
 * looked up.
 */
enum error_class caller_find(const struct service *service, const struct request *request,
	struct token *ret_caller, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether he may do what needs this role; what is its name for a person. ERROR_NOT_ALLOWED. */
enum error_class caller_check_role(const struct token *caller, enum role role, const char *what,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether his token is for this mode. ERROR_NOT_ALLOWED. */
enum error_class caller_check_mode(
	const struct token *caller, const char *mode, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether his token reaches the app. ERROR_NOT_ALLOWED, in the same words whether the app exists or
 * not: only the token is looked at. */
enum error_class caller_check_app(
	const struct token *caller, const char *app, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether it reaches all other apps that the body of a request names: in references to their
 * outputs, and in `after`. ERROR_NOT_ALLOWED. What is not valid in it is left to who reads it. */
enum error_class caller_check_references(
	const struct service *service, const cJSON *body, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether it may ask for a secret that all apps of the tenant may share: only where it is for all
 * of them, for who asks can read the secret and replace it. ERROR_NOT_ALLOWED. */
enum error_class caller_check_shared(
	const struct token *caller, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether his token is for all apps of the tenant: for what shows more than one. ERROR_NOT_ALLOWED.
 */
enum error_class caller_check_whole(
	const struct token *caller, const char *what, struct error *error) SLIPWAY_MUST_CHECK;

#endif
