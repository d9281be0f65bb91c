/*
 * skew: signing with the server's time when this machine's clock is wrong.
 *
 * SigV4 is refused when the clocks differ by more than minutes. libcurl takes the time to sign with
 * from time(3) and, given an X-Amz-Date header, sends that twice; so skew.c defines time(3) for the
 * program: the system's clock plus what was learned from a refused request's Date header. The
 * system's clock itself is not touched.
 */
#ifndef CLOUD_SKEW_H
#define CLOUD_SKEW_H

#include <stdbool.h>
#include <stdint.h>

/* More than this apart, the clocks are taken for the cause of a refusal: AWS allows 5 minutes (S3
 * 15). */
#define SKEW_MAX_S 240

/* skew_refused: a signed request was refused, and the response had this Date (seconds since the
 * epoch; 0: none). True: the clocks differed, requests are signed with the server's time from now
 * on, the request is worth another try. */
bool skew_refused(uint64_t date_s);

/* What is added to the system's clock, seconds. */
int64_t skew_s(void);

#endif
