/*
 * Files that `slipway new` lays down in a source tree: all of them or none. Nothing is overwritten
 * and nothing is left half-written: every file is complete under a name of its own before any of
 * them gets its place.
 */
#ifndef SLIPWAY_CLI_SCAFFOLD_H
#define SLIPWAY_CLI_SCAFFOLD_H

#include <limits.h>
#include <sys/types.h>

#include "base/buffer.h"

/* A file that is to stand in the tree. Begin it with piece_init; its text is the owner's to
 * release. */
struct piece {
	/* its place, and the name under which it is written first */
	char path[PATH_MAX], draft[PATH_MAX];
	struct buffer text;
	mode_t mode;
	bool replaces; /* a file that is there already; otherwise nothing may be there */
	bool drafted, placed;
};

/* How a line of a list is written: what stands before a name, and behind it up to the end of the
 * line. */
struct list_line {
	const char *before, *behind;
	const char *noun; /* of what it is a list, for messages: "action" */
};

/* A piece without a text, for this path below the folder. */
enum error_class piece_init(struct piece *piece, const char *folder, const char *relative,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Takes the text from an embedded template, as template_fill does. ERROR_INVALID_INPUT where the
 * file is there. */
enum error_class piece_fill(struct piece *piece, const char *template_name,
	const char *const *replacements, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Takes the text from the file that is there, with one more line in its list, in the order of the
 * names. ERROR_INVALID_INPUT where the name is in the list, or no line of such a list is there.
 */
enum error_class piece_add_line(struct piece *piece, const struct list_line *line, const char *name,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Writes all, or none; what replaces a file should come last. */
enum error_class pieces_write(
	struct piece *pieces, size_t count, struct error *error) SLIPWAY_MUST_CHECK;

#endif
