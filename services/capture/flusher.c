#include "capture/flusher.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct flusher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fds[FLUSHER_MAX]; /* a ring: at, n; the first one is being flushed */
	unsigned at, n;
	int error;
	bool end;
};

static void *flusher_run(void *arg)
{
	struct flusher *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		while (!f->n && !f->end)
			pthread_cond_wait(&f->changed, &f->lock);
		if (!f->n)
			break;
		int fd = f->fds[f->at];
		pthread_mutex_unlock(&f->lock);
		int rc = fdatasync(fd) < 0 ? -errno : 0;
		close(fd);
		pthread_mutex_lock(&f->lock);
		if (rc)
			f->error = rc;
		f->at = (f->at + 1) % FLUSHER_MAX;
		f->n--;
		pthread_cond_broadcast(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

int flusher_new(struct flusher **out)
{
	struct flusher *f = calloc(1, sizeof *f);
	pthread_attr_t attr;

	if (!f)
		return -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64u << 10);
	int rc = pthread_create(&f->thread, &attr, flusher_run, f);
	pthread_attr_destroy(&attr);
	if (rc) {
		free(f);
		return -rc;
	}
	*out = f;
	return 0;
}

void flusher_free(struct flusher **fp)
{
	struct flusher *f = *fp;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->end = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
	*fp = NULL;
}

void flusher_take(struct flusher *f, int fd)
{
	pthread_mutex_lock(&f->lock);
	while (f->n == FLUSHER_MAX)
		pthread_cond_wait(&f->changed, &f->lock);
	f->fds[(f->at + f->n++) % FLUSHER_MAX] = fd;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

bool flusher_idle(struct flusher *f)
{
	pthread_mutex_lock(&f->lock);
	bool idle = !f->n;
	pthread_mutex_unlock(&f->lock);
	return idle;
}

int flusher_error(struct flusher *f)
{
	pthread_mutex_lock(&f->lock);
	int rc = f->error;
	f->error = 0;
	pthread_mutex_unlock(&f->lock);
	return rc;
}
