/*
 * Whether a call may leave the machine: what its path, its query and its body name is looked for in
 * the lists of the connection that it uses. What a call names is said by the rows of the provider
 * and of the action (slipway/provider.h); what has no row is refused.
 */
#ifndef SLIPWAY_PROVIDER_ALLOWANCE_H
#define SLIPWAY_PROVIDER_ALLOWANCE_H

#include "provider/provider.h"

/*
 * ERROR_NOT_ALLOWED where no row has it, or names something that the lists do not, with who may
 * change them. `planned`: it will not be sent, so what an earlier step has yet to give is passed
 * over.
 */
enum error_class allowance_check(const struct provider_exchange *exchange,
	const struct provider_request *request, bool planned,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Notes the ids that the row's `gives` finds in the body of a response, for the calls after it. */
void allowance_learn(const struct provider_exchange *exchange,
	const struct provider_request *request, const struct provider_response *response);

/* Whether a redirect to this URL may be followed: a GET to a thing that the lists have, by its id;
 * and any call to anywhere, where they allow all. */
bool allowance_follows(
	const struct provider_exchange *exchange, enum http_method method, const char *url);

#endif
