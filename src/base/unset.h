/*
 * A release build sets each local to zero before its function begins, so that one that was
 * forgotten shows nothing of what stood there before. UNSET leaves out the large ones of hot paths,
 * of which a function writes what it reads: setting them took a sixth of a poll. The build for
 * valgrind sets none, and so finds where that is not true.
 */
#ifndef SLIPWAY_BASE_UNSET_H
#define SLIPWAY_BASE_UNSET_H

#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define UNSET __attribute__((uninitialized))
#endif
#endif
#ifndef UNSET
#define UNSET
#endif

#endif
