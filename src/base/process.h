/*
 * What a process that has secrets in its memory asks of the kernel.
 */
#ifndef SLIPWAY_BASE_PROCESS_H
#define SLIPWAY_BASE_PROCESS_H

/* No core file of it is written. */
void process_without_core(void);

/*
 * No other process of the same user may look into its memory, its environment or its descriptors, and no debugger may
 * attach; children are hidden as well, until they run another program.
 */
void process_hide(void);

#endif
