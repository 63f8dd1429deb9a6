/*
 * Protection by the kernel for a process that holds secrets in memory.
 */
#ifndef SLIPWAY_BASE_PROCESS_H
#define SLIPWAY_BASE_PROCESS_H

/* Disables core dumps of this process. */
void process_without_core(void);

/*
 * Keeps other processes of the same user out of this one's memory, environment and descriptors, and
 * stops debuggers from attaching. Children inherit this until they exec.
 */
void process_hide(void);

#endif
