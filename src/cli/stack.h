/*
 * A stack: apps that belong together, as a file describes them, and what `slipway apply` and
 * `slipway destroy` do with them.
 *
 * 1. stack_read checks the file by itself
 * 2. stack_order finds rings and the order of starting, with the workflows of the server
 * 3. stack_body makes requests of it
 * 4. stack_release
 */
#ifndef SLIPWAY_CLI_STACK_H
#define SLIPWAY_CLI_STACK_H

#include <stdio.h>

#include "base/faults.h"
#include "cli/yaml.h"

#define STACK_APPS_MAX  64
#define STACK_UNITS_MAX 128 /* workflows of all apps */
#define STACK_AFTER_MAX 16  /* as mode start has it */

/* One app of the file. Borrowed from the file, as all pointers here. */
struct stack_app {
	const char *id;
	const cJSON *json;
	char place[JSON_POINTER_SIZE];
};

/* One workflow of one app. */
struct stack_unit {
	const struct stack_app *app;
	const char *workflow;
	const cJSON *json; /* the map with its inputs and after */
	char place[JSON_POINTER_SIZE];
	size_t after[STACK_AFTER_MAX]; /* units that come before the whole of it */
	size_t after_count;
};

struct stack {
	struct yaml_document file;
	struct stack_app apps[STACK_APPS_MAX];
	size_t app_count;
	struct stack_unit units[STACK_UNITS_MAX];
	size_t unit_count;
	size_t order[STACK_UNITS_MAX]; /* of starting: who is needed comes first */
	struct faults faults;          /* what is wrong with the file, with JSON pointers */
};

/* Reads the file and checks its form: ERROR_INVALID_INPUT, where the error says what is wrong or
 * the faults do. The stack is zeroed before. */
enum error_class stack_read(
	struct stack *stack, const char *path, struct error *error) SLIPWAY_MUST_CHECK;

/* Frees what it holds; a zeroed one is fine. */
void stack_release(struct stack *stack);

/* Adds a fault; what is more than the list holds is dropped. */
void stack_fault(struct stack *stack, const char *place, const char *format, ...)
	SLIPWAY_FORMAT(3, 4);

/* Prints the faults, each with file:line:column. */
void stack_show_faults(const struct stack *stack, FILE *stream);

/* The app or the unit of this name; NULL: the file has none. */
const struct stack_app *stack_find_app(const struct stack *stack, const char *id);
const struct stack_unit *stack_find_unit(
	const struct stack *stack, const char *app, const char *workflow);

/* Fills in the order, from the response of GET /api/workflows. A ring of steps that would wait for
 * one another is a fault, as is a workflow that the server does not have. */
enum error_class stack_order(
	struct stack *stack, const cJSON *workflows, struct error *error) SLIPWAY_MUST_CHECK;

/* The apps in the order of removal: who needs others comes before them. */
void stack_removal_order(
	const struct stack *stack, const struct stack_app *ret_apps[STACK_APPS_MAX]);

/*
 * The `secrets` to configure: what is to be generated, and the files of those that the app does not
 * have. names lists those that it has (`secrets` of a response to configure); NULL sends all files.
 * *ret_secrets is the caller's; NULL: there are none to send.
 */
enum error_class stack_secrets(const struct stack *stack, const struct stack_app *app,
	const cJSON *names, cJSON **ret_secrets, struct error *error) SLIPWAY_MUST_CHECK;

/* The body of a request about an app, with these members of its map, ended by NULL. NULL: memory is
 * short. */
cJSON *stack_app_body(const struct stack_app *app, const char *mode,
	const char *const *members) SLIPWAY_MUST_CHECK;

/* The body of a request about a unit, with its inputs. NULL: memory is short. */
cJSON *stack_unit_body(const struct stack_unit *unit, const char *mode) SLIPWAY_MUST_CHECK;

/* Where the file has what a problem document about the unit names, such as /inputs/repo/owner. */
void stack_place(const struct stack *stack, const struct stack_unit *unit, const char *place,
	char *text, size_t size);

#endif
