/*
 * Everything here runs with the private keys in reach, so it is short. One question after the
 * other: to open a box takes a tenth of a millisecond.
 */
#include "worker/keeper.h"

#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "base/locked_text.h"
#include "base/log.h"
#include "core/connection.h"
#include "core/reference.h"
#include "core/run_input.h"
#include "core/secret.h"
#include "core/secret_input.h"
#include "worker/credentials.h"
#include "worker/decline.h"
#include "worker/handover.h"
#include "worker/mint_order.h"
#include "worker/protocol.h"
#include "worker/sandbox.h"
#include "worker/serve.h"

/* ---- who may have what ---- */

static const struct field opening_fields[] = {
	{ STRING_FIELD("tenant", struct opening, tenant), .required = true },
	{ STRING_FIELD("app", struct opening, app), .required = true },
	{ STRING_FIELD("workflow", struct opening, workflow), .required = true },
	{ STRING_FIELD("step", struct opening, step), .required = true },
	{ STRING_FIELD("input", struct opening, input), .required = true },
	{ STRING_FIELD("reference", struct opening, reference), .required = true },
	{ STRING_FIELD("owner", struct opening, owner), .required = true },
	{ STRING_FIELD("name", struct opening, name), .required = true },
	{ STRING_FIELD("provider", struct opening, provider), .required = true },
	{ STRING_FIELD("record", struct opening, record), .required = true },
	{ OBJECT_FIELD("wish", struct opening, wish), .record = &mint_wish_record },
	{ INTEGER_FIELD("skew", struct opening, skew_seconds) },
	{ STRING_FIELD("sealed", struct opening, sealed), .required = true },
	{ STRING_FIELD("key", struct opening, key), .required = true },
};
const struct record opening_record = RECORD(struct opening, opening_fields);

struct search {
	const struct opening *opening;
	bool found;
};

static enum error_class compare(
	void *context, const struct reference *reference, struct error *error)
{
	struct search *search = context;
	const struct opening *opening = search->opening;
	const bool is_named = opening->reference[0] != '\0';
	(void)error;

	if (is_named && reference->kind == REFERENCE_SECRET)
		search->found |= strcmp(reference->parts[0], opening->reference) == 0;
	if (!is_named && reference->kind == REFERENCE_SEALED)
		search->found |= strlen(opening->sealed) == reference->length &&
			memcmp(opening->sealed, reference->text, reference->length) == 0;
	return ERROR_NONE;
}

/* What stands outside of fields for secrets makes the whole input one that gets none. */
static enum error_class search_input(void *context, const struct action_definition *action,
	const cJSON *input, struct error *error)
{
	if (secret_input_check(&action->input, input, "/input", NULL, error) != ERROR_NONE)
		return error->class;
	return references_visit(input, "/input", compare, context, NULL, error);
}

static enum error_class authorise(
	const struct opening *opening, struct arena *arena, struct error *error)
{
	const struct run_name name = { opening->tenant, opening->app, opening->workflow,
		opening->step };
	const struct step_definition *step = step_of(&name);
	struct search search = { .opening = opening };

	if (step == NULL)
		return error_set(error, ERROR_INVALID_INPUT, "this build has no such step");
	/* An input that refers to nothing is not handed on. */
	enum error_class class = opening->input[0] != '\0'
		? run_inputs_visit(workflow_find(opening->workflow), step, opening->input, arena,
			  search_input, &search, error)
		: ERROR_NONE;
	if (class != ERROR_NONE || search.found)
		return class;
	return error_set(error, ERROR_NOT_ALLOWED,
		"the input of the run does not refer to the secret '%s' where one may stand",
		opening->reference);
}

static enum error_class open_secret(const char *private_keys, const struct opening *opening,
	struct arena *arena, const char **ret_text, struct error *error)
{
	const bool is_named = opening->reference[0] != '\0';
	/* What stands in an input was sealed for its app, whatever is said of it. */
	const struct secret_name name = { opening->tenant, is_named ? opening->owner : opening->app,
		is_named ? opening->name : SECRET_INPUT_NAME };

	if (authorise(opening, arena, error) != ERROR_NONE)
		return error->class;
	return secret_open(private_keys, &name, opening->sealed, arena, ret_text, error);
}

enum error_class opening_answer(const char *private_keys, const struct credentials *credentials,
	const struct opening *opening, struct arena *arena, const char **ret_box,
	struct error *error)
{
	const char *text = NULL;
	enum error_class class = opening->provider[0] != '\0'
		? credentials_answer(credentials, private_keys, opening, arena, &text, error)
		: open_secret(private_keys, opening, arena, &text, error);

	*ret_box = NULL;
	if (class != ERROR_NONE || text == NULL)
		return class;
	return handover_seal(opening->key, text, arena, ret_box, error);
}

/* ---- the process ---- */

struct keeper {
	char *keys; /* in pages that are locked, and open only while they are used; NULL: none */
	struct credentials credentials;
};

static enum error_class answer(void *context, const char *text, size_t length, struct arena *arena,
	struct reply *reply, struct error *error)
{
	struct keeper *keeper = context;
	struct opening opening;

	if (keeper->keys != NULL)
		sodium_mprotect_readonly(keeper->keys);
	enum error_class class =
		message_read(&opening_record, text, length, arena, &opening, error);
	if (class == ERROR_NONE)
		class = opening_answer(
			keeper->keys, &keeper->credentials, &opening, arena, &reply->text, error);
	if (keeper->keys != NULL)
		sodium_mprotect_noaccess(keeper->keys);
	return class;
}

/* Out of the settings, where nothing is left of it. */
static enum error_class take_keys(
	struct keeper *keeper, struct settings *settings, struct error *error)
{
	if (settings->secrets_keys == NULL && settings_reload(settings, NULL, error) != ERROR_NONE)
		return error->class;
	const char *keys = settings->secrets_keys;
	keeper->keys = keys != NULL ? locked_text_new(keys, strlen(keys), "private keys") : NULL;
	if (keys != NULL && keeper->keys == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for the keys");
	enum error_class class = credentials_take(&keeper->credentials, settings, error);
	settings_forget(settings, NULL);
	return class;
}

int keeper_run(struct settings *settings, int channel)
{
	static const struct sandbox sandbox = { .offline = true };
	struct keeper keeper = { .keys = NULL };
	struct error error;

	enum error_class class = take_keys(&keeper, settings, &error);
	if (class == ERROR_NONE)
		class = sandbox_enter(&sandbox, &error);
	if (class == ERROR_NONE)
		serve(channel, answer, &keeper);
	else
		log_error("keeper cannot start", &error);
	sodium_free(keeper.keys);
	credentials_release(&keeper.credentials);
	return class == ERROR_NONE ? 0 : 1;
}
