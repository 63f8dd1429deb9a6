/*
 * The words for a ring between apps.
 */
#include "api/ring.h"

#include "base/text.h"

enum error_class refuse_ring(const char *const *names, size_t count, struct error *error)
{
	char ring[400] = ""; /* may be truncated: ids are long where somebody wants them so */

	for (size_t i = 0; i < count; i++)
		text_append(ring, sizeof(ring), "%s%s", i > 0 ? " -> " : "", names[i]);
	error_set(error, ERROR_NEEDS_RING, "it would wait for itself: %s", ring);
	return error_remedy(error, NULL,
		"Take one of the references between these steps, or an 'after', out of the inputs "
		"of one app and send the request again. If one of these runs is not wanted any "
		"more, cancel it.");
}
