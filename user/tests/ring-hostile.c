// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer that writes what it likes to all words that it can, at full speed, and
 * a ring that begins with garbage: the library returns, with an error or with
 * a record inside of the ring, and touches nothing else. TAP.
 */
#include "ring-world.h"

#define PAGE 4096UL
#define SECONDS 2

static unsigned int seed;
/* What is read has to go somewhere. */
unsigned int sum;

static uint64_t any(void)
{
	static const uint64_t edges[] = { 0, 1, 7, 8, 16, PAGE - 8, PAGE,
		PAGE + 8, 1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL, ~7ULL };
	uint64_t value = (uint64_t)rand_r(&seed) << 33 ^
			 (uint64_t)rand_r(&seed) << 11 ^ rand_r(&seed);

	switch (rand_r(&seed) % 4) {
	case 0:
		return edges[(unsigned int)rand_r(&seed) %
			     (sizeof(edges) / sizeof(*edges))];
	case 1:
		return value & 0xfff8;
	default:
		return value;
	}
}

static uint64_t last_of(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - since->tv_sec;
}

/* Everything behind the header, in the order that does most harm: any. */
static void be_hostile(uint64_t *words, size_t count)
{
	for (;;) {
		size_t at = any() % count;

		/* Most are in the words that say where things are. */
		if (rand_r(&seed) % 2)
			at = any() % (count < 3 * PAGE / 8 ? count : 3 * PAGE / 8);
		__atomic_store_n(&words[at], any(), __ATOMIC_RELAXED);
	}
}

static void use_ring(struct shmdev_ring *ring, enum shmdev_ring_role role)
{
	struct shmdev_ring_record record;
	struct timespec soon = in_ms(1);
	static char bytes[PAGE];
	void *rooms[8];
	ssize_t ret;

	if (role == SHMDEV_RING_PRODUCER) {
		size_t size = 1 + (unsigned int)rand_r(&seed) % 2000;

		ret = shmdev_ring_send(ring, bytes, size, &soon);
		check(ret == 0 || ret == -EBADMSG || ret == -ETIMEDOUT);
		ret = shmdev_ring_reserve_many(ring, size, 8, NOW, rooms);
		check(ret <= 8);
		for (int i = 0; i < ret; i++)
			memset(rooms[i], i, size);
		if (ret > 0)
			shmdev_ring_commit_many(ring, ret);
		return;
	}
	ret = shmdev_ring_receive(ring, bytes, sizeof(bytes), &soon, &record);
	check(ret > 0 || ret == -EBADMSG || ret == -ETIMEDOUT ||
	      ret == -EMSGSIZE);
	ret = shmdev_ring_peek(ring, NOW, &record);
	if (!ret)
		for (size_t i = 0; i < record.bytes; i++)
			sum += ((const unsigned char *)record.data)[i];
	shmdev_ring_release(ring);
	if (rand_r(&seed) % 2) {
		shmdev_ring_seek_oldest(ring);
		shmdev_ring_seek(ring, any());
	}
}

static struct shmdev_ring_options options;
static enum shmdev_ring_role role;

static void nothing_worse_happens(void)
{
	int fd = ring_new(&options);
	struct timespec begun;
	uint64_t bytes = 0;
	char *all;
	pid_t pid;

	shmdev_ring_bytes(&options, &bytes);
	all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fflush(stdout);
	pid = fork();
	if (!pid)
		be_hostile((uint64_t *)(all + PAGE), (bytes - PAGE) / 8);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (last_of(&begun) < SECONDS && !case_failed) {
		struct shmdev_ring *ring;
		uint64_t id = 1 + (unsigned int)rand_r(&seed) % (PARTIES - 1);
		int ret = attach_as(fd, id, role, &ring);

		check(ret == 0 || ret == -EBUSY || ret == -EBADMSG);
		if (ret)
			continue;
		for (int i = 0; i < 20; i++)
			use_ring(ring, role);
		shmdev_ring_detach(ring);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap(all, bytes);
	close(fd);
}

int main(void)
{
	world_begin();
	/* Whoever is named as owner may be alive, or not. */
	for (int i = 0; i < PARTIES; i += 2)
		world->has_ended[i] = true;
	for (int i = 0; i < 8; i++) {
		static const uint32_t flags[] = {
			0, SHMDEV_RING_MANY | SHMDEV_RING_CLEARS, 0,
			SHMDEV_RING_MANY | SHMDEV_RING_ASYMMETRIC,
		};
		static const char *const names[] = {
			"queue", "queue of many, cleared", "stream",
			"asymmetric queue of many",
		};
		bool is_stream = i / 2 == 2;
		char name[64];

		role = i % 2 ? SHMDEV_RING_CONSUMER : SHMDEV_RING_PRODUCER;
		options = (struct shmdev_ring_options){
			.size = sizeof(options),
			.kind = is_stream ? SHMDEV_RING_IS_STREAM :
					    SHMDEV_RING_IS_QUEUE,
			.flags = flags[i / 2],
			.data_bytes = PAGE,
		};
		snprintf(name, sizeof(name), "%s, %s", names[i / 2],
			 i % 2 ? "consumer" : "producer");
		run(nothing_worse_happens, name);
	}
	printf("1..%u\n", cases);
	return failed;
}
