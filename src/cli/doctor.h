/*
 * What `slipway doctor` checks. A new check is a function and a row of doctor_store.c for what
 * Redis knows, or of doctor_provider.c for what it does not; a provider is asked because it is in
 * the list of providers.
 */
#ifndef SLIPWAY_CLI_DOCTOR_H
#define SLIPWAY_CLI_DOCTOR_H

#include "base/settings.h"
#include "provider/survey.h"
#include "store/connections.h"
#include "store/redis.h"

enum doctor_verdict { DOCTOR_FINE, DOCTOR_WARNING, DOCTOR_FAULT };

/* One line for a person: what was found, and what to do where something is wrong. */
struct diagnosis {
	enum doctor_verdict verdict;
	char what[512];
	char advice[576]; /* "": nothing to do */
	char link[256];
};

struct doctor {
	const struct settings *settings;
	struct redis *redis;
};

struct doctor_check {
	const char *name;
	void (*check)(const struct doctor *doctor, struct diagnosis *diagnosis);
};

/* Both ended by a NULL name. Where the first of the store fails, the others are left out. */
extern const struct doctor_check doctor_store_checks[];
extern const struct doctor_check doctor_key_checks[];

#define DOCTOR_LINES_MAX (SURVEY_FINDINGS_MAX + 1)

/* Asks the provider the questions of its table with the credential of the settings. Gives how many
 * it has filled, of DOCTOR_LINES_MAX: the first says whether the credential is good. */
size_t doctor_ask_provider(const struct doctor *doctor, const struct provider *provider,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX]);

/* The same with a connection: it is opened with the keys of the settings, and of an app it is also
 * found out which permissions its installation lacks that steps need. */
size_t doctor_ask_connection(const struct doctor *doctor, const struct stored_connection *stored,
	struct diagnosis diagnoses[DOCTOR_LINES_MAX]);

/* Sets what was found; truncated where it does not fit. */
void diagnosis_set(struct diagnosis *diagnosis, enum doctor_verdict verdict, const char *format,
	...) SLIPWAY_FORMAT(3, 4);
/* Sets what to do. */
void diagnosis_advise(struct diagnosis *diagnosis, const char *format, ...) SLIPWAY_FORMAT(2, 3);

/* A fault with the error's message and its remedy, or that of its class. */
void diagnosis_set_error(struct diagnosis *diagnosis, const struct error *error);

/* Prints it on standard output, named so; returns whether it is a fault. */
bool diagnosis_print(const char *name, const struct diagnosis *diagnosis, bool json);

#endif
