/*
 * One row of a table of settings. Tables are checked against their struct at compile time, as in
 * slipway/field.h: an integer row for a string member does not compile.
 *
 *	{ TEXT_SETTING("SLIPWAY_LISTEN", struct settings, listen), .programs = SETTINGS_API,
 *		.description = "Unix socket to listen on" },
 */
#ifndef SLIPWAY_BASE_SETTING_H
#define SLIPWAY_BASE_SETTING_H

#include "slipway/field.h"

enum setting_type {
	SETTING_TEXT,    /* const char *, NULL if not set */
	SETTING_URL,     /* the same; printed with its password masked */
	SETTING_SECRET,  /* the same; never a flag, never printed */
	SETTING_INTEGER, /* int64_t */
	SETTING_BOOLEAN, /* bool */
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;            /* of the member */
	const char *fallback;     /* NULL: none */
	int64_t minimum, maximum; /* of an integer */
	unsigned programs;        /* the programs that take it: a mask of settings_program */
	bool watched; /* for a path: read the file again when it is changed or replaced */
	const char *description;
};

/* The first columns of a row; others may follow. */
#define TEXT_SETTING(name, struct_type, member)                                                    \
	FIELD_ROW(name, SETTING_TEXT, struct_type, member, const char *)
#define URL_SETTING(name, struct_type, member)                                                     \
	FIELD_ROW(name, SETTING_URL, struct_type, member, const char *)
#define SECRET_SETTING(name, struct_type, member)                                                  \
	FIELD_ROW(name, SETTING_SECRET, struct_type, member, const char *)
#define INTEGER_SETTING(name, struct_type, member)                                                 \
	FIELD_ROW(name, SETTING_INTEGER, struct_type, member, int64_t)
#define BOOLEAN_SETTING(name, struct_type, member)                                                 \
	FIELD_ROW(name, SETTING_BOOLEAN, struct_type, member, bool)

struct settings;

/* The row with this index, across all tables; NULL after the last one. */
const struct setting *setting_at(const struct settings *settings, size_t index);

/* The member that the row with this index describes, of the row's type: to read and to write. The
 * row must exist. */
const void *setting_value(const struct settings *settings, size_t index);
void *setting_target(struct settings *settings, size_t index);

/* Its flag without the dashes: redis-url for SLIPWAY_REDIS_URL,
 * redis-password-file for a secret. */
void setting_flag_name(const struct setting *setting, char *name, size_t size);

#endif
