/*
 * The Lua scripts: every change of state in Redis is one of them. Each is a function of Redis, and
 * all are one library, embedded at build time from scripts/.
 */
#ifndef SLIPWAY_STORE_SCRIPTS_H
#define SLIPWAY_STORE_SCRIPTS_H

/* One per file in scripts/: `name.lua` is SCRIPT_NAME. */
enum script_id {
	SCRIPT_CANCEL,
	SCRIPT_CONFIGURE,
	SCRIPT_DECLINE,
	SCRIPT_DRAW,
	SCRIPT_GATE,
	SCRIPT_INSPECT,
	SCRIPT_LANES,
	SCRIPT_KNOWN,
	SCRIPT_NEEDS,
	SCRIPT_OWNER,
	SCRIPT_PACE,
	SCRIPT_PAGE,
	SCRIPT_PAUSE,
	SCRIPT_PROBE,
	SCRIPT_PULSE,
	SCRIPT_REAP,
	SCRIPT_RECOUNT,
	SCRIPT_RECOUNT_BUDGETS,
	SCRIPT_RENEW,
	SCRIPT_SETTLE,
	SCRIPT_SHARE,
	SCRIPT_SKIP,
	SCRIPT_START,
	SCRIPT_STOP,
	SCRIPT_SIGN,
	SCRIPT_STRAYS,
	SCRIPT_SWEEP,
	SCRIPT_TALLY,
	SCRIPT_TELL,
	SCRIPT_TRIGGER,
	SCRIPT_TURN,
	SCRIPT_WORK,
	SCRIPT_COUNT
};

/* function is its name in Redis. */
struct script {
	const char *name;
	const char *function;
};

/* Its name, and those of its functions, differ wherever its text does: builds stand side by
 * side. */
struct script_library {
	const char *name;
	const char *text;
};

extern const struct script scripts[];
extern const struct script_library script_library;

#endif
