/* The limits and flags by which a process keeps its memory to itself. */
#include "base/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void process_without_core(void)
{
	const struct rlimit no_core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &no_core);
}

void process_hide(void)
{
	process_without_core();
	/* The sanitizers look for leaks as a debugger does. */
#if !defined(__SANITIZE_ADDRESS__)
	prctl(PR_SET_DUMPABLE, 0);
#endif
}
