/*
 * The questions of GitHub's table, by the kind of credential. For github.c only.
 */
#ifndef SLIPWAY_PROVIDER_GITHUB_QUESTIONS_H
#define SLIPWAY_PROVIDER_GITHUB_QUESTIONS_H

#include "provider/provider.h"

#define TOKENS_URL  "https://github.com/settings/tokens"
#define PRICING_URL "https://github.com/pricing"

/* Of a person's token, and of an app's. Each ends with a row without a path. */
extern const struct provider_question github_person_questions[];
extern const struct provider_question github_app_questions[];

#endif
