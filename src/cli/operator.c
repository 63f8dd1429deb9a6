/* By the user that the process runs as: nothing is asked that could fail. */
#include "cli/operator.h"

#include <unistd.h>

#include "base/text.h"

void operator_name(char ret_text[OPERATOR_SIZE])
{
	text_format(ret_text, OPERATOR_SIZE, "user %u", (unsigned)getuid());
}
