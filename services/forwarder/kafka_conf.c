#include "kafka_conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"

/* What "at least once, in order" stands on, and how events reach the sink. */
static const struct property {
	const char *name, *value;
} fixed[] = {
	{"enable.idempotence", "true"},
	{"acks", "all"},
	/* A message that fails for good stops those behind it. */
	{"enable.gapless.guarantee", "true"},
	/* librdkafka tries as long as it takes; the sink ends a delivery that comes to a halt. */
	{"message.timeout.ms", "0"},
	{"delivery.report.only.error", "false"},
	{"log.queue", "true"},
};

/* The same, by the other names they have. */
static const char *const aliases[] = {"request.required.acks", "delivery.timeout.ms",
				      "message.max.bytes", NULL};

/* kafka_properties may say otherwise. */
static const struct property usual[] = {
	{"client.id", "lurker"},
	/* So a key is in the partition where Java's clients look for it. */
	{"partitioner", "murmur2_random"},
};

struct setter {
	rd_kafka_conf_t *conf;
	int rc;
	char *why;
	size_t n;
};

static void set(struct setter *s, const char *option, const char *name, const char *value)
{
	char text[256];
	if (s->rc || !value || !*value ||
	    rd_kafka_conf_set(s->conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
		return;
	s->rc = -EINVAL;
	snprintf(s->why, s->n, "%s (%s): %s", option, name, text);
}

/* NAME=VALUE */
static void set_property(struct setter *s, const char *text)
{
	char name[128];
	const char *value = strchr(text, '=');
	size_t n = value ? (size_t)(value - text) : 0;
	if (s->rc)
		return;
	if (n == 0 || n >= sizeof name) {
		s->rc = -EINVAL;
		snprintf(s->why, s->n, "kafka_properties: \"%s\": expected NAME=VALUE", text);
		return;
	}
	memcpy(name, text, n);
	name[n] = '\0';
	bool taken = false;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		taken = taken || strcmp(fixed[i].name, name) == 0;
	for (size_t i = 0; aliases[i]; i++)
		taken = taken || strcmp(aliases[i], name) == 0;
	if (taken) {
		s->rc = -EINVAL;
		snprintf(s->why, s->n,
			 "kafka_properties: %s is set by the forwarder, which delivers at least "
			 "once and in order%s",
			 name, strcmp(name, "message.max.bytes") == 0 ? " (kafka_max_bytes)" : "");
		return;
	}
	set(s, "kafka_properties", name, value + 1);
}

int kafka_conf(const struct conf *c, rd_kafka_conf_t **out, char *why, size_t n)
{
	static const char *const protocols[2][2] = {{"plaintext", "ssl"},
						    {"sasl_plaintext", "sasl_ssl"}};
	static const char *const mechanisms[] = {[CONF_SASL_NONE] = NULL,
						 [CONF_SASL_PLAIN] = "PLAIN",
						 [CONF_SASL_SCRAM_256] = "SCRAM-SHA-256",
						 [CONF_SASL_SCRAM_512] = "SCRAM-SHA-512"};
	bool sasl = c->kafka_sasl != CONF_SASL_NONE;
	bool user = c->kafka_user && *c->kafka_user,
	     file = c->kafka_password_file && *c->kafka_password_file;
	char number[32];
	struct setter s = {rd_kafka_conf_new(), 0, why, n};
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		set(&s, "kafka", fixed[i].name, fixed[i].value);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		set(&s, "kafka", usual[i].name, usual[i].value);
	set(&s, "kafka_brokers", "bootstrap.servers", c->kafka_brokers);
	set(&s, "kafka_tls", "security.protocol", protocols[sasl][c->kafka_tls]);
	set(&s, "ca_file", "ssl.ca.location", c->ca_file);
	set(&s, "kafka_cert_file", "ssl.certificate.location", c->kafka_cert_file);
	set(&s, "kafka_key_file", "ssl.key.location", c->kafka_key_file);
	set(&s, "kafka_sasl", "sasl.mechanisms", mechanisms[c->kafka_sasl]);
	set(&s, "kafka_user", "sasl.username", c->kafka_user);
	snprintf(number, sizeof number, "%" PRIu64, c->kafka_max_bytes);
	set(&s, "kafka_max_bytes", "message.max.bytes", number);
	for (size_t i = 0; i < c->kafka_properties.n; i++)
		set_property(&s, c->kafka_properties.v[i]);
	if (!s.rc && (user != file || user != sasl)) {
		s.rc = -EINVAL;
		snprintf(why, n, "kafka_sasl, kafka_user and kafka_password_file go together");
	} else if (!s.rc && c->kafka_sasl == CONF_SASL_PLAIN && !c->kafka_tls) {
		s.rc = -EINVAL;
		snprintf(why, n,
			 "kafka_sasl plain without kafka_tls would send the password in the clear: "
			 "set kafka_tls, or a scram method");
	}
	if (s.rc)
		rd_kafka_conf_destroy(s.conf);
	else
		*out = s.conf;
	return s.rc;
}
