/*
 * github.secrets: sets secrets of a repository for GitHub Actions, sealed with the repository's
 * public key. Other secrets are not touched.
 *
 * Natural key: owner/name and the name of the secret. GitHub never shows a value, so every run
 * writes each secret, which may safely be repeated. The checkpoint counts the secrets written, so
 * that after a rate limit the run continues with the next one. Secrets are deleted with their
 * repository, so there is no action to undo them. No value, and nothing derived from one, is stored
 * or logged.
 *
 * API: https://docs.github.com/rest/actions/secrets.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "slipway/crypto.h"
#include "slipway/provider.h"

#define SECRETS_MAX 100 /* as many as a repository may have */
#define VALUE_MAX   49152
#define CHECK_MS    2000

struct secret {
	const char *name, *value;
};
static const struct field secret_fields[] = {
	{ STRING_FIELD("name", struct secret, name), .required = true, .pattern = SETTING_PATTERN,
		.form = SETTING_FORM,
		.description = "Name of the secret; GitHub writes it in upper case" },
	{ STRING_FIELD("value", struct secret, value), .required = true, .minimum = 1,
		.maximum = VALUE_MAX, .secret = true,
		.description = "Value of the secret: it is sealed for GitHub, and appears in no "
			       "output, event or log" },
};
static const struct record secret_record = RECORD(struct secret, secret_fields);

struct input {
	const char *repository;
	struct object_list secrets;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "The repository, as owner/name" },
	{ OBJECTS_FIELD("secrets", struct input, secrets), .required = true,
		.record = &secret_record, .maximum = SECRETS_MAX,
		.description = "The secrets to set" },
};

/* Written by this run so far: always the first ones of the input. */
struct counts {
	int64_t created, updated;
};
static const struct field checkpoint_fields[] = {
	{ INTEGER_FIELD("created", struct counts, created) },
	{ INTEGER_FIELD("updated", struct counts, updated) },
};
static const struct field output_fields[] = {
	{ INTEGER_FIELD("created", struct counts, created), .incidental = true,
		.description = "Number of secrets that did not exist before" },
	{ INTEGER_FIELD("updated", struct counts, updated), .incidental = true,
		.description = "Number of secrets that existed and were overwritten" },
};

/* What GitHub returns. The id has more digits than a number can hold. */
struct public_key {
	const char *key_id, *key;
};
static const struct field public_key_fields[] = {
	{ SCALAR_FIELD("key_id", struct public_key, key_id), .required = true },
	{ STRING_FIELD("key", struct public_key, key), .required = true },
};
static const struct record public_key_record = RECORD(struct public_key, public_key_fields);

/* What we send. */
struct sealed {
	const char *encrypted_value, *key_id;
};
static const struct field sealed_fields[] = {
	{ STRING_FIELD("encrypted_value", struct sealed, encrypted_value) },
	{ STRING_FIELD("key_id", struct sealed, key_id) },
};
static const struct record sealed_record = RECORD(struct sealed, sealed_fields);

/* ---- calls ---- */

/* A repository that was just created may be invisible. */
static enum action_result miss_repository(struct action_context *context, const struct input *input)
{
	if (provider_is_late(context))
		return action_wait(context, CHECK_MS, "%s to become visible", input->repository);
	action_fail(context, ERROR_NOT_FOUND,
		"GitHub returns no public key for secrets of %s: the repository does not exist, or "
		"the token cannot access its secrets",
		input->repository);
	action_remedy(context, NULL,
		"Check the name of the repository, and give the token the permission secrets: "
		"write.");
	return action_remedy_input(context, "repository");
}

/* A key that seals, in a plan for a repository that has none yet: nothing is sent by it. */
#define KEY_OF_NEW "{\"key_id\":\"0\",\"key\":\"CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"

static enum action_result fetch_key(
	struct action_context *context, const struct input *input, struct public_key *ret_key)
{
	struct provider_response response;
	struct provider_request request = {
		.path = "/repos/{owner}/{repo}/actions/secrets/public-key",
		.when_new = KEY_OF_NEW,
		.expect = { 404 },
	};

	if (!split_repository(context, input->repository, request.parameters) ||
		!provider_call(context, &github, &request, &response))
		return action_failed(context);
	if (response.status == 404)
		return miss_repository(context, input);
	return provider_decode(context, &response, &public_key_record, ret_key)
		? ACTION_DONE
		: action_failed(context);
}

static bool send_secret(struct action_context *context, const struct input *input,
	const struct secret *secret, const struct public_key *key,
	struct provider_response *response)
{
	const struct sealed body = { seal_text(context, key->key, secret->value), key->key_id };
	struct provider_request request = { .method = HTTP_PUT,
		.path = "/repos/{owner}/{repo}/actions/secrets/{secret_name}",
		.body_record = &sealed_record,
		.body = &body,
		.expect = { 422 } };

	if (body.encrypted_value == NULL ||
		!split_repository(context, input->repository, request.parameters))
		return false;
	request.parameters[2] = secret->name;
	return provider_call(context, &github, &request, response);
}

/* ---- all of it ---- */

/* GitHub may have refused because it has changed the key since: fetch the key again, and retry
 * once. */
static enum action_result write_secret(struct action_context *context, const struct input *input,
	const struct secret *secret, struct public_key *key, struct counts *counts)
{
	struct provider_response response;

	if (!send_secret(context, input, secret, key, &response))
		return action_failed(context);
	if (response.status == 422) {
		enum action_result result = fetch_key(context, input, key);
		if (result != ACTION_DONE)
			return result;
		if (!send_secret(context, input, secret, key, &response))
			return action_failed(context);
	}

	if (response.status == 422) {
		action_fail(context, ERROR_INVALID_INPUT, "GitHub refuses secret %s of %s: %s",
			secret->name, input->repository, response.message);
		action_remedy(
			context, NULL, "Check the name of the secret and the length of its value.");
		return action_remedy_input(context, "secrets");
	}

	counts->created += response.status == 201 ? 1 : 0;
	counts->updated += response.status == 201 ? 0 : 1;
	return ACTION_DONE;
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	const struct secret *list = input->secrets.items;

	for (size_t i = 0; i < input->secrets.count; i++) {
		const char *wrong = setting_name_problem(list[i].name);
		for (size_t j = 0; j < i && wrong == NULL; j++)
			if (strcasecmp(list[j].name, list[i].name) == 0)
				wrong = "is given twice: GitHub ignores case";
		if (wrong == NULL)
			continue;
		const struct input_fault fault = { "secrets", "name", i, "Choose another name." };
		input_fault(check, &fault, "secret name %s %s", list[i].name, wrong);
	}
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct counts *counts = raw_checkpoint;
	const struct secret *secrets = input->secrets.items;
	struct public_key key;
	size_t next = (size_t)(counts->created + counts->updated);
	enum action_result result =
		next < input->secrets.count ? fetch_key(context, input, &key) : ACTION_DONE;

	/* For plans: GitHub shows no value, so each is written each time. */
	for (size_t i = next; i < input->secrets.count; i++)
		action_difference(context, "%s will be written", secrets[i].name);
	for (; result == ACTION_DONE && next < input->secrets.count; next++)
		result = write_secret(context, input, &secrets[next], &key, counts);
	if (result != ACTION_DONE)
		return result;
	action_log(context, "wrote %zu secrets to %s", input->secrets.count, input->repository);
	*(struct counts *)raw_output = *counts;
	return action_done(context);
}

static const struct string_pair permissions[] = { { "secrets", "write" }, { "metadata", "read" },
	{ NULL, NULL } };

const struct action_definition github_secrets = {
	.id = "github.secrets",
	.summary = "Sets GitHub Actions secrets of a repository",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct counts, checkpoint_fields),
	.output = RECORD(struct counts, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.permissions = permissions,
	.one_repository = true,
};
