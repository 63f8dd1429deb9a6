/* The part of a sandbox that is about files, by Landlock. */
#ifndef SLIPWAY_WORKER_FILE_WALL_H
#define SLIPWAY_WORKER_FILE_WALL_H

#include "worker/sandbox.h"

/* The version of Landlock in this kernel; 0: it has none. */
int file_wall_version(void);

/* From now on this process opens only what it may, and, where the kernel can, signals nobody else.
 * It must have no_new_privs. Does nothing on a kernel without Landlock. */
enum error_class file_wall_raise(
	const struct sandbox *sandbox, struct error *error) SLIPWAY_MUST_CHECK;

/* As sandbox_stamp(). */
uint64_t file_wall_stamp(void);

#endif
