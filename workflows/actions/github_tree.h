/*
 * Finds which of the desired files differ from those in a git tree.
 *
 * Only the folders on the path to a file are read, so the size of the repository does not matter.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_TREE_H
#define WORKFLOWS_ACTIONS_GITHUB_TREE_H

#include "slipway/action.h"

#define TREE_PATH_MAX 512

/* A file that is to exist. The record describes it in the step's input. */
struct desired_file {
	const char *path, *content;
	bool executable;
};
extern const struct record desired_file_record;

/* The mode of the file in a git tree: 100644 or 100755. */
const char *desired_file_mode(const struct desired_file *file);

/*
 * For .validate: reports, for the files in the input member of that name, paths that git does not
 * allow (such as a/../b), a path that is given twice, and a path that is both a file and a folder.
 */
void desired_files_check(
	struct input_check *check, const char *member, const struct object_list *files);

/*
 * Sets ret_differs[i] if file i is absent from the tree or differs there, and *ret_count to how
 * many do. False if a call fails, or if there is a folder in the place of a file or the reverse,
 * which is conflict_foreign.
 */
bool desired_files_compare(struct action_context *context, const char *repository, const char *tree,
	const struct object_list *files, bool *ret_differs, size_t *ret_count) SLIPWAY_MUST_CHECK;

#endif
