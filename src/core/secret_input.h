/*
 * Secrets in inputs. A field row says where one may stand (`.secret` in slipway/field.h), and nowhere else is a
 * ${secret.NAME} put in: whoever may trigger a step must not be able to send the app's secrets to an address, a name or
 * a text of their choice.
 *
 * What a client writes there in clear is sealed on arrival, as ${sealed.<id>.<base64url>} in the place of the text:
 * only a worker can read it from then on. The box names the app, so that it opens for no other. Sealed twice, a text is
 * two different ones: whoever could tell whether they are the same could guess.
 *
 * A text that is one reference as a whole is kept as it is written, and so is one that names a secret in it: its writer
 * has told the secret from the rest. Of any other, all but the references is sealed.
 */
#ifndef SLIPWAY_CORE_SECRET_INPUT_H
#define SLIPWAY_CORE_SECRET_INPUT_H

#include "base/arena.h"
#include "base/faults.h"
#include "base/json.h"
#include "slipway/field.h"

/* ERROR_INVALID_INPUT with the place where a secret is referred to outside the rows that may have one. Where faults is
 * not NULL, it notes all such places. */
enum error_class secret_input_check(const struct record *record, const cJSON *input, const char *place,
	struct faults *faults, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether the row can have a secret: ERROR_INVALID_INPUT for a type that holds no text of a client's. Nested tables are
 * looked at as well. */
enum error_class secret_record_check(const struct record *record, struct error *error) SLIPWAY_MUST_CHECK;

/* Whether a value stands in a row that may have a secret. */
bool secret_input_has(const struct record *record, const cJSON *input);

/*
 * For an input that is to be stored before it is checked as a whole: where a table has secrets, a member that it does
 * not have is ERROR_INVALID_INPUT with its place, for a secret under a name that is spelt wrongly would not be sealed.
 * null, which deletes, may have any name.
 */
enum error_class secret_input_check_members(
	const struct record *record, const cJSON *input, const char *place, struct error *error) SLIPWAY_MUST_CHECK;

/* For whom is sealed, and what came of it. All borrowed; sealed texts lie in the arena for a while. */
struct secret_sealing {
	const char *public_key; /* NULL: there is none */
	const char *app;
	struct arena *arena;
	struct sealed_text *sealed; /* its own: begin with NULL */
	size_t count;               /* of texts that were sealed */
};

/*
 * Seals what stands in clear in rows that may have a secret, in place. The input need not be checked yet; something
 * else than a text in such a row is ERROR_INVALID_INPUT, for it could not be sealed. ERROR_INVALID_REQUEST where there
 * is no key. Both with the place. One tree may be given with several tables: what one of them has sealed, it leaves.
 */
enum error_class secret_input_seal(struct secret_sealing *sealing, const struct record *record, cJSON *input,
	const char *place, struct error *error) SLIPWAY_MUST_CHECK;

/* Takes each text with something sealed in it out of the tree, and adds its place to the array: nothing of it is shown
 * to anybody. ERROR_OUT_OF_MEMORY. */
enum error_class secret_input_hide(
	cJSON *inputs, const char *place, cJSON *places, struct error *error) SLIPWAY_MUST_CHECK;

#endif
