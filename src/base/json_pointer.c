/*
 * Building JSON pointers; see the header.
 */
#include "base/json_pointer.h"

#include <string.h>

#include "base/text.h"
#include "slipway/error.h"

_Static_assert(sizeof(((struct error *)0)->place) == JSON_POINTER_SIZE, "the place of an error is a JSON pointer");

void json_pointer_append(char *pointer, size_t size, const char *name)
{
	size_t length = strlen(pointer);

	if (length + 1 < size)
		pointer[length++] = '/';
	for (; *name != '\0' && length + 2 < size; name++) {
		if (*name == '/' || *name == '~') {
			pointer[length++] = '~';
			pointer[length++] = *name == '/' ? '1' : '0';
		} else {
			pointer[length++] = *name;
		}
	}

	pointer[length] = '\0';
}

void json_pointer_member(char pointer[JSON_POINTER_SIZE], const char *parent, const char *name)
{
	text_copy(pointer, JSON_POINTER_SIZE, parent);
	json_pointer_append(pointer, JSON_POINTER_SIZE, name);
}

void json_pointer_child(char pointer[JSON_POINTER_SIZE], const char *parent, const cJSON *child, size_t index)
{
	char number[24];
	text_format(number, sizeof(number), "%zu", index);
	json_pointer_member(pointer, parent, child->string != NULL ? child->string : number);
}
