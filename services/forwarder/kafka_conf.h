/*
 * kafka_conf: the forwarder's options as librdkafka's properties.
 */
#ifndef FORWARDER_KAFKA_CONF_H
#define FORWARDER_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>
#include <stddef.h>

struct conf;

/* kafka_conf: 0 and the properties, for rd_kafka_new or rd_kafka_conf_destroy; -EINVAL with why.
 * The password is not among them. */
int kafka_conf(const struct conf *c, rd_kafka_conf_t **out, char *why, size_t n);

#endif
