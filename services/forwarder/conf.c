#include "conf.h"

#include "cloud/creds_opt.h"
#include "rt/svc.h"

static const char *const begins[] = {"oldest", "today", NULL}; /* enum conf_begin */
static const char *const sasls[] = {"none", "plain", "scram-sha-256", "scram-sha-512",
				    NULL}; /* enum conf_sasl */

#define AT(field) offsetof(struct conf, field)
#define TEXT(field, text)                                                          \
	{                                                                          \
		.name = #field, .type = OPT_STR, .offset = AT(field), .help = text \
	}
#define LIST(field, text)                                                           \
	{                                                                           \
		.name = #field, .type = OPT_LIST, .offset = AT(field), .help = text \
	}
#define SECONDS(field, to, value, text)                                                       \
	{                                                                                     \
		.name = #field, .type = OPT_INT, .offset = AT(field), .def = value, .min = 1, \
		.max = to, .unit = "s", .help = text                                          \
	}

const struct opt conf_opts[] = {
	SVC_OPT_ENDPOINT(struct conf),
	{.name = "begin",
	 .type = OPT_ENUM,
	 .offset = AT(begin),
	 .def = "oldest",
	 .choices = begins,
	 .help = "where a destination begins that has never been used: with all records there are, "
		 "or with today's"},
	SECONDS(linger_s, 60, "2", "longest wait of a record for others to go with it"),
	SECONDS(retry_max_s, 3600, "60", "longest wait between two tries of one batch"),
	SECONDS(stall_s, 3600, "30",
		"so long below 100 bytes a second, a delivery is broken off and tried again"),
	TEXT(ca_file, "certificates (PEM) to trust instead of the system's"),
	TEXT(cloudwatch_group,
	     "CloudWatch Logs: the log group, made if missing; naming one turns this destination on"),
	TEXT(cloudwatch_stream,
	     "CloudWatch Logs: the log stream, made if missing; by default the sensor's name"),
	TEXT(cloudwatch_region,
	     "CloudWatch Logs: region; by default $AWS_REGION, the profile's, us-east-1"),
	TEXT(cloudwatch_endpoint, "CloudWatch Logs: URL of another service than AWS"),
	LIST(cloudwatch_filter,
	     "CloudWatch Logs: only records for which all of these hold: dst_port=22, "
	     "payload_len>0, proto!=udp, http.method=POST"),
	TEXT(webhook_url,
	     "webhook: URL that gets records as NDJSON by POST; naming one turns this destination "
	     "on"),
	TEXT(webhook_token_file, "webhook: file with a token for Authorization: Bearer"),
	{.name = "webhook_max_bytes",
	 .type = OPT_SIZE,
	 .offset = AT(webhook_max_bytes),
	 .def = "1MiB",
	 .min = 1024,
	 .max = 64 << 20,
	 .unit = "bytes",
	 .help = "webhook: of one request; a larger record is left out, counted"},
	LIST(webhook_filter, "webhook: as cloudwatch_filter"),
	TEXT(slack_url, "Slack: URL of an incoming webhook; naming one turns this destination on"),
	SECONDS(slack_every_s, 3600, "10",
		"Slack: at most one message in so long; it shows the first records since the last "
		"message and counts the others"),
	{.name = "slack_filter",
	 .type = OPT_LIST,
	 .offset = AT(slack_filter),
	 .def = "payload_len>0",
	 .help = "Slack: as cloudwatch_filter"},
	TEXT(kafka_brokers,
	     "Kafka: some of the brokers, host:port,host:port; naming them turns this destination "
	     "on"),
	{.name = "kafka_topic",
	 .type = OPT_STR,
	 .offset = AT(kafka_topic),
	 .def = "lurker.analysis",
	 .help = "Kafka: the topic; a record's key is its source address, its time that of the "
		 "flow's first packet"},
	{.name = "kafka_tls",
	 .type = OPT_BOOL,
	 .offset = AT(kafka_tls),
	 .def = "false",
	 .help = "Kafka: TLS, verified with the system's certificates or ca_file"},
	TEXT(kafka_cert_file,
	     "Kafka: this sensor's own certificate (PEM), where brokers ask for one"),
	TEXT(kafka_key_file, "Kafka: the key of kafka_cert_file (PEM)"),
	{.name = "kafka_sasl",
	 .type = OPT_ENUM,
	 .offset = AT(kafka_sasl),
	 .def = "none",
	 .choices = sasls,
	 .help = "Kafka: how to log in; plain is for TLS only"},
	TEXT(kafka_user, "Kafka: user name for kafka_sasl"),
	TEXT(kafka_password_file, "Kafka: file that holds the password of kafka_user"),
	{.name = "kafka_max_bytes",
	 .type = OPT_SIZE,
	 .offset = AT(kafka_max_bytes),
	 .def = "1000000",
	 .min = 4096,
	 .max = 64 << 20,
	 .unit = "bytes",
	 .help = "Kafka: of one message, at most what the topic takes (its max.message.bytes); "
		 "larger records are shortened, counted"},
	LIST(kafka_properties,
	     "Kafka: further properties of librdkafka, NAME=VALUE: compression.type=zstd, "
	     "linger.ms=50, debug=broker"),
	LIST(kafka_filter, "Kafka: as cloudwatch_filter"),
	CREDS_OPTS(struct conf, creds, "AWS: "),
	{0},
};
