/*
 * The worker's supervisor: renews its executors' leases, keeps their deadlines, clears up after them, and puts right
 * whatever is due in Redis.
 */
#ifndef SLIPWAY_WORKER_SUPERVISOR_H
#define SLIPWAY_WORKER_SUPERVISOR_H

#include "base/settings.h"

/* Runs until SIGTERM or SIGINT and the end of all executors. Secrets whose files change, and all of them on SIGHUP, are
 * read again into the settings. */
enum error_class supervisor_run(struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

#endif
