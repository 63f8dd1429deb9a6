/*
 * What people choose of a repository, and what they find instead: visibility, old names, what
 * cannot be worked on.
 *
 * covers: workflows/actions/github_repository.c workflows/actions/github_visibility.c
 * covers: workflows/actions/github_usable.c
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

#define INPUT(more)    "{'owner':'acme','name':'docs'" more "}"
#define TEMPLATE(more) INPUT(",'template':'upstream/starter'" more)
#define REPOSITORY(id, name, more)                                                                 \
	"{'id':" id ",'full_name':'acme/" name "','name':'" name "','owner':{'login':'acme'},"     \
	"'default_branch':'main','html_url':'https://github.com/acme/" name "'" more "}"
#define DOCS(more)      REPOSITORY("42", "docs", more)
#define SEEN(who)       ",'visibility':'" who "'"
#define GENERATED       ",'template_repository':{'full_name':'upstream/starter'}"
#define NOT_FOUND       "{'message':'Not Found'}"
#define REFUSED(detail) "{'message':'Repository creation failed.','errors':[" detail "]}"

#define LOOK     "GET", "/github/repos/acme/docs"
#define GENERATE "POST", "/github/repos/upstream/starter/generate"
#define FORK     "POST", "/github/repos/upstream/starter/forks"
#define CREATE   "POST", "/github/orgs/acme/repos"
#define CHANGE   "PATCH", "/github/repos/acme/docs"
#define OWNER                                                                                      \
	{                                                                                          \
		"GET", "/github/orgs/acme", .status = 200, .body = "{'login':'acme'}"              \
	}
#define READY                                                                                      \
	{ "GET", "/github/repos/acme/docs/branches/main", .status = 200,                           \
		.body = "{'name':'main','commit':{'sha':'abc123'}}" },                             \
	{                                                                                          \
		"GET", "/github/repos/acme/docs/commits", .status = 200,                           \
							  .body = "[{'sha':'abc123'}]"             \
	}

static enum action_result run_with(const struct peer_row *rows, const char *input)
{
	trial_forget(&trial);
	peer_set(trial.peer, rows);
	return trial_run(&trial, &github_repository, input, 9);
}

static void check_failed(
	enum error_class class, const char *message, const char *remedy, const char *member)
{
	const struct error *error = trial_error(&trial);
	ck_assert_msg(error->class == class, "%s: %s", error_class_facts(error->class)->name,
		error->message);
	ck_assert_msg(strstr(error->message, message) != NULL, "%s", error->message);
	ck_assert_msg(strstr(error->remedy, remedy) != NULL, "%s", error->remedy);
	ck_assert_str_eq(error->remedy_input, member);
}

static void forget(void)
{
	trial_ledger_remove(&trial, "github:repository:acme/docs");
}

/* Nobody shows a client's code to everybody by leaving out a member. */
START_TEST(test_private_unless_somebody_says_otherwise)
{
	static const struct {
		const char *input, *body;
	} cases[] = {
		{ INPUT(""), "{'name':'docs','private':true,'auto_init':true}" },
		{ INPUT(",'private':true"), "{'name':'docs','private':true,'auto_init':true}" },
		{ INPUT(",'private':false"), "{'name':'docs','private':false,'auto_init':true}" },
		{ INPUT(",'visibility':'private'"),
			"{'name':'docs','private':true,'auto_init':true}" },
		{ INPUT(",'visibility':'public','private':false"),
			"{'name':'docs','private':false,'auto_init':true}" },
		{ INPUT(",'visibility':'internal','private':true"),
			"{'name':'docs','private':true,'auto_init':true,'visibility':'internal'}" },
		{ TEMPLATE(""), "{'owner':'acme','name':'docs','private':true}" },
		{ TEMPLATE(",'visibility':'public'"),
			"{'owner':'acme','name':'docs','private':false}" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const struct peer_row rows[] = {
			{ LOOK, .status = 404, .body = NOT_FOUND, .times = 1 },
			{ LOOK, .status = 200, .body = DOCS("") },
			{ CREATE, .status = 201, .body = DOCS("") },
			{ GENERATE, .status = 201, .body = DOCS(GENERATED) },
			OWNER,
			READY,
			{ .method = NULL },
		};
		forget();
		ck_assert_int_eq(run_with(rows, cases[i].input), ACTION_DONE);
		const char *sent = peer_last(trial.peer, CREATE).body;
		ck_assert_str_eq(sent != NULL && sent[0] != '\0'
				? sent
				: peer_last(trial.peer, GENERATE).body,
			J(cases[i].body));
	}
}
END_TEST

START_TEST(test_both_members_must_agree)
{
	static const char *const inputs[] = {
		INPUT(",'visibility':'public','private':true"),
		INPUT(",'visibility':'private','private':false"),
		INPUT(",'visibility':'internal','private':false"),
		INPUT(",'private':1"),
		INPUT(",'private':'yes'"),
		INPUT(",'visibility':'secret'"),
	};
	static const struct peer_row rows[] = { { .method = NULL } };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		ck_assert_int_eq(run_with(rows, inputs[i]), ACTION_FAILED);
		ck_assert_int_eq(trial_error(&trial)->class, ERROR_INVALID_INPUT);
	}
	ck_assert_uint_eq(peer_count(trial.peer, LOOK), 0);
}
END_TEST

/* GitHub makes one from a template private or public, and no other. */
START_TEST(test_internal_after_the_template)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 404, .body = NOT_FOUND, .times = 1 },
		{ LOOK, .status = 200, .body = DOCS(SEEN("private") GENERATED) },
		{ GENERATE, .status = 201, .body = DOCS(SEEN("private") GENERATED) },
		{ CHANGE, .status = 200, .body = DOCS(SEEN("internal") GENERATED) },
		READY,
		{ .method = NULL },
	};
	static const struct peer_row none[] = {
		{ LOOK, .status = 200, .body = DOCS(SEEN("private") GENERATED) },
		{ CHANGE, .status = 422,
			.body = "{'message':'Only organizations associated with an enterprise can "
				"set visibility to "
				"internal'}" },
		READY,
		{ .method = NULL },
	};
	static const char input[] = TEMPLATE(",'visibility':'internal'");
	ck_assert_int_eq(run_with(rows, input), ACTION_DONE);
	ck_assert_str_eq(peer_last(trial.peer, CHANGE).body, J("{'visibility':'internal'}"));
	ck_assert_ptr_nonnull(strstr(trial_output(&trial), J("'visibility':'internal'")));
	/* Another run, to which the ledger says that it was made by us. */
	ck_assert_int_eq(run_with(none, input), ACTION_FAILED);
	check_failed(ERROR_INVALID_INPUT, "internal", "of an enterprise", "visibility");
}
END_TEST

/* Done would say what is not so. */
START_TEST(test_what_is_adopted_is_seen_as_asked)
{
	static const struct {
		const char *input, *seen;
		bool done;
	} cases[] = {
		{ INPUT(",'adopt':true"), SEEN("public"), true },
		{ INPUT(",'adopt':true,'private':false"), SEEN("private"), true },
		{ INPUT(",'adopt':true,'private':true"), SEEN("internal"), true },
		{ INPUT(",'adopt':true,'visibility':'public'"), SEEN("public"), true },
		{ INPUT(",'adopt':true,'private':true"), SEEN("public"), false },
		{ INPUT(",'adopt':true,'visibility':'internal'"), SEEN("private"), false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 200,
				.body = arena_format(&trial.arena, J(DOCS("%s")), cases[i].seen) },
			READY,
			{ .method = NULL },
		};
		forget();
		ck_assert_int_eq(run_with(rows, cases[i].input),
			cases[i].done ? ACTION_DONE : ACTION_FAILED);
		ck_assert_uint_eq(peer_count(trial.peer, CHANGE), 0);
		if (cases[i].done)
			continue;
		check_failed(ERROR_INVALID_INPUT, "acme/docs is p", "settings",
			strstr(cases[i].input, "visibility") != NULL ? "visibility" : "private");
		ck_assert_int_eq(trial_ledger_size(&trial), 0);
	}
}
END_TEST

#define UPSTREAM "GET", "/github/repos/upstream/starter"

/* A fork of a public repository is public, whatever it is asked to be: it is not made. */
START_TEST(test_a_fork_is_seen_as_its_upstream)
{
	static const struct {
		const char *more, *upstream;
		bool made;
	} cases[] = {
		{ ",'visibility':'private'", "public", false },
		{ ",'private':true", "public", false },
		{ ",'private':true", "private", true },
		{ ",'visibility':'private'", "internal", true },
		{ ",'visibility':'public'", "public", true },
		{ "", "public", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 404, .body = NOT_FOUND },
			{ UPSTREAM, .status = 200,
				.body = arena_format(&trial.arena,
					J("{'id':9,'full_name':'upstream/"
					  "starter','name':'starter','owner':{"
					  "'login':'upstream'},'visibility':'%s'}"),
					cases[i].upstream) },
			{ FORK, .status = 202, .body = DOCS(",'fork':true") },
			OWNER,
			{ .method = NULL },
		};
		forget();
		const char *input = arena_format(&trial.arena,
			J("{'owner':'acme','name':'docs','fork':'upstream/starter'%s}"),
			cases[i].more);
		ck_assert_int_eq(
			run_with(rows, input), cases[i].made ? ACTION_WAITING : ACTION_FAILED);
		ck_assert_msg(
			peer_count(trial.peer, FORK) == (cases[i].made ? 1 : 0), "case %zu", i);
		if (!cases[i].made)
			check_failed(ERROR_INVALID_INPUT, "every fork of it", "a template",
				strstr(cases[i].more, "visibility") != NULL ? "visibility"
									    : "private");
	}
}
END_TEST

/* The older `private` has never decided anything of a fork; one that is there goes on. */
START_TEST(test_a_fork_that_is_there_goes_on_with_private)
{
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200,
			.body = DOCS(",'fork':true,'visibility':'public','parent':{'full_name':'"
				     "upstream/"
				     "starter'},'source':{'full_name':'upstream/starter'}") },
		READY,
		{ .method = NULL },
	};
	forget();
	ck_assert_int_eq(
		run_with(rows,
			"{'owner':'acme','name':'docs','fork':'upstream/starter','private':true}"),
		ACTION_DONE);
}
END_TEST

START_TEST(test_refusals_lead_to_the_member)
{
	static const struct {
		const char *input;
		struct peer_row refusal;
		enum error_class class;
		const char *remedy, *member;
	} cases[] = {
		{ INPUT(",'visibility':'public'"),
			{ CREATE, .status = 422,
				.body = REFUSED("{'resource':'Repository','code':'custom','field':"
						"'visibility','message':'Public repositories are "
						"not permitted "
						"for Enterprise Managed Organizations.'}") },
			ERROR_INVALID_INPUT, "\"private\" or \"internal\"", "visibility" },
		{ INPUT(",'visibility':'internal'"),
			{ CREATE, .status = 422,
				.body = REFUSED(
					"{\"message\":\"Visibility can't be internal.\"}") },
			ERROR_INVALID_INPUT, "another \"visibility\"", "visibility" },
		{ INPUT(",'fork':'upstream/starter'"),
			{ FORK, .status = 403,
				.body = "{'message':'The repository exists, but forking is "
					"disabled.'}" },
			ERROR_SCOPE_MISSING, "allow forks", "fork" },
		{ TEMPLATE(""),
			{ GENERATE, .status = 422,
				.body = "{'message':'Unprocessable Entity','errors':['Could not "
					"clone: template "
					"repository not found.']}" },
			ERROR_NOT_FOUND, "must be installed there", "template" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 404, .body = NOT_FOUND },
			{ "GET", "/github/repos/upstream/starter", .status = 404,
				.body = NOT_FOUND },
			cases[i].refusal,
			OWNER,
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, cases[i].input), ACTION_FAILED);
		check_failed(cases[i].class, "", cases[i].remedy, cases[i].member);
		ck_assert_int_eq(trial_attempts(&trial), (int)i + 1);
		ck_assert_int_eq(trial_ledger_size(&trial), 0);
	}
}
END_TEST

#define MOVED                                                                                      \
	{ LOOK, .status = 301, .body = "{}", .headers = "Location: /github/repositories/99",       \
		.times = 1 },                                                                      \
	{                                                                                          \
		"GET", "/github/repositories/99",                                                  \
			.status = 200,                                                             \
			.body = REPOSITORY("99", "docs-old",                                       \
				",'fork':true,'parent':{'full_name':'upstream/"                    \
				"starter'}")                                                       \
	}

/* A failed attempt was renamed by hand: it is neither in the way nor what is wanted. */
START_TEST(test_a_name_that_was_given_up_is_free)
{
	static const struct peer_row rows[] = {
		MOVED,
		{ LOOK, .status = 200, .body = DOCS("") },
		{ GENERATE, .status = 201, .body = DOCS(GENERATED) },
		{ FORK, .status = 202, .body = DOCS("") },
		OWNER,
		READY,
		{ .method = NULL },
	};
	static const char *const inputs[] = { TEMPLATE(""), INPUT(",'fork':'upstream/starter'") };
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		forget();
		ck_assert_int_eq(run_with(rows, inputs[i]), ACTION_DONE);
		ck_assert_ptr_nonnull(
			strstr(trial_output(&trial), J("'id':42,'fullName':'acme/docs'")));
		ck_assert_int_eq(trial_ledger_size(&trial), 1);
	}
}
END_TEST

START_TEST(test_a_redirect_is_not_adopted)
{
	static const struct peer_row rows[] = { MOVED, OWNER, { .method = NULL } };
	ck_assert_int_eq(run_with(rows, INPUT(",'adopt':true")), ACTION_FAILED);
	check_failed(ERROR_NOT_FOUND, "redirects it to acme/docs-old", "acme/docs-old", "name");
	ck_assert_uint_eq(peer_count(trial.peer, CREATE), 0);
	ck_assert_int_eq(trial_ledger_size(&trial), 0);
}
END_TEST

START_TEST(test_what_takes_no_changes_is_not_done)
{
	static const struct {
		const char *state, *message, *remedy;
	} cases[] = {
		{ ",'archived':true", "acme/docs is archived", "Unarchive it" },
		{ ",'disabled':true", "acme/docs is disabled by GitHub", "GitHub support" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 200,
				.body = arena_format(&trial.arena, J(DOCS("%s")), cases[i].state) },
			READY,
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, INPUT(",'adopt':true")), ACTION_FAILED);
		check_failed(ERROR_INVALID_INPUT, cases[i].message, cases[i].remedy, "name");
		ck_assert_str_eq(
			trial_error(&trial)->remedy_url, "https://github.com/acme/docs/settings");
		ck_assert_int_eq(trial_ledger_size(&trial), 0);
		/* And what the app has made, where people have archived it since. */
		trial_made(&trial, "github:repository:acme/docs", 3600000);
		ck_assert_int_eq(run_with(rows, INPUT("")), ACTION_FAILED);
		check_failed(ERROR_INVALID_INPUT, cases[i].message, cases[i].remedy, "name");
		forget();
	}
}
END_TEST

/* Nobody fills it but people; what GitHub fills itself is waited for. */
START_TEST(test_an_empty_one_is_not_waited_for)
{
	static const char *const empty[] = { "", GENERATED };
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		const struct peer_row rows[] = {
			{ LOOK, .status = 200,
				.body = arena_format(&trial.arena, J(DOCS("%s")), empty[i]) },
			{ "GET", "/github/repos/acme/docs/branches/main", .status = 404,
				.body = NOT_FOUND },
			{ "GET", "/github/repos/acme/docs/commits", .status = 409,
				.body = "{'message':'Git Repository is empty.'}" },
			{ .method = NULL },
		};
		ck_assert_int_eq(run_with(rows, INPUT(",'adopt':true")),
			i == 0 ? ACTION_FAILED : ACTION_WAITING);
		if (i == 0)
			check_failed(ERROR_INVALID_INPUT, "no commit", "Push a first commit", "");
	}
	/* One of the app's own that is a moment old: an attempt before this one was killed. */
	static const struct peer_row rows[] = {
		{ LOOK, .status = 200, .body = DOCS("") },
		{ "GET", "/github/repos/acme/docs/branches/main", .status = 404, .body = NOT_FOUND,
			.times = 2 },
		READY,
		{ .method = NULL },
	};
	trial_made(&trial, "github:repository:acme/docs", 5000);
	ck_assert_int_eq(run_with(rows, INPUT("")), ACTION_DONE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_private_unless_somebody_says_otherwise,
		test_both_members_must_agree, test_internal_after_the_template,
		test_what_is_adopted_is_seen_as_asked, test_a_fork_is_seen_as_its_upstream,
		test_a_fork_that_is_there_goes_on_with_private, test_refusals_lead_to_the_member,
		test_a_name_that_was_given_up_is_free, test_a_redirect_is_not_adopted,
		test_what_takes_no_changes_is_not_done, test_an_empty_one_is_not_waited_for, NULL };
	return suite_main("github.repository: what people choose", tests, setup, teardown);
}
