/*
 * A private redis-server for one test program, with conf/redis as shipped: in a temporary folder,
 * on a unix socket, ended by its process id.
 */
#ifndef TESTS_HARNESS_REDIS_SERVER_H
#define TESTS_HARNESS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
	char folder[64];
	char url[96]; /* unix:///... */
	pid_t pid;
};

/* Starts it and waits until it answers; ends the program with a message where it does not. */
void redis_server_start(struct redis_server *server);

/* Takes all keys away; ends the program with a message where it cannot. */
void redis_server_empty(const struct redis_server *server);

/* Kills it hard and starts it anew on the same folder. */
void redis_server_restart(struct redis_server *server);

/* Ends it and removes its folder. */
void redis_server_stop(struct redis_server *server);

#endif
