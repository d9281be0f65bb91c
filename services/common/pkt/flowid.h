/*
 * flowid: the identity of a flow, the same wherever its capture file is read.
 */
#ifndef PKT_FLOWID_H
#define PKT_FLOWID_H

#include <stdint.h>

/* 32 hex digits and NUL. */
#define FLOWID_TEXT 33

/* flowid: hex of the first 16 bytes of SHA-256 over sensor, NUL, the number (decimal, from 0) of
 * the flow's first packet in its capture file, NUL, and the file's object key. */
void flowid(const char *sensor, uint64_t packet_index, const char *key, char out[FLOWID_TEXT]);

#endif
