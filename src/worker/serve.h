/*
 * The life of a child of the supervisor that answers one question after the other: the other end of
 * a child_link.
 */
#ifndef SLIPWAY_WORKER_SERVE_H
#define SLIPWAY_WORKER_SERVE_H

#include "worker/protocol.h"

/* Fills the reply, which is empty; texts in the arena. An error takes its place. */
typedef enum error_class serve_answer(void *context, const char *text, size_t length,
	struct arena *arena, struct reply *reply, struct error *error);

/* Until the other end of the stream socket is closed. */
void serve(int channel_fd, serve_answer *answer, void *context);

#endif
