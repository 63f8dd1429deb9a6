/*
 * github.files against a scripted GitHub.
 *
 * covers: workflows/actions/github_files.c workflows/actions/github_tree.c
 * covers: workflows/actions/github_push.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

/* The blobs are those that git makes of "hello\n" and of "". */
#define HELLO "ce013625030ba8dba906f756967f9e9ca394464a"
#define EMPTY "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

#define FILES(files)                                                                               \
	"{'repository':'acme/docs','branch':'main','message':'Set up','files':[" files "]}"
#define FILE_OF(path) "{'path':'" path "','content':'hello\\n'}"
#define SCRIPT        "{'path':'bin/run','content':'','executable':true}"
#define README        FILE_OF("README.md")
#define BOTH          FILES(README "," SCRIPT)
#define ON_DEFAULT    "{'repository':'acme/docs','message':'Set up','files':[" README "]}"
#define MESSAGE(text) "{'message':'" text "'}"
#define ENTRY(path, mode, type, sha)                                                               \
	"{'path':'" path "','mode':'" mode "','type':'" type "','sha':'" sha "'}"
#define TREE_OF(entries)   "{'sha':'x','tree':[" entries "],'truncated':false}"
#define BIN                ENTRY("bin", "040000", "tree", "b1")
#define README_ENTRY(mode) ENTRY("README.md", mode, "blob", HELLO)
#define OTHER_README       ENTRY("README.md", "100644", "blob", EMPTY)
#define RUN_ENTRY          ENTRY("run", "100755", "blob", EMPTY)

#define LOOK        "GET", "/github/repos/acme/docs/commits/heads%2Fmain"
#define REPOSITORY  "GET", "/github/repos/acme/docs"
#define ROOT        "GET", "/github/repos/acme/docs/git/trees/t1"
#define ROOT_AFTER  "GET", "/github/repos/acme/docs/git/trees/t2"
#define FOLDER      "GET", "/github/repos/acme/docs/git/trees/b1"
#define LIST        "GET", "/github/repos/acme/docs/commits"
#define MAKE_TREE   "POST", "/github/repos/acme/docs/git/trees"
#define MAKE_COMMIT "POST", "/github/repos/acme/docs/git/commits"
#define MOVE        "PATCH", "/github/repos/acme/docs/git/refs/heads%2Fmain"

#define HEAD(sha, tree) "{'sha':'" sha "','commit':{'message':'x','tree':{'sha':'" tree "'}}}"
#define AT(commit, tree)                                                                           \
	{                                                                                          \
		LOOK, .status = 200, .body = HEAD(commit, tree)                                    \
	}
#define AT_ONCE(commit, tree)                                                                      \
	{                                                                                          \
		LOOK, .status = 200, .body = HEAD(commit, tree), .times = 1                        \
	}
#define ROOT_HAS(entries)                                                                          \
	{                                                                                          \
		ROOT, .status = 200, .body = TREE_OF(entries)                                      \
	}
#define MADE                                                                                       \
	{ MAKE_TREE, .status = 201, .body = "{'sha':'t2'}" },                                      \
	{                                                                                          \
		MAKE_COMMIT, .status = 201, .body = "{'sha':'c2'}"                                 \
	}
#define MOVED                                                                                      \
	{                                                                                          \
		MOVE, .status = 200, .body = "{'ref':'refs/heads/main','object':{'sha':'c2'}}"     \
	}
#define DONE(commit, changed, files)                                                               \
	"{'commit':'" commit "','branch':'main','changed':" changed ",'files':" files "}"

static enum action_result run_with(const struct peer_row *rows, const char *input, int attempts_max)
{
	peer_set(trial.peer, rows);
	trial_forget(&trial);
	return trial_run(&trial, &github_files, input, attempts_max);
}

static void check_failed(enum error_class class)
{
	ck_assert_msg(trial_error(&trial)->class == class, "%s: %s",
		error_class_facts(trial_error(&trial)->class)->name, trial_error(&trial)->message);
}

START_TEST(test_commits_what_differs)
{
	static const struct peer_row rows[] = { AT("c1", "t1"), ROOT_HAS(OTHER_README), MADE, MOVED,
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "2")));
	ck_assert_str_eq(peer_last(trial.peer, MAKE_TREE).body,
		J("{'base_tree':'t1','tree':["
		  "{'path':'README.md','mode':'100644','type':'blob','content':'hello\\n'},"
		  "{'path':'bin/run','mode':'100755','type':'blob','content':''}]}"));
	ck_assert_str_eq(peer_last(trial.peer, MAKE_COMMIT).body,
		J("{'message':'Set up','tree':'t2','parents':['c1']}"));
	ck_assert_str_eq(peer_last(trial.peer, MOVE).body, J("{'sha':'c2','force':false}"));
	/* The commit stood in the checkpoint before the branch was moved. */
	ck_assert_ptr_nonnull(strstr(trial_saved(&trial), J("'commit':'c2','parent':'c1'")));
	ck_assert_int_eq(trial_saves(&trial), 1);
}
END_TEST

START_TEST(test_writes_nothing_where_all_is_there)
{
	static const struct peer_row rows[] = { AT("c1", "t1"),
		ROOT_HAS(README_ENTRY("100644") "," BIN),
		{ FOLDER, .status = 200, .body = TREE_OF(RUN_ENTRY) }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE("c1", "false", "0")));
	ck_assert_uint_eq(peer_count(trial.peer, MAKE_TREE), 0);
	ck_assert_int_eq(trial_saves(&trial), 0);
}
END_TEST

/* Only the file whose mode is another is sent; a folder that two files are in is read once. */
START_TEST(test_sends_only_what_differs)
{
	static const struct peer_row rows[] = { AT("c1", "t1"),
		ROOT_HAS(README_ENTRY("100755") "," BIN),
		{ FOLDER, .status = 200,
			.body = TREE_OF(RUN_ENTRY "," ENTRY("also", "100644", "blob", HELLO)) },
		MADE, MOVED, { .method = NULL } };
	ck_assert_int_eq(
		run_with(rows, FILES(README "," SCRIPT "," FILE_OF("bin/also")), 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "1")));
	ck_assert_ptr_null(strstr(peer_last(trial.peer, MAKE_TREE).body, "bin/"));
	ck_assert_uint_eq(peer_count(trial.peer, FOLDER), 1);
	ck_assert_uint_eq(peer_count(trial.peer, ROOT), 1);
}
END_TEST

START_TEST(test_takes_the_default_branch)
{
	static const struct peer_row rows[] = { { REPOSITORY, .status = 200,
							.body = "{'default_branch':'main'}" },
		AT("c1", "t1"), ROOT_HAS(""), MADE, MOVED, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, ON_DEFAULT, 1), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "1")));
}
END_TEST

/* GitHub moved the branch and the answer was lost, or was an error: it is found, at the head or
 * below it. */
START_TEST(test_finds_the_commit_whose_answer_was_lost)
{
	static const struct peer_row ends[] = {
		{ MOVE, .behaviour = PEER_DROPS },
		{ MOVE, .status = 502, .body = MESSAGE("Server Error") },
	};
	static const char *const heads[] = { HEAD("c2", "t2"), HEAD("c3", "t3") };
	for (size_t i = 0; i < 4; i++) {
		const struct peer_row rows[] = { AT_ONCE("c1", "t1"), ROOT_HAS(""), MADE,
			ends[i % 2], { LOOK, .status = 200, .body = heads[i / 2] },
			{ LIST, .status = 200, .body = "[{'sha':'c3'},{'sha':'c2'},{'sha':'c1'}]" },
			{ .method = NULL } };
		ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(trial_attempt(&trial, &github_files, BOTH), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "2")));
		ck_assert_uint_eq(peer_count(trial.peer, MAKE_COMMIT), 1);
		ck_assert_uint_eq(peer_count(trial.peer, MOVE), 1);
	}
}
END_TEST

/* The branch still shows where it stood: it is moved to the same commit, and no
 * second one is made. */
START_TEST(test_moves_to_the_same_commit_again)
{
	static const struct peer_row rows[] = { AT("c1", "t1"), ROOT_HAS(""), MADE,
		{ MOVE, .behaviour = PEER_DROPS, .times = 1 }, MOVED,
		{ LIST, .status = 200, .body = "[{'sha':'c1'}]" }, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_attempt(&trial, &github_files, BOTH), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "2")));
	ck_assert_uint_eq(peer_count(trial.peer, MAKE_COMMIT), 1);
	ck_assert_uint_eq(peer_count(trial.peer, MOVE), 2);
}
END_TEST

/* Somebody else committed in between: the files are compared anew with what they left, and put on
 * top of it. */
START_TEST(test_begins_anew_where_somebody_was_faster)
{
	static const struct peer_row refusals[] = {
		{ MOVE, .status = 422, .body = MESSAGE("Update is not a fast forward"),
			.times = 1 },
		{ MOVE, .status = 409, .body = MESSAGE("Conflict"), .times = 1 },
		{ MOVE, .status = 409, .body = MESSAGE("refs/heads/main is at c9 but expected c1"),
			.times = 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct peer_row rows[] = { AT_ONCE("c1", "t1"), AT("c9", "t2"), ROOT_HAS(""),
			{ ROOT_AFTER, .status = 200, .body = TREE_OF(README_ENTRY("100644")) },
			MADE, refusals[i], MOVED, { .method = NULL } };
		ck_assert_int_eq(run_with(rows, BOTH, 3), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "1")));
		ck_assert_ptr_nonnull(
			strstr(peer_last(trial.peer, MAKE_COMMIT).body, J("'parents':['c9']")));
		ck_assert_ptr_null(strstr(peer_last(trial.peer, MAKE_TREE).body, "README"));
	}
}
END_TEST

#define RULES(rule) MESSAGE("Repository rule violations found\\n\\n" rule "\\n\\n")
#define RULES_PAGE  "https://github.com/acme/docs/settings/rules"

/* Nobody was faster, and it never works: GitHub has the same statuses for a rule. */
START_TEST(test_a_rule_is_no_race)
{
	static const struct {
		struct peer_row refusal;
		const char *message, *remedy, *url, *member;
	} cases[] = {
		{ { MOVE, .status = 409,
			  .body = RULES("Changes must be made through a pull request.") },
			"Repository rule violations", "pull request", RULES_PAGE, "branch" },
		{ { MOVE, .status = 422, .body = RULES("Commits must have verified signatures.") },
			"verified", "whose commits GitHub signs", RULES_PAGE, "branch" },
		{ { MOVE, .status = 422,
			  .body = MESSAGE("Protected branch update failed for refs/heads/main. "
					  "Required status check "
					  "\\\"build\\\" is expected.") },
			"Protected branch", "without this protection", RULES_PAGE, "branch" },
		{ { MOVE, .status = 409,
			  .body = RULES("Commit message must match a given regex pattern: ^x") },
			"must match", "a message that the rule allows", RULES_PAGE, "message" },
		{ { MOVE, .status = 409, .body = RULES("File path is restricted") }, "restricted",
			"what the rule forbids", RULES_PAGE, "files" },
		{ { MOVE, .status = 409, .body = RULES("Cannot update this protected ref.") },
			"protected ref", "without the rule", RULES_PAGE, "branch" },
		{ { MAKE_TREE, .status = 409,
			  .body = RULES("Secret detected in content\\n\\n- Push cannot contain "
					"secrets") },
			"Secret detected", "Remove the secret from the files",
			"https://docs.github.com/code-security/secret-scanning/"
			"working-with-push-protection",
			"files" },
		{ { MOVE, .status = 422, .body = MESSAGE("Cannot update this protected ref.") },
			"protected ref", "without this protection", RULES_PAGE, "branch" },
		/* No rule, and no right is missing either. */
		{ { MAKE_TREE, .status = 422,
			  .body = MESSAGE("tree.path contains a malformed path component") },
			"malformed", "as GitHub says", "", "files" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = { cases[i].refusal, AT("c1", "t1"), ROOT_HAS(""),
			MADE, { .method = NULL } };
		const struct error *error = trial_error(&trial);
		trial_forget(&trial);
		ck_assert_int_eq(run_with(rows, BOTH, 5), ACTION_FAILED);
		check_failed(ERROR_INVALID_INPUT);
		ck_assert_msg(
			strstr(error->message, cases[i].message) != NULL, "%s", error->message);
		ck_assert_msg(strstr(error->remedy, cases[i].remedy) != NULL, "%s", error->remedy);
		ck_assert_str_eq(error->remedy_url, cases[i].url);
		ck_assert_str_eq(error->remedy_input, cases[i].member);
		ck_assert_uint_le(peer_count(trial.peer, MAKE_COMMIT), 1);
	}
}
END_TEST

START_TEST(test_gives_up_a_race_that_never_ends)
{
	static const struct peer_row rows[] = { AT("c1", "t1"), ROOT_HAS(""), MADE,
		{ MOVE, .status = 422, .body = MESSAGE("Update is not a fast forward") },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, BOTH, 50), ACTION_FAILED);
	check_failed(ERROR_CONFLICT_OURS);
	ck_assert_uint_eq(peer_count(trial.peer, MOVE), 10);
}
END_TEST

/* A repository that was made a moment ago: each of these passes. */
START_TEST(test_waits_for_a_fresh_repository)
{
	static const struct peer_row rows[] = {
		{ REPOSITORY, .status = 404, .body = MESSAGE("Not Found"), .times = 1 },
		{ REPOSITORY, .status = 200, .body = "{'default_branch':'main'}" },
		{ LOOK, .status = 409, .body = MESSAGE("Git Repository is empty."), .times = 2 },
		{ LOOK, .status = 404, .body = MESSAGE("Not Found"), .times = 1 },
		{ LOOK, .status = 422, .body = MESSAGE("No commit found for SHA: heads/main"),
			.times = 1 },
		AT("c1", "t1"),
		ROOT_HAS(""),
		{ MAKE_TREE, .status = 422, .body = MESSAGE("Tree SHA does not exist"),
			.times = 1 },
		{ MAKE_COMMIT, .status = 422, .body = MESSAGE("Tree SHA does not exist"),
			.times = 1 },
		{ MOVE, .status = 422, .body = MESSAGE("Object does not exist"), .times = 1 },
		MADE,
		MOVED,
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, ON_DEFAULT, 20), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE("c2", "true", "1")));
	ck_assert_uint_eq(peer_count(trial.peer, REPOSITORY), 2);
	ck_assert_uint_eq(peer_count(trial.peer, MOVE), 2);
}
END_TEST

/* The app did not make the repository, so what is missing is not just late; what this run has made
 * may be. */
/* GitHub does not list it whole: there is no place to correct, but something to do. */
START_TEST(test_a_folder_that_is_too_large)
{
	static const struct peer_row rows[] = { AT("c1", "t1"),
		{ "GET", "/github/repos/acme/docs/git/trees/t1", .status = 200,
			.body = "{'sha':'t1','tree':[],'truncated':true}" },
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "into folders below it"));
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "files");
}
END_TEST

START_TEST(test_waits_for_nothing_of_an_old_repository)
{
	static const struct peer_row looks[] = {
		{ LOOK, .status = 409, .body = MESSAGE("Git Repository is empty.") },
		{ LOOK, .status = 404, .body = MESSAGE("Not Found") },
		{ LOOK, .status = 422, .body = MESSAGE("No commit found for SHA: heads/main") },
		{ MAKE_TREE, .status = 404, .body = MESSAGE("Not Found") },
		{ MOVE, .status = 422, .body = MESSAGE("Reference does not exist") },
	};
	static const struct peer_row late[] = {
		AT("c1", "t1"),
		ROOT_HAS(""),
		{ MAKE_COMMIT, .status = 422, .body = MESSAGE("Tree SHA does not exist"),
			.times = 1 },
		{ MOVE, .status = 422, .body = MESSAGE("Object does not exist"), .times = 1 },
		MADE,
		MOVED,
		{ .method = NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		const struct peer_row rows[] = { looks[i], AT("c1", "t1"), ROOT_HAS(""), MADE,
			MOVED, { .method = NULL } };
		ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
		ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	}
	/* The last one: no file is at fault. */
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "branch");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "was deleted meanwhile"));
	ck_assert_int_eq(run_with(late, BOTH, 9), ACTION_DONE);
}
END_TEST

START_TEST(test_ends_where_it_stays_so)
{
	static const struct {
		struct peer_row look;
		enum error_class class;
		int64_t age_ms;
	} cases[] = {
		{ { LOOK, .status = 409, .body = MESSAGE("Git Repository is empty.") },
			ERROR_NOT_FOUND, 300000 },
		{ { LOOK, .status = 404, .body = MESSAGE("Not Found") }, ERROR_NOT_FOUND, 60000 },
		{ { LOOK, .status = 422, .body = MESSAGE("No commit found for SHA: heads/main") },
			ERROR_NOT_FOUND, 60000 },
		{ { MAKE_TREE, .status = 404, .body = MESSAGE("Not Found") }, ERROR_SCOPE_MISSING,
			60000 },
		{ { MAKE_TREE, .status = 403,
			  .body = MESSAGE("Resource not accessible by integration") },
			ERROR_SCOPE_MISSING, 0 },
		{ { MOVE, .status = 422,
			  .body = MESSAGE("Changes must be made through a pull request.") },
			ERROR_INVALID_INPUT, 0 },
		{ { MAKE_COMMIT, .status = 422, .body = MESSAGE("Tree SHA does not exist") },
			ERROR_PROVIDER_UNAVAILABLE, 60000 },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = { cases[i].look, AT("c1", "t1"), ROOT_HAS(""), MADE,
			MOVED, { .method = NULL } };
		trial.age_ms = 0;
		ck_assert_int_eq(run_with(rows, BOTH, 200), ACTION_FAILED);
		check_failed(cases[i].class);
		ck_assert_int_ge(trial.age_ms, cases[i].age_ms - 10000);
		ck_assert_int_le(trial.age_ms, cases[i].age_ms + 3000);
		ck_assert(trial_error(&trial)->remedy[0] != '\0' || cases[i].look.status == 403);
	}
}
END_TEST

/* What would be lost is left alone. */
START_TEST(test_refuses_to_replace_another_kind)
{
	static const struct {
		const char *input, *word;
	} cases[] = {
		{ FILES(FILE_OF("bin")), "bin in acme/docs is a folder" },
		{ FILES(FILE_OF("README.md/x")), "README.md in acme/docs is a blob" },
		{ FILES(FILE_OF("module/x")), "module in acme/docs is a commit" },
	};
	static const struct peer_row rows[] = { AT("c1", "t1"),
		ROOT_HAS(README_ENTRY("100644") "," BIN
						"," ENTRY("module", "160000", "commit", "m1")),
		{ .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(run_with(rows, cases[i].input, 1), ACTION_FAILED);
		check_failed(ERROR_CONFLICT_FOREIGN);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, cases[i].word));
		ck_assert_uint_eq(peer_count(trial.peer, MAKE_TREE), 0);
	}
}
END_TEST

START_TEST(test_refuses_wrong_paths)
{
	static const char *const inputs[] = { FILES(FILE_OF("/README.md")), FILES(FILE_OF("a//b")),
		FILES(FILE_OF("a/")), FILES(FILE_OF("./a")), FILES(FILE_OF("a/../../b")),
		FILES(FILE_OF(".git/config")), FILES(FILE_OF("a/.GIT/b")), FILES(FILE_OF("a\\nb")),
		FILES(FILE_OF("a\\\\b")), FILES(README "," README),
		FILES(FILE_OF("a/b") "," FILE_OF("a")), FILES("") };
	static const struct peer_row rows[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_msg(run_with(rows, inputs[i], 1) == ACTION_FAILED, "%s", inputs[i]);
		check_failed(ERROR_INVALID_INPUT);
		ck_assert_str_eq(trial_error(&trial)->remedy_input, "files");
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
	}
}
END_TEST

START_TEST(test_moves_nothing_without_the_lease)
{
	static const struct peer_row rows[] = { AT("c1", "t1"), ROOT_HAS(""), MADE, MOVED,
		{ .method = NULL } };
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(rows, BOTH, 1), ACTION_FAILED);
	check_failed(ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, MOVE), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_commits_what_differs,
		test_writes_nothing_where_all_is_there, test_sends_only_what_differs,
		test_takes_the_default_branch, test_finds_the_commit_whose_answer_was_lost,
		test_moves_to_the_same_commit_again, test_begins_anew_where_somebody_was_faster,
		test_a_rule_is_no_race, test_gives_up_a_race_that_never_ends,
		test_waits_for_a_fresh_repository, test_waits_for_nothing_of_an_old_repository,
		test_a_folder_that_is_too_large, test_ends_where_it_stays_so,
		test_refuses_to_replace_another_kind, test_refuses_wrong_paths,
		test_moves_nothing_without_the_lease, NULL };
	return suite_main("github.files", tests, setup, teardown);
}
