/*
 * What the DNS of a domain has to say for Vercel to serve it.
 */
#ifndef WORKFLOWS_ACTIONS_VERCEL_DNS_H
#define WORKFLOWS_ACTIONS_VERCEL_DNS_H

#include "slipway/action.h"

/* A record that the DNS has to have, as the forms of DNS providers take it. */
struct dns_record {
	const char *type, *name, *value;
};
extern const struct record dns_record_record;

/* A record by which Vercel wants to be shown whose the domain is. */
struct dns_challenge {
	const char *type, *domain, *value;
};
extern const struct record dns_challenge_record;

/* apex may be NULL; challenges are of dns_challenge. */
struct dns_question {
	const char *project, *name, *apex;
	bool verified;
	struct object_list challenges;
};

/* text is what a person is to do, "" where all is well; records are of dns_record. */
struct dns_advice {
	const char *text;
	struct object_list records;
};

/* Asks Vercel what it sees of the domain. False where the call failed or memory is short. */
bool dns_ask(struct action_context *context, const struct dns_question *question,
	struct dns_advice *ret_advice) SLIPWAY_MUST_CHECK;

#endif
