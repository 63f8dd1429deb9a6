/*
 * The worker's supervisor: renews the leases of its executors, enforces their deadlines, cleans up
 * after them, and runs the reaper.
 */
#ifndef SLIPWAY_WORKER_SUPERVISOR_H
#define SLIPWAY_WORKER_SUPERVISOR_H

#include "base/settings.h"

/* Runs until SIGTERM or SIGINT, and until all executors have ended. Reads the files with secrets
 * again when they change, and on SIGHUP. */
enum error_class supervisor_run(struct settings *settings, struct error *error) SLIPWAY_MUST_CHECK;

#endif
