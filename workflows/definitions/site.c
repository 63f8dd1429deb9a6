/*
 * site: a client's site, from the repository to a checked production deployment; with files of its own, variables,
 * secrets, access and protection where they are asked for.
 */
#include "actions.h"
#include "definitions.h"

static const struct step_definition steps[] = {
	{ .id = "repo", .action = &github_repository, .input_key = "repo" },
	{ .id = "files",
		.action = &github_files,
		.input_key = "files",
		.optional = true,
		.bind = BIND({ "repository", "${step.repo.fullName}" }, { "branch", "${step.repo.defaultBranch}" }) },
	{ .id = "variables",
		.action = &github_variables,
		.input_key = "variables",
		.optional = true,
		.bind = BIND({ "repository", "${step.repo.fullName}" }) },
	{ .id = "secrets",
		.action = &github_secrets,
		.input_key = "secrets",
		.optional = true,
		.bind = BIND({ "repository", "${step.repo.fullName}" }) },
	{ .id = "access",
		.action = &github_access,
		.input_key = "access",
		.optional = true,
		.bind = BIND({ "repository", "${step.repo.fullName}" }) },
	{ .id = "project",
		.action = &vercel_project,
		.input_key = "project",
		.bind = BIND({ "repository", "${step.repo.fullName}" }, { "repositoryId", "${step.repo.id}" }) },
	{ .id = "env",
		.action = &vercel_environment,
		.input_key = "env",
		.bind = BIND({ "project", "${step.project.id}" }) },
	{ .id = "deployment",
		.action = &vercel_deployment,
		.input_key = "deployment",
		.needs = NEEDS("files"),
		.bind = BIND({ "project", "${step.project.id}" }, { "projectName", "${step.project.name}" },
			{ "repository", "${step.repo.fullName}" }, { "repositoryId", "${step.repo.id}" },
			{ "branch", "${step.repo.defaultBranch}" }, { "after", "${step.env.updatedAt}" }) },
	/* Vercel refuses a domain while the last production deployment has failed. */
	{ .id = "domain",
		.action = &vercel_domain,
		.input_key = "domain",
		.needs = NEEDS("deployment"),
		.bind = BIND({ "project", "${step.project.id}" }) },
	/* The deployment's own url may be behind a login. */
	{ .id = "check",
		.action = &http_check,
		.input_key = "check",
		.needs = NEEDS("domain"),
		.bind = BIND({ "url", "${step.deployment.alias}" }) },
	/* The last to touch the repository: from here on, nobody commits to the branch unseen. */
	{ .id = "protection",
		.action = &github_protection,
		.input_key = "protection",
		.optional = true,
		.needs = NEEDS("files"),
		.bind = BIND({ "repository", "${step.repo.fullName}" }, { "branch", "${step.repo.defaultBranch}" }) },
};

const struct workflow_definition site = {
	.id = "site",
	.summary = "A site: repository, Vercel project, environment, production deployment, domain, check",
	.steps = steps,
	.step_count = ARRAY_LEN(steps),
};
