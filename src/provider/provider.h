/*
 * A provider: how its API is spoken to, and what its refusals mean. All that is a provider's stands
 * in its one file, in this struct; slipway/provider.h has the line for it in the list of all.
 */
#ifndef SLIPWAY_PROVIDER_PROVIDER_H
#define SLIPWAY_PROVIDER_PROVIDER_H

#include "base/json.h"
#include "base/settings.h"
#include "core/connection.h"
#include "http/client.h"

#define PROVIDER_CALL_MS        60000 /* one call; an attempt may make several */
#define PROVIDER_TOKEN_PREFIXES 4

#define PROVIDER_PERMISSION_TEXTS 6

/* What a refusal means. The first row that fits decides; unset parts, a status of 0 among them, fit
 * anything. */
struct refusal {
	int status;
	const char *code;    /* the provider's own code, whole */
	const char *message; /* part of the provider's text, any case */
	enum error_class class;
	const char *remedy; /* NULL: what the response or the class says */
	const char *remedy_url;
	const char *input; /* member of an action's input that a person has to change, where the
			      action has it */
	bool always;       /* the call fails even where the caller expects the status: no caller
			      can go on from it */
};

/* A refusal as the provider's body tells it; "" where it does not. */
struct refusal_body {
	char code[64];
	char message[384];
	char field[64]; /* the one that the provider names as wrong, by its own name */
	char link[320]; /* where the provider sends a person */
	int64_t retry_after_ms;
};

struct survey;

/* What the headers of a response say of the credential that it was asked with. */
struct credential_notice {
	int64_t expires_at; /* ms since 1970; 0: they do not say */
	char scopes[200];   /* what the scopes_header says; "" where it did not come */
	char sign_on[200];  /* what the sign_on_header says; "" where it did not come */
};

/*
 * What doctor asks before a step meets it as a failure: a GET that changes nothing. The {name} of
 * its path is the scope or, with `each`, one of the names that the readers before it have noted.
 */
struct provider_question {
	const char *path;
	struct string_pair query;
	bool each;
	bool unscoped;      /* as in struct provider_request */
	bool planned;       /* a plan asks it as well: it is about all that a workflow does there */
	const char *page;   /* the parameter of its query that takes what survey_go_on was given;
			       NULL: it has one page */
	bool tells_refusal; /* a refusal is what is to be found: it shows that steps would be
			       refused as well */
	void (*read)(struct survey *survey,
		const cJSON *json); /* see survey.h; NULL: the status says it all */
};

/* What is asked where tokens are made in another process. */
struct mint_question {
	const char *owner, *repository; /* the only one that it is for; NULL: any */
	struct string_map permissions;
	bool refresh;        /* as in mint */
	int64_t made_ago_ms; /* as in struct provider_grant */
	bool missing;        /* may_be_missing of the grant, where it names a repository */
	bool page;           /* not a token is wanted, but what grant_page gives */
	bool checks;         /* not a token is wanted, but what check_grant finds */
	int64_t time_left_ms;
};

/* The app that tokens are made for, where there is no token. */
struct provider_app {
	const char *id, *installation_id;
	const char *key_file; /* with its private key; NULL: the key is here */
	const char *key;      /* PEM; NULL: there is none */
	/* Why the file was not read where files can be opened: "is empty"; NULL: it can be here. */
	const char *key_fault;
	/* What the app shows of itself, signed where the key is; the clock there is corrected by so
	 * many seconds. In the exchange's arena. NULL: the key is here. */
	enum error_class (*sign)(
		void *data, int64_t skew_seconds, const char **ret_signed, struct error *error);
	void *sign_data;
	/* Gives a token, or a page, that another process has made, in the exchange's arena: this
	 * one sees nothing of the app. Of what is only checked it gives nothing. NULL: they are
	 * made here. */
	enum error_class (*mint)(void *data, const struct mint_question *question,
		const char **ret_text, struct error *error);
	void *mint_data;
};

/* With what a provider is called: what the settings say of it, or a connection. All borrowed; all
 * but base_url and questions may be NULL. */
struct provider_access {
	const char *base_url;
	const char *token;
	const char *scope;
	const char *account; /* names the credential that tokens are made from, where there is no
				token */
	int64_t write_spacing_ms; /* between calls that change something; 0: none */
	/* ended by a NULL path; a bad credential fails the first */
	const struct provider_question *questions;
	struct provider_app app;
	/* whose credential it is; NULL: that of the settings, which may do all */
	const struct connection *connection;
};

/* What a call needs of a token that is made for it. */
struct provider_grant {
	/* ended by a NULL name; NULL: the least, to see that something is there */
	const struct string_pair *permissions;
	bool one_repository; /* none but the one that the request's path names */
	int64_t made_ago_ms; /* since the app made what the call is about: no older token knows it;
				0: it has not, or nobody knows */
	/* That one may not be there, or be another's, which the call is to find out: then a token
	 * does that has the least permission, for all that the app has. */
	bool may_be_missing;
};

/* How the permissions of the tokens of apps are named. */
struct permission_names {
	struct string_pair least;        /* to see what is there, and no content of it */
	const char *const *only_written; /* that nobody can have to read alone, ended by NULL */
	const char *const *of_account; /* how those begin that are about no repository, likewise */
};

struct provider_exchange;

/* What a call of the run has found by a name: the id of it, or of what belongs to it. */
struct call_finding {
	enum call_name names;
	const char *provider, *id;
	struct call_finding *next;
};

struct provider {
	const char *id;
	const char *name;
	const char *headers[HTTP_HEADERS_MAX - 3]; /* ended by NULL */
	/* Headers of its responses, in lower case; NULL: it has none. */
	const char *request_id_header; /* names the exchange, for its support */
	const char *sign_on_header;    /* where a person authorises the token for single sign-on:
					  "url=https://..." */
	/* what a token that may not do this would have to be allowed */
	const char *permissions_header;
	const char *scopes_header; /* what the token may do: "repo, workflow" */
	const char *expiry_header; /* when the token ends: 2026-12-03 08:03:22 UTC */
	/* Parts of its texts, any case, that say that a permission is what lacks; ended by NULL. */
	const char *permission_texts[PROVIDER_PERMISSION_TEXTS];
	/* its own: a row each, over a struct that only its file knows */
	struct settings_part settings;
	struct provider_access (*access)(const struct settings *settings);
	/* What is asked of such a credential: of a person's, of an app, of a team. */
	const struct provider_question *(*questions)(const struct provider_access *access);
	const char *token_setting; /* names the setting that is missing */
	const char *tokens_page;   /* where a person makes another; NULL: nowhere in particular */
	/* How its tokens begin, for the redactor (see redact_token_prefixes); ended by NULL or the
	 * array's end. */
	const char *token_prefixes[PROVIDER_TOKEN_PREFIXES];
	/* Gives a token where the settings have none but an account; NULL: the provider has fixed
	 * tokens only. `refresh`: the one it gave last was refused. Borrowed until the next call.
	 */
	enum error_class (*mint)(const struct provider_exchange *exchange,
		const struct provider_request *request, bool refresh, const char **ret_token,
		struct error *error);
	/* Goes with mint: what the app shows of itself, for nine minutes, in the arena; by a key of
	 * app->key or app->key_file. The clock is corrected by so many seconds. */
	enum error_class (*sign)(const struct provider_app *app, int64_t skew_seconds,
		struct arena *arena, const char **ret_signed, struct error *error);
	/* Wipes and forgets all tokens that were made in this process; NULL: it makes none. */
	void (*forget)(void);
	/* Goes with mint: whether a token for the request would get what the exchange's grant says,
	 * found without one that could change something. Errors as those of mint. */
	enum error_class (*check_grant)(const struct provider_exchange *exchange,
		const struct provider_request *request, struct error *error);
	/* Goes with mint: how the permissions of such tokens are named. */
	const struct permission_names *permission_names;
	/* Goes with mint: where a person gives such tokens more rights; NULL: the provider does not
	 * say. */
	const char *(*grant_page)(const struct provider_exchange *exchange);
	/* The query pair that every call carries for this scope; NULL name: none. NULL: the
	 * provider has no scopes. */
	struct string_pair (*scope)(const char *scope);
	/* Where people look at what the API at base_url has, without a slash at the end:
	 * https://github.com. In the arena; NULL where memory is short. A provider without it has
	 * one for all. */
	const char *(*site)(struct arena *arena, const char *base_url);
	/* What its calls name, ended by a NULL path, and the query parameters that name nothing in
	 * any call, ended by NULL. */
	const struct call_row *calls;
	const char *const *plain_query;
	/* Whether the text is an id, and no name, of a thing that can be named by either; NULL:
	 * none is. */
	bool (*is_id)(enum call_name names, const char *text);
	/* How the path of a thing begins that is named by an id alone, as redirects to renamed ones
	 * go there: "/repositories/"; NULL: there is none. */
	const char *id_path;
	enum call_name id_path_names;
	/* Members of its bodies that no record of an exchange has, whatever they hold, beside those
	 * whose names end in token, secret, key, value and such (http/trace.c); ended by NULL.
	 * NULL: none. */
	const char *const *secret_members;
	void (*read_refusal)(const cJSON *json, struct refusal_body *body);
	bool limits_by_endpoint; /* each method and path has a rate limit of its own; else the
				    credential has one */
	/* Whether the response is a rate limit, and for how long in *ret_ms. */
	bool (*is_limited)(const struct http_response *response, const struct refusal_body *body,
		int64_t *ret_ms);
	const struct refusal *refusals; /* ended by class ERROR_NONE */
	/* For plans, which end at a request that changes something: the read that shows whether it
	 * would be refused; false: there is none. NULL: the provider has none. */
	bool (*foresee)(const struct provider_request *request, struct provider_request *ret_read);
	/* Goes with foresee: what the read shows, the refusal that the request would meet. */
	enum error_class (*foreseen)(
		const struct provider_request *request, const cJSON *json, struct error *error);
	const char *settings_pages; /* how links of the refusals begin that the site has as well;
				       NULL: none do */
};

/* One call that was made, for the log: nothing of it that may be secret. All borrowed. */
struct provider_call_facts {
	const char *provider; /* NULL: a URL of the action's own */
	enum http_method method;
	const char *path;       /* with its {names}, not with what stood for them; NULL as above */
	int status;             /* 0: no response */
	const char *request_id; /* the provider's; "" where it gave none */
	enum error_class class; /* where there was no response */
	int64_t took_ms;
};

/* With what an action calls. All borrowed. */
struct provider_exchange {
	struct http_client *client;
	const struct provider *provider; /* NULL for url_send */
	const struct provider_access *access;
	struct arena *arena;
	int64_t deadline_at; /* monotonic */
	const struct settings *settings;
	const struct call_row *calls;   /* of the action, ended by a NULL path; NULL: none */
	struct call_finding **findings; /* of this attempt; NULL: none are kept */
	/* The key under which the app has the thing with this id, in the ledger as the attempt
	 * found it; NULL: it has none. NULL: there is no ledger. */
	const char *(*key_of_id)(
		void *data, const char *provider, const char *type, const char *id);
	void *key_data;
	bool made_lately;    /* the app has made what the call is about a short while ago */
	int64_t late_for_ms; /* since then, or since the run began where that is later */
	/* of the action, for refusals that name a member of it; NULL: none */
	const struct record *input;
	const struct provider_grant *grant; /* NULL: the least */
	struct credential_notice *notice;   /* filled by each response; NULL: nobody reads it */
	/* Told where an exchange could not be recorded (http/trace.h), which changes nothing else;
	 * NULL: nobody is. */
	void (*record_failed)(const char *event, const struct error *error);
	/* Told of each call, of those that make a token as well; NULL: nobody is. */
	void (*called)(void *data, const struct provider_call_facts *facts);
	void *called_data;
};

/* The request's body; *ret_json is NULL where it has none. The caller deletes it. */
enum error_class request_body(const struct provider_request *request, cJSON **ret_json,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The request's path with the names in it, for people: "/repos/acme/docs". In the arena; NULL where
 * memory is short. */
const char *request_path(const struct provider_request *request, struct arena *arena);

#define CREDENTIAL_END_SIZE 48

/* Whether a credential that ends then, in milliseconds since 1970, ends in the next 14 days; 0: it
 * does not end. Says when: "on 3 December 2026, in 5 days". */
bool credential_ends_soon(int64_t expires_at, char when[CREDENTIAL_END_SIZE]);

/* Adds a detail to the message as ": detail", unless the message has it
 * already. NULL adds nothing. */
void refusal_add(struct refusal_body *body, const char *detail);

/* Takes over where the provider sends a person. NULL, and what leads nowhere or elsewhere, is none:
 * an address that is not https, has control characters, or was cut, here or before. */
void refusal_link(struct refusal_body *body, const char *link);

/*
 * Sends the request; the answer lies in the arena. An answer that is neither 2xx nor expected is an
 * error with its class, remedy and what the provider said; ERROR_RATE_LIMITED carries
 * retry_after_ms, at least 1 s.
 */
enum error_class provider_send(const struct provider_exchange *exchange,
	const struct provider_request *request, struct provider_response *ret_response,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Whether the credential may make that request, as far as that can be found without sending it, and
 * without a token that may change something. Errors as those of provider_send, such as
 * ERROR_AUTH_MISSING and ERROR_SCOPE_MISSING.
 */
enum error_class provider_check_grant(const struct provider_exchange *exchange,
	const struct provider_request *request, struct error *error) SLIPWAY_MUST_CHECK;

/* Sends a request of any URL, without credentials. Any status is an answer. ERROR_INVALID_INPUT
 * where it is none. */
enum error_class url_send(const struct provider_exchange *exchange,
	const struct url_request *request, struct provider_response *ret_response,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
