/*
 * lurker-uploader: from the queue to the store.
 */
#include "cloud/http_client.h"
#include "uploader.h"

static struct uploader up;

static const struct metric metrics[] = {
#define COUNT METRIC_ROW
#include "uploader/counts.def"
};

static const char *const dir_calls[] = {"flock", NULL};
static const char *const s3_calls[] = {"flock", HTTP_CALLS, NULL};

static int choose_calls(struct svc *s);

static struct svc_desc desc = {
	.name = "uploader",
	.details =
		"Reads its queue STATE_DIR/spool/queue/uploader, oldest first, woken by the topic\n"
		"`flow` and by a scan every 3 s. Writes each file under its key to the store: the\n"
		"directory STATE_DIR/objects by default, or an S3 bucket. Then publishes `object`\n"
		"and removes the entry; during an outage all entries stay in the queue. What the\n"
		"store refuses for good goes to STATE_DIR/spool/bad/uploader. Needs no privilege;\n"
		"for S3, the network and credentials with s3:PutObject (and sns:Publish). Prints\n"
		"log lines on standard error, nothing on standard output.",
	.opts = conf_opts,
	.conf = &up.conf,
	.state = &up,
	.endpoint = &up.conf.endpoint,
	.metrics = metrics,
	.nmetrics = UPLOADER_COUNTS,
	.values = up.values,
	.check = uploader_check,
	.open = choose_calls,
	.start = uploader_start,
	.tick = uploader_tick,
	.drain = uploader_drain,
};

/* Before the sandbox is shut: a directory needs no network. */
static int choose_calls(struct svc *s)
{
	(void)s;
	desc.calls = up.conf.store == CONF_S3 ? s3_calls : dir_calls;
	return 0;
}

int main(int argc, char **argv)
{
	int code = svc_main(&desc, argc, argv);
	uploader_fini(&up);
	return code;
}
