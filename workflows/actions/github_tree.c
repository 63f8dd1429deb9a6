/*
 * Compares files with git trees by their object names. Only the folders on the path to a file are
 * read.
 */
#include "actions/github_tree.h"

#include "actions/github_names.h"
#include "slipway/crypto.h"
#include "slipway/provider.h"

#define CONTENT_MAX 65536
#define FOLDERS_MAX 256 /* each is a call */

static const struct field desired_file_fields[] = {
	{ STRING_FIELD("path", struct desired_file, path), .required = true, .minimum = 1,
		.maximum = TREE_PATH_MAX,
		.description = "Path in the repository, such as docs/index.md" },
	{ STRING_FIELD("content", struct desired_file, content), .required = true,
		.maximum = CONTENT_MAX, .description = "Full text of the file" },
	{ BOOLEAN_FIELD("executable", struct desired_file, executable),
		.description = "Make the file executable, as for a script" },
};
const struct record desired_file_record = RECORD(struct desired_file, desired_file_fields);

struct tree_entry {
	const char *path, *mode, *type, *sha;
};
static const struct field tree_entry_fields[] = {
	{ STRING_FIELD("path", struct tree_entry, path), .required = true },
	{ STRING_FIELD("mode", struct tree_entry, mode), .required = true },
	{ STRING_FIELD("type", struct tree_entry, type), .required = true },
	{ STRING_FIELD("sha", struct tree_entry, sha) },
};
static const struct record tree_entry_record = RECORD(struct tree_entry, tree_entry_fields);

/* One folder, identified by its git object name. */
struct tree {
	const char *sha;
	struct object_list entries;
	bool truncated;
};
static const struct field tree_fields[] = {
	{ OBJECTS_FIELD("tree", struct tree, entries), .required = true, .maximum = 100000,
		.record = &tree_entry_record },
	{ BOOLEAN_FIELD("truncated", struct tree, truncated) },
};
static const struct record tree_record = RECORD(struct tree, tree_fields);

/* The folders read so far: a git object never changes, so each is read once. */
struct forest {
	struct action_context *context;
	const char *repository;
	struct tree *trees; /* FOLDERS_MAX of them */
	size_t count;
};

/* ---- paths ---- */

const char *desired_file_mode(const struct desired_file *file)
{
	return file->executable ? "100755" : "100644";
}

static bool is_part(const char *part, size_t length)
{
	return length > 0 && !(length == 1 && part[0] == '.') &&
		!(length == 2 && memcmp(part, "..", 2) == 0) &&
		!(length == 4 && strncasecmp(part, ".git", 4) == 0);
}

static bool is_path(const char *path)
{
	for (const char *part = path;;) {
		size_t length = strcspn(part, "/");
		if (!is_part(part, length))
			return false;
		if (part[length] == '\0')
			return strpbrk(path, "\n\r\t\\") == NULL;
		part += length + 1;
	}
}

/* Whether one path is the other, or a folder above it. */
static bool is_above(const char *one, const char *two)
{
	size_t length = strlen(one);
	return strncmp(one, two, length) == 0 && (two[length] == '\0' || two[length] == '/');
}

/* The index of an earlier file with the same path, or that would have to be a folder of this one or
 * the reverse; count if there is none. */
static size_t find_rival(const struct desired_file *list, size_t count, size_t index)
{
	for (size_t j = 0; j < index; j++)
		if (is_above(list[index].path, list[j].path) ||
			is_above(list[j].path, list[index].path))
			return j;
	return count;
}

void desired_files_check(
	struct input_check *check, const char *member, const struct object_list *files)
{
	const struct desired_file *list = files->items;

	for (size_t i = 0; i < files->count; i++) {
		struct input_fault fault = { .member = member, .item = "path", .index = i };
		size_t rival = find_rival(list, files->count, i);
		if (!is_path(list[i].path)) {
			fault.remedy = "Give the path from the root of the repository, without a "
				       "leading '/', '.', '..' and '.git'.";
			input_fault(check, &fault,
				"'%s' is not a valid path of a file in a repository", list[i].path);
		} else if (rival < files->count) {
			fault.remedy = "Give each file once.";
			input_fault(check, &fault, "'%s' and '%s' cannot both be files",
				list[rival].path, list[i].path);
		}
	}
}

/* ---- read ---- */

static bool fetch_tree(struct forest *forest, const char *sha, struct tree *ret_tree)
{
	struct provider_response response;
	struct action_context *context = forest->context;
	struct provider_request request = { .path = "/repos/{owner}/{repo}/git/trees/{tree_sha}",
		.expect = { 404 } };

	if (!split_repository(context, forest->repository, request.parameters))
		return false;
	request.parameters[2] = sha;
	if (!provider_call(context, &github, &request, &response))
		return false;

	/* GitHub has just named this tree, so it exists. */
	if (response.status == 404) {
		action_fail(context, ERROR_NOT_READY, "GitHub does not show the tree %s of %s yet",
			sha, forest->repository);
		return false;
	}

	if (!provider_decode(context, &response, &tree_record, ret_tree))
		return false;
	ret_tree->sha = sha;
	if (ret_tree->truncated) {
		action_fail(context, ERROR_INVALID_INPUT,
			"a folder in %s has more entries than GitHub lists", forest->repository);
		action_remedy(context, NULL,
			"Move some of the folder's files into folders below it, or choose another "
			"folder for these files. Then trigger the step again.");
		action_remedy_input(context, "files");
	}

	return !ret_tree->truncated;
}

static bool find_tree(struct forest *forest, const char *sha, const struct tree **ret_tree)
{
	for (size_t i = 0; i < forest->count; i++)
		if (strcmp(forest->trees[i].sha, sha) == 0) {
			*ret_tree = &forest->trees[i];
			return true;
		}
	if (forest->count == FOLDERS_MAX) {
		action_fail(forest->context, ERROR_INVALID_INPUT,
			"the files are in more than %d folders", FOLDERS_MAX);
		action_remedy(forest->context, NULL, "Split the files over several steps.");
		return false;
	}

	struct tree *tree = &forest->trees[forest->count];
	*ret_tree = tree;
	if (!fetch_tree(forest, sha, tree))
		return false;
	forest->count++;
	return true;
}

static const struct tree_entry *find_entry(const struct tree *tree, const char *part, size_t length)
{
	const struct tree_entry *entries = tree->entries.items;
	for (size_t i = 0; i < tree->entries.count; i++)
		if (strlen(entries[i].path) == length && memcmp(entries[i].path, part, length) == 0)
			return &entries[i];
	return NULL;
}

/* There is a folder where a file is to go, or a file where a folder is needed. It would be lost. */
static bool refuse_kind(const struct forest *forest, const char *path, size_t length,
	const struct tree_entry *entry)
{
	action_fail(forest->context, ERROR_CONFLICT_FOREIGN,
		"%.*s in %s is a %s, which writing the file %s would replace", (int)length, path,
		forest->repository, strcmp(entry->type, "tree") == 0 ? "folder" : entry->type,
		path);
	action_remedy(
		forest->context, NULL, "Choose another path, or delete it from the branch first.");
	action_remedy_input(forest->context, "files");
	return false;
}

/* Finds the entry of the path; NULL if there is none. */
static bool find_file(struct forest *forest, const char *root, const char *path,
	const struct tree_entry **ret_entry)
{
	const struct tree *tree;
	const char *sha = root;

	*ret_entry = NULL;
	for (const char *part = path;;) {
		size_t length = strcspn(part, "/");
		bool last = part[length] == '\0';
		if (!find_tree(forest, sha, &tree))
			return false;
		const struct tree_entry *entry = find_entry(tree, part, length);
		if (entry == NULL)
			return true;
		if (strcmp(entry->type, last ? "blob" : "tree") != 0)
			return refuse_kind(forest, path, (size_t)(part - path) + length, entry);
		if (last) {
			*ret_entry = entry;
			return true;
		}
		sha = entry->sha != NULL ? entry->sha : "";
		part += length + 1;
	}
}

static bool compare_file(const struct forest *forest, const struct desired_file *file,
	const struct tree_entry *entry, bool *ret_differs)
{
	const char *name = git_blob_name(forest->context, file->content);

	if (name == NULL)
		return false;
	bool same_text = entry != NULL && entry->sha != NULL && strcmp(entry->sha, name) == 0;
	*ret_differs = !same_text || strcmp(entry->mode, desired_file_mode(file)) != 0;
	if (!*ret_differs)
		return true;
	action_difference(forest->context, "%s: %s", file->path,
		entry == NULL       ? "does not exist"
			: same_text ? "has a different mode"
				    : "has different content");
	if (entry != NULL)
		action_found(forest->context,
			action_format(forest->context, "%s %s", entry->mode,
				entry->sha != NULL ? entry->sha : ""));
	return true;
}

bool desired_files_compare(struct action_context *context, const char *repository, const char *tree,
	const struct object_list *files, bool *ret_differs, size_t *ret_count)
{
	const struct desired_file *list = files->items;
	const struct tree_entry *entry;
	struct forest forest = { .context = context, .repository = repository };

	forest.trees = action_allocate(context, FOLDERS_MAX, sizeof(*forest.trees));
	if (forest.trees == NULL)
		return false;
	*ret_count = 0;
	for (size_t i = 0; i < files->count; i++) {
		if (!find_file(&forest, tree, list[i].path, &entry) ||
			!compare_file(&forest, &list[i], entry, &ret_differs[i]))
			return false;
		*ret_count += ret_differs[i] ? 1 : 0;
	}

	return true;
}
