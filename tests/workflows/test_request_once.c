/*
 * http.request with "look", and http.remove, against a scripted API: what is created is created
 * once, belongs to the app, and is removed; what was found is left.
 *
 * covers: workflows/actions/http_request.c workflows/actions/http_remove.c
 * covers: workflows/actions/http_claim.c workflows/actions/http_resource.c
 * covers: workflows/actions/http_headers.c src/action/response.c
 */
#include <string.h>

#include "actions.h"
#include "base/clock.h"
#include "harness/json_text.h"
#include "harness/suite.h"
#include "harness/trial.h"

static struct trial trial;

#define LIST   "GET", "/v2/databases"
#define CREATE "POST", "/v2/database"
#define REMOVE "DELETE", "/v2/database/a3%2F1"
#define OTHERS "{'id':'b1','name':'other','host':'b'}"
#define OURS   "{'id':'a3/1','name':'docs','host':'eu1','password':'hunter2'}"
#define EMPTY  "[" OTHERS "]"
#define THERE  "[" OTHERS "," OURS "]"
#define LOOK   "'look':{'url':'%s/v2/databases','at':'/*','where':{'/name':'docs'},'id':'/id'%s}"
#define UNDO   "'undo':{'url':'%s/v2/database/{id}'}"
#define REMOVALS                                                                                   \
	"{'confirm':'trial-app','access':[{'host':'%s','headers':{'Authorization':'Basic x'}}]}"

static const char *host(void)
{
	return strstr(peer_url(trial.peer), "://") + 3;
}

static const char *input_with(const char *look_more, const char *more)
{
	const char *url = peer_url(trial.peer);
	return arena_format(&trial.arena,
		J("{'method':'POST','url':'%s/v2/database','body':'{}','headers':{'Authorization':"
		  "'Basic x'},'output':{'id':'/id','host':'/host'}," LOOK "," UNDO "%s}"),
		url, url, J(look_more), url, J(more));
}

static const char *field(void)
{
	return arena_format(&trial.arena, "http:resource:%s/v2/databases /* /name=docs", host());
}

static void setup(void)
{
	trial_begin(&trial);
}

static void teardown(void)
{
	trial_end(&trial);
}

static enum action_result run_with(const struct peer_row *rows, const char *more)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &http_request, input_with("", more), 60);
}

static enum action_result remove_with(const struct peer_row *rows)
{
	peer_set(trial.peer, rows);
	return trial_run(&trial, &http_remove, arena_format(&trial.arena, J(REMOVALS), host()), 60);
}

static void create_one(void)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY, .times = 1 },
		{ CREATE, .status = 201, .body = OURS },
		{ LIST, .status = 200, .body = THERE },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ""), ACTION_DONE);
	trial_forget(&trial);
}

#define DONE_OUTPUT "{'status':200,'values':{'id':'a3/1','host':'eu1'},'created':true}"

START_TEST(test_creates_owns_and_creates_no_second)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY, .times = 1 },
		{ CREATE, .status = 201, .body = OURS },
		{ LIST, .status = 200, .body = THERE },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ""), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J(DONE_OUTPUT));
	ck_assert_str_eq(peer_last(trial.peer, LIST).authorization, "Basic x");
	const char *row = trial_ledger_row(&trial, field());
	ck_assert_ptr_nonnull(strstr(row, J("'created':true")));
	ck_assert_ptr_nonnull(strstr(row, "/v2/databases#a3/1"));
	ck_assert_ptr_null(strstr(row, "Basic"));
	ck_assert_ptr_null(strstr(row, "hunter2"));

	trial_forget(&trial);
	ck_assert_int_eq(trial_run(&trial, &http_request, input_with("", ""), 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	ck_assert_str_eq(trial_output(&trial), J(DONE_OUTPUT));
}
END_TEST

START_TEST(test_finds_it_where_the_response_was_lost)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY, .times = 1 },
		{ CREATE, .behaviour = PEER_DROPS },
		{ LIST, .status = 200, .body = EMPTY, .times = 2 },
		{ LIST, .status = 200, .body = THERE },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &http_request, input_with("", "")), ACTION_FAILED);
	ck_assert(error_class_facts(trial_error(&trial)->class)->retryable);
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, field()), J("'state':'pending'")));
	ck_assert_int_eq(trial_run(&trial, &http_request, input_with("", ""), 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, field()), J("'created':true")));
}
END_TEST

/* The request may still be under way: only when it cannot be any more is it sent again. */
START_TEST(test_sends_again_only_after_the_lost_one_is_over)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY, .times = 3 },
		{ CREATE, .behaviour = PEER_DROPS, .times = 1 },
		{ LIST, .status = 200, .body = EMPTY },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &http_request, input_with("", "")), ACTION_FAILED);
	int64_t lost_ms = provider_lost_response_ms(&trial.context);
	while (trial.age_ms < lost_ms - 15000) {
		ck_assert_int_eq(
			trial_attempt(&trial, &http_request, input_with("", "")), ACTION_WAITING);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
		trial.age_ms += trial_wait_ms(&trial);
	}

	trial.age_ms += 30000;
	(void)trial_attempt(&trial, &http_request, input_with("", ""));
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 2);
}
END_TEST

/* Another run, such as a second trigger, knows by the time of creation what the first one made. */
START_TEST(test_another_run_finds_what_a_lost_request_created)
{
	static char list[200];
	char now[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms(), now);
	snprintf(list, sizeof(list), "[{'id':'a3/1','name':'docs','host':'eu1','made':'%s'}]", now);
	const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY, .times = 1 },
		{ CREATE, .behaviour = PEER_DROPS },
		{ LIST, .status = 200, .body = list },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	ck_assert_int_eq(trial_attempt(&trial, &http_request, input_with("", "")), ACTION_FAILED);
	const char *row = trial_ledger_row(&trial, field()), *run = strstr(row, J("'run':'")) + 7;
	char *other = arena_string(&trial.arena, row);
	memset(other + (run - row), 'e', 32);
	trial_ledger_put(&trial, field(), other);
	trial_forget(&trial);

	ck_assert_int_eq(trial_run(&trial, &http_request, input_with("", ""), 9), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_ptr_nonnull(strstr(trial_error(&trial)->message, "createdAt"));
	const char *told = input_with(",'createdAt':'/made'", "");
	ck_assert_int_eq(trial_run(&trial, &http_request, told, 9), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
	ck_assert_ptr_nonnull(strstr(trial_ledger_row(&trial, field()), J("'created':true")));
}
END_TEST

START_TEST(test_leaves_alone_what_is_foreign_and_adopts_where_asked)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = THERE },
		{ .method = NULL },
	};
	ck_assert_int_eq(run_with(rows, ""), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_CONFLICT_FOREIGN);
	ck_assert_str_eq(trial_error(&trial)->remedy_input, "adopt");
	ck_assert_ptr_null(trial_ledger_row(&trial, field()));
	ck_assert_int_eq(run_with(rows, ",'adopt':true"), ACTION_DONE);
	ck_assert_str_eq(
		trial_output(&trial), J("{'status':200,'values':{'id':'a3/1','host':'eu1'}}"));
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);

	/* And a teardown leaves it. */
	static const struct peer_row none[] = { { .method = NULL } };
	trial_forget(&trial);
	ck_assert_int_eq(remove_with(none), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':1}"));
	ck_assert_ptr_null(trial_ledger_row(&trial, field()));
}
END_TEST

START_TEST(test_a_refusal_leaves_no_row)
{
	static const struct {
		int status;
		enum error_class class;
		bool leaves;
	} cases[] = {
		{ 422, ERROR_CHECK_FAILED, false },
		{ 429, ERROR_PROVIDER_UNAVAILABLE, false },
		{ 408, ERROR_PROVIDER_UNAVAILABLE, true },
		{ 500, ERROR_PROVIDER_UNAVAILABLE, true },
		{ 302, ERROR_CHECK_FAILED, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LIST, .status = 200, .body = EMPTY },
			{ CREATE, .status = cases[i].status },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, ""), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, cases[i].class);
		ck_assert_msg((trial_ledger_row(&trial, field()) != NULL) == cases[i].leaves, "%d",
			cases[i].status);
	}
}
END_TEST

/* What was renamed by hand is still the app's: no second one is created. */
START_TEST(test_follows_what_was_renamed)
{
	static const struct peer_row renamed[] = {
		{ LIST, .status = 200,
			.body = "[" OTHERS ",{'id':'a3/1','name':'new','host':'h'}]" },
		{ .method = NULL },
	};
	create_one();
	ck_assert_int_eq(run_with(renamed, ""), ACTION_DONE);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'host':'h'},'created':true")));
}
END_TEST

/* A look that is wrong finds nothing, also what it has made: no trigger creates another. */
START_TEST(test_a_wrong_look_creates_one_thing_at_most)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY },
		{ CREATE, .status = 201, .body = OURS },
		{ .method = NULL },
	};
	peer_set(trial.peer, rows);
	for (int trigger = 0; trigger < 3; trigger++) {
		ck_assert_int_eq(
			trial_run(&trial, &http_request, input_with("", ""), 999), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_CHECK_FAILED);
		ck_assert_str_eq(trial_error(&trial)->remedy_input, "look");
	}
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 1);
}
END_TEST

START_TEST(test_what_cannot_be_looked_at_is_not_created)
{
	static const struct {
		int status;
		const char *body;
		enum action_result result;
	} cases[] = {
		{ 401, "{}", ACTION_FAILED },
		{ 404, "{}", ACTION_FAILED },
		{ 200, "{'items':[]}", ACTION_FAILED },
		{ 200, "<html>", ACTION_FAILED },
		{ 200, "[" OURS "," OURS "]", ACTION_FAILED },
		{ 200, "[{'name':'docs'}]", ACTION_FAILED },
		{ 200, "[{'name':'docs','id':''}]", ACTION_FAILED },
		{ 502, "<html>", ACTION_WAITING },
		{ 429, "", ACTION_WAITING },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LIST, .status = cases[i].status, .body = cases[i].body },
			{ CREATE, .status = 201, .body = OURS },
			{ .method = NULL },
		};
		peer_set(trial.peer, rows);
		trial_forget(&trial);
		enum action_result result =
			trial_attempt(&trial, &http_request, input_with("", ""));
		ck_assert_msg(result == cases[i].result, "%d %s", cases[i].status, cases[i].body);
		ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
		ck_assert_ptr_null(trial_ledger_row(&trial, field()));
	}
}
END_TEST

START_TEST(test_nothing_is_sent_without_the_lease)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY },
		{ .method = NULL },
	};
	trial.lease_lost = true;
	ck_assert_int_eq(run_with(rows, ""), ACTION_FAILED);
	ck_assert_int_eq(trial_error(&trial)->class, ERROR_LEASE_LOST);
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
}
END_TEST

/* GraphQL: all are POSTs to one address, and what is looked for is deep in the response. */
START_TEST(test_a_graphql_api)
{
	static const struct peer_row rows[] = {
		{ "POST", "/graphql", .status = 200, .body = "{'data':{'all':{'edges':[]}}}",
			.times = 1 },
		{ "POST", "/graphql", .status = 200, .body = "{'data':{'made':{'id':'p1'}}}",
			.times = 1 },
		{ "POST", "/graphql", .status = 200,
			.body = "{'data':{'all':{'edges':[{'node':{'id':'p1','name':'docs'}}]}}}",
			.times = 1 },
		{ "POST", "/graphql", .status = 200, .body = "{'data':{'gone':true}}", .times = 1 },
		{ "POST", "/graphql", .status = 200, .body = "{'data':{'all':{'edges':[]}}}" },
		{ .method = NULL },
	};
	const char *url = peer_url(trial.peer);
	peer_set(trial.peer, rows);
	const char *input = arena_format(&trial.arena,
		J("{'method':'POST','url':'%s/graphql','body':'mutation','output':{'id':'/id'},"
		  "'look':{'method':'POST','url':'%s/graphql','body':'query','id':'/id',"
		  "'at':'/data/all/edges/*/node','where':{'/name':'docs'}},"
		  "'undo':{'method':'POST','url':'%s/graphql','body':'remove {id}'}}"),
		url, url, url);
	ck_assert_int_eq(trial_run(&trial, &http_request, input, 9), ACTION_DONE);
	ck_assert_str_eq(
		trial_output(&trial), J("{'status':200,'values':{'id':'p1'},'created':true}"));
	trial_forget(&trial);
	ck_assert_int_eq(
		trial_run(&trial, &http_remove, arena_format(&trial.arena, J(REMOVALS), host()), 9),
		ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':1,'left':0}"));
	ck_assert_uint_eq(peer_count(trial.peer, "POST", "/graphql"), 5);
}
END_TEST

/* ---- http.remove ---- */

START_TEST(test_removes_what_was_created)
{
	static const struct peer_row rows[] = {
		{ REMOVE, .status = 200, .body = "OK" },
		{ LIST, .status = 200, .body = THERE, .times = 1 },
		{ LIST, .status = 200, .body = EMPTY },
		{ .method = NULL },
	};
	create_one();
	ck_assert_int_eq(remove_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':1,'left':0}"));
	ck_assert_str_eq(peer_last(trial.peer, REMOVE).authorization, "Basic x");
	ck_assert_uint_eq(peer_count(trial.peer, REMOVE), 2);
	ck_assert_ptr_null(trial_ledger_row(&trial, field()));
}
END_TEST

/* Nothing is forgotten that is still there. */
START_TEST(test_keeps_the_row_while_it_is_there)
{
	static const struct {
		int removed, listed;
		enum error_class class;
	} cases[] = {
		{ 403, 200, ERROR_CHECK_FAILED },
		{ 503, 200, ERROR_PROVIDER_UNAVAILABLE },
		{ 200, 200, ERROR_CHECK_FAILED },
		{ 200, 401, ERROR_CHECK_FAILED },
	};
	create_one();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ REMOVE, .status = cases[i].removed },
			{ LIST, .status = cases[i].listed, .body = THERE },
			{ .method = NULL },
		};
		peer_set(trial.peer, rows);
		trial_forget(&trial);
		trial.age_ms = 0;
		ck_assert_int_eq(trial_run(&trial, &http_remove,
					 arena_format(&trial.arena, J(REMOVALS), host()), 999),
			ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, cases[i].class);
		ck_assert_ptr_nonnull(trial_ledger_row(&trial, field()));
	}
}
END_TEST

/* A credential goes to the host that it is given for, and to no other. */
START_TEST(test_needs_a_credential_and_a_confirmation)
{
	static const struct {
		const char *input;
		enum error_class class;
		const char *member;
	} cases[] = {
		{ "{'confirm':'trial-app'}", ERROR_AUTH_MISSING, "access" },
		{ "{'confirm':'trial-app','access':[{'host':'127.0.0.1','headers':{'A':'b'}}]}",
			ERROR_AUTH_MISSING, "access" },
		{ "{}", ERROR_INVALID_INPUT, "confirm" },
		{ "{'confirm':'another'}", ERROR_INVALID_INPUT, "confirm" },
		{ "{'confirm':'trial-app','access':[{'host':'a.org','headers':{'Host':'b'}}]}",
			ERROR_INVALID_INPUT, "access" },
	};
	static const struct peer_row none[] = { { .method = NULL } };
	create_one();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		peer_set(trial.peer, none);
		ck_assert_msg(trial_attempt(&trial, &http_remove, cases[i].input) == ACTION_FAILED,
			"%s", cases[i].input);
		ck_assert_int_eq(trial_error(&trial)->class, cases[i].class);
		ck_assert_msg(strstr(trial_error(&trial)->remedy_input, cases[i].member) ==
				trial_error(&trial)->remedy_input,
			"%s: %s", cases[i].input, trial_error(&trial)->remedy_input);
		ck_assert_uint_eq(peer_count(trial.peer, NULL, NULL), 0);
		ck_assert_ptr_nonnull(trial_ledger_row(&trial, field()));
	}
}
END_TEST

START_TEST(test_nothing_to_remove_needs_no_confirmation)
{
	ck_assert_int_eq(trial_attempt(&trial, &http_remove, "{}"), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':0}"));
}
END_TEST

/* By the time of creation; where the API tells none, it is left. */
START_TEST(test_removes_what_a_lost_request_created)
{
	static const struct peer_row lost[] = {
		{ LIST, .status = 200, .body = EMPTY },
		{ CREATE, .behaviour = PEER_DROPS },
		{ .method = NULL },
	};
	static const struct {
		const char *look_more, *counts;
		size_t removals;
	} cases[] = {
		{ ",'createdAt':'/made'", "{'removed':1,'left':0}", 1 },
		{ "", "{'removed':0,'left':1}", 0 },
	};
	char list[200], now[CLOCK_TEXT_SIZE];
	clock_format(clock_wall_ms(), now);
	snprintf(list, sizeof(list), "[{'id':'a3/1','name':'docs','made':'%s'}]", now);
	const struct peer_row later[] = {
		{ LIST, .status = 200, .body = list, .times = 1 },
		{ REMOVE, .status = 204 },
		{ LIST, .status = 200, .body = EMPTY },
		{ .method = NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *input = input_with(cases[i].look_more, "");
		peer_set(trial.peer, lost);
		ck_assert_int_eq(trial_attempt(&trial, &http_request, input), ACTION_FAILED);
		trial_forget(&trial);
		ck_assert_int_eq(remove_with(lost), ACTION_WAITING); /* it may still appear */
		ck_assert_int_eq(remove_with(later), ACTION_DONE);
		ck_assert_str_eq(trial_output(&trial), J(cases[i].counts));
		ck_assert_uint_eq(peer_count(trial.peer, REMOVE), cases[i].removals);
		ck_assert_ptr_null(trial_ledger_row(&trial, field()));
		trial_forget(&trial);
	}
}
END_TEST

START_TEST(test_without_undo_it_is_left)
{
	static const struct peer_row rows[] = {
		{ LIST, .status = 200, .body = EMPTY, .times = 1 },
		{ CREATE, .status = 201, .body = OURS },
		{ LIST, .status = 200, .body = THERE },
		{ .method = NULL },
	};
	const char *url = peer_url(trial.peer);
	peer_set(trial.peer, rows);
	const char *input = arena_format(
		&trial.arena, J("{'method':'POST','url':'%s/v2/database'," LOOK "}"), url, url, "");
	ck_assert_int_eq(trial_run(&trial, &http_request, input, 9), ACTION_DONE);
	trial_forget(&trial);
	ck_assert_int_eq(remove_with(rows), ACTION_DONE);
	ck_assert_str_eq(trial_output(&trial), J("{'removed':0,'left':1}"));
	ck_assert_ptr_nonnull(strstr(trial_log(&trial), "undo"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_creates_owns_and_creates_no_second,
		test_finds_it_where_the_response_was_lost,
		test_sends_again_only_after_the_lost_one_is_over,
		test_another_run_finds_what_a_lost_request_created,
		test_leaves_alone_what_is_foreign_and_adopts_where_asked,
		test_a_refusal_leaves_no_row, test_follows_what_was_renamed,
		test_a_wrong_look_creates_one_thing_at_most,
		test_what_cannot_be_looked_at_is_not_created,
		test_nothing_is_sent_without_the_lease, test_a_graphql_api,
		test_removes_what_was_created, test_keeps_the_row_while_it_is_there,
		test_needs_a_credential_and_a_confirmation,
		test_nothing_to_remove_needs_no_confirmation,
		test_removes_what_a_lost_request_created, test_without_undo_it_is_left, NULL };
	return suite_main("http.request once", tests, setup, teardown);
}
