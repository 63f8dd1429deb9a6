/*
 * Finds the token of a request and compares what it allows with what is asked for. Whatever is
 * wrong with a token, Redis is asked for one, hashes are compared, and the response is the same: it
 * tells nobody whether a token exists, has ended or was taken back.
 */
#include "api/authorise.h"

#include <string.h>
#include <strings.h>

#include "api/host.h"
#include "api/token_memory.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/reference.h"
#include "store/tokens.h"

static enum error_class refuse(struct error *error)
{
	return error_set(error, ERROR_UNAUTHORIZED, "the request has no valid token");
}

/* Every browser sends a Host header, so a request without one does not come from a web page. */
static enum error_class check_host(const struct request *request, struct error *error)
{
	if (request->host[0] == '\0' || host_is_loopback(request->host))
		return ERROR_NONE;
	return error_set(error, ERROR_MISDIRECTED,
		"a server that needs no token accepts only loopback host names, not '%.100s'",
		request->host);
}

/* For development. It is the web server that keeps it on loopback. */
static enum error_class admit_anybody(const struct service *service, const struct request *request,
	struct token *ret_caller, struct error *error)
{
	*ret_caller = (struct token){ .role = ROLE_ADMIN };
	text_copy(ret_caller->tenant, sizeof(ret_caller->tenant), service->settings->tenant);
	return check_host(request, error);
}

/* What stands behind the name of the scheme; NULL for another scheme. */
static const char *token_text(const char *authorization)
{
	static const char scheme[] = "Bearer";
	const char *text = authorization + sizeof(scheme) - 1;

	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0 || *text != ' ')
		return NULL;
	return text + strspn(text, " ");
}

enum error_class caller_find(const struct service *service, const struct request *request,
	struct token *ret_caller, struct error *error)
{
	char id[TOKEN_ID_SIZE];
	unsigned char hash[TOKEN_HASH_BYTES];
	int64_t now = clock_monotonic_ms();
	struct token found;
	bool is_valid;

	if (request->authorization[0] == '\0')
		return service->settings->development
			? admit_anybody(service, request, ret_caller, error)
			: refuse(error);
	bool has_form = token_parse(token_text(request->authorization), id, hash);
	const struct token *remembered = token_remembered(hash, now);
	if (has_form && remembered != NULL) {
		*ret_caller = *remembered;
		return ERROR_NONE;
	}
	if (token_read(service->redis, id, &found, &is_valid, error) != ERROR_NONE)
		return error->class;
	bool is_right = token_matches(&found, hash);
	if (!has_form || !is_valid || !is_right)
		return refuse(error);
	token_remember(&found, now);
	*ret_caller = found;
	return ERROR_NONE;
}

/* ---- what he may do ---- */

/* How a person knows the token: by its label too, where it has one. */
static const char *name_of(const struct token *caller, char text[TOKEN_ID_SIZE + TOKEN_LABEL_SIZE])
{
	const char *label = caller->label;
	text_format(text, TOKEN_ID_SIZE + TOKEN_LABEL_SIZE, "%s%s%s%s", caller->id,
		label[0] != '\0' ? " (" : "", label, label[0] != '\0' ? ")" : "");
	return text;
}

enum error_class caller_check_role(
	const struct token *caller, enum role role, const char *what, struct error *error)
{
	char name[TOKEN_ID_SIZE + TOKEN_LABEL_SIZE];

	if (role != ROLE_NONE && caller->role >= role)
		return ERROR_NONE;
	error_set(error, ERROR_NOT_ALLOWED, "%s needs the role %s, and the token %s has %s", what,
		role_name(role), name_of(caller, name), role_name(caller->role));
	return error_remedy(error, NULL,
		"An operator can make a token that may: slipway token create --role %s.",
		role_name(role));
}

static bool is_whole(const struct token *caller)
{
	return caller->app[0] == '\0' && caller->prefix[0] == '\0';
}

static enum error_class refuse_reach(
	const struct token *caller, const char *what, struct error *error)
{
	char name[TOKEN_ID_SIZE + TOKEN_LABEL_SIZE];
	bool is_one = caller->app[0] != '\0';

	error_set(error, ERROR_NOT_ALLOWED, "the token %s is for %s '%s' only, and %s",
		name_of(caller, name), is_one ? "the app" : "apps that begin with",
		is_one ? caller->app : caller->prefix, what);
	return error_remedy(error, NULL,
		"Use a token that is for it too. An operator can make one: slipway token create.");
}

enum error_class caller_check_app(const struct token *caller, const char *app, struct error *error)
{
	return token_reaches(caller, app) ? ERROR_NONE
					  : refuse_reach(caller, "not for this one", error);
}

struct references {
	const struct token *caller;
	bool reached; /* all apps so far */
};

static enum error_class visit_reference(
	void *context, const struct reference *reference, struct error *error)
{
	struct references *references = context;
	(void)error;

	if (reference->kind == REFERENCE_APP)
		references->reached = references->reached &&
			token_reaches(references->caller, reference->parts[0]);
	return ERROR_NONE;
}

enum error_class caller_check_references(
	const struct service *service, const cJSON *body, struct error *error)
{
	const struct token *caller = service->caller;
	struct references references = { caller, true };
	const cJSON *after;

	if (is_whole(caller))
		return ERROR_NONE;
	/* A malformed one is a fault of the input, and may stand before one that is not. */
	struct faults *faults = arena_allocate(service->arena, sizeof(*faults));
	if (faults == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory to check references");
	if (references_visit(body, "", visit_reference, &references, faults, error) != ERROR_NONE)
		return error->class;
	cJSON_ArrayForEach (after, json_member(body, "after")) {
		const char *app = json_member_string(after, "appId");
		references.reached =
			references.reached && (app == NULL || token_reaches(caller, app));
	}
	return references.reached
		? ERROR_NONE
		: refuse_reach(caller, "the request refers to another one", error);
}

enum error_class caller_check_shared(const struct token *caller, struct error *error)
{
	return is_whole(caller) ? ERROR_NONE
				: refuse_reach(caller, "a shared secret is of all apps", error);
}

enum error_class caller_check_whole(
	const struct token *caller, const char *what, struct error *error)
{
	char why[160];

	if (is_whole(caller))
		return ERROR_NONE;
	text_format(why, sizeof(why), "%s shows more than one", what);
	return refuse_reach(caller, why, error);
}

enum error_class caller_check_mode(
	const struct token *caller, const char *mode, struct error *error)
{
	char name[TOKEN_ID_SIZE + TOKEN_LABEL_SIZE];

	if (token_has_mode(caller, mode))
		return ERROR_NONE;
	error_set(error, ERROR_NOT_ALLOWED, "the token %s is for the modes %s only",
		name_of(caller, name), caller->modes);
	return error_remedy(error, NULL,
		"Have one made for this mode too: POST /api/tokens, with the token of a server.");
}
