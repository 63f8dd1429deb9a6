/*
 * Patient requests, and the signal that ends them. A server that is restarted, or that is busy, is
 * asked again; a refusal is final.
 */
#include "cli/session.h"

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/identifier.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/show.h"

#define PATIENCE_MS 60000 /* how long the endpoint may fail before we give up */
#define RETRY_MS    1000

#define PAGE_ENTRIES "200" /* the most that a page has */

static volatile sig_atomic_t interrupted;

enum error_class session_open(
	struct session *session, const struct settings *settings, struct error *error)
{
	*session = SESSION_EMPTY;
	return endpoint_open(&session->endpoint, settings, error);
}

void session_close(struct session *session)
{
	cJSON_Delete(session->problem);
	session->problem = NULL;
	endpoint_close(&session->endpoint);
}

/* ---- interrupts ---- */

static void on_interrupt(int signal_number)
{
	interrupted = signal_number;
}

/* Called by the client while a request is under way: false aborts it. */
static bool may_go_on(void *context)
{
	(void)context;
	return interrupted == 0;
}

void session_catch_interrupts(struct session *session)
{
	static const struct http_guard guard = { .may_go_on = may_go_on };
	struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	http_client_guard(session->endpoint.client, &guard);
}

int session_interrupted(void)
{
	return interrupted;
}

/* ---- requests ---- */

/* Whether to send a failed request again; sleeps if so. */
static bool be_patient(struct session *session, const struct error *error)
{
	int64_t now = clock_monotonic_ms();

	if (!endpoint_may_retry(error) || (!session->answered && error->http_status == 0))
		return false;
	if (session->silent_at == 0)
		session->silent_at = now;
	/* Nobody waits in silence for the next day. */
	bool is_long = error->class == ERROR_OVER_BUDGET && error->retry_after_ms > PATIENCE_MS;
	if (now - session->silent_at > PATIENCE_MS || is_long)
		return false;
	clock_sleep_ms(error->retry_after_ms > RETRY_MS ? error->retry_after_ms : RETRY_MS);
	return interrupted == 0;
}

static enum error_class succeeded(struct session *session)
{
	session->answered = true;
	session->silent_at = 0;
	return ERROR_NONE;
}

enum error_class session_post(
	struct session *session, const cJSON *body, cJSON **ret_json, struct error *error)
{
	do {
		cJSON_Delete(session->problem);
		if (endpoint_ask(&session->endpoint, body, ret_json, &session->problem, error) ==
			ERROR_NONE)
			return succeeded(session);
	} while (be_patient(session, error));
	return error->class;
}

enum error_class session_get(struct session *session, const char *path,
	const struct string_pair *query, cJSON **ret_json, struct error *error)
{
	char tag[ENDPOINT_TAG_SIZE];
	return session_get_tagged(session, path, query, tag, ret_json, error);
}

enum error_class session_get_tagged(struct session *session, const char *path,
	const struct string_pair *query, char ret_tag[ENDPOINT_TAG_SIZE], cJSON **ret_json,
	struct error *error)
{
	cJSON_Delete(session->problem);
	session->problem = NULL;
	while (endpoint_get_tagged(&session->endpoint, path, query, ret_tag, ret_json, error) !=
		ERROR_NONE)
		if (!be_patient(session, error))
			return error->class;
	return succeeded(session);
}

/* Moves the entries of the page to the end of the list. */
static bool take_entries(cJSON *page, const char *name, cJSON *entries)
{
	cJSON *list = json_member_mutable(page, name);

	for (cJSON *entry = list != NULL ? list->child : NULL, *next; entry != NULL; entry = next) {
		next = entry->next;
		if (!json_append(entries, cJSON_DetachItemViaPointer(list, entry)))
			return false;
	}
	return true;
}

enum error_class session_get_all(struct session *session, const char *app, const char *list,
	cJSON **ret_entries, struct error *error)
{
	CLEANUP_JSON cJSON *entries = cJSON_CreateArray(), *page = NULL;
	char path[IDENTIFIER_SIZE + 64];
	const char *after = NULL;

	text_format(path, sizeof(path), "/api/apps/%s/%s", app, list);
	do {
		const struct string_pair query[] = { { "limit", PAGE_ENTRIES },
			{ after != NULL ? "after" : NULL, after }, { NULL, NULL } };
		cJSON *next;
		if (session_get(session, path, query, &next, error) != ERROR_NONE)
			return error->class;
		json_clear(&page);
		page = next;
		if (entries == NULL || !take_entries(page, list, entries))
			return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for a list");
		after = json_member_string(page, "next");
	} while (after != NULL);

	*ret_entries = json_take(&entries);
	return ERROR_NONE;
}

int session_fail(const struct session *session, struct error *error)
{
	const cJSON *places = json_member(session->problem, "errors"), *place;

	if (error->class != ERROR_INVALID_INPUT || places == NULL)
		return command_fail(error);
	error->place[0] = '\0'; /* it is the first of the list below */
	int status = command_fail(error);
	cJSON_ArrayForEach (place, places) {
		show_fault(stderr, "  ", place);
	}

	fprintf(stderr, "Nothing was started.\n");
	return status;
}
