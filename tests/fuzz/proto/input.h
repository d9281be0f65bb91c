/* input: an input is the name of a message, a newline, and its bytes. */
#ifndef FUZZ_PROTO_INPUT_H
#define FUZZ_PROTO_INPUT_H

#include "proto/codec.h"

/* input_decode: decodes into static memory, overwritten by the next call; NULL when the input is
 * refused. */
const void *input_decode(const uint8_t *data, size_t n, const struct msg_schema **schema);
/* input_require: aborts, so that the fuzzer keeps the input. */
void input_require(bool ok, const char *what);

#endif
