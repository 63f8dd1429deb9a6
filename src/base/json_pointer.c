/*
 * Building and following JSON pointers; see the header.
 */
#include "base/json_pointer.h"

#include <string.h>

#include "base/text.h"

_Static_assert(sizeof(((struct error *)0)->place) == JSON_POINTER_SIZE,
	"the place of an error is a JSON pointer");

void json_pointer_append(char *pointer, size_t size, const char *name)
{
	const char *const begin = name;
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

	/* Cut where a character begins, never inside one. */
	for (; ((unsigned char)*name & 0xC0) == 0x80 && name > begin; name--)
		length--;
	pointer[length] = '\0';
}

enum error_class error_at_member(struct error *error, const char *place, const char *name)
{
	char pointer[JSON_POINTER_SIZE];

	json_pointer_member(pointer, place, name);
	return error_at(error, "%s", pointer);
}

void json_pointer_member(char pointer[JSON_POINTER_SIZE], const char *parent, const char *name)
{
	text_copy(pointer, JSON_POINTER_SIZE, parent);
	json_pointer_append(pointer, JSON_POINTER_SIZE, name);
}

/* What a child is called in its parent: of an array it is the index. */
static const char *name_of(const cJSON *child, size_t index, char number[INTEGER_TEXT_SIZE])
{
	return child->string != NULL ? child->string : text_of_integer(number, (int64_t)index);
}

void json_pointer_child(
	char pointer[JSON_POINTER_SIZE], const char *parent, const cJSON *child, size_t index)
{
	char number[INTEGER_TEXT_SIZE];

	json_pointer_member(pointer, parent, name_of(child, index, number));
}

/* Whether the part, which ends before a slash or with the text, is this name with
 * ~ and / escaped. */
static bool is_named(const char *part, size_t length, const char *name)
{
	for (const char *end = part + length; part < end; part++, name++) {
		char byte = *part;
		if (byte == '~') {
			byte = part[1] == '0' ? '~' : '/';
			part++;
		}
		if (*name != byte)
			return false;
	}

	return *name == '\0';
}

static const cJSON *find_child(const cJSON *json, const char *part, size_t length)
{
	char number[INTEGER_TEXT_SIZE];
	size_t index = 0;
	const cJSON *child;

	if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
		return NULL;
	cJSON_ArrayForEach (child, json) {
		if (is_named(part, length, name_of(child, index++, number)))
			return child;
	}

	return NULL;
}

const cJSON *json_pointer_find(const cJSON *json, const char *pointer)
{
	while (json != NULL && *pointer == '/') {
		size_t length = strcspn(pointer + 1, "/");
		json = find_child(json, pointer + 1, length);
		pointer += 1 + length;
	}

	return *pointer == '\0' ? json : NULL;
}
