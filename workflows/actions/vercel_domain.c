/*
 * vercel.domain: a domain on the project, verified and pointed at Vercel; skipped where none is given.
 *
 * Natural key: the name. Whatever an add answers, what counts is whether the domain stands on our project: Vercel uses
 * the same codes for "on another project" and "on this one already".
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects (domains) and /domains (config).
 */
#include <string.h>

#include "actions.h"
#include "slipway/provider.h"

struct input {
	const char *project, *name;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .maximum = 100,
		.description = "Id of the project" },
	{ STRING_FIELD("name", struct input, name), .maximum = 253,
		.pattern = "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z0-9-]{2,63}$",
		.form = "the name of a domain in lower case, such as www.example.org; umlauts as xn--",
		.description = "The domain, such as www.example.org; without it the step is skipped" },
};

/* A record that the DNS of the domain has to have. */
struct dns_record {
	const char *type, *name, *value;
};
static const struct field dns_record_fields[] = {
	{ STRING_FIELD("type", struct dns_record, type), .description = "A, CNAME or TXT" },
	{ STRING_FIELD("name", struct dns_record, name), .description = "The name that it is of" },
	{ STRING_FIELD("value", struct dns_record, value), .description = "What it says" },
};
static const struct record dns_record_record = RECORD(struct dns_record, dns_record_fields);

struct output {
	const char *name, *url;
	bool verified;
	struct object_list records;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("name", struct output, name), .description = "The domain" },
	{ STRING_FIELD("url", struct output, url), .description = "Where it answers" },
	{ BOOLEAN_FIELD("verified", struct output, verified), .description = "Whether its ownership is shown" },
	{ OBJECTS_FIELD("records", struct output, records), .record = &dns_record_record,
		.description = "The DNS records that Vercel recommends" },
};

struct challenge {
	const char *type, *domain, *value;
};
static const struct field challenge_fields[] = {
	{ STRING_FIELD("type", struct challenge, type) },
	{ STRING_FIELD("domain", struct challenge, domain) },
	{ STRING_FIELD("value", struct challenge, value) },
};
static const struct record challenge_record = RECORD(struct challenge, challenge_fields);

struct domain {
	const char *project_id, *apex_name;
	bool verified;
	int64_t created_at;
	struct object_list verification;
};
static const struct field domain_fields[] = {
	{ STRING_FIELD("projectId", struct domain, project_id) },
	{ STRING_FIELD("apexName", struct domain, apex_name) },
	{ BOOLEAN_FIELD("verified", struct domain, verified) },
	{ INTEGER_FIELD("createdAt", struct domain, created_at) },
	{ OBJECTS_FIELD("verification", struct domain, verification), .record = &challenge_record },
};
static const struct record domain_record = RECORD(struct domain, domain_fields);

struct name_request {
	const char *name;
};
static const struct field name_fields[] = { { STRING_FIELD("name", struct name_request, name) } };
static const struct record name_record = RECORD(struct name_request, name_fields);

/* Recommendations are ranked from 1, the best; that of IPv4 is a list of addresses which belong together. */
struct recommended_name {
	int64_t rank;
	const char *value;
};
static const struct field recommended_name_fields[] = {
	{ INTEGER_FIELD("rank", struct recommended_name, rank) },
	{ STRING_FIELD("value", struct recommended_name, value) },
};
static const struct record recommended_name_record = RECORD(struct recommended_name, recommended_name_fields);

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

struct configuration {
	bool misconfigured;
	struct object_list names, addresses;
};
static const struct field configuration_fields[] = {
	{ BOOLEAN_FIELD("misconfigured", struct configuration, misconfigured) },
	{ OBJECTS_FIELD("recommendedCNAME", struct configuration, names), .record = &recommended_name_record },
	{ OBJECTS_FIELD("recommendedIPv4", struct configuration, addresses), .record = &recommended_addresses_record },
};
static const struct record configuration_record = RECORD(struct configuration, configuration_fields);

static bool read_domain(
	struct action_context *context, const struct input *input, bool *ret_exists, struct domain *ret_domain)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { input->project, input->name },
		.expect = { 404 } };
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	*ret_exists = response.status != 404;
	return !*ret_exists || provider_decode(context, &response, &domain_record, ret_domain);
}

/* Entries of older versions do not name the project; whether the app created the domain they say all the same. */
static bool was_created(struct action_context *context, const char *name, bool *ret_created)
{
	const struct ledger_resource *list;
	size_t count;

	*ret_created = false;
	if (!ledger_list(context, "vercel", "domain", &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].key, name) == 0)
			*ret_created = list[i].created && strcmp(list[i].id, name) == 0;
	return true;
}

/* The id names the project, so that the ledger alone tells what a removal has to remove. */
static bool own(struct action_context *context, const struct input *input, const struct domain *domain, bool created)
{
	const char *project = domain->project_id != NULL ? domain->project_id : input->project;
	const char *id = action_format(context, "%s/%s", project, input->name);
	struct ledger_resource row;
	bool before;

	if (!was_created(context, input->name, &before))
		return false;

	/* What was asked for on this project, and never heard of. */
	if (ledger_get(context, "vercel", "domain", input->name, &row) && row.source != NULL &&
		strcmp(row.source, project) == 0)
		before = before || ledger_may_be_ours(&row, domain->created_at);
	const struct ledger_resource resource = {
		.provider = "vercel", .type = "domain", .key = input->name, .id = id, .created = created || before
	};
	return ledger_put(context, &resource);
}

/* Whose it is only a person can change; what else it may be, such as a right that the token lacks, says the class. */
static enum action_result refuse(struct action_context *context, const struct input *input, const struct error *refused)
{
	action_fail_again(
		context, refused, "Vercel does not give %s to the project: %s", input->name, refused->message);
	if (refused->class != ERROR_INVALID_INPUT && refused->class != ERROR_CONFLICT_FOREIGN)
		return ACTION_FAILED;
	action_remedy(context, "https://vercel.com/dashboard/domains",
		"Remove the domain from the project or account that has it, or choose another.");
	return action_remedy_input(context, "name");
}

/* ACTION_DONE when the domain stands on the project and *domain tells of it. */
static enum action_result add(struct action_context *context, const struct input *input, struct domain *domain)
{
	struct provider_response response;
	bool exists;
	const struct ledger_resource intent = {
		.provider = "vercel", .type = "domain", .key = input->name, .source = input->project
	};
	const struct name_request body = { input->name };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{idOrName}/domains",
		.parameters = { input->project },
		.body_record = &name_record,
		.body = &body };

	if (!ledger_intend(context, &intent))
		return action_failed(context);
	bool added = provider_call(context, &vercel, &request, &response);
	const struct error refused = *action_error(context);
	bool is_final = refused.http_status >= 400 && refused.http_status < 500 && refused.class != ERROR_RATE_LIMITED;

	/* A refusal may be the answer to what an earlier attempt had done, whose own answer was lost. */
	if (!added && provider_made_nothing(context) && !ledger_take_back(context))
		return action_failed(context);
	if ((!added && !is_final) || !read_domain(context, input, &exists, domain))
		return action_failed(context);
	if (!exists && !added)
		return refuse(context, input, &refused);
	if (!exists)
		return action_fail(context, ERROR_PROVIDER_UNAVAILABLE,
			"Vercel took %s for the project, and does not show it there", input->name);
	return own(context, input, domain, added) ? ACTION_DONE : action_failed(context);
}

/* 1, 5, 15, 30 minutes: DNS takes its time, and answers are cached. */
static int64_t person_delay_ms(const struct action_context *context)
{
	int64_t minutes = action_run_age_ms(context) / 60000;
	return (minutes < 5 ? 1 : minutes < 30 ? 5 : minutes < 120 ? 15 : 30) * INT64_C(60000);
}

/* Asks Vercel to look at the DNS; its refusal is the ordinary answer while the record is not there. */
static bool verify(struct action_context *context, const struct input *input, bool *ret_verified)
{
	struct provider_response response;
	struct domain domain;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v9/projects/{idOrName}/domains/{domain}/verify",
		.parameters = { input->project, input->name },
		.expect = { 400, 409 } };

	*ret_verified = false;
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	if (response.status >= 300)
		return true;
	if (!provider_decode(context, &response, &domain_record, &domain))
		return false;
	*ret_verified = domain.verified;
	return true;
}

/* ---- the DNS records ---- */

/* Room for one CNAME or a few addresses, and for the challenges. */
#define RECORDS_MAX 16

struct records {
	struct dns_record items[RECORDS_MAX];
	size_t count;
};

static void add_record(struct records *records, const char *type, const char *name, const char *value)
{
	if (name != NULL && value != NULL && records->count < RECORDS_MAX)
		records->items[records->count++] = (struct dns_record){ type, name, value };
}

static void add_challenges(struct records *records, const struct domain *domain)
{
	const struct challenge *challenges = domain->verification.items;
	for (size_t i = 0; i < domain->verification.count; i++)
		add_record(records, challenges[i].type != NULL ? challenges[i].type : "TXT", challenges[i].domain,
			challenges[i].value);
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
	const struct recommended_addresses *addresses = configuration->addresses.items, *best = NULL;
	for (size_t i = 0; i < configuration->addresses.count; i++)
		if (best == NULL || addresses[i].rank < best->rank)
			best = &addresses[i];
	return best != NULL ? best->value : (struct string_list){ NULL, 0 };
}

/* A name that has others below it may not be a CNAME, so the apex of a domain gets addresses. */
static void add_pointers(struct records *records, const char *name, const struct domain *domain,
	const struct configuration *configuration)
{
	bool is_apex = domain->apex_name != NULL && strcmp(domain->apex_name, name) == 0;
	const char *alias = best_name(configuration);
	const struct string_list addresses = best_addresses(configuration);
	bool by_alias = alias != NULL && (!is_apex || addresses.count == 0);
	if (by_alias)
		add_record(records, "CNAME", name, alias);
	for (size_t i = 0; !by_alias && i < addresses.count; i++)
		add_record(records, "A", name, addresses.items[i]);
}

/* "CNAME www.example.org to x.example.net; TXT ..." */
static const char *records_text(struct action_context *context, const struct records *records)
{
	const char *text = "";
	for (size_t i = 0; text != NULL && i < records->count; i++)
		text = action_format(context, "%s%s%s %s to %s", text, i > 0 ? "; " : "", records->items[i].type,
			records->items[i].name, records->items[i].value);
	return text != NULL ? text : "";
}

static bool output_records(struct action_context *context, const struct records *records, struct object_list *ret_list)
{
	struct dns_record *items = action_allocate(context, records->count, sizeof(*items));
	if (items == NULL && records->count > 0)
		return false;
	for (size_t i = 0; i < records->count; i++)
		items[i] = records->items[i];
	*ret_list = (struct object_list){ items, records->count };
	return true;
}

/* What Vercel tells of the DNS; where it tells nothing, it is taken for good. */
static bool read_configuration(
	struct action_context *context, const struct input *input, struct configuration *ret_configuration)
{
	struct provider_response response;
	const struct provider_request request = { .path = "/v6/domains/{domain}/config",
		.parameters = { input->name },
		.query = { { "projectIdOrName", input->project } },
		.expect = { 404 } };

	*ret_configuration = (struct configuration){ .misconfigured = false };
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	if (response.status == 404) {
		action_log(context, "Vercel tells nothing of the DNS of %s", input->name);
		return true;
	}

	return provider_decode(context, &response, &configuration_record, ret_configuration);
}

static enum action_result wait_for_dns(struct action_context *context, const struct input *input,
	const struct domain *domain, const struct records *records)
{
	int64_t delay_ms = person_delay_ms(context);
	const char *text = records_text(context, records);
	if (records->count > 0)
		return action_wait_for_person(context, delay_ms, "Set in the DNS of %s: %s", input->name, text);
	if (!domain->verified)
		return action_wait_for_person(context, delay_ms, "Show Vercel that %s is yours", input->name);
	return action_wait_for_person(context, delay_ms,
		"Point %s at Vercel in the DNS, as the project's page of domains tells", input->name);
}

/* Verified means owned; traffic also needs the name to point at Vercel. */
static enum action_result finish(
	struct action_context *context, const struct input *input, const struct domain *domain, struct output *output)
{
	struct configuration configuration;
	struct records records = { .count = 0 };

	if (!read_configuration(context, input, &configuration))
		return action_failed(context);
	if (!domain->verified)
		add_challenges(&records, domain);
	if (domain->verified || configuration.misconfigured)
		add_pointers(&records, input->name, domain, &configuration);
	if (!domain->verified || configuration.misconfigured)
		return wait_for_dns(context, input, domain, &records);
	*output = (struct output){
		.name = input->name, .url = action_format(context, "https://%s", input->name), .verified = true
	};
	if (!output_records(context, &records, &output->records))
		return action_fail(context, ERROR_OUT_OF_MEMORY, "no memory for the DNS records");
	return action_done(context);
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *no_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct domain domain;
	bool exists;
	(void)no_checkpoint;

	if (input->name == NULL)
		return action_skip(context, "no domain was given");
	if (!read_domain(context, input, &exists, &domain))
		return action_failed(context);
	if (exists && !own(context, input, &domain, false))
		return action_failed(context);
	if (!exists) {
		enum action_result added = add(context, input, &domain);
		if (added != ACTION_DONE)
			return added;
	}

	if (!domain.verified && !verify(context, input, &domain.verified))
		return action_failed(context);
	return finish(context, input, &domain, raw_output);
}

const struct action_definition vercel_domain = {
	.id = "vercel.domain",
	.summary = "Puts a domain on the project and waits until it is verified",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.undo = &vercel_domain_remove,
	.run_timeout_s = 7 * 86400, /* a person sets the DNS */
};
