// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a system call of the driver costs beyond one that does nothing: an ioctl()
 * of a driver that returns 0 at once.
 *
 * Where it goes, by single steps on Linux 6.1. Each command: 270, to find it in the
 * table, to read its struct (150), and to clear the place for that, which is as large
 * as the largest and which a kernel that initializes its stack would clear anyway
 * (40). Then
 *
 *	KICK	the endpoint's lock and call 70, may it 20, the event 9
 *	WAIT	the page of the word 130, into the queue 110, out of it 100, the
 *		clock and the word 130
 *	WAKE	two empty queues 50, the offset 27
 *	LOOK	the way back 120, a third of it to ask whether the stack may be read
 *	INFO	the way in and back 240, what is told 260
 *
 * and poll() is the 33 of the driver's own, and else the kernel's.
 */
#include <fcntl.h>
#include <linux/shmdev.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"

#define TIMES 50

static int of_nothing, of_null, of_segment, of_hello, of_ring, of_event;

static void getppid_times(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		syscall(SYS_getppid);
}

static void ioctl_of_nothing(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		ioctl(of_nothing, SHMDEV_IOC_KICK, 0);
}

static void ioctl_of_null(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		ioctl(of_null, SHMDEV_IOC_KICK, 0);
}

static void kick(int fd, struct shmdev_kick *arg, unsigned int times)
{
	while (times--)
		need(!ioctl(fd, SHMDEV_IOC_KICK, arg), "KICK");
}

static void kick_ring(void *data, unsigned int times)
{
	(void)data;
	kick(of_ring, NULL, times);
}

static void kick_ring_with_argument(void *data, unsigned int times)
{
	struct shmdev_kick arg = { .size = sizeof(arg) };

	(void)data;
	kick(of_ring, &arg, times);
}

static void kick_hello(void *data, unsigned int times)
{
	(void)data;
	kick(of_hello, NULL, times);
}

static void wait_awake(void *data, unsigned int times)
{
	struct shmdev_wait arg = {
		.size = sizeof(arg),
		.timeout = SHMDEV_WAIT_FOREVER,
		.expected = 1,
	};

	(void)data;
	while (times--)
		need(ioctl(of_segment, SHMDEV_IOC_WAIT, &arg) &&
		     errno == EAGAIN, "WAIT");
}

static void wake_nobody(void *data, unsigned int times)
{
	struct shmdev_wake arg = {
		.size = sizeof(arg),
		.count = SHMDEV_WAKE_ALL,
	};

	(void)data;
	while (times--)
		need(!ioctl(of_segment, SHMDEV_IOC_WAKE, &arg), "WAKE");
}

static void info(void *data, unsigned int times)
{
	struct shmdev_info arg;

	(void)data;
	while (times--) {
		arg.size = sizeof(arg);
		arg.flags = 0;
		need(!ioctl(of_segment, SHMDEV_IOC_INFO, &arg), "INFO");
	}
}

static void look(void *data, unsigned int times)
{
	struct shmdev_look arg = { .size = sizeof(arg) };

	(void)data;
	while (times--)
		need(!ioctl(of_segment, SHMDEV_IOC_LOOK, &arg), "LOOK");
}

static void count_peers(void *data, unsigned int times)
{
	struct shmdev_peers arg = {
		.size = sizeof(arg),
		.entry_size = sizeof(struct shmdev_peer),
	};

	(void)data;
	while (times--) {
		arg.count = 0;
		need(!ioctl(of_segment, SHMDEV_IOC_PEERS, &arg), "PEERS");
	}
}

static void poll_fd(int fd, unsigned int times)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	while (times--)
		need(!poll(&wanted, 1, 0), "poll");
}

static void poll_segment(void *data, unsigned int times)
{
	(void)data;
	poll_fd(of_segment, times);
}

static void poll_event(void *data, unsigned int times)
{
	(void)data;
	poll_fd(of_event, times);
}

static void write_event(void *data, unsigned int times)
{
	const uint64_t one = 1;

	(void)data;
	while (times--)
		need(write(of_event, &one, sizeof(one)) == sizeof(one),
		     "write to an eventfd");
}

struct call {
	const char *what;
	void (*run)(void *data, unsigned int times);
};

static const struct call calls[] = {
	{ "KICK, endpoint does nothing", kick_ring },
	{ "KICK, the same with an argument", kick_ring_with_argument },
	{ "KICK, endpoint hello", kick_hello },
	{ "WAIT, no reason to", wait_awake },
	{ "WAKE, nobody waits", wake_nobody },
	{ "LOOK", look },
	{ "INFO", info },
	{ "PEERS, count", count_peers },
	{ "poll, segment", poll_segment },
	{ "poll, eventfd", poll_event },
	{ "write, eventfd", write_event },
};

void run_calls(void)
{
	struct shmdev_segment *plain = segment_for(NULL, RING_BYTES);
	struct shmdev_segment *hello = segment_for("hello", RING_BYTES);
	struct shmdev_segment *ring =
		segment_with_ring(SHMDEV_RING_IS_QUEUE, 1, false);
	double null;

	of_nothing = open("/dev/shmdev_bench_peers", O_RDWR | O_CLOEXEC);
	of_null = open("/dev/null", O_RDWR | O_CLOEXEC);
	of_event = eventfd(0, EFD_CLOEXEC);
	need(of_nothing >= 0 && of_null >= 0 && of_event >= 0, "open");
	of_segment = shmdev_segment_fd(plain);
	of_hello = shmdev_segment_fd(hello);
	of_ring = shmdev_segment_fd(ring);

	measure_one("call", "getppid", 0, TIMES, getppid_times, NULL, 0);
	null = measure_one("call", "null ioctl", 0, TIMES, ioctl_of_nothing,
			   NULL, 0);
	measure_one("call", "ioctl of /dev/null", 0, TIMES, ioctl_of_null, NULL,
		    0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		measure_one("over a null ioctl", calls[i].what, 0, TIMES,
			    calls[i].run, NULL, null);
	close(of_event);
	close(of_null);
	close(of_nothing);
	shmdev_segment_close(ring);
	shmdev_segment_close(hello);
	shmdev_segment_close(plain);
}
