// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways without shared memory, or of which a reader sees no more than bytes: a
 * plain device whose read() hands out records, a pipe, a relay channel.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../driver/samples/bench.h"
#include "machine.h"

#define PEERS "/dev/shmdev_bench_peers"
#define RELAY "/sys/kernel/debug/shmdev_bench0"
/* A pipe holds 64 KiB. */
#define TIMES 6

struct file {
	int from;
	int to;
	struct shmdev_segment *relay;
	size_t bytes;
	char record[BENCH_RELAY_PART];
};

static void read_each(void *data, unsigned int times)
{
	struct file *file = data;

	while (times--)
		need(read(file->from, file->record, file->bytes) ==
		     (ssize_t)file->bytes, "read");
}

static void write_each(void *data, unsigned int times)
{
	struct file *file = data;

	while (times--)
		need(write(file->to, file->record, file->bytes) ==
		     (ssize_t)file->bytes, "write");
}

static void relay_write(void *data, unsigned int times)
{
	struct file *file = data;

	ok(shmdev_segment_kick(file->relay, BENCH_ARGUMENT(BENCH_RELAY, times,
							   file->bytes)),
	   "KICK");
}

/* All at once; a record that does not fit begins a new part of the channel. */
static void relay_read(void *data, unsigned int times)
{
	struct file *file = data;
	size_t left = times * file->bytes;
	ssize_t ret;

	while (left) {
		ret = read(file->from, file->record, left < sizeof(file->record) ?
			   left : sizeof(file->record));
		need(ret > 0, "read of a relay channel");
		left -= ret;
	}
}

static void of_device(struct file *file)
{
	file->from = open(PEERS, O_RDWR | O_CLOEXEC);
	file->to = file->from;
	need(file->from >= 0, PEERS);
	for (size_t i = 0; i < LENGTHS; i++) {
		file->bytes = lengths[i];
		measure_one("kernel-to-user", "read() of a device", file->bytes,
			    TIMES, read_each, file, 0);
		measure_one("user-to-kernel", "write() to a device",
			    file->bytes, TIMES, write_each, file, 0);
	}
	close(file->from);
}

static void of_pipe(struct file *file)
{
	static const struct step steps[] = {
		{ "user-produces", write_each },
		{ "user-consumes", read_each },
	};
	int ends[2];

	need(!pipe2(ends, O_CLOEXEC), "pipe2");
	file->from = ends[0];
	file->to = ends[1];
	for (size_t i = 0; i < LENGTHS; i++) {
		file->bytes = lengths[i];
		measure("pipe", file->bytes, TIMES, steps, 2, file);
	}
	close(ends[0]);
	close(ends[1]);
}

static void of_relay(struct file *file)
{
	static const struct step steps[] = {
		{ "kernel-produces", relay_write },
		{ "user-consumes", relay_read },
	};

	file->from = open(RELAY, O_RDONLY | O_CLOEXEC);
	need(file->from >= 0, RELAY);
	file->relay = segment_for("bench-relay", sysconf(_SC_PAGESIZE));
	for (size_t i = 0; i < LENGTHS; i++) {
		file->bytes = lengths[i];
		measure("relay", file->bytes, TIMES, steps, 2, file);
	}
	shmdev_segment_close(file->relay);
	close(file->from);
}

void run_device(void)
{
	static struct file file;

	of_device(&file);
	of_pipe(&file);
	of_relay(&file);
}
