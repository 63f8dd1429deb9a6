/*
 * What a provider is asked before a step meets it as a failure: the questions of the provider's own
 * file, and what they found. `slipway doctor` asks them, and plans ask some.
 */
#ifndef SLIPWAY_PROVIDER_SURVEY_H
#define SLIPWAY_PROVIDER_SURVEY_H

#include "provider/provider.h"

#define SURVEY_FINDINGS_MAX 12
#define SURVEY_NAMES_MAX    8
#define SURVEY_PAGES_MAX    20

/* One line for a person, and what to do. All in the arena of the exchange; link may be NULL. */
struct survey_finding {
	bool fault; /* steps fail because of it; otherwise they may */
	const char *what, *advice, *link;
};

struct survey {
	const struct provider_exchange *exchange;
	bool for_plan;                   /* nobody is told of the credential's end here */
	struct credential_notice notice; /* of the response that is being read */
	char next_page[64];              /* of the question that is asked; "": there is none */
	int64_t expires_at;              /* when the credential ends; 0: nothing said so */
	int64_t asked;                   /* calls that were made */
	const char *about;               /* what stood in the path of its question; NULL: nothing */
	struct survey_finding findings[SURVEY_FINDINGS_MAX];
	size_t count;
	const char *names[SURVEY_NAMES_MAX]; /* what questions with `each` are asked of */
	size_t name_count;
};

/*
 * Asks all questions of exchange->access. Where the first is refused, that is the error, and
 * nothing else is asked. Any other that the credential may not ask finds nothing; one that gets no
 * answer is the last.
 */
enum error_class survey_ask(const struct provider_exchange *exchange, struct survey *ret_survey,
	struct error *error) SLIPWAY_MUST_CHECK;

/*
 * Asks the questions that are for plans. That one is refused, or gets no answer, finds nothing.
 * When the credential ends is in expires_at, and no finding.
 */
void survey_plan(const struct provider_exchange *exchange, struct survey *ret_survey);

/* ---- for the readers of the questions ---- */

/* Says that the list has another page, which the question's `page` asks for with this text. */
void survey_go_on(struct survey *survey, const char *next_page);

/* Adds a finding; more than SURVEY_FINDINGS_MAX are left out. A NULL link is none. */
void survey_add(struct survey *survey, bool fault, const char *link, const char *advice,
	const char *format, ...) SLIPWAY_FORMAT(5, 6);

/* Notes a name for questions with `each`, once; NULL, and more than
 * SURVEY_NAMES_MAX, are left out. */
void survey_add_name(struct survey *survey, const char *name);

/* Adds a finding where a credential that ends then, in milliseconds since 1970, ends soon; 0: it
 * does not end. */
void survey_add_expiry(struct survey *survey, int64_t expires_at);

#endif
