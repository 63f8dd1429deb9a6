/*
 * One forged row of an app is enough to refuse all of its runs: whoever could write one may have
 * taken others away.
 */
#include "worker/belief.h"

#include <string.h>

#include "base/text.h"
#include "slipway/field.h"

/* ---- signing ---- */

static enum error_class no_memory(struct error *error)
{
	return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a MAC");
}

static bool is_there(const char *text)
{
	return text != NULL && text[0] != '\0';
}

enum error_class belief_sign(const struct signer *signer, struct run_write *write,
	struct arena *arena, struct error *error)
{
	const struct run_name name = lease_name(signer->lease);
	const struct app_name app = run_app(&name);
	const struct mac_place checkpoint =
		checkpoint_place(&name, signer->run_id, signer->input_digest);
	const struct mac_place row = row_place(&app, write->ledger_field);
	const struct mac_place output = output_place(&name);

	if (is_there(write->checkpoint)) {
		write->checkpoint =
			checkpoint_sign(signer->keys, &checkpoint, write->checkpoint, arena);
		if (write->checkpoint == NULL)
			return no_memory(error);
	}
	if (is_there(write->ledger_value)) {
		write->ledger_value = row_sign(signer->keys, &row, write->ledger_value, arena);
		if (write->ledger_value == NULL)
			return no_memory(error);
	}
	if (is_there(write->gives)) {
		write->gives =
			gives_sign(signer->keys, &output, write->output, write->gives, arena);
		if (write->gives == NULL)
			return no_memory(error);
	}
	return ERROR_NONE;
}

/* ---- checking ---- */

static bool is_believed(enum mac_state state)
{
	return state == MAC_VALID || state == MAC_OLDER;
}

static enum error_class refuse_row(
	const struct run *run, const char *field, enum mac_state state, struct error *error)
{
	error_set(error, ERROR_FORGED, "the row %.200s of the ledger of '%s' is not believed: %s",
		field, run->name.app, mac_state_words(state));
	return error_remedy(error, NULL,
		"An operator looks at it with 'slipway verify': 'slipway verify --sign' makes it "
		"believed, HDEL takes it away. Then trigger the step again.");
}

static enum error_class check_row(
	const struct mac_keys *keys, const struct run *run, const cJSON *row, struct error *error)
{
	const struct app_name app = run_app(&run->name);
	const struct mac_place place = row_place(&app, row->string);
	const enum mac_state state = row_open(keys, &place, row->valuestring);

	return is_believed(state) ? ERROR_NONE : refuse_row(run, row->string, state, error);
}

/* What an executor is given with the claim is one message: nobody could read any of it. */
static enum error_class check_texts(const struct run *run, struct error *error)
{
	const char *const texts[] = { run->id, run->request, run->input, run->outage_seen };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (text_is_valid(texts[i]))
			continue;
		error_set(error, ERROR_FORGED,
			"what is stored of the run is not believed: it is no text");
		return error_remedy(
			error, NULL, "Somebody has written over it. Trigger the step again.");
	}
	return ERROR_NONE;
}

enum error_class belief_check_claim(const struct mac_keys *keys, struct claim *claim,
	const char *input_digest, struct error *error)
{
	struct run *run = &claim->run;
	const struct mac_place place = checkpoint_place(&run->name, run->id, input_digest);
	const enum mac_state state =
		checkpoint_open(keys, &place, run->checkpoint, &run->checkpoint);
	const cJSON *row;

	if (check_texts(run, error) != ERROR_NONE)
		return error->class;
	if (!is_believed(state)) {
		error_set(error, ERROR_FORGED, "the checkpoint of the run is not believed: %s",
			mac_state_words(state));
		return error_remedy(
			error, NULL, "Trigger the step again: it begins without a checkpoint.");
	}
	cJSON_ArrayForEach (row, claim->ledger) {
		if (check_row(keys, run, row, error) != ERROR_NONE)
			return error->class;
	}
	return ERROR_NONE;
}

enum error_class belief_check_output(const struct mac_keys *keys, const struct run_name *name,
	const char *output, char *gives, struct error *error)
{
	const struct mac_place place = output_place(name);
	const enum mac_state state = output_check(keys, &place, output, gives);

	if (is_believed(state))
		return ERROR_NONE;
	error_set(error, ERROR_FORGED,
		"the output of the step '%s' of '%s' in '%s' is not believed: %s", name->step,
		name->app, name->workflow, mac_state_words(state));
	return error_remedy(error, NULL,
		"Run that step again with \"force\": true; when it is done, trigger this one "
		"again.");
}
