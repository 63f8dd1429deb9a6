/*
 * The settings as people read them: those in force, with no secret among them, and the reference of
 * all.
 */
#include <ctype.h>
#include <string.h>

#include "base/redact.h"
#include "base/setting.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/url_password.h"

void setting_flag_name(const struct setting *setting, char *name, size_t size)
{
	text_format(name, size, "%s%s", setting->name + strlen("SLIPWAY_"),
		setting->type == SETTING_SECRET ? "_FILE" : "");
	for (char *next = name; *next != '\0'; next++)
		*next = *next == '_' ? '-' : (char)tolower((unsigned char)*next);
}

static void print_text(const struct setting *setting, const char *text, FILE *stream)
{
	char url[1024];

	if (text == NULL) {
		fprintf(stream, "#%s=\n", setting->name);
		return;
	}

	if (setting->type == SETTING_URL) {
		url_password_mask(text, url, sizeof(url));
		text = url;
	}

	/* A secret may stand in another setting as well, by mistake. */
	const bool is_secret = setting->type == SETTING_SECRET || redact_finds(text);
	fprintf(stream, "%s=%s\n", setting->name, is_secret ? "***" : text);
}

static void print_value(const struct setting *setting, const void *source, FILE *stream)
{
	switch (setting->type) {
	case SETTING_INTEGER:
		fprintf(stream, "%s=%lld\n", setting->name, (long long)*(const int64_t *)source);
		return;
	case SETTING_BOOLEAN:
		fprintf(stream, "%s=%s\n", setting->name, *(const bool *)source ? "yes" : "no");
		return;
	case SETTING_TEXT:
	case SETTING_URL:
	case SETTING_SECRET:
		print_text(setting, *(const char *const *)source, stream);
		return;
	}
}

void settings_print(const struct settings *settings, FILE *stream)
{
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		const struct setting *setting = setting_at(settings, i);
		if ((setting->programs & settings->programs) == 0)
			continue;
		fprintf(stream, "# %s\n", setting->description);
		print_value(setting, setting_value(settings, i), stream);
	}
}

void settings_print_reference(const struct settings *settings, FILE *stream)
{
	fprintf(stream, "| setting | flag | default | used by | what |\n|---|---|---|---|---|\n");
	for (size_t i = 0; setting_at(settings, i) != NULL; i++) {
		const struct setting *setting = setting_at(settings, i);
		char flag[48];
		setting_flag_name(setting, flag, sizeof(flag));
		fprintf(stream, "| `%s` | `--%s` | %s | %s%s%s | %s |\n", setting->name, flag,
			setting->fallback != NULL ? setting->fallback : "",
			setting->programs & SETTINGS_API ? "api " : "",
			setting->programs & SETTINGS_WORKER ? "worker " : "",
			setting->programs & SETTINGS_CLI ? "cli" : "", setting->description);
	}
}
