// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips between two processes that sleep until the other has answered, on
 * one processor.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/shmdev.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

/* Few, so that there is not a timer's interrupt in each batch. */
#define TIMES 20
#define PAGE 4096

/*
 * A way to send a byte's worth of news: to the other process, and to wait for
 * what it sends. Way 0 leads to the child, 1 to the parent.
 */
struct way {
	const char *name;
	void (*make)(void);
	/* In each process, which receives at @way. */
	void (*begin)(int way);
	void (*send)(int way);
	void (*receive)(int way);
};

static int fds[2][2];

static void make_events(void)
{
	for (int way = 0; way < 2; way++) {
		fds[way][0] = eventfd(0, EFD_CLOEXEC);
		fds[way][1] = fds[way][0];
		need(fds[way][0] >= 0, "eventfd");
	}
}

static void make_pipes(void)
{
	need(!pipe2(fds[0], O_CLOEXEC) && !pipe2(fds[1], O_CLOEXEC), "pipe2");
}

static void begin_nothing(int way)
{
	(void)way;
}

static void send_by_file(int way)
{
	const uint64_t one = 1;

	need(write(fds[way][1], &one, sizeof(one)) == sizeof(one), "write");
}

static void receive_by_file(int way)
{
	uint64_t one;

	need(read(fds[way][0], &one, sizeof(one)) == sizeof(one), "read");
}

/* A word for each way, which the sender counts up. */
static uint32_t *words;
static uint32_t seen[2];
static int words_fd;
static struct shmdev_segment *words_segment;

static uint32_t *word_of(int way)
{
	return way ? words + 16 : words;
}

static void make_words(void)
{
	void *memory;

	words_segment = segment_for(NULL, PAGE);
	ok(shmdev_segment_map(words_segment, 0, 0, PROT_READ | PROT_WRITE,
			      &memory), "map");
	words = memory;
	words_fd = shmdev_segment_fd(words_segment);
	seen[0] = 0;
	seen[1] = 0;
}

static void wake_word(int way)
{
	struct shmdev_wake arg = {
		.size = sizeof(arg),
		.offset = way ? 64 : 0,
		.count = SHMDEV_WAKE_ALL,
	};

	__atomic_add_fetch(word_of(way), 1, __ATOMIC_SEQ_CST);
	need(ioctl(words_fd, SHMDEV_IOC_WAKE, &arg) >= 0, "WAKE");
}

static void wait_word(int way)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.offset = way ? 64 : 0,
		.timeout = SHMDEV_WAIT_FOREVER,
		.expected = seen[way],
	};

	while (__atomic_load_n(word_of(way), __ATOMIC_ACQUIRE) == seen[way])
		need(!ioctl(words_fd, SHMDEV_IOC_WAIT, &arg) ||
		     errno == EAGAIN, "WAIT");
	seen[way]++;
}

static void wake_futex(int way)
{
	__atomic_add_fetch(word_of(way), 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word_of(way), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_futex(int way)
{
	while (__atomic_load_n(word_of(way), __ATOMIC_ACQUIRE) == seen[way])
		syscall(SYS_futex, word_of(way), FUTEX_WAIT, seen[way], NULL,
			NULL, 0);
	seen[way]++;
}

static const char *const ring_names[] = { "ring-0", "ring-1" };
static uint32_t ring_flags;
static struct shmdev_segment *ring_segments[2];
static struct shmdev_ring *rings[2];

static void make_rings(void)
{
	const struct shmdev_ring_options options = {
		.size = sizeof(options),
		.kind = SHMDEV_RING_IS_QUEUE,
		.flags = ring_flags,
		.data_bytes = RING_BYTES,
	};
	const struct shmdev_segment_options keep = {
		.size = sizeof(keep),
		.flags = SHMDEV_SEGMENT_KEEP,
	};
	struct shmdev_segment *segment;

	for (int way = 0; way < 2; way++) {
		shmdev_segment_remove(device, ring_names[way]);
		ok(shmdev_ring_create(device, ring_names[way], &keep, &options,
				      &segment), "ring");
		shmdev_segment_close(segment);
	}
}

static void make_clearing_rings(void)
{
	ring_flags = SHMDEV_RING_CLEARS;
	make_rings();
	ring_flags = 0;
}

static void begin_rings(int receives)
{
	for (int way = 0; way < 2; way++) {
		ok(shmdev_segment_open(device, ring_names[way], O_RDWR,
				       &ring_segments[way]), "OPEN");
		ok(shmdev_ring_attach(ring_segments[way], 0, way == receives ?
				      SHMDEV_RING_CONSUMER :
				      SHMDEV_RING_PRODUCER, &rings[way]),
		   "attach");
		shmdev_ring_set_spin(rings[way], 0);
	}
}

static void send_by_ring(int way)
{
	const uint64_t one = 1;

	ok(shmdev_ring_send(rings[way], &one, sizeof(one), NULL), "send");
}

static void receive_by_ring(int way)
{
	uint64_t one;
	long ret = shmdev_ring_receive(rings[way], &one, sizeof(one), NULL,
				       NULL);

	/* The other side may not have come yet. */
	while (ret == -EPIPE)
		ret = shmdev_ring_receive(rings[way], &one, sizeof(one), NULL,
					  NULL);
	ok(ret, "receive");
}

static const struct way ways[] = {
	{ "eventfd", make_events, begin_nothing, send_by_file,
		receive_by_file },
	{ "pipe", make_pipes, begin_nothing, send_by_file, receive_by_file },
	{ "futex", make_words, begin_nothing, wake_futex, wait_futex },
	{ "shmdev WAIT and WAKE", make_words, begin_nothing, wake_word,
		wait_word },
	{ "shmdev ring", make_rings, begin_rings, send_by_ring,
		receive_by_ring },
	{ "shmdev ring, CLEARS", make_clearing_rings, begin_rings, send_by_ring,
		receive_by_ring },
};

static _Noreturn void answer(const struct way *way)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	way->begin(0);
	for (;;) {
		way->receive(0);
		way->send(1);
	}
}

static void round_trips(void *data, unsigned int times)
{
	const struct way *way = data;

	while (times--) {
		way->send(0);
		way->receive(1);
	}
}

void run_pingpong(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct way way = ways[i];
		pid_t child;

		way.make();
		child = fork();
		need(child >= 0, "fork");
		if (!child)
			answer(&way);
		way.begin(1);
		measure_one("round trip", way.name, 8, TIMES, round_trips, &way,
			    0);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}
