/*
 * Reads a stack file and checks all that can be checked without the server: members, types and
 * names. It goes on after a fault, so that a person sees them all at once.
 */
#include <stdarg.h>
#include <string.h>

#include "base/identifier.h"
#include "base/text.h"
#include "cli/show.h"
#include "cli/stack.h"
#include "slipway/field.h"

enum member_type {
	MEMBER_MAP,
	MEMBER_LIST,
	MEMBER_TEXT,
};
struct member {
	const char *name;
	enum member_type type;
};

static const struct member file_members[] = { { "apps", MEMBER_MAP }, { NULL, 0 } };
static const struct member app_members[] = { { "workflow", MEMBER_TEXT },
	{ "workflows", MEMBER_MAP }, { "inputs", MEMBER_MAP }, { "after", MEMBER_LIST },
	{ "config", MEMBER_MAP }, { "env", MEMBER_MAP }, { "secrets", MEMBER_MAP },
	{ "connections", MEMBER_MAP }, { NULL, 0 } };
static const struct member unit_members[] = { { "inputs", MEMBER_MAP }, { "after", MEMBER_LIST },
	{ NULL, 0 } };

/* ---- faults ---- */

void stack_fault(struct stack *stack, const char *place, const char *format, ...)
{
	struct error error;
	char text[sizeof(error.message)];
	va_list arguments;

	va_start(arguments, format);
	text_format_list(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_set(&error, ERROR_INVALID_INPUT, "%s", text);
	error_at(&error, "%s", place);
	(void)faults_note(&stack->faults, &error); /* of too many, the first ones do */
}

void stack_show_faults(const struct stack *stack, FILE *stream)
{
	char place[YAML_NAME_MAX + JSON_POINTER_SIZE];

	for (size_t i = 0; i < stack->faults.count; i++) {
		yaml_place(&stack->file, stack->faults.list[i].place, place, sizeof(place));
		show_text(stream, place);
		fprintf(stream, ": ");
		show_text(stream, stack->faults.list[i].message);
		fputc('\n', stream);
	}
}

/* ---- members ---- */

static bool has_type(const cJSON *json, enum member_type type)
{
	if (type == MEMBER_MAP)
		return cJSON_IsObject(json);
	return type == MEMBER_LIST ? cJSON_IsArray(json) : cJSON_IsString(json);
}

static const char *type_name(enum member_type type)
{
	static const char *const names[] = { [MEMBER_MAP] = "a map, such as {name: value}",
		[MEMBER_LIST] = "a list, such as [docs]",
		[MEMBER_TEXT] = "a text" };
	return names[type];
}

static void unknown_member(
	struct stack *stack, const char *place, const char *name, const struct member *members)
{
	char names[128] = "";

	for (; members->name != NULL; members++)
		text_append(
			names, sizeof(names), "%s%s", names[0] != '\0' ? ", " : "", members->name);
	stack_fault(stack, place, "there is no member '%.60s' here: write one of %s", name, names);
}

/* Whether it is a map of these members. */
static bool check_members(
	struct stack *stack, const cJSON *json, const char *place, const struct member *members)
{
	char child[JSON_POINTER_SIZE];
	const cJSON *member;

	if (!cJSON_IsObject(json)) {
		stack_fault(stack, place, "it must be %s", type_name(MEMBER_MAP));
		return false;
	}
	cJSON_ArrayForEach (member, json) {
		const struct member *known = members;
		while (known->name != NULL && strcmp(known->name, member->string) != 0)
			known++;
		json_pointer_member(child, place, member->string);
		if (known->name == NULL)
			unknown_member(stack, child, member->string, members);
		else if (!has_type(member, known->type))
			stack_fault(stack, child, "'%s' must be %s", known->name,
				type_name(known->type));
	}
	return true;
}

/* The map of that name; NULL where it is none, which check_members() has told. */
static const cJSON *map_of(const cJSON *json, const char *name)
{
	const cJSON *member = json_member(json, name);
	return cJSON_IsObject(member) ? member : NULL;
}

static void check_env(struct stack *stack, const struct stack_app *app)
{
	char place[JSON_POINTER_SIZE], child[JSON_POINTER_SIZE];
	const cJSON *value;

	json_pointer_member(place, app->place, "env");
	cJSON_ArrayForEach (value, map_of(app->json, "env")) {
		json_pointer_member(child, place, value->string);
		if (!cJSON_IsString(value) && !cJSON_IsNull(value))
			stack_fault(stack, child,
				"a variable must be a text: write it in quotation marks");
	}
}

static bool is_secret(const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	return cJSON_IsObject(value) || cJSON_IsNull(value) ||
		(text != NULL && text[0] == '@' && text[1] != '\0');
}

static void check_secrets(struct stack *stack, const struct stack_app *app)
{
	char place[JSON_POINTER_SIZE], child[JSON_POINTER_SIZE];
	const cJSON *value;

	json_pointer_member(place, app->place, "secrets");
	cJSON_ArrayForEach (value, map_of(app->json, "secrets")) {
		json_pointer_member(child, place, value->string);
		if (!is_secret(value))
			stack_fault(stack, child,
				"a secret does not stand in the file: write \"@FILE\" for one that "
				"a file has, or {generate: {length: 32}} for one that is to be "
				"made");
		else if (cJSON_IsTrue(json_member(value, "anew")))
			stack_fault(stack, child,
				"a file is applied again and again, and would make another secret "
				"each time: send 'anew' once, with the mode configure");
	}
}

/* ---- apps and units ---- */

static bool check_identifier(
	struct stack *stack, const char *place, const char *what, const char *name)
{
	if (identifier_valid(name))
		return true;
	stack_fault(stack, place, "'%.80s' cannot name %s: it must match " IDENTIFIER_PATTERN, name,
		what);
	return false;
}

static void add_unit(struct stack *stack, const struct stack_app *app, const char *workflow,
	const cJSON *json, const char *place)
{
	if (!check_identifier(stack, place, "a workflow", workflow))
		return;
	if (stack->unit_count == STACK_UNITS_MAX) {
		stack_fault(stack, place, "a stack has at most %d workflows: use several files",
			STACK_UNITS_MAX);
		return;
	}
	struct stack_unit *unit = &stack->units[stack->unit_count++];
	*unit = (struct stack_unit){ .app = app, .workflow = workflow, .json = json };
	text_copy(unit->place, sizeof(unit->place), place);
}

static void add_workflows(struct stack *stack, const struct stack_app *app, const cJSON *workflows)
{
	char place[JSON_POINTER_SIZE], child[JSON_POINTER_SIZE];
	const cJSON *workflow;

	json_pointer_member(place, app->place, "workflows");
	if (json_member(app->json, "inputs") != NULL || json_member(app->json, "after") != NULL)
		stack_fault(stack, app->place,
			"beside 'workflows', each workflow has its own inputs and after: move them "
			"there");
	if (cJSON_GetArraySize(workflows) == 0)
		stack_fault(stack, place, "'workflows' is empty: name one");
	cJSON_ArrayForEach (workflow, workflows) {
		json_pointer_member(child, place, workflow->string);
		if (check_members(stack, workflow, child, unit_members))
			add_unit(stack, app, workflow->string, workflow, child);
	}
}

static void add_app(struct stack *stack, const cJSON *json)
{
	struct stack_app *app = &stack->apps[stack->app_count];
	const cJSON *workflow = json_member(json, "workflow"),
		    *workflows = json_member(json, "workflows");

	*app = (struct stack_app){ .id = json->string, .json = json };
	json_pointer_member(app->place, "/apps", json->string);
	if (!check_identifier(stack, app->place, "an app", json->string) ||
		!check_members(stack, json, app->place, app_members))
		return;
	stack->app_count++;
	check_env(stack, app);
	check_secrets(stack, app);
	if ((workflow == NULL) == (workflows == NULL))
		stack_fault(stack, app->place,
			"'%s' needs either 'workflow: NAME' or 'workflows: {NAME: {inputs: {}}}'",
			app->id);
	else if (cJSON_IsString(workflow))
		add_unit(stack, app, workflow->valuestring, json, app->place);
	else if (cJSON_IsObject(workflows))
		add_workflows(stack, app, workflows);
}

/* ---- after ---- */

static void add_after(struct stack *stack, struct stack_unit *unit, size_t other, const char *place)
{
	if (&stack->units[other] == unit)
		stack_fault(stack, place, "'%s' cannot come after itself", unit->workflow);
	else if (unit->after_count == STACK_AFTER_MAX)
		stack_fault(stack, place, "'after' names more than %d workflows: leave some out",
			STACK_AFTER_MAX);
	else
		unit->after[unit->after_count++] = other;
}

/* One item: an app, which means all its workflows, or app/workflow. */
static void read_after(
	struct stack *stack, struct stack_unit *unit, const char *name, const char *place)
{
	const char *slash = strchr(name, '/');
	size_t length = slash != NULL ? (size_t)(slash - name) : strlen(name), found = 0;

	for (size_t i = 0; i < stack->unit_count; i++) {
		const struct stack_unit *other = &stack->units[i];
		if (strlen(other->app->id) != length ||
			strncmp(other->app->id, name, length) != 0 ||
			(slash != NULL && strcmp(slash + 1, other->workflow) != 0))
			continue;
		found++;
		add_after(stack, unit, i, place);
	}

	if (found == 0)
		stack_fault(stack, place,
			"'%.80s' is not in this file: write the name of one of its apps, or "
			"app/workflow",
			name);
}

static void read_all_after(struct stack *stack, struct stack_unit *unit)
{
	char place[JSON_POINTER_SIZE], child[JSON_POINTER_SIZE];
	const cJSON *item;
	size_t index = 0;

	json_pointer_member(place, unit->place, "after");
	cJSON_ArrayForEach (item, json_member(unit->json, "after")) {
		json_pointer_child(child, place, item, index++);
		if (cJSON_IsString(item))
			read_after(stack, unit, item->valuestring, child);
		else
			stack_fault(stack, child, "'after' is a list of names: write one");
	}
}

/* ---- the file ---- */

static void read_apps(struct stack *stack)
{
	const cJSON *apps = json_member(stack->file.json, "apps"), *app;

	if (!check_members(stack, stack->file.json, "", file_members))
		return;
	if (apps != NULL && !cJSON_IsObject(apps))
		return;
	if (cJSON_GetArraySize(apps) == 0)
		stack_fault(stack, "", "there are no apps: write 'apps: {NAME: {workflow: site}}'");
	if (cJSON_GetArraySize(apps) > STACK_APPS_MAX) {
		stack_fault(stack, "/apps", "a stack has at most %d apps: use several files",
			STACK_APPS_MAX);
		return;
	}
	cJSON_ArrayForEach (app, apps) {
		add_app(stack, app);
	}
	for (size_t i = 0; i < stack->unit_count; i++)
		read_all_after(stack, &stack->units[i]);
}

enum error_class stack_read(struct stack *stack, const char *path, struct error *error)
{
	if (yaml_read(path, &stack->file, error) != ERROR_NONE)
		return error->class;
	read_apps(stack);
	return stack->faults.count == 0 ? ERROR_NONE
					: error_set(error, ERROR_INVALID_INPUT,
						  "%s is not a valid stack", stack->file.name);
}

void stack_release(struct stack *stack)
{
	yaml_release(&stack->file);
	stack->app_count = stack->unit_count = 0;
}

const struct stack_app *stack_find_app(const struct stack *stack, const char *id)
{
	for (size_t i = 0; i < stack->app_count; i++)
		if (strcmp(stack->apps[i].id, id) == 0)
			return &stack->apps[i];
	return NULL;
}

const struct stack_unit *stack_find_unit(
	const struct stack *stack, const char *app, const char *workflow)
{
	for (size_t i = 0; i < stack->unit_count; i++)
		if (strcmp(stack->units[i].app->id, app) == 0 &&
			strcmp(stack->units[i].workflow, workflow) == 0)
			return &stack->units[i];
	return NULL;
}
