/*
 * Checks ids byte by byte, independent of the locale, and makes run ids from the kernel's random
 * source.
 */
#include "base/identifier.h"

#include <sodium.h>

static bool is_letter_or_digit(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
		(byte >= 'A' && byte <= 'Z');
}

bool identifier_valid(const char *text)
{
	size_t length = 0;

	while (is_letter_or_digit(text[length]) || text[length] == '_' || text[length] == '-')
		length++;
	return text[length] == '\0' && length <= IDENTIFIER_MAX && is_letter_or_digit(text[0]);
}

void run_id_make(char run_id[RUN_ID_SIZE])
{
	unsigned char bytes[16];
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(run_id, RUN_ID_SIZE, bytes, sizeof(bytes));
}
