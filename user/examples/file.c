// SPDX-License-Identifier: MIT
/*
 * Lesson 2: a file in memory. It is printed whole through its mapping, changed
 * by writing to memory, and brought to the disk by msync(); and what msync() is
 * on a segment. "file NAME" prints that file, and changes a copy of it.
 */
#include "lesson.h"

static void time_msync(void *memory, size_t bytes)
{
	double start = microseconds();

	must(msync(memory, bytes, MS_ASYNC));
	tell("MS_ASYNC took %.1f us", microseconds() - start);
	start = microseconds();
	must(msync(memory, bytes, MS_SYNC));
	tell("MS_SYNC took %.1f us", microseconds() - start);
}

static void show_file(int fd)
{
	size_t bytes = must(lseek(fd, 0, SEEK_END));
	char *text, byte;
	int copy;

	step("mmap() of a file makes its %zu bytes memory. Nobody calls read(): what\n"
	     "   is not there yet comes from the disk when it is touched.", bytes);
	text = must(mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0));
	/* If somebody made the file shorter now, that would be a SIGBUS. */
	fwrite(text, 1, bytes, stdout);
	copy = temporary_file(text, bytes);
	must(munmap(text, bytes));

	step("In a copy of it, the first byte is changed, by writing to memory.");
	text = must(mmap(NULL, bytes, READ_WRITE, MAP_SHARED, copy, 0));
	*text = '~';
	must(pread(copy, &byte, 1, 0));
	shows(byte == '~', "read() says '~' at once: both are the same pages");

	step("But are these on the disk? msync(MS_ASYNC) only says that they should\n"
	     "   be, some time; msync(MS_SYNC) returns when they are.");
	time_msync(text, bytes);

	step("To read it back from there, the kernel has to forget the pages first:\n"
	     "   munmap(), then posix_fadvise(POSIX_FADV_DONTNEED).");
	must(munmap(text, bytes));
	posix_fadvise(copy, 0, 0, POSIX_FADV_DONTNEED);
	tell("mincore() says that the page is %s", is_in_memory(copy) ?
	     "still in memory: a tmpfs has no disk" :
	     "not in memory: read() goes to the disk");
	must(pread(copy, &byte, 1, 0));
	shows(byte == '~', "read() says '%c'", byte);
	must(close(copy));
}

int main(int argc, char **argv)
{
	int fd = open_file(argc > 1 ? argv[1] : NULL);
	struct shmdev_device *device;
	struct shmdev_segment *segment;
	void *memory;
	char byte;

	show_file(fd);
	must(close(fd));

	device = shmdev_half();
	step("A segment of 1 MiB has no disk behind it. msync() is allowed there, so\n"
	     "   that programs need not ask what they have mapped, and does nothing.");
	must_do(shmdev_segment_create(device, NULL, 1 << 20, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &memory));
	memset(memory, '~', 1 << 20);
	must(pread(shmdev_segment_fd(segment), &byte, 1, 4096));
	shows(byte == '~', "read() says '%c' before it", byte);
	time_msync(memory, 1 << 20);
	draw(segment);
	clean_up(device, segment, memory);
	return EXIT_SUCCESS;
}
