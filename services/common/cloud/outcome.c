#include "cloud/outcome.h"

const char *outcome_text(enum outcome o)
{
	static const char *const texts[] = {[OUTCOME_OK] = "ok",
					    [OUTCOME_RETRY] = "retry",
					    [OUTCOME_STUCK] = "stuck",
					    [OUTCOME_REFUSED] = "refused"};
	return (unsigned)o < sizeof texts / sizeof *texts ? texts[o] : "unknown";
}
