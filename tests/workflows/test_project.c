/*
 * vercel.project against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_project.c workflows/actions/vercel_installation.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/named_setting.h"
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

#define INPUT                                                                                      \
	"{'name':'docs','repository':'acme/docs','repositoryId':42,'framework':'nextjs',"          \
	"'buildCommand':'make site','outputDirectory':'out','rootDirectory':'web'}"
#define PROJECT(link) "{'id':'prj_1','name':'docs','accountId':'team_1'" link "}"
#define OURS          PROJECT(",'link':{'type':'github','org':'acme','repo':'docs','repoId':42}")
#define OTHERS        PROJECT(",'link':{'type':'github','org':'acme','repo':'docs','repoId':43}")
#define LOOK          "GET", "/vercel/v9/projects/docs"
#define KNOWN         "GET", "/vercel/v9/projects/prj_1"
#define CREATE        "POST", "/vercel/v11/projects"
#define LINK          "POST", "/vercel/v9/projects/prj_1/link"
#define UNLINK        "DELETE", "/vercel/v9/projects/prj_1/link"
#define NAMESPACES    "GET", "/vercel/v1/integrations/git-namespaces"
#define RELINK_INPUT  "{'name':'docs','repository':'acme/docs','repositoryId':42,'relink':true}"
#define ABSENT        "{'error':{'code':'not_found','message':'Project not found'}}"
#define LEDGER_KEY    "vercel:project:docs"

static enum action_result run_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_project, INPUT, 5);
}

static enum action_result look_at(const char *body)
{
	const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = body },
		{ KNOWN, .status = 200, .body = body },
		{ "GET", "/vercel/v9/projects/prj_0", .status = 404, .body = ABSENT },
		{ .method = NULL },
	};
	return run_with(rows);
}

START_TEST(test_creates_with_the_link)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ CREATE, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial),
		J("{'id':'prj_1','name':'docs','accountId':'team_1','created':true,"
		  "'linked':false}"));
	struct peer_request request = peer_last(trial.peer, CREATE);
	ck_assert_str_eq(request.uri, "/vercel/v11/projects?slug=acme");
	ck_assert_str_eq(request.body,
		J("{'name':'docs','framework':'nextjs','buildCommand':'make site',"
		  "'outputDirectory':'out','rootDirectory':'web',"
		  "'gitRepository':{'type':'github','repo':'acme/docs'}}"));
	ck_assert_int_eq(trial_saves(&trial), 1);
	ck_assert_ptr_nonnull(trial_ledger_row(&trial, LEDGER_KEY));
}
END_TEST

START_TEST(test_one_that_was_made_without_its_link_is_linked)
{
	static const struct peer_row late[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ CREATE, .status = 200, .body = PROJECT("") },
		{ KNOWN, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	static const struct peer_row never[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ CREATE, .status = 200, .body = PROJECT(",'link':null") },
		{ KNOWN, .status = 200, .body = PROJECT(",'link':null"), .times = 1 },
		{ KNOWN, .status = 200, .body = OURS },
		{ LINK, .status = 200, .body = "{}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(late), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 0);
	trial_end(&trial);
	trial_begin(&trial);
	ck_assert_int_eq(run_with(never), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 1);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'created':true")));
}
END_TEST

START_TEST(test_a_name_that_vercel_refuses_is_refused_before)
{
	ck_assert_int_eq(
		trial_run(&trial, &vercel_project, "{'name':'a---b','repository':'acme/docs'}", 2),
		ACTION_FAILED);
	ck_assert_str_eq(trial_error(&trial)->place, "/input/name");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "---"));
}
END_TEST

START_TEST(test_adopts_by_link)
{
	static const char *const ours[] = { OURS,
		PROJECT(",'link':{'org':'other','repo':'renamed','repoId':'42'}"),
		PROJECT(",'link':{'org':'Acme','repo':'Docs'}"),
		PROJECT(",'link':{'org':'','repo':'acme/docs','repoId':0}") };
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		trial_ledger_remove(&trial, LEDGER_KEY);
		ck_assert_msg(look_at(ours[i]) == ACTION_DONE, "%s", ours[i]);
		ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'created':false")));
	}
}
END_TEST

START_TEST(test_refuses_foreign_projects)
{
	static const char *const foreign[] = { OTHERS, PROJECT(""),
		PROJECT(",'link':{'org':'other','repo':'docs'}"),
		PROJECT(",'link':{'org':'','repo':'docs','repoId':0}"),
		PROJECT(",'link':{'org':'ac','repo':'docs'}") };
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		ck_assert_msg(look_at(foreign[i]) == ACTION_FAILED, "%s", foreign[i]);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
		ck_assert_str_ne(trial_error(&trial)->remedy, "");
		ck_assert_str_eq(trial_error(&trial)->remedy_input, "adopt");
	}
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

static void know_project(const char *id)
{
	trial_ledger_remove(&trial, LEDGER_KEY);
	trial_ledger_put(&trial, LEDGER_KEY,
		arena_format(&trial.arena, J("{'id':'%s','created':true}"), id));
}

START_TEST(test_links_what_is_ours_by_the_ledger)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 200, .body = PROJECT(""), .times = 1 },
		{ KNOWN, .status = 200, .body = OURS },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	know_project("prj_1");
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(
		peer_last(trial.peer, LINK).body, J("{'type':'github','repo':'acme/docs'}"));
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'linked':true")));
	ck_assert_uint_eq(peer_count(trial.peer, UNLINK), 0);
	/* Of another id, it is another project under the same name. */
	know_project("prj_0");
	ck_assert_int_eq(look_at(J(PROJECT(""))), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 0);
}
END_TEST

#define RENAMED "{'id':'prj_1','name':'handbook','accountId':'team_1'}"
#define RENAMED_LINKED                                                                             \
	"{'id':'prj_1','name':'handbook','accountId':'team_1','link':{'org':'acme','repo':"        \
	"'docs',"                                                                                  \
	"'repoId':42}}"

/* People rename a project at Vercel; it keeps its id, and its old name may be somebody else's by
 * now. */
START_TEST(test_follows_a_renamed_project)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 200, .body = RENAMED_LINKED },
		{ LOOK, .status = 200, .body = "{'id':'prj_7','name':'docs'}" },
		{ .method = NULL },
	};
	static const struct peer_row unlinked[] = {
		{ KNOWN, .status = 200, .body = RENAMED, .times = 1 },
		{ KNOWN, .status = 200, .body = RENAMED_LINKED },
		{ LINK, .status = 200, .body = RENAMED_LINKED },
		{ .method = NULL },
	};
	/* The input has its new name by now, and the ledger the old one. */
	static const struct peer_row by_new_name[] = {
		{ LOOK, .status = 200, .body = PROJECT(""), .times = 1 },
		{ KNOWN, .status = 200, .body = OURS },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	const struct peer_row *const cases[] = { rows, unlinked };
	know_project("prj_1");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial_forget(&trial);
		ck_assert_int_eq(run_with(cases[i]), ACTION_DONE);
		ck_assert_ptr_nonnull(
			strstr(trial_output(&trial), J("'id':'prj_1','name':'handbook'")));
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
		ck_assert_int_eq(trial_ledger_size(&trial), 1);
		ck_assert_ptr_nonnull(strstr(trial_log(&trial), "is now called handbook"));
	}
	trial_forget(&trial);
	trial_ledger_remove(&trial, LEDGER_KEY);
	trial_ledger_put(&trial, "vercel:project:old", "{'id':'prj_1','created':true}");
	ck_assert_int_eq(run_with(by_new_name), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'linked':true")));
}
END_TEST

/* Removed at Vercel: what is not there under its id is made anew under its name. */
START_TEST(test_makes_a_removed_project_anew)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 404, .body = ABSENT },
		{ LOOK, .status = 404, .body = ABSENT },
		{ CREATE, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	know_project("prj_1");
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

START_TEST(test_is_made_in_the_team_of_the_settings)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ CREATE, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	named_setting_set(&trial.settings, "SLIPWAY_VERCEL_TEAM", "team_2");
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "SLIPWAY_VERCEL_TEAM"));
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	named_setting_set(&trial.settings, "SLIPWAY_VERCEL_TEAM", "team_1");
	trial_forget(&trial);
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, CREATE).uri, "/vercel/v11/projects?teamId=team_1");
}
END_TEST

START_TEST(test_relinks_only_on_request)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 200, .body = OTHERS, .times = 1 },
		{ KNOWN, .status = 200, .body = OURS },
		{ UNLINK, .status = 200, .body = PROJECT("") },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	know_project("prj_1");
	ck_assert_int_eq(look_at(J(OTHERS)), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, J("'relink': true")));
	ck_assert_uint_eq(peer_count(trial.peer, UNLINK), 0);
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, RELINK_INPUT, 3), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'linked':true")));
	ck_assert_uint_eq(peer_count(trial.peer, UNLINK), 1);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 1);
}
END_TEST

START_TEST(test_never_relinks_what_is_foreign)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = OTHERS },
		{ .method = NULL } };
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, RELINK_INPUT, 3), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_ptr_null(strstr(trial_error(&trial)->remedy, "relink"));
	ck_assert_uint_eq(peer_count(trial.peer, UNLINK), 0);
}
END_TEST

START_TEST(test_link_survives_a_lost_answer)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 200, .body = OTHERS, .times = 1 },
		{ UNLINK, .status = 200, .body = PROJECT("") },
		{ LINK, .behaviour = PEER_DROPS, .times = 1 },
		{ KNOWN, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	know_project("prj_1");
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, RELINK_INPUT, 3), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, RELINK_INPUT, 3), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, UNLINK), 1);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 1);
}
END_TEST

START_TEST(test_waits_for_the_link_to_show)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 200, .body = PROJECT(""), .times = 2 },
		{ KNOWN, .status = 200, .body = OURS },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	static const struct peer_row never[] = {
		{ KNOWN, .status = 200, .body = PROJECT("") },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	know_project("prj_1");
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_int_eq(trial_attempts(&trial), 2);
	trial_forget(&trial);
	trial.age_ms = 120000;
	ck_assert_int_eq(run_with(never), ACTION_WAITING);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 1);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 70), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_TIMEOUT);
	ck_assert_int_ge(trial.age_ms, 230000);
	ck_assert_int_lt(trial.age_ms, 255000);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 1);
	/* The next attempt requests it again, and has time of its own. */
	ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 2), ACTION_WAITING);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 2);
}
END_TEST

/* After the link was replaced, Vercel may show the old one for a moment. */
START_TEST(test_a_late_answer_does_not_remove_the_new_link)
{
	static const struct peer_row rows[] = {
		{ KNOWN, .status = 200, .body = OTHERS, .times = 3 },
		{ KNOWN, .status = 200, .body = OURS },
		{ UNLINK, .status = 200, .body = PROJECT("") },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	know_project("prj_1");
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, RELINK_INPUT, 5), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, UNLINK), 1);
	ck_assert_uint_eq(peer_count(trial.peer, LINK), 1);
}
END_TEST

START_TEST(test_link_refusals)
{
	static const struct {
		const char *code;
		enum error_class class;
	} cases[] = { { "repo_not_found", ERROR_APP_NOT_INSTALLED },
		{ "repo_links_exceeded_limit", ERROR_PLAN_LIMIT } };
	know_project("prj_1");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ KNOWN, .status = 200, .body = PROJECT("") },
			{ LINK, .status = 400,
				.body = arena_format(&trial.arena,
					J("{'error':{'code':'%s','message':'no'}}"),
					cases[i].code) },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, cases[i].class);
		ck_assert_str_ne(trial_error(&trial)->remedy, "");
	}
}
END_TEST

START_TEST(test_conflict_looks_again)
{
	static const struct peer_row ours[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ CREATE, .status = 409,
			.body = "{'error':{'code':'conflict','message':'exists'}}" },
		{ LOOK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	static const struct peer_row others[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ CREATE, .status = 409,
			.body = "{'error':{'code':'conflict','message':'exists'}}" },
		{ LOOK, .status = 200, .body = OTHERS },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(ours), ACTION_DONE);
	/* Whoever was faster made it, and not this run: a teardown has to leave it. */
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'created':false")));
	trial_forget(&trial);
	trial_ledger_remove(&trial, LEDGER_KEY);
	ck_assert_int_eq(run_with(others), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
}
END_TEST

START_TEST(test_adopts_by_wish)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PROJECT("") },
		{ KNOWN, .status = 200, .body = OURS },
		{ LINK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	static const struct peer_row linked[] = { { LOOK, .status = 200, .body = OTHERS },
		{ .method = NULL } };
	static const char input[] =
		"{'name':'docs','repository':'acme/docs','repositoryId':42,'adopt':true}";
	peer_set(trial.peer, linked);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, input, 5), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "relink");
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, input, 5), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, LEDGER_KEY), J("'created':false")));
}
END_TEST

START_TEST(test_lost_answer_looks_before_it_creates)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ CREATE, .behaviour = PEER_DROPS },
		{ LOOK, .status = 200, .body = OURS },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_NETWORK);
	ck_assert_int_eq(trial_run(&trial, &vercel_project, INPUT, 5), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	/* The intent tells that it was us. */
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'created':true")));
}
END_TEST

START_TEST(test_refusals_name_what_a_person_can_do)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ CREATE, .status = 400,
			.body = "{'error':{'code':'bad_request','message':'Failed to link',"
				"'action':'Install GitHub "
				"App','link':'https://github.com/apps/vercel'}}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_APP_NOT_INSTALLED);
	ck_assert_str_eq(trial_error(&trial)->remedy_url, "https://github.com/apps/vercel");
}
END_TEST

static enum action_result plan_with(struct peer_row accounts)
{
	const struct peer_row rows[] = { { LOOK, .status = 404, .body = ABSENT }, accounts,
		{ .method = NULL } };

	trial.planned = true;
	peer_set(trial.peer, rows);
	return trial_attempt(&trial, &vercel_project, INPUT);
}

/* A plan asks which accounts Vercel sees; a run learns it from the refusal. */
START_TEST(test_a_plan_says_that_the_app_of_vercel_is_not_installed)
{
	static const struct {
		const char *accounts, *message, *url, *remedy;
	} cases[] = {
		{ "[]", "does not see the owner of acme/docs", "https://github.com/apps/vercel",
			"Install" },
		{ "[{'id':1,'slug':'acme-inc'}]", "does not see", "https://github.com/apps/vercel",
			"Install" },
		{ "[{'id':1,'slug':'acme','requireReauth':true}]", "connected again",
			"https://vercel.com/account/login-connections", "Connect" },
		{ "[{'id':1,'slug':'acme','isAccessRestricted':true}]", "restricted",
			"https://github.com/apps/vercel", "allow list" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(plan_with((struct peer_row){
					 NAMESPACES, .status = 200, .body = cases[i].accounts }),
			ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_APP_NOT_INSTALLED);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, cases[i].message));
		ck_assert_str_eq(trial_error(&trial)->remedy_url, cases[i].url);
		ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, cases[i].remedy));
		ck_assert_str_eq(trial_change(&trial), "");
	}

	plan_with(
		(struct peer_row){ NAMESPACES, .status = 200, .body = "[{'id':1,'slug':'Acme'}]" });
	ck_assert_str_eq(trial_change(&trial), "create");
	plan_with((struct peer_row){ NAMESPACES, .status = 403, .body = ABSENT });
	ck_assert_str_eq(trial_change(&trial), "create");
	ck_assert_str_eq(peer_last(trial.peer, NAMESPACES).uri,
		"/vercel/v1/integrations/git-namespaces?provider=github");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_a_plan_says_that_the_app_of_vercel_is_not_installed,
		test_creates_with_the_link, test_one_that_was_made_without_its_link_is_linked,
		test_a_name_that_vercel_refuses_is_refused_before, test_adopts_by_link,
		test_refuses_foreign_projects, test_links_what_is_ours_by_the_ledger,
		test_relinks_only_on_request, test_never_relinks_what_is_foreign,
		test_link_survives_a_lost_answer, test_waits_for_the_link_to_show,
		test_link_refusals, test_follows_a_renamed_project,
		test_makes_a_removed_project_anew, test_is_made_in_the_team_of_the_settings,
		test_a_late_answer_does_not_remove_the_new_link, test_conflict_looks_again,
		test_lost_answer_looks_before_it_creates, test_refusals_name_what_a_person_can_do,
		test_adopts_by_wish, NULL };
	return suite_main("vercel.project", tests, setup, teardown);
}
