/*
 * The tokens that actions of which it depends on the input, or is not written down, get as a GitHub
 * App.
 *
 * covers: workflows/actions/github_files.c workflows/actions/github_variables.c
 * covers: workflows/actions/github_access.c
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "harness/trial.h"
#include "provider/github_app.h"

static struct trial trial;
static EVP_PKEY *key;
static char key_file[] = "/tmp/slipway-app-key-XXXXXX";

static void setup(void)
{
	trial_begin(&trial);
	strcpy(key_file + strlen(key_file) - 6, "XXXXXX");
	FILE *file = fdopen(mkstemp(key_file), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(file);
	named_setting_set(&trial.settings, "SLIPWAY_GITHUB_APP_ID", "Iv1.app");
	named_setting_set(&trial.settings, "SLIPWAY_GITHUB_INSTALLATION_ID", "77");
	named_setting_set(&trial.settings, "SLIPWAY_GITHUB_APP_KEY_FILE", key_file);
}

static void teardown(void)
{
	github_app_forget();
	remove(key_file);
	trial_end(&trial);
}

#define MINT "POST", "/github/app/installations/77/access_tokens"
#define MADE                                                                                       \
	{                                                                                          \
		MINT, .status = 201,                                                               \
		      .body = "{'token':'ghs_made','expires_at':'2099-01-01T00:00:00Z'}"           \
	}
#define NONE_SUCH                                                                                  \
	"{'message':'There is at least one repository that does not exist or is not accessible "   \
	"to the parent installation.'}"
#define GIT     "/github/repos/acme/docs/git"
#define REMOVED "/github/repos/acme/docs"
#define FOUND   "{'id':7,'name':'docs','full_name':'acme/docs','owner':{'login':'acme'}}"
#define REMOVE  J("{'confirm':'trial-app'}")

/* Commits one file, and checks for what the last token was made. */
static void commit(const char *path, const char *permissions, size_t tokens)
{
	static const struct peer_row rows[] = {
		MADE,
		{ "GET", "/github/repos/acme/docs/commits/heads%2Fmain", .status = 200,
			.body = "{'sha':'c1','commit':{'tree':{'sha':'t1'}}}" },
		{ "GET", GIT "/trees/t1", .status = 200,
			.body = "{'sha':'t1','tree':[],'truncated':false}" },
		{ "POST", GIT "/trees", .status = 201, .body = "{'sha':'t2'}" },
		{ "POST", GIT "/commits", .status = 201, .body = "{'sha':'c2'}" },
		{ "PATCH", GIT "/refs/heads%2Fmain", .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	const char *input = arena_format(&trial.arena,
		J("{'repository':'acme/docs','branch':'main','message':'m',"
		  "'files':[{'path':'%s','content':'x'}]}"),
		path);
	github_app_forget();
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &github_files, input, 2), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, MINT).body,
		arena_format(&trial.arena, J("{'permissions':{%s},'repositories':['docs']}"),
			permissions));
	ck_assert_uint_eq(peer_count(trial.peer, MINT), tokens);
}

START_TEST(test_only_workflows_need_the_right_to_write_them)
{
	commit(".github/CODEOWNERS", J("'contents':'write','metadata':'read'"), 1);
	commit(".github/workflows/build.yml",
		J("'contents':'write','metadata':'read','workflows':'write'"), 2);
}
END_TEST

START_TEST(test_variables_have_a_permission_of_their_own)
{
	static const struct peer_row rows[] = {
		MADE,
		{ "GET", "/github/repos/acme/docs/actions/variables", .status = 200,
			.body = "{'total_count':0,'variables':[]}" },
		{ "POST", "/github/repos/acme/docs/actions/variables", .status = 201,
			.body = "{}" },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(
		trial_run(&trial, &github_variables,
			"{'repository':'acme/docs','variables':[{'name':'A','value':'b'}]}", 2),
		ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, MINT).body,
		J("{'permissions':{'actions_variables':'write','metadata':'read'},"
		  "'repositories':['docs']}"));
	ck_assert_uint_eq(peer_count(trial.peer, MINT), 1);
}
END_TEST

static enum action_result give(const struct peer_row *rows, const char *whom)
{
	github_app_forget();
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_access,
		arena_format(&trial.arena, J("{'repository':'acme/docs','%s':'ann'}"), whom), 30);
}

START_TEST(test_members_are_asked_for_only_for_teams)
{
	static const struct peer_row rows[] = {
		MADE,
		{ "GET", "/github/repos/acme/docs/collaborators", .status = 200, .body = "[]" },
		{ "GET", "/github/repos/acme/docs/invitations", .status = 200, .body = "[]" },
		{ "GET", "/github/repos/acme/docs/teams", .status = 200, .body = "[]" },
		{ "PUT", "/github/repos/acme/docs/collaborators/ann", .status = 204 },
		{ "PUT", "/github/orgs/acme/teams/ann/repos/acme/docs", .status = 204 },
		{ .method = NULL },
	};
	ck_assert_int_eq(give(rows, "user"), ACTION_DONE);
	ck_assert_ptr_null(strstr(peer_last(trial.peer, MINT).body, "members"));
	ck_assert_int_eq(give(rows, "team"), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(peer_last(trial.peer, MINT).body, J("'members':'read'")));
}
END_TEST

/* Where tokens are made, a repository of a moment ago may not be known yet; any other is out of the
 * app's reach. */
START_TEST(test_a_fresh_repository_is_waited_for)
{
	static const struct peer_row rows[] = {
		{ MINT, .status = 422, .body = NONE_SUCH },
		{ "GET", "/github/app/installations/77", .status = 200,
			.body = "{'html_url':'https://x/77'}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(give(rows, "user"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
	ck_assert_str_eq(trial_error(&trial)->remedy_url, "https://x/77");
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(give(rows, "user"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NOT_READY);
	trial_made(&trial, "github:repository:acme/docs", 70000);
	ck_assert_int_eq(give(rows, "user"), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
}
END_TEST

/* The token for its repository alone; what is gone is found so by one that sees what is there. */
START_TEST(test_a_removal_has_a_token_for_what_it_removes)
{
	struct peer_row rows[] = {
		MADE,
		{ "GET", REMOVED, .status = 200, .body = FOUND },
		{ "DELETE", REMOVED, .status = 204 },
		{ .method = NULL },
	};
	trial_ledger_put(&trial, "github:repository:acme/docs", J("{'id':'7','created':true}"));
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &github_repository_delete, REMOVE, 2), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, "DELETE", REMOVED), 1);
	ck_assert_uint_eq(peer_count(trial.peer, MINT), 1);
	ck_assert_str_eq(peer_last(trial.peer, MINT).body,
		J("{'permissions':{'administration':'write','metadata':'read'},"
		  "'repositories':['docs']}"));

	github_app_forget();
	trial_forget(&trial);
	trial_ledger_put(&trial, "github:repository:acme/docs", J("{'id':'7','created':true}"));
	rows[0] = (struct peer_row){ MINT, .status = 422, .body = NONE_SUCH, .times = 1 };
	rows[1] = (struct peer_row){ "GET", REMOVED, .status = 404, .body = "{}" };
	rows[2] = (struct peer_row)MADE;
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &github_repository_delete, REMOVE, 2), ACTION_DONE);
	ck_assert_str_eq(
		peer_last(trial.peer, MINT).body, J("{'permissions':{'metadata':'read'}}"));
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

/* Whoever expects that it is gone is told so by GitHub, and not by its token. */
START_TEST(test_a_removal_ends_where_the_repository_goes_amid_it)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 422, .body = NONE_SUCH, .times = 1 },
		{ MINT, .status = 201,
			.body = "{'token':'ghs_sees','expires_at':'2099-01-01T00:00:00Z'}",
			.times = 1 },
		{ MINT, .status = 422, .body = NONE_SUCH },
		{ "GET", REMOVED, .status = 200, .body = FOUND },
		{ "DELETE", REMOVED, .status = 404, .body = "{}" },
		{ .method = NULL },
	};
	trial_ledger_put(&trial, "github:repository:acme/docs", J("{'id':'7','created':true}"));
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &github_repository_delete, REMOVE, 2), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, MINT), 3);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

/* One that is yet to be made cannot be named; a plan makes none. */
START_TEST(test_a_repository_is_made_with_a_token_for_all_and_looked_for_by_its_name)
{
	const struct peer_row rows[] = {
		{ MINT, .status = 422, .body = NONE_SUCH, .times = 1 },
		MADE,
		{ "GET", REMOVED, .status = 403, .body = "{}" },
		{ .method = NULL },
	};
	static const char input[] = "{'owner':'acme','name':'docs'}";

	peer_set(trial.peer, rows);
	trial.planned = true;
	ck_assert_int_eq(trial_run(&trial, &github_repository, input, 1), ACTION_FAILED);
	ck_assert_str_eq(
		peer_last(trial.peer, MINT).body, J("{'permissions':{'metadata':'read'}}"));
	github_app_forget();
	trial.planned = false;
	peer_set(trial.peer, rows + 1);
	ck_assert_int_eq(trial_run(&trial, &github_repository, input, 1), ACTION_FAILED);
	ck_assert_str_eq(peer_last(trial.peer, MINT).body,
		J("{'permissions':{'administration':'write','contents':'read','metadata':'read'}"
		  "}"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_only_workflows_need_the_right_to_write_them,
		test_variables_have_a_permission_of_their_own,
		test_members_are_asked_for_only_for_teams, test_a_fresh_repository_is_waited_for,
		test_a_removal_has_a_token_for_what_it_removes,
		test_a_removal_ends_where_the_repository_goes_amid_it,
		test_a_repository_is_made_with_a_token_for_all_and_looked_for_by_its_name, NULL };
	key = EVP_RSA_gen(1024);
	int status = suite_main("permissions of an app", tests, setup, teardown);
	EVP_PKEY_free(key);
	return status;
}
