/*
 * Which DNS records a domain needs for Vercel to serve it, and which of its records are in the way.
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/domains (config).
 */
#include "actions/vercel_dns.h"

#include <string.h>

#include "slipway/provider.h"

static const struct field dns_record_fields[] = {
	{ STRING_FIELD("type", struct dns_record, type), .description = "A, CNAME or TXT" },
	{ STRING_FIELD("name", struct dns_record, name), .description = "Name of the record" },
	{ STRING_FIELD("value", struct dns_record, value), .description = "Value of the record" },
};
const struct record dns_record_record = RECORD(struct dns_record, dns_record_fields);

static const struct field dns_challenge_fields[] = {
	{ STRING_FIELD("type", struct dns_challenge, type) },
	{ STRING_FIELD("domain", struct dns_challenge, domain) },
	{ STRING_FIELD("value", struct dns_challenge, value) },
};
const struct record dns_challenge_record = RECORD(struct dns_challenge, dns_challenge_fields);

/* ---- what Vercel returns ---- */

/* Recommendations are ranked from 1, the best. One for IPv4 is a list of addresses that belong
 * together. */
struct recommended_name {
	int64_t rank;
	const char *value;
};
static const struct field recommended_name_fields[] = {
	{ INTEGER_FIELD("rank", struct recommended_name, rank) },
	{ STRING_FIELD("value", struct recommended_name, value) },
};
static const struct record recommended_name_record =
	RECORD(struct recommended_name, recommended_name_fields);

struct recommended_addresses {
	int64_t rank;
	struct string_list value;
};
static const struct field recommended_addresses_fields[] = {
	{ INTEGER_FIELD("rank", struct recommended_addresses, rank) },
	{ STRINGS_FIELD("value", struct recommended_addresses, value) },
};
static const struct record recommended_addresses_record =
	RECORD(struct recommended_addresses, recommended_addresses_fields);

struct conflict {
	const char *type, *name, *value;
};
static const struct field conflict_fields[] = {
	{ STRING_FIELD("type", struct conflict, type) },
	{ STRING_FIELD("name", struct conflict, name) },
	{ STRING_FIELD("value", struct conflict, value) },
};
static const struct record conflict_record = RECORD(struct conflict, conflict_fields);

/* configuredBy is "http" if a proxy is in front of Vercel. Vercel's API description does not have
 * `conflicts`, but its responses do. */
struct configuration {
	bool misconfigured;
	const char *configured_by;
	struct object_list names, addresses, conflicts;
};
static const struct field configuration_fields[] = {
	{ BOOLEAN_FIELD("misconfigured", struct configuration, misconfigured) },
	{ STRING_FIELD("configuredBy", struct configuration, configured_by) },
	{ OBJECTS_FIELD("conflicts", struct configuration, conflicts), .record = &conflict_record },
	{ OBJECTS_FIELD("recommendedCNAME", struct configuration, names),
		.record = &recommended_name_record },
	{ OBJECTS_FIELD("recommendedIPv4", struct configuration, addresses),
		.record = &recommended_addresses_record },
};
static const struct record configuration_record =
	RECORD(struct configuration, configuration_fields);

/* ---- the records ---- */

/* Room for one CNAME or a few addresses, and for the challenges. */
#define RECORDS_MAX 16

struct records {
	struct dns_record items[RECORDS_MAX];
	size_t count;
};

/* Vercel's values end with a dot, which the forms of DNS providers refuse. */
static const char *without_dot(struct action_context *context, const char *value)
{
	size_t length = value != NULL ? strlen(value) : 0;
	bool dotted = length > 1 && value[length - 1] == '.';
	return dotted ? action_format(context, "%.*s", (int)(length - 1), value) : value;
}

static void add_record(
	struct records *records, const char *type, const char *name, const char *value)
{
	if (name != NULL && value != NULL && records->count < RECORDS_MAX)
		records->items[records->count++] = (struct dns_record){ type, name, value };
}

static void add_challenges(struct records *records, const struct dns_question *question)
{
	const struct dns_challenge *challenges = question->challenges.items;
	for (size_t i = 0; i < question->challenges.count; i++)
		add_record(records, challenges[i].type != NULL ? challenges[i].type : "TXT",
			challenges[i].domain, challenges[i].value);
}

static const char *best_name(const struct configuration *configuration)
{
	const struct recommended_name *names = configuration->names.items, *best = NULL;
	for (size_t i = 0; i < configuration->names.count; i++)
		if (best == NULL || names[i].rank < best->rank)
			best = &names[i];
	return best != NULL ? best->value : NULL;
}

static struct string_list best_addresses(const struct configuration *configuration)
{
	const struct recommended_addresses *addresses = configuration->addresses.items,
					   *best = NULL;
	for (size_t i = 0; i < configuration->addresses.count; i++)
		if (best == NULL || addresses[i].rank < best->rank)
			best = &addresses[i];
	return best != NULL ? best->value : (struct string_list){ NULL, 0 };
}

/* The apex of a domain cannot be a CNAME, so it gets addresses. */
static void add_pointers(struct action_context *context, struct records *records,
	const struct dns_question *question, const struct configuration *configuration)
{
	bool is_apex = question->apex != NULL && strcmp(question->apex, question->name) == 0;
	const char *alias = without_dot(context, best_name(configuration));
	const struct string_list addresses = best_addresses(configuration);
	bool by_alias = alias != NULL && (!is_apex || addresses.count == 0);
	if (by_alias)
		add_record(records, "CNAME", question->name, alias);
	for (size_t i = 0; !by_alias && i < addresses.count; i++)
		add_record(records, "A", question->name, addresses.items[i]);
}

/* "CNAME www.example.org to x.example.net; TXT ..." */
static const char *records_text(struct action_context *context, const struct records *records)
{
	const char *text = "";
	for (size_t i = 0; text != NULL && i < records->count; i++)
		text = action_format(context, "%s%s%s %s to %s", text, i > 0 ? "; " : "",
			records->items[i].type, records->items[i].name, records->items[i].value);
	return text != NULL ? text : "";
}

static bool output_records(
	struct action_context *context, const struct records *records, struct object_list *ret_list)
{
	struct dns_record *items = action_allocate(context, records->count, sizeof(*items));
	if (items == NULL && records->count > 0)
		return false;
	for (size_t i = 0; i < records->count; i++)
		items[i] = records->items[i];
	*ret_list = (struct object_list){ items, records->count };
	return true;
}

/* Reads what Vercel sees in the DNS. If Vercel returns nothing, the DNS counts as correct. */
static bool read_configuration(struct action_context *context, const struct dns_question *question,
	struct configuration *ret_configuration)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v6/domains/{domain}/config",
		.parameters = { question->name },
		.query = { { "projectIdOrName", question->project } },
		.expect = { 404 } };

	*ret_configuration = (struct configuration){ .misconfigured = false };
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	if (response.status == 404) {
		action_log(context, "Vercel reports nothing about the DNS of %s", question->shown);
		return true;
	}

	return provider_decode(context, &response, &configuration_record, ret_configuration);
}

/* "AAAA www.example.org to 2001:db8::7; ..."; "" if no record is in the way. */
static const char *conflicts_text(
	struct action_context *context, const struct configuration *configuration)
{
	struct records records = { .count = 0 };
	const struct conflict *conflicts = configuration->conflicts.items;

	for (size_t i = 0; i < configuration->conflicts.count; i++)
		add_record(&records, conflicts[i].type != NULL ? conflicts[i].type : "the record",
			conflicts[i].name, conflicts[i].value);
	return records_text(context, &records);
}

/* What a person must do; "" if nothing. */
static const char *advice(struct action_context *context, const struct dns_question *question,
	const struct configuration *configuration, const struct records *records)
{
	const char *text = records_text(context, records),
		   *conflicts = conflicts_text(context, configuration);
	const char *name = question->shown;
	bool proxied = configuration->configured_by != NULL &&
		strcmp(configuration->configured_by, "http") == 0;

	if (question->verified && !configuration->misconfigured)
		return "";
	if (conflicts[0] != '\0')
		return action_format(context, "Remove these DNS records of %s: %s. It needs: %s",
			name, conflicts, text);
	if (question->verified && proxied)
		return action_format(context,
			"Turn off the proxy in front of %s, such as Cloudflare's: it hides the "
			"domain from Vercel. The DNS needs: %s",
			name, text);
	if (records->count > 0)
		return action_format(context, "Add these DNS records for %s: %s", name, text);
	if (!question->verified)
		return action_format(context,
			"Prove to Vercel that you own %s, as shown on the project's Domains page",
			name);
	return action_format(context,
		"Point the DNS of %s to Vercel, as shown on the project's Domains page", name);
}

bool dns_ask(struct action_context *context, const struct dns_question *question,
	struct dns_advice *ret_advice)
{
	struct configuration configuration;
	struct records records = { .count = 0 };

	if (!read_configuration(context, question, &configuration))
		return false;
	if (!question->verified)
		add_challenges(&records, question);
	if (question->verified || configuration.misconfigured)
		add_pointers(context, &records, question, &configuration);
	*ret_advice =
		(struct dns_advice){ .text = advice(context, question, &configuration, &records) };
	return ret_advice->text != NULL && output_records(context, &records, &ret_advice->records);
}
