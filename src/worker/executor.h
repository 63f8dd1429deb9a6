/*
 * An executor: a process that is given one run after another and runs its action.
 */
#ifndef SLIPWAY_WORKER_EXECUTOR_H
#define SLIPWAY_WORKER_EXECUTOR_H

#include "base/settings.h"
#include "worker/report.h"

/*
 * The executor's whole life: until SIGTERM, the configured number of actions, or a fault that only
 * a new process can fix. channel is a stream to the supervisor; shared is memory that it has
 * as well. Returns the exit status.
 */
int executor_run(const struct settings *settings, int channel, struct executor_shared *shared);

#endif
