/*
 * The permissions of the tokens that are made for apps, where a provider has apps: what an action
 * has to say of them.
 */
#ifndef SLIPWAY_PROVIDER_PERMISSIONS_H
#define SLIPWAY_PROVIDER_PERMISSIONS_H

#include "slipway/workflow.h"

/*
 * Whether each action of the workflow that calls a provider which makes tokens for apps has a table
 * of the permissions that they need, and so has what removes what it makes: a token without any
 * named has all that the installation has, and so no run gets one. ERROR_INVALID_INPUT names the
 * action and what to write.
 */
enum error_class permissions_check(
	const struct workflow_definition *workflow, struct error *error) SLIPWAY_MUST_CHECK;

#endif
