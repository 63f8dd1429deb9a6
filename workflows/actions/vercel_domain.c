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
		.description = "The domain, such as www.example.org; without it the step is skipped" },
};

struct checkpoint {
	bool asked; /* the domain was not on the project, and then we asked for it */
};
static const struct field checkpoint_fields[] = {
	{ BOOLEAN_FIELD("asked", struct checkpoint, asked) },
};

struct output {
	const char *name, *url;
	bool verified;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("name", struct output, name), .description = "The domain" },
	{ STRING_FIELD("url", struct output, url), .description = "Where it answers" },
	{ BOOLEAN_FIELD("verified", struct output, verified), .description = "Whether its ownership is shown" },
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
	const char *project_id;
	bool verified;
	struct object_list verification;
};
static const struct field domain_fields[] = {
	{ STRING_FIELD("projectId", struct domain, project_id) },
	{ BOOLEAN_FIELD("verified", struct domain, verified) },
	{ OBJECTS_FIELD("verification", struct domain, verification), .record = &challenge_record },
};
static const struct record domain_record = RECORD(struct domain, domain_fields);

struct name_request {
	const char *name;
};
static const struct field name_fields[] = { { STRING_FIELD("name", struct name_request, name) } };
static const struct record name_record = RECORD(struct name_request, name_fields);

struct configuration {
	bool misconfigured;
};
static const struct field configuration_fields[] = {
	{ BOOLEAN_FIELD("misconfigured", struct configuration, misconfigured) },
};
static const struct record configuration_record = RECORD(struct configuration, configuration_fields);

static bool look(struct action_context *context, const struct input *input, bool *ret_there, struct domain *ret_domain)
{
	struct provider_answer answer;
	const struct provider_request request = { .path = "/v9/projects/{idOrName}/domains/{domain}",
		.parameters = { input->project, input->name },
		.expect = { 404 } };
	if (!provider_call(context, &vercel, &request, &answer))
		return false;
	*ret_there = answer.status != 404;
	return !*ret_there || provider_decode(context, &answer, &domain_record, ret_domain);
}

/* Entries of older versions do not name the project; whether the app created the domain they say all the same. */
static bool was_created(struct action_context *context, const char *name, bool *ret_created)
{
	const struct owned_resource *list;
	size_t count;
	*ret_created = false;
	if (!action_ledger(context, "vercel", "domain", &list, &count))
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
	const char *known = action_owned(context, "vercel", "domain", input->name);
	bool before;
	if (known != NULL && id != NULL && strcmp(known, id) == 0 && !created)
		return true;
	if (!was_created(context, input->name, &before))
		return false;
	const struct owned_resource resource = {
		.provider = "vercel", .type = "domain", .key = input->name, .id = id, .created = created || before
	};
	return action_own(context, &resource);
}

/* ACTION_DONE when the domain stands on the project and *domain tells of it. */
static enum action_result add(
	struct action_context *context, const struct input *input, struct checkpoint *checkpoint, struct domain *domain)
{
	struct provider_answer answer;
	bool there, asked_before = checkpoint->asked;
	const struct name_request body = { input->name };
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v10/projects/{idOrName}/domains",
		.parameters = { input->project },
		.body_record = &name_record,
		.body = &body,
		.expect = { 400, 403, 409 } };
	checkpoint->asked = true;
	if (!action_save(context) || !provider_call(context, &vercel, &request, &answer))
		return action_failed(context);
	const struct provider_answer refused = answer;
	if (!look(context, input, &there, domain))
		return action_failed(context);
	if (!there && strcasestr(refused.message, "production deployment") != NULL) {
		action_fail(context, ERROR_BUILD_FAILED, "Vercel gives no domain to the project: %s", refused.message);
		return action_remedy(context, NULL, "Run the deployment step until it is done, then this one again.");
	}
	if (!there) {
		action_fail(context, refused.status == 400 ? ERROR_INVALID_INPUT : ERROR_CONFLICT_FOREIGN,
			"Vercel does not give %s to the project: %s", input->name,
			refused.message[0] != '\0' ? refused.message : "it does not show it afterwards");
		return action_remedy(context, "https://vercel.com/dashboard/domains",
			"Remove the domain from the project or account that has it, or choose another.");
	}
	/* A refusal may be the answer to what an earlier attempt had done, whose own answer was lost. */
	checkpoint->asked = refused.status < 300 || asked_before;
	return own(context, input, domain, checkpoint->asked) ? ACTION_DONE : action_failed(context);
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
	struct provider_answer answer;
	struct domain domain;
	const struct provider_request request = { .method = HTTP_POST,
		.path = "/v9/projects/{idOrName}/domains/{domain}/verify",
		.parameters = { input->project, input->name },
		.expect = { 400, 409 } };
	*ret_verified = false;
	if (!provider_call(context, &vercel, &request, &answer))
		return false;
	if (answer.status >= 300)
		return true;
	if (!provider_decode(context, &answer, &domain_record, &domain))
		return false;
	*ret_verified = domain.verified;
	return true;
}

static enum action_result wait_verification(
	struct action_context *context, const struct input *input, const struct domain *domain)
{
	const struct challenge *challenge = domain->verification.items;
	if (domain->verification.count == 0 || challenge->domain == NULL || challenge->value == NULL)
		return action_wait_for_person(
			context, person_delay_ms(context), "Show Vercel that %s is yours", input->name);
	return action_wait_for_person(context, person_delay_ms(context),
		"Set in the DNS: a record of type %s for %s with the value %s",
		challenge->type != NULL ? challenge->type : "TXT", challenge->domain, challenge->value);
}

/* Verified means owned; traffic also needs the name to point at Vercel. */
static enum action_result check_configuration(struct action_context *context, const struct input *input)
{
	struct provider_answer answer;
	struct configuration configuration;
	const struct provider_request request = { .path = "/v6/domains/{domain}/config",
		.parameters = { input->name },
		.query = { { "projectIdOrName", input->project } },
		.expect = { 404 } };
	if (!provider_call(context, &vercel, &request, &answer))
		return action_failed(context);
	if (answer.status == 404) {
		action_log(context, "Vercel tells nothing of the DNS of %s", input->name);
		return ACTION_DONE;
	}
	if (!provider_decode(context, &answer, &configuration_record, &configuration))
		return action_failed(context);
	if (!configuration.misconfigured)
		return ACTION_DONE;
	return action_wait_for_person(context, person_delay_ms(context),
		"Point %s at Vercel in the DNS: CNAME cname.vercel-dns.com, or A 76.76.21.21 for a domain of its own",
		input->name);
}

static enum action_result run(
	struct action_context *context, const void *raw_input, void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct checkpoint *checkpoint = raw_checkpoint;
	struct domain domain;
	bool there;
	if (input->name == NULL)
		return action_skip(context, "no domain was given");
	if (!look(context, input, &there, &domain))
		return action_failed(context);
	if (there && !own(context, input, &domain, checkpoint->asked))
		return action_failed(context);
	if (!there) {
		enum action_result added = add(context, input, checkpoint, &domain);
		if (added != ACTION_DONE)
			return added;
	}
	if (!domain.verified && !verify(context, input, &domain.verified))
		return action_failed(context);
	if (!domain.verified)
		return wait_verification(context, input, &domain);
	enum action_result configured = check_configuration(context, input);
	if (configured != ACTION_DONE)
		return configured;
	*(struct output *)raw_output =
		(struct output){ input->name, action_format(context, "https://%s", input->name), true };
	return action_done(context);
}

const struct action_definition vercel_domain = {
	.id = "vercel.domain",
	.summary = "Puts a domain on the project and waits until it is verified",
	.input = RECORD(struct input, input_fields),
	.checkpoint = RECORD(struct checkpoint, checkpoint_fields),
	.output = RECORD(struct output, output_fields),
	.run = run,
	.undo = &vercel_domain_remove,
	.run_seconds = 7 * 86400, /* a person sets the DNS */
};
