/*
 * conf: the forwarder's options, as options.def declares them.
 */
#ifndef FORWARDER_CONF_H
#define FORWARDER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/creds.h"
#include "rt/opt.h"

enum conf_begin { CONF_OLDEST, CONF_TODAY };
enum conf_sasl { CONF_SASL_NONE, CONF_SASL_PLAIN, CONF_SASL_SCRAM_256, CONF_SASL_SCRAM_512 };

struct conf {
	const char *endpoint;
#define TEXT(name, ...)    const char *name;
#define TEXT_OR(name, ...) const char *name;
#define LIST(name, ...)    struct opt_list name;
#define SECONDS(name, ...) int64_t name;
#define SIZE(name, ...)    uint64_t name;
#define FLAG(name, ...)    bool name;
#define CHOICE(name, ...)  int name;
#include "forwarder/options.def"
	struct creds_conf creds;
};

extern const struct opt conf_opts[];

#endif
