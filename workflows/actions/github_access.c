/*
 * github.access: gives a user or a team access to a repository. A user from outside gets an
 * invitation; the step is then done, whether or not the invitation is accepted.
 *
 * Natural key: owner/name and the login or the team. Access is never lowered: a user or team that
 * already has the permission, or a higher one, keeps it. An open invitation is not sent again.
 * Access is deleted with its repository, so there is no action to undo it.
 *
 * API: https://docs.github.com/rest/collaborators, /rest/repos/repos#list-repository-teams,
 * /rest/teams/teams.
 */
#include "actions.h"
#include "actions/github_names.h"
#include "slipway/provider.h"

/* Logins of managed users have an underscore */
#define LOGIN_PATTERN      "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
#define LOGIN_FORM         "the login of a user: letters, digits, - and _"
#define SLUG_PATTERN       "^[A-Za-z0-9_.-]{1,100}$"
#define SLUG_FORM          "the slug of a team, as it stands in the address of its page"
#define PERMISSION_PATTERN "^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$"
#define PERMISSION_FORM    "the name of a role, such as push, or of one of the organisation's own"
#define PAGE_ITEMS         100
#define PAGES_MAX          20

struct input {
	const char *repository, *user, *team, *permission;
};
static const struct field input_fields[] = {
	{ STRING_FIELD("repository", struct input, repository), .required = true,
		.pattern = REPOSITORY_PATTERN, .form = REPOSITORY_FORM,
		.description = "The repository, as owner/name" },
	{ STRING_FIELD("user", struct input, user), .pattern = LOGIN_PATTERN, .form = LOGIN_FORM,
		.description = "Login of the user; give either user or team" },
	{ STRING_FIELD("team", struct input, team), .pattern = SLUG_PATTERN, .form = SLUG_FORM,
		.description = "Slug of a team of the organisation that owns the repository" },
	{ STRING_FIELD("permission", struct input, permission), .fallback = "push",
		.pattern = PERMISSION_PATTERN, .form = PERMISSION_FORM,
		.description = "pull, triage, push, maintain, admin, or a custom role of the "
			       "organisation" },
};

struct output {
	const char *state, *permission, *url;
	int64_t invitation_id;
};
static const struct field output_fields[] = {
	{ STRING_FIELD("state", struct output, state),
		.description = "member, or invited if an invitation is open" },
	{ STRING_FIELD("permission", struct output, permission),
		.description =
			"The permission that was requested, or that of the open invitation" },
	{ INTEGER_FIELD("invitationId", struct output, invitation_id), .omit_zero = true,
		.description = "GitHub's id of the invitation" },
	{ STRING_FIELD("url", struct output, url),
		.description = "Where to accept the invitation" },
};

/* ---- what GitHub returns ---- */

struct permissions {
	bool pull, triage, push, maintain, admin;
};
static const struct field permissions_fields[] = {
	{ BOOLEAN_FIELD("pull", struct permissions, pull) },
	{ BOOLEAN_FIELD("triage", struct permissions, triage) },
	{ BOOLEAN_FIELD("push", struct permissions, push) },
	{ BOOLEAN_FIELD("maintain", struct permissions, maintain) },
	{ BOOLEAN_FIELD("admin", struct permissions, admin) },
};
static const struct record permissions_record = RECORD(struct permissions, permissions_fields);

/* A collaborator by login or a team by slug. */
struct holder {
	const char *login, *slug, *role_name, *permission;
	const void *permissions;
};
static const struct field holder_fields[] = {
	{ STRING_FIELD("login", struct holder, login) },
	{ STRING_FIELD("slug", struct holder, slug) },
	{ STRING_FIELD("role_name", struct holder, role_name) },
	{ STRING_FIELD("permission", struct holder, permission) },
	{ OBJECT_FIELD("permissions", struct holder, permissions), .record = &permissions_record },
};
static const struct record holder_record = RECORD(struct holder, holder_fields);

struct account {
	const char *login;
};
static const struct field account_fields[] = { { STRING_FIELD("login", struct account, login) } };
static const struct record account_record = RECORD(struct account, account_fields);

struct invitation {
	int64_t id;
	const void *invitee; /* NULL if it went to an e-mail address */
	const char *permissions, *html_url;
	bool expired;
};
static const struct field invitation_fields[] = {
	{ INTEGER_FIELD("id", struct invitation, id), .required = true },
	{ OBJECT_FIELD("invitee", struct invitation, invitee), .record = &account_record },
	{ STRING_FIELD("permissions", struct invitation, permissions) },
	{ STRING_FIELD("html_url", struct invitation, html_url) },
	{ BOOLEAN_FIELD("expired", struct invitation, expired) },
};
static const struct record invitation_record = RECORD(struct invitation, invitation_fields);

/* ---- what we send ---- */

static const struct field grant_fields[] = { { STRING_FIELD(
	"permission", struct input, permission) } };
static const struct record grant_record = RECORD(struct input, grant_fields);

/* Teams belong to the organisation, so reading them needs one more permission. */
static const struct string_pair permissions[] = { { "administration", "write" },
	{ "metadata", "read" }, { NULL, NULL } };
static const struct string_pair permissions_of_teams[] = { { "administration", "write" },
	{ "members", "read" }, { "metadata", "read" }, { NULL, NULL } };

static const struct string_pair *permissions_for(const struct input *input)
{
	return input->team != NULL ? permissions_of_teams : permissions;
}

/* ---- who has access ---- */

/* Whether the item of the list is the one that we want. */
typedef bool matches(const void *item, const struct input *input);

static bool is_holder(const void *item, const struct input *input)
{
	const struct holder *holder = item;
	if (input->team != NULL)
		return holder->slug != NULL && strcasecmp(holder->slug, input->team) == 0;
	return holder->login != NULL && strcasecmp(holder->login, input->user) == 0;
}

static bool is_invitation(const void *item, const struct input *input)
{
	const struct invitation *invitation = item;
	const struct account *invitee = invitation->invitee;
	return !invitation->expired && invitee != NULL && invitee->login != NULL &&
		strcasecmp(invitee->login, input->user) == 0;
}

/* Searches the pages of a list of the repository; *ret_found is NULL if nothing matches. */
static bool find(struct action_context *context, const struct input *input, const char *path,
	const struct record *record, matches *is_wanted, const void **ret_found)
{
	struct provider_response response;
	struct object_list list = { .count = PAGE_ITEMS };
	struct provider_request request = {
		.path = path, .permissions = permissions_for(input), .expect = { 404 }
	};

	*ret_found = NULL;
	if (!split_repository(context, input->repository, request.parameters))
		return false;
	request.query[0] = (struct string_pair){ "per_page", "100" };
	for (int page = 1; page <= PAGES_MAX && list.count == PAGE_ITEMS; page++) {
		request.query[1] =
			(struct string_pair){ "page", action_format(context, "%d", page) };
		if (!provider_call(context, &github, &request, &response))
			return false;
		if (response.status == 404)
			return true;
		if (!provider_decode_list(context, &response, record, &list))
			return false;
		for (size_t i = 0; i < list.count && *ret_found == NULL; i++) {
			const void *item = (const char *)list.items + i * record->size;
			*ret_found = is_wanted(item, input) ? item : NULL;
		}
		if (*ret_found != NULL)
			return true;
	}

	return true;
}

/* Lists name a permission by its role. */
static const struct role {
	const char *permission, *role;
	size_t offset; /* in struct permissions */
} roles[] = {
	{ "pull", "read", offsetof(struct permissions, pull) },
	{ "triage", "triage", offsetof(struct permissions, triage) },
	{ "push", "write", offsetof(struct permissions, push) },
	{ "maintain", "maintain", offsetof(struct permissions, maintain) },
	{ "admin", "admin", offsetof(struct permissions, admin) },
};

/* Whether the holder has the permission or a higher one. A custom role is covered by admin. */
static bool has_permission(const struct holder *holder, const char *permission)
{
	const char *role_name = holder->role_name != NULL ? holder->role_name : holder->permission;
	size_t offset = offsetof(struct permissions, admin);
	if (role_name != NULL && strcasecmp(role_name, permission) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(roles[i].permission, permission) == 0)
			offset = roles[i].offset;
	return holder->permissions != NULL &&
		*(const bool *)((const char *)holder->permissions + offset);
}

/* The permission of the role, as an input names it. */
static const char *permission_of(const char *role_name)
{
	for (size_t i = 0; role_name != NULL && i < ARRAY_LEN(roles); i++)
		if (strcmp(roles[i].role, role_name) == 0)
			return roles[i].permission;
	return role_name;
}

static bool read_access(struct action_context *context, const struct input *input,
	const struct holder **ret_holder, const struct invitation **ret_invitation)
{
	const void *holder, *invitation = NULL;
	const char *path = input->team != NULL ? "/repos/{owner}/{repo}/teams"
					       : "/repos/{owner}/{repo}/collaborators";

	if (!find(context, input, path, &holder_record, is_holder, &holder))
		return false;
	if (holder == NULL && input->user != NULL &&
		!find(context, input, "/repos/{owner}/{repo}/invitations", &invitation_record,
			is_invitation, &invitation))
		return false;
	*ret_holder = holder;
	*ret_invitation = invitation;
	return true;
}

/* ---- grant ---- */

static bool send_grant(struct action_context *context, const struct input *input,
	struct provider_response *response)
{
	const char *names[2];
	struct provider_request request = { .method = HTTP_PUT,
		.path = "/repos/{owner}/{repo}/collaborators/{username}",
		.body_record = &grant_record,
		.body = input,
		.permissions = permissions_for(input),
		.expect = { 404, 422 } };

	if (!split_repository(context, input->repository, names))
		return false;
	if (input->team != NULL) {
		request.path = "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}";
		request.parameters[0] = names[0];
		request.parameters[1] = input->team;
		request.parameters[2] = names[0];
		request.parameters[3] = names[1];
	} else {
		request.parameters[0] = names[0];
		request.parameters[1] = names[1];
		request.parameters[2] = input->user;
	}

	return provider_call(context, &github, &request, response);
}

/* What a 422 means, by a word in its message; the last row covers all others. */
static const struct refusal_reason {
	const char *word;
	enum error_class class;
	const char *remedy;
	bool of_permission; /* else of whom it is given to */
} reasons[] = {
	{ "seat", ERROR_PLAN_LIMIT, "Buy or free a seat, then trigger the step again.", false },
	{ "limit", ERROR_PLAN_LIMIT,
		"GitHub limits a repository to 50 invitations in 24 hours; trigger the step again "
		"after that.",
		false },
	{ "permission", ERROR_INVALID_INPUT,
		"Choose another permission; a repository that a user owns supports only push.",
		true },
	{ "role", ERROR_INVALID_INPUT,
		"Choose another permission; a repository that a user owns supports only push.",
		true },
	{ "", ERROR_INVALID_INPUT,
		"Check the user or team, and whether the organisation lets it have access; a "
		"repository that a user owns supports only the permission push.",
		false },
};

static enum action_result refuse(struct action_context *context, const struct input *input,
	const struct provider_response *response)
{
	const char *who = input->team != NULL ? input->team : input->user;
	const struct refusal_reason *reason = reasons;

	if (response->status == 404 && provider_is_late(context))
		return action_wait(context, 2000, "%s to become visible, to give %s access",
			input->repository, who);
	if (response->status == 404) {
		action_fail(context, ERROR_NOT_FOUND,
			"GitHub finds no %s %s or no repository %s, or the token cannot see them",
			input->team != NULL ? "team" : "user", who, input->repository);
		return action_remedy(context, NULL,
			"Check both names, and that the token can administer the repository%s.",
			input->team != NULL ? " and read the organisation's members" : "");
	}

	while (reason->word[0] != '\0' && strcasestr(response->message, reason->word) == NULL &&
		strcasestr(response->code, reason->word) == NULL)
		reason++;
	action_fail(context, reason->class, "GitHub refuses permission %s on %s for %s: %s",
		input->permission, input->repository, who, response->message);
	action_remedy(context, NULL, "%s", reason->remedy);
	if (reason->class != ERROR_INVALID_INPUT)
		return ACTION_FAILED;
	const char *whom = input->team != NULL ? "team" : "user";
	return action_remedy_input(context, reason->of_permission ? "permission" : whom);
}

static enum action_result invited(struct action_context *context, const struct input *input,
	const struct invitation *invitation, struct output *output)
{
	const char *permission = permission_of(invitation->permissions);
	*output = (struct output){ .state = "invited",
		.permission = permission != NULL ? permission : input->permission,
		.url = invitation->html_url,
		.invitation_id = invitation->id };
	return action_done(context);
}

static enum action_result grant(
	struct action_context *context, const struct input *input, struct output *output)
{
	struct provider_response response;
	struct invitation invitation;

	if (!send_grant(context, input, &response))
		return action_failed(context);
	if (response.status >= 400)
		return refuse(context, input, &response);
	if (response.status == 201 &&
		!provider_decode(context, &response, &invitation_record, &invitation))
		return action_failed(context);
	action_log(context, "%s %s to %s with permission %s",
		response.status == 201 ? "invited" : "added",
		input->team != NULL ? input->team : input->user, input->repository,
		input->permission);
	if (response.status == 201)
		return invited(context, input, &invitation, output);
	*output = (struct output){ .state = "member", .permission = input->permission };
	return action_done(context);
}

static void validate(const void *raw_input, struct input_check *check)
{
	const struct input *input = raw_input;
	if ((input->user == NULL) == (input->team == NULL))
		input_fault(check, &(struct input_fault){ .member = "user" },
			"give a user or a team, and not both");
}

static enum action_result run(struct action_context *context, const void *raw_input,
	void *raw_checkpoint, void *raw_output)
{
	const struct input *input = raw_input;
	struct output *output = raw_output;
	const struct holder *holder;
	const struct invitation *invitation;
	(void)raw_checkpoint;

	if (!read_access(context, input, &holder, &invitation))
		return action_failed(context);
	if (holder != NULL && has_permission(holder, input->permission)) {
		*output = (struct output){ .state = "member", .permission = input->permission };
		return action_done(context);
	}

	if (holder != NULL)
		action_found(context,
			holder->role_name != NULL ? holder->role_name : holder->permission);
	if (invitation == NULL)
		return grant(context, input, output);
	action_log(
		context, "%s already has an open invitation to %s", input->user, input->repository);
	return invited(context, input, invitation, output);
}

const struct action_definition github_access = {
	.id = "github.access",
	.summary = "Gives a user or a team access to a GitHub repository",
	.input = RECORD(struct input, input_fields),
	.output = RECORD(struct output, output_fields),
	.reuse = ACTION_LOOK_AGAIN,
	.validate = validate,
	.run = run,
	.permissions = permissions,
	.more_permissions = permissions_of_teams,
	.one_repository = true,
};
