/*
 * The worker's supervisor: renews its executors' leases, keeps their deadlines, clears up after them, and puts right
 * whatever is due in Redis.
 */
#ifndef SLIPWAY_WORKER_SUPERVISOR_H
#define SLIPWAY_WORKER_SUPERVISOR_H

#include "base/settings.h"

/* Runs until SIGTERM or SIGINT and the end of all executors. */
enum error_class supervisor_run(const struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

#endif
