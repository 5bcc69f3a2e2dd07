// SPDX-License-Identifier: MIT
/*
 * Lesson 5: the four kinds of mapping, private or shared, of a file or of none,
 * and who sees what is written there. Each answer in the table is tried, and
 * then held against what such a mapping promises.
 */
#include "lesson.h"

/* A row of the table: maps a page so, and finds out who sees what. */
static void try_kind(const char *kind, int flags, int fd)
{
	char *memory = must(mmap(NULL, A_PAGE, READ_WRITE, flags, fd, 0));
	bool is_shared = flags & MAP_SHARED, parent_sees, file_has;
	char byte = 0;

	in_child(*memory = 'c');
	parent_sees = *memory == 'c';
	*memory = 'p';
	if (fd >= 0)
		must(pread(fd, &byte, 1, 0));
	file_has = byte == 'p';
	shows(parent_sees == is_shared && file_has == (is_shared && fd >= 0),
	      "%-20s%-14s%s", kind, parent_sees ? "yes" : "no",
	      fd < 0 ? "there is none" : file_has ? "yes" : "no");
	must(munmap(memory, A_PAGE));
}

static void print_heads(void)
{
	printf("      written through     by a child:   by me:\n"
	       "      a mapping that is   do I see it?  does the file have it?\n");
}

int main(void)
{
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	void *shared;
	char *private;
	int fd;

	step("mmap() has two questions: MAP_PRIVATE or MAP_SHARED, and a file or\n"
	     "   none (MAP_ANONYMOUS). Each answer with each, a page of 0 at first.");
	fd = must(memfd_create("lesson", MFD_CLOEXEC));
	must(ftruncate(fd, A_PAGE));
	print_heads();
	try_kind("private, anonymous", MAP_PRIVATE | MAP_ANONYMOUS, -1);
	try_kind("shared, anonymous", MAP_SHARED | MAP_ANONYMOUS, -1);
	try_kind("private, of a file", MAP_PRIVATE, fd);
	try_kind("shared, of a file", MAP_SHARED, fd);

	step("A private mapping is no picture of one moment: Linux copies a page\n"
	     "   of it when it is first written, and until then it is the file's.");
	private = must(mmap(NULL, A_PAGE, READ_WRITE, MAP_PRIVATE, fd, 0));
	must(pwrite(fd, "1", 1, 0));
	shows(private[0] == '1', "'1' is written to the file, and I read it");
	private[1] = 'x';
	must(pwrite(fd, "2", 1, 0));
	shows(private[0] == '1', "I write the byte beside it, then '2' is\n"
	      "      written to the file: I still read '%c'", private[0]);
	must(munmap(private, A_PAGE));
	must(close(fd));

	device = shmdev_half();
	step("A segment is mapped as a file is, by mmap() of its descriptor, or\n"
	     "   shared, by shmdev_segment_map().");
	must_do(shmdev_segment_create(device, NULL, A_PAGE, NULL, &segment));
	fd = shmdev_segment_fd(segment);
	print_heads();
	try_kind("private, a segment", MAP_PRIVATE, fd);
	try_kind("shared, a segment", MAP_SHARED, fd);
	private = must(mmap(NULL, A_PAGE, READ_WRITE, MAP_PRIVATE, fd, 0));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &shared));
	shows(mappings_of(segment) == 2, "the kernel knows of both:");
	draw(segment);
	must(munmap(private, A_PAGE));
	clean_up(device, segment, shared);
	return EXIT_SUCCESS;
}
