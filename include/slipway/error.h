/*
 * What went wrong, in one closed table of classes.
 *
 * The class of an error decides everything that follows from it: whether a run is tried again, with which
 * HTTP status a request is answered, and what a person is told to do. Nothing else is looked at.
 */
#ifndef SLIPWAY_ERROR_H
#define SLIPWAY_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* The result of a function marked so must be looked at; the compiler checks it. */
#define SLIPWAY_MUST_CHECK                           __attribute__((warn_unused_result))
#define SLIPWAY_FORMAT(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))

enum error_class {
	ERROR_NONE = 0,

	/* How a run may end: part of the contract with clients. */
	ERROR_INVALID_INPUT,
	ERROR_AUTH_MISSING,
	ERROR_AUTH_EXPIRED,
	ERROR_SCOPE_MISSING,
	ERROR_APP_NOT_INSTALLED,
	ERROR_NOT_FOUND,
	ERROR_NOT_READY,
	ERROR_CONFLICT_OURS,
	ERROR_CONFLICT_FOREIGN,
	ERROR_PLAN_LIMIT,
	ERROR_RATE_LIMITED,
	ERROR_PROVIDER_UNAVAILABLE,
	ERROR_NETWORK,
	ERROR_TIMEOUT,
	ERROR_WORKER_LOST,
	ERROR_CANCELLED,
	ERROR_BUILD_FAILED, /* the provider built what we gave it, and that failed */
	ERROR_CHECK_FAILED, /* what was made does not answer as expected */
	ERROR_INTERNAL,

	/* How a request to the endpoint may be refused besides. */
	ERROR_INVALID_REQUEST,
	ERROR_UNAUTHORIZED,
	ERROR_MISDIRECTED, /* called by a name that is not one of ours */
	ERROR_NEEDS_NOT_DONE,
	ERROR_RUN_CONFLICT,
	ERROR_CONFIG_CHANGED,
	ERROR_METHOD_NOT_ALLOWED,
	ERROR_PAYLOAD_TOO_LARGE,
	ERROR_UNSUPPORTED_MEDIA_TYPE,
	ERROR_STORE_UNAVAILABLE,
	ERROR_STORE_FULL,
	ERROR_OUTCOME_UNKNOWN,

	/* Between our own parts; never seen outside: clients know the first as `internal`. */
	ERROR_STORE_REFUSED, /* Redis answered a command with an error that it would give again; see store_code */
	ERROR_LEASE_LOST,
	ERROR_OUT_OF_MEMORY,

	ERROR_CLASS_COUNT
};

/*
 * One error, all of it inside: nothing to release, copied by assignment. Empty strings and zeros mean "not known".
 * Texts that do not fit are cut at a character boundary.
 */
struct error {
	enum error_class class;
	char message[512];      /* for a person: what happened, to what */
	char place[192];        /* where in the input, as an RFC 6901 JSON pointer, such as /inputs/repo/owner */
	char remedy[320];       /* what a person can do about it */
	char remedy_url[320];   /* where to do it */
	char remedy_input[64];  /* the member of the step's input that is to be changed for it */
	char provider[16];      /* which provider answered: github, vercel */
	char provider_code[64]; /* the provider's own code for it */
	char request_id[96];    /* the provider's id of the exchange, for its support */
	char store_code[16];    /* the first word of what Redis refused with, such as WRONGTYPE; else "" */
	int http_status;        /* what the provider answered */
	int64_t retry_after_ms; /* how long the provider asks us to wait; 0: it did not say */
};

/* What is the same for all errors of a class. */
struct error_class_facts {
	const char *name;   /* on the wire, such as rate_limited */
	const char *title;  /* a short sentence for a person */
	int http_status;    /* answer to a request that fails with it */
	bool retryable;     /* a run that fails with it is tried again */
	const char *remedy; /* what a person can do in general; NULL: nothing */
};

/* The facts of a class. Never NULL; a value outside the enumeration gives those of ERROR_INTERNAL. */
const struct error_class_facts *error_class_facts(enum error_class class);

/* The class with this wire name, ERROR_NONE where there is none. */
enum error_class error_class_by_name(const char *name);

/*
 * Fills the error anew with a class and a message and returns the class, so that a function can end with
 * `return error_set(error, ...)`.
 */
enum error_class error_set(struct error *error, enum error_class class, const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Adds where in the input the error stands (a JSON pointer). Returns the class. */
enum error_class error_at(struct error *error, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/* Adds what a person can do, and where (url may be NULL). Returns the class. */
enum error_class error_remedy(struct error *error, const char *url, const char *format, ...) SLIPWAY_FORMAT(3, 4);

/* Adds which exchange with a provider it comes of: the provider's id, what it answered, its own code for that, and its
 * id of the exchange ("" for texts that are not known). Returns the class. */
enum error_class error_exchange(
	struct error *error, const char *provider, int http_status, const char *code, const char *request_id);

#endif
