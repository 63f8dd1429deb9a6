/*
 * Sorted, so that the same app gives the same file, in whichever order it was configured.
 */
#include "cli/export_secrets.h"

#include <string.h>

#include "base/text.h"

#define NAME_SIZE 129
#define FILE_SIZE (NAME_SIZE + 32)

/* ---- names ---- */

static bool note_text(const char *text, cJSON *names)
{
	static const char begin[] = "${secret.";

	for (const char *next = text; (next = strstr(next, begin)) != NULL;) {
		char name[NAME_SIZE];
		bool escaped = next > text && next[-1] == '$';
		next += strlen(begin);
		if (escaped)
			continue;
		text_format(name, sizeof(name), "%.*s", (int)strcspn(next, "}"), next);
		if (json_member(names, name) == NULL && !json_add(names, name, cJSON_CreateTrue()))
			return false;
	}
	return true;
}

/* The parser limits the depth. */
// NOLINTNEXTLINE(misc-no-recursion)
bool export_secrets_note(const cJSON *value, cJSON *names)
{
	const cJSON *child;

	if (cJSON_IsString(value) && !note_text(value->valuestring, names))
		return false;
	cJSON_ArrayForEach (child, value) {
		if (!export_secrets_note(child, names))
			return false;
	}
	return true;
}

/* ---- files ---- */

/* The first name behind this one, "" at the beginning; NULL: there are no more. */
static const char *name_behind(const cJSON *names, const char *last)
{
	const char *found = NULL;
	const cJSON *name;

	cJSON_ArrayForEach (name, names) {
		if (strcmp(name->string, last) > 0 &&
			(found == NULL || strcmp(name->string, found) < 0))
			found = name->string;
	}
	return found;
}

static cJSON *make_file(const char *name, int number)
{
	char file[FILE_SIZE];

	text_format(file, sizeof(file), "@secrets/%s", name);
	if (number > 1)
		text_append(file, sizeof(file), "_%d", number);
	return cJSON_CreateString(file);
}

/* Whether a secret of the list has this file, or one that differs by case only. */
static bool has_file(const cJSON *secrets, const char *file)
{
	const cJSON *secret;

	cJSON_ArrayForEach (secret, secrets) {
		if (cJSON_IsString(secret) && strcasecmp(secret->valuestring, file) == 0)
			return true;
	}
	return false;
}

/* null where another name has the file already. */
static cJSON *make_secret(const char *name, const cJSON *generated, const cJSON *secrets)
{
	const cJSON *wish = json_member(generated, name);

	if (wish != NULL)
		return cJSON_Duplicate(wish, true);
	CLEANUP_JSON cJSON *file = make_file(name, 1);
	if (file != NULL && has_file(secrets, file->valuestring))
		return cJSON_CreateNull();
	return json_take(&file);
}

/* Numbers the files that are still null, once all others are known. */
static bool number_files(cJSON *secrets)
{
	for (cJSON *secret = secrets->child, *next; secret != NULL; secret = next) {
		int number = 2;
		next = secret->next;
		if (!cJSON_IsNull(secret))
			continue;
		cJSON *file = make_file(secret->string, number);
		while (file != NULL && has_file(secrets, file->valuestring)) {
			cJSON_Delete(file);
			file = make_file(secret->string, ++number);
		}
		if (file == NULL ||
			!cJSON_ReplaceItemInObjectCaseSensitive(secrets, secret->string, file))
			return false;
	}
	return true;
}

cJSON *export_secrets(const cJSON *names, const cJSON *generated)
{
	CLEANUP_JSON cJSON *secrets = cJSON_CreateObject();

	for (const char *name = ""; secrets != NULL && (name = name_behind(names, name)) != NULL;)
		if (!json_add(secrets, name, make_secret(name, generated, secrets)))
			return NULL;
	return secrets != NULL && number_files(secrets) ? json_take(&secrets) : NULL;
}
