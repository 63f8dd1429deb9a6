/*
 * Turns what .validate of an action finds into errors with a place, so a person sees where each
 * fault is and what to do.
 */
#include "core/input_check.h"

#include <stdarg.h>

#include "base/json.h"
#include "base/record.h"
#include "base/text.h"
#include "base/unknown.h"

struct input_check {
	const char *place;
	struct faults *faults;
	struct error *error; /* the one that ended it; class ERROR_NONE: none has */
};

bool input_is_known(const char *text)
{
	struct unknown ignored;
	return text != NULL && !text_has_reference(text) && !unknown_find(text, &ignored);
}

static void add_fault(
	struct input_check *check, const struct input_fault *fault, const char *message)
{
	struct error found;
	char number[24];

	if (check->error->class != ERROR_NONE)
		return;
	error_set(&found, ERROR_INVALID_INPUT, "%s", message);
	if (fault->remedy != NULL)
		error_remedy(&found, NULL, "%s", fault->remedy);
	text_copy(found.remedy_input, sizeof(found.remedy_input), fault->member);
	error_at(&found, "%s", check->place);
	json_pointer_append(found.place, sizeof(found.place), fault->member);
	if (fault->item != NULL) {
		text_format(number, sizeof(number), "%zu", fault->index);
		json_pointer_append(found.place, sizeof(found.place), number);
		json_pointer_append(found.place, sizeof(found.place), fault->item);
	}

	if (!faults_note(check->faults, &found))
		*check->error = found;
}

void input_fault(
	struct input_check *check, const struct input_fault *fault, const char *format, ...)
{
	char message[sizeof(check->error->message)];
	va_list arguments;
	va_start(arguments, format);
	text_format_list(message, sizeof(message), format, arguments);
	va_end(arguments);
	add_fault(check, fault, message);
}

enum error_class input_check_run(const struct action_definition *action, const void *input,
	const char *place, struct faults *faults, struct error *error)
{
	struct input_check check = { place, faults, error };
	error->class = ERROR_NONE;
	if (action->validate != NULL)
		action->validate(input, &check);
	return error->class;
}
