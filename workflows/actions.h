/*
 * The actions that workflows are made of: one line a file in actions/.
 */
#ifndef WORKFLOWS_ACTIONS_H
#define WORKFLOWS_ACTIONS_H

#include "slipway/action.h"

extern const struct action_definition github_access;
extern const struct action_definition github_files;
extern const struct action_definition github_protection;
extern const struct action_definition github_repository;
extern const struct action_definition github_repository_delete;
extern const struct action_definition github_workflow_run;
extern const struct action_definition github_secrets;
extern const struct action_definition github_variables;
extern const struct action_definition http_check;
extern const struct action_definition http_remove;
extern const struct action_definition http_request;
extern const struct action_definition note;
extern const struct action_definition vercel_deployment;
extern const struct action_definition vercel_domain;
extern const struct action_definition vercel_domain_remove;
extern const struct action_definition vercel_environment;
extern const struct action_definition vercel_project;
extern const struct action_definition vercel_project_delete;
extern const struct action_definition vercel_promote;
extern const struct action_definition vercel_redeploy;

#endif
