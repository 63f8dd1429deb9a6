/*
 * The list of all workflows; the only one.
 */
#include "definitions.h"

const struct workflow_definition *const workflows[] = {
	&fork_and_deploy,
	&hello,
	&site,
	&teardown,
	NULL,
};
