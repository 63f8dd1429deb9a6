/*
 * An unknown is MARK, '+' (its step makes the thing) or '?', the step, '.', the output, MARK. The
 * name of a step of another app has dots of its own, so the output begins after the last one.
 */
#include "base/unknown.h"

#include <string.h>

#include "base/text.h"

/* U+001A SUBSTITUTE: the parser of requests refuses it. */
#define MARK     '\x1a'
#define NUMERALS "9223372036854775807" /* UNKNOWN_INTEGER, as an action writes it into a path */

const char *unknown_format(struct arena *arena, bool is_new, const char *step, const char *output)
{
	return arena_format(arena, "%c%c%s.%s%c", MARK, is_new ? '+' : '?', step, output, MARK);
}

/* One unknown: from its first mark to the one that ends it. */
struct span {
	const char *begin, *dot, *end;
};

static bool find_span(const char *text, struct span *ret_span)
{
	const char *begin = strchr(text, MARK);
	const char *end = begin != NULL ? strchr(begin + 1, MARK) : NULL;
	const char *dot = end != NULL ? memrchr(begin, '.', (size_t)(end - begin)) : NULL;

	*ret_span = (struct span){ begin, dot, end };
	return dot != NULL && dot - begin >= 2;
}

bool unknown_find(const char *text, struct unknown *ret_unknown)
{
	struct span span;

	memset(ret_unknown, 0, sizeof(*ret_unknown));
	if (text == NULL)
		return false;
	if (!find_span(text, &span)) {
		ret_unknown->is_new = true;
		return strstr(text, NUMERALS) != NULL;
	}

	ret_unknown->is_new = span.begin[1] == '+';
	text_format(ret_unknown->step, sizeof(ret_unknown->step), "%.*s",
		(int)(span.dot - span.begin - 2), span.begin + 2);
	return true;
}

const char *unknown_show(struct arena *arena, const char *text)
{
	struct span span;
	const char *shown = text;

	while (shown != NULL && find_span(shown, &span))
		shown = arena_format(arena, "%.*s(%.*s of '%.*s')%s", (int)(span.begin - shown),
			shown, (int)(span.end - span.dot - 1), span.dot + 1,
			(int)(span.dot - span.begin - 2), span.begin + 2, span.end + 1);
	return shown;
}
