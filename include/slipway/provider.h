/*
 * Calling a provider's API from an action.
 *
 *	struct provider_request request = {
 *		.path = "/repos/{owner}/{repo}",
 *		.parameters = { input->owner, input->name },
 *		.expect = { 404 },
 *	};
 *	struct provider_response response;
 *	if (!provider_call(context, &github, &request, &response))
 *		return action_failed(context);
 *	if (response.status == 404) ...
 *	struct repository repository;
 *	if (!provider_decode(context, &response, &repository_record, &repository))
 *		return action_failed(context);
 *
 * provider_call takes care of authentication, the base URL, the scope (Vercel's team), timeouts,
 * size limits, redirects, rate limits and the classification of errors.
 */
#ifndef SLIPWAY_PROVIDER_H
#define SLIPWAY_PROVIDER_H

#include "slipway/action.h"

/* One third-party API. */
struct provider;

/* clang-format off */
/*
 * All of them. A new provider is a file in src/provider/ and a line here; `slipway new provider`
 * writes both. Where `slipway dev` is to have a stand-in for it, that is another piece of work:
 * tests/emulator and src/cli/command_dev.c.
 */
#define PROVIDERS(PROVIDER) \
	PROVIDER(github) \
	PROVIDER(vercel) \

#define PROVIDER_DECLARED(name) extern const struct provider name;
/* clang-format on */

PROVIDERS(PROVIDER_DECLARED)

enum http_method {
	HTTP_GET = 0,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
};

#define PROVIDER_PARAMETERS 6

struct provider_request {
	enum http_method method;
	/* As in the provider's documentation: each {name} is replaced by the next of `parameters`,
	 * percent-encoded, including slashes. */
	const char *path;
	const char *parameters[PROVIDER_PARAMETERS];
	struct string_pair query[PROVIDER_PARAMETERS]; /* ends with a NULL name; a pair with a NULL
							  value is left out */
	/* The body: a struct and the record that describes it; NULL: no body. If body_count is
	 * above 0, an array of that many structs. */
	const struct record *body_record;
	const void *body;
	size_t body_count;
	/* The permissions that a GitHub App's token needs for this call; NULL: those of the action
	 * definition. */
	const struct string_pair *permissions;
	bool unscoped; /* about the credential itself: goes without the scope of the settings,
			  Vercel's team */
	bool updates;  /* a POST that changes something that exists; plans show it as a change, not
			  as a creation */
	/* In a plan, of a GET about something that an earlier step has yet to make: the body that
	 * stands for its response, such as "[]". NULL: it is answered as by a 404 where that is
	 * expected; else the action ends, and the plan says what it waits for. */
	const char *when_new;
	/* Statuses other than 2xx that the caller handles; all others make the call fail with a
	 * class. */
	int expect[PROVIDER_PARAMETERS];
};

/* What a part of a call names. */
enum call_name {
	NAMES_UNSAID = 0, /* a row leaves no {name} of its path so */
	NAMES_NOTHING,    /* that a connection has a list of: a branch, a variable */
	/* One whose owner stands right before it has to be in the lists with that: both together
	 * are a repository. An owner without one is all that is his. */
	NAMES_OWNER,
	NAMES_REPOSITORY,
	NAMES_OWNER_OF,      /* an owner of whom one repository in the lists is enough */
	NAMES_FULL_NAME,     /* a repository, as owner/name */
	NAMES_PROJECT,       /* by name or id */
	NAMES_DOMAIN,        /* of a site */
	NAMES_SCOPE,         /* that of the connection, and no other */
	NAMES_REPOSITORY_ID, /* things by an id alone: see docs/writing-actions.md */
	NAMES_DEPLOYMENT,
};

/* A query parameter by its name, or a member of a JSON body by its pointer. */
struct call_part {
	const char *at; /* NULL ends the list */
	enum call_name names;
	const char *otherwise; /* the member that counts where this one is absent; NULL: none */
	bool required;         /* without it, the call would be about more than the lists say */
};

#define CALL_PARTS_MAX 6

/* The first members of a row, with what each {name} of its path names or where it has none, and of
 * a part of one: { CALL(GET, "/user"), .gives = { { CALL_PART("/login", NAMES_OWNER) } } }. */
#define CALL_OF(row_method, row_path, ...)                                                         \
	.method = HTTP_##row_method, .path = (row_path), .path_names = { __VA_ARGS__ }
#define CALL(row_method, row_path)    .method = HTTP_##row_method, .path = (row_path)
#define CALL_PART(part_at, part_name) .at = (part_at), .names = (part_name)

/*
 * What a call names: by this it is compared with the lists of the connection that it uses, before
 * it leaves the machine. The providers have a row for each call that the actions here make; an
 * action that makes others has rows of its own: action_definition.calls. What has no row is not
 * sent, nor is a query parameter that its row does not have and that is none of the provider's
 * plain ones.
 */
struct call_row {
	enum http_method method;
	const char *path;                               /* as in the request; NULL ends the rows */
	enum call_name path_names[PROVIDER_PARAMETERS]; /* of each {name}, in turn */
	struct call_part query[CALL_PARTS_MAX], body[CALL_PARTS_MAX];
	bool of_account; /* where the body names no owner, it is the credential's own account */
	bool unscoped;   /* it may go without the connection's scope */
	/* Members of its response that are ids of what it has named, and of what belongs to that:
	 * JSON pointers; one part may be `*`, each item of a list. */
	struct call_part gives[CALL_PARTS_MAX];
};

struct provider_response {
	int status;
	const char *body; /* text, "" if there is none; ends with a NUL, which is not counted */
	size_t body_length;
	const char *code;       /* the provider's error code, or its message, if it is an error; ""
				   otherwise */
	const char *message;    /* the provider's error message; "" otherwise */
	const char *request_id; /* the provider's id of the request, for its support; "" if it gives
				   none */
	int64_t limit_remaining; /* calls left in the rate limit; -1: unknown */
	bool late;               /* see provider_is_late */
	bool redirected;         /* it came from another URL: the resource was renamed */
	int64_t date_at; /* time of the response by the provider's clock, in ms since 1970; 0:
			    unknown */
};

/*
 * Sends the request and waits for the response, at most until the deadline of the attempt. False if
 * there was no response, or one that is neither 2xx nor expected: the context then has the
 * classified error.
 */
bool provider_call(struct action_context *context, const struct provider *provider,
	const struct provider_request *request,
	struct provider_response *response) SLIPWAY_MUST_CHECK;

/*
 * Whether what the last call was about may only be late: the provider answered 404, 409 or 422, the
 * app made that thing a short while ago, as its ledger says, and the run is not old yet. A call
 * that fails so ends the attempt with ERROR_NOT_READY, and the run comes back, unless the
 * provider's table says that the refusal is final. An action that expects the status asks here: `if
 * (provider_is_late(context)) return action_wait(context, 2000, "...");`
 */
bool provider_is_late(const struct action_context *context);

/* Whether the last call was not sent because it is about something that an earlier step of the plan
 * has yet to make; it was then answered by `when_new` or as by a 404. False in a run. */
bool provider_is_to_be_made(const struct action_context *context);

/* Whether the call that just failed certainly had no effect: the provider refused it, or it was not
 * sent, as a limit held it back or the run is to end. If no response came, or a server error,
 * nobody can tell. */
bool provider_made_nothing(const struct action_context *context);

/*
 * How long a call whose response was lost may still take effect: a call may last that long, and the
 * worker may be suspended in the middle of it. Only after that is it safe to repeat a request whose
 * result cannot be recognised. To know, store action_run_age_ms before the call.
 */
int64_t provider_lost_response_ms(const struct action_context *context);

/* The scope from the settings that is sent with every call: Vercel's team, by id or slug. NULL:
 * none. */
const char *provider_scope(struct action_context *context, const struct provider *provider);

/* The URL of a page, such as "/acme/docs/settings", on the web site that belongs to the configured
 * API: an Enterprise Server has its own. NULL if memory runs out, or if the provider has no such
 * site. */
const char *provider_page(struct action_context *context, const struct provider *provider,
	const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Decodes the body of the response into the struct of the record. Ignores members that the record
 * does not name. Fails if a required member is absent or a type is wrong. */
bool provider_decode(struct action_context *context, const struct provider_response *response,
	const struct record *record, void *ret_struct) SLIPWAY_MUST_CHECK;

/* The same for a body that is an array of objects. */
bool provider_decode_list(struct action_context *context, const struct provider_response *response,
	const struct record *record, struct object_list *ret_list) SLIPWAY_MUST_CHECK;

/* Parses a time such as 2026-11-24T22:30:00Z into milliseconds since 1970; 0 for NULL and for
 * anything else. */
int64_t provider_time(const char *text);

/* A request to any https URL, for APIs that are not a provider. */
struct url_request {
	enum http_method method;
	const char *url;
	const char *body;         /* text; NULL: none. A GET has none. */
	const char *content_type; /* of the body; NULL: text/plain; charset=utf-8 */
	int64_t timeout_ms;       /* for the whole exchange; 0: that of a provider call */
	size_t body_max; /* limit for the response, in bytes; 0: 4 MiB. More is an error. */
	struct string_map headers; /* at most URL_HEADERS_MAX; their values appear in no message */
};

#define URL_HEADERS_MAX 8

/*
 * Sends the request, without the provider's credentials and with the limits of provider_call.
 * Succeeds with any status. Addresses of this machine and of private networks are refused;
 * redirects are followed on the same host only. In a plan nothing is sent, because the URL comes
 * from a client: the call fails, and the plan says that it would be checked.
 */
bool url_call(struct action_context *context, const struct url_request *request,
	struct provider_response *response) SLIPWAY_MUST_CHECK;

/* A GET of any https URL, to check what was created. As url_call. */
bool url_get(struct action_context *context, const char *url,
	struct provider_response *response) SLIPWAY_MUST_CHECK;

/*
 * Takes members out of a response that is JSON: for each name the text, number or boolean that its
 * JSON pointer leads to, as text. Fails with ERROR_CHECK_FAILED and the pointer if one leads to
 * nothing else than that.
 */
bool response_values(struct action_context *context, const struct provider_response *response,
	const struct string_map *pointers, struct string_map *ret_values) SLIPWAY_MUST_CHECK;

/*
 * Finds things in a response that is JSON. `at` is the JSON pointer to the thing; one part of it
 * may be an asterisk, which stands for each item of a list. Only things that have all members of
 * `where` are returned: JSON pointers within the thing, and their values as text. Each becomes a
 * response of its own, whose body is the thing. Fails with ERROR_CHECK_FAILED if the response is
 * not JSON, or if there is no list where it has to be.
 */
bool response_things(struct action_context *context, const struct provider_response *response,
	const char *at, const struct string_map *where, const struct provider_response **ret_things,
	size_t *ret_count) SLIPWAY_MUST_CHECK;

/*
 * The beginning of the response body, at most so many bytes, as text that may be shown and stored:
 * truncated at a character boundary, well-formed, without control characters, and with values of
 * secrets masked. NULL if memory runs out.
 */
const char *response_excerpt(
	struct action_context *context, const struct provider_response *response, size_t most);

#endif
