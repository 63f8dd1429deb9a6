/*
 * Actions against a scripted provider, while memory and connections of the worker fail at each
 * place in turn: an error that is tried again, and a later attempt makes what is to be made, once.
 *
 * covers: src/action/context.c src/http/client.c src/provider/provider.c
 * covers: workflows/actions/github_repository.c
 * covers: workflows/actions/github_workflow_run.c workflows/actions/github_protection.c
 * covers: workflows/actions/github_access.c workflows/actions/github_repository_delete.c
 * covers: workflows/actions/vercel_project.c workflows/actions/vercel_environment.c
 * covers: workflows/actions/http_check.c workflows/actions/http_request.c
 */
#include "torture/interpose.h"

#include "action/git_object.h"
#include "actions.h"
#include "base/clock.h"
#include "harness/named_setting.h"
#include "harness/suite.h"
#include "harness/trial.h"

#define REPOSITORY(more)                                                                           \
	"{\"id\":42,\"full_name\":\"acme/docs\",\"name\":\"docs\",\"owner\":{\"login\":\"acme\"}," \
	"\"default_branch\":\"main\",\"html_url\":\"https://github.com/acme/docs\"" more "}"
#define FORKED REPOSITORY(",\"fork\":true,\"parent\":{\"full_name\":\"upstream/starter\"}")
#define GENERATED                                                                                  \
	REPOSITORY(",\"fork\":false,\"template_repository\":{\"full_name\":\"upstream/starter\"}")
#define PROJECT "{\"id\":\"prj_1\",\"name\":\"docs\",\"accountId\":\"team_1\""
#define LINK    ",\"link\":{\"type\":\"github\",\"org\":\"acme\",\"repo\":\"docs\",\"repoId\":42}"
#define HIDDEN                                                                                     \
	"{\"envs\":[{\"id\":\"e1\",\"key\":\"SITE\",\"value\":\"\",\"type\":\"encrypted\","        \
	"\"target\":[\"production\"]"                                                              \
	","                                                                                        \
	"\"updatedAt\":5}]}"
#define LISTED                                                                                     \
	"{\"envs\":[{\"key\":\"SITE\",\"value\":\"docs\",\"type\":\"plain\",\"target\":["          \
	"\"production\"],"                                                                         \
	"\"gitBranch\":null,\"updatedAt\":200}]}"
#define NOT_THERE                                                                                  \
	"{\"message\":\"Not Found\",\"error\":{\"code\":\"not_found\",\"message\":\"Not found\"}}"

#define LOOK_REPOSITORY "GET", "/github/repos/acme/docs"
#define FORK            "POST", "/github/repos/upstream/starter/forks"
#define GENERATE        "POST", "/github/repos/upstream/starter/generate"
#define LIST_RUNS       "GET", "/github/repos/acme/docs/actions/workflows/setup.yml/runs"
#define DISPATCH        "POST", "/github/repos/acme/docs/actions/workflows/setup.yml/dispatches"
#define RULES           "/github/repos/acme/docs/rules/branches/main"
#define RULESETS        "/github/repos/acme/docs/rulesets"
#define RULESET                                                                                    \
	"{\"id\":7,\"name\":\"slipway: main\",\"enforcement\":\"active\","                         \
	"\"bypass_actors\":[],\"conditions\":{\"ref_name\":{\"include\":[\"refs/heads/main\"],"    \
	"\"exclude\":[]}},\"rules\":[{\"type\":\"deletion\"},{\"type\":\"non_fast_forward\"},"     \
	"{\"type\":\"pull_request\",\"parameters\":{\"required_approving_review_count\":1}},"      \
	"{\"type\":\"required_status_checks\",\"parameters\":{\"required_status_checks\":"         \
	"[{\"context\":\"build\"}]}}]}"
#define PROTECTION "/github/repos/acme/docs/branches/main/protection"
#define PROTECTED                                                                                  \
	"{\"required_status_checks\":{\"strict\":false,\"contexts\":[\"build\"]},"                 \
	"\"required_pull_request_reviews\":{\"required_approving_review_count\":1},"               \
	"\"restrictions\":{\"users\":[{\"login\":\"ann\"}],\"teams\":[],\"apps\":[]}}"
#define HEAD_COMMIT(sha) "{\"sha\":\"" sha "\",\"commit\":{\"tree\":{\"sha\":\"t1\"}}}"
#define INVITED          "{\"id\":5,\"invitee\":{\"login\":\"ann\"},\"permissions\":\"write\"}"
#define LOOK_PROJECT     "GET", "/vercel/v9/projects/docs"
#define KNOWN_PROJECT    "GET", "/vercel/v9/projects/prj_1"
#define CREATE_PROJECT   "POST", "/vercel/v11/projects"
#define LIST             "GET", "/vercel/v10/projects/prj_1/env"
#define WRITE            "POST", "/vercel/v10/projects/prj_1/env"
#define LINK_PROJECT     "POST", "/vercel/v9/projects/prj_1/link"

#define READY                                                                                      \
	{ "GET", "/github/repos/acme/docs/branches/main", .status = 200,                           \
		.body = "{\"name\":\"main\",\"commit\":{\"sha\":\"abc123\"}}" },                   \
		{ "GET", "/github/repos/acme/docs/commits", .status = 200,                         \
			.body = "[{\"sha\":\"abc123\"}]" },                                        \
	{                                                                                          \
		"GET", "/github/orgs/acme", .status = 200, .body = "{\"login\":\"acme\"}"          \
	}

/* Has the peer's own address. */
static char request_input[512];

/* The first row is the look, the second one the request that makes it. */
static const struct action_case {
	const char *name;
	const struct action_definition *action;
	const char *input;
	struct peer_row rows[8];
	int absent; /* what the look answers before it was made, with this body; 0: it was there
		       before */
	const char *absent_body;
	bool repeats; /* the request is sent each time, and harms nobody */
	const char *ledger_field, *ledger_value; /* what is known to be ours; NULL: nothing */
} cases[] = {
	{ .name = "note", .action = &note, .input = "{\"text\":\"x\"}" },
	{ .name = "github.repository by a fork",
		.action = &github_repository,
		.input = "{\"owner\":\"acme\",\"name\":\"docs\",\"fork\":\"upstream/starter\"}",
		.rows = { { LOOK_REPOSITORY, .status = 200, .body = FORKED },
			{ FORK, .status = 202, .body = FORKED }, READY },
		.absent = 404,
		.absent_body = NOT_THERE },
	{ .name = "github.repository of its own",
		.action = &github_repository,
		.input = "{\"owner\":\"acme\",\"name\":\"docs\"}",
		.rows = { { LOOK_REPOSITORY, .status = 200, .body = REPOSITORY("") },
			{ "POST", "/github/orgs/acme/repos", .status = 201,
				.body = REPOSITORY("") },
			READY },
		.absent = 404,
		.absent_body = NOT_THERE },
	{ .name = "github.repository from a template",
		.action = &github_repository,
		.input = "{\"owner\":\"acme\",\"name\":\"docs\",\"template\":\"upstream/starter\"}",
		.rows = { { LOOK_REPOSITORY, .status = 200, .body = GENERATED },
			{ GENERATE, .status = 201, .body = GENERATED }, READY },
		.absent = 404,
		.absent_body = NOT_THERE },
	{ .name = "github.repository of the ledger",
		.action = &github_repository,
		.input = "{\"owner\":\"acme\",\"name\":\"docs\",\"template\":\"upstream/starter\"}",
		.rows = { { LOOK_REPOSITORY, .status = 200, .body = REPOSITORY("") },
			{ GENERATE, .status = 422, .body = NOT_THERE }, READY },
		.ledger_field = "github:repository:acme/docs",
		.ledger_value = "{\"id\":\"42\",\"created\":true}" },
	{ .name = "github.workflow",
		.action = &github_workflow_run,
		.input = "{\"repository\":\"acme/docs\",\"workflow\":\"setup.yml\"}",
		.rows = { { LIST_RUNS, .status = 200, .body = "{\"workflow_runs\":[{\"id\":77}]}" },
			{ DISPATCH, .status = 204 },
			{ "GET", "/github/repos/acme/docs/actions/runs/77", .status = 200,
				.body = "{\"id\":77,\"status\":\"completed\",\"conclusion\":"
					"\"success\"}" },
			{ LOOK_REPOSITORY, .status = 200, .body = REPOSITORY("") }, READY },
		.absent = 200,
		.absent_body = "{\"workflow_runs\":[]}" },
	{ .name = "github.protection",
		.action = &github_protection,
		.input = "{\"repository\":\"acme/"
			 "docs\",\"requiredReviews\":1,\"requiredChecks\":[\"build\"]}",
		.rows = { { "GET", PROTECTION, .status = 200, .body = PROTECTED },
			{ "PUT", PROTECTION, .status = 200, .body = PROTECTED },
			{ "GET", RULES, .status = 200, .body = "[]" } },
		.absent = 404,
		.absent_body = NOT_THERE },
	{ .name = "github.protection by a ruleset",
		.action = &github_protection,
		.input = "{\"repository\":\"acme/"
			 "docs\",\"requiredReviews\":1,\"requiredChecks\":[\"build\"]}",
		.rows = { { "GET", RULESETS, .status = 200,
				  .body = "[{\"id\":7,\"name\":\"slipway: main\"}]" },
			{ "POST", RULESETS, .status = 201, .body = RULESET },
			{ "GET", RULESETS "/7", .status = 200, .body = RULESET },
			{ "GET", PROTECTION, .status = 404, .body = NOT_THERE },
			{ "GET", RULES, .status = 200,
				.body = "[{\"type\":\"pull_request\",\"parameters\":{}}]" } },
		.absent = 200,
		.absent_body = "[]" },
	{ .name = "github.access",
		.action = &github_access,
		.input = "{\"repository\":\"acme/docs\",\"user\":\"ann\"}",
		.rows = { { "GET", "/github/repos/acme/docs/invitations", .status = 200,
				  .body = "[" INVITED "]" },
			{ "PUT", "/github/repos/acme/docs/collaborators/ann", .status = 201,
				.body = INVITED },
			{ "GET", "/github/repos/acme/docs/collaborators", .status = 200,
				.body = "[]" } },
		.absent = 200,
		.absent_body = "[]" },
	{ .name = "github.files",
		.action = &github_files,
		.input = "{\"repository\":\"acme/docs\",\"branch\":\"main\",\"message\":\"Set up\","
			 "\"files\":[{\"path\":\"README.md\",\"content\":\"hello\"}]}",
		.rows = { { "GET", "/github/repos/acme/docs/commits/heads%2Fmain", .status = 200,
				  .body = HEAD_COMMIT("c2") },
			{ "PATCH", "/github/repos/acme/docs/git/refs/heads%2Fmain", .status = 200,
				.body = "{}" },
			{ "GET", "/github/repos/acme/docs/git/trees/t1", .status = 200,
				.body = "{\"tree\":[]}" },
			{ "POST", "/github/repos/acme/docs/git/trees", .status = 201,
				.body = "{\"sha\":\"t2\"}" },
			{ "POST", "/github/repos/acme/docs/git/commits", .status = 201,
				.body = "{\"sha\":\"c2\"}" },
			{ "GET", "/github/repos/acme/docs/commits", .status = 200, .body = "[]" } },
		.absent = 200,
		.absent_body = HEAD_COMMIT("c1") },
	{ .name = "github.variables",
		.action = &github_variables,
		.input = "{\"repository\":\"acme/"
			 "docs\",\"variables\":[{\"name\":\"SITE\",\"value\":\"docs\"}]}",
		.rows = { { "GET", "/github/repos/acme/docs/actions/variables", .status = 200,
				  .body = "{\"variables\":[{\"name\":\"SITE\",\"value\":\"docs\"}]"
					  "}" },
			{ "POST", "/github/repos/acme/docs/actions/variables", .status = 201,
				.body = "{}" } },
		.absent = 200,
		.absent_body = "{\"variables\":[]}" },
	{ .name = "github.secrets",
		.action = &github_secrets,
		.input = "{\"repository\":\"acme/"
			 "docs\",\"secrets\":[{\"name\":\"KEY\",\"value\":\"hush\"}]}",
		.rows = { { "GET", "/github/repos/acme/docs/actions/secrets/public-key",
				  .status = 200,
				  .body = "{\"key_id\":\"1\","
					  "\"key\":\"9CA5H2XPWXzRPJ8xtgM0ho8JpAUGmUzKHR0rjo7pCWs="
					  "\"}" },
			{ "PUT", "/github/repos/acme/docs/actions/secrets/KEY", .status = 201,
				.body = "{}" } },
		.repeats = true },
	{ .name = "github.repository-delete",
		.action = &github_repository_delete,
		.input = "{\"confirm\":\"trial-app\"}",
		.rows = { { LOOK_REPOSITORY, .status = 404, .body = NOT_THERE },
			{ "DELETE", "/github/repos/acme/docs", .status = 204 } },
		.absent = 200, /* done is when it is gone */
		.absent_body = REPOSITORY(""),
		.ledger_field = "github:repository:acme/docs",
		.ledger_value = "{\"id\":\"42\",\"created\":true}" },
	{ .name = "vercel.project",
		.action = &vercel_project,
		.input = "{\"name\":\"docs\",\"repository\":\"acme/docs\",\"repositoryId\":42}",
		.rows = { { LOOK_PROJECT, .status = 200, .body = PROJECT LINK "}" },
			{ CREATE_PROJECT, .status = 200, .body = PROJECT LINK "}" },
			{ KNOWN_PROJECT, .status = 200, .body = PROJECT LINK "}" } },
		.absent = 404,
		.absent_body = NOT_THERE },
	{ .name = "vercel.project of the ledger, which is linked",
		.action = &vercel_project,
		.input = "{\"name\":\"docs\",\"repository\":\"acme/docs\",\"repositoryId\":42}",
		.rows = { { KNOWN_PROJECT, .status = 200, .body = PROJECT LINK "}" },
			{ LINK_PROJECT, .status = 200, .body = PROJECT LINK "}" } },
		.absent = 200,
		.absent_body = PROJECT "}",
		.ledger_field = "vercel:project:docs",
		.ledger_value = "{\"id\":\"prj_1\",\"created\":true}" },
	{ .name = "vercel.environment",
		.action = &vercel_environment,
		.input = "{\"project\":\"prj_1\",\"variables\":[{\"key\":\"SITE\",\"value\":"
			 "\"docs\",\"type\":\"plain\","
			 "\"targets\":[\"production\"]}]}",
		.rows = { { LIST, .status = 200, .body = LISTED },
			{ WRITE, .status = 201,
				.body = "{\"created\":[{\"key\":\"SITE\"}],\"failed\":[]}" } },
		.absent = 200,
		.absent_body = "{\"envs\":[]}" },
	{ .name = "vercel.environment, of which Vercel shows no value",
		.action = &vercel_environment,
		.input = "{\"project\":\"prj_1\",\"variables\":[{\"key\":\"SITE\",\"value\":"
			 "\"docs\",\"targets\":["
			 "\"production\"]}]}",
		.rows = { { LIST, .status = 200, .body = HIDDEN },
			{ WRITE, .status = 201,
				.body = "{\"created\":[{\"key\":\"SITE\"}],\"failed\":[]}" } },
		.repeats = true,
		.absent = 200,
		.absent_body = "{\"envs\":[]}" },
	{ .name = "http.check",
		.action = &http_check,
		.input = NULL, /* the peer's own address */
		.rows = { { "GET", "/site", .status = 200, .body = "<h1>Docs</h1>" } } },
	{ .name = "http.request with a look",
		.action = &http_request,
		.input = request_input,
		.rows = { { "GET", "/things", .status = 200,
				  .body = "[{\"name\":\"docs\",\"id\":7}]" },
			{ "POST", "/things", .status = 201, .body = "{}" } },
		.absent = 200,
		.absent_body = "[]" },
};

static const struct action_case *tried;
static struct trial trial; /* the peer and the settings are used, and nothing is attempted by it */
static struct peer_row rows[9];
static char check_input[160];
/* What is left of one attempt for the next. */
static struct {
	struct action_context context;
	struct http_client *client;
	struct arena arena; /* of the last attempt */
	cJSON *ledger;
	char checkpoint[4096];
	int attempts;
	int64_t age_ms;
} run;
static enum action_result result_now;
static enum error_class class_now;
static char output_now[4096], message_now[512];
static long live_before;

/* ---- what keeps things, which is never under a fault ---- */

static bool quiet_begin(void)
{
	bool armed = faults.armed;
	faults.armed = false;
	return armed;
}

static enum error_class on_save(void *backend, const char *checkpoint, struct error *error)
{
	(void)backend;
	(void)error;
	snprintf(run.checkpoint, sizeof(run.checkpoint), "%s", checkpoint);
	return ERROR_NONE;
}

static enum error_class on_ledger_write(
	void *backend, const struct ledger_change *change, struct error *error)
{
	(void)backend;
	(void)error;
	bool armed = quiet_begin();
	if (change->checkpoint != NULL && on_save(backend, change->checkpoint, error) != ERROR_NONE)
		return error->class;
	cJSON_DeleteItemFromObjectCaseSensitive(run.ledger, change->field);
	if (change->value != NULL)
		ck_assert_ptr_nonnull(
			cJSON_AddStringToObject(run.ledger, change->field, change->value));
	faults.armed = armed;
	return ERROR_NONE;
}

static void on_log(void *backend, const char *line)
{
	(void)backend;
	(void)line;
}

static void on_admit(void *backend, const char *provider, const char *credential,
	struct call_admission *ret_admission)
{
	(void)backend;
	(void)provider;
	(void)credential;
	*ret_admission = (struct call_admission){ 0 };
}

static void on_report_limit(
	void *backend, const char *provider, const char *credential, int64_t closed_ms)
{
	(void)backend;
	(void)provider;
	(void)credential;
	(void)closed_ms;
}

static const struct action_backend backend = { .save = on_save,
	.ledger_write = on_ledger_write,
	.log = on_log,
	.admit = on_admit,
	.report_limit = on_report_limit };

/* ---- attempts ---- */

/* As the worker makes them: what cannot be written out has not happened, and the lease decides. */
static void attempt(void)
{
	run.attempts++;
	arena_release(&run.arena);
	arena_init(&run.arena, 0);
	run.context = (struct action_context){
		.action = tried->action,
		.app = "trial-app",
		.run_id = "0123456789abcdef0123456789abcdef",
		.attempt = run.attempts,
		.age_ms = run.age_ms,
		.started_at = clock_monotonic_ms(),
		.deadline_at = clock_monotonic_ms() + PATIENCE_MS,
		.settings = &trial.settings,
		.client = run.client,
		.arena = &run.arena,
		.ledger = run.ledger,
		.backend = &backend,
	};
	const char *input = tried->input != NULL ? tried->input : check_input, *output = NULL;
	cJSON *json;
	result_now = ACTION_FAILED;
	if (json_parse(input, strlen(input), JSON_LIMITS_WIDE, &json, &run.context.error) ==
		ERROR_NONE)
		result_now = context_execute(&run.context, json, run.checkpoint);
	cJSON_Delete(json);
	class_now = result_now == ACTION_FAILED ? run.context.error.class : ERROR_NONE;
	snprintf(message_now, sizeof(message_now), "%s",
		result_now == ACTION_FAILED ? run.context.error.message : "");
	if (result_now == ACTION_DONE && (output = context_output(&run.context)) == NULL) {
		result_now = ACTION_FAILED;
		class_now = ERROR_OUT_OF_MEMORY;
		snprintf(message_now, sizeof(message_now), "no memory for the output");
	}
	snprintf(output_now, sizeof(output_now), "%s", output != NULL ? output : "");
	const char *checkpoint = context_checkpoint(&run.context);
	if (checkpoint != NULL)
		snprintf(run.checkpoint, sizeof(run.checkpoint), "%s", checkpoint);
	if (result_now == ACTION_WAITING)
		run.age_ms += run.context.wait_ms;
	context_release(&run.context);
}

static size_t made(void)
{
	return rows[1].method != NULL ? peer_count(trial.peer, rows[1].method, rows[1].path) : 0;
}

/* What was made is seen by the next look. */
static void show(bool there)
{
	rows[0].status = there ? tried->rows[0].status : tried->absent;
	rows[0].body = there ? tried->rows[0].body : tried->absent_body;
}

static void prepare(void)
{
	struct error error;
	memcpy(rows, tried->rows, sizeof(tried->rows));
	show(tried->absent == 0);
	peer_set(trial.peer, rows);
	run.checkpoint[0] = '\0';
	run.age_ms = 0;
	run.attempts = 0;
	live_before = faults.live;
	run.ledger = cJSON_CreateObject();
	if (tried->ledger_field != NULL)
		cJSON_AddStringToObject(run.ledger, tried->ledger_field, tried->ledger_value);
	arena_init(&run.arena, 0);
	ck_assert_int_eq(http_client_new(&run.client, &error), ERROR_NONE);
}

static void check(bool faulted, const char *what)
{
	/* Of a connection that broke here, the provider may still be reading the request. */
	peer_settle(trial.peer);
	ck_assert_msg(faulted || result_now != ACTION_FAILED, "%s: %s", what, message_now);
	if (result_now == ACTION_FAILED) {
		/* Memory and the network: nothing that a person is asked to mend, or that ends the
		 * run. */
		ck_assert_msg(class_now == ERROR_OUT_OF_MEMORY || class_now == ERROR_NETWORK ||
				class_now == ERROR_TIMEOUT,
			"%s: %s: %s", what, error_class_facts(class_now)->name, message_now);
		ck_assert_msg(message_now[0] != '\0', "%s: no message", what);
	}
	/* What may have been asked for is looked for for a minute, every two seconds, before it is
	 * asked for again. */
	for (int tries = 0; tries < 50 && result_now != ACTION_DONE; tries++) {
		show(tried->absent == 0 || made() > 0);
		attempt();
		ck_assert_msg(result_now != ACTION_FAILED, "%s: then %s: %s", what,
			error_class_facts(class_now)->name, message_now);
	}
	ck_assert_msg(result_now == ACTION_DONE, "%s: it waits for ever", what);
	if (tried->repeats)
		ck_assert_msg(made() > 0, "%s: never made", what);
	else
		ck_assert_msg(
			made() == (tried->absent != 0 ? 1 : 0), "%s: made %zu times", what, made());
	cJSON *output = cJSON_Parse(output_now);
	ck_assert_msg(cJSON_IsObject(output), "%s: %s", what, output_now);
	cJSON_Delete(output);
	http_client_free(run.client);
	arena_release(&run.arena);
	cJSON_Delete(run.ledger);
	torture_check_live(live_before, what);
}

static void torture_actions(size_t from, size_t to)
{
	trial_begin(&trial);
	snprintf(check_input, sizeof(check_input), "{\"url\":\"%s/site\"}", peer_url(trial.peer));
	snprintf(request_input, sizeof(request_input),
		"{\"method\":\"POST\",\"url\":\"%s/things\",\"output\":{\"id\":\"/id\"},"
		"\"look\":{\"url\":\"%s/things\",\"at\":\"/*\",\"where\":{\"/name\":\"docs\"},"
		"\"id\":\"/id\"}}",
		peer_url(trial.peer), peer_url(trial.peer));
	for (size_t i = from; i < to && i < sizeof(cases) / sizeof(cases[0]); i++) {
		tried = &cases[i];
		torture_all(
			&(struct torture){ tried->name, prepare, attempt, check }, FAULT_MALLOC);
	}
	trial_end(&trial);
}

START_TEST(test_action)
{
	torture_actions((size_t)_i, (size_t)_i + 1);
}
END_TEST

int main(void)
{
	char name[GIT_NAME_SIZE];
	struct error error;
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGPIPE, &ignore, NULL);
	/* libcrypto keeps what it loads for the first hash. */
	if (git_blob("", 0, name, &error) != ERROR_NONE)
		return EXIT_FAILURE;
	torture_begin();
	Suite *suite = suite_create("actions under faults");
	TCase *test_case = tcase_create("actions");
	tcase_set_timeout(test_case, 60);
	tcase_add_loop_test(test_case, test_action, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(suite, test_case);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	torture_end();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
