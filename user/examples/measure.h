/* SPDX-License-Identifier: MIT */
/*
 * What a process can find out about itself and its memory.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "story.h"

/* Memory is mapped in pages. How many bytes one has: */
#define A_PAGE ((size_t)sysconf(_SC_PAGESIZE))

/* On a clock that only goes on. */
static inline double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* How many files this process has open. */
static inline int open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	/* "." and ".." are none, and one is the folder's own. */
	int count = -3;

	if (!folder)
		return -1;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* The sum of the numbers in the lines of a file that begin with @key. */
static inline size_t sum_of(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key), sum = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length))
			sum += strtoul(line + length, NULL, 10);
	if (file)
		fclose(file);
	return sum;
}

/*
 * Whether the first page of a file is in memory, as mincore() says of a mapping
 * that was made only to ask.
 */
static inline bool is_in_memory(int fd)
{
	void *page = must(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			       0));
	unsigned char answer;

	must(mincore(page, 1, &answer));
	must(munmap(page, 1));
	return answer & 1;
}

/*
 * The number of the page of physical memory that is behind an address. It is in
 * the entry for that page in /proc/self/pagemap, see proc_pid_pagemap(5).
 * 0: the kernel does not tell; only root may know.
 */
static inline uint64_t page_frame(const void *address)
{
	off_t place = (uintptr_t)address / A_PAGE * sizeof(uint64_t);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0)
		return 0;
	must(pread(fd, &entry, sizeof(entry), place));
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/* How many page faults this process has had that took no disk. */
static inline long page_faults(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}

/* How many KiB this process has mapped in huge pages, with files or without. */
static inline size_t huge_kib(void)
{
	return sum_of("/proc/self/smaps_rollup", "AnonHugePages:") +
	       sum_of("/proc/self/smaps_rollup", "ShmemPmdMapped:");
}

/*
 * How large a huge page is. 0: there is none, or it is too large for a lesson,
 * as the 512 MiB where small ones have 64 KiB.
 */
static inline size_t huge_page_bytes(void)
{
	static const char path[] =
		"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
	size_t bytes = sum_of(path, "");

	return bytes <= 32 << 20 ? bytes : 0;
}

/* Private memory that begins at a multiple of @alignment, as huge pages do. */
static inline void *map_aligned(size_t bytes, size_t alignment)
{
	const int rights = PROT_READ | PROT_WRITE;
	char *memory = must(mmap(NULL, bytes + alignment, rights,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	return memory + (-(uintptr_t)memory & (alignment - 1));
}

#endif /* MEASURE_H */
