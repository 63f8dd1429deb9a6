/*
 * Calling a provider's API from an action.
 *
 *	struct provider_request request = {
 *		.path = "/repos/{owner}/{repo}",
 *		.parameters = { input->owner, input->name },
 *		.expect = { 404 },
 *	};
 *	struct provider_response answer;
 *	if (!provider_call(context, &github, &request, &answer))
 *		return action_failed(context);
 *	if (answer.status == 404) ...
 *	struct repository repository;
 *	if (!provider_decode(context, &answer, &repository_record, &repository))
 *		return action_failed(context);
 *
 * Authentication, the base URL, the scope (Vercel's team), time-outs, size caps, redirects, rate limits and the
 * classification of errors happen behind it.
 */
#ifndef SLIPWAY_PROVIDER_H
#define SLIPWAY_PROVIDER_H

#include "slipway/action.h"

/* One third-party API. */
struct provider;

/* clang-format off */
/*
 * All of them. A new provider is a file in src/provider/ and a line here; `slipway new provider` writes both. Where
 * `slipway dev` is to have a stand-in for it, that is another piece of work: tests/emulator and src/cli/command_dev.c.
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
	/* As the provider's documentation writes it: each {name} is replaced by the next of `parameters`,
	 * percent-encoded, slashes as well. */
	const char *path;
	const char *parameters[PROVIDER_PARAMETERS];
	struct string_pair query[PROVIDER_PARAMETERS]; /* ended by a NULL name; a NULL value leaves the pair out */
	/* The body: a struct and the record that describes it. NULL: no body. With body_count above 0, an array
	 * of that many structs. */
	const struct record *body_record;
	const void *body;
	size_t body_count;
	/* What a GitHub App's token needs for this call, as in struct action_definition; NULL: what the action says. */
	const struct string_pair *permissions;
	bool updates; /* a POST that changes what is there rather than create something: a plan says so */
	/* Statuses beside 2xx that the caller deals with itself; all others fail the call with a class. */
	int expect[PROVIDER_PARAMETERS];
};

struct provider_response {
	int status;
	const char *body; /* text, "" where there is none; its end is a NUL, which is not counted */
	size_t body_length;
	const char *code;        /* the provider's error code or message where it is an error; "" otherwise */
	const char *message;     /* the provider's text for it; "" otherwise */
	const char *request_id;  /* the provider's id of the exchange, for its support; "" where it gives none */
	int64_t limit_remaining; /* calls that its rate limit leaves; -1: it does not say */
	bool redirected;         /* it comes from elsewhere than was asked: what is named so has another name by now */
	int64_t date_at;         /* when it was given, by the provider's clock: ms since 1970; 0: it does not say */
};

/*
 * Sends the request and waits for the answer, at most until the attempt's deadline. False where there was no
 * answer, or one that is neither 2xx nor expected: the context then holds the classified error.
 */
bool provider_call(struct action_context *context, const struct provider *provider,
	const struct provider_request *request, struct provider_response *response) SLIPWAY_MUST_CHECK;

/*
 * Whether what the last call was about may only be late: the provider answered 404, 409 or 422, the app made that thing
 * a short while ago, as its ledger says, and the run is not old yet. A call that fails so ends the attempt with
 * ERROR_NOT_READY, and the run comes back, unless the provider's table says that the refusal is final. An action that
 * expects the status asks here: `if (provider_is_late(context)) return action_wait(context, 2000, "...");`
 */
bool provider_is_late(const struct action_context *context);

/* Whether the call that has just failed surely made nothing: the provider refused it, or a limit held it back. Where no
 * answer came, or an error of the provider's own, nobody can tell. */
bool provider_made_nothing(const struct action_context *context);

/*
 * For how long a call whose answer was lost may still take effect: as long as a call may last, and a worker be stopped
 * in the midst of it. Only then may what cannot be told from its like be asked for again. Store action_run_age_ms
 * before the call, to know.
 */
int64_t provider_lost_response_ms(const struct action_context *context);

/* The scope that the settings name, with which every call goes: Vercel's team, by its id or its slug. NULL: none. */
const char *provider_scope(const struct action_context *context, const struct provider *provider);

/* Where a person looks at something, on the site that goes with the API of the settings: an Enterprise Server has its
 * own. The path is such as "/acme/docs/settings". NULL where memory is short, or the provider has no such site. */
const char *provider_page(struct action_context *context, const struct provider *provider, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Decodes the answer's body into the record's struct. Members that the record does not name are passed over; an
 * absent required one or a wrong type fails. */
bool provider_decode(struct action_context *context, const struct provider_response *response,
	const struct record *record, void *ret_struct) SLIPWAY_MUST_CHECK;

/* The same for an answer that is an array of objects. */
bool provider_decode_list(struct action_context *context, const struct provider_response *response,
	const struct record *record, struct object_list *ret_list) SLIPWAY_MUST_CHECK;

/* A time as providers write it, 2026-11-24T22:30:00Z, in milliseconds since 1970; 0 for NULL and for what is none. */
int64_t provider_time(const char *text);

/* A request of any https URL, such as of an API that is no provider. */
struct url_request {
	enum http_method method;
	const char *url;
	const char *body;         /* text; NULL: none. A GET has none. */
	const char *content_type; /* of the body; NULL: text/plain; charset=utf-8 */
	int64_t timeout_ms;       /* of the whole exchange; 0: as long as a call of a provider may take */
	size_t body_max;          /* bytes of the answer; more is an error; 0: 4 MiB */
	/* One more header, whose value stands in no text that is made of the exchange; a NULL value leaves it out. */
	struct string_pair header;
};

/*
 * Sends it, without the provider's credentials and with the limits of provider_call. Any status is an answer. Addresses
 * of this machine and of private networks are refused; redirects are followed on the same host only. In a plan nothing
 * is sent, for the address is a client's own: it fails, and the plan says that it would be checked.
 */
bool url_call(struct action_context *context, const struct url_request *request,
	struct provider_response *response) SLIPWAY_MUST_CHECK;

/* A GET of any https URL; for checks of what was made. As url_call. */
bool url_get(struct action_context *context, const char *url, struct provider_response *response) SLIPWAY_MUST_CHECK;

/*
 * The beginning of the answer's body, at most so many bytes, as text that may be shown and stored: cut at a character
 * boundary, well-formed, without control characters, and secrets are cut out by value. NULL where memory is short.
 */
const char *response_excerpt(struct action_context *context, const struct provider_response *response, size_t most);

#endif
