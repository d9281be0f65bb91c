/*
 * conf: the forwarder's options.
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
	int begin; /* enum conf_begin */
	int64_t linger_s, retry_max_s, stall_s;
	const char *ca_file;
	const char *cloudwatch_group, *cloudwatch_stream, *cloudwatch_region, *cloudwatch_endpoint;
	struct opt_list cloudwatch_filter;
	const char *webhook_url, *webhook_token_file;
	uint64_t webhook_max_bytes;
	struct opt_list webhook_filter;
	const char *slack_url;
	int64_t slack_every_s;
	struct opt_list slack_filter;
	const char *kafka_brokers, *kafka_topic;
	bool kafka_tls;
	const char *kafka_cert_file, *kafka_key_file;
	int kafka_sasl; /* enum conf_sasl */
	const char *kafka_user, *kafka_password_file;
	uint64_t kafka_max_bytes;
	struct opt_list kafka_properties, kafka_filter;
	struct creds_conf creds;
};

extern const struct opt conf_opts[];

#endif
