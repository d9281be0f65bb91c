#include "logptn/service/conf.h"

#include <errno.h>

#include "rt/svc.h"

static const char *const topics[] = {"analysis", "log", NULL};

#define AT(field) offsetof(struct logptn_conf, field)
const struct opt logptn_opts[] = {
	SVC_OPT_ENDPOINT(struct logptn_conf),
	{.name = "topic",
	 .type = OPT_ENUM,
	 .offset = AT(topic),
	 .def = "analysis",
	 .choices = topics,
	 .help = "input: analysis, the payloads in records/analysis; log, plain log lines from "
		 "the bus"},
	{.name = "from",
	 .type = OPT_LIST,
	 .offset = AT(from),
	 .help = "with topic log: names or endpoints of the producers of the lines"},
	{.name = "update_interval_s",
	 .type = OPT_INT,
	 .offset = AT(update_interval_s),
	 .def = "60",
	 .min = 1,
	 .max = 86400,
	 .unit = "s",
	 .help = "time between messages with the counts of known log templates; a new log template is "
		 "published within a second"},
	{.name = "save_interval_s",
	 .type = OPT_INT,
	 .offset = AT(save_interval_s),
	 .def = "10",
	 .min = 1,
	 .max = 3600,
	 .unit = "s",
	 .help = "time between two savings of the state"},
	{.name = "keep_days",
	 .type = OPT_INT,
	 .offset = AT(keep_days),
	 .def = "30",
	 .min = 0,
	 .max = 36500,
	 .unit = "days",
	 .help = "age at which a day's file in records/format is removed; 0 keeps all"},
	{0},
};

const char logptn_details[] =
	"Reads STATE_DIR/records/analysis by saved offset, woken by the topic `analysis`,\n"
	"and finds log templates (topic `format`): constant text with typed values in it.\n"
	"It looks at the first line of each payload, by protocol; for HTTP also at the\n"
	"user agent. Writes new log templates to STATE_DIR/records/format and its state to\n"
	"STATE_DIR/logptn.state. Publishes `format`: new log templates within a second,\n"
	"and the counts of known ones each update_interval_s. With --topic log it takes\n"
	"plain log lines from the bus instead. Needs no privilege. Prints log lines on\n"
	"standard error, nothing on standard output. The command logptn(1) finds log\n"
	"templates in files.";

int conf_check(const struct logptn_conf *c)
{
	if (c->topic == LOGPTN_TOPIC_LOG && !c->from.n) {
		log_error("configuration", "error=\"topic log needs from: who publishes it\"");
		return -EINVAL;
	}
	return 0;
}
