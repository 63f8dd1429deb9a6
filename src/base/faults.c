/*
 * A bounded list of errors. When it is full, further faults are dropped: a person corrects the
 * first ones and asks again.
 */
#include "base/faults.h"

#include <string.h>

bool faults_note(struct faults *faults, const struct error *error)
{
	if (faults == NULL || error->class != ERROR_INVALID_INPUT)
		return false;
	for (size_t i = 0; i < faults->count; i++)
		if (strcmp(faults->list[i].place, error->place) == 0)
			return true;
	if (faults->count == FAULTS_MAX)
		return false;
	faults->list[faults->count++] = *error;
	return true;
}
