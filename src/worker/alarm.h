/*
 * What operators have to know of, for somebody may be at work who should not: refusals that no
 * honest program meets. They stand in the log and, where no executor writes, in the audit.
 */
#ifndef SLIPWAY_WORKER_ALARM_H
#define SLIPWAY_WORKER_ALARM_H

#include "core/run.h"
#include "store/redis.h"

/* What has happened. */
#define ALARM_NOT_BELIEVED "what is stored is not believed"
#define ALARM_REFUSED      "run refused what it asked for"

/* Tells of it, and of the refusal that the run has met. In a coroutine. */
void alarm_raise(struct redis *redis, const struct run_name *name, const char *request,
	const char *event, const struct error *refusal);

#endif
