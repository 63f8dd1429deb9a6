/*
 * Whether Vercel sees the account at GitHub that owns a repository: it links no project to any
 * other.
 */
#ifndef WORKFLOWS_VERCEL_INSTALLATION_H
#define WORKFLOWS_VERCEL_INSTALLATION_H

#include "slipway/action.h"

/*
 * Asks Vercel about the owner of the repository, owner/name. Fails with ERROR_APP_NOT_INSTALLED if
 * its GitHub app is not installed there, or the connection has ended. ACTION_DONE if it is, or if
 * the token may not ask.
 */
enum action_result installation_look(struct action_context *context, const char *repository);

/* The same for plans, before a project is linked to the repository. A run does not ask: it learns
 * it from the refusal. */
enum action_result installation_foresee(struct action_context *context, const char *repository);

#endif
