/*
 * vercel.domain: adds a domain to the project, and waits until it is verified and points to Vercel.
 * Skipped if no domain is given. The domain can redirect to another domain of the project, or show
 * a branch.
 *
 * Natural key: the name. The response to an add does not decide, but whether the domain is on our
 * project afterwards: Vercel uses the same codes for "on another project" and "already on this
 * project".
 *
 * API: https://vercel.com/docs/rest-api/reference/endpoints/projects (domains) and /domains
 * (config).
 */
#include <string.h>

#include "actions.h"
#include "actions/github_names.h"
#include "actions/vercel_dns.h"
#include "slipway/domain.h"
#include "slipway/provider.h"

#define NAME_MAX_BYTES 1000 /* as people write it; what DNS has is shorter */
#define WILDCARD       "*."

struct input {
	const char *project, *name, *redirect, *branch;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("project", struct input, project), .required = true, .maximum = 100,
		.description = "Id of the project" },
	{ STRING_FIELD("name", struct input, name), .maximum = NAME_MAX_BYTES,
		.description =
			"The domain, such as www.example.org, *.example.org or bäckerei.de; if "
			"absent, the step is skipped" },
	{ STRING_FIELD("redirect", struct input, redirect), .maximum = NAME_MAX_BYTES,
		.description = "Domain of the project that visitors are redirected to, such as "
			       "example.org" },
	{ STRING_FIELD("branch", struct input, branch), .pattern = BRANCH_PATTERN,
		.form = BRANCH_FORM,
		.description = "Branch that the domain shows instead of production" },
};

struct output {
	const char *name, *unicode_name, *url;
	bool verified;
	struct object_list records;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("name", struct output, name),
		.description = "The domain as DNS has it, such as xn--bckerei-5wa.de" },
	{ STRING_FIELD("unicodeName", struct output, unicode_name),
		.description = "The domain as people write it, such as bäckerei.de" },
	{ STRING_FIELD("url", struct output, url), .description = "URL of the domain" },
	{ BOOLEAN_FIELD("verified", struct output, verified),
		.description = "Whether the ownership of the domain is verified" },
	{ OBJECTS_FIELD("records", struct output, records), .record = &dns_record_record,
		.description = "The DNS records that Vercel recommends" },
};

struct domain {
	const char *project_id, *apex_name, *redirect, *branch;
	bool verified;
	int64_t created_at;
	struct object_list verification;
};
static const struct field domain_fields[] = {
	{ STRING_FIELD("projectId", struct domain, project_id) },
	{ STRING_FIELD("apexName", struct domain, apex_name) },
	{ STRING_FIELD("redirect", struct domain, redirect) },
	{ STRING_FIELD("gitBranch", struct domain, branch) },
	{ BOOLEAN_FIELD("verified", struct domain, verified) },
	{ INTEGER_FIELD("createdAt", struct domain, created_at) },
	{ OBJECTS_FIELD("verification", struct domain, verification),
		.record = &dns_challenge_record },
};
static const struct record domain_record = RECORD(struct domain, domain_fields);

struct add_request {
	const char *name, *branch, *redirect;
};
static const struct field add_fields[] = {
	{ STRING_FIELD("name", struct add_request, name) },
	{ STRING_FIELD("gitBranch", struct add_request, branch) },
	{ STRING_FIELD("redirect", struct add_request, redirect) },
};
static const struct record add_record = RECORD(struct add_request, add_fields);

struct change_request {
	const char *branch, *redirect;
};
static const struct field change_fields[] = {
	{ STRING_FIELD("gitBranch", struct change_request, branch) },
	{ STRING_FIELD("redirect", struct change_request, redirect) },
};
static const struct record change_record = RECORD(struct change_request, change_fields);

static const char *shown_name(struct action_context *context, const char *name)
{
	char *shown = action_allocate(context, DOMAIN_SHOWN_SIZE, 1);
	if (shown != NULL)
		domain_show(name, shown);
	return shown != NULL ? shown : name;
}

static bool read_domain(struct action_context *context, const struct input *input, bool *ret_exists,
	struct domain *ret_domain)
{
	struct provider_response response;
	const struct provider_request request = {
		.path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { input->project, input->name },
		.expect = { 404 }
	};
	if (!provider_call(context, &vercel, &request, &response))
		return false;
	*ret_exists = response.status != 404;
	return !*ret_exists || provider_decode(context, &response, &domain_record, ret_domain);
}

/* Entries of older versions do not name the project, but do tell whether the
 * app added the domain. */
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

/* The id names the project, so the ledger alone tells a removal what to remove. */
static bool own(struct action_context *context, const struct input *input,
	const struct domain *domain, bool created)
{
	const char *project = domain->project_id != NULL ? domain->project_id : input->project;
	const char *id = action_format(context, "%s/%s", project, input->name);
	struct ledger_resource row;
	bool before;

	if (!was_created(context, input->name, &before))
		return false;

	/* It may be the result of a request for this project whose response was lost. */
	if (ledger_get(context, "vercel", "domain", input->name, &row) && row.source != NULL &&
		strcmp(row.source, project) == 0)
		before = before || ledger_may_be_ours(&row, domain->created_at);
	const struct ledger_resource resource = { .provider = "vercel",
		.type = "domain",
		.key = input->name,
		.id = id,
		.created = created || before };
	return ledger_put(context, &resource);
}

/* Only a person can free a domain that another project has; other causes, such as a missing
 * permission, have their own class. */
static enum action_result refuse(
	struct action_context *context, const struct input *input, const struct error *refused)
{
	action_fail_again(context, refused, "Vercel refuses to add %s to the project: %s",
		shown_name(context, input->name), refused->message);
	if (refused->class != ERROR_INVALID_INPUT && refused->class != ERROR_CONFLICT_FOREIGN)
		return ACTION_FAILED;
	if (strcasestr(refused->message, "redirect") != NULL)
		return action_remedy_input(context, "redirect");
	if (strcasestr(refused->message, "branch") != NULL)
		return action_remedy_input(context, "branch");
	if (strcasestr(refused->message, "transfer") != NULL)
		return ACTION_FAILED;
	if (refused->class == ERROR_INVALID_INPUT)
		return action_remedy_input(context, "name");
	action_remedy(context, "https://vercel.com/dashboard/domains",
		"Remove the domain from the project or account that has it, or choose another "
		"domain.");
	return action_remedy_input(context, "name");
}

static bool is_other(const char *desired, const char *current)
{
	return desired != NULL && (current == NULL || strcmp(desired, current) != 0);
}

/* What the input does not mention stays as it is. */
static bool change(struct action_context *context, const struct input *input, struct domain *domain)
{
	struct provider_response response;
	const struct change_request body = { input->branch, input->redirect };
	const struct provider_request request = { .method = HTTP_PATCH,
		.path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { input->project, input->name },
		.body_record = &change_record,
		.body = &body };

	if (!is_other(input->redirect, domain->redirect) &&
		!is_other(input->branch, domain->branch))
		return true;
	action_found(context, domain->redirect);
	action_found(context, domain->branch);
	return provider_call(context, &vercel, &request, &response) &&
		provider_decode(context, &response, &domain_record, domain);
}

/* ACTION_DONE once the domain is on the project and *domain is filled. */
static enum action_result add(
	struct action_context *context, const struct input *input, struct domain *domain)
{
	struct provider_response response;
	bool exists;
	const struct ledger_resource intent = {
		.provider = "vercel", .type = "domain", .key = input->name, .source = input->project
	};
	const struct add_request body = { input->name, input->branch, input->redirect };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{idOrName}/domains",
		.parameters = { input->project },
		.body_record = &add_record,
		.body = &body };

	if (!ledger_intend(context, &intent))
		return action_failed(context);
	bool added = provider_call(context, &vercel, &request, &response);
	const struct error refused = *action_error(context);
	bool is_final = refused.http_status >= 400 && refused.http_status < 500 &&
		refused.class != ERROR_RATE_LIMITED;

	/* Vercel also refuses if an earlier attempt, whose response was lost, has already added the
	 * domain. */
	if (!added && provider_made_nothing(context) && !ledger_take_back(context))
		return action_failed(context);
	if ((!added && !is_final) || !read_domain(context, input, &exists, domain))
		return action_failed(context);
	if (!exists && !added)
		return refuse(context, input, &refused);
	if (!exists)
		return action_fail(context, ERROR_PROVIDER_UNAVAILABLE,
			"Vercel accepted %s for the project, but does not show it there",
			shown_name(context, input->name));
	return own(context, input, domain, added) && change(context, input, domain)
		? ACTION_DONE
		: action_failed(context);
}

/* 1, 5, 15, 30 minutes: DNS changes take time, and DNS answers are cached. */
static int64_t person_delay_ms(const struct action_context *context)
{
	int64_t minutes = action_run_age_ms(context) / 60000;
	return (minutes < 5 ? 1 : minutes < 30 ? 5 : minutes < 120 ? 15 : 30) * INT64_C(60000);
}

/* Asks Vercel to check the DNS; while the record is missing, a refusal is normal. */
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

/* Verified means that the ownership is proven; for traffic, the name must also point to Vercel. */
static enum action_result finish(struct action_context *context, const struct input *input,
	const struct domain *domain, struct output *output)
{
	struct dns_advice advice;
	const struct dns_question question = { input->project, input->name,
		shown_name(context, input->name), domain->apex_name, domain->verified,
		domain->verification };
	char *text = action_allocate(context, DOMAIN_TEXT_SIZE, 1);

	if (text != NULL)
		domain_write(input->name, text);

	if (!dns_ask(context, &question, &advice))
		return action_failed(context);
	if (advice.text[0] != '\0')
		return action_wait_for_person(context, person_delay_ms(context), "%s", advice.text);
	*output = (struct output){ .name = input->name,
		.unicode_name = text,
		.url = action_format(context, "https://%s", input->name),
		.verified = true,
		.records = advice.records };
	return action_done(context);
}

/* Reads a name that may have a wildcard before it. */
static bool read_name(const char *given, char name[DOMAIN_SIZE], const char **ret_why)
{
	bool wildcard = strncmp(given, WILDCARD, strlen(WILDCARD)) == 0;
	return domain_read(given + (wildcard ? strlen(WILDCARD) : 0), name, ret_why);
}

/* The name as Vercel stores it; NULL if there is none, or memory runs out. */
static const char *stored_name(struct action_context *context, const char *given)
{
	char name[DOMAIN_SIZE];
	const char *why;

	if (given == NULL)
		return NULL;
	/* In a plan, the name may be one that an earlier step has yet to give. */
	if (!input_is_known(given))
		return given;
	if (!read_name(given, name, &why))
		return NULL;
	return action_format(context, "%s%s",
		strncmp(given, WILDCARD, strlen(WILDCARD)) == 0 ? WILDCARD : "", name);
}

static void validate_name(const char *member, const char *given, bool wildcards,
	char name[DOMAIN_SIZE], struct input_check *check)
{
	const char *why;
	const struct input_fault fault = { .member = member,
		.remedy = wildcards ? "Give a name such as www.example.org or *.example.org."
				    : "Give a name such as example.org." };

	name[0] = '\0';
	if (!input_is_known(given) ||
		(wildcards ? read_name(given, name, &why) : domain_read(given, name, &why)))
		return;
	name[0] = '\0';
	input_fault(check, &fault, "'%s' is not the name of a domain: %s", given, why);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	char name[DOMAIN_SIZE], target[DOMAIN_SIZE];

	validate_name("name", input->name, true, name, check);
	validate_name("redirect", input->redirect, false, target, check);
	if (name[0] != '\0' && strcmp(name, target) == 0 && input->name[0] != '*')
		input_fault(check, &(struct input_fault){ .member = "redirect" },
			"a domain cannot redirect to itself");
	if (input->redirect != NULL && input->branch != NULL)
		input_fault(check, &(struct input_fault){ .member = "branch" },
			"Vercel takes a redirect or a branch of a domain, not both");
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *no_checkpoint, void *raw_output)
{
	const struct input *given = raw_input;
	struct domain domain;
	bool exists;
	(void)no_checkpoint;

	if (given->name == NULL)
		return action_skip(context, "no domain was given");
	const struct input input = { given->project, stored_name(context, given->name),
		stored_name(context, given->redirect), given->branch };
	*(struct output *)raw_output = (struct output){ .name = input.name,
		.url = action_format(context, "https://%s", input.name) };
	if (input.name == NULL || !read_domain(context, &input, &exists, &domain))
		return action_failed(context);
	if (exists && (!own(context, &input, &domain, false) || !change(context, &input, &domain)))
		return action_failed(context);
	if (!exists) {
		enum action_result added = add(context, &input, &domain);
		if (added != ACTION_DONE)
			return added;
	}

	if (!domain.verified && !verify(context, &input, &domain.verified))
		return action_failed(context);
	return finish(context, &input, &domain, raw_output);
}

const struct action_definition vercel_domain = {
	.id = "vercel.domain",
	.summary = "Adds a domain to the project and waits until it is verified",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.undo = &vercel_domain_remove,
	.run_timeout_s = 7 * 86400, /* a person sets the DNS */
};
