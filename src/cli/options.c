/*
 * Makes an argp parser from a table of options. argp reads the command line, prints help and
 * reports usage errors; this file only stores and checks the values.
 */
#include "cli/options.h"

#include <string.h>

#include "base/identifier.h"
#include "base/text.h"

#define ROWS_MAX 32

struct parse {
	const struct option_row *rows;
	void (*check)(void *options, struct argp_state *state);
	void *options;
};

static void *member_of(const struct parse *parse, const struct option_row *row)
{
	return (char *)parse->options + row->offset;
}

/* The name of the row in messages: --app, or APP. */
static const char *row_title(const struct option_row *row, char title[64])
{
	text_format(title, 64, "%s%s", row->type == OPTION_ARGUMENT ? "" : "--", row->name);
	return title;
}

/* ---- one value ---- */

static void check_identifier(
	const struct argp_state *state, const struct option_row *row, const char *text)
{
	char title[64];

	if (row->identifier && !identifier_valid(text))
		argp_error(state, "%s '%s' is not valid: it must match " IDENTIFIER_PATTERN,
			row_title(row, title), text);
}

static int64_t parse_integer(
	const struct argp_state *state, const struct option_row *row, const char *text)
{
	int64_t number = 0;

	if (!text_to_integer(text, &number) || number < row->minimum || number > row->maximum)
		argp_error(state, "--%s must be a number from %lld to %lld, not '%s'", row->name,
			(long long)row->minimum, (long long)row->maximum, text);
	return number;
}

static void append_item(const struct argp_state *state, const struct option_row *row,
	struct option_list *list, const char *text)
{
	if (list->count == OPTION_LIST_MAX)
		argp_error(state, "--%s may be given at most %d times", row->name, OPTION_LIST_MAX);
	list->items[list->count++] = text;
}

static void store_value(const struct argp_state *state, const struct parse *parse,
	const struct option_row *row, const char *text)
{
	void *member = member_of(parse, row);

	if (text == NULL)
		text = row->fallback;
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return;
	case OPTION_INTEGER:
		*(int64_t *)member = parse_integer(state, row, text);
		return;
	case OPTION_LIST:
		append_item(state, row, member, text);
		return;
	default:
		check_identifier(state, row, text);
		*(const char **)member = text;
	}
}

/* ---- argp ---- */

/* The row of the number-th argument; NULL: the command takes fewer. */
static const struct option_row *argument_row(const struct option_row *rows, unsigned number)
{
	for (const struct option_row *row = rows; row->type != OPTION_END; row++)
		if (row->type == OPTION_ARGUMENT && number-- == 0)
			return row;
	return NULL;
}

/* An option without a letter needs a key that is not a character. */
static int option_key(const struct option_row *rows, const struct option_row *row)
{
	return row->letter != '\0' ? row->letter : 0x100 + (int)(row - rows);
}

static const struct option_row *option_by_key(const struct option_row *rows, int key)
{
	for (const struct option_row *row = rows; row->type != OPTION_END; row++)
		if (row->type != OPTION_ARGUMENT && option_key(rows, row) == key)
			return row;
	return NULL;
}

static void check_all(const struct parse *parse, struct argp_state *state)
{
	char title[64];

	for (const struct option_row *row = parse->rows; row->type != OPTION_END; row++)
		if (row->required && *(const char **)member_of(parse, row) == NULL)
			argp_error(state, "%s is missing", row_title(row, title));
	if (parse->check != NULL)
		parse->check(parse->options, state);
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
	const struct parse *parse = state->input;
	const struct option_row *row = NULL;

	switch (key) {
	case ARGP_KEY_INIT:
		if (state->child_inputs != NULL)
			state->child_inputs[0] = parse->options;
		return 0;
	case ARGP_KEY_ARG:
		row = argument_row(parse->rows, state->arg_num);
		if (row == NULL)
			argp_error(state, "unexpected argument '%s'", text);
		break;
	case ARGP_KEY_END:
		check_all(parse, state);
		return 0;
	default:
		row = option_by_key(parse->rows, key);
		break;
	}

	if (row == NULL)
		return ARGP_ERR_UNKNOWN;
	store_value(state, parse, row, text);
	return 0;
}

/* "APP WORKFLOW [STEP]" */
static void describe_arguments(const struct option_row *rows, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (const struct option_row *row = rows; row->type != OPTION_END; row++) {
		if (row->type != OPTION_ARGUMENT)
			continue;
		text_format(text + length, size - length, row->required ? "%s%s" : "%s[%s]",
			length > 0 ? " " : "", row->name);
		length = strlen(text);
	}
}

void options_parse(const struct option_row *rows, const char *about, const struct argp *settings,
	void (*check)(void *options, struct argp_state *state), int argc, char **argv,
	void *options)
{
	struct argp_option list[ROWS_MAX + 1];
	char arguments[128];
	const struct argp_child children[] = { { settings, 0, "Settings:", 10 },
		{ NULL, 0, NULL, 0 } };
	struct parse parse = { rows, check, options };
	size_t count = 0;

	memset(list, 0, sizeof(list));
	for (const struct option_row *row = rows; row->type != OPTION_END && count < ROWS_MAX;
		row++)
		if (row->type != OPTION_ARGUMENT)
			list[count++] = (struct argp_option){ .name = row->name,
				.key = option_key(rows, row),
				.arg = row->value,
				.flags = row->fallback != NULL ? OPTION_ARG_OPTIONAL : 0,
				.doc = row->help };
	describe_arguments(rows, arguments, sizeof(arguments));

	const struct argp parser = {
		.options = list,
		.parser = parse_key,
		.args_doc = arguments[0] != '\0' ? arguments : NULL,
		.doc = about,
		.children = settings != NULL ? children : NULL,
	};
	argp_parse(&parser, argc, argv, 0, NULL, &parse);
}
