/*
 * Reads, fills and places the files of `slipway new`. A new file gets its name by link, which
 * refuses what is there.
 */
#include "cli/scaffold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/template.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define NAME_SIZE      256

enum error_class piece_init(
	struct piece *piece, const char *folder, const char *relative, struct error *error)
{
	memset(piece, 0, sizeof(*piece));
	buffer_init(&piece->text, FILE_MAX_BYTES);
	piece->mode = 0666; /* less the umask */
	if (!text_format(piece->path, sizeof(piece->path), "%s/%s", folder, relative) ||
		!text_format(piece->draft, sizeof(piece->draft), "%s.new-%d", piece->path,
			(int)getpid()))
		return error_set(error, ERROR_INVALID_INPUT,
			"the path of the folder %s is too long", folder);
	return ERROR_NONE;
}

/* ---- new files ---- */

static enum error_class refuse_existing(const struct piece *piece, struct error *error)
{
	error_set(error, ERROR_INVALID_INPUT, "%s stands there already; nothing was changed",
		piece->path);
	return error_remedy(error, NULL, "Choose another name, or move that file away first.");
}

enum error_class piece_fill(struct piece *piece, const char *template_name,
	const char *const *replacements, struct error *error)
{
	struct stat facts;
	if (lstat(piece->path, &facts) == 0)
		return refuse_existing(piece, error);
	return template_fill(template_name, replacements, &piece->text, error);
}

/* ---- a line in a list ---- */

static enum error_class read_list(struct piece *piece, struct buffer *buffer, struct error *error)
{
	char bytes[4096];
	size_t length;
	struct stat facts;
	bool fits = true;
	FILE *file = fopen(piece->path, "re");

	if (file == NULL || fstat(fileno(file), &facts) != 0) {
		error_set(error, ERROR_INVALID_INPUT, "cannot read %s: %s", piece->path,
			strerror(errno));
		if (file != NULL)
			fclose(file);
		return error->class;
	}

	piece->mode = facts.st_mode & 07777;
	while (fits && (length = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fits = buffer_append(buffer, bytes, length);
	bool whole = fits && ferror(file) == 0;
	fclose(file);
	return whole ? ERROR_NONE
		     : error_set(error, ERROR_INVALID_INPUT, "cannot read all of %s", piece->path);
}

/* The name that a line of the list has; false where the text does not begin with such a line. */
static bool read_name(const char *text, const struct list_line *line, char *ret_name)
{
	if (!text_has_prefix(text, line->before))
		return false;
	const char *name = text + strlen(line->before);
	text_format(ret_name, NAME_SIZE, "%.*s", (int)strcspn(name, ";) \n"), name);
	return true;
}

/* Where the line goes: before the first of a greater name, else behind the last. NULL: nowhere, by
 * the error. */
static const char *find_place(const char *path, const char *text, const struct list_line *line,
	const char *name, struct error *error)
{
	const char *behind = NULL, *before = NULL;
	char listed[NAME_SIZE];

	for (const char *next = text, *end; *next != '\0'; next = end) {
		end = next + strcspn(next, "\n");
		end += *end == '\n' ? 1 : 0;
		if (!read_name(next, line, listed))
			continue;
		int order = strcmp(listed, name);
		if (order == 0) {
			error_set(error, ERROR_INVALID_INPUT,
				"%s declares %s already; nothing was changed", path, name);
			error_remedy(
				error, NULL, "Choose another name, or take that line out first.");
			return NULL;
		}
		if (order > 0 && before == NULL)
			before = next;
		behind = end;
	}

	if (behind == NULL)
		error_set(error, ERROR_INVALID_INPUT,
			"%s declares no %s to put another beside; nothing was changed", path,
			line->noun);
	return before != NULL ? before : behind;
}

enum error_class piece_add_line(
	struct piece *piece, const struct list_line *line, const char *name, struct error *error)
{
	CLEANUP_BUFFER struct buffer earlier = BUFFER_EMPTY(FILE_MAX_BYTES);

	piece->replaces = true;
	if (read_list(piece, &earlier, error) != ERROR_NONE)
		return error->class;
	const char *text = buffer_text(&earlier),
		   *place = find_place(piece->path, text, line, name, error);
	if (place == NULL)
		return error->class;

	bool complete = buffer_append(&piece->text, text, (size_t)(place - text)) &&
		buffer_append_string(&piece->text, line->before) &&
		buffer_append_string(&piece->text, name) &&
		buffer_append_string(&piece->text, line->behind) &&
		buffer_append_string(&piece->text, "\n") &&
		buffer_append_string(&piece->text, place);
	return complete ? ERROR_NONE
			: error_set(error, ERROR_OUT_OF_MEMORY, "no memory for %s", piece->path);
}

/* ---- writing ---- */

static enum error_class draft_piece(struct piece *piece, struct error *error)
{
	int file = open(piece->draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, piece->mode);

	if (file < 0)
		return error_set(error, ERROR_INVALID_INPUT, "cannot write %s: %s", piece->draft,
			strerror(errno));
	piece->drafted = true;
	bool written =
		write(file, piece->text.bytes, piece->text.length) == (ssize_t)piece->text.length &&
		(!piece->replaces || fchmod(file, piece->mode) == 0) && fsync(file) == 0;
	int reason = errno;
	written = close(file) == 0 && written;
	return written ? ERROR_NONE
		       : error_set(error, ERROR_INVALID_INPUT, "cannot write all of %s: %s",
				 piece->draft, strerror(reason));
}

/* A new file gets its name only where nothing has it: link refuses what rename would replace. */
static enum error_class settle_piece(struct piece *piece, struct error *error)
{
	piece->placed = (piece->replaces ? rename(piece->draft, piece->path)
					 : link(piece->draft, piece->path)) == 0;
	if (piece->placed)
		return ERROR_NONE;
	if (errno == EEXIST)
		return refuse_existing(piece, error);
	return error_set(error, ERROR_INVALID_INPUT, "cannot put %s in its place: %s", piece->path,
		strerror(errno));
}

enum error_class pieces_write(struct piece *pieces, size_t count, struct error *error)
{
	enum error_class class = ERROR_NONE;

	for (size_t i = 0; i < count && class == ERROR_NONE; i++)
		class = draft_piece(&pieces[i], error);
	for (size_t i = 0; i < count && class == ERROR_NONE; i++)
		class = settle_piece(&pieces[i], error);
	for (size_t i = 0; i < count; i++) {
		const struct piece *piece = &pieces[i];
		if (piece->drafted && !(piece->replaces && piece->placed))
			unlink(piece->draft);
		if (class != ERROR_NONE && piece->placed && !piece->replaces)
			unlink(piece->path);
	}

	return class;
}
