/*
 * Feeds a settings file to each of the programs. One that is accepted is printed, as --print-config
 * does; what was printed is accepted, and prints to itself. No secret is printed, and an error is
 * one that a terminal can show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/redact.h"
#include "base/setting.h"
#include "base/settings.h"
#include "base/text.h"
#include "fuzz/claims.h"
#include "provider/providers.h"

static const struct settings_part *const *parts;

/* The file has a name, and none but us may read it. */
static enum error_class load(struct settings *settings, unsigned program, const char *text,
	size_t length, struct error *error)
{
	char path[64];
	int file = memfd_create("settings", MFD_CLOEXEC);

	CLAIM(file >= 0 && write(file, text, length) == (ssize_t)length, "no file");
	CLAIM(fchmod(file, 0600) == 0, "no mode");
	text_format(path, sizeof(path), "/proc/self/fd/%d", file);
	settings_init(settings, program, parts);
	settings->config_path = path;
	settings->config_required = true;
	enum error_class class = settings_load(settings, error);
	close(file);
	return class;
}

/* The caller's. */
static char *print(const struct settings *settings)
{
	char *text = NULL;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	CLAIM(stream != NULL, "no memory");
	settings_print(settings, stream);
	CLAIM(fclose(stream) == 0, "not printed");
	return text;
}

/* What is printed for a person has asterisks where the secrets are: without those lines. */
static void drop_secrets(char *text)
{
	char *to = text;

	for (char *line = text; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		length += line[length] == '\n' ? 1 : 0;
		if (memmem(line, length, "***", 3) == NULL) {
			memmove(to, line, length);
			to += length;
		}
		line += length;
	}
	*to = '\0';
}

static void claim_no_secret(const struct settings *settings, const char *printed)
{
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		if (setting_at(settings, i)->type != SETTING_SECRET)
			continue;
		const char *secret = *(const char *const *)setting_value(settings, i);
		CLAIM(secret == NULL || strlen(secret) < 16 || strstr(printed, secret) == NULL,
			"%s is printed", setting_at(settings, i)->name);
	}
}

static void try_program(unsigned program, const char *text, size_t length)
{
	struct settings settings, again;
	struct error error;

	if (load(&settings, program, text, length, &error) != ERROR_NONE) {
		claim_error(&error);
		settings_release(&settings);
		return;
	}
	char *printed = print(&settings);
	claim_no_secret(&settings, printed);
	CLEANUP_BUFFER struct buffer kept = BUFFER_EMPTY((size_t)1 << 20);
	CLAIM(buffer_append_string(&kept, printed), "no room");
	if (strstr(printed, "***") != NULL)
		drop_secrets(kept.bytes);
	enum error_class class = load(&again, program, kept.bytes, strlen(kept.bytes), &error);
	CLAIM(class == ERROR_NONE || strstr(error.message, "belong") != NULL ||
			strstr(printed, "***") != NULL,
		"what was printed is refused: %s\n%s", error.message, kept.bytes);
	char *printed_again = print(&again);
	CLAIM(class != ERROR_NONE || strstr(printed, "***") != NULL ||
			strcmp(printed, printed_again) == 0,
		"printed otherwise:\n%s\n%s", printed, printed_again);
	free(printed_again);
	free(printed);
	settings_release(&again);
	settings_release(&settings);
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	parts = providers_introduce();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_copy(data, size);

	/* One that names files would have others of this machine read. */
	if (memmem(text, size, "_FILE", 5) == NULL) {
		try_program(SETTINGS_API, text, size);
		try_program(SETTINGS_WORKER, text, size);
		try_program(SETTINGS_CLI, text, size);
	}
	redact_forget(0);
	free(text);
	return 0;
}
