#include "cloud/aws.h"

#include <inttypes.h>

#include "base/log.h"
#include "cloud/skew.h"

bool aws_good(const struct http_response *a)
{
	return !a->curl && a->status >= 200 && a->status < 300;
}

bool aws_judge(struct creds_chain *chain, const struct http_response *a, const char *what,
	       struct verdict *out)
{
	const struct creds *creds;
	const char *none;
	bool skewed = !a->curl && (a->status == 403 || a->status == 400) && skew_refused(a->date_s);
	bool temporary = creds_get(chain, &creds, &none) == 0 && creds->token[0];
	response_judge(a, skewed, temporary, what, out);
	if (out->credentials)
		creds_refused(chain);
	if (skewed)
		log_warn("clock is wrong",
			 "seconds_behind=%" PRId64
			 " hint=\"requests are signed with the server's time; set the clock\"",
			 skew_s());
	return skewed;
}
