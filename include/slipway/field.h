/*
 * Field tables: one table describes a record; one decoder reads it, one encoder writes it, one
 * function turns it into a JSON Schema. Whatever Slipway takes from or gives to anybody as JSON has
 * such a table.
 *
 *	struct input {
 *		const char *owner;
 *		bool private_repository;
 *	};
 *	static const struct field input_fields[] = {
 *		{ STRING_FIELD("owner", struct input, owner), .required = true, .maximum = 39,
 *		  .description = "Account or organisation that is to own the repository" },
 *		{ BOOLEAN_FIELD("private", struct input, private_repository), .fallback = "true",
 *		  .description = "Whether only members see it" },
 *	};
 *	static const struct record input_record = RECORD(struct input, input_fields);
 *
 * The macros check at compile time that the member has the C type that the field decodes into.
 */
#ifndef SLIPWAY_FIELD_H
#define SLIPWAY_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum field_type {
	FIELD_STRING,  /* const char *, NULL if absent */
	FIELD_INTEGER, /* int64_t, within +-2^53 as JSON numbers are */
	FIELD_BOOLEAN, /* bool */
	FIELD_STRINGS, /* struct string_list: an array of strings */
	FIELD_MAP,     /* struct string_map: an object whose members are all strings */
	FIELD_OBJECT,  /* const void *: an object with a table of its own, NULL if absent */
	FIELD_OBJECTS, /* struct object_list: an array of such objects */
	FIELD_SCALAR,  /* const char *: a string, number or boolean as text, for providers that mix
			  them */
	FIELD_JSON,    /* const char *: any value, as JSON text */
};

struct string_list {
	const char *const *items;
	size_t count;
};

struct string_pair {
	const char *name;
	const char *value;
};

struct string_map {
	const struct string_pair *items;
	size_t count;
};

/* An array of structs, each of the nested record's size. */
struct object_list {
	const void *items;
	size_t count;
};

struct field {
	const char *name; /* the JSON member, case-sensitive */
	enum field_type type;
	size_t offset; /* of the C member */
	const char *description;
	bool required;  /* absent or null is an error */
	bool omit_zero; /* the encoder leaves out an integer of 0 or a false */
	/* In an output: tells about the run, such as what it changed, and not about the thing.
	 * Another value makes no result stale that was made from the output. */
	bool incidental;
	bool given_each_time; /* must come with each trigger; a configured value is ignored */
	/*
	 * A string, the items of a list of strings or the values of a map that may be secret. Only
	 * such members may contain
	 * ${secret.NAME}, and what a client sends here in clear text is sealed on arrival. Clients
	 * see it as writeOnly.
	 */
	bool secret;
	/* A sibling member and its text for which the value is not secret, and is
	 * stored as it is. */
	struct string_pair clear_where;
	/* A sibling member and the media type for which the string is JSON: a text that a reference
	 * puts into it is escaped then. */
	struct string_pair json_where;
	/* The default as JSON text, such as "true" or "30"; for a string without the quotes, such
	 * as "main". NULL: zero. */
	const char *fallback;
	/* Bounds, both 0 for none: length of a string in bytes, value of an integer, number of
	 * items. Without a maximum, a string has FIELD_STRING_MAX and an array FIELD_ITEMS_MAX. */
	int64_t minimum, maximum;
	/* A regular expression that is valid both as POSIX extended and as ECMA (no \d, no
	 * lookahead), anchored by ^ and $; for strings, and for each item of a list of strings. */
	const char *pattern;
	/* What the pattern requires, in words that follow "it must be": "letters, digits and
	 * dashes". Messages show this instead of the pattern. */
	const char *form;
	/* allowed strings, ending with NULL; also for the items of a list */
	const char *const *values;
	const struct record *record; /* of the nested objects */
};

/* In a plan: the value of an integer that an earlier step has yet to give. It equals no other and
 * is later than every time. */
#define UNKNOWN_INTEGER INT64_MAX

#define FIELD_STRING_MAX 65536
#define FIELD_ITEMS_MAX  256

/* A whole table: its rows and the size of the struct that they describe. */
struct record {
	const struct field *fields;
	size_t count;
	size_t size;
};

/* clang-format off */
#define RECORD(struct_type, table) \
	{ .fields = (table), .count = ARRAY_LEN(table), .size = sizeof(struct_type) }
/* clang-format on */

/* 0, or a compile-time error if the member does not have the C type that the field decodes into. */
#define FIELD_MEMBER_CHECK(struct_type, member, member_type)                                       \
	(0 * sizeof(char[_Generic(((struct_type *)0)->member, member_type : 1, default : -1)]))
#define FIELD_ROW(json_name, field_type, struct_type, member, member_type)                         \
	.name = (json_name), .type = (field_type),                                                 \
	.offset = offsetof(struct_type, member) +                                                  \
		FIELD_MEMBER_CHECK(struct_type, member, member_type)

#define STRING_FIELD(name, struct_type, member)                                                    \
	FIELD_ROW(name, FIELD_STRING, struct_type, member, const char *)
#define INTEGER_FIELD(name, struct_type, member)                                                   \
	FIELD_ROW(name, FIELD_INTEGER, struct_type, member, int64_t)
#define BOOLEAN_FIELD(name, struct_type, member)                                                   \
	FIELD_ROW(name, FIELD_BOOLEAN, struct_type, member, bool)
#define STRINGS_FIELD(name, struct_type, member)                                                   \
	FIELD_ROW(name, FIELD_STRINGS, struct_type, member, struct string_list)
#define MAP_FIELD(name, struct_type, member)                                                       \
	FIELD_ROW(name, FIELD_MAP, struct_type, member, struct string_map)
#define OBJECT_FIELD(name, struct_type, member)                                                    \
	FIELD_ROW(name, FIELD_OBJECT, struct_type, member, const void *)
#define OBJECTS_FIELD(name, struct_type, member)                                                   \
	FIELD_ROW(name, FIELD_OBJECTS, struct_type, member, struct object_list)
#define SCALAR_FIELD(name, struct_type, member)                                                    \
	FIELD_ROW(name, FIELD_SCALAR, struct_type, member, const char *)
#define JSON_FIELD(name, struct_type, member)                                                      \
	FIELD_ROW(name, FIELD_JSON, struct_type, member, const char *)

#endif
