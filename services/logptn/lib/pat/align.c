#include "logptn/lib/pat/align.h"

#include "logptn/lib/pat/pat.h"

bool align(const uint32_t *pattern, uint32_t np, const uint32_t *skel, uint32_t n, struct span *out)
{
	uint32_t i = 0, k = 0;
	uint32_t star = UINT32_MAX; /* the last value passed, whose span can still grow */

	/* Only the last value needs to grow again: a longer earlier one cannot help what
	 * follows. */
	while (i < n || k < np) {
		if (k < np && i < n && pattern[k] == PAT_VALUE) {
			out[k] = (struct span){i, i + 1};
			star = k++;
			i++;
		} else if (k < np && i < n && pattern[k] == skel[i]) {
			out[k++] = (struct span){i, i + 1};
			i++;
		} else if (star != UINT32_MAX && out[star].to < n) {
			i = ++out[star].to;
			k = star + 1;
		} else {
			return false;
		}
	}
	return true;
}
