/*
 * github.files: writes text files to a branch, in one commit. Other files are not touched. If the
 * branch already has all the files, nothing is written.
 *
 * The commit is created first, then the branch is moved to it, never by force. The SHA of the
 * commit is stored before the move. If the response to the move is lost, the next attempt looks for
 * that commit at the head of the branch or among the latest commits below it. If somebody else
 * commits first, everything is done again on top of their commit.
 *
 * API: https://docs.github.com/rest/git/trees, /rest/git/commits, /rest/git/refs,
 * /rest/commits/commits.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "actions/github_push.h"
#include "actions/github_tree.h"
#include "slipway/provider.h"

#define FILES_MAX 100
#define BYTES_MAX ((size_t)1 << 20) /* of all files together */
#define CHECK_MS  2000
#define RACES_MAX 10

struct input {
	const char *repository, *branch, *message;
	struct object_list files;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "The repository, as owner/name" },
	{ STRING_FIELD("branch", struct input, branch), .pattern = BRANCH_PATTERN,
		.form = BRANCH_FORM, .maximum = BRANCH_MAX,
		.description = "Branch to commit to; the default branch if absent" },
	{ STRING_FIELD("message", struct input, message), .required = true, .minimum = 1,
		.maximum = 4096, .description = "Commit message" },
	{ OBJECTS_FIELD("files", struct input, files), .required = true,
		.record = &desired_file_record, .minimum = 1, .maximum = FILES_MAX,
		.description = "The files to write" },
};

struct checkpoint {
	const char *branch;
	const char *commit; /* to which the branch is to be moved */
	const char *parent; /* the head of the branch before that */
	int64_t files;      /* how many the commit changes */
	int64_t races;      /* lost to other commits */
};
static const struct field checkpoint_fields[] = {
	{ STRING_FIELD("branch", struct checkpoint, branch) },
	{ STRING_FIELD("commit", struct checkpoint, commit) },
	{ STRING_FIELD("parent", struct checkpoint, parent) },
	{ INTEGER_FIELD("files", struct checkpoint, files) },
	{ INTEGER_FIELD("races", struct checkpoint, races) },
};

struct output {
	const char *commit, *branch;
	bool changed;
	int64_t files;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("commit", struct output, commit),
		.description = "The new commit, or the head of the branch if nothing was changed" },
	{ STRING_FIELD("branch", struct output, branch), .description = "The branch" },
	{ BOOLEAN_FIELD("changed", struct output, changed), .incidental = true,
		.description = "Whether a commit was created" },
	{ INTEGER_FIELD("files", struct output, files),
		.description = "Number of files that the commit changes" },
};

/* ---- what GitHub returns ---- */

struct repository {
	const char *default_branch;
};
static const struct field repository_fields[] = {
	{ STRING_FIELD("default_branch", struct repository, default_branch), .required = true },
};
static const struct record repository_record = RECORD(struct repository, repository_fields);

/* A tree or a commit: any git object. */
struct object {
	const char *sha;
};
static const struct field object_fields[] = { { STRING_FIELD("sha", struct object, sha),
	.required = true } };
static const struct record object_record = RECORD(struct object, object_fields);

struct head_content {
	const void *tree;
};
static const struct field head_content_fields[] = {
	{ OBJECT_FIELD("tree", struct head_content, tree), .required = true,
		.record = &object_record },
};
static const struct record head_content_record = RECORD(struct head_content, head_content_fields);

struct head {
	const char *sha;
	const void *commit;
};
static const struct field head_fields[] = {
	{ STRING_FIELD("sha", struct head, sha), .required = true },
	{ OBJECT_FIELD("commit", struct head, commit), .required = true,
		.record = &head_content_record },
};
static const struct record head_record = RECORD(struct head, head_fields);

/* ---- what we send ---- */

struct entry {
	const char *path, *mode, *type, *content;
};
static const struct field entry_fields[] = {
	{ STRING_FIELD("path", struct entry, path) },
	{ STRING_FIELD("mode", struct entry, mode) },
	{ STRING_FIELD("type", struct entry, type) },
	{ STRING_FIELD("content", struct entry, content) },
};
static const struct record entry_record = RECORD(struct entry, entry_fields);

struct tree_request {
	const char *base_tree;
	struct object_list tree;
};
static const struct field tree_fields[] = {
	{ STRING_FIELD("base_tree", struct tree_request, base_tree) },
	{ OBJECTS_FIELD("tree", struct tree_request, tree), .record = &entry_record },
};
static const struct record tree_record = RECORD(struct tree_request, tree_fields);

struct commit_request {
	const char *message, *tree;
	struct string_list parents;
};
static const struct field commit_fields[] = {
	{ STRING_FIELD("message", struct commit_request, message) },
	{ STRING_FIELD("tree", struct commit_request, tree) },
	{ STRINGS_FIELD("parents", struct commit_request, parents) },
};
static const struct record commit_record = RECORD(struct commit_request, commit_fields);

struct move_request {
	const char *sha;
	bool force;
};
static const struct field move_fields[] = {
	{ STRING_FIELD("sha", struct move_request, sha) },
	{ BOOLEAN_FIELD("force", struct move_request, force) },
};
static const struct record move_record = RECORD(struct move_request, move_fields);

/* ---- refusals ---- */

/* Of a tree or a commit that this run created, and that GitHub does not know everywhere yet. */
static bool is_of_new_object(const struct provider_response *response)
{
	return response->status == 422 &&
		(strcasestr(response->message, "Tree SHA does not exist") != NULL ||
			strcasestr(response->message, "Object does not exist") != NULL);
}

/* Waits if it is only too early; else fails with the class. `what` names what GitHub refuses. */
static enum action_result refuse(struct action_context *context, const struct input *input,
	const struct provider_response *response, enum error_class class, const char *what)
{
	bool new_object = is_of_new_object(response);

	if (new_object ? action_run_age_ms(context) < VISIBLE_BUDGET_MS : provider_is_late(context))
		return action_wait(
			context, CHECK_MS, "GitHub to accept %s in %s", what, input->repository);
	/* What this run itself created can only be late, however long the run had waited before. */
	return action_fail(context, new_object ? ERROR_PROVIDER_UNAVAILABLE : class,
		"GitHub refuses %s in %s: %s", what, input->repository,
		response->message[0] != '\0' ? response->message : "(no message)");
}

/* In a plan: what its content will be, the repository alone can show. */
static void report_unseen(struct action_context *context, const struct input *input)
{
	const struct desired_file *files = input->files.items;
	for (size_t i = 0; provider_is_to_be_made(context) && i < input->files.count; i++)
		action_difference(context, "%s: decided when %s has its content", files[i].path,
			input->repository);
}

static enum action_result refuse_read(struct action_context *context, const struct input *input,
	const char *branch, const struct provider_response *response)
{
	const char *what = branch == NULL ? "reading the default branch"
					  : action_format(context, "reading branch %s", branch);
	report_unseen(context, input);
	enum action_result result = refuse(context, input, response, ERROR_NOT_FOUND, what);
	if (result != ACTION_FAILED)
		return result;
	action_remedy(context, NULL,
		"Check that the repository and the branch exist, that the branch has a commit, and "
		"that the token can see them.");
	return action_remedy_input(context, branch == NULL ? "repository" : "branch");
}

/* Reading worked, so where GitHub shows nothing, a permission is missing. */
static enum action_result refuse_write(struct action_context *context, const struct input *input,
	const char *what, const struct provider_response *response)
{
	enum error_class class =
		response->status == 404 ? ERROR_SCOPE_MISSING : ERROR_INVALID_INPUT;
	enum action_result result = refuse(context, input, response, class, what);
	if (result != ACTION_FAILED || push_explain_rule(context, input->repository))
		return result;
	if (class == ERROR_SCOPE_MISSING)
		return action_remedy(context, NULL,
			"Give the token the permission contents: write (for files in "
			".github/workflows also workflows: write), then trigger the step again.");
	if (action_error(context)->class != ERROR_INVALID_INPUT)
		return action_remedy(context, NULL, "Trigger the step again.");
	if (strcasestr(response->message, "reference does not exist") != NULL) {
		action_remedy(context,
			provider_page(context, &github, "/%s/branches", input->repository),
			"The branch was deleted meanwhile: create it again, or choose another "
			"one. Then trigger the step again.");
		return action_remedy_input(context, "branch");
	}

	action_remedy(
		context, NULL, "Change the files as GitHub says, then trigger the step again.");
	return action_remedy_input(context, "files");
}

/* ---- read ---- */

/* ACTION_DONE once the checkpoint has the branch. */
static enum action_result find_branch(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct provider_response response;
	struct repository repository;
	struct provider_request request = { .path = "/repos/{owner}/{repo}", .expect = { 404 } };

	if (input->branch != NULL)
		checkpoint->branch = input->branch;
	if (checkpoint->branch != NULL)
		return ACTION_DONE;
	if (!split_repository(context, input->repository, request.parameters) ||
		!provider_call(context, &github, &request, &response))
		return action_failed(context);
	if (response.status == 404)
		return refuse_read(context, input, NULL, &response);
	if (!provider_decode(context, &response, &repository_record, &repository))
		return action_failed(context);
	checkpoint->branch = repository.default_branch;
	return ACTION_DONE;
}

/* *ret_head is NULL if the head cannot be read; the result then says why. */
static enum action_result find_head(struct action_context *context, const struct input *input,
	const char *branch, const struct head **ret_head)
{
	struct provider_response response;
	struct head *head = action_allocate(context, 1, sizeof(*head));
	struct provider_request request = { .path = "/repos/{owner}/{repo}/commits/{ref}",
		.query = { { "per_page", "1" } }, /* files that the commit changes */
		.expect = { 404, 409, 422 } };

	*ret_head = NULL;
	if (head == NULL || !split_repository(context, input->repository, request.parameters))
		return action_failed(context);
	request.parameters[2] = action_format(context, "heads/%s", branch);
	if (!provider_call(context, &github, &request, &response))
		return action_failed(context);
	if (response.status >= 400)
		return refuse_read(context, input, branch, &response);
	if (!provider_decode(context, &response, &head_record, head))
		return action_failed(context);
	*ret_head = head;
	return ACTION_DONE;
}

/* Whether the branch was moved to our commit, and possibly further since. */
static bool find_commit(struct action_context *context, const struct input *input,
	const struct checkpoint *checkpoint, const struct head *head, bool *ret_found)
{
	struct provider_response response;
	struct object_list list;
	struct provider_request request = { .path = "/repos/{owner}/{repo}/commits",
		.query = { { "sha", head->sha }, { "per_page", "100" } } };

	*ret_found = checkpoint->commit != NULL && strcmp(head->sha, checkpoint->commit) == 0;
	if (*ret_found || checkpoint->commit == NULL)
		return true;
	if (!split_repository(context, input->repository, request.parameters) ||
		!provider_call(context, &github, &request, &response) ||
		!provider_decode_list(context, &response, &object_record, &list))
		return false;
	const struct object *commits = list.items;
	for (size_t i = 0; i < list.count && !*ret_found; i++)
		*ret_found = strcmp(commits[i].sha, checkpoint->commit) == 0;
	return true;
}

/* ---- write ---- */

static const struct string_pair permissions[] = { { "contents", "write" }, { "metadata", "read" },
	{ NULL, NULL } };
static const struct string_pair permissions_of_workflows[] = { { "contents", "write" },
	{ "metadata", "read" }, { "workflows", "write" }, { NULL, NULL } };

/* Many GitHub Apps may not write workflows, so that permission is requested only if a workflow is
 * written. */
static const struct string_pair *permissions_for(const struct input *input)
{
	static const char folder[] = ".github/workflows/";
	const struct desired_file *files = input->files.items;
	for (size_t i = 0; i < input->files.count; i++)
		if (strncmp(files[i].path, folder, sizeof(folder) - 1) == 0)
			return permissions_of_workflows;
	return permissions;
}

/* Creates a tree or a commit. Creating one twice is harmless: it is invisible until a branch refers
 * to it. */
static enum action_result make(struct action_context *context, const struct input *input,
	const char *what, struct provider_request *request, const char **ret_sha)
{
	struct provider_response response;
	struct object object;

	request->updates = true;
	request->permissions = permissions_for(input);
	request->expect[0] = 404;
	request->expect[1] = 409;
	request->expect[2] = 422;
	if (!split_repository(context, input->repository, request->parameters) ||
		!provider_call(context, &github, request, &response))
		return action_failed(context);
	if (response.status >= 400)
		return refuse_write(context, input, what, &response);
	if (!provider_decode(context, &response, &object_record, &object))
		return action_failed(context);
	*ret_sha = object.sha;
	return ACTION_DONE;
}

static enum action_result make_tree(struct action_context *context, const struct input *input,
	const bool *differs, const struct head *head, const char **ret_sha)
{
	const struct desired_file *files = input->files.items;
	struct entry *entries = action_allocate(context, input->files.count, sizeof(*entries));
	size_t count = 0;

	if (entries == NULL)
		return action_failed(context);
	for (size_t i = 0; i < input->files.count; i++)
		if (differs[i])
			entries[count++] = (struct entry){ files[i].path,
				desired_file_mode(&files[i]), "blob", files[i].content };
	const struct object *base = ((const struct head_content *)head->commit)->tree;
	const struct tree_request body = { base->sha, { entries, count } };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{owner}/{repo}/git/trees",
		.body_record = &tree_record,
		.body = &body };
	return make(context, input, "a tree with the files", &request, ret_sha);
}

static enum action_result make_commit(struct action_context *context, const struct input *input,
	const char *tree, const struct head *head, const char **ret_sha)
{
	const struct commit_request body = { input->message, tree, { &head->sha, 1 } };
	struct provider_request request = { .method = HTTP_POST,
		.path = "/repos/{owner}/{repo}/git/commits",
		.body_record = &commit_record,
		.body = &body };
	return make(context, input, "a commit", &request, ret_sha);
}

/* Somebody else has moved the branch, so ours was refused: the next attempt starts from the new
 * head. */
static enum action_result lose_race(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	checkpoint->commit = NULL;
	if (++checkpoint->races < RACES_MAX)
		return action_wait(context, CHECK_MS,
			"a retry, because branch %s of %s was changed by another commit",
			checkpoint->branch, input->repository);
	return action_fail(context, ERROR_CONFLICT_OURS,
		"other commits to branch %s of %s got in first %d times", checkpoint->branch,
		input->repository, RACES_MAX);
}

static enum action_result move_branch(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint)
{
	struct provider_response response;
	const struct move_request body = { checkpoint->commit, false };
	struct provider_request request = { .method = HTTP_PATCH,
		.path = "/repos/{owner}/{repo}/git/refs/{ref}",
		.body_record = &move_record,
		.body = &body,
		.permissions = permissions_for(input),
		.expect = { 404, 409, 422 } };

	if (!split_repository(context, input->repository, request.parameters))
		return action_failed(context);
	request.parameters[2] = action_format(context, "heads/%s", checkpoint->branch);
	if (!action_save(context) || !provider_call(context, &github, &request, &response))
		return action_failed(context);
	if (push_lost_race(&response))
		return lose_race(context, input, checkpoint);
	if (response.status >= 400) {
		checkpoint->commit = NULL;
		return refuse_write(context, input, "moving the branch", &response);
	}

	action_log(context, "committed %lld files to branch %s of %s as %s",
		(long long)checkpoint->files, checkpoint->branch, input->repository,
		checkpoint->commit);
	return ACTION_DONE;
}

/* ACTION_DONE once the branch has the files. The checkpoint then has the commit, unless nothing had
 * to be changed. */
static enum action_result write_files(struct action_context *context, const struct input *input,
	const struct head *head, struct checkpoint *checkpoint)
{
	const struct object *tree = ((const struct head_content *)head->commit)->tree;
	const char *new_tree = NULL, *commit = NULL;
	size_t count;
	bool *differs = action_allocate(context, input->files.count, sizeof(*differs));

	/* As far as we can see the branch was not moved. Moving it to the same commit again is
	 * harmless. */
	if (checkpoint->commit != NULL && checkpoint->parent != NULL &&
		strcmp(checkpoint->parent, head->sha) == 0)
		return move_branch(context, input, checkpoint);
	checkpoint->commit = NULL;
	if (differs == NULL ||
		!desired_files_compare(
			context, input->repository, tree->sha, &input->files, differs, &count))
		return action_failed(context);
	checkpoint->files = (int64_t)count;
	if (count == 0)
		return ACTION_DONE;
	enum action_result result = make_tree(context, input, differs, head, &new_tree);
	if (result == ACTION_DONE)
		result = make_commit(context, input, new_tree, head, &commit);
	if (result != ACTION_DONE)
		return result;
	checkpoint->commit = commit;
	checkpoint->parent = head->sha;
	return move_branch(context, input, checkpoint);
}

/* ---- all of it ---- */

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	const struct desired_file *files = input->files.items;
	size_t bytes = 0;

	for (size_t i = 0; i < input->files.count; i++)
		bytes += strlen(files[i].content);
	if (bytes > BYTES_MAX)
		input_fault(check,
			&(struct input_fault){ .member = "files",
				.remedy = "Split the files over several steps." },
			"the files have %zu bytes in total; the limit is %zu", bytes, BYTES_MAX);
	desired_files_check(check, "files", &input->files);
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	const struct head *head = NULL;
	bool found;
	enum action_result result = find_branch(context, input, checkpoint);

	((struct output *)raw_output)->branch = checkpoint->branch;
	if (result == ACTION_DONE)
		result = find_head(context, input, checkpoint->branch, &head);
	if (head == NULL)
		return result;
	if (!find_commit(context, input, checkpoint, head, &found))
		return action_failed(context);
	if (!found)
		result = write_files(context, input, head, checkpoint);
	if (result != ACTION_DONE)
		return result;
	*(struct output *)raw_output = (struct output){
		.commit = checkpoint->commit != NULL ? checkpoint->commit : head->sha,
		.branch = checkpoint->branch,
		.changed = checkpoint->commit != NULL,
		.files = checkpoint->files,
	};
	return action_done(context);
}

const struct action_definition github_files = {
	.id = "github.files",
	.summary =
		"Commits files to a branch of a GitHub repository if they differ from what it has",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.permissions = permissions,
	.more_permissions = permissions_of_workflows,
	.one_repository = true,
};
