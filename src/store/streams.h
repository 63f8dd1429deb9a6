/*
 * Reads what has happened to an app page by page, the newest entry first. What is added meanwhile
 * stands before the first page, so no later page has an entry twice or misses one.
 */
#ifndef SLIPWAY_STORE_STREAMS_H
#define SLIPWAY_STORE_STREAMS_H

#include "core/run.h"
#include "store/redis.h"

#define STREAM_ID_SIZE 48

/* Which list of an app: deployments and runs that have ended, and its events. */
enum stream_list { STREAM_DEPLOYMENTS, STREAM_HISTORY, STREAM_EVENTS };

/* Which entries. All borrowed. */
struct stream_query {
	struct app_name app;
	enum stream_list list;
	const char *after;             /* the id behind which the page begins; NULL: the newest */
	const char *workflow, *status; /* of the entries; NULL: any */
	size_t limit;                  /* at most so many, and fewer where they are large */
};

/* One entry: its id, when it was added (ms since 1970), and its fields as a flat list. */
struct stream_entry {
	const char *id;
	int64_t at;
	const struct redisReply *fields;
};

/* Takes one entry of the page. An error ends the reading. */
typedef enum error_class stream_taker(
	void *context, const struct stream_entry *entry, struct error *error);

/* Calls `take` for each entry of the page. ret_next is where the next page begins; "": there is
 * none. A key that does not exist has no entries. */
enum error_class stream_page(struct redis *redis, const struct stream_query *query,
	stream_taker *take, void *context, char ret_next[STREAM_ID_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the text is an id as ret_next has them. */
bool stream_id_valid(const char *text);

/* The value of a field; "" if the entry has no such field. Borrowed. */
const char *stream_field(const struct redisReply *fields, const char *name);

#endif
