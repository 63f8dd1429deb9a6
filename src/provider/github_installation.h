/*
 * The installation that a GitHub App acts in: what it grants, what its refusals mean, and the page
 * where a person changes that.
 */
#ifndef SLIPWAY_PROVIDER_GITHUB_INSTALLATION_H
#define SLIPWAY_PROVIDER_GITHUB_INSTALLATION_H

#include "provider/provider.h"

/* Has another process make what is wanted of the app (struct provider_app: mint). */
enum error_class installation_ask(const struct provider_exchange *exchange,
	struct mint_question *question, const char **ret_text, struct error *error);

/* The error of a response to the app itself that is none of 2xx, with the page to open. `grant`
 * says what was asked for, for people. */
enum error_class installation_refuse(const struct provider_exchange *exchange,
	const struct provider_response *response, const char *grant, struct error *error);

/* Whether it says that the installation has no such repository, or nobody. */
bool installation_lacks(const struct provider_response *response);

/* The page of the installation, where its permissions and repositories are changed; NULL where
 * GitHub does not say. */
const char *github_app_page(const struct provider_exchange *exchange);

/*
 * Whether the installation grants what the exchange's grant says for the request, by what GitHub
 * says of it: no token is made that could change something. ERROR_SCOPE_MISSING and
 * ERROR_APP_NOT_INSTALLED have the page to open; else the errors of github_app_token().
 */
enum error_class github_app_check(const struct provider_exchange *exchange,
	const struct provider_request *request, struct error *error) SLIPWAY_MUST_CHECK;

#endif
