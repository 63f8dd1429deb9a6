/*
 * Reads the words of the setting in place: they are few, and most requests need one of them.
 */
#include "core/budget.h"

#include <stdlib.h>
#include <string.h>

#include "base/identifier.h"
#include "base/text.h"
#include "slipway/field.h"

#define WORDS_MAX 4096

static const struct {
	const char *name, *title;
} facts[BUDGET_COUNT] = {
	[BUDGET_REQUESTS] = { "requests", "requests a minute" },
	[BUDGET_BYTES] = { "bytes", "stored bytes" },
	[BUDGET_APPS] = { "apps", "apps" },
	[BUDGET_LIVE] = { "live", "live runs" },
	[BUDGET_STARTS] = { "starts", "starts a day" },
};

const char *budget_name(enum budget budget)
{
	return facts[budget].name;
}

const char *budget_title(enum budget budget)
{
	return facts[budget].title;
}

static bool is_text(const char *start, size_t length, const char *text)
{
	return strlen(text) == length && memcmp(start, text, length) == 0;
}

enum budget budget_find(const char *name, size_t length)
{
	size_t i = 0;

	while (i < BUDGET_COUNT && !is_text(name, length, facts[i].name))
		i++;
	return (enum budget)i;
}

/* One word of the text, and its parts: TENANT.NAME=VALUE. They point into the text. */
struct word {
	const char *text, *tenant, *name, *value;
	size_t length, tenant_length, name_length, value_length;
};

static bool next_word(const char **text, struct word *word)
{
	const char *start = *text + strspn(*text, " ");
	const size_t length = strcspn(start, " "), left = strcspn(start, "= ");
	const size_t dot = strcspn(start, ".= ");

	*text = start + length;
	*word = (struct word){
		.text = start, .length = length, .name = start, .name_length = left
	};
	if (dot < left) {
		word->tenant = start;
		word->tenant_length = dot;
		word->name = start + dot + 1;
		word->name_length = left - dot - 1;
	}
	if (left < length) {
		word->value = start + left + 1;
		word->value_length = length - left - 1;
	}
	return length > 0;
}

static bool read_value(const struct word *word, int64_t *ret_value)
{
	char number[24];

	*ret_value = BUDGET_NONE;
	if (word->value == NULL)
		return false;
	if (is_text(word->value, word->value_length, "none"))
		return true;
	return text_format(number, sizeof(number), "%.*s", (int)word->value_length, word->value) &&
		text_to_integer(number, ret_value) && *ret_value >= 0 && *ret_value <= BUDGET_MAX;
}

static bool is_tenant(const struct word *word)
{
	char tenant[IDENTIFIER_SIZE];

	return word->tenant == NULL ||
		(text_format(
			 tenant, sizeof(tenant), "%.*s", (int)word->tenant_length, word->tenant) &&
			identifier_valid(tenant));
}

/* The same budget of the same tenant: nobody could say which of the two counts. */
static bool stands_before(const char *text, const struct word *word)
{
	const size_t length = (size_t)(word->name + word->name_length - word->text);
	struct word other;

	while (text < word->text && next_word(&text, &other) && other.text < word->text)
		if (strncmp(other.text, word->text, length) == 0 && other.text[length] == '=')
			return true;
	return false;
}

static enum error_class check_word(const char *text, const struct word *word, struct error *error)
{
	char names[96] = "";
	int64_t value;

	for (size_t i = 0; i < BUDGET_COUNT; i++)
		text_append(names, sizeof(names), "%s%s", i > 0 ? ", " : "", facts[i].name);
	if (!is_tenant(word) || !read_value(word, &value))
		return error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_BUDGETS: '%.*s' is not NAME=NUMBER or TENANT.NAME=NUMBER, with a "
			"number from 0 to %lld or 'none'",
			(int)word->length, word->text, (long long)BUDGET_MAX);
	if (budget_find(word->name, word->name_length) == BUDGET_COUNT)
		return error_set(error, ERROR_INVALID_INPUT,
			"SLIPWAY_BUDGETS: '%.*s' is no budget: these are %s",
			(int)word->name_length, word->name, names);
	if (stands_before(text, word))
		return error_set(error, ERROR_INVALID_INPUT, "SLIPWAY_BUDGETS: '%.*s' is set twice",
			(int)strcspn(word->text, "="), word->text);
	return ERROR_NONE;
}

enum error_class budgets_check(const char *text, struct error *error)
{
	const char *rest = text != NULL ? text : "";
	struct word word;

	for (size_t count = 0; next_word(&rest, &word); count++) {
		if (count == WORDS_MAX)
			return error_set(error, ERROR_INVALID_INPUT,
				"SLIPWAY_BUDGETS has more than %d words", WORDS_MAX);
		if (check_word(text, &word, error) != ERROR_NONE)
			return error->class;
	}

	return ERROR_NONE;
}

void budgets_of(const char *text, const char *tenant, struct budgets *ret_budgets)
{
	bool own[BUDGET_COUNT] = { false };
	struct word word;

	for (size_t i = 0; i < BUDGET_COUNT; i++)
		ret_budgets->most[i] = BUDGET_NONE;
	while (text != NULL && next_word(&text, &word)) {
		const enum budget budget = budget_find(word.name, word.name_length);
		const bool is_own = word.tenant != NULL;
		int64_t value;
		if (budget == BUDGET_COUNT || !read_value(&word, &value) ||
			(is_own ? !is_text(word.tenant, word.tenant_length, tenant) : own[budget]))
			continue;
		own[budget] = own[budget] || is_own;
		ret_budgets->most[budget] = value;
	}
}

void budgets_print(const struct budgets *budgets, char ret_text[BUDGETS_TEXT_SIZE])
{
	ret_text[0] = '\0';
	for (size_t i = 0; i < BUDGET_COUNT; i++)
		if (i != BUDGET_REQUESTS && budgets->most[i] != BUDGET_NONE)
			text_append(ret_text, BUDGETS_TEXT_SIZE, "%s%s=%lld",
				ret_text[0] != '\0' ? " " : "", facts[i].name,
				(long long)budgets->most[i]);
}
