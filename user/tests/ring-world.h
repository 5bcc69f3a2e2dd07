/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world without the driver for rings to be in: a memfd, futexes, and a page
 * where it is written who has ended. Or, with SEGMENT, the driver's. TAP.
 */
#ifndef RING_WORLD_H
#define RING_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/shmdev_ring.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shmdev-ring.h"

#define NOW SHMDEV_RING_NOW
#define PARTIES 4096

static unsigned int cases;
static bool failed;
static bool case_failed;

#define check(condition) \
	do { \
		if (!(condition)) { \
			printf("# line %d: does not hold: %s\n", __LINE__, \
			       #condition); \
			case_failed = true; \
		} \
	} while (0)

static void run(void (*test)(void), const char *name)
{
	case_failed = false;
	test();
	failed |= case_failed;
	if (case_failed)
		printf("not ");
	printf("ok %u - %s\n", ++cases, name);
	fflush(stdout);
}

#define RUN(test) run(test, #test)

/* Seen by all processes. */
struct world {
	uint64_t last_id;
	uint32_t ends;
	uint32_t producers;
	bool has_producers;
	bool has_ended[PARTIES];
	bool begun;
	uint64_t sleeps;
	uint64_t late;	/* sleeps that nobody ended for a second */
};

static struct world *world;

static inline void world_begin(void)
{
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world == MAP_FAILED)
		abort();
}

#ifdef SEGMENT
static const struct shmdev_ring_calls strict_calls, *calls_of_all
	__attribute__((unused)) = &strict_calls;
static struct shmdev_segment *segments[64];
static unsigned int segments_open;

/* The driver knows who has ended. */
static inline void party_ends(uint64_t id)
{
	(void)id;
}

static inline uint64_t new_party(void)
{
	return 0;
}

static int ring_new(const struct shmdev_ring_options *options)
{
	struct shmdev_device *device = NULL;
	struct shmdev_segment *segment = NULL;
	int fd;

	check(shmdev_device_open(NULL, O_RDWR, &device) == 0);
	check(shmdev_ring_create(device, NULL, NULL, options, &segment) == 0);
	fd = fcntl(shmdev_segment_fd(segment), F_DUPFD_CLOEXEC, 0);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return fd;
}

/* Each party has the segment open for itself, until the world is reset. */
static int attach_opened(int fd, int flags, enum shmdev_ring_role role,
			 struct shmdev_ring **ring)
{
	struct shmdev_segment *segment = NULL;
	char path[64];

	*ring = NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check(shmdev_segment_from_fd(open(path, flags | O_CLOEXEC),
				     &segment) == 0);
	if (segments_open == sizeof(segments) / sizeof(*segments))
		abort();
	segments[segments_open++] = segment;
	return shmdev_ring_attach(segment, 0, role, ring);
}

/* Who consumes writes nothing but what it claims, where that is possible. */
static int attach_as(int fd, uint64_t id, enum shmdev_ring_role role,
		     struct shmdev_ring **ring)
{
	int ret = -EACCES;

	(void)id;
	if (role == SHMDEV_RING_CONSUMER)
		ret = attach_opened(fd, O_RDONLY, role, ring);
	return ret == -EACCES ? attach_opened(fd, O_RDWR, role, ring) : ret;
}

static inline void world_reset(void)
{
	while (segments_open)
		shmdev_segment_close(segments[--segments_open]);
}

/* Runnable, or asleep in the kernel: as /proc has it. */
static inline void wait_until_asleep(pid_t pid, uint64_t sleeps)
{
	char path[64], stat[512], *state;
	unsigned int times = 0;
	FILE *file;

	(void)sleeps;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (times < 5) {
		usleep(2000);
		file = fopen(path, "r");
		if (!file || !fgets(stat, sizeof(stat), file))
			abort();
		fclose(file);
		state = strrchr(stat, ')');
		times = state && state[2] == 'S' ? times + 1 : 0;
	}
}
#else
/* Nothing here wakes who waits for one that dies: they look every now and then. */
static int world_wait(void *context, uint64_t offset, const uint32_t *word,
		      uint32_t expected, uint32_t ends,
		      const struct timespec *deadline)
{
	struct timespec soon;

	(void)context;
	(void)offset;
	if (__atomic_load_n(&world->ends, __ATOMIC_SEQ_CST) != ends)
		return -EAGAIN;
	__atomic_add_fetch(&world->sleeps, 1, __ATOMIC_RELAXED);
	clock_gettime(CLOCK_MONOTONIC, &soon);
	if (deadline && (soon.tv_sec > deadline->tv_sec ||
			 (soon.tv_sec == deadline->tv_sec &&
			  soon.tv_nsec >= deadline->tv_nsec)))
		return -ETIMEDOUT;
	soon = (struct timespec){ .tv_nsec = 20000000 };
	if (syscall(SYS_futex, word, FUTEX_WAIT, expected, &soon, NULL, 0) &&
	    errno != ETIMEDOUT)
		return -errno;
	return 0;
}

static int world_wake(void *context, uint64_t offset, uint32_t *word,
		      unsigned int count)
{
	(void)context;
	(void)offset;
	return (int)syscall(SYS_futex, word, FUTEX_WAKE,
			    count > INT32_MAX ? INT32_MAX : count, NULL, NULL,
			    0);
}

static int world_ends(void *context, uint32_t *ends)
{
	(void)context;
	*ends = __atomic_load_n(&world->ends, __ATOMIC_SEQ_CST);
	return 0;
}

static int world_has_ended(void *context, uint64_t id)
{
	(void)context;
	return id == 0 || id >= PARTIES ||
	       __atomic_load_n(&world->has_ended[id], __ATOMIC_SEQ_CST);
}

static int world_producers(void *context)
{
	(void)context;
	return world->has_producers ? (int)world->producers : 1;
}

static const struct shmdev_ring_calls world_calls = {
	.wait = world_wait,
	.wake = world_wake,
	.ends = world_ends,
	.has_ended = world_has_ended,
	.producers = world_producers,
};

/* Sleeps until woken, and counts it if that takes too long to be on purpose. */
static int strict_wait(void *context, uint64_t offset, const uint32_t *word,
		       uint32_t expected, uint32_t ends,
		       const struct timespec *deadline)
{
	struct timespec late = { };

	(void)context;
	(void)offset;
	(void)ends;
	__atomic_add_fetch(&world->sleeps, 1, __ATOMIC_RELAXED);
	if (!deadline)
		clock_gettime(CLOCK_MONOTONIC, &late);
	late.tv_sec++;
	if (!syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
		     deadline ?: &late, NULL, FUTEX_BITSET_MATCH_ANY))
		return 0;
	if (errno != ETIMEDOUT || deadline)
		return -errno;
	__atomic_add_fetch(&world->late, 1, __ATOMIC_RELAXED);
	return 0;
}

static const struct shmdev_ring_calls strict_calls __attribute__((unused)) = {
	.wait = strict_wait,
	.wake = world_wake,
	.has_ended = world_has_ended,
};

static void party_ends(uint64_t id)
{
	__atomic_store_n(&world->has_ended[id], true, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&world->ends, 1, __ATOMIC_SEQ_CST);
}

/* As if its process had been killed. The object stays, as memory of the dead. */
static inline void abandon(struct shmdev_ring *ring, uint64_t id)
{
	static struct shmdev_ring *abandoned[PARTIES]
		__attribute__((used));

	abandoned[id] = ring;
	party_ends(id);
}

static uint64_t new_party(void)
{
	uint64_t id = __atomic_add_fetch(&world->last_id, 1, __ATOMIC_SEQ_CST);

	if (id >= PARTIES)
		abort();
	return id;
}

/* A memfd with a ring. */
static inline int ring_new(const struct shmdev_ring_options *options)
{
	uint64_t bytes = 0;
	int fd = memfd_create("ring", MFD_CLOEXEC);

	check(shmdev_ring_bytes(options, &bytes) == 0);
	check(ftruncate(fd, bytes) == 0);
	check(shmdev_ring_format(fd, 0, options) == 0);
	return fd;
}

static const struct shmdev_ring_calls *calls_of_all = &world_calls;

static int attach_as(int fd, uint64_t id, enum shmdev_ring_role role,
		     struct shmdev_ring **ring)
{
	struct shmdev_ring_memory memory = {
		.size = sizeof(memory),
		.fd = fd,
		.id = id,
		.calls = calls_of_all,
	};

	*ring = NULL;
	return shmdev_ring_attach_memory(&memory, role, ring);
}

static inline void world_reset(void)
{
	memset(world->has_ended, 0, sizeof(world->has_ended));
	world->last_id = 0;
}

static inline void wait_until_asleep(pid_t pid, uint64_t sleeps)
{
	(void)pid;
	while (__atomic_load_n(&world->sleeps, __ATOMIC_RELAXED) == sleeps)
		usleep(100);
}
#endif

static inline struct shmdev_ring *attach(int fd, enum shmdev_ring_role role)
{
	struct shmdev_ring *ring;

	check(attach_as(fd, new_party(), role, &ring) == 0);
	return ring;
}

static inline struct timespec in_ms(unsigned int ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += ms / 1000;
	time.tv_nsec += ms % 1000 * 1000000L;
	if (time.tv_nsec >= 1000000000L) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000L;
	}
	return time;
}

/* A record that tells whether it is whole: its number, then what follows of it. */
static inline void pattern_write(void *record, size_t bytes, uint64_t number)
{
	unsigned char *to = record;
	uint64_t state = number * 0x9e3779b97f4a7c15ULL + bytes;

	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t word = i ? state : number;
		size_t rest = bytes - i < 8 ? bytes - i : 8;

		memcpy(to + i, &word, rest);
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	}
}

static inline bool pattern_holds(const void *record, size_t bytes,
				 uint64_t *number)
{
	const unsigned char *from = record;
	uint64_t state, word = 0;

	*number = 0;
	if (bytes < 8)
		return false;
	memcpy(number, from, 8);
	state = *number * 0x9e3779b97f4a7c15ULL + bytes;
	for (size_t i = 0; i < bytes; i += 8) {
		size_t rest = bytes - i < 8 ? bytes - i : 8;

		word = i ? state : *number;
		if (memcmp(from + i, &word, rest))
			return false;
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	}
	return true;
}

#endif /* RING_WORLD_H */
