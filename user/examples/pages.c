// SPDX-License-Identifier: MIT
/*
 * Lesson 8: virtual addresses and the physical memory behind them: two
 * addresses of one page, the faults by which pages come to an address, and how
 * huge pages need fewer of them.
 */
#include <sys/resource.h>

#include "lesson.h"

/* An entry of pagemap, see proc_pid_pagemap(5). */
#define IS_PRESENT	(1ULL << 63)
#define IS_EXCLUSIVE	(1ULL << 56)	/* nobody else has it mapped */
#define FRAME		((1ULL << 55) - 1)	/* 0: only root may know */

static const int rights = PROT_READ | PROT_WRITE;
static size_t page;

/* What this process has at an address. */
static uint64_t pagemap_entry(const void *address)
{
	off_t place = (uintptr_t)address / page * sizeof(uint64_t);
	int fd = must(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	uint64_t entry = 0;

	must(pread(fd, &entry, sizeof(entry), place));
	close(fd);
	return entry;
}

/* What the child finds, told to its parent in the page that both have. */
struct found {
	uintptr_t address;
	uint64_t entry;
};

static void look_from_child(int fd)
{
	struct found *found = must(mmap(NULL, page, rights, MAP_SHARED, fd, 0));

	found->address = (uintptr_t)found;
	found->entry = pagemap_entry(found);
}

/* @fd can be mapped, and nobody has done so yet. */
static void one_page_two_addresses(int fd)
{
	struct found *found = must(mmap(NULL, page, rights, MAP_SHARED, fd, 0));
	uint64_t before, both;
	pid_t child;

	/*
	 * The kernel may move a page while nobody looks; if it just did, the
	 * parent has another frame afterwards, and looks again.
	 */
	do {
		found->address = 0;
		before = pagemap_entry(found);
		child = fork_now();
		if (!child) {
			look_from_child(fd);
			_exit(EXIT_SUCCESS);
		}
		join_child(child);
		both = found->entry;
	} while ((pagemap_entry(found) & FRAME) != (before & FRAME));
	shows(found->address != (uintptr_t)found,
	      "the parent has it at %p, the child at %#jx", (void *)found,
	      (uintmax_t)found->address);
	shows(before & IS_PRESENT && both & IS_PRESENT,
	      "there is memory behind both");
	shows(before & IS_EXCLUSIVE && !(both & IS_EXCLUSIVE),
	      "first only the parent has it mapped, then somebody else, too");
	if (before & FRAME)
		shows((before & FRAME) == (both & FRAME),
		      "and it is the same memory: page frame %#jx for both",
		      (uintmax_t)(before & FRAME));
	else
		printf("   (Which frame it is, the kernel tells only root. Run this as\n"
		       "   root to see that it is the same.)\n");
	must(munmap(found, page));
}

static long faults(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}

/* Writes a byte of each page, and returns how many faults that took. */
static long touch(char *memory, size_t bytes)
{
	long before = faults();
	size_t at;

	for (at = 0; at < bytes; at += page)
		memory[at] = 1;
	return faults() - before;
}

/* The sum of the numbers in the lines of a file that begin with @key. */
static size_t sum_of(const char *path, const char *key)
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

/* How many KiB this process has in huge pages, without files and with. */
static size_t huge_kib(void)
{
	return sum_of("/proc/self/smaps_rollup", "AnonHugePages:") +
	       sum_of("/proc/self/smaps_rollup", "ShmemPmdMapped:");
}

/* Tells how many faults it took, and holds it against what is mapped huge. */
static void show_faults(void *memory, size_t bytes)
{
	size_t before = huge_kib();
	long took = touch(memory, bytes), pages = bytes / page;
	size_t huge = huge_kib() - before;

	if (huge)
		shows(took < pages, "%ld faults for %ld pages: %zu KiB are in huge ones",
		      took, pages, huge);
	else
		printf("   -> %ld faults for %ld pages: no huge page was to be had\n",
		       took, pages);
}

/* A huge page can only begin at a multiple of its size. */
static void *map_aligned(size_t bytes, size_t alignment)
{
	char *memory = must(mmap(NULL, bytes + alignment, rights,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	return memory + (-(uintptr_t)memory & (alignment - 1));
}

static void faults_of_memory(size_t bytes)
{
	void *memory = map_aligned(bytes, page);
	long first, again, pages = bytes / page;

	step("mmap() gives addresses only. The memory comes when a page is touched\n"
	     "   first: the processor finds nothing there, which is a page fault,\n"
	     "   and the kernel puts a page there. %zu KiB, with small pages:",
	     bytes >> 10);
	/* If there are no huge pages, this fails, and is not needed. */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	shows(!(pagemap_entry(memory) & IS_PRESENT), "nothing is there");
	first = touch(memory, bytes);
	again = touch(memory, bytes);
	shows(first >= pages, "%ld faults for %ld pages", first, pages);
	shows(again < pages / 8, "touched again: %ld faults", again);
}

int main(void)
{
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	struct shmdev_segment_info info = { .size = sizeof(info) };
	size_t huge, bytes;
	void *memory;
	int fd;

	page = sysconf(_SC_PAGESIZE);
	huge = sum_of("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "");
	/* Where pages have 64 KiB, a huge one has 512 MiB: not for a lesson. */
	bytes = huge && huge <= 32 << 20 ? 2 * huge : 4 << 20;
	if (access("/proc/self/pagemap", R_OK)) {
		printf("This kernel does not tell what is behind an address:\n"
		       "/proc/self/pagemap: %s\n", strerror(errno));
		return EXIT_SUCCESS;
	}

	step("One page of a file in memory, which parent and child map each for\n"
	     "   itself. What is behind an address, /proc/self/pagemap tells.");
	fd = must(memfd_create("lesson", MFD_CLOEXEC));
	must(ftruncate(fd, page));
	one_page_two_addresses(fd);
	close(fd);

	faults_of_memory(bytes);

	step("The same with madvise(MADV_HUGEPAGE): may be in huge pages, each of\n"
	     "   which comes with one fault.");
	if (!huge) {
		printf("   -> this kernel was built without them\n");
	} else if (bytes < huge) {
		printf("   -> one is %zu KiB here, which is too much for a lesson\n",
		       huge >> 10);
	} else {
		memory = map_aligned(bytes, huge);
		must(madvise(memory, bytes, MADV_HUGEPAGE));
		show_faults(memory, bytes);
	}

	device = shmdev_half();
	step("One page of a segment, mapped by parent and child.");
	must_do(shmdev_segment_create(device, NULL, page, NULL, &segment));
	one_page_two_addresses(shmdev_segment_fd(segment));
	shmdev_segment_close(segment);

	step("A segment of %zu KiB has all its memory from the beginning; faults only\n"
	     "   put it to an address. It is in huge pages where there are some,\n"
	     "   without anybody asking for that.", bytes >> 10);
	must_do(shmdev_segment_create(device, NULL, bytes, NULL, &segment));
	must_do(shmdev_segment_info(segment, &info));
	shows(info.resident == bytes, "before it is mapped, %ju KiB are in memory",
	      (uintmax_t)info.resident >> 10);
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	show_faults(memory, bytes);
	draw(segment);
	shmdev_segment_unmap(memory, bytes);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}
