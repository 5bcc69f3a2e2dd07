/* SPDX-License-Identifier: GPL-2.0 */
/* WAIT, and threads that are known to sleep in it. */
#ifndef SHMDEV_SELFTEST_SLEEPER_H
#define SHMDEV_SELFTEST_SLEEPER_H

#include <pthread.h>

#include "shmdev_test.h"

#define MS		NSEC_PER_MSEC
#define WAIT_PATIENCE	(20000 * MS)	/* never needed */

/* How long a wait took, and what became of it. */
struct waited {
	int error;
	__u64 elapsed;	/* milliseconds */
	__u64 left;	/* nanoseconds */
};

static inline struct waited waited(int fd, __u64 offset, __u32 expected,
				   __u32 flags, __u64 timeout)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.offset = offset,
		.timeout = timeout,
		.expected = expected,
	};
	__u64 begin = milliseconds();
	int ret = ioctl(fd, SHMDEV_IOC_WAIT, &arg);

	return (struct waited){
		.error = ret ? errno : 0,
		.elapsed = milliseconds() - begin,
		.left = arg.timeout,
	};
}

/* A thread that waits while its word is 0. */
struct sleeper {
	pthread_t thread;
	int fd;
	__u64 offset;
	pid_t tid;
	int *turn;
	int woken_as;
	struct waited waited;
};

static inline void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;

	__atomic_store_n(&sleeper->tid, gettid(), __ATOMIC_RELEASE);
	sleeper->waited = waited(sleeper->fd, sleeper->offset, 0, 0, WAIT_PATIENCE);
	sleeper->woken_as = __atomic_add_fetch(sleeper->turn, 1,
					       __ATOMIC_RELAXED);
	return NULL;
}

/* A process, or one of its threads. */
static inline bool is_asleep(pid_t tid)
{
	char path[60], text[400], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (read_file(path, text, sizeof(text)) <= 0)
		return false;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

/* The thread has announced itself, so where it sleeps is in WAIT. */
static inline bool sleeps(const struct sleeper *sleeper)
{
	pid_t tid = __atomic_load_n(&sleeper->tid, __ATOMIC_ACQUIRE);

	return tid && is_asleep(tid);
}

static inline bool sleeper_start(struct sleeper *sleeper, int fd,
				 __u64 offset, int *turn)
{
	const __u64 end = milliseconds() + 5000;

	*sleeper = (struct sleeper){ .fd = fd, .offset = offset, .turn = turn };
	if (pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper))
		return false;
	while (!sleeps(sleeper))
		if (milliseconds() > end)
			return false;
	return true;
}

#endif /* SHMDEV_SELFTEST_SLEEPER_H */
