/*
 * A row of an app's ledger: what the app has at a provider, or is about to make there. Workers
 * write it, and everybody who looks at a ledger reads it by this table.
 */
#ifndef SLIPWAY_CORE_LEDGER_ROW_H
#define SLIPWAY_CORE_LEDGER_ROW_H

#include "base/json.h"
#include "base/record.h"

/*
 *	(none) -> pending   before the call that makes it: nobody knows yet whether anything came of
 * it pending -> created  the provider has shown it pending -> as it was before, where the provider
 * says that it made nothing (none) -> adopted   it stood there
 */
#define LEDGER_PENDING "pending"
#define LEDGER_CREATED "created"
#define LEDGER_ADOPTED "adopted"

struct ledger_row {
	const char *state;
	const char *id, *url;              /* the provider's; NULL while it is pending */
	const char *run, *workflow, *step; /* which wrote it last */
	/* since when the app has it; of a pending one, when it was first asked for */
	const char *at;
	const char *asked;  /* of a pending one: when it was asked for last */
	const char *source; /* of a pending one: what it is made from, by which it is recognised */
	const char
		*removal;   /* how to remove it, where the type does not tell: JSON of the action */
	const char *before; /* of a pending one: JSON of the row that stood there; NULL: none did */
	bool created;       /* by us; false: adopted, or pending */
	bool part;          /* goes with another thing: no app has it for itself */
	bool shared;        /* with apps that say so as well */
};
extern const struct record ledger_row_record;

/* Reads the JSON of a row; one of an older version has no state, and gets that which it was in.
 * Texts lie in the arena. */
enum error_class ledger_row_read(const char *text, struct arena *arena, struct ledger_row *ret_row,
	struct error *error) SLIPWAY_MUST_CHECK;

/* Whether it was asked for and nobody knows yet what came of it. */
bool ledger_row_is_pending(const struct ledger_row *row);

#endif
