/*
 * How a MAC (core/mac.h) stands with what it is of:
 *
 *	row of a ledger  {"mac":"...", and the members of the row}
 *	checkpoint       the MAC, a blank, the JSON
 *	output           behind the digest of what it gives, and a blank: DIGEST MAC
 *
 * An output that a person gave has `given` in the place of its MAC: it is believed as a caller's
 * word is, who may give any.
 */
#ifndef SLIPWAY_CORE_SIGNED_TEXT_H
#define SLIPWAY_CORE_SIGNED_TEXT_H

#include "core/mac.h"

#define OUTPUT_GIVEN "given"

/* A place for each kind. All is borrowed. */
struct mac_place row_place(const struct app_name *app, const char *field);
/* The input as mac_digest() has it. */
struct mac_place checkpoint_place(
	const struct run_name *name, const char *run_id, const char *input_digest);
struct mac_place output_place(const struct run_name *name);

#define MAC_DIGEST_SIZE 33

/* What stands for a text of any length in a place. */
void mac_digest(const char *text, char digest[MAC_DIGEST_SIZE]);

/* With its MAC, in the arena; NULL if there is no memory. A row that is no object stays as it is.
 */
const char *row_sign(const struct mac_keys *keys, const struct mac_place *place, const char *row,
	struct arena *arena);
const char *checkpoint_sign(const struct mac_keys *keys, const struct mac_place *place,
	const char *checkpoint, struct arena *arena);
/* What goes into the place of the digest of what the output gives. */
const char *gives_sign(const struct mac_keys *keys, const struct mac_place *place,
	const char *output, const char *gives, struct arena *arena);

/* Takes the MAC off, in place, and says what it is worth. Without keys it is taken off all the
 * same: MAC_STRANGE. */
enum mac_state row_open(const struct mac_keys *keys, const struct mac_place *place, char *row);
/* The same; *ret_checkpoint is within the text. "" is valid: there is none. */
enum mac_state checkpoint_open(const struct mac_keys *keys, const struct mac_place *place,
	const char *text, const char **ret_checkpoint);
/* What a person gave is valid. `gives` is changed: its MAC is cut off. */
enum mac_state output_check(const struct mac_keys *keys, const struct mac_place *place,
	const char *output, char *gives);

/* For people: why a text in this state is not believed. */
const char *mac_state_words(enum mac_state state);

#endif
