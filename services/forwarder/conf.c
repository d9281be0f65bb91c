#include "conf.h"

#include "cloud/creds_opt.h"
#include "rt/svc.h"

static const char *const begins[] = {"oldest", "today", NULL}; /* enum conf_begin */
static const char *const sasls[] = {"none", "plain", "scram-sha-256", "scram-sha-512",
				    NULL}; /* enum conf_sasl */

/* What every row has. */
#define ROW(field) .name = #field, .offset = offsetof(struct conf, field)

/* clang-format off */
#define TEXT(field, text)           {ROW(field), .type = OPT_STR, .help = text},
#define TEXT_OR(field, value, text) {ROW(field), .type = OPT_STR, .def = value, .help = text},
#define LIST(field, value, text)    {ROW(field), .type = OPT_LIST, .def = value, .help = text},
#define FLAG(field, value, text)    {ROW(field), .type = OPT_BOOL, .def = value, .help = text},
#define SECONDS(field, to, value, text) \
	{ROW(field), .type = OPT_INT, .def = value, .min = 1, .max = to, .unit = "s", .help = text},
#define SIZE(field, from, to, value, text) \
	{ROW(field), .type = OPT_SIZE, .def = value, .min = from, .max = (to), .unit = "bytes", \
	 .help = text},
#define CHOICE(field, of, value, text) \
	{ROW(field), .type = OPT_ENUM, .def = value, .choices = of, .help = text},
/* clang-format on */

const struct opt conf_opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
#include "forwarder/options.def"
	CREDS_OPTS(struct conf, creds, "AWS: "),
	{0},
};
