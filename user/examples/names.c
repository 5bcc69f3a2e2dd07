// SPDX-License-Identifier: MIT
/*
 * Lesson 4: two strangers and one name. One program writes an integer; another,
 * which knows nothing but the name, reads it. "names NAME" is the other one.
 */
#include "lesson.h"

/* A name that begins with a slash is one of shm_open(). */
static int read_number(const char *name)
{
	struct shmdev_segment *segment;
	void *number;
	int fd;

	if (*name == '/') {
		fd = must(shm_open(name, O_RDONLY, 0));
		number = must(mmap(NULL, sizeof(int), PROT_READ, MAP_SHARED, fd,
				   0));
	} else {
		must_do(shmdev_segment_open(shmdev_half(), name, O_RDONLY,
					    &segment));
		must_do(shmdev_segment_map(segment, 0, 0, PROT_READ, &number));
		draw(segment);
	}
	shows(*(int *)number == 42, "another, process %d, reads 42", getpid());
	return EXIT_SUCCESS;
}

static void with_shm_open(const char *name)
{
	int fd, *number;

	step("shm_open() makes an object called %s. It is a file of 0 bytes,\n"
	     "   which ftruncate() makes longer and mmap() makes memory.", name);
	fd = must(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	must(ftruncate(fd, sizeof(int)));
	number = must(mmap(NULL, sizeof(int), READ_WRITE, MAP_SHARED, fd, 0));
	*number = 42;
	tell("this program, process %d, writes 42", getpid());
	run_again(name);

	step("munmap() and close() leave the name there, and the memory with it,\n"
	     "   until somebody calls shm_unlink().");
	must(munmap(number, sizeof(int)));
	must(close(fd));
	run_again(name);
	must(shm_unlink(name));
	shows(shm_open(name, O_RDONLY, 0) == -1 && errno == ENOENT,
	      "after shm_unlink() there is no %s", name);
}

static void with_segment(const char *name)
{
	struct shmdev_device *device = shmdev_half();
	struct shmdev_segment *segment;
	void *number;

	step("A segment called %s has its size from the beginning.", name);
	must_do(shmdev_segment_create(device, name, A_PAGE, NULL, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &number));
	*(int *)number = 42;
	run_again(name);

	step("When nobody has it open or mapped, a segment has gone, and its name.");
	shmdev_segment_unmap(number, A_PAGE);
	shmdev_segment_close(segment);
	shows(shmdev_segment_open(device, name, O_RDONLY, &segment) == -ENOENT,
	      "there is no %s any more", name);
	shmdev_device_close(device);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return read_number(argv[1]);
	with_shm_open(lesson_name("/"));
	with_segment(lesson_name(""));
	return EXIT_SUCCESS;
}
