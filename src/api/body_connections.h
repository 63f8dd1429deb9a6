/*
 * The connections that an app names, as a client gives them: looked up before they are stored, so
 * that a name which leads nowhere is told to whoever writes it.
 */
#ifndef SLIPWAY_API_BODY_CONNECTIONS_H
#define SLIPWAY_API_BODY_CONNECTIONS_H

#include "api/request.h"

/*
 * Checks a "connections" (NULL: there is none): members named after a provider, or after the
 * `connection` of a step, with the name of a connection of the tenant, or null. ERROR_INVALID_INPUT
 * with the place, in the same words for one of another tenant and for one of nobody;
 * ERROR_NOT_ALLOWED where the app may not use it.
 */
enum error_class body_connections_check(const struct service *service, const char *app,
	const cJSON *connections, struct error *error) SLIPWAY_MUST_CHECK;

#endif
