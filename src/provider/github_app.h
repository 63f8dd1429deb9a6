/*
 * Acting as a GitHub App: short-lived tokens of one installation, with no more rights than a step
 * needs.
 *
 * API: https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app:
 * "Generating a JSON Web Token (JWT)" and "Generating an installation access token".
 */
#ifndef SLIPWAY_PROVIDER_GITHUB_APP_H
#define SLIPWAY_PROVIDER_GITHUB_APP_H

#include "provider/provider.h"

/* The settings of GitHub, of the app and beside it: settings_part(settings, &github.settings). */
struct github_settings {
	const char *url;
	const char *token;
	const char *app_id, *installation_id, *app_key_file; /* all three, or none counts */
	int64_t write_spacing_ms;
};

/*
 * A token for the request, from the process's own store or made now: it lasts for another five
 * minutes at least. `refresh`: the one given out last was refused, so another is made. Borrowed
 * until the next call; cut out of texts by value.
 *
 * Errors: ERROR_AUTH_MISSING (the key cannot be read, or is none), ERROR_AUTH_EXPIRED (GitHub does
 * not take the key), ERROR_APP_NOT_INSTALLED, ERROR_SCOPE_MISSING (the installation has not the
 * permission), each with the page to open; and those of a call.
 */
enum error_class github_app_token(const struct provider_exchange *exchange,
	const struct provider_request *request, bool refresh, const char **ret_token,
	struct error *error) SLIPWAY_MUST_CHECK;

/* What is asked for by the exchange's grant, for the request; NULL: for none in particular. */
void github_app_question(const struct provider_exchange *exchange,
	const struct provider_request *request, struct mint_question *question);

/* Sends a call as the app itself, with its JSON Web Token: about its installation, and for tokens.
 */
enum error_class github_app_call(const struct provider_exchange *exchange,
	const struct provider_request *request, struct provider_response *response,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * The app's JSON Web Token, for nine minutes by a clock that is corrected by so many seconds; in
 * the arena. ERROR_AUTH_MISSING where the key cannot be read, or is none.
 */
enum error_class github_app_sign(const struct provider_app *app, int64_t skew_seconds,
	struct arena *arena, const char **ret_jwt, struct error *error) SLIPWAY_MUST_CHECK;

/* Wipes and forgets all tokens of the process. */
void github_app_forget(void);

#endif
