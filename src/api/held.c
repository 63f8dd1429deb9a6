/*
 * Questions: what is asked, once for all who ask it, with those that are due. A question has one
 * look at a time; who becomes due meanwhile has the next one, for what he waits for may have
 * changed behind this one.
 */
#include "api/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "api/incoming.h"
#include "api/records.h"
#include "base/text.h"
#include "slipway/field.h"

#define TEXTS_MAX ((size_t)16 << 10)

struct question {
	struct request request;      /* its texts stand behind this */
	size_t count;                /* who asks it */
	struct held_list *due;       /* who waits for the next look: one of the two */
	struct held_list lists[2];   /* the other one has those of this look */
	bool is_looked_at;           /* until all have their responses */
	TAILQ_ENTRY(question) entry; /* in line, where it is due and not looked at */
	UT_hash_handle hh;
	size_t length;
	char texts[];
};

struct held_requests {
	struct loop *loop;
	struct held_calls calls;
	struct question *questions; /* a hash by their texts; NULL: there are none */
	TAILQ_HEAD(question_line, question) line;
	size_t waiting;        /* in lists of questions */
	size_t sent;           /* responses, in this turn */
	struct loop_hook hook; /* at the next one */
	struct coroutine_list senders;
};

/* What a response depends on, and its log line. Two callers never share one. */
static const size_t texts[] = { offsetof(struct request, method), offsetof(struct request, path),
	offsetof(struct request, query), offsetof(struct request, host),
	offsetof(struct request, authorization), offsetof(struct request, origin),
	offsetof(struct request, if_none_match) };

static void begin_turn(void *context)
{
	struct held_requests *all = context;

	all->sent = 0;
	loop_wake(all->loop, &all->senders);
}

enum error_class held_requests_new(struct loop *loop, const struct held_calls *calls,
	struct held_requests **ret_all, struct error *error)
{
	struct held_requests *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return error_set(error, ERROR_OUT_OF_MEMORY, "no memory for held requests");
	all->loop = loop;
	all->calls = *calls;
	all->hook = (struct loop_hook){ .call = begin_turn, .context = all };
	TAILQ_INIT(&all->line);
	*ret_all = all;
	return ERROR_NONE;
}

void held_requests_free(struct held_requests *all)
{
	if (all != NULL)
		loop_forget(all->loop, &all->hook);
	free(all);
}

bool held_requests_are_due(const struct held_requests *all)
{
	return !TAILQ_EMPTY(&all->line);
}

bool held_requests_have_work(const struct held_requests *all)
{
	return all->waiting > 0;
}

/* ---- questions ---- */

static const char **text_at(struct request *request, size_t offset)
{
	return (const char **)((char *)request + offset);
}

static bool copy_text(const char *text, char *to, size_t size, size_t *length)
{
	size_t more = strlen(text) + 1;

	if (more > size - *length)
		return false;
	memcpy(to + *length, text, more);
	*length += more;
	return true;
}

/* Each of the texts with its end; and behind them whose app it watches, for the same words of
 * another tenant are another question. 0: they are too large. */
static size_t copy_texts(
	const struct request *request, const struct hold *hold, char *to, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!copy_text(*(const char *const *)((const char *)request + texts[i]), to, size,
			    &length))
			return 0;
	return copy_text(hold_watched(hold), to, size, &length) ? length : 0;
}

static struct question *question_new(struct held_requests *all, const char *copied, size_t length)
{
	struct question *question = calloc(1, sizeof(*question) + length);
	char *next = question != NULL ? question->texts : NULL;

	if (question == NULL)
		return NULL;
	question->request = (struct request){
		.app = "", .content_type = "", .content_encoding = "", .body = ""
	};
	memcpy(question->texts, copied, length);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++, next += strlen(next) + 1)
		*text_at(&question->request, texts[i]) = next;
	TAILQ_INIT(&question->lists[0]);
	TAILQ_INIT(&question->lists[1]);
	question->due = &question->lists[0];
	question->length = length;

	HASH_ADD_KEYPTR(hh, all->questions, question->texts, length, question);
	if (question->hh.tbl != NULL)
		return question;
	free(question);
	return NULL;
}

/* Frees it where nobody asks it any more, and nobody looks. */
static void question_drop(struct held_requests *all, struct question *question)
{
	if (question->count > 0 || question->is_looked_at)
		return;
	HASH_DEL(all->questions, question);
	explicit_bzero(question->texts, question->length);
	free(question);
}

static void question_line_up(struct held_requests *all, struct question *question)
{
	TAILQ_INSERT_TAIL(&all->line, question, entry);
	all->calls.due(all->calls.context);
}

/* ---- one of them ---- */

static void list_add(struct held_list *list, struct held_request *held)
{
	held->list = list;
	TAILQ_INSERT_TAIL(list, held, entry);
	held->all->waiting++;
}

static void list_remove(struct held_request *held)
{
	struct question *question = held->question;

	TAILQ_REMOVE(held->list, held, entry);
	held->all->waiting--;
	if (!question->is_looked_at && TAILQ_EMPTY(question->due))
		TAILQ_REMOVE(&held->all->line, question, entry);
	held->list = NULL;
}

/* Nothing waits in here: the room for the texts, among which is a token, need not stand on each
 * stack. */
bool held_request_keep(struct held_request *held, const struct request *request)
{
	static char copied[TEXTS_MAX];
	size_t length = copy_texts(request, &held->hold, copied, sizeof(copied));
	struct question *question;

	if (length == 0) {
		explicit_bzero(copied, sizeof(copied));
		return false;
	}
	HASH_FIND(hh, held->all->questions, copied, length, question);
	if (question == NULL)
		question = question_new(held->all, copied, length);
	explicit_bzero(copied, length);
	if (question == NULL)
		return false;
	question->count++;
	held->question = question;
	held->is_touched = false;
	text_copy(held->id, sizeof(held->id), request->id);
	return true;
}

static void on_due(void *context)
{
	struct held_request *held = context;
	struct question *question = held->question;
	bool is_first = TAILQ_EMPTY(question->due);

	list_add(question->due, held);
	if (is_first && !question->is_looked_at)
		question_line_up(held->all, question);
}

void held_request_wait(struct held_request *held)
{
	hold_park(&held->hold, on_due, held);
}

static bool peer_has_gone(int socket)
{
	char peeked;
	return recv(socket, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

bool held_request_is_lost(struct held_request *held)
{
	held->is_touched = held->is_handled;
	return !held->is_handled && peer_has_gone(held->socket);
}

void held_request_end(struct held_request *held)
{
	struct question *question = held->question;

	hold_end(&held->hold);
	if (question == NULL)
		return;
	if (held->list != NULL)
		list_remove(held);
	held->question = NULL;
	question->count--;
	question_drop(held->all, question);
}

/* ---- a look ---- */

/* What it waits for is not there yet: it was the first that was looked at, or was looked at with
 * it. */
static void go_on_waiting(struct held_request *held, const struct hold *first)
{
	list_remove(held);
	hold_follow(&held->hold, first);
	if (held->is_touched && peer_has_gone(held->socket))
		held->all->calls.ended(held->context, false);
	else
		held_request_wait(held);
}

/* At the end of its time the first one gets what has not changed: those that have time left wait
 * for a look of their own. */
static void spare_others(struct held_list *list)
{
	struct held_request *held, *next;

	for (held = TAILQ_FIRST(list); held != NULL; held = next) {
		next = TAILQ_NEXT(held, entry);
		if (hold_is_over(&held->hold))
			continue;
		list_remove(held);
		list_add(held->question->due, held);
	}
}

/* Bounded work a turn, whoever sends. */
static void wait_for_turn(struct held_requests *all)
{
	loop_call_next(all->loop, &all->hook);
	while (all->sent >= HELD_SENT_MAX && coroutine_current() != NULL) {
		loop_wait_in(&all->senders);
		loop_call_next(all->loop, &all->hook);
	}
}

/* The records are printed once for all: a web server numbers its requests alike. */
static bool send_response(struct held_request *held, const struct response *response,
	struct buffer *records, int *number)
{
	if (*number != held->number) {
		const struct request *request = &held->question->request;
		bool has_body = strcmp(request->method, "HEAD") != 0;
		buffer_release(records);
		*number = held->number;
		if (!records_append(records, held->number, response, has_body)) {
			buffer_release(records);
			*number = -1;
		}
	}
	return records->length > 0 && buffer_write(records, held->socket);
}

/* The handler has logged the first. */
static void log_others(const struct held_list *list, const struct response *response)
{
	const struct held_request *held = TAILQ_FIRST(list);

	while (held != NULL && (held = TAILQ_NEXT(held, entry)) != NULL) {
		struct request request = held->question->request;
		request.id = held->id;
		request_log(&request, response, 0);
	}
}

/* Who goes meanwhile takes himself off the list. */
static void respond(
	struct held_requests *all, struct held_list *list, const struct response *response)
{
	CLEANUP_BUFFER struct buffer records = BUFFER_EMPTY(RECORDS_MAX);
	struct held_request *held;
	int number = -1;

	while ((held = TAILQ_FIRST(list)) != NULL) {
		bool is_sent = send_response(held, response, &records, &number);
		held_request_end(held);
		all->calls.ended(held->context, is_sent);
		all->sent++;
		wait_for_turn(all);
	}
}

static void look(
	struct held_requests *all, struct held_list *list, request_handler *handler, void *context)
{
	struct held_request *first = TAILQ_FIRST(list);
	struct request request = first->question->request;
	struct response response;

	request.id = first->id;
	request.hold = &first->hold;
	first->is_handled = true;
	response_init(&response);
	bool is_held = incoming_handle(handler, context, &request, &response);
	first->is_handled = false;
	response.ended = NULL; /* it was in the handler's arena */

	if (is_held) {
		const struct hold as_looked_at = first->hold;
		while (!TAILQ_EMPTY(list))
			go_on_waiting(TAILQ_FIRST(list), &as_looked_at);
	} else if (!first->hold.may_wait) {
		spare_others(list);
	}
	log_others(list, &response);
	wait_for_turn(all);
	respond(all, list, &response);
	response_release(&response);
}

void held_requests_look(struct held_requests *all, request_handler *handler, void *context)
{
	struct question *question = TAILQ_FIRST(&all->line);
	struct held_list *list = question->due;

	TAILQ_REMOVE(&all->line, question, entry);
	question->due = list == &question->lists[0] ? &question->lists[1] : &question->lists[0];
	question->is_looked_at = true;
	look(all, list, handler, context);
	question->is_looked_at = false;
	if (TAILQ_EMPTY(question->due))
		question_drop(all, question);
	else
		question_line_up(all, question);
}
