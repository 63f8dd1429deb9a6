/*
 * For tests of what is stored: one redis-server a test program, with conf/redis as shipped, and for
 * each test a connection to it, with nothing in it. A test that kills its server has one of its
 * own.
 */
#ifndef TESTS_HARNESS_STORE_H
#define TESTS_HARNESS_STORE_H

#include "harness/suite.h"
#include "store/keys.h"
#include "store/redis.h"

/* An app of the tenant that tests are of where they do not say. */
#define APP(id) (&(const struct app_name){ "default", (id) })

/* As suite_main, while the server runs; setup calls store_open, and teardown store_close. */
int store_suite_main(
	const char *name, const TTest *const *tests, void (*setup)(void), void (*teardown)(void));

/* Empties the server and connects to it. */
struct redis *store_open(void);

/* Another connection to the same, which the caller frees. */
struct redis *store_connect(void);

/* The same, joined to a loop of its own, for coroutines; store_leave ends both, and the stacks. */
struct redis *store_join(struct loop **ret_loop);
void store_leave(struct redis *joined, struct loop *loop);

/* Starts a server for this test alone, and connects to it in place of redis. */
struct redis *store_open_own(struct redis *redis);

/* Kills the test's own server hard, and starts it anew on what it has written. */
void store_restart(void);

/* How many scripts the server has run: each asks once what the time is. */
int64_t store_scripts_run(struct redis *redis);

/* A command as words; it must be fine. Its reply is of no interest, or is asked for as a number, or
 * as a text in the arena: "" where there is none. */
#define STORE_TELL(redis, ...)                                                                     \
	store_tell(redis, (const char *const[]){ __VA_ARGS__ },                                    \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))
#define STORE_NUMBER(redis, ...)                                                                   \
	store_number(redis, (const char *const[]){ __VA_ARGS__ },                                  \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))
#define STORE_TEXT(redis, arena, ...)                                                              \
	store_text(redis, arena, (const char *const[]){ __VA_ARGS__ },                             \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))
void store_tell(struct redis *redis, const char *const *words, size_t count);
int64_t store_number(struct redis *redis, const char *const *words, size_t count);
const char *store_text(
	struct redis *redis, struct arena *arena, const char *const *words, size_t count);

/* Ends the connection, and the server where it is the test's own. */
void store_close(struct redis *redis);

#endif
