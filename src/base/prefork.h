/*
 * A supervisor of single-threaded processes, as in nginx and PostgreSQL: it forks them, replaces
 * those that end, and stops them all on SIGTERM or SIGINT. A child dies with its supervisor.
 *
 * Each child has a channel to its supervisor: a socket that keeps message boundaries. Messages
 * outlive the child that sent them.
 */
#ifndef SLIPWAY_BASE_PREFORK_H
#define SLIPWAY_BASE_PREFORK_H

#include <stddef.h>
#include <sys/types.h>

#include "base/loop.h"
#include "slipway/error.h"

#define PREFORK_CHILDREN_MAX 256
#define PREFORK_MESSAGE_MAX  4096

struct prefork;

struct prefork_child {
	struct prefork *prefork;
	struct loop_watch watch; /* of the channel */
	pid_t pid;               /* 0: not running */
	int channel;             /* the supervisor's end; -1: none */
	int64_t started_at;      /* monotonic */
	int64_t restart_at;      /* monotonic; do not restart before */
	int64_t restart_delay_ms;
	bool has_spoken; /* it has sent a message since its start */
};

struct prefork {
	/* Set by the program. */
	void *context;    /* borrowed, passed to all callbacks */
	size_t count;     /* number of children */
	int64_t grace_ms; /* how long children may take to end after SIGTERM, before SIGKILL */
	int64_t tick_ms;  /* how often tick is called */
	/* In which all of it happens; borrowed. NULL: in one of its own. In a child it is left. */
	struct loop *loop;

	/* The child's main function; it returns the exit status. SIGTERM has its default action. */
	int (*child)(void *context, size_t index, int channel);
	/* A child sent a message. NULL: children send none. */
	void (*message)(void *context, size_t index, const char *bytes, size_t length);
	/* A child has started, and its channel is a stream (base/channel.h) that the program
	 * watches and reads itself, until `ended` returns. NULL: it keeps message boundaries. */
	void (*started)(void *context, size_t index, int channel);
	/* A child has ended (status as of waitpid); all of its messages have been delivered. */
	void (*ended)(void *context, size_t index, pid_t pid, int status);
	/* Every tick_ms, in the supervisor. NULL: nothing to do. */
	void (*tick)(void *context);
	/* On SIGHUP, in the supervisor. NULL: the signal is ignored. */
	void (*hangup)(void *context);

	/* Whether there is work that the end is to wait for, when all children have ended. NULL:
	 * never. */
	bool (*busy)(const void *context);

	/* Kept by the module. */
	struct prefork_child children[PREFORK_CHILDREN_MAX];
	bool stopping;           /* shutting down: no child is started */
	int64_t kill_at;         /* monotonic: then SIGKILL */
	int signals;             /* signalfd */
	bool has_ended;          /* a child, or more */
	struct loop_watch watch; /* of it */
	bool owns_loop;
};

/*
 * Runs until it is told to stop and all children have ended. The first SIGTERM or SIGINT sends
 * SIGTERM to the children; a second one, or the end of the grace period, kills them. A child that
 * ends by itself is replaced: at once if it exits with status 0 after sending a message; otherwise
 * with growing delays (0.1 to 10 s) as long as it ends within a second of its start. SIGQUIT,
 * SIGUSR1, SIGUSR2 and SIGALRM are ignored, in children too.
 */
enum error_class prefork_run(struct prefork *prefork, struct error *error) SLIPWAY_MUST_CHECK;

/* Sends SIGTERM to all children: each finishes its current work, exits, and is replaced. */
void prefork_replace(struct prefork *prefork);

/* Kills one child now; its end is reported as usual. */
void prefork_kill(struct prefork *prefork, size_t index);

#endif
