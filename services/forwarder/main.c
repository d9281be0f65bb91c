/*
 * lurker-forwarder: records to other systems.
 */
#include "forwarder.h"

static struct forwarder fw;

static const struct svc_desc desc = {
	.name = "forwarder",
	.details =
		"Reads STATE_DIR/records/analysis, for each destination from where it stopped (its\n"
		"offset is in STATE_DIR/forwarder), woken by the topic `analysis` and by a scan\n"
		"every 2 s. Delivers each record to each destination at least once, in order, in\n"
		"batches; an outage of any length loses nothing that is still in the files. Needs\n"
		"the network, and for CloudWatch Logs credentials with logs:PutLogEvents,\n"
		"logs:CreateLogGroup and logs:CreateLogStream. Prints log lines on standard error,\n"
		"nothing on standard output.",
	.opts = conf_opts,
	.conf = &fw.conf,
	.state = &fw,
	.endpoint = &fw.conf.endpoint,
	.metrics = fw.metrics,
	.nmetrics = FORWARDER_METRICS,
	.values = fw.values,
	.check = forwarder_check,
	.open = forwarder_open,
	.start = forwarder_start,
	.tick = forwarder_tick,
	.drain = forwarder_drain,
	.calls = fw.calls,
};

int main(int argc, char **argv)
{
	forwarder_init(&fw);
	return svc_main(&desc, argc, argv);
}
