/*
 * YAML as strictly as JSON: one document of maps with text keys, lists, texts, numbers, booleans
 * and null, each with the line where it stands. JSON is read too.
 *
 * What people read in one way and programs in another is refused with what to write instead: yes
 * and no, 0123, 1.10, 1e3, 12:30, 2026-11-28, also as names, tabs, keys that are there twice,
 * anchors and aliases, tags, and values left out.
 */
#ifndef SLIPWAY_CLI_YAML_H
#define SLIPWAY_CLI_YAML_H

#include "base/buffer.h"
#include "base/json.h"

/* A request has at most depth 32 and 4,096 values: the maps of apps and workflows stand around it,
 * and many requests stand in one file. */
#define YAML_DEPTH_MAX   36
#define YAML_NODES_MAX   131072
#define YAML_MEMBERS_MAX 4096              /* of one map */
#define YAML_FILE_MAX    ((size_t)8 << 20) /* bytes */
#define YAML_NAME_MAX    128

struct yaml_document {
	char name[YAML_NAME_MAX]; /* of the file, as messages have it */
	cJSON *json;
	struct buffer marks; /* where each value stands */
};

/* On a local, which begins as YAML_EMPTY: releases it at the end of the block. */
#define CLEANUP_YAML CLEANUP(yaml_release)
#define YAML_EMPTY   ((struct yaml_document){ .json = NULL })

/* Reads the file; - is standard input. ERROR_INVALID_INPUT says file:line:column and what to write.
 */
enum error_class yaml_read(const char *path, struct yaml_document *ret_document,
	struct error *error) SLIPWAY_MUST_CHECK;

/* The same for a text; name is the file's in messages. */
enum error_class yaml_parse(const char *name, const char *text, size_t length,
	struct yaml_document *ret_document, struct error *error) SLIPWAY_MUST_CHECK;

/* Frees it; one that was never read is fine. */
void yaml_release(struct yaml_document *document);

/* Writes where the value of a JSON pointer stands, as file:line:column: that of a member is where
 * its name is. Of what is not there, where its parent stands. */
void yaml_place(const struct yaml_document *document, const char *pointer, char *text, size_t size);

#endif
