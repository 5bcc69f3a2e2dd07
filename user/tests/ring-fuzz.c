// SPDX-License-Identifier: GPL-2.0-only
/*
 * A target for libFuzzer: rings whose memory is what the fuzzer likes, whose
 * surroundings answer as it likes, and which another party changes between any
 * two calls. Whatever a call returns, it has touched the ring only: what it hands
 * out lies in the data.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

#define PAGE 4096UL
#define PAGES 8

struct input {
	const uint8_t *at;
	size_t rest;
};

static struct input input;

static uint8_t byte(void)
{
	if (!input.rest)
		return 0;
	input.rest--;
	return *input.at++;
}

/* A number of any size, small ones more often. */
static uint64_t number(void)
{
	uint64_t value = 0;

	for (unsigned int bytes = byte() % 9; bytes; bytes--)
		value = value << 8 | byte();
	return value;
}

static int fuzz_wait(void *context, uint64_t offset, const uint32_t *word,
		     uint32_t expected, uint32_t ends,
		     const struct timespec *deadline)
{
	static const int answers[] = { -ETIMEDOUT, -EINTR, -ETIMEDOUT, -EAGAIN };

	(void)context;
	(void)offset;
	(void)word;
	(void)expected;
	(void)ends;
	(void)deadline;
	/* Without more input there is nobody to wait for. */
	return input.rest ? answers[byte() % 4] : -ETIMEDOUT;
}

static int fuzz_wake(void *context, uint64_t offset, uint32_t *word,
		     unsigned int count)
{
	(void)context;
	(void)word;
	(void)count;
	if (offset >= PAGES * PAGE)
		abort();
	return 0;
}

static int fuzz_ends(void *context, uint32_t *ends)
{
	(void)context;
	*ends = byte();
	return 0;
}

/* Who is not alive can be taken over from, so in the end all are dead. */
static int fuzz_has_ended(void *context, uint64_t id)
{
	(void)context;
	(void)id;
	return !input.rest || byte() % 2;
}

static const struct shmdev_ring_calls calls = {
	.wait = fuzz_wait,
	.wake = fuzz_wake,
	.ends = fuzz_ends,
	.has_ended = fuzz_has_ended,
};

static void check_inside(const struct shmdev_ring *ring, const void *at,
			 size_t bytes)
{
	const unsigned char *from = at;

	if (from < ring->data || bytes > ring->data_bytes ||
	    from + bytes > ring->data + 2 * ring->data_bytes)
		abort();
}

/* What another party does, mostly to the words that say where things are. */
static void change(char *memory)
{
	uint64_t value = number(), at = number();

	switch (byte() % 4) {
	case 0:
		at = at % (PAGES * PAGE) & -8ULL;
		break;
	case 1:
		/* The first records. */
		at = 3 * PAGE + (at & 0x10f8);
		break;
	default:
		at = PAGE + (at & 0x10f8);
	}
	memcpy(memory + at, &value, sizeof(value));
}

static void act(struct shmdev_ring *ring, char *memory)
{
	static char buffer[4 * PAGE];
	struct timespec deadline = { .tv_sec = 1 };
	struct shmdev_ring_record record, records[8];
	void *room, *rooms[8];
	size_t bytes;
	int found;

	switch (byte() % 18) {
	case 0:
		bytes = number() % (4 * PAGE);
		if (!shmdev_ring_reserve(ring, bytes, &deadline, &room)) {
			check_inside(ring, room, bytes);
			memset(room, byte(), bytes);
		}
		break;
	case 1:
		shmdev_ring_commit(ring);
		break;
	case 2:
		shmdev_ring_commit_later(ring);
		break;
	case 3:
		shmdev_ring_discard(ring);
		break;
	case 4:
		shmdev_ring_send(ring, buffer, 1 + byte(), SHMDEV_RING_NOW);
		break;
	case 5:
		if (!shmdev_ring_peek(ring, &deadline, &record))
			check_inside(ring, record.data, record.bytes);
		break;
	case 6:
		shmdev_ring_release(ring);
		break;
	case 7:
		shmdev_ring_receive(ring, buffer, byte() % 2 ? sizeof(buffer) :
				    byte(), SHMDEV_RING_NOW, &record);
		break;
	case 8:
		shmdev_ring_seek(ring, number());
		break;
	case 9:
		shmdev_ring_seek_oldest(ring);
		break;
	case 10:
		shmdev_ring_seek_now(ring);
		break;
	case 11:
		shmdev_ring_throttle(ring, byte(), byte(), byte());
		break;
	case 12:
		shmdev_ring_flush(ring);
		break;
	case 13:
		found = shmdev_ring_peek_many(ring, records, byte() % 8,
					      &deadline);
		for (int i = 0; i < found; i++)
			check_inside(ring, records[i].data, records[i].bytes);
		break;
	case 14:
		bytes = number() % (4 * PAGE);
		found = shmdev_ring_reserve_many(ring, bytes, byte() % 8,
						 &deadline, rooms);
		for (int i = 0; i < found; i++) {
			check_inside(ring, rooms[i], bytes);
			memset(rooms[i], byte(), bytes);
		}
		break;
	case 15:
		shmdev_ring_commit_many(ring, byte() % 8);
		break;
	default:
		change(memory);
	}
}

/* A header that is right, but for what the fuzzer changes of it then. */
static void make_ring(char *memory)
{
	struct shmdev_ring_header *header = (void *)memory;
	uint8_t kind = byte();

	memset(memory, 0, PAGES * PAGE);
	*header = (struct shmdev_ring_header){
		.magic = SHMDEV_RING_MAGIC,
		.version = SHMDEV_RING_VERSION,
		.kind = kind % 2 ? SHMDEV_RING_QUEUE : SHMDEV_RING_STREAM,
		.flags = kind >> 1 & SHMDEV_RING_F_ALL,
		.page_bytes = PAGE,
		.cursors = 1 + (kind >> 3) % 2,
		.data_bytes = PAGE << (kind >> 4) % 2,
	};
	for (uint8_t changes = byte() % 8; changes; changes--)
		change(memory);
	if (byte() % 8 == 0)
		memory[byte() % sizeof(*header)] = (char)byte();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *memory;
	static int fd;
	struct shmdev_ring_memory where = {
		.size = sizeof(where),
		.id = 1,
		.calls = &calls,
	};
	struct shmdev_ring *rings[2] = { };

	if (!memory) {
		fd = memfd_create("ring", MFD_CLOEXEC);
		if (ftruncate(fd, PAGES * PAGE))
			abort();
		memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
		if (memory == MAP_FAILED)
			abort();
	}
	input = (struct input){ data, size };
	make_ring(memory);
	where.fd = fd;
	for (unsigned int i = 0; i < 2; i++) {
		where.id = 1 + byte();
		if (shmdev_ring_attach_memory(&where, byte() % 3, &rings[i]))
			rings[i] = NULL;
	}
	while (input.rest) {
		if (rings[byte() % 2])
			act(rings[input.rest % 2] ?: rings[0] ?: rings[1],
			    memory);
		else
			change(memory);
	}
	shmdev_ring_detach(rings[0]);
	shmdev_ring_detach(rings[1]);
	return 0;
}
