/*
 * Secrets in inputs. A field accepts ${secret.NAME} only if its row says so (`.secret` in
 * slipway/field.h): a person who may trigger a step must not be able to send the app's secrets to
 * an address, a name or a text of their choice.
 *
 * Clear text in such a field is sealed on arrival and replaced by ${sealed.<id>.<base64url>}: from
 * then on only a worker can read it. The box names the app, so it cannot be opened for another one.
 * Sealing the same text twice gives different results; otherwise a guess could be checked by
 * comparing them.
 *
 * A text that is exactly one reference is kept, and so is one that refers to a secret: its author
 * has separated the secret from the rest. In any other text, everything except the references is
 * sealed.
 */
#ifndef SLIPWAY_CORE_SECRET_INPUT_H
#define SLIPWAY_CORE_SECRET_INPUT_H

#include "base/arena.h"
#include "base/faults.h"
#include "base/json.h"
#include "core/run.h"
#include "slipway/field.h"

/* ERROR_INVALID_INPUT, with the place, if the input refers to a secret outside secret fields. With
 * faults (may be NULL), records all such places. */
enum error_class secret_input_check(const struct record *record, const cJSON *input,
	const char *place, struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/* Checks that each row with `.secret` can hold one: ERROR_INVALID_INPUT for a type without text
 * from a client. Includes nested tables. */
enum error_class secret_record_check(
	const struct record *record, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether a secret field has a value. */
bool secret_input_has(const struct record *record, const cJSON *input);

/*
 * For an input that is stored before it is fully checked: if a table has secret fields, an unknown
 * member is ERROR_INVALID_INPUT with its place, because a secret under a misspelt name would not be
 * sealed. null, which deletes, may have any name.
 */
enum error_class secret_input_check_members(const struct record *record, const cJSON *input,
	const char *place, struct error *error) SLIPWAY_MUST_CHECK;

/* The app to seal for, and the result. All borrowed; the arena holds sealed texts meanwhile. */
struct secret_sealing {
	const char *public_key; /* NULL: there is none */
	struct app_name app;
	struct arena *arena;
	struct sealed_text *sealed; /* internal: start with NULL */
	size_t count;               /* number of sealed texts */
};

/*
 * Seals clear text in secret fields, in place. The input need not be checked before; a secret field
 * with anything but text is ERROR_INVALID_INPUT, because it cannot be sealed. ERROR_INVALID_REQUEST
 * if there is no key. Both have the place. May be called for one tree with several tables: texts
 * that are sealed already are kept.
 */
enum error_class secret_input_seal(struct secret_sealing *sealing, const struct record *record,
	cJSON *input, const char *place, struct error *error) SLIPWAY_MUST_CHECK;

/* Removes each text with a sealed part from the tree and adds its place to the array, so that
 * responses show nothing of it. ERROR_OUT_OF_MEMORY. */
enum error_class secret_input_hide(
	cJSON *inputs, const char *place, cJSON *places, struct error *error) SLIPWAY_MUST_CHECK;

/* Adds {"place", "references"} to the list for each text that has references beside sealed parts:
 * what it needs is no secret. To be called before these texts are hidden. ERROR_OUT_OF_MEMORY. */
enum error_class secret_input_references(const cJSON *inputs, const char *place, cJSON *list,
	struct error *error) SLIPWAY_MUST_CHECK;

#endif
