/* Looks through the mappings of the process, as /proc lists them. */
#include "base/sweep.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE 512

/* The sanitizers would take each look at freed memory for a fault. */
#ifdef SLIPWAY_NO_SANDBOX
#define IS_OFF 1
#else
#define IS_OFF 0
#endif

static void sweep_range(char *at, char *const end, const char *secret, size_t length)
{
	char *found;

	while (at < end && (found = memmem(at, (size_t)(end - at), secret, length)) != NULL) {
		if (found != secret)
			explicit_bzero(found, length);
		at = found + length;
	}
}

void memory_sweep(char *secret, size_t length)
{
	char line[LINE_SIZE], rights[5];
	void *from, *to;
	FILE *maps = length > 0 && !IS_OFF ? fopen("/proc/self/maps", "re") : NULL;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%p-%p %4s", &from, &to, rights) == 3 &&
			strcmp(rights, "rw-p") == 0)
			sweep_range(from, to, secret, length);
	if (maps != NULL)
		fclose(maps);
	explicit_bzero(secret, length);
}
