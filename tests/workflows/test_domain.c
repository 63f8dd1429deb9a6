/*
 * vercel.domain against a scripted Vercel.
 *
 * covers: workflows/actions/vercel_domain.c
 */
#include <string.h>

#include "actions.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define INPUT    "{'project':'prj_1','name':'docs.example.org'}"
#define LOOK     "GET", "/vercel/v9/projects/prj_1/domains/docs.example.org"
#define ADD      "POST", "/vercel/v10/projects/prj_1/domains"
#define VERIFY   "POST", "/vercel/v9/projects/prj_1/domains/docs.example.org/verify"
#define CONFIG   "GET", "/vercel/v6/domains/docs.example.org/config"
#define ABSENT   "{'error':{'code':'not_found','message':'Domain not found'}}"
#define VERIFIED "{'name':'docs.example.org','projectId':'prj_1','verified':true}"
#define PENDING                                                                                    \
	"{'name':'docs.example.org','projectId':'prj_1','verified':false,'verification':[{"        \
	"'type':'TXT','domain':'_vercel.example.org','value':'vc-domain-verify=1','reason':'x'}]}"
#define GOOD                                                                                       \
	{                                                                                          \
		CONFIG, .status = 200, .body = "{'misconfigured':false}"                           \
	}

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

#define LEDGER_KEY "vercel:domain:docs.example.org"

static void check_ledger(const char *id, bool created)
{
	const char *entry = trial_ledger_row(&trial, LEDGER_KEY);
	ck_assert_ptr_nonnull(entry);
	ck_assert_msg(
		strstr(entry, arena_format(&trial.arena, J("'id':'%s'"), id)) != NULL, "%s", entry);
	ck_assert_msg(strstr(entry, created ? J("'created':true") : J("'created':false")) != NULL,
		"%s", entry);
}

static enum action_result run_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &vercel_domain, INPUT, 5);
}

START_TEST(test_skipped_without_a_name)
{
	ck_assert_int_eq(trial_run(&trial, &vercel_domain, "{'project':'prj_1'}", 2), ACTION_DONE);
	ck_assert(trial_skipped(&trial));
	ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
}
END_TEST

START_TEST(test_adds_and_is_done)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ LOOK, .status = 200, .body = VERIFIED },
		{ ADD, .status = 200, .body = VERIFIED },
		GOOD,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'name':'docs.example.org'")));
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'verified':true")));
	ck_assert_str_eq(peer_last(trial.peer, ADD).body, J("{'name':'docs.example.org'}"));
	check_ledger("prj_1/docs.example.org", true);
	ck_assert_uint_eq(peer_count(trial.peer, VERIFY), 0);
}
END_TEST

START_TEST(test_there_already)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = VERIFIED }, GOOD,
		{ .method = NULL } };
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, ADD), 0);
	check_ledger("prj_1/docs.example.org", false);
}
END_TEST

/* A teardown takes off only what was added by us: also where the answer to the add was lost, or it
 * was an error. */
START_TEST(test_what_was_asked_for_is_ours)
{
	static const struct peer_row lost[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ LOOK, .status = 200, .body = VERIFIED },
		{ ADD, .behaviour = PEER_DROPS },
		GOOD,
		{ .method = NULL },
	};
	static const struct peer_row failed[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 2 },
		{ LOOK, .status = 200, .body = VERIFIED },
		{ ADD, .status = 500, .times = 1 },
		{ ADD, .status = 409,
			.body = "{'error':{'code':'domain_already_in_use','message':'x'}}" },
		GOOD,
		{ .method = NULL },
	};
	const struct peer_row *const cases[] = { lost, failed };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial_forget(&trial);
		trial_ledger_remove(&trial, LEDGER_KEY);
		ck_assert_int_eq(run_with(cases[i]), ACTION_FAILED);
		ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_int_eq(trial_run(&trial, &vercel_domain, INPUT, 3), ACTION_DONE);
		check_ledger("prj_1/docs.example.org", true);
	}
}
END_TEST

START_TEST(test_entries_of_older_versions_learn_the_project)
{
	static const struct peer_row rows[] = { { LOOK, .status = 200, .body = VERIFIED }, GOOD,
		{ .method = NULL } };
	trial_ledger_put(&trial, LEDGER_KEY, "{'id':'docs.example.org','created':true}");
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	check_ledger("prj_1/docs.example.org", true);
	/* What stands on another project by now was put there by another. */
	trial_ledger_remove(&trial, LEDGER_KEY);
	trial_ledger_put(&trial, LEDGER_KEY, "{'id':'prj_0/docs.example.org','created':true}");
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	check_ledger("prj_1/docs.example.org", false);
}
END_TEST

/* The same codes mean "on another project" and "on this one already": what counts is what stands on
 * ours. */
START_TEST(test_conflicts_look_again)
{
	static const struct {
		int status;
		const char *code;
	} cases[] = { { 409, "domain_already_in_use" }, { 400, "existing_project_domain" },
		{ 403, "forbidden" } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *body = arena_format(&trial.arena,
			J("{'error':{'code':'%s','message':'it is assigned to another project'}}"),
			cases[i].code);
		const struct peer_row ours[] = {
			{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
			{ LOOK, .status = 200, .body = VERIFIED },
			{ ADD, .status = cases[i].status, .body = body },
			GOOD,
			{ .method = NULL },
		};
		const struct peer_row others[] = {
			{ LOOK, .status = 404, .body = ABSENT },
			{ ADD, .status = cases[i].status, .body = body },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(ours), ACTION_DONE);
		ck_assert_int_eq(run_with(others), ACTION_FAILED);
		ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
		ck_assert_ptr_nonnull(
			strstr(trial_error(&trial)->message, "assigned to another project"));
	}
}
END_TEST

/* A name that Vercel does not like is in nobody's way. */
START_TEST(test_a_refused_name_is_no_conflict)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ ADD, .status = 400,
			.body = "{\"error\":{\"code\":\"bad_request\",\"message\":\"The domain is "
				"invalid\"}}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "name");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "as Vercel says"));
	ck_assert_ptr_null(strstr(trial_error(&trial)->remedy, "Remove the domain"));
}
END_TEST

/* Who may not add domains is not told that somebody else has it. */
START_TEST(test_a_missing_right_is_no_conflict)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ ADD, .status = 403,
			.body = "{\"error\":{\"code\":\"forbidden\",\"message\":\"You don't have "
				"permission to create "
				"the "
				"project domain.\"}}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_SCOPE_MISSING);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "role"));
	ck_assert_int_eq(trial_error(&trial)->http_status, 403);
	ck_assert_str_eq(trial_error(&trial)->provider_code, "forbidden");
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "docs.example.org"));
}
END_TEST

START_TEST(test_waits_for_a_person_to_verify)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PENDING },
		{ VERIFY, .status = 400,
			.body = "{'error':{'code':'missing_txt_record','message':'no'}}",
			.times = 2 },
		{ VERIFY, .status = 200, .body = VERIFIED },
		GOOD,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	ck_assert_ptr_nonnull(strstr(trial_wait_text(&trial), "_vercel.example.org"));
	ck_assert_ptr_nonnull(strstr(trial_wait_text(&trial), "vc-domain-verify=1"));
	ck_assert_int_eq(trial_wait_ms(&trial), 60000);
	trial.age_ms = 3600000;
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_WAITING);
	ck_assert_int_gt(trial_wait_ms(&trial), 60000);
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_DONE);
}
END_TEST

START_TEST(test_asks_more_and_more_rarely)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PENDING },
		{ VERIFY, .status = 400,
			.body = "{'error':{'code':'missing_txt_record','message':'no'}}" },
		GOOD,
		{ .method = NULL },
	};
	static const struct {
		int64_t age, wait; /* minutes */
	} cases[] = { { 0, 1 }, { 4, 1 }, { 5, 5 }, { 30, 15 }, { 120, 30 }, { 6 * 1440, 30 } };
	peer_set(trial.peer, rows);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		trial.age_ms = cases[i].age * 60000;
		ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_WAITING);
		ck_assert(trial_waits_for_person(&trial));
		ck_assert_int_eq(trial_wait_ms(&trial), cases[i].wait * 60000);
	}
}
END_TEST

/* Vercel gives no domain to a project whose last production deployment failed; once that is mended,
 * it does. */
START_TEST(test_failed_deployment_comes_first)
{
	static const struct peer_row failed[] = {
		{ LOOK, .status = 404, .body = ABSENT },
		{ ADD, .status = 400,
			.body = "{'error':{'code':'bad_request','message':'The domain can not be "
				"added "
				"because "
				"the latest production deployment for the project was not "
				"successful'}}" },
		{ .method = NULL },
	};
	static const struct peer_row mended[] = {
		{ LOOK, .status = 404, .body = ABSENT, .times = 1 },
		{ LOOK, .status = 200, .body = VERIFIED },
		{ ADD, .status = 200, .body = VERIFIED },
		GOOD,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(failed), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_BUILD_FAILED);
	ck_assert(!error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->remedy, "deployment step"));
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
	trial_forget(&trial);
	ck_assert_int_eq(run_with(mended), ACTION_DONE);
	check_ledger("prj_1/docs.example.org", true);
}
END_TEST

START_TEST(test_verified_is_not_pointed)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = VERIFIED },
		{ CONFIG, .status = 200,
			.body = "{'misconfigured':true,'recommendedCNAME':[{'rank':1,'value':'c."
				"example.net'}"
				"],"
				"'recommendedIPv4':[{'rank':1,'value':['192.0.2.1']}]}",
			.times = 1 },
		GOOD,
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	ck_assert_str_eq(trial_wait_text(&trial),
		"Add these DNS records for docs.example.org: CNAME docs.example.org to "
		"c.example.net");
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_DONE);
}
END_TEST

#define RECOMMENDED(misconfigured)                                                                 \
	"{'misconfigured':" misconfigured                                                          \
	",'recommendedCNAME':[{'rank':2,'value':'second.example.net'},"                            \
	"{'rank':1,'value':'first.example.net'}],'recommendedIPv4':["                              \
	"{'rank':2,'value':['192.0.2.9']},{'rank':1,'value':['192.0.2.1','192.0.2.2']}]}"

START_TEST(test_names_all_records_at_once)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = PENDING },
		{ VERIFY, .status = 400,
			.body = "{'error':{'code':'missing_txt_record','message':'no'}}",
			.times = 2 },
		{ VERIFY, .status = 200, .body = VERIFIED },
		{ CONFIG, .status = 200, .body = RECOMMENDED("true"), .times = 1 },
		{ CONFIG, .status = 200, .body = RECOMMENDED("false") },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_WAITING);
	ck_assert_str_eq(trial_wait_text(&trial),
		"Add these DNS records for docs.example.org: TXT _vercel.example.org to "
		"vc-domain-verify=1; "
		"CNAME docs.example.org to first.example.net");
	/* The name points at Vercel by now, the challenge is still open. */
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_WAITING);
	ck_assert_str_eq(trial_wait_text(&trial),
		"Add these DNS records for docs.example.org: TXT _vercel.example.org to "
		"vc-domain-verify=1");
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial),
		J("'records':[{'type':'CNAME','name':'docs.example.org','value':'first.example.net'"
		  "}]")));
}
END_TEST

START_TEST(test_an_apex_gets_addresses)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200,
			.body = "{'name':'docs.example.org','apexName':'docs.example.org','"
				"projectId':'prj_"
				"1',"
				"'verified':true}" },
		{ CONFIG, .status = 200, .body = RECOMMENDED("true"), .times = 1 },
		{ CONFIG, .status = 200, .body = RECOMMENDED("false") },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_WAITING);
	ck_assert_str_eq(trial_wait_text(&trial),
		"Add these DNS records for docs.example.org: A docs.example.org to 192.0.2.1; A "
		"docs.example.org to "
		"192.0.2.2");
	ck_assert_int_eq(trial_attempt(&trial, &vercel_domain, INPUT), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial),
		J("{'type':'A','name':'docs.example.org','value':'192.0.2.2'}]")));
}
END_TEST

START_TEST(test_no_recommendation)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = VERIFIED },
		{ CONFIG, .status = 200, .body = "{'misconfigured':true}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_WAITING);
	ck_assert(trial_waits_for_person(&trial));
	ck_assert_ptr_nonnull(strstr(trial_wait_text(&trial), "docs.example.org"));
}
END_TEST

START_TEST(test_servers_without_config_are_noted)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = VERIFIED },
		{ CONFIG, .status = 404, .body = "{}" },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows), ACTION_DONE);
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "docs.example.org"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_skipped_without_a_name, test_adds_and_is_done,
		test_there_already, test_what_was_asked_for_is_ours,
		test_entries_of_older_versions_learn_the_project, test_conflicts_look_again,
		test_a_missing_right_is_no_conflict, test_a_refused_name_is_no_conflict,
		test_waits_for_a_person_to_verify, test_asks_more_and_more_rarely,
		test_failed_deployment_comes_first, test_verified_is_not_pointed,
		test_names_all_records_at_once, test_an_apex_gets_addresses, test_no_recommendation,
		test_servers_without_config_are_noted, NULL };
	return suite_main("vercel.domain", tests, setup, teardown);
}
