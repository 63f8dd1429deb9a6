/*
 * slipway new: lays down an action, the removal of what one makes, or a provider, with its test and
 * its line in the list, ready to be built, run and edited.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/scaffold.h"
#include "provider/provider.h"
#include "provider/providers.h"

#define NAME_MAX_BYTES          64
#define PROVIDER_NAME_MAX_BYTES 20
#define REMOVAL                 "-removal" /* behind the name of what is removed */
#define ID_SIZE                 (NAME_MAX_BYTES + sizeof(REMOVAL))
#define CHECKS                  "http" /* before the point of actions that only read an address */

/* What can be laid down: where it and its test stand, and the list that gets a line. */
struct thing_kind {
	const char *what; /* on the command line */
	const char *folder, *tests, *list;
	struct list_line line;
};

#define ACTION_PLACES                                                                              \
	"workflows/actions", "tests/workflows", "workflows/actions.h",                             \
	{                                                                                          \
		"extern const struct action_definition ", ";", "action"                            \
	}
enum { ACTION, REMOVAL_ACTION, PROVIDER_FILE };
static const struct thing_kind thing_kinds[] = {
	[ACTION] = { "action", ACTION_PLACES },
	[REMOVAL_ACTION] = { "removal", ACTION_PLACES },
	[PROVIDER_FILE] = { "provider", "src/provider", "tests/provider",
		"include/slipway/provider.h", { "\tPROVIDER(", ") \\", "provider" } },
};

struct options {
	const char *what, *name, *folder;
	bool listed;
};

enum { PIECE_SOURCE, PIECE_TEST, PIECE_LIST, PIECE_COUNT };

struct plan {
	const struct options *options;
	const struct thing_kind *kind;
	const char *provider; /* its id, as in the names of actions and of C's struct provider */
	char title[NAME_MAX_BYTES + 1];        /* of the provider, for people */
	char upper[NAME_MAX_BYTES + 1];        /* its id as in names of settings */
	char id[ID_SIZE], identifier[ID_SIZE]; /* github.label-removal, github_label_removal */
	const char *suite;               /* label_removal: the part of it behind the provider */
	char thing[ID_SIZE];             /* label: what is made, or removed */
	char relative[PIECE_COUNT][128]; /* the paths below the folder */
	struct piece pieces[PIECE_COUNT];
};

/* ---- what is asked for ---- */

static const struct thing_kind *find_thing_kind(const char *what)
{
	for (size_t i = 0; i < ARRAY_LEN(thing_kinds); i++)
		if (strcmp(thing_kinds[i].what, what) == 0)
			return &thing_kinds[i];
	return NULL;
}

static bool is_before_point(const char *name, const char *id)
{
	size_t length = strcspn(name, ".");
	return strlen(id) == length && strncmp(id, name, length) == 0;
}

static const struct provider *find_provider(const char *name)
{
	for (size_t i = 0; providers[i] != NULL; i++)
		if (is_before_point(name, providers[i]->id))
			return providers[i];
	return NULL;
}

/* Parts of lower case, digits and '-', two or more, with points between them. */
static bool is_action_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t parts = 0;

	if (strlen(name) > NAME_MAX_BYTES)
		return false;
	for (;; name++) {
		size_t length = strspn(name, allowed);
		if (length == 0)
			return false;
		parts++;
		name += length;
		if (*name != '.')
			return *name == '\0' && parts > 1;
	}
}

/* As C and the names of settings and actions can all have it. */
static bool is_provider_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
	return name[0] >= 'a' && name[length] == '\0' && length <= PROVIDER_NAME_MAX_BYTES;
}

static void check_provider_name(const struct options *options, struct argp_state *state)
{
	if (options->listed)
		argp_error(state, "--listed is for an action");
	if (!is_provider_name(options->name) || strcmp(options->name, CHECKS) == 0)
		argp_error(state,
			"'%s' is no name for a provider: lower case and digits, a letter first, at "
			"most %d, such as gitlab",
			options->name, PROVIDER_NAME_MAX_BYTES);
}

static void check_action_name(const struct options *options, bool removal, struct argp_state *state)
{
	char known[256] = "";
	bool checks = is_before_point(options->name, CHECKS);

	if (!is_action_name(options->name))
		argp_error(state,
			"'%s' is no name for an action: provider.thing in lower case, digits and "
			"'-', at most %d, such as github.label",
			options->name, NAME_MAX_BYTES);
	for (size_t i = 0; providers[i] != NULL; i++)
		text_append(known, sizeof(known), "%s, ", providers[i]->id);
	if (!checks && find_provider(options->name) == NULL)
		argp_error(state,
			"'%s' begins with no provider that is known: %sor " CHECKS
			" for a check of any address; "
			"'slipway new provider' lays down another",
			options->name, known);
	if (checks && (removal || options->listed))
		argp_error(state, "'%s' only checks: it makes nothing that could be %s",
			options->name, removal ? "removed" : "listed");
}

static void check_options(void *raw_options, struct argp_state *state)
{
	const struct options *options = raw_options;
	const struct thing_kind *kind = find_thing_kind(options->what);

	if (kind == NULL)
		argp_error(state,
			"'%s' is nothing that can be laid down; 'action' and 'removal' are, and "
			"'provider'",
			options->what);
	else if (kind == &thing_kinds[PROVIDER_FILE])
		check_provider_name(options, state);
	else if (kind == &thing_kinds[REMOVAL_ACTION] && options->listed)
		argp_error(state, "--listed is for an action");
	else
		check_action_name(options, kind == &thing_kinds[REMOVAL_ACTION], state);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("WHAT", struct options, what), .required = true },
	{ ARGUMENT("NAME", struct options, name), .required = true },
	{ FLAG_OPTION("listed", 'l', struct options, listed,
		"The provider only lists such things: look there") },
	{ TEXT_OPTION("dir", 'd', struct options, folder, "The source tree (the current folder)"),
		.value = "DIR" },
	{ .type = OPTION_END },
};

/* ---- what is to be written ---- */

/* A provider that is there has a title; one that is laid down is written as its name, with a
 * capital. */
static void name_provider(struct plan *plan)
{
	const struct options *options = plan->options;
	const struct provider *provider = find_provider(options->name);
	bool checks = is_before_point(options->name, CHECKS);

	plan->provider = provider != NULL ? provider->id : checks ? CHECKS : options->name;
	text_copy(plan->title, sizeof(plan->title),
		provider != NULL ? provider->name
			: checks ? "a site"
				 : options->name);
	if (provider == NULL && !checks)
		plan->title[0] = (char)toupper((unsigned char)plan->title[0]);
	text_copy(plan->upper, sizeof(plan->upper), plan->provider);
	for (char *at = plan->upper; *at != '\0'; at++)
		*at = (char)toupper((unsigned char)*at);
}

/* The name as C writes it, and the paths that follow from it. */
static void name_pieces(struct plan *plan)
{
	const struct thing_kind *kind = plan->kind;
	const char *suffix = kind == &thing_kinds[REMOVAL_ACTION] ? REMOVAL : "";

	text_format(plan->id, sizeof(plan->id), "%s%s", plan->options->name, suffix);
	text_copy(plan->identifier, sizeof(plan->identifier), plan->id);
	for (char *at = plan->identifier; (at = strpbrk(at, ".-")) != NULL;)
		*at = '_';
	bool whole = kind == &thing_kinds[PROVIDER_FILE];
	plan->suite = plan->identifier + (whole ? 0 : strlen(plan->provider) + 1);
	text_format(plan->thing, sizeof(plan->thing), "%.*s",
		(int)(strlen(plan->suite) - strlen(suffix)), plan->suite);

	text_format(plan->relative[PIECE_SOURCE], sizeof(plan->relative[0]), "%s/%s.c",
		kind->folder, plan->identifier);
	text_format(plan->relative[PIECE_TEST], sizeof(plan->relative[0]), "%s/test_%s.c",
		kind->tests, plan->suite);
	text_copy(plan->relative[PIECE_LIST], sizeof(plan->relative[0]), kind->list);
}

static enum error_class check_tree(const struct options *options, struct error *error)
{
	char path[PATH_MAX];
	if (text_format(path, sizeof(path), "%s/include/slipway/action.h", options->folder) &&
		access(path, R_OK) == 0)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT,
		"%s is not Slipway's source tree: it has no include/slipway/action.h",
		strcmp(options->folder, ".") == 0 ? "the current folder" : options->folder);
	return error_remedy(
		error, NULL, "Go to the folder with Slipway's Makefile, or name it with --dir.");
}

static const char *template_of(const struct plan *plan)
{
	if (plan->kind != &thing_kinds[ACTION])
		return plan->kind->what;
	if (strcmp(plan->provider, CHECKS) == 0)
		return "check";
	return plan->options->listed ? "listed" : "action";
}

/* Of an action for a provider that makes tokens for apps. */
#define TABLE                                                                                      \
	"/* The least that an app's token needs for its calls. Edit it with the paths. */\n"       \
	"static const struct string_pair permissions[] = { { \"metadata\", \"read\" }, "           \
	"{ NULL, NULL } };\n\n"
#define MEMBER "\t.permissions = permissions,\n"

static enum error_class fill_piece(struct plan *plan, size_t index, struct error *error)
{
	char embedded_name[64];
	const struct provider *provider = find_provider(plan->provider);
	const bool has_apps = provider != NULL && provider->mint != NULL;
	const char *const replacements[] = { "ID", plan->id, "NAME", plan->identifier, "THING",
		plan->thing, "PROVIDER", plan->provider, "TITLE", plan->title, "UPPER", plan->upper,
		"TABLE", has_apps ? TABLE : "", "MEMBER", has_apps ? MEMBER : "", NULL };

	text_format(embedded_name, sizeof(embedded_name), "workflows/templates/%s%s.c.in",
		index == PIECE_TEST ? "test_" : "", template_of(plan));
	return piece_fill(&plan->pieces[index], embedded_name, replacements, error);
}

static enum error_class lay_down(struct plan *plan, struct error *error)
{
	const struct options *options = plan->options;

	plan->kind = find_thing_kind(options->what);
	name_provider(plan);
	name_pieces(plan);
	if (check_tree(options, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < PIECE_COUNT; i++)
		if (piece_init(&plan->pieces[i], options->folder, plan->relative[i], error) !=
			ERROR_NONE)
			return error->class;

	if (fill_piece(plan, PIECE_SOURCE, error) != ERROR_NONE ||
		fill_piece(plan, PIECE_TEST, error) != ERROR_NONE ||
		piece_add_line(&plan->pieces[PIECE_LIST], &plan->kind->line, plan->identifier,
			error) != ERROR_NONE)
		return error->class;
	return pieces_write(plan->pieces, PIECE_COUNT, error);
}

static void print_next(const struct plan *plan)
{
	const char *tests = plan->kind->tests;

	printf("%s\n%s\n%s: one line\n\n", plan->relative[PIECE_SOURCE], plan->relative[PIECE_TEST],
		plan->relative[PIECE_LIST]);
	printf("Its test passes as it is:\n"
	       "  make build/%s/test_%s && build/%s/test_%s\n"
	       "Then edit both; docs/writing-actions.md goes through them part by part.\n",
		tests, plan->suite, tests, plan->suite);
	if (plan->kind == &thing_kinds[REMOVAL_ACTION])
		printf("Name it in the action that makes what it removes, below its .run:\n\t.undo "
		       "= &%s,\n",
			plan->identifier);
	if (plan->kind == &thing_kinds[PROVIDER_FILE])
		printf("After 'make', 'slipway new action %s.thing' lays down an action for it.\n",
			plan->provider);
}

static int execute(void *options)
{
	static struct plan plan;
	struct error error;
	int status = EX_OK;

	plan.options = options;
	if (lay_down(&plan, &error) == ERROR_NONE)
		print_next(&plan);
	else
		status = command_fail(&error);
	for (size_t i = 0; i < PIECE_COUNT; i++)
		buffer_release(&plan.pieces[i].text);
	return status;
}

static const struct options defaults = { .folder = "." };

const struct command command_new = {
	.name = "new",
	.summary = "Lay down a new action or provider and its test in the source tree",
	.about = "Lays down an action or a provider and its test in Slipway's source tree, with "
		 "its line in the list of all. WHAT is 'action'; 'removal': the action that "
		 "removes what another one makes; or 'provider': one more third-party API. NAME of "
		 "an action is provider.thing, such as github.label; the removal of what that "
		 "makes is an action as well, github.label-removal. What it lays down builds and "
		 "passes as it is; docs/writing-actions.md says what to edit.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.check = check_options,
	.execute = execute,
};
