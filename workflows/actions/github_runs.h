/*
 * The runs of a workflow of GitHub Actions: which one a dispatch has started, GitHub may not say.
 */
#ifndef WORKFLOWS_ACTIONS_GITHUB_RUNS_H
#define WORKFLOWS_ACTIONS_GITHUB_RUNS_H

#include "slipway/action.h"

struct workflow_run {
	int64_t id;
	const char *status, *conclusion, *html_url;
};
extern const struct record workflow_run_record;

struct workflow_runs {
	struct object_list runs; /* of workflow_run */
};

/* The newest dispatched runs of the workflow on the branch; *ret_known is false if GitHub has no
 * such workflow. */
bool runs_list(struct action_context *context, const char *repository, const char *workflow,
	const char *ref, bool *ret_known, struct workflow_runs *ret_runs) SLIPWAY_MUST_CHECK;

/* The id of the oldest run that is newer than the id; 0 if there is none. */
int64_t runs_oldest_after(const struct workflow_runs *listing, int64_t id);

/* The id of the newest run; 0 if there is none. */
int64_t runs_newest(const struct workflow_runs *listing);

#endif
