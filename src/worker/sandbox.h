/*
 * The walls of a process that runs code which is not ours to trust with the machine: an action may
 * call providers, and nothing else. What it must not do is refused with an error; it is not killed
 * for it.
 */
#ifndef SLIPWAY_WORKER_SANDBOX_H
#define SLIPWAY_WORKER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "slipway/error.h"

/* What a process keeps beyond what an action needs. */
struct sandbox {
	const char *writes; /* a folder where it may make, write and rename files; NULL: nowhere */
	bool offline;       /* it makes no sockets at all */
};

/*
 * Shuts this process in for as long as it lives: it opens no files but those of the system that
 * name look-ups and TLS need, has no sockets but those of TCP and UDP, to whatever address, listens
 * nowhere, starts no program and no process, can neither see nor signal another one, and changes
 * nothing of its first three descriptors, which it shares. Its limits are what they were. Call it
 * while the process has one thread. ERROR_INTERNAL where the kernel refuses; then the process must
 * not go on. Without Landlock in the kernel files are kept from it by their mode alone, see
 * sandbox_weakness().
 */
enum error_class sandbox_enter(
	const struct sandbox *sandbox, struct error *error) SLIPWAY_MUST_CHECK;

/* What is lacking of these walls in this build or on this kernel, for the log; NULL: nothing. */
const char *sandbox_weakness(void);

/*
 * A number that changes when a file is replaced that name look-ups read. A sandboxed process may
 * read the file that was there when it entered, and not the new one: start another in its place.
 */
uint64_t sandbox_stamp(void);

#endif
