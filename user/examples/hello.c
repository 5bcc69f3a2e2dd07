// SPDX-License-Identifier: MIT
/*
 * Lesson 1: hello through a mapping. The kernel answers in the same memory. And
 * what those leave behind, for as long as they run, who do not clean up.
 */
#include <linux/shmdev.h>
#include <sys/ioctl.h>

#include "lesson.h"

static void with_classic_calls(void)
{
	struct shmdev_hello *hello;
	int fd, before = open_descriptors();

	step("open() the device and mmap() it: memory that we and the kernel share.");
	fd = must(open("/dev/shmdev", O_RDWR | O_CLOEXEC));
	hello = must(mmap(NULL, sizeof(*hello), READ_WRITE, MAP_SHARED, fd, 0));
	shows(!strcmp(hello->greeting, SHMDEV_HELLO_GREETING),
	      "it was first there, at %p: \"%s\"", (void *)hello, hello->greeting);

	step("We write there, too, and tell the kernel to look: that is a kick.");
	snprintf(hello->request, sizeof(hello->request), "Hello from user space");
	must(ioctl(fd, SHMDEV_IOC_KICK, NULL));
	shows(!strcmp(hello->answer.text, hello->request),
	      "it has read, and answers: \"%s\"", hello->answer.text);

	step("The clean-up takes two calls, close() and munmap().");
	must(close(fd));
	shows(open_descriptors() == before && hello->answer.length == 21,
	      "after close(), the memory is still there");
	must(munmap(hello, sizeof(*hello)));
}

static void forget_ten(const struct shmdev_segment *segment)
{
	int i, before = open_descriptors();
	void *memory;

	for (i = 0; i < 10; i++) {
		must_do(shmdev_segment_map(segment, 0, 0, PROT_READ, &memory));
		must(dup(shmdev_segment_fd(segment)));
	}
	shows(open_descriptors() == before + 10, "open descriptors: %d, now %d",
	      before, open_descriptors());
	shows(mappings_of(segment) == 12, "mappings: 12, of which 10 are forgotten");
}

int main(void)
{
	struct shmdev_segment_options how = {
		.size = sizeof(how),
		.endpoint = SHMDEV_HELLO_ENDPOINT,
	};
	struct shmdev_device *device = shmdev_half();
	struct shmdev_segment *segment;
	struct shmdev_hello *hello;
	void *memory;

	with_classic_calls();
	step("The same with the library, in a segment of this program's own.");
	must_do(shmdev_segment_create(device, NULL, A_PAGE, &how, &segment));
	must_do(shmdev_segment_map(segment, 0, 0, READ_WRITE, &memory));
	hello = memory;
	snprintf(hello->request, sizeof(hello->request), "Hello again");
	must_do(shmdev_segment_kick(segment, 0));
	shows(!strcmp(hello->answer.text, hello->request),
	      "the kernel answers: \"%s\"", hello->answer.text);
	draw(segment);

	step("A child maps it and dup()s its descriptor ten times, and forgets that.");
	in_child(forget_ten(segment));
	shows(mappings_of(segment) == 1, "the child has ended: 1 mapping is left");
	shmdev_segment_unmap(memory, A_PAGE);
	shmdev_segment_close(segment);
	shmdev_device_close(device);
	return EXIT_SUCCESS;
}
