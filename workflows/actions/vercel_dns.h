/*
 * Which DNS records a domain needs for Vercel to serve it.
 */
#ifndef WORKFLOWS_ACTIONS_VERCEL_DNS_H
#define WORKFLOWS_ACTIONS_VERCEL_DNS_H

#include "slipway/action.h"

/* A record that the DNS needs, in the form that DNS providers accept. */
struct dns_record {
	const char *type, *name, *value;
};
extern const struct record dns_record_record;

/* A record that proves to Vercel who owns the domain. */
struct dns_challenge {
	const char *type, *domain, *value;
};
extern const struct record dns_challenge_record;

/* shown is the name for messages; apex may be NULL; challenges is a list of struct dns_challenge.
 */
struct dns_question {
	const char *project, *name, *shown, *apex;
	bool verified;
	struct object_list challenges;
};

/* text is what a person must do, "" if nothing; records is a list of struct dns_record. */
struct dns_advice {
	const char *text;
	struct object_list records;
};

/* Asks Vercel what it sees in the DNS of the domain. False if the call failed or memory ran out. */
bool dns_ask(struct action_context *context, const struct dns_question *question,
	struct dns_advice *ret_advice) SLIPWAY_MUST_CHECK;

#endif
