/*
 * A supervisor over single-threaded processes, as nginx and PostgreSQL have it: forks them, replaces those that
 * end, and stops them all on SIGTERM or SIGINT. A child dies with its supervisor.
 *
 * Each child has a channel to its supervisor: a socket of whole messages, which outlive the child that sent them.
 */
#ifndef SLIPWAY_BASE_PREFORK_H
#define SLIPWAY_BASE_PREFORK_H

#include <stddef.h>
#include <sys/types.h>

#include "slipway/error.h"

#define PREFORK_CHILDREN_MAX 256
#define PREFORK_MESSAGE_MAX  4096

struct prefork_child {
	pid_t pid;          /* 0: none now */
	int channel;        /* the supervisor's end; -1: none */
	int64_t started_at; /* monotonic */
	int64_t restart_at; /* monotonic; not before then */
	int64_t restart_delay_ms;
	bool has_spoken; /* it has sent a message since it was started */
};

struct prefork {
	/* Set by the program. */
	void *context;    /* borrowed, passed to all of the functions */
	size_t count;     /* children */
	int64_t grace_ms; /* how long children may take to end after SIGTERM, before SIGKILL */
	int64_t tick_ms;  /* how often tick is called */

	/* The child's whole life; its result is the exit status. SIGTERM is at its default in the child. */
	int (*child)(void *context, size_t index, int channel);
	/* A child's message. NULL: they send none. */
	void (*message)(void *context, size_t index, const char *bytes, size_t length);
	/* A child has ended (status as of waitpid); all of its messages have been delivered. */
	void (*ended)(void *context, size_t index, pid_t pid, int status);
	/* Every tick_ms, in the supervisor. NULL: nothing to do. */
	void (*tick)(void *context);
	/* SIGHUP, in the supervisor. NULL: it is ignored. */
	void (*hangup)(void *context);

	/* Kept by the module. */
	struct prefork_child children[PREFORK_CHILDREN_MAX];
	bool stopping;   /* told to stop: children end, none is started */
	int64_t kill_at; /* monotonic: then SIGKILL */
	int signals;     /* signalfd */
};

/*
 * Runs until told to stop and all children have ended. A first SIGTERM or SIGINT passes SIGTERM on; a second one,
 * or the end of the grace, kills. A child that ends by itself is replaced: at once where it ends with status 0 after it
 * has sent a message; else with growing delays (0.1 to 10 s) while it ends within a second of its start. SIGQUIT,
 * SIGUSR1, SIGUSR2 and SIGALRM are ignored, in children too.
 */
enum error_class prefork_run(struct prefork *prefork, struct error *error) SLIPWAY_MUST_CHECK;

/* Passes SIGTERM on to all children: each ends when it has finished what it does, and is replaced. */
void prefork_replace(struct prefork *prefork);

/* Kills one child now; its end is reported as usual. */
void prefork_kill(struct prefork *prefork, size_t index);

/* In a child: sends the supervisor one message. False where it is gone. */
bool prefork_send(int channel, const void *message, size_t length) SLIPWAY_MUST_CHECK;

#endif
