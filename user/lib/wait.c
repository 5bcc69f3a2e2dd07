// SPDX-License-Identifier: MIT
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define SECOND 1000000000ULL

/* Later than a kernel counts is never. */
static int time_to_kernel(const struct timespec *from, uint64_t *nanoseconds)
{
	uint64_t seconds;

	*nanoseconds = SHMDEV_WAIT_FOREVER;
	if (!from)
		return 0;
	/* Less than nothing is more than a second, too. */
	if (from->tv_sec < 0 || (uint64_t)from->tv_nsec >= SECOND)
		return -EINVAL;
	seconds = from->tv_sec;
	if (seconds < SHMDEV_WAIT_FOREVER / SECOND)
		*nanoseconds = seconds * SECOND + from->tv_nsec;
	return 0;
}

static int wait_for(const struct shmdev_segment *segment, uint64_t offset,
		    uint32_t expected, const struct timespec *time,
		    uint32_t flags, uint32_t ends)
{
	struct shmdev_wait wait = {
		.size = sizeof(wait),
		.flags = flags,
		.offset = offset,
		.expected = expected,
		.ended = ends,
	};
	uint64_t timeout;
	int ret;

	if (!segment)
		return -EINVAL;
	ret = time_to_kernel(time, &timeout);
	if (ret < 0)
		return ret;
	wait.timeout = timeout;
	return shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_WAIT, &wait);
}

SHMDEV_API int shmdev_segment_wait(const struct shmdev_segment *segment,
				   uint64_t offset, uint32_t expected,
				   const struct timespec *timeout)
{
	return wait_for(segment, offset, expected, timeout, 0, 0);
}

SHMDEV_API int shmdev_segment_wait_until(const struct shmdev_segment *segment,
					 uint64_t offset, uint32_t expected,
					 const struct timespec *deadline)
{
	return wait_for(segment, offset, expected, deadline,
			SHMDEV_WAIT_F_ABSOLUTE, 0);
}

SHMDEV_API int shmdev_segment_wait_peers(const struct shmdev_segment *segment,
					 uint64_t offset, uint32_t expected,
					 uint32_t ends,
					 const struct timespec *deadline)
{
	return wait_for(segment, offset, expected, deadline,
			SHMDEV_WAIT_F_ABSOLUTE | SHMDEV_WAIT_F_PEERS, ends);
}

static bool is_past(const struct timespec *deadline)
{
	struct timespec now;

	if (!deadline)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
	       (now.tv_sec == deadline->tv_sec &&
		now.tv_nsec >= deadline->tv_nsec);
}

/* Mappings begin with a page, so the two agree about the place in it. */
static bool may_be_at(const void *word, uint64_t offset)
{
	return ((uintptr_t)word ^ offset) % sysconf(_SC_PAGESIZE) == 0;
}

SHMDEV_API int shmdev_segment_await(const struct shmdev_segment *segment,
				    uint64_t offset, const void *word,
				    bool (*done)(uint32_t value, void *data),
				    void *data,
				    const struct timespec *deadline)
{
	const uint32_t *value_at = word;
	uint32_t value;
	int ret = 0;

	if (!segment || !word || !done || offset % sizeof(value) ||
	    !may_be_at(word, offset))
		return -EINVAL;
	/* However the sleep ended, the word has the last say. */
	for (;;) {
		value = __atomic_load_n(value_at, __ATOMIC_ACQUIRE);
		if (done(value, data))
			return 0;
		if (ret < 0)
			return ret;
		ret = shmdev_segment_wait_until(segment, offset, value,
						deadline);
		/* A word that never stands still is not slept on. */
		if (ret == -EAGAIN)
			ret = is_past(deadline) ? -ETIMEDOUT : 0;
	}
}

SHMDEV_API int shmdev_segment_wake(const struct shmdev_segment *segment,
				   uint64_t offset, unsigned int count)
{
	struct shmdev_wake wake = {
		.size = sizeof(wake),
		.offset = offset,
		.count = count,
	};

	if (!segment)
		return -EINVAL;
	return shmdev_ioctl(shmdev_segment_fd(segment), SHMDEV_IOC_WAKE, &wake);
}
