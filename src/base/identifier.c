/*
 * Checks ids byte by byte, independent of the locale, and makes run ids from the kernel's random
 * source.
 */
#include "base/identifier.h"

#include <sodium.h>
#include <string.h>

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool identifier_valid(const char *text)
{
	size_t length = strspn(text, LETTERS_AND_DIGITS "_-");
	if (text[length] != '\0' || length < 1 || length > IDENTIFIER_MAX)
		return false;
	return strspn(text, LETTERS_AND_DIGITS) > 0;
}

void run_id_make(char run_id[RUN_ID_SIZE])
{
	unsigned char bytes[16];
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(run_id, RUN_ID_SIZE, bytes, sizeof(bytes));
}
