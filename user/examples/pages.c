// SPDX-License-Identifier: MIT
/*
 * Lesson 8: virtual addresses and the physical memory behind them: two
 * addresses of one page, the faults by which pages come to an address, and how
 * huge pages need fewer of them.
 */
#include "lesson.h"

/* What the child finds, told to its parent in the page that both have. */
struct found {
	void *address;
	uint64_t frame;
};

static void map_and_look(int fd)
{
	struct found *found = must(mmap(NULL, A_PAGE, READ_WRITE, MAP_SHARED,
					fd, 0));

	found->address = found;
	found->frame = page_frame(found);
}

static void one_page_two_addresses(int fd)
{
	struct found *found = must(mmap(NULL, A_PAGE, READ_WRITE, MAP_SHARED,
					fd, 0));
	int tries = 0;

	/* The kernel may move a page at any time. If it did, look again. */
	do {
		in_child(map_and_look(fd));
	} while (found->frame != page_frame(found) && tries++ < 10);
	shows(found->address != found, "the parent has it at %p, the child at %p",
	      (void *)found, found->address);
	shows(found->frame == page_frame(found), "both lead to page frame %#jx%s",
	      (uintmax_t)found->frame, found->frame ? "" : ": only root is told");
	must(munmap(found, A_PAGE));
}

/* Writes to each page. Returns how many faults that took. */
static long touch(char *memory, size_t bytes)
{
	long before = page_faults();
	size_t at;

	for (at = 0; at < bytes; at += A_PAGE)
		memory[at] = 1;
	return page_faults() - before;
}

/* The same, and how much of that is in huge pages, which need fewer. */
static void touch_huge(void *memory, size_t bytes)
{
	size_t pages = bytes / A_PAGE, before = huge_kib();
	size_t faults = touch(memory, bytes), huge = huge_kib() - before;

	shows(faults < pages || !huge, "%zu faults for %zu pages; %zu KiB are huge",
	      faults, pages, huge);
}

int main(void)
{
	/* Two huge pages, or as much if there are none. */
	size_t huge = huge_page_bytes(), bytes = huge ? 2 * huge : 4 << 20;
	int fd = must(memfd_create("lesson", MFD_CLOEXEC));
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	long faults, pages = bytes / A_PAGE;
	void *memory;

	step("One page, which parent and child map each for itself. The memory that\n"
	     "   is behind an address has a number, which /proc/self/pagemap tells.");
	must(ftruncate(fd, A_PAGE));
	one_page_two_addresses(fd);
	must(close(fd));

	step("mmap() gives addresses only. When one is touched first, the processor\n"
	     "   finds nothing there: a page fault, in which the kernel puts a page\n"
	     "   there. %zu KiB, in small pages:", bytes >> 10);
	memory = map_aligned(bytes, A_PAGE);
	/* If there are no huge pages, this fails, and is not needed. */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	faults = touch(memory, bytes);
	shows(faults >= pages, "%ld faults for %ld pages", faults, pages);
	faults = touch(memory, bytes);
	shows(faults < pages / 8, "touched again: %ld faults", faults);

	step("The same after madvise(MADV_HUGEPAGE). Now a fault may bring a huge page.");
	memory = map_aligned(bytes, huge ? huge : A_PAGE);
	if (madvise(memory, bytes, MADV_HUGEPAGE))
		tell("but this kernel was built without huge pages");
	touch_huge(memory, bytes);

	device = shmdev_half();
	step("One page of a segment, mapped by parent and child.");
	must_do(shmdev_segment_create(device, NULL, A_PAGE, NULL, &segment));
	one_page_two_addresses(shmdev_segment_fd(segment));
	shmdev_segment_close(segment);

	step("A segment of %zu KiB. It is in huge pages if there are some, without\n"
	     "   anybody asking for that.", bytes >> 10);
	must_do(shmdev_segment_create(device, NULL, bytes, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &memory));
	touch_huge(memory, bytes);
	draw(segment);
	clean_up(device, segment, memory);
	return EXIT_SUCCESS;
}
