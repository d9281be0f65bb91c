/* librdkafka's mock cluster as a process. Prints "ready HOST:PORT,…", then obeys lines of standard
 * input until its end:
 *
 *   topic NAME PARTITIONS     makes a topic
 *   down | up | rtt MS        all brokers
 *   error API CODE COUNT      so many requests of this API are answered with this error
 *   topicerror NAME CODE      the topic has this error from now on; 0: none
 *
 * and answers each with "done". */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	int brokers = argc > 1 ? atoi(argv[1]) : 1, a, b, n;
	char why[256], line[256], name[128];
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
	rd_kafka_mock_cluster_t *m = rk ? rd_kafka_mock_cluster_new(rk, brokers) : NULL;
	if (!m)
		return 1;
	printf("ready %s\n", rd_kafka_mock_cluster_bootstraps(m));
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		if (sscanf(line, "topic %127s %d", name, &n) == 2)
			rd_kafka_mock_topic_create(m, name, n, brokers);
		else if (sscanf(line, "topicerror %127s %d", name, &n) == 2)
			rd_kafka_mock_topic_set_error(m, name, (rd_kafka_resp_err_t)n);
		else if (sscanf(line, "error %d %d %d", &a, &b, &n) == 3)
			while (n--)
				rd_kafka_mock_push_request_errors(m, (int16_t)a, 1, b);
		else
			for (int i = 1; i <= brokers; i++) {
				if (strcmp(line, "down\n") == 0)
					rd_kafka_mock_broker_set_down(m, i);
				else if (strcmp(line, "up\n") == 0)
					rd_kafka_mock_broker_set_up(m, i);
				else if (sscanf(line, "rtt %d", &n) == 1)
					rd_kafka_mock_broker_set_rtt(m, i, n);
				else
					return 2;
			}
		printf("done\n");
		fflush(stdout);
	}
	rd_kafka_mock_cluster_destroy(m);
	rd_kafka_destroy(rk);
	return 0;
}
