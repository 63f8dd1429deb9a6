/*
 * Limits of a process. RLIMIT_DATA counts what is allocated and not what is only mapped, so it can
 * be close to the need.
 */
#include "base/resources.h"

#include <sys/resource.h>

void resources_limit_memory(size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__)
	(void)bytes;
#else
	const struct rlimit memory = { bytes, bytes };
	setrlimit(RLIMIT_DATA, &memory);
#endif
}
