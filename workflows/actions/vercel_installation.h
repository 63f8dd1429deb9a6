/*
 * Whether Vercel sees the account at GitHub that owns a repository: it links no project to any
 * other.
 */
#ifndef WORKFLOWS_VERCEL_INSTALLATION_H
#define WORKFLOWS_VERCEL_INSTALLATION_H

#include "slipway/action.h"

/*
 * For plans, before a project is linked to the repository, owner/name: fails where Vercel's GitHub
 * app is not installed for its owner, or the connection has ended. ACTION_DONE otherwise, and in a
 * run, which learns it from the refusal.
 */
enum action_result installation_foresee(struct action_context *context, const char *repository);

#endif
