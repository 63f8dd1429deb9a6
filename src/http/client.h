/*
 * The only door to libcurl: one blocking request with all limits set.
 */
#ifndef SLIPWAY_HTTP_CLIENT_H
#define SLIPWAY_HTTP_CLIENT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "slipway/provider.h"

struct http_client;

#define HTTP_BODY_MAX    ((size_t)4 << 20)
#define HTTP_HEADERS_MAX 10
#define HTTP_KEPT_MAX    5

/* Which addresses a request may reach. */
enum http_reach {
	HTTP_REACH_CONFIGURED, /* for a URL that an operator configured: any address, by https */
	HTTP_REACH_PUBLIC, /* for a URL from an input: no address of this machine or of a private
			      network */
};

struct http_request {
	enum http_method method;
	const char *url;
	const char *headers[HTTP_HEADERS_MAX];   /* "Name: value", ending with NULL */
	const char *kept_headers[HTTP_KEPT_MAX]; /* response headers to keep, in lower case, up to
						    NULL or the end of the array */
	const char *body;                        /* text; NULL: none */
	int64_t deadline_at;                     /* monotonic */
	size_t body_max; /* limit for the response body, in bytes; 0: HTTP_BODY_MAX */
	enum http_reach reach;
	bool allow_loopback; /* also allow loopback, by plain http */
	/* Whether a redirect to this URL may be followed; where not, the response is the redirect.
	 * NULL: any of the same host may. */
	bool (*may_follow)(void *data, const char *url);
	void *follow_data;
};

/* A response; free it with http_response_release. */
struct http_response {
	int status;
	struct buffer body;
	int64_t retry_after_ms;  /* Retry-After; 0: none */
	int64_t limit_remaining; /* x-ratelimit-remaining; -1: none */
	int64_t limit_reset_ms;  /* x-ratelimit-reset minus Date, so independent of our clock where
				    there is a Date; 0: none */
	int64_t date_at;         /* Date, ms since 1970, until the year 9999; 0: none */
	bool redirected;         /* it came from another URL */
	struct {
		const char *name; /* one of the request's kept_headers; NULL: absent. Borrowed */
		char value[320];
	} kept[HTTP_KEPT_MAX];
};

/* The value of a header that the request asked to keep; "" if it is absent, or if
 * the name is NULL. */
const char *http_response_header(const struct http_response *response, const char *name);

/* GET, POST and so on. */
const char *http_method_name(enum http_method method);

/* Starts the libraries below, which the first client does otherwise. A process that does this
 * before it forks shares what they read and build with its children. ERROR_OUT_OF_MEMORY. */
enum error_class http_prepare(struct error *error) SLIPWAY_MUST_CHECK;

/* Creates a client with its own connections, for one process. */
enum error_class http_client_new(
	struct http_client **ret_client, struct error *error) SLIPWAY_MUST_CHECK;

/* Who decides whether requests may be sent. Each function may be NULL. */
struct http_guard {
	/* Before each request, which changes something or only reads: false refuses it. */
	bool (*begin)(void *context, bool changes);
	/* Repeatedly while it runs: false aborts it. */
	bool (*may_go_on)(void *context);
	/* After each for which begin() was called, also a refused one. */
	void (*end)(void *context);
	void *context; /* borrowed */
};

/* Sets the guard; without one, all may be sent. Requests that it refuses or aborts fail with
 * ERROR_LEASE_LOST; of those that it refused, the error says that they were not sent. */
void http_client_guard(struct http_client *client, const struct http_guard *guard);

/* The file with the certificates of the authorities that a server's may be of; NULL, the default:
 * those of the system. Borrowed. */
void http_client_trust(struct http_client *client, const char *ca_file);

/* Closes all connections and frees the client; accepts NULL. */
void http_client_free(struct http_client *client);

/*
 * Sends and receives. Redirects are followed at most three times, only to the same scheme, host and
 * port: GET by 301, 302, 307, 308; others by 307 and 308, with their body. TLS is verified. Errors:
 * ERROR_INVALID_INPUT (the URL), ERROR_LEASE_LOST (the guard), ERROR_NETWORK, ERROR_TIMEOUT,
 * ERROR_PROVIDER_UNAVAILABLE (the response is larger than body_max). The message names method, host
 * and path, never the query.
 */
enum error_class http_send(struct http_client *client, const struct http_request *request,
	struct http_response *ret_response, struct error *error) SLIPWAY_MUST_CHECK;

/* Wipes and frees the body. */
void http_response_release(struct http_response *response);

#endif
