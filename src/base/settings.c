/*
 * The four sources of settings. argp reads the flags; the rest is a walk over the same rows
 * (settings_table.c), so a setting is added in one place.
 */
#include "base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/secret_file.h"
#include "base/setting.h"
#include "base/text.h"
#include "base/url_password.h"
#include "slipway/field.h"

#define DEFAULT_CONFIG  "/etc/slipway/slipway.conf"
#define LINE_BYTES_MAX  8192
#define FIRST_FLAG_KEY  1000
#define CONFIG_FLAG_KEY 2000
#define PRINT_FLAG_KEY  2001

void settings_init(
	struct settings *settings, unsigned programs, const struct settings_part *const *parts)
{
	memset(settings, 0, sizeof(*settings));
	settings->programs = programs;
	settings->parts = parts;
	settings->config_path = DEFAULT_CONFIG;
	arena_init(&settings->arena, 1 << 20);
}

void settings_release(struct settings *settings)
{
	arena_release(&settings->arena);
	memset(settings, 0, sizeof(*settings));
}

/* ---- flags ---- */

static error_t parse_flag(int key, char *argument, struct argp_state *state)
{
	struct settings *settings = state->input;

	if (key == CONFIG_FLAG_KEY) {
		settings->config_path = argument;
		settings->config_required = true;
		return 0;
	}

	if (key == PRINT_FLAG_KEY) {
		settings->print_config = true;
		return 0;
	}

	if (key < FIRST_FLAG_KEY || key >= FIRST_FLAG_KEY + SETTINGS_MAX)
		return ARGP_ERR_UNKNOWN;
	settings->flags[key - FIRST_FLAG_KEY] = argument;
	return 0;
}

const struct argp *settings_argp(const struct settings *settings)
{
	static struct argp_option options[SETTINGS_MAX + 3];
	static char names[SETTINGS_MAX][48];
	static const struct argp parser = { .options = options, .parser = parse_flag };
	struct argp_option *next = options;

	memset(options, 0, sizeof(options));
	for (size_t i = 0; i < SETTINGS_MAX && setting_at(settings, i) != NULL; i++) {
		const struct setting *setting = setting_at(settings, i);
		if ((setting->programs & settings->programs) == 0)
			continue;
		setting_flag_name(setting, names[i], sizeof(names[i]));
		*next++ = (struct argp_option){ .name = names[i],
			.key = FIRST_FLAG_KEY + (int)i,
			.arg = setting->type == SETTING_SECRET ? "FILE" : "VALUE",
			.doc = setting->description,
			.group = 10 };
	}

	*next++ = (struct argp_option){ .name = "config",
		.key = CONFIG_FLAG_KEY,
		.arg = "FILE",
		.doc = "Settings as KEY=value lines (" DEFAULT_CONFIG ")",
		.group = 11 };
	*next = (struct argp_option){ .name = "print-config",
		.key = PRINT_FLAG_KEY,
		.doc = "Print the settings in force, secrets masked, and exit",
		.group = 11 };
	return &parser;
}

/* ---- file ---- */

struct file_values {
	bool exposed;                    /* others than its owner may read the file */
	const char *own[SETTINGS_MAX];   /* by index of the table */
	const char *files[SETTINGS_MAX]; /* of <NAME>_FILE, for secrets */
};

static int setting_index(
	const struct settings *settings, const char *name, size_t length, bool *ret_is_file)
{
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		const struct setting *setting = setting_at(settings, i);
		size_t own = strlen(setting->name);
		if (strncmp(setting->name, name, own < length ? own : length) != 0)
			continue;
		*ret_is_file = setting->type == SETTING_SECRET && length == own + 5 &&
			memcmp(name + own, "_FILE", 5) == 0;
		if (length == own || *ret_is_file)
			return (int)i;
	}

	return -1;
}

/* Takes off white space around, and one pair of quotes around,
 * as systemd's EnvironmentFile does. */
static char *trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	if (length >= 2 && (text[0] == '"' || text[0] == '\'') && text[length - 1] == text[0]) {
		text[length - 1] = '\0';
		text++;
	}

	return text;
}

static enum error_class parse_line(struct settings *settings, struct file_values *values,
	char *line, int number, struct error *error)
{
	line = trim(line);
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return ERROR_NONE;
	char *equals = strchr(line, '=');
	bool is_file = false;
	int index = equals != NULL
		? setting_index(settings, line, (size_t)(equals - line), &is_file)
		: -1;
	if (index < 0) {
		error_set(error, ERROR_INVALID_INPUT, "%s:%d: '%.*s' is no setting of Slipway",
			settings->config_path, number, (int)strcspn(line, "="), line);
		return error_remedy(error, NULL,
			"Correct the line, or put # before it; --print-config lists the settings.");
	}

	const struct setting *setting = setting_at(settings, (size_t)index);
	if (values->exposed && !is_file && setting->type == SETTING_SECRET) {
		error_set(error, ERROR_INVALID_INPUT,
			"%s:%d: others than its owner may read this file, and %s is a secret",
			settings->config_path, number, setting->name);
		return error_remedy(error, NULL,
			"Write it into a file with mode 600 and name that by %s_FILE, or chmod 600 "
			"%s.",
			setting->name, settings->config_path);
	}

	const char *value = arena_string(&settings->arena, trim(equals + 1));
	if (value == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the settings");
	(is_file ? values->files : values->own)[index] = value;
	return ERROR_NONE;
}

static enum error_class read_config(
	struct settings *settings, struct file_values *values, struct error *error)
{
	FILE *file = fopen(settings->config_path, "re");

	if (file == NULL) {
		if (errno == ENOENT && !settings->config_required)
			return ERROR_NONE;
		return error_set(error, ERROR_INVALID_INPUT, "cannot read the settings file %s: %s",
			settings->config_path, strerror(errno));
	}

	char line[LINE_BYTES_MAX], read[BUFSIZ];
	int number = 0;
	setvbuf(file, read, _IOFBF, sizeof(read));
	enum error_class class = ERROR_NONE;
	values->exposed = secret_file_is_exposed(file, settings->config_path);
	while (class == ERROR_NONE && fgets(line, sizeof(line), file) != NULL) {
		number++;
		if (strchr(line, '\n') == NULL && !feof(file))
			class = error_set(error, ERROR_INVALID_INPUT,
				"%s:%d: the line is longer than %d bytes", settings->config_path,
				number, LINE_BYTES_MAX - 2);
		else
			class = parse_line(settings, values, line, number, error);
	}

	fclose(file);
	sodium_memzero(line, sizeof(line));
	sodium_memzero(read, sizeof(read));
	return class;
}

/* ---- taking values ---- */

static enum error_class take_integer(const struct setting *setting, const char *text,
	const char *origin, int64_t *target, struct error *error)
{
	if (text_to_integer(text, target) && *target >= setting->minimum &&
		*target <= setting->maximum)
		return ERROR_NONE;
	return error_set(error, ERROR_INVALID_INPUT,
		"%s (%s) is '%s'; it must be a whole number from %lld to %lld", setting->name,
		origin, text, (long long)setting->minimum, (long long)setting->maximum);
}

static enum error_class take_boolean(const struct setting *setting, const char *text,
	const char *origin, bool *target, struct error *error)
{
	static const char *const words[2][4] = { { "no", "false", "off", "0" },
		{ "yes", "true", "on", "1" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (strcasecmp(words[value][i], text) == 0) {
				*target = value == 1;
				return ERROR_NONE;
			}
	return error_set(error, ERROR_INVALID_INPUT, "%s (%s) is '%s'; it must be yes or no",
		setting->name, origin, text);
}

/* What has a default is used without a look whether it is there; and the default may be somebody
 * else's Redis. */
static enum error_class refuse_empty(
	const struct setting *setting, const char *origin, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "%s (%s) is empty", setting->name, origin);
	return error_remedy(error, NULL, "Give it a value, or leave it out for the default, %s.",
		setting->fallback);
}

static enum error_class take_value(struct settings *settings, size_t index, const char *text,
	const char *origin, struct error *error)
{
	const struct setting *setting = setting_at(settings, index);
	void *target = setting_target(settings, index);

	if (setting->type == SETTING_INTEGER)
		return take_integer(setting, text, origin, target, error);
	if (setting->type == SETTING_BOOLEAN)
		return take_boolean(setting, text, origin, target, error);
	if (text[0] == '\0' && setting->fallback != NULL)
		return refuse_empty(setting, origin, error);
	if (text[0] == '\0')
		return ERROR_NONE;
	const char *copy = arena_string(&settings->arena, text);
	if (copy == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the settings");
	*(const char **)target = copy;
	return setting->type == SETTING_SECRET ? redact_add(copy, error) : ERROR_NONE;
}

/* The first line of the file is the secret. */
static enum error_class take_secret_file(
	struct settings *settings, size_t index, const char *path, struct error *error)
{
	char name[64], line[LINE_BYTES_MAX] = "", read[BUFSIZ];
	FILE *file;

	text_format(name, sizeof(name), "%s_FILE", setting_at(settings, index)->name);
	if (secret_file_open(path, name, &file, error) != ERROR_NONE)
		return error->class;
	setvbuf(file, read, _IOFBF, sizeof(read));
	enum error_class class = ERROR_NONE;
	char *text = fgets(line, sizeof(line), file) != NULL ? trim(line) : line;
	if (text[0] == '\0')
		class = error_set(error, ERROR_INVALID_INPUT, "%s: %s is empty", name, path);
	else
		class = take_value(settings, index, text, path, error);
	fclose(file);
	sodium_memzero(line, sizeof(line));
	sodium_memzero(read, sizeof(read));
	return class;
}

/* Wiped in place, for /proc shows the environment as the process was started with. */
static void wipe_from_environment(const char *name)
{
	char *value = getenv(name);
	if (value == NULL)
		return;
	sodium_memzero(value, strlen(value));
	unsetenv(name);
}

static enum error_class load_secret(struct settings *settings, size_t index,
	const struct file_values *values, struct error *error)
{
	const struct setting *setting = setting_at(settings, index);
	char file_name[64];

	text_format(file_name, sizeof(file_name), "%s_FILE", setting->name);
	const char *path = settings->flags[index];
	const char *own = getenv(setting->name);
	enum error_class class = ERROR_NONE;
	if (path == NULL && own == NULL)
		path = getenv(file_name);
	if (path == NULL && own == NULL) {
		own = values->own[index];
		path = values->files[index];
	}

	settings->from_environment[index] =
		settings->flags[index] == NULL && getenv(setting->name) != NULL;
	settings->secret_files[index] = settings->flags[index] != NULL || own == NULL ? path : NULL;
	if (settings->flags[index] == NULL && own != NULL)
		class = take_value(settings, index, own, "environment or file", error);
	else if (path != NULL)
		class = take_secret_file(settings, index, path, error);
	wipe_from_environment(setting->name);
	/* What the file had is in the settings now, if it is used. */
	if (values->own[index] != NULL)
		sodium_memzero((char *)values->own[index], strlen(values->own[index]));
	return class;
}

static enum error_class load_plain(struct settings *settings, size_t index,
	const struct file_values *values, struct error *error)
{
	const struct setting *setting = setting_at(settings, index);

	if (settings->flags[index] != NULL)
		return take_value(settings, index, settings->flags[index], "flag", error);
	const char *value = getenv(setting->name);
	if (value != NULL)
		return take_value(settings, index, value, "environment", error);
	if (values->own[index] != NULL)
		return take_value(
			settings, index, values->own[index], settings->config_path, error);
	if (setting->fallback != NULL)
		return take_value(settings, index, setting->fallback, "default", error);
	return ERROR_NONE;
}

/* Anybody on the machine may read a command line, for as long as the program lives; the environment
 * is wiped. */
static enum error_class load_url(struct settings *settings, size_t index,
	const struct file_values *values, struct error *error)
{
	const struct setting *setting = setting_at(settings, index);
	const char *password = NULL;

	if (load_plain(settings, index, values, error) != ERROR_NONE)
		return error->class;
	const char *url = *(const char *const *)setting_value(settings, index);
	size_t length = url != NULL ? url_password_find(url, &password) : 0;
	if (length == 0)
		return ERROR_NONE;
	if (settings->flags[index] != NULL) {
		error_set(error, ERROR_INVALID_INPUT,
			"%s (flag) has a password in it, which everybody on this machine can read "
			"there",
			setting->name);
		return error_remedy(error, NULL,
			"Write the password into a file, and name that by its own setting.");
	}

	settings->url_with_password = setting->name;
	wipe_from_environment(setting->name);
	const char *copy = arena_format(&settings->arena, "%.*s", (int)length, password);
	return copy != NULL ? redact_add(copy, error)
			    : error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the settings");
}

static enum error_class load_one(struct settings *settings, size_t index,
	const struct file_values *values, struct error *error)
{
	switch (setting_at(settings, index)->type) {
	case SETTING_SECRET:
		return load_secret(settings, index, values, error);
	case SETTING_URL:
		return load_url(settings, index, values, error);
	default:
		return load_plain(settings, index, values, error);
	}
}

/* What the parts ask of their settings together. */
static enum error_class check_parts(const struct settings *settings, struct error *error)
{
	for (size_t i = 0; settings->parts != NULL && settings->parts[i] != NULL; i++) {
		const struct settings_part *part = settings->parts[i];
		if (part->check != NULL &&
			part->check(settings_part(settings, part), error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

enum error_class settings_load(struct settings *settings, struct error *error)
{
	struct file_values values = { .own = { NULL } };

	if (setting_at(settings, SETTINGS_MAX) != NULL)
		return error_set(error, ERROR_INTERNAL,
			"there are more than %d settings: raise SETTINGS_MAX", SETTINGS_MAX);
	if (read_config(settings, &values, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		if ((setting_at(settings, i)->programs & settings->programs) == 0)
			continue;
		if (load_one(settings, i, &values, error) != ERROR_NONE)
			return error->class;
	}

	return check_parts(settings, error);
}

/* ---- once more ---- */

static bool is_read_again(const struct settings *settings, size_t index)
{
	const struct setting *setting = setting_at(settings, index);
	return (setting->programs & settings->programs) != 0 && setting->type == SETTING_SECRET &&
		!settings->from_environment[index];
}

/* Where a text stands that a reload may replace: it is written over, so that nothing is left of the
 * one before, and any number of reloads takes no more memory. */
struct room {
	char *text; /* NULL: nothing was replaced yet */
	size_t size;
};
struct settings_rooms {
	struct room secrets[SETTINGS_MAX], files[SETTINGS_MAX]; /* by index of the row */
};

static bool is_same(const char *own, const char *text)
{
	return own == text || (own != NULL && text != NULL && strcmp(own, text) == 0);
}

/* Room for the text, of which nothing is used yet. False: no memory. */
static bool make_room(
	struct settings *settings, struct room *room, const char *own, const char *text)
{
	const size_t size = text != NULL ? strlen(text) + 1 : 0;

	if (size <= room->size || is_same(own, text))
		return true;
	/* Somewhat longer ones fit as well. */
	struct room larger = { arena_allocate(&settings->arena, 2 * size), 2 * size };
	if (larger.text == NULL)
		return false;
	/* It may be in use, until all have room. */
	if (room->text != NULL && room->text != own)
		sodium_memzero(room->text, room->size);
	*room = larger;
	return true;
}

/* The text as the settings' own, which may have it. */
static const char *put_text(struct room *room, const char *own, const char *text)
{
	if (is_same(own, text))
		return own;
	if (room->text == NULL)
		return NULL; /* make_room has seen that there is none to put */
	sodium_memzero(room->text, room->size);
	if (text == NULL)
		return NULL;
	memcpy(room->text, text, strlen(text) + 1);
	return room->text;
}

static void adopt_secret(struct settings *settings, size_t index, const char *text)
{
	const char **own = setting_target(settings, index), *old = *own;

	/* It is known by `next` as well: once is enough. */
	if (old != NULL)
		redact_remove(old);
	*own = put_text(&settings->rooms->secrets[index], old, text);
	if (old != NULL && old != *own && old != settings->rooms->secrets[index].text)
		sodium_memzero((char *)old, strlen(old));
}

/* What only the settings themselves need to keep of `next`, whose texts go with it: all or
 * nothing. */
static enum error_class adopt_secrets(
	struct settings *settings, const struct settings *next, struct error *error)
{
	bool complete = true;

	if (settings->rooms == NULL)
		settings->rooms = arena_allocate(&settings->arena, sizeof(*settings->rooms));
	for (size_t i = 0; settings->rooms != NULL && setting_at(settings, i) != NULL; i++)
		complete = complete &&
			(!is_read_again(settings, i) ||
				(make_room(settings, &settings->rooms->secrets[i],
					 *(const char **)setting_target(settings, i),
					 *(const char *const *)setting_value(next, i)) &&
					make_room(settings, &settings->rooms->files[i],
						settings->secret_files[i], next->secret_files[i])));
	if (settings->rooms == NULL || !complete)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the settings");

	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		if (!is_read_again(settings, i))
			continue;
		adopt_secret(settings, i, *(const char *const *)setting_value(next, i));
		settings->secret_files[i] = put_text(&settings->rooms->files[i],
			settings->secret_files[i], next->secret_files[i]);
	}
	return ERROR_NONE;
}

enum error_class settings_reload(
	struct settings *settings, settings_check *check, struct error *error)
{
	struct file_values values = { .own = { NULL } };
	struct settings next = *settings;
	const size_t known = redact_count();

	arena_init(&next.arena, 1 << 20);
	enum error_class class = read_config(&next, &values, error);
	for (size_t i = 0; setting_at(&next, i) != NULL && class == ERROR_NONE; i++) {
		if (!is_read_again(settings, i))
			continue;
		*(const char **)setting_target(&next, i) = NULL;
		class = load_secret(&next, i, &values, error);
	}

	if (class == ERROR_NONE && check != NULL)
		class = check(&next, error);
	if (class == ERROR_NONE)
		class = adopt_secrets(settings, &next, error);
	if (class != ERROR_NONE)
		redact_forget(known);
	arena_release(&next.arena);
	return class;
}
