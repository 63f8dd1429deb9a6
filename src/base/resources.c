/*
 * Limits of a process. RLIMIT_DATA counts what is allocated and not what is only mapped, so it can
 * be close to the need.
 */
#include "base/resources.h"

#include <malloc.h>
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

size_t resources_raise_files(void)
{
	struct rlimit files = { 1024, 1024 };

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NOFILE, &files);
	return (size_t)files.rlim_cur;
}

void resources_give_back(void)
{
	malloc_trim(0);
}
