/*
 * Files of a repository as git has them: which of those that are wished are other in a tree.
 *
 * Only the folders on the way to the files are read, so the size of the repository does not matter.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_TREE_H
#define WORKFLOWS_ACTIONS_GITHUB_TREE_H

#include "slipway/action.h"

#define TREE_PATH_MAX 512

/* A file that is to be there. The record is of the input. */
struct desired_file {
	const char *path, *content;
	bool executable;
};
extern const struct record desired_file_record;

/* As the mode of a file in a tree: 100644, or 100755. */
const char *desired_file_mode(const struct desired_file *file);

/*
 * For .validate, of the files in the member of that name: paths that git does not have, such as a/../b, a path that is
 * named twice, and one that is a file and a folder at once.
 */
void desired_files_check(struct input_check *check, const char *member, const struct object_list *files);

/*
 * Sets ret_differs[i] where file i is absent from the tree or other there, and *ret_count to how many are. False where
 * GitHub does not say, and where a folder stands in the place of a file or the reverse, which is conflict_foreign.
 */
bool desired_files_compare(struct action_context *context, const char *repository, const char *tree,
	const struct object_list *files, bool *ret_differs, size_t *ret_count) SLIPWAY_MUST_CHECK;

#endif
