/*
 * JSON in a test's source as it can be read: with single quotes, which are turned into double ones.
 * What has an apostrophe of its own is written with double quotes.
 */
#ifndef TESTS_HARNESS_JSON_TEXT_H
#define TESTS_HARNESS_JSON_TEXT_H

/* J("{'id':'x'}") is {"id":"x"}. It stays until the program ends. */
const char *J(const char *text) __attribute__((format_arg(1)));

/* The same for a whole document, in which strings have quotes of either kind, and for any other
 * text, which stays as it is. NULL where there is no memory; the caller frees it. */
char *json_text_new(const char *text);

#endif
