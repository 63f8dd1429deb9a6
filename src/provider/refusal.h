/*
 * What a provider's refusal means. For provider.c and survey.c only.
 */
#ifndef SLIPWAY_PROVIDER_REFUSAL_H
#define SLIPWAY_PROVIDER_REFUSAL_H

#include "provider/provider.h"

/* Reads what the body says of the refusal; takes the secrets out of it before anything is cut to
 * fit. */
void refusal_read(
	const struct provider *provider, struct http_response *http, struct refusal_body *body);

/*
 * The error that the refusal is: class, message with the path as it was asked, remedy, the member
 * of exchange->input that it is about, and the exchange. ERROR_RATE_LIMITED carries retry_after_ms,
 * at least 1 s.
 */
enum error_class refusal_error(const struct provider_exchange *exchange,
	const struct provider_request *request, const struct http_response *http,
	const struct refusal_body *body, struct error *error);

/* A page of the public site, as the site that goes with the API has it: an Enterprise Server has
 * pages for tokens and installations of its own. In the arena, or what was given. */
const char *page_at_site(const struct provider_exchange *exchange, const char *page);

/*
 * The one rule of what is only late: the provider refuses what it does not know yet, or what is not
 * filled yet, the app has made it itself a short while ago, the run has not waited for long, and no
 * row of the table says that it is final.
 */
bool refusal_is_late(
	const struct provider_exchange *exchange, int status, const struct refusal_body *body);

/* Whether no caller can go on from it, though it may expect the status. */
bool refusal_is_final(const struct provider *provider, int status, const struct refusal_body *body);

#endif
