/*
 * Calls the scripts. Each is a function of one library of Redis, which keeps it: what functions are
 * made of is compiled and made once, and not at each call.
 *
 * The names of library and functions differ wherever the text does (see scripts/embed), so each
 * build calls its own, and nothing replaces what another one uses.
 */
#ifndef SLIPWAY_STORE_FUNCTIONS_H
#define SLIPWAY_STORE_FUNCTIONS_H

#include "base/arena.h"
#include "store/redis.h"
#include "store/scripts.h"

/* What a script sees as arg.NAME: a text or an integer; '' if both are NULL. Borrowed. */
struct script_argument {
	const char *name, *text;
	const int64_t *integer;
};
#define SCRIPT_ARGUMENTS_MAX 192

/* A script with its keys and arguments, as its head lists them. Borrowed. */
struct script_call {
	enum script_id script;
	size_t key_count;
	const char *const *keys;
	size_t argument_count;
	const struct script_argument *arguments;
};

/*
 * Calls a script with FCALL, and loads its library if Redis does not have it. In addition to the
 * errors of redis_command, ERROR_OUTCOME_UNKNOWN if the connection was lost after the call was
 * sent. ERROR_STORE_UNAVAILABLE, with what to do, where Redis lets the user load no library.
 */
enum error_class script_call(struct redis *redis, const struct script_call *call,
	struct redisReply **ret_reply, struct error *error) SLIPWAY_MUST_CHECK;

/* The same for a script that does several things: their names, with blanks between, for tests. */
enum error_class script_call_as(struct redis *redis, const char *does,
	const struct script_call *call, struct redisReply **ret_reply,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Which libraries of Slipway Redis has. */
struct function_list {
	bool is_loaded;      /* the one of this build */
	const char **others; /* those of other builds; in the arena */
	size_t other_count;
};

/* Reads which libraries of Slipway Redis has. Errors as for redis_command. */
enum error_class functions_read(struct redis *redis, struct arena *arena,
	struct function_list *ret_list, struct error *error) SLIPWAY_MUST_CHECK;

/* Loads the library of this build where Redis lacks it, so that those can call it who may load
 * nothing. Errors as for script_call. ret_was_loaded, whether it was there, may be NULL. */
enum error_class functions_load(
	struct redis *redis, bool *ret_was_loaded, struct error *error) SLIPWAY_MUST_CHECK;

/* How many calls of this process have met that Redis lacks their function: somebody has flushed
 * them, and who may load none waits for it. */
size_t functions_missed(void);

/* Deletes the libraries of other builds. A program of those that still runs loads its own again.
 * ret_count is how many it was. */
enum error_class functions_prune(
	struct redis *redis, size_t *ret_count, struct error *error) SLIPWAY_MUST_CHECK;

#endif
