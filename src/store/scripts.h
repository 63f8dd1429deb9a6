/*
 * The Lua scripts: every change of state in Redis is one of them. Embedded at build time from
 * scripts/.
 */
#ifndef SLIPWAY_STORE_SCRIPTS_H
#define SLIPWAY_STORE_SCRIPTS_H

#include <stddef.h>

/* One per file in scripts/: `name.lua` is SCRIPT_NAME. */
enum script_id {
	SCRIPT_BURY,
	SCRIPT_CANCEL,
	SCRIPT_CLAIM,
	SCRIPT_CONFIGURE,
	SCRIPT_DECLINE,
	SCRIPT_FINISH,
	SCRIPT_GATE,
	SCRIPT_INSPECT,
	SCRIPT_NEEDS,
	SCRIPT_OWNER,
	SCRIPT_PACE,
	SCRIPT_PROBE,
	SCRIPT_PROGRESS,
	SCRIPT_PULSE,
	SCRIPT_REAP,
	SCRIPT_RELEASE,
	SCRIPT_RENEW,
	SCRIPT_RETRY,
	SCRIPT_SHARE,
	SCRIPT_SKIP,
	SCRIPT_START,
	SCRIPT_STOP,
	SCRIPT_TRIGGER,
	SCRIPT_TURN,
	SCRIPT_WAIT,
	SCRIPT_COUNT
};

struct script {
	const char *name;
	const char *text;
	size_t length;
};

extern const struct script scripts[];

#endif
