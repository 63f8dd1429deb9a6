/*
 * The list is that of the ledger, to its end: a plan of the teardown names only as many as a status
 * holds.
 */
#include "cli/removal_list.h"

#include <string.h>

#include "cli/show.h"

static const char *text_of(const cJSON *resource, const char *member)
{
	const char *text = json_member_string(resource, member);
	return text != NULL ? text : "";
}

enum error_class removal_list_read(
	struct session *session, const char *app, cJSON **ret_list, struct error *error)
{
	return session_get_all(session, app, "resources", ret_list, error);
}

/* ---- before ---- */

static void print_name(const cJSON *resource, FILE *stream)
{
	fprintf(stream, "the ");
	show_text(stream, text_of(resource, "type"));
	fputc(' ', stream);
	show_text(stream, text_of(resource, "key"));
}

static void print_line(
	const char *app, const cJSON *resource, const char *what_becomes, FILE *stream)
{
	fprintf(stream, "%s: ", app);
	print_name(resource, stream);
	fprintf(stream, " %s\n", what_becomes);
}

static void show_resource(const char *app, const cJSON *resource, struct removal_counts *counts)
{
	const char *state = text_of(resource, "state");

	if (strcmp(state, "damaged") == 0) {
		counts->damaged++;
		printf("%s: the entry '", app);
		show_text(stdout, text_of(resource, "key"));
		printf("' of its ledger is damaged, so nobody knows what it stands for\n");
	} else if (cJSON_IsTrue(json_member(resource, "part"))) {
		counts->parts++;
	} else if (strcmp(state, "adopted") == 0) {
		counts->kept++;
		print_line(app, resource, "will be kept, because it was adopted", stdout);
	} else {
		counts->removed++;
		print_line(app, resource,
			strcmp(state, "pending") == 0
				? "will be removed if the app's request created it"
				: "will be removed, with all its content",
			stdout);
	}
}

void removal_list_show(const char *app, const cJSON *list, struct removal_counts *counts)
{
	struct removal_counts own = { 0 };
	const cJSON *resource;

	cJSON_ArrayForEach (resource, list) {
		show_resource(app, resource, &own);
	}
	if (own.parts > 0)
		printf("%s: parts of these, which go or stay with them: %zu, see 'slipway "
		       "resources %s'\n",
			app, own.parts, app);
	if (own.removed == 0)
		printf("%s: there is nothing to remove\n", app);
	else
		printf("%s: %zu will be removed, %zu kept\n", app, own.removed, own.kept);

	counts->removed += own.removed;
	counts->kept += own.kept;
	counts->parts += own.parts;
	counts->damaged += own.damaged;
}

/* ---- after ---- */

void removal_list_show_left(const char *app, const cJSON *list, FILE *stream)
{
	const cJSON *resource;

	cJSON_ArrayForEach (resource, list) {
		if (strcmp(text_of(resource, "state"), "damaged") == 0)
			fprintf(stream, "%s: an entry of its ledger is damaged: %s\n", app,
				text_of(resource, "key"));
		else
			print_line(app, resource, "is there still", stream);
	}
}
