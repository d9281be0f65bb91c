#include "conf.h"

#include "base/clock.h"
#include "cloud/creds_opt.h"
#include "rt/svc.h"

static const char *const stores[] = {"dir", "s3", NULL};           /* enum conf_store */
static const char *const sses[] = {"none", "aes256", "kms", NULL}; /* enum s3_sse */

#define AT(field) offsetof(struct conf, field)
#define TEXT(field, text)                                                          \
	{                                                                          \
		.name = #field, .type = OPT_STR, .offset = AT(field), .help = text \
	}
#define NUMBER(field, from, to, of, value, text)                                                 \
	{                                                                                        \
		.name = #field, .type = OPT_INT, .offset = AT(field), .def = value, .min = from, \
		.max = to, .unit = of, .help = text                                              \
	}
#define CHOICE(field, of, value, text)                                               \
	{                                                                            \
		.name = #field, .type = OPT_ENUM, .offset = AT(field), .def = value, \
		.choices = of, .help = text                                          \
	}

const struct opt conf_opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	CHOICE(store, stores, "dir", "where objects go: a local directory, or an S3 bucket"),
	{.name = "directory",
	 .type = OPT_DIR,
	 .offset = AT(directory),
	 .help = "dir: the directory; by default STATE_DIR/objects, where storing a file is one "
		 "hard link"},
	{.name = "max_bytes",
	 .type = OPT_SIZE,
	 .offset = AT(max_bytes),
	 .def = "10GiB",
	 .min = 0,
	 .max = INT64_MAX,
	 .unit = "bytes",
	 .help = "dir: disk space that objects may take; beyond it the objects of the oldest hours "
		 "are removed; 0: no limit"},
	NUMBER(retry_max_s, 1, 3600, "s", "30",
	       "longest wait between two attempts to store one object"),
	NUMBER(uploads, 1, 256, "objects", "32", "s3: uploads in progress at once"),
	NUMBER(stall_s, 1, 3600, "s", "30",
	       "s3: an upload that stays below 100 bytes a second for this time is broken off and repeated"),
	TEXT(s3_bucket, "s3: the bucket"),
	TEXT(s3_prefix,
	     "s3: beginning of every key, such as sensors/one; the objects are "
	     "s3://BUCKET/PREFIX/pcap/…, and analyzer.destination is the part before pcap"),
	TEXT(s3_region,
	     "s3: region of the bucket; by default $AWS_REGION, the profile's, us-east-1"),
	TEXT(s3_endpoint, "s3: URL of another S3 service than AWS, https://host[:port]"),
	CHOICE(s3_style, s3_styles, "auto",
	       "s3: https://ENDPOINT/BUCKET (path) or https://BUCKET.ENDPOINT (virtual); auto: "
	       "virtual at AWS, path elsewhere"),
	TEXT(ca_file, "s3: certificates (PEM) to trust instead of the system's"),
	TEXT(s3_storage_class, "s3: storage class, such as STANDARD_IA"),
	CHOICE(s3_sse, sses, "none",
	       "s3: encryption to ask the server for; none: the bucket's default, where a KMS key "
	       "can be named too"),
	TEXT(sns_topic,
	     "s3: ARN of an SNS topic that gets an S3 event notification for each object; for "
	     "buckets that cannot send them themselves"),
	TEXT(sns_endpoint, "s3: URL of another SNS service than AWS"),
	CREDS_OPTS(struct conf, creds, "s3: "),
	{0},
};

struct work_conf conf_work(const struct conf *c)
{
	const uint64_t retry_max_ns = (uint64_t)c->retry_max_s * NS_PER_S;
	return (struct work_conf){
		.retry_first_ns = NS_PER_S / 4,
		.retry_max_ns = retry_max_ns,
		.stuck_ns = retry_max_ns > 60 * NS_PER_S ? retry_max_ns : 60 * NS_PER_S,
		.scan_ns = 3 * NS_PER_S,
		.trouble_ns = 60 * NS_PER_S,
	};
}

struct store_s3_conf conf_s3(const struct conf *c, const char *sensor)
{
	return (struct store_s3_conf){
		.bucket = c->s3_bucket,
		.prefix = c->s3_prefix,
		.region = c->s3_region,
		.endpoint = c->s3_endpoint,
		.ca_file = c->ca_file,
		.style = (enum s3_style)c->s3_style,
		.storage_class = c->s3_storage_class,
		.sse = (enum s3_sse)c->s3_sse,
		.sensor = sensor,
		.topic = c->sns_topic,
		.sns_endpoint = c->sns_endpoint,
		.uploads = (size_t)c->uploads,
		.stall_s = c->stall_s,
		.creds = c->creds,
	};
}
