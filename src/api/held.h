/*
 * Requests that are held, from when their handler has returned until they have a response. They
 * have no coroutine, and no streams of libfcgi: those take 20 KiB.
 *
 * Those of one tenant that ask the same, word for word, are looked at together: one of them is
 * handled, and its response is that of all. So many that wait for one step cost one look, whatever
 * it takes. Whoever knows another state than the others asks with other words, and is looked at by
 * himself.
 */
#ifndef SLIPWAY_API_HELD_H
#define SLIPWAY_API_HELD_H

#include "api/holds.h"
#include "api/request.h"

/* Responses that are sent in a turn of the loop: whoever asks for something waits for no more. */
#define HELD_SENT_MAX 64

/* All of a process. */
struct held_requests;

struct question;
TAILQ_HEAD(held_list, held_request);

/* One of them; the caller owns it, and it must not move. Zeroed, but for `all`: it is not held. */
struct held_request {
	struct held_requests *all;
	struct hold hold;
	struct question *question; /* what it asks; NULL: it is not held */
	struct held_list *list;    /* it waits for a look or its response; NULL: for a change */
	bool is_handled;           /* it is the one that is handled for all */
	bool is_touched;           /* meanwhile something came over its connection */
	int socket, number;        /* its connection, which blocks, and its number there */
	char id[REQUEST_ID_SIZE];
	void *context; /* the caller's */
	TAILQ_ENTRY(held_request) entry;
};

/* The caller's. */
struct held_calls {
	/* Some are to be looked at: held_requests_look. */
	void (*due)(void *context);
	void *context; /* of that */
	/* It has its response, and is not held any more; or it has none, and never will. Its
	 * connection is of further use, or to be closed. */
	void (*ended)(void *request_context, bool is_usable);
};

/* Release with held_requests_free. */
enum error_class held_requests_new(struct loop *loop, const struct held_calls *calls,
	struct held_requests **ret_all, struct error *error) SLIPWAY_MUST_CHECK;

/* NULL is fine. None may be left that is held. */
void held_requests_free(struct held_requests *all);

/* Whether some are to be looked at. */
bool held_requests_are_due(const struct held_requests *all);

/* Whether some wait for a look or a response. */
bool held_requests_have_work(const struct held_requests *all);

/* Looks at those that come next, and sends their responses: in a coroutine, or on main where the
 * handler waits for nothing. Some must be due. */
void held_requests_look(struct held_requests *all, request_handler *handler, void *context);

/* ---- one of them ---- */

/* Keeps the texts of a request, without its body: it must be one that has none of use. False: they
 * are too large, or there is no memory. */
bool held_request_keep(struct held_request *held, const struct request *request) SLIPWAY_MUST_CHECK;

/* It waits from now on, until `ended` is called. */
void held_request_wait(struct held_request *held);

/* Something has come over its connection. Whether that is to be closed: the peer has closed it, or
 * sends something before it has the response. */
bool held_request_is_lost(struct held_request *held);

/* It is not held any more; fine for one that is not. */
void held_request_end(struct held_request *held);

#endif
