/*
 * What went wrong: one of a closed list of classes (error_classes.h), and the texts of this one
 * error.
 *
 * The class alone decides what follows: whether a run is retried, which HTTP status a request gets,
 * and what a person is advised to do. No code depends on the words of a message.
 */
#ifndef SLIPWAY_ERROR_H
#define SLIPWAY_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* The compiler checks that callers use the result of a function with this mark. */
#define SLIPWAY_MUST_CHECK __attribute__((warn_unused_result))
#define SLIPWAY_FORMAT(format_index, first_argument)                                               \
	__attribute__((format(printf, format_index, first_argument)))

enum error_class {
#define ERROR_CLASS(id, name, ends, http_status, retryable, title, remedy) ERROR_##id,
#include "slipway/error_classes.h"
#undef ERROR_CLASS
	ERROR_CLASS_COUNT
};

/*
 * One error, all of it inside: nothing to release, copied by assignment. Empty strings and zeros
 * mean "not known". Texts that do not fit are truncated at a character boundary.
 */
struct error {
	enum error_class class;
	char message[512];      /* for a person: what happened, to what */
	char place[192];        /* where in the input, as an RFC 6901 JSON pointer, such as
				   /inputs/repo/owner */
	char remedy[576];       /* what a person can do about it */
	char remedy_url[320];   /* where to do it */
	char remedy_input[64];  /* the member of the step's input to change */
	char provider[16];      /* whose response it was: github, vercel */
	char provider_code[64]; /* the provider's own code for it */
	char request_id[96];    /* the provider's id of the request, for its support */
	char store_code[16]; /* the first word of Redis's error reply, such as WRONGTYPE; else "" */
	int http_status;     /* of the provider's response */
	bool unsent;         /* the request was not sent: it has changed nothing */
	int64_t retry_after_ms; /* how long the provider asks us to wait; 0: unknown */
};

/* What is the same for all errors of a class. */
struct error_class_facts {
	const char *name;   /* on the wire, such as rate_limited */
	const char *title;  /* a short sentence for a person */
	int http_status;    /* of the response to a request that fails with it */
	bool retryable;     /* a run that fails with it is retried */
	const char *remedy; /* what a person can do in general; NULL: nothing specific */
};

/* The facts of a class. Never NULL; a value outside the enumeration
 * gives those of ERROR_INTERNAL. */
const struct error_class_facts *error_class_facts(enum error_class class);

/* The class with this wire name; ERROR_NONE if there is none. */
enum error_class error_class_by_name(const char *name);

/*
 * Replaces the error with a class and a message, and returns the class, so that a function can end
 * with `return error_set(error, ...)`.
 */
enum error_class error_set(struct error *error, enum error_class class, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Adds where in the input the error is (a JSON pointer). Returns the class. */
enum error_class error_at(struct error *error, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/* Adds what a person can do, and where (url may be NULL). Returns the class. */
enum error_class error_remedy(struct error *error, const char *url, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Records the provider's response behind the error: the provider's id, the HTTP status, the
 * provider's own error code and its request id ("" if unknown). Returns the class. */
enum error_class error_exchange(struct error *error, const char *provider, int http_status,
	const char *code, const char *request_id);

#endif
