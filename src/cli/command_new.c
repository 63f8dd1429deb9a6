/*
 * slipway new: lays down an action, or the removal of what one makes, and its test in a source tree, ready to be built,
 * run and edited.
 *
 * Nothing is overwritten and nothing is left half-written: every file is complete under a name of its own before any of
 * them gets its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/template.h"
#include "slipway/field.h"

#define NAME_MAX_BYTES 64
#define REMOVAL        "-removal" /* behind the name of what is removed */
#define ID_SIZE        (NAME_MAX_BYTES + sizeof(REMOVAL))
#define FILE_MAX_BYTES ((size_t)1 << 20)
#define DECLARATION    "extern const struct action_definition "

/* What may stand before the first point of a name, and what is laid down for it. */
struct provider_kind {
	const char *id;               /* as in the names of actions, and of C's struct provider */
	const char *title;            /* for people */
	const char *action, *removal; /* the templates; NULL: none */
};
static const struct provider_kind kinds[] = {
	{ "github", "GitHub", "action", "removal" },
	{ "vercel", "Vercel", "action", "removal" },
	{ "http", "a site", "check", NULL },
};

struct options {
	const char *what, *name, *folder;
	const struct provider_kind *kind;
	bool removal; /* of the things that the action of this name makes */
};

/* A file that is to stand in the tree. */
struct piece {
	char path[PATH_MAX], draft[PATH_MAX]; /* its place, and the name under which it is written first */
	struct buffer text;
	mode_t mode;
	bool replaces, drafted, placed;
};

enum { PIECE_ACTION, PIECE_TEST, PIECE_HEADER, PIECE_COUNT };

struct plan {
	const struct options *options;
	char id[ID_SIZE], identifier[ID_SIZE]; /* github.label-removal, github_label_removal */
	const char *suite;                     /* label_removal: the part of it behind the provider */
	char thing[ID_SIZE];                   /* label: what is made, or removed */
	char relative[PIECE_COUNT][128];       /* the paths below the folder */
	struct piece pieces[PIECE_COUNT];
};

/* ---- what is asked for ---- */

static const struct provider_kind *find_kind(const char *name)
{
	size_t length = strcspn(name, ".");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].id) == length && strncmp(kinds[i].id, name, length) == 0)
			return &kinds[i];
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

static void check_options(void *raw_options, struct argp_state *state)
{
	struct options *options = raw_options;

	options->removal = strcmp(options->what, "removal") == 0;
	if (!options->removal && strcmp(options->what, "action") != 0)
		argp_error(state, "'%s' is nothing that can be laid down; 'action' and 'removal' are", options->what);
	if (!is_action_name(options->name))
		argp_error(state,
			"'%s' is no name for an action: provider.thing in lower case, digits and '-', at most %d, such "
			"as "
			"github.label",
			options->name, NAME_MAX_BYTES);
	options->kind = find_kind(options->name);
	if (options->kind == NULL)
		argp_error(state,
			"'%s' begins with no provider that is known: github, vercel, or http for a check of any "
			"address; "
			"a new provider is a file in src/provider/ first",
			options->name);
	else if (options->removal && options->kind->removal == NULL)
		argp_error(state, "'%s' only checks: it makes nothing that could be removed", options->name);
}

static const struct option_row option_rows[] = {
	{ ARGUMENT("WHAT", struct options, what), .required = true },
	{ ARGUMENT("NAME", struct options, name), .required = true },
	{ TEXT_OPTION("dir", 'd', struct options, folder, "The source tree (the current folder)"), .value = "DIR" },
	{ .type = OPTION_END },
};

/* ---- what is to be written ---- */

/* The name as C writes it, and the paths that follow from it. */
static void name_pieces(struct plan *plan)
{
	const char *suffix = plan->options->removal ? REMOVAL : "";

	text_format(plan->id, sizeof(plan->id), "%s%s", plan->options->name, suffix);
	text_copy(plan->identifier, sizeof(plan->identifier), plan->id);
	for (char *at = plan->identifier; (at = strpbrk(at, ".-")) != NULL;)
		*at = '_';
	plan->suite = plan->identifier + strlen(plan->options->kind->id) + 1;
	text_format(plan->thing, sizeof(plan->thing), "%.*s", (int)(strlen(plan->suite) - strlen(suffix)), plan->suite);
	text_format(
		plan->relative[PIECE_ACTION], sizeof(plan->relative[0]), "workflows/actions/%s.c", plan->identifier);
	text_format(plan->relative[PIECE_TEST], sizeof(plan->relative[0]), "tests/workflows/test_%s.c", plan->suite);
	text_copy(plan->relative[PIECE_HEADER], sizeof(plan->relative[0]), "workflows/actions.h");
}

static enum error_class place_piece(struct plan *plan, size_t index, struct error *error)
{
	struct piece *piece = &plan->pieces[index];

	buffer_init(&piece->text, FILE_MAX_BYTES);
	piece->mode = 0666; /* less the umask */
	piece->replaces = index == PIECE_HEADER;
	if (!text_format(piece->path, sizeof(piece->path), "%s/%s", plan->options->folder, plan->relative[index]) ||
		!text_format(piece->draft, sizeof(piece->draft), "%s.new-%d", piece->path, (int)getpid()))
		return error_set(
			error, ERROR_INVALID_INPUT, "the path of the folder %s is too long", plan->options->folder);
	return ERROR_NONE;
}

static enum error_class check_tree(const struct options *options, struct error *error)
{
	char path[PATH_MAX];
	if (text_format(path, sizeof(path), "%s/include/slipway/action.h", options->folder) && access(path, R_OK) == 0)
		return ERROR_NONE;
	error_set(error, ERROR_INVALID_INPUT, "%s is not Slipway's source tree: it has no include/slipway/action.h",
		strcmp(options->folder, ".") == 0 ? "the current folder" : options->folder);
	return error_remedy(error, NULL, "Go to the folder with Slipway's Makefile, or name it with --dir.");
}

static enum error_class refuse_existing(const struct piece *piece, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "%s stands there already; nothing was changed", piece->path);
	return error_remedy(error, NULL, "Choose another name for the action, or move that file away first.");
}

static void refuse_declared(const char *path, const char *identifier, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "%s declares %s already; nothing was changed", path, identifier);
	error_remedy(error, NULL, "Choose another name for the action, or take that line out first.");
}

static enum error_class fill_piece(struct plan *plan, size_t index, struct error *error)
{
	struct piece *piece = &plan->pieces[index];
	struct stat facts;
	char embedded_name[64];
	const struct provider_kind *kind = plan->options->kind;
	const char *const replacements[] = { "ID", plan->id, "NAME", plan->identifier, "THING", plan->thing, "PROVIDER",
		kind->id, "TITLE", kind->title, NULL };

	if (lstat(piece->path, &facts) == 0)
		return refuse_existing(piece, error);
	text_format(embedded_name, sizeof(embedded_name), "workflows/templates/%s%s.c.in",
		index == PIECE_TEST ? "test_" : "", plan->options->removal ? kind->removal : kind->action);
	return template_fill(embedded_name, replacements, &piece->text, error);
}

static enum error_class read_header(struct piece *piece, struct buffer *buffer, struct error *error)
{
	char bytes[4096];
	size_t length;
	struct stat facts;
	bool fits = true;
	FILE *file = fopen(piece->path, "re");

	if (file == NULL || fstat(fileno(file), &facts) != 0) {
		error_set(error, ERROR_INVALID_INPUT, "cannot read %s: %s", piece->path, strerror(errno));
		if (file != NULL)
			fclose(file);
		return error->class;
	}

	piece->mode = facts.st_mode & 07777;
	while (fits && (length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_append(buffer, bytes, length);
	bool whole = fits && ferror(file) == 0;
	fclose(file);
	return whole ? ERROR_NONE : error_set(error, ERROR_INVALID_INPUT, "cannot read all of %s", piece->path);
}

/* Where the declaration goes: before the first of a greater name, else behind the last. NULL: nowhere, by the error. */
static const char *find_place(const char *path, const char *header, const char *identifier, struct error *error)
{
	const char *behind = NULL, *before = NULL;

	for (const char *line = header; *line != '\0';) {
		const char *end = line + strcspn(line, "\n") + (strchr(line, '\n') != NULL ? 1 : 0);
		if (text_has_prefix(line, DECLARATION)) {
			char name[256];
			const char *declared = line + strlen(DECLARATION);
			text_format(name, sizeof(name), "%.*s", (int)strcspn(declared, ";\n"), declared);
			int order = strcmp(name, identifier);
			if (order == 0) {
				refuse_declared(path, identifier, error);
				return NULL;
			}
			if (order > 0 && before == NULL)
				before = line;
			behind = end;
		}
		line = end;
	}

	if (behind == NULL)
		error_set(error, ERROR_INVALID_INPUT,
			"%s declares no action to put another beside; nothing was changed", path);
	return before != NULL ? before : behind;
}

static bool declare_at(const char *header, const char *place, const char *identifier, struct buffer *buffer)
{
	return buffer_append(buffer, header, (size_t)(place - header)) && buffer_append_string(buffer, DECLARATION) &&
		buffer_append_string(buffer, identifier) && buffer_append_string(buffer, ";\n") &&
		buffer_append_string(buffer, place);
}

static enum error_class fill_header(struct plan *plan, struct error *error)
{
	struct piece *piece = &plan->pieces[PIECE_HEADER];
	struct buffer header;

	buffer_init(&header, FILE_MAX_BYTES);
	enum error_class class = read_header(piece, &header, error);
	if (class == ERROR_NONE) {
		const char *text = buffer_text(&header);
		const char *place = find_place(piece->path, text, plan->identifier, error);
		if (place == NULL)
			class = error->class;
		else if (!declare_at(text, place, plan->identifier, &piece->text))
			class = error_set(error, ERROR_OUT_OF_MEMORY, "no memory for %s", piece->path);
	}

	buffer_release(&header);
	return class;
}

/* ---- writing ---- */

static enum error_class draft_piece(struct piece *piece, struct error *error)
{
	int file = open(piece->draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, piece->mode);

	if (file < 0)
		return error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", piece->draft, strerror(errno));
	piece->drafted = true;
	bool written = write(file, piece->text.bytes, piece->text.length) == (ssize_t)piece->text.length &&
		(!piece->replaces || fchmod(file, piece->mode) == 0) && fsync(file) == 0;
	int reason = errno;
	written = close(file) == 0 && written;
	return written
		? ERROR_NONE
		: error_set(error, ERROR_INVALID_INPUT, "cannot write all of %s: %s", piece->draft, strerror(reason));
}

/* A new file gets its name only where nothing has it: link refuses what rename would replace. */
static enum error_class settle_piece(struct piece *piece, struct error *error)
{
	piece->placed = (piece->replaces ? rename(piece->draft, piece->path) : link(piece->draft, piece->path)) == 0;
	if (piece->placed)
		return ERROR_NONE;
	if (errno == EEXIST)
		return refuse_existing(piece, error);
	return error_set(error, ERROR_INVALID_INPUT, "cannot put %s in its place: %s", piece->path, strerror(errno));
}

/* All or nothing; the header comes last, for it alone changes what is there. */
static enum error_class write_pieces(struct plan *plan, struct error *error)
{
	enum error_class class = ERROR_NONE;

	for (size_t i = 0; i < PIECE_COUNT && class == ERROR_NONE; i++)
		class = draft_piece(&plan->pieces[i], error);
	for (size_t i = 0; i < PIECE_COUNT && class == ERROR_NONE; i++)
		class = settle_piece(&plan->pieces[i], error);
	for (size_t i = 0; i < PIECE_COUNT; i++) {
		const struct piece *piece = &plan->pieces[i];
		if (piece->drafted && !(piece->replaces && piece->placed))
			unlink(piece->draft);
		if (class != ERROR_NONE && piece->placed && !piece->replaces)
			unlink(piece->path);
	}

	return class;
}

static enum error_class lay_down(struct plan *plan, struct error *error)
{
	name_pieces(plan);
	if (check_tree(plan->options, error) != ERROR_NONE)
		return error->class;
	for (size_t i = 0; i < PIECE_COUNT; i++)
		if (place_piece(plan, i, error) != ERROR_NONE)
			return error->class;
	if (fill_piece(plan, PIECE_ACTION, error) != ERROR_NONE || fill_piece(plan, PIECE_TEST, error) != ERROR_NONE ||
		fill_header(plan, error) != ERROR_NONE)
		return error->class;
	return write_pieces(plan, error);
}

static void print_next(const struct plan *plan)
{
	printf("%s\n%s\n%s: one line\n\n", plan->relative[PIECE_ACTION], plan->relative[PIECE_TEST],
		plan->relative[PIECE_HEADER]);
	printf("Its test passes as it is:\n"
	       "  make build/tests/workflows/test_%s && build/tests/workflows/test_%s\n"
	       "Then edit both; docs/writing-actions.md goes through them part by part.\n",
		plan->suite, plan->suite);
	if (plan->options->removal)
		printf("Name it in the action that makes what it removes, below its .run:\n\t.undo = &%s,\n",
			plan->identifier);
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
	.summary = "Lay down a new action and its test in the source tree",
	.about = "Lays down an action and its test in Slipway's source tree, and declares it in workflows/actions.h. "
		 "WHAT is 'action', or 'removal': the action that removes what another one makes. NAME is "
		 "provider.thing, such as github.label; the removal of what that makes is an action as well, "
		 "github.label-removal. What it lays down builds and passes as it is; docs/writing-actions.md says "
		 "what to edit.",
	.options = option_rows,
	.options_size = sizeof(struct options),
	.defaults = &defaults,
	.check = check_options,
	.execute = execute,
};
