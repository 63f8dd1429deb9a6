/*
 * Coroutines as QEMU makes them: makecontext gives the first frame of a new stack, and from then on
 * _setjmp and _longjmp switch, because swapcontext makes a system call for the signal mask each
 * time. A stack is used again for the next coroutine.
 */
/* The fortified longjmp takes any jump to another stack for an error. */
#undef _FORTIFY_SOURCE
#include "base/coroutine.h"

#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define STACK_SIZE (4 * COROUTINE_STACK) /* its frames are larger */
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)          ((void)0)
#define __sanitizer_finish_switch_fiber(save, ret_bottom, ret_size) ((void)0)
#define __lsan_register_root_region(begin, size)                    ((void)0)
#define __lsan_unregister_root_region(begin, size)                  ((void)0)
#define STACK_SIZE                                                  COROUTINE_STACK
#endif

struct coroutine {
	coroutine_main *main;
	void *context;
	char *stack; /* above its guard page */
	jmp_buf here;
	bool entered;           /* `here` is valid */
	void *fake_stack;       /* of the address sanitizer, while it is not running */
	struct coroutine *next; /* that waits for the same, or has ended too */
};

static struct coroutine *current; /* NULL: main */

/* Those whose stacks are free, the last one first. */
static struct coroutine *ended;
static size_t ended_count, ended_least; /* how few they were since the last look */

/* The stack that resumes. */
static jmp_buf resumer;
#if defined(__SANITIZE_ADDRESS__)
static const void *resumer_bottom;
static size_t resumer_size;
static void *resumer_fake_stack;
#endif

static void switch_back(struct coroutine *self)
{
	__sanitizer_start_switch_fiber(&self->fake_stack, resumer_bottom, resumer_size);
	self->entered = true;
	if (_setjmp(self->here) == 0)
		_longjmp(resumer, 1);
	__sanitizer_finish_switch_fiber(self->fake_stack, &resumer_bottom, &resumer_size);
}

/* The first frame of a stack; it never returns, for there is nothing below it. */
static void run_all(void)
{
	struct coroutine *self = current;

	__sanitizer_finish_switch_fiber(NULL, &resumer_bottom, &resumer_size);
	for (;;) {
		self->main(self->context);
		self->main = NULL;
		switch_back(self);
	}
}

/* This frame is left and never returned from, so it has no local that a sanitizer would guard. */
static void enter(struct coroutine *coroutine)
{
	static ucontext_t first;

	getcontext(&first);
	first.uc_link = NULL;
	first.uc_stack.ss_sp = coroutine->stack;
	first.uc_stack.ss_size = STACK_SIZE;
	makecontext(&first, run_all, 0);
	setcontext(&first);
	abort(); /* setcontext fails only for a context that is none */
}

void coroutine_resume(struct coroutine *coroutine)
{
	current = coroutine;
	__sanitizer_start_switch_fiber(&resumer_fake_stack, coroutine->stack, STACK_SIZE);
	if (_setjmp(resumer) == 0) {
		if (current->entered)
			_longjmp(current->here, 1);
		enter(current);
	}
	__sanitizer_finish_switch_fiber(resumer_fake_stack, NULL, NULL);

	struct coroutine *back = current;
	current = NULL;
	if (back->main != NULL)
		return;
	back->next = ended;
	ended = back;
	ended_count++;
}

static void free_stack(struct coroutine *coroutine)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	__lsan_unregister_root_region(coroutine->stack, STACK_SIZE);
	munmap(coroutine->stack - page, STACK_SIZE + page);
	free(coroutine);
}

static struct coroutine *make_stack(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct coroutine *coroutine = calloc(1, sizeof(*coroutine));
	if (coroutine == NULL)
		return NULL;

	char *mapped = mmap(NULL, STACK_SIZE + page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (mapped == MAP_FAILED) {
		free(coroutine);
		return NULL;
	}
	coroutine->stack = mapped + page;
	/* What only its locals point to is no leak, also in a child that is forked meanwhile. */
	__lsan_register_root_region(coroutine->stack, STACK_SIZE);
	if (mprotect(mapped, page, PROT_NONE) == 0)
		return coroutine;
	free_stack(coroutine);
	return NULL;
}

bool coroutine_start(coroutine_main *main, void *context)
{
	struct coroutine *coroutine = ended;

	if (coroutine != NULL) {
		ended = coroutine->next;
		ended_count--;
	} else {
		coroutine = make_stack();
	}
	if (coroutine == NULL)
		return false;
	if (ended_count < ended_least)
		ended_least = ended_count;

	coroutine->main = main;
	coroutine->context = context;
	coroutine_resume(coroutine);
	return true;
}

struct coroutine *coroutine_current(void)
{
	return current;
}

void coroutine_yield(void)
{
	switch_back(current);
}

void coroutine_list_add(struct coroutine_list *list, struct coroutine *coroutine)
{
	coroutine->next = NULL;
	if (list->first == NULL)
		list->first = coroutine;
	else
		list->last->next = coroutine;
	list->last = coroutine;
}

struct coroutine *coroutine_list_take(struct coroutine_list *list)
{
	struct coroutine *first = list->first;

	if (first != NULL)
		list->first = first->next;
	return first;
}

void coroutine_list_move(struct coroutine_list *list, struct coroutine_list *from)
{
	if (from->first == NULL)
		return;
	if (list->first == NULL)
		list->first = from->first;
	else
		list->last->next = from->first;
	list->last = from->last;
	*from = (struct coroutine_list){ NULL, NULL };
}

/* The others were used meanwhile, and will be again: of the free ones the last is taken first. */
size_t coroutines_release_idle(void)
{
	size_t idle = ended_least, kept = ended_count - idle;
	struct coroutine **place = &ended;

	for (size_t i = 0; i < kept; i++)
		place = &(*place)->next;
	while (*place != NULL) {
		struct coroutine *coroutine = *place;
		*place = coroutine->next;
		free_stack(coroutine);
	}
	ended_count = ended_least = kept;
	return idle;
}

void coroutines_release(void)
{
	ended_least = ended_count;
	coroutines_release_idle();
}
