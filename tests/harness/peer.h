/*
 * A scripted HTTP server in the test's own process, on a free loopback port: answers by a table,
 * records what it was asked, and misbehaves where the table says so.
 */
#ifndef TESTS_HARNESS_PEER_H
#define TESTS_HARNESS_PEER_H

#include <stdbool.h>
#include <stddef.h>

enum peer_behaviour {
	PEER_ANSWERS = 0,
	PEER_HANGS,     /* answers only when the peer is stopped */
	PEER_CUTS,      /* closes in the middle of the body */
	PEER_DROPS,     /* closes without an answer, after it took the request */
	PEER_OVERFLOWS, /* a body of 5 MiB */
};

/* One row of the table. The first that fits and is not used up answers. */
struct peer_row {
	const char *method;
	const char *path; /* as sent, still encoded; with a query only where that matters */
	int status;
	const char *body;    /* JSON may have single quotes: {'id':42} */
	const char *headers; /* "Name: value" lines; NULL: none */
	int times;           /* how often it answers; 0: always */
	enum peer_behaviour behaviour;
};

struct peer_request {
	char method[8];
	char uri[1024]; /* path and query as sent */
	char authorization[1024];
	char content_type[64];
	char user_agent[64];
	char headers[2048]; /* all of them, as "Name: value" lines */
	char body[16384];
};

struct peer;

/* Starts one with no rows: it answers 501 to what no row fits. Aborts the test where it cannot. */
struct peer *peer_start(void);
void peer_stop(struct peer *peer);

/* http://127.0.0.1:port */
const char *peer_url(const struct peer *peer);

/* Replaces the table, ended by a row without a method; forgets the requests so far. The rows are
 * borrowed. */
void peer_set(struct peer *peer, const struct peer_row *rows);

/* Waits until all that has been sent is received, of connections that its sender has ended too:
 * then what comes of them is counted. */
void peer_settle(struct peer *peer);

/* How many requests of this method and path (without query) came; a NULL method counts all. */
size_t peer_count(struct peer *peer, const char *method, const char *path);

/* The last request of this method and path; an empty one where none came. */
struct peer_request peer_last(struct peer *peer, const char *method, const char *path);

/* The value of this header, any case; "" where it was not sent. Valid until the next call. */
const char *peer_header(const struct peer_request *request, const char *name);

#endif
