// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments against other shared memory: to make, map and give back one; what that
 * costs with many; who has one mapped by many; read() and write().
 */
#include <fcntl.h>
#include <linux/shmdev.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define TIMES 10
#define PAGE 4096UL
#define MIB (1024 * 1024UL)
#define MANY 10000
#define MAPPERS 1000

static size_t bytes;

static int create_with(const char *name, uint32_t flags)
{
	struct shmdev_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.mode = 0600,
	};
	int fd;

	if (name)
		snprintf(arg.name, sizeof(arg.name), "%s", name);
	fd = ioctl(shmdev_device_fd(device), SHMDEV_IOC_CREATE, &arg);
	need(fd >= 0, "CREATE");
	return fd;
}

static int create(const char *name)
{
	return create_with(name, 0);
}

static char *map(int fd)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0);

	need(memory != MAP_FAILED, "mmap");
	return memory;
}

static void use(int fd)
{
	char *memory = map(fd);

	poke(memory, 1);
	munmap(memory, bytes);
	close(fd);
}

static void life_of_segment(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		use(create(NULL));
}

/* Whose memory is not there before it is touched, as that of the others. */
static void life_of_lazy_segment(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		use(create_with(NULL, SHMDEV_CREATE_F_LAZY));
}

static void life_of_named_segment(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		use(create("bench"));
}

static void life_of_memfd(void *data, unsigned int times)
{
	(void)data;
	while (times--) {
		int fd = memfd_create("bench", MFD_CLOEXEC);

		need(fd >= 0 && !ftruncate(fd, bytes), "memfd");
		use(fd);
	}
}

/* Whose memory is there when it was made, as that of a segment. */
static void life_of_full_memfd(void *data, unsigned int times)
{
	(void)data;
	while (times--) {
		int fd = memfd_create("bench", MFD_CLOEXEC);

		need(fd >= 0 && !fallocate(fd, 0, 0, bytes), "memfd");
		use(fd);
	}
}

static void life_of_sysv(void *data, unsigned int times)
{
	(void)data;
	while (times--) {
		int id = shmget(IPC_PRIVATE, bytes, 0600);
		char *memory = shmat(id, NULL, 0);

		need(id >= 0 && (intptr_t)memory != -1, "shmget, shmat");
		poke(memory, 1);
		need(!shmctl(id, IPC_RMID, NULL) && !shmdt(memory), "shmctl");
	}
}

static void lives(void)
{
	static const size_t sizes[] = { PAGE, MIB };
	static const struct {
		const char *who;
		void (*run)(void *data, unsigned int times);
	} kinds[] = {
		{ "shmdev", life_of_segment },
		{ "shmdev, named", life_of_named_segment },
		{ "shmdev, lazy", life_of_lazy_segment },
		{ "memfd", life_of_memfd },
		{ "memfd, allocated", life_of_full_memfd },
		{ "SysV shm", life_of_sysv },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		bytes = sizes[i];
		for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			measure_one("make, map, touch, give back",
				    kinds[kind].who, bytes, TIMES,
				    kinds[kind].run, NULL, 0);
	}
}

static void list_all(void *data, unsigned int times)
{
	static struct shmdev_info entries[64];
	struct shmdev_list arg = {
		.size = sizeof(arg),
		.entries = (uintptr_t)entries,
		.entry_size = sizeof(*entries),
	};

	(void)data;
	while (times--) {
		arg.after = 0;
		do {
			arg.count = ARRAY_SIZE(entries);
			need(!ioctl(shmdev_device_fd(device), SHMDEV_IOC_LIST,
				    &arg), "LIST");
		} while (arg.count);
	}
}

/* The cheapest of some: allocators look for more memory now and then. */
static void report_creation(int *fds, unsigned int count, unsigned int next)
{
	uint64_t best = UINT64_MAX, begin, one;
	char name[32];

	for (; count < next; count++) {
		snprintf(name, sizeof(name), "bench-%u", count);
		begin = now();
		fds[count] = create(name);
		one = now() - begin;
		if (count + 100 >= next && one < best)
			best = one;
	}
	snprintf(name, sizeof(name), "shmdev, as number %u", next);
	report("CREATE", name, bytes, unit, best, 0);
	if (next <= 1000) {
		snprintf(name, sizeof(name), "LIST of %u", next);
		measure_one("each of", name, 0, 1, list_all, NULL, 0);
	}
}

static void many(void)
{
	const struct rlimit limit = { MANY + 100, MANY + 100 };
	static int fds[MANY];
	unsigned int count = 0;

	need(!setrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
	bytes = PAGE;
	for (unsigned int next = 100; next <= MANY; next *= 10) {
		report_creation(fds, count, next);
		count = next;
	}
	while (count)
		close(fds[--count]);
}

static int mapped_fd;
static struct shmdev_mapping rows[MAPPERS];

static unsigned int get_rows(void)
{
	struct shmdev_mappings arg = {
		.size = sizeof(arg),
		.entries = (uintptr_t)rows,
		.entry_size = sizeof(*rows),
		.count = MAPPERS,
	};

	need(!ioctl(mapped_fd, SHMDEV_IOC_MAPPINGS, &arg), "MAPPINGS");
	return arg.count;
}

static void mappings(void *data, unsigned int times)
{
	(void)data;
	while (times--)
		need(get_rows(), "rows");
}

static void wait_for_signal(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void report_rows(const char *by, unsigned int count)
{
	char name[40];

	need(get_rows() == count, "rows of MAPPINGS");
	snprintf(name, sizeof(name), "shmdev, %u by %s", count, by);
	measure_one("MAPPINGS", name, 0, 2, mappings, NULL, 0);
}

static void mappers(void)
{
	static pid_t children[MAPPERS];
	static char *memory[MAPPERS];
	unsigned int count = 0;

	bytes = PAGE;
	mapped_fd = create(NULL);
	for (unsigned int next = 10; next <= MAPPERS; next *= 10) {
		for (; count < next; count++)
			memory[count] = map(mapped_fd);
		report_rows("one process", count);
	}
	while (--count)
		munmap(memory[count], bytes);
	/* Each child has the one that is left. */
	for (unsigned int next = 10; next <= MAPPERS; next *= 10) {
		for (; count < next - 1; count++) {
			children[count] = fork();
			need(children[count] >= 0, "fork");
			if (!children[count])
				wait_for_signal();
		}
		report_rows("as many processes", count + 1);
	}
	while (count--)
		kill(children[count], SIGKILL);
	while (wait(NULL) > 0)
		;
	munmap(memory[0], bytes);
	close(mapped_fd);
}

static char *buffer;

static void read_file(void *data, unsigned int times)
{
	const int *fd = data;

	while (times--)
		need(pread(*fd, buffer, bytes, 0) == (ssize_t)bytes, "pread");
}

static void write_file(void *data, unsigned int times)
{
	const int *fd = data;

	while (times--)
		need(pwrite(*fd, buffer, bytes, 0) == (ssize_t)bytes, "pwrite");
}

static void read_and_write(void)
{
	int segment, file;

	buffer = calloc(1, MIB);
	need(buffer, "calloc");
	bytes = MIB;
	segment = create(NULL);
	file = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	need(file >= 0 && !ftruncate(file, bytes), "/dev/shm");
	/* What was never written is read from elsewhere. */
	for (bytes = MIB; bytes >= PAGE; bytes /= 16) {
		measure_one("write()", "shmdev", bytes, TIMES, write_file,
			    &segment, 0);
		measure_one("write()", "tmpfs", bytes, TIMES, write_file, &file,
			    0);
		measure_one("read()", "shmdev", bytes, TIMES, read_file,
			    &segment, 0);
		measure_one("read()", "tmpfs", bytes, TIMES, read_file, &file,
			    0);
	}
	close(file);
	close(segment);
	free(buffer);
}

void run_segments(void)
{
	lives();
	read_and_write();
	mappers();
	many();
}
