/*
 * In slipway-api, in the place of the files that need libcurl and libcrypto, and of the tables of
 * calls. Its workflows name actions, whose code is linked and never called there; loading both
 * libraries for it would take most of the time of a start and half of the memory of a process.
 */
#include "action/git_object.h"
#include "http/client.h"
#include "http/url.h"
#include "provider/github_app.h"
#include "provider/github_calls.h"
#include "provider/github_installation.h"
#include "provider/vercel_calls.h"

const struct call_row github_calls[] = { { .path = NULL } };
const struct call_row vercel_calls[] = { { .path = NULL } };
const char *const github_plain_query[] = { NULL };
const char *const vercel_plain_query[] = { NULL };

bool vercel_is_id(enum call_name names, const char *text)
{
	(void)names;
	(void)text;
	return false;
}

static enum error_class refuse(struct error *error)
{
	return error_set(error, ERROR_INTERNAL, "this program calls no provider");
}

enum error_class http_send(struct http_client *client, const struct http_request *request,
	struct http_response *ret_response, struct error *error)
{
	(void)client;
	(void)request;
	*ret_response = (struct http_response){ .status = 0 };
	return refuse(error);
}

enum error_class url_build(const char *base, const struct provider_request *request,
	const struct string_pair *extra, struct arena *arena, const char **ret_url,
	struct error *error)
{
	(void)base;
	(void)request;
	(void)extra;
	(void)arena;
	*ret_url = NULL;
	return refuse(error);
}

enum error_class github_app_token(const struct provider_exchange *exchange,
	const struct provider_request *request, bool refresh, const char **ret_token,
	struct error *error)
{
	(void)exchange;
	(void)request;
	(void)refresh;
	*ret_token = NULL;
	return refuse(error);
}

enum error_class github_app_sign(const struct provider_app *app, int64_t skew_seconds,
	struct arena *arena, const char **ret_jwt, struct error *error)
{
	(void)app;
	(void)skew_seconds;
	(void)arena;
	*ret_jwt = NULL;
	return refuse(error);
}

void github_app_forget(void)
{
}

const char *github_app_page(const struct provider_exchange *exchange)
{
	(void)exchange;
	return NULL;
}

enum error_class github_app_check(const struct provider_exchange *exchange,
	const struct provider_request *request, struct error *error)
{
	(void)exchange;
	(void)request;
	return refuse(error);
}

enum error_class git_blob(
	const void *bytes, size_t length, char name[GIT_NAME_SIZE], struct error *error)
{
	(void)bytes;
	(void)length;
	name[0] = '\0';
	return refuse(error);
}
