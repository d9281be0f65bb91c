#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "forwarder/conf.h"
#include "forwarder/kafka_conf.h"

static char why[256];

static struct conf usual(void)
{
	return (struct conf){
		.kafka_brokers = "one:9092,two:9092", .kafka_topic = "t", .kafka_max_bytes = 5000};
}

/* The value that a property gets. */
static const char *value(const struct conf *c, const char *name)
{
	static char text[256];
	size_t n = sizeof text;
	rd_kafka_conf_t *conf;
	cr_assert_eq(kafka_conf(c, &conf, why, sizeof why), 0, "%s", why);
	cr_assert_eq(rd_kafka_conf_get(conf, name, text, &n), RD_KAFKA_CONF_OK, "%s", name);
	rd_kafka_conf_destroy(conf);
	return text;
}

static void refused(const struct conf *c, const char *says)
{
	rd_kafka_conf_t *conf = NULL;
	cr_assert_eq(kafka_conf(c, &conf, why, sizeof why), -EINVAL);
	cr_assert_null(conf);
	cr_assert(strstr(why, says), "%s", why);
}

Test(kafka_conf, delivery_is_at_least_once_and_in_order)
{
	struct conf c = usual();
	cr_assert_str_eq(value(&c, "bootstrap.servers"), "one:9092,two:9092");
	cr_assert_str_eq(value(&c, "enable.idempotence"), "true");
	cr_assert_str_eq(value(&c, "enable.gapless.guarantee"), "true");
	cr_assert_str_eq(value(&c, "message.max.bytes"), "5000");
	cr_assert_str_eq(value(&c, "security.protocol"), "plaintext");
}

Test(kafka_conf, tls_and_login)
{
	struct conf c = usual();
	c.kafka_tls = true;
	c.ca_file = "/ca.pem";
	cr_assert_str_eq(value(&c, "security.protocol"), "ssl");
	cr_assert_str_eq(value(&c, "ssl.ca.location"), "/ca.pem");
	c.kafka_sasl = CONF_SASL_PLAIN;
	c.kafka_user = "u";
	c.kafka_password_file = "/password";
	cr_assert_str_eq(value(&c, "security.protocol"), "sasl_ssl");
	cr_assert_str_eq(value(&c, "sasl.mechanisms"), "PLAIN");
	c.kafka_tls = false;
	refused(&c, "in the clear");
	c.kafka_sasl = CONF_SASL_SCRAM_512;
	cr_assert_str_eq(value(&c, "security.protocol"), "sasl_plaintext");
	cr_assert_str_eq(value(&c, "sasl.mechanisms"), "SCRAM-SHA-512");
	c.kafka_password_file = NULL;
	refused(&c, "go together");
}

Test(kafka_conf, properties)
{
	struct conf c = usual();
	char zstd[] = "compression.type=gzip", own[] = "client.id=mine", none[] = "linger.ms",
	     unknown[] = "no.such.thing=1", wrong[] = "linger.ms=soon", acks[] = "acks=0",
	     size[] = "message.max.bytes=1";
	char *good[] = {zstd, own}, *bad[1];
	c.kafka_properties = (struct opt_list){good, 2};
	cr_assert_str_eq(value(&c, "compression.type"), "gzip");
	cr_assert_str_eq(value(&c, "client.id"), "mine");
	c.kafka_properties = (struct opt_list){bad, 1};
	bad[0] = none;
	refused(&c, "expected NAME=VALUE");
	bad[0] = unknown;
	refused(&c, "no.such.thing");
	bad[0] = wrong;
	refused(&c, "linger.ms");
	bad[0] = acks;
	refused(&c, "acks is set by the forwarder");
	bad[0] = size;
	refused(&c, "kafka_max_bytes");
}
