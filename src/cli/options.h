/*
 * The command line of a command as a table: each option and argument is a row that names the member
 * of the command's options for its value. The compiler checks the rows against that struct; argp's
 * parser and help are made of them.
 */
#ifndef SLIPWAY_CLI_OPTIONS_H
#define SLIPWAY_CLI_OPTIONS_H

#include <argp.h>

#include "slipway/field.h"

enum option_type {
	OPTION_END, /* ends the rows */
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_INTEGER,
	OPTION_LIST,
	OPTION_ARGUMENT, /* a positional argument; the rows are in the order of the arguments */
};

/* The values of an option that may be repeated, in order; borrowed from argv. */
#define OPTION_LIST_MAX 32
struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t count;
};

struct option_row {
	enum option_type type;
	/* "json" for --json; of an argument its name in the help, such as "APP" */
	const char *name;
	char letter;   /* 'j' for -j; 0: none */
	size_t offset; /* of the member */
	const char *help;
	const char *value;    /* the name of the value in the help, such as "FILE"; NULL: a flag */
	const char *fallback; /* its value if none is given; NULL: it needs one */
	int64_t minimum, maximum; /* of an integer */
	bool required;            /* of a text or an argument */
	bool identifier;          /* the value must be an id, such as that of an app */
};

#define OPTION_ROW(                                                                                \
	option_type, option_name, option_letter, struct_type, member, member_type, text)           \
	.type = (option_type), .name = (option_name), .letter = (option_letter), .help = (text),   \
	.offset = offsetof(struct_type, member) +                                                  \
		FIELD_MEMBER_CHECK(struct_type, member, member_type)

/* Rows. Further columns follow behind: { TEXT_OPTION("app", 'a', struct options, app, "..."),
 * .value = "ID" }. */
#define FLAG_OPTION(name, letter, struct_type, member, help)                                       \
	OPTION_ROW(OPTION_FLAG, name, letter, struct_type, member, bool, help)
#define TEXT_OPTION(name, letter, struct_type, member, help)                                       \
	OPTION_ROW(OPTION_TEXT, name, letter, struct_type, member, const char *, help)
#define INTEGER_OPTION(name, letter, struct_type, member, help)                                    \
	OPTION_ROW(OPTION_INTEGER, name, letter, struct_type, member, int64_t, help)
#define LIST_OPTION(name, letter, struct_type, member, help)                                       \
	OPTION_ROW(OPTION_LIST, name, letter, struct_type, member, struct option_list, help)
#define ARGUMENT(name, struct_type, member)                                                        \
	OPTION_ROW(OPTION_ARGUMENT, name, 0, struct_type, member, const char *, NULL)

/*
 * Parses argv into `options`, the struct of the rows, and the flags of `settings` (may be NULL)
 * into its first member. `check` (may be NULL) runs at the end, and calls argp_error for what the
 * rows cannot express. An invalid command line, --help and --version end the program, as argp does
 * it; the exit status of an invalid one is EX_USAGE.
 */
void options_parse(const struct option_row *rows, const char *about, const struct argp *settings,
	void (*check)(void *options, struct argp_state *state), int argc, char **argv,
	void *options);

#endif
