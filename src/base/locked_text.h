/*
 * A secret for as long as a process lives, in pages that are never swapped nor dumped, and that can
 * be read only where somebody has opened them for a moment.
 */
#ifndef SLIPWAY_BASE_LOCKED_TEXT_H
#define SLIPWAY_BASE_LOCKED_TEXT_H

#include <stddef.h>

/*
 * A copy of `length` bytes, ended by a NUL, which sodium_mprotect_readonly opens and
 * sodium_mprotect_noaccess shuts again; sodium_free frees it. Where the system leaves no room to
 * lock it, that is logged, with `what`, and it is used. NULL if out of memory.
 */
char *locked_text_new(const char *text, size_t length, const char *what);

#endif
