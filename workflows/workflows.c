/*
 * The list of all workflows; the only one. A new workflow is a file in definitions/ and a line
 * here.
 */
#include "slipway/workflow.h"

/* clang-format off */
#define WORKFLOWS(WORKFLOW)       \
	WORKFLOW(fork_and_deploy) \
	WORKFLOW(hello)           \
	WORKFLOW(site)            \
	WORKFLOW(teardown)

#define DECLARED(name) extern const struct workflow_definition name;
#define LISTED(name)   &name,
/* clang-format on */

WORKFLOWS(DECLARED)

const struct workflow_definition *const workflows[] = { WORKFLOWS(LISTED) NULL };
