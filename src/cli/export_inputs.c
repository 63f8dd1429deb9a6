/*
 * Nothing that was sealed can be read again: a person puts its value into a file of the name that
 * is made up here, of the place where it stood. Two that stood at the same place of two workflows
 * are two secrets.
 */
#include "cli/export_inputs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_pointer.h"
#include "base/text.h"
#include "slipway/field.h"

#define NAME_SIZE   129
#define BASE_LENGTH 120

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a stack");
}

/* /inputs/env/variables/0/value -> ENV_VARIABLES_0_VALUE, or that with _2 where it is taken, also
 * where only the case differs. */
static void make_name(const char *place, const cJSON *taken, char name[NAME_SIZE])
{
	char base[NAME_SIZE];

	const char *rest = strchr(place + 1, '/');
	size_t used = 0;

	for (const char *next = rest != NULL ? rest + 1 : place;
		*next != '\0' && used + 1 < NAME_SIZE; next++)
		name[used++] =
			(char)(isalnum((unsigned char)*next) ? toupper((unsigned char)*next) : '_');
	name[used] = '\0';
	if (isdigit((unsigned char)name[0]))
		name[0] = '_';

	text_copy(base, sizeof(base), name);
	for (int number = 2; cJSON_HasObjectItem(taken, name); number++)
		text_format(name, NAME_SIZE, "%.*s_%d", BASE_LENGTH, base, number);
}

/* Undoes the escapes of a part of a pointer, in place. */
static void unescape(char *part)
{
	char *to = part;

	for (const char *from = part; *from != '\0'; from++) {
		*to = *from;
		if (*from == '~' && (from[1] == '0' || from[1] == '1'))
			*to = *++from == '0' ? '~' : '/';
		to++;
	}
	*to = '\0';
}

/* Puts the reference where the sealed text stood: in an object the member is missing, in a list it
 * is null. */
static bool put(cJSON *deployment, const char *place, const char *reference)
{
	char parent[JSON_POINTER_SIZE];

	text_copy(parent, sizeof(parent), place);
	char *last = strrchr(parent, '/');
	if (last == NULL)
		return true;
	*last++ = '\0';
	cJSON *around = (cJSON *)json_pointer_find(deployment, parent);
	cJSON *text = cJSON_CreateString(reference);
	if (cJSON_IsArray(around))
		return cJSON_ReplaceItemInArray(around, (int)strtol(last, NULL, 10), text);
	unescape(last);
	return json_add(around, last, text);
}

static enum error_class restore_sealed(cJSON *deployment, cJSON *taken, struct error *error)
{
	const cJSON *place;

	cJSON_ArrayForEach (place, json_member(deployment, "sealed")) {
		char name[NAME_SIZE], reference[NAME_SIZE + 16];
		if (!cJSON_IsString(place) || place->valuestring[0] != '/')
			continue;
		make_name(place->valuestring, taken, name);
		text_format(reference, sizeof(reference), "${secret.%s}", name);
		if (!json_add(taken, name, cJSON_CreateTrue()) ||
			!put(deployment, place->valuestring, reference))
			return no_memory(error);
	}
	return ERROR_NONE;
}

enum error_class export_inputs(
	cJSON *deployment, cJSON *taken, cJSON **ret_inputs, struct error *error)
{
	cJSON *inputs = NULL;

	if (restore_sealed(deployment, taken, error) != ERROR_NONE)
		return error->class;
	const cJSON *configured = json_member(deployment, "configured");
	const cJSON *given = json_member(deployment, "inputs");
	inputs = cJSON_CreateObject();
	if (inputs == NULL)
		return no_memory(error);
	if (cJSON_IsObject(configured) && json_merge(&inputs, configured, error) != ERROR_NONE)
		return error->class;
	if (cJSON_IsObject(given) && json_merge(&inputs, given, error) != ERROR_NONE)
		return error->class;
	*ret_inputs = inputs;
	return ERROR_NONE;
}

/* ---- adoption ---- */

static bool has_made(const cJSON *step, const char *workflow, const cJSON *resources)
{
	const char *id = json_member_string(step, "id");
	const cJSON *resource;

	cJSON_ArrayForEach (resource, resources) {
		const char *of_workflow = json_member_string(resource, "workflow"),
			   *of_step = json_member_string(resource, "step");
		if (id != NULL && of_workflow != NULL && of_step != NULL &&
			strcmp(of_workflow, workflow) == 0 && strcmp(of_step, id) == 0)
			return true;
	}
	return false;
}

bool export_adoption(const cJSON *workflow, const cJSON *resources, cJSON *inputs)
{
	const char *id = json_member_string(workflow, "id");
	const cJSON *step;

	cJSON_ArrayForEach (step, json_member(workflow, "steps")) {
		const char *key = json_member_string(step, "inputKey");
		const cJSON *members = json_member(json_member(step, "input"), "properties");
		cJSON *input = key != NULL ? json_member_mutable(inputs, key) : NULL;
		if (id == NULL || !cJSON_IsObject(input) || json_member(members, "adopt") == NULL ||
			!has_made(step, id, resources))
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(input, "adopt");
		if (!json_add(input, "adopt", cJSON_CreateTrue()))
			return false;
	}
	return true;
}
