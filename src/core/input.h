/*
 * The input of a step: the bindings of the workflow, overridden by the cached payload, overridden
 * by the trigger.
 */
#ifndef SLIPWAY_CORE_INPUT_H
#define SLIPWAY_CORE_INPUT_H

#include "core/reference.h"
#include "core/workflow.h"

/* Where an input comes from. All borrowed; any but workflow and step may be NULL. */
struct input_sources {
	const struct workflow_definition *workflow;
	const struct step_definition *step;
	const cJSON *cached_inputs;  /* of the app, by input key */
	const cJSON *trigger_inputs; /* of the request, by input key */
	const cJSON *config;
	const cJSON *env;
	const cJSON *secrets; /* by name, sealed */
	/* that several inputs share; NULL: each has one of its own */
	struct reference_budget *budget;
	const char *app; /* whose input it is */
};

/*
 * Puts the input together, with ${config} and ${env} put in, and checks it by the action's field
 * table. References to steps, secrets and other apps stay. JSON null where an optional step is
 * given no input: its action is not run. *ret_input is the caller's. Its shape is checked before
 * any value is copied into it. Errors: ERROR_INVALID_INPUT and ERROR_PAYLOAD_TOO_LARGE, with the
 * place below /inputs.
 */
enum error_class input_build(const struct input_sources *sources, cJSON **ret_input,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * All that is wrong with that input, the references to steps included: what input_build and
 * step_needs would find one after another. The error is of what is no fault of the input.
 */
enum error_class input_faults(const struct input_sources *sources, struct faults *ret_faults,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether each of the request's inputs is one that some step of the workflow takes; input_build
 * asks this as well. Where faults is not NULL, it notes all that are not. */
enum error_class input_check_keys(const struct input_sources *sources, struct faults *faults,
	struct error *error) SLIPWAY_MUST_CHECK;

#define INPUT_PLACE_SIZE (IDENTIFIER_SIZE + 16)

/* Where the input of a step stands in a request: /inputs/key. */
void input_place(const struct step_definition *step, char place[INPUT_PLACE_SIZE]);

/* The input that a run carries, as a tree that is the caller's. ERROR_INVALID_INPUT where the text
 * is broken. */
enum error_class input_read(
	const char *text, cJSON **ret_input, struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Puts a value by the lookup in the place of each reference of a run's input, which is then as its
 * action reads it. Where the table has no secrets, none is looked up: what Redis holds is not
 * trusted with them.
 */
enum error_class input_put_values(cJSON *input, const struct record *record,
	reference_lookup *lookup, void *context, struct error *error) SLIPWAY_MUST_CHECK;

/* As json_digest, of a step's input with the sealed secrets that it refers to: another secret is
 * another input. */
enum error_class input_digest(const cJSON *input, const cJSON *secrets, char digest[DIGEST_SIZE],
	struct error *error) SLIPWAY_MUST_CHECK;

/* Sets remedy_input to the input member at fault, where the place of the error lies below `place`:
 * clients point a person to it. Returns the class. */
enum error_class input_name_member(const char *place, struct error *error);

#endif
