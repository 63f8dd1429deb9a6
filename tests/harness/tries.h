/*
 * What a hostile action would try on the machine that runs it: a list of attempts, each with what
 * came of it. For a process in a sandbox, whose part it is to refuse all of them.
 */
#ifndef TESTS_HARNESS_TRIES_H
#define TESTS_HARNESS_TRIES_H

#include <stddef.h>
#include <sys/types.h>

struct tries_aim {
	const char *file;   /* with a secret: the user of this process may read it */
	const char *folder; /* which the user may write to */
	const char *socket; /* of a server that belongs to us: a unix socket */
	pid_t supervisor, sibling;
};

/* Returns 0 if it succeeded, which it must not, and the errno otherwise. */
struct attempted {
	const char *name;
	int (*try)(const struct tries_aim *aim);
};

/* All of them; ended by a NULL name. */
extern const struct attempted tries[];

/* Whether that errno says that the system has refused it, not that it went wrong. */
int tries_is_refusal(int result);

#endif
