/*
 * What a dry run is told of what stands there: differences, of which some are kept for people, and
 * a digest of all of them, so that the hash of a plan is another where anything has moved, be it
 * shown or not.
 */
#include "action/dry_run_found.h"

#include <string.h>

#include "base/redact.h"
#include "base/text.h"

#define SHOWN_TEXT_MAX 1024 /* bytes */
#define CUT            "…"

/* Adds a text, which may be a secret, to the digest of what the step was told; NULL is another than
 * "". The context must be that of a dry run; it is void where memory is short. */
static void fold(struct action_context *context, const char *what)
{
	struct step_dry_run *dry_run = context->dry_run;
	CLEANUP_JSON cJSON *told = cJSON_CreateArray();
	struct error ignored;

	/* What is folded into nothing would pass for nothing. */
	if (told == NULL || !json_append(told, cJSON_CreateString(dry_run->found)) ||
		!json_append(told, what != NULL ? cJSON_CreateString(what) : cJSON_CreateNull()) ||
		json_digest(told, dry_run->found, &ignored) != ERROR_NONE)
		context->out_of_memory = true;
}

void dry_run_fold_failure(struct action_context *context, const char *format, va_list arguments)
{
	va_list again;

	if (context->dry_run == NULL)
		return;
	va_copy(again, arguments);
	const char *text = arena_format_list(context->arena, format, again);
	va_end(again);
	if (text != NULL && strlen(text) >= sizeof(context->error.message))
		fold(context, text);
}

const char *context_format(struct action_context *context, const char *format, va_list arguments)
{
	char *text = arena_format_list(context->arena, format, arguments);
	char cut[SHOWN_TEXT_MAX + 2 - sizeof(CUT)];

	if (text == NULL)
		return "";
	redact_text(text);
	/* The action may have cut it within a character: nobody could read the message with it. */
	text_make_valid(text, strlen(text));

	/* It is stored with the run and with each event. */
	if (strlen(text) <= SHOWN_TEXT_MAX)
		return text;
	if (context->dry_run != NULL)
		fold(context, text);
	text_copy(cut, sizeof(cut), text);
	const char *shorter = arena_format(context->arena, "%s" CUT, cut);
	return shorter != NULL ? shorter : "";
}

void action_difference(struct action_context *context, const char *format, ...)
{
	struct step_dry_run *dry_run = context->dry_run;
	va_list arguments;

	if (dry_run == NULL)
		return;
	va_start(arguments, format);
	const char *text = context_format(context, format, arguments);
	va_end(arguments);
	fold(context, text);
	if (dry_run->difference_count < DRY_RUN_DIFFERENCES_MAX)
		dry_run->differences[dry_run->difference_count] = text;
	dry_run->difference_count++;
}

void action_found(struct action_context *context, const char *found)
{
	if (context->dry_run != NULL)
		fold(context, found);
}

struct string_list dry_run_differences(const struct step_dry_run *dry_run, int64_t *ret_more)
{
	size_t all = dry_run->difference_count,
	       shown = all < DRY_RUN_DIFFERENCES_MAX ? all : DRY_RUN_DIFFERENCES_MAX;

	*ret_more = (int64_t)(all - shown);
	return (struct string_list){ dry_run->differences, shown };
}
