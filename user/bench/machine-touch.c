// SPDX-License-Identifier: GPL-2.0-only
/* The first touch of each page of large memory: what it costs, and its faults. */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "machine.h"

#define PAGE 4096UL
#define MIB (1024 * 1024UL)
#define HUGE_PAGE (2 * MIB)
#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"

static long faults(void)
{
	struct rusage usage;

	need(!getrusage(RUSAGE_SELF, &usage), "getrusage");
	return usage.ru_minflt;
}

static char *map(int fd, size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, fd < 0 ?
			    MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	need(memory != MAP_FAILED, "mmap");
	return memory;
}

/* Each gives the memory, whose file, if any, stays open only with it. */
static char *segment(size_t bytes)
{
	struct shmdev_segment *made = segment_for(NULL, bytes);
	char *memory = map(shmdev_segment_fd(made), bytes);

	shmdev_segment_close(made);
	return memory;
}

static char *memfd(size_t bytes, unsigned int flags)
{
	int fd = memfd_create("bench", flags);
	char *memory;

	need(fd >= 0 && !ftruncate(fd, bytes), "memfd");
	memory = map(fd, bytes);
	close(fd);
	return memory;
}

static char *plain_memfd(size_t bytes)
{
	return memfd(bytes, MFD_CLOEXEC);
}

static char *huge_memfd(size_t bytes)
{
	return memfd(bytes, MFD_CLOEXEC | MFD_HUGETLB);
}

static char *sysv(size_t bytes)
{
	int id = shmget(IPC_PRIVATE, bytes, 0600);
	char *memory = shmat(id, NULL, 0);

	need(id >= 0 && (intptr_t)memory != -1, "shmget, shmat");
	shmctl(id, IPC_RMID, NULL);
	return memory;
}

static char *anonymous(size_t bytes)
{
	return map(-1, bytes);
}

static void give_back(char *memory, size_t bytes)
{
	/* For each of them shmdt() would do the same. */
	munmap(memory, bytes);
}

struct kind {
	const char *name;
	char *(*make)(size_t bytes);
};

static const struct kind kinds[] = {
	{ "shmdev", segment },
	{ "memfd", plain_memfd },
	{ "hugetlbfs", huge_memfd },
	{ "SysV shm", sysv },
	{ "anonymous", anonymous },
};

static void measure_kind(const struct kind *kind, size_t bytes,
			 unsigned int repetition)
{
	uint64_t begin = now(), made, touched;
	long before;
	char *memory = kind->make(bytes);

	made = now();
	before = faults();
	touched = now();
	for (size_t at = 0; at < bytes; at += PAGE)
		poke(memory + at, 1);
	touched = now() - touched;
	report("first touch", kind->name, bytes, "faults", faults() - before,
	       repetition);
	report("first touch", kind->name, bytes, unit, touched, repetition);
	report("make, map, first touch", kind->name, bytes, unit,
	       made - begin + touched, repetition);
	give_back(memory, bytes);
}

static void touch_each(size_t bytes)
{
	char pages[24];

	snprintf(pages, sizeof(pages), "%zu", bytes / HUGE_PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].make == huge_memfd)
			set(HUGE_PAGES, pages);
		for (unsigned int time = 0; time < 3; time++)
			measure_kind(&kinds[i], bytes, time);
		set(HUGE_PAGES, "0");
	}
}

void run_touch(void)
{
	struct sysinfo info;

	touch_each(8 * MIB);
	touch_each(64 * MIB);
	need(!sysinfo(&info), "sysinfo");
	if (info.freeram * info.mem_unit < 2048 * MIB)
		return;
	set("/sys/module/shmdev/parameters/max_bytes", "2G");
	set("/sys/module/shmdev/parameters/max_user_bytes", "2G");
	touch_each(1024 * MIB);
}
