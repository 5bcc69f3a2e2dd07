// SPDX-License-Identifier: MIT
/*
 * Lesson 2: a file in memory. It is printed whole through its mapping, changed
 * by writing to memory, and brought to the disk by msync(); and what msync() is
 * on a segment. "file NAME" prints that file, and changes a copy of it.
 */
#include <time.h>

#include "lesson.h"

#define TEXT "A file that is mapped is memory,\nand memory can be a file.\n"

static const int rights = PROT_READ | PROT_WRITE;

/* All of it, in as many calls as that takes. */
static void write_all(int fd, const char *text, size_t bytes)
{
	ssize_t done;

	for (; bytes; bytes -= done, text += done)
		done = must(write(fd, text, bytes));
}

/* A file without a name goes with the last who has it, as a segment does. */
static int temporary_file(void)
{
	char on_disk[] = "/var/tmp/lesson-XXXXXX", other[] = "/tmp/lesson-XXXXXX";
	char *path = access("/var/tmp", W_OK) ? other : on_disk;
	int fd = must(mkstemp(path));

	must(unlink(path));
	return fd;
}

static int open_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	fprintf(stderr, "cannot open %s: %s\n", name, strerror(errno));
	exit(EXIT_FAILURE);
}

static size_t bytes_of(int fd, const char *name)
{
	struct stat file;

	must(fstat(fd, &file));
	if (S_ISREG(file.st_mode) && file.st_size > 0)
		return file.st_size;
	fprintf(stderr, "%s has no bytes to map; name a file that has some\n",
		name);
	exit(EXIT_FAILURE);
}

/* In microseconds. */
static double time_of_msync(void *memory, size_t bytes, int flags)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	must(msync(memory, bytes, flags));
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (to.tv_sec - from.tv_sec) * 1e6 +
	       (to.tv_nsec - from.tv_nsec) / 1e3;
}

/* Asked of a page that nobody has mapped but to ask. */
static bool is_in_memory(int fd)
{
	void *page = must(mmap(NULL, 1, rights, MAP_SHARED, fd, 0));
	unsigned char answer;

	must(mincore(page, 1, &answer));
	must(munmap(page, 1));
	return answer & 1;
}

static void msync_a_segment(void)
{
	struct shmdev_device *device = shmdev_half();
	struct shmdev_segment *segment;
	void *memory;
	char byte;

	step("A segment has no disk behind it. msync() is allowed there, so that\n"
	     "   programs need not ask what they have mapped, and does nothing.");
	must_do(shmdev_segment_create(device, NULL, 1 << 20, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, rights, &memory));
	memset(memory, '#', 1 << 20);
	must(pread(shmdev_segment_fd(segment), &byte, 1, 4096));
	shows(byte == '#', "before any msync(), read() says '%c'", byte);
	shows(true, "MS_ASYNC took %.1f us",
	      time_of_msync(memory, 1 << 20, MS_ASYNC));
	shows(true, "MS_SYNC took %.1f us, for all of 1 MiB",
	      time_of_msync(memory, 1 << 20, MS_SYNC));
	draw(segment);
	shows(true, "what is to stay, copy to a file: shmdev read NAME >FILE");
	shmdev_segment_unmap(memory, 1 << 20);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "a file of this lesson's own";
	int copy = temporary_file();
	int fd = argc > 1 ? open_file(name) : copy;
	char *text, byte, changed;
	size_t bytes;

	if (fd == copy)
		write_all(copy, TEXT, strlen(TEXT));
	bytes = bytes_of(fd, name);
	step("mmap() of %s makes its %zu bytes memory. Nobody calls read():\n"
	     "   what is not there yet comes from the disk when it is touched.",
	     name, bytes);
	text = must(mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0));
	/* If somebody made the file shorter now, that would be a SIGBUS. */
	write_all(STDOUT_FILENO, text, bytes);
	if (fd != copy)
		write_all(copy, text, bytes);
	must(munmap(text, bytes));

	step("In a %s, the first byte is changed, by writing to memory.",
	     fd == copy ? "mapping with PROT_WRITE" : "copy of the file");
	text = must(mmap(NULL, bytes, rights, MAP_SHARED, copy, 0));
	changed = *text == '#' ? '*' : '#';
	*text = changed;
	must(pread(copy, &byte, 1, 0));
	shows(byte == changed,
	      "read() says '%c' at once: both are the same pages", byte);

	step("But are these on the disk? msync(MS_ASYNC) says only that they should\n"
	     "   be, some time, which Linux knows without it. msync(MS_SYNC) returns\n"
	     "   when they are.");
	shows(true, "MS_ASYNC took %.1f us", time_of_msync(text, bytes, MS_ASYNC));
	shows(true, "MS_SYNC took %.1f us", time_of_msync(text, bytes, MS_SYNC));

	step("To read it back from there, the kernel has to forget the pages first:\n"
	     "   munmap(), then posix_fadvise(POSIX_FADV_DONTNEED).");
	must(munmap(text, bytes));
	posix_fadvise(copy, 0, 0, POSIX_FADV_DONTNEED);
	shows(true, "mincore() says that the first page is %s",
	      is_in_memory(copy) ? "in memory still; a tmpfs has no disk" :
	      "not in memory: what is read now comes from the disk");
	must(pread(copy, &byte, 1, 0));
	shows(byte == changed, "read() says '%c'", byte);
	must(close(fd));
	if (fd != copy)
		must(close(copy));
	msync_a_segment();
	return EXIT_SUCCESS;
}
