/* libsodium's pages, with the guard pages around them. */
#include "base/locked_text.h"

#include <sodium.h>
#include <string.h>

#include "base/log.h"

char *locked_text_new(const char *text, size_t length, const char *what)
{
	char *held = sodium_malloc(length + 1);

	if (held == NULL)
		return NULL;
	memcpy(held, text, length);
	held[length] = '\0';
	if (sodium_mlock(held, length + 1) != 0)
		log_write(LOG_WARNING, "secrets may be swapped out", "what", what, "why",
			"RLIMIT_MEMLOCK leaves no room for them: raise LimitMEMLOCK", NULL);
	sodium_mprotect_noaccess(held);
	return held;
}
