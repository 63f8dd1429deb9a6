/*
 * Makes requests of a stack. Inputs go with each start and belong to that deployment; config, env
 * and secrets belong to the app and are configured.
 */
#include <errno.h>
#include <string.h>

#include "base/secret_file.h"
#include "base/text.h"
#include "cli/stack.h"

#define SECRET_MAX ((size_t)16384) /* bytes, as configure has it */
#define PATH_SIZE  1024

/* ---- secrets ---- */

/* A path beside the stack file, unless it is an absolute one. */
static bool locate_file(const struct stack *stack, const char *name, char path[PATH_SIZE])
{
	const char *slash = strrchr(stack->file.name, '/');

	if (name[0] == '/' || slash == NULL)
		return text_copy(path, PATH_SIZE, name);
	return text_format(path, PATH_SIZE, "%.*s/%s", (int)(slash - stack->file.name),
		stack->file.name, name);
}

/* A line feed at the end is an editor's, not the secret's. */
static enum error_class read_secret(const struct stack *stack, const char *name, const char *title,
	cJSON **ret_secret, struct error *error)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER_EMPTY(SECRET_MAX);
	char path[PATH_SIZE], bytes[1024];
	FILE *file = NULL;
	size_t length;
	bool fits = true;

	if (!locate_file(stack, name, path))
		return error_set(
			error, ERROR_INVALID_INPUT, "the name of %s's file is too long", title);
	if (secret_file_open(path, title, &file, error) != ERROR_NONE)
		return error->class;
	while (fits && (length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_append(&buffer, bytes, length);
	int broken = ferror(file) != 0 ? errno : 0;
	fclose(file);
	if (broken != 0)
		return error_set(error, ERROR_INVALID_INPUT, "%s: cannot read %s: %s", title, path,
			strerror(broken));
	if (!fits || strlen(buffer_text(&buffer)) != buffer.length)
		return error_set(error, ERROR_INVALID_INPUT,
			"%s: %s must be a text of at most %zu bytes", title, path, SECRET_MAX);

	if (buffer.length > 0 && buffer.bytes[buffer.length - 1] == '\n')
		buffer.bytes[--buffer.length] = '\0';
	*ret_secret = cJSON_CreateString(buffer_text(&buffer));
	return *ret_secret != NULL
		? ERROR_NONE
		: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a secret");
}

static bool is_listed(const cJSON *names, const char *name)
{
	const cJSON *entry;
	cJSON_ArrayForEach (entry, names) {
		if (cJSON_IsString(entry) && strcmp(entry->valuestring, name) == 0)
			return true;
	}
	return false;
}

/* Of two clients that find none at the same time, the first one's is kept. */
static cJSON *initial_secret(cJSON *value)
{
	CLEANUP_JSON cJSON *secret = cJSON_CreateObject();

	if (secret == NULL) {
		cJSON_Delete(value);
		return NULL;
	}
	return json_add(secret, "initial", value) ? json_take(&secret) : NULL;
}

enum error_class stack_secrets(const struct stack *stack, const struct stack_app *app,
	const cJSON *names, cJSON **ret_secrets, struct error *error)
{
	CLEANUP_JSON cJSON *secrets = cJSON_CreateObject();
	const cJSON *value;

	cJSON_ArrayForEach (value, json_member(app->json, "secrets")) {
		const char *file = cJSON_GetStringValue(value);
		cJSON *secret = NULL;
		if (file != NULL && is_listed(names, value->string))
			continue;
		if (file == NULL)
			secret = cJSON_Duplicate(value, true);
		else if (read_secret(stack, file + 1, value->string, &secret, error) != ERROR_NONE)
			return error->class;
		if (file != NULL && names != NULL)
			secret = initial_secret(secret);
		if (secrets == NULL || !json_add(secrets, value->string, secret))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for secrets");
	}

	*ret_secrets = cJSON_GetArraySize(secrets) > 0 ? json_take(&secrets) : NULL;
	return ERROR_NONE;
}

/* ---- bodies ---- */

cJSON *stack_app_body(const struct stack_app *app, const char *mode, const char *const *members)
{
	CLEANUP_JSON cJSON *body = cJSON_CreateObject();

	if (body == NULL || !json_add(body, "mode", cJSON_CreateString(mode)) ||
		!json_add(body, "appId", cJSON_CreateString(app->id)))
		return NULL;
	for (; members != NULL && *members != NULL; members++) {
		const cJSON *member = json_member(app->json, *members);
		if (member != NULL && !json_add(body, *members, cJSON_Duplicate(member, true)))
			return NULL;
	}
	return json_take(&body);
}

cJSON *stack_unit_body(const struct stack_unit *unit, const char *mode)
{
	CLEANUP_JSON cJSON *body = stack_app_body(unit->app, mode, NULL);
	const cJSON *inputs = json_member(unit->json, "inputs");

	if (body == NULL || !json_add(body, "workflowId", cJSON_CreateString(unit->workflow)) ||
		(inputs != NULL && !json_add(body, "inputs", cJSON_Duplicate(inputs, true))))
		return NULL;
	return json_take(&body);
}

void stack_place(const struct stack *stack, const struct stack_unit *unit, const char *place,
	char *text, size_t size)
{
	char pointer[JSON_POINTER_SIZE];
	const char *parent = text_has_prefix(place, "/inputs") ? unit->place : unit->app->place;

	text_format(pointer, sizeof(pointer), "%s%s", parent, place);
	yaml_place(&stack->file, pointer, text, size);
}
