/*
 * when: the times that cloud services write, as seconds since the epoch.
 */
#ifndef CLOUD_AWS_TIME_H
#define CLOUD_AWS_TIME_H

#include <stdint.h>

/* Room for when_amz with its NUL. */
#define WHEN_AMZ 17

/* aws_time_http: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7, the preferred form). 0 or
 * -EINVAL. */
int aws_time_http(const char *text, uint64_t *out_s);
/* aws_time_iso: "2026-01-02T03:04:05Z", with or without a fraction. 0 or -EINVAL. */
int aws_time_iso(const char *text, uint64_t *out_s);
/* when_amz: "20260102T030405Z", as SigV4 writes it. */
void when_amz(uint64_t s, char out[WHEN_AMZ]);

#endif
