#include "logptn/cmd/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void *show(void *arg)
{
	struct progress *p = arg;
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec++;
	pthread_mutex_lock(&p->mutex);
	while (!p->stop) {
		if (!pthread_cond_timedwait(&p->cond, &p->mutex, &at))
			continue;
		fprintf(stderr, "\r%3.0f%% of %zu MB",
			100.0 * (double)atomic_load(&p->done) / (double)p->total,
			p->total / 1000000);
		p->shown = true;
		at.tv_nsec += 200000000;
		if (at.tv_nsec >= 1000000000) {
			at.tv_nsec -= 1000000000;
			at.tv_sec++;
		}
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

void progress_start(struct progress *p, bool wanted, size_t total)
{
	*p = (struct progress){.total = total ? total : 1};
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->cond, NULL);
	p->on = wanted && isatty(STDERR_FILENO) && !pthread_create(&p->thread, NULL, show, p);
}

void progress_stop(struct progress *p)
{
	if (p->on) {
		pthread_mutex_lock(&p->mutex);
		p->stop = true;
		pthread_cond_signal(&p->cond);
		pthread_mutex_unlock(&p->mutex);
		pthread_join(p->thread, NULL);
		if (p->shown)
			fputs("\r                        \r", stderr);
	}
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->mutex);
}
