// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory-ring.h"
#include "transport.h"

static void count(uint64_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static int futex_wait(void *context, uint64_t offset, const uint32_t *word,
		      uint32_t expected, uint32_t ends,
		      const struct timespec *deadline)
{
	struct ring_counts *counts = context;
	int saved = errno;
	int ret = 0;

	(void)offset;
	(void)ends;
	count(&counts->sleeps);
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline,
		    NULL, FUTEX_BITSET_MATCH_ANY))
		ret = -errno;
	errno = saved;
	if (ret != -EAGAIN)
		count(&counts->wake_ups);
	return ret;
}

static int futex_wake(void *context, uint64_t offset, uint32_t *word,
		      unsigned int wanted)
{
	struct ring_counts *counts = context;

	(void)offset;
	count(&counts->kicks);
	return (int)syscall(SYS_futex, word, FUTEX_WAKE,
			    wanted > INT32_MAX ? INT32_MAX : wanted, NULL, NULL,
			    0);
}

/* Nobody dies here without the whole benchmark doing so. */
static int nobody_has_ended(void *context, uint64_t id)
{
	(void)context;
	(void)id;
	return 0;
}

static const struct shmdev_ring_calls futex_calls = {
	.wait = futex_wait,
	.wake = futex_wake,
	.has_ended = nobody_has_ended,
};

int memory_ring_new(uint32_t kind, uint32_t flags, uint32_t readers)
{
	const struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = kind,
		.flags = flags,
		.data_bytes = FOOTPRINT,
		.readers = readers,
	};
	uint64_t bytes = 0;
	int fd = memfd_create("ring", MFD_CLOEXEC);
	int ret;

	if (fd < 0)
		err(1, "memfd_create");
	ret = shmdev_ring_bytes(&options, &bytes);
	if (!ret && ftruncate(fd, (off_t)bytes))
		ret = -errno;
	ret = ret ?: shmdev_ring_format(fd, 0, &options);
	if (ret)
		errx(1, "cannot make a ring: %s", strerror(-ret));
	return fd;
}

struct shmdev_ring *
memory_ring_attach_with(int fd, uint64_t id, enum shmdev_ring_role role,
			const struct shmdev_ring_calls *calls, void *context)
{
	const struct shmdev_ring_memory memory = {
		.size = sizeof(memory),
		.fd = fd,
		.id = id,
		.calls = calls,
		.context = context,
	};
	struct shmdev_ring *ring = NULL;
	int ret = shmdev_ring_attach_memory(&memory, role, &ring);

	/* As all memory here, see shared_memory(). */
	ret = ret ?: shmdev_ring_populate(ring);
	if (ret)
		errx(1, "cannot attach to a ring: %s", strerror(-ret));
	return ring;
}

struct shmdev_ring *memory_ring_attach(int fd, uint64_t id,
				       enum shmdev_ring_role role,
				       struct ring_counts *counts)
{
	return memory_ring_attach_with(fd, id, role, &futex_calls, counts);
}
