// SPDX-License-Identifier: GPL-2.0-only
/*
 * The proof that both sides use the same memory: the process writes a text, the
 * kernel answers in place with what it read there. Neither side can make that
 * up: the kernel learns the text from the memory only, and the checksum of it
 * is computed here and there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/shmdev.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#include "cli.h"

static const struct option options[] = {
	{ "segment", required_argument, NULL, 's' },
	{ "text", required_argument, NULL, 't' },
	COMMON_OPTIONS
};

static uint32_t checksum(const char *text, size_t length)
{
	return crc32(crc32(0, NULL, 0), (const Bytef *)text, length);
}

static int has_hello(const struct shmdev_segment *segment, const char *name)
{
	struct shmdev_segment_info info = { .size = sizeof(info) };
	int ret = shmdev_segment_info(segment, &info);

	if (ret < 0)
		return segment_failure("look at", name, ret);
	if (!strcmp(info.endpoint, SHMDEV_HELLO_ENDPOINT) &&
	    info.bytes >= sizeof(struct shmdev_hello))
		return STATUS_OK;
	say("nobody in the kernel says hello in this segment; create one with "
	    "'shmdev create --endpoint " SHMDEV_HELLO_ENDPOINT " NAME 4K'");
	return STATUS_FAILED;
}

static void show_greeting(const struct shmdev_hello *hello)
{
	/* Someone may write there while we read. */
	char greeting[sizeof(hello->greeting) + 1] = "";

	memcpy(greeting, hello->greeting, sizeof(hello->greeting));
	if (!strcmp(greeting, SHMDEV_HELLO_GREETING))
		printf("3. The kernel wrote there, and we read: \"%s\"\n",
		       greeting);
	else
		printf("3. The kernel's greeting is not there any more: "
		       "someone has written over it\n");
}

/* One look at what the kernel wrote: it is compared as it is shown. */
static int check_answer(const struct shmdev_hello *hello, const char *text,
			uint64_t count_before)
{
	size_t length = strlen(text);
	uint32_t crc = checksum(text, length);
	char answer[sizeof(hello->answer.text) + 1] = "";
	uint64_t count = hello->answer.count;
	uint32_t answer_length = hello->answer.length;
	uint32_t answer_crc = hello->answer.crc32;
	int status = STATUS_OK;

	memcpy(answer, hello->answer.text, sizeof(hello->answer.text));
	printf("6. The kernel read it in place and answered: \"");
	print_text(stdout, answer);
	printf("\", %" PRIu32 " bytes, CRC-32 %08" PRIx32 ", answer %" PRIu64
	       "\n", answer_length, answer_crc, count);
	if (strcmp(answer, text)) {
		say("the kernel's text is not ours");
		status = STATUS_FAILED;
	}
	if (answer_length != length) {
		say("the kernel counted %" PRIu32 " bytes, we wrote %zu",
		    answer_length, length);
		status = STATUS_FAILED;
	}
	if (answer_crc != crc) {
		say("the kernel's CRC-32 is %08" PRIx32 ", ours is %08" PRIx32,
		    answer_crc, crc);
		status = STATUS_FAILED;
	}
	if (count <= count_before) {
		say("the kernel's count went from %" PRIu64 " to %" PRIu64
		    ", not up", count_before, count);
		status = STATUS_FAILED;
	}
	if (status)
		say("the answer is not to what we wrote; if another process "
		    "uses this segment now, try again");
	else
		printf("7. Text, length and checksum are those of what we "
		       "wrote\n");
	return status;
}

static int talk(const struct shmdev_segment *segment, const char *name,
		struct shmdev_hello *hello, const char *text)
{
	uint64_t count_before = hello->answer.count;
	int ret;

	show_greeting(hello);
	/* All of it: the rest of a longer text must not follow ours. */
	memset(hello->request, 0, sizeof(hello->request));
	memcpy(hello->request, text, strlen(text));
	printf("4. We write into it:                    \"%s\"\n", text);
	ret = shmdev_segment_kick(segment, 0);
	if (ret < 0)
		return segment_failure("kick", name, ret);
	printf("5. Kicked: the kernel knows that it should look\n");
	return check_answer(hello, text, count_before);
}

static int hello_in(const struct shmdev_segment *segment, const char *name,
		    const char *text)
{
	struct shmdev_hello *hello;
	void *address;
	int status = has_hello(segment, name);
	int ret;

	if (status)
		return status;
	ret = shmdev_segment_map(segment, 0, sizeof(*hello),
				 PROT_READ | PROT_WRITE, &address);
	if (ret < 0)
		return segment_failure("map", name, ret);
	printf("2. Mapped the memory into this process: address %p\n",
	       address);
	hello = address;
	status = talk(segment, name, hello, text);
	ret = shmdev_segment_unmap(address, sizeof(*hello));
	if (ret < 0)
		return segment_failure("unmap", name, ret);
	return status;
}

static int say_hello(const char *name, const char *text)
{
	struct shmdev_segment *segment;
	int status = connect_segment(name, O_RDWR, &segment);

	if (status)
		return status;
	if (name)
		printf("1. Opened segment '%s' through %s: ", name,
		       device_path());
	else
		printf("1. Opened %s: ", device_path());
	print_bytes(stdout, shmdev_segment_bytes(segment));
	printf(" of memory that the kernel uses too\n");
	status = hello_in(segment, name, text);
	shmdev_segment_close(segment);
	if (!status)
		printf("8. Unmapped and closed: both sides wrote, and both "
		       "sides read\n");
	return status;
}

static int run(int argc, char **argv)
{
	const char *text = "Hello from user space";
	const char *name = NULL;
	int option;

	while ((option = next_option(argc, argv, "s:t:", options)) != -1) {
		if (option == 's')
			name = optarg;
		else
			text = optarg;
	}
	if (optind < argc)
		return usage_error("'%s' is one argument too many; a text "
				   "follows --text", argv[optind]);
	if (strlen(text) > sizeof(((struct shmdev_hello *)NULL)->request))
		return usage_error("the text is longer than %zu bytes",
				   sizeof(((struct shmdev_hello *)0)->request));
	return say_hello(name, text);
}

const struct verb verb_hello = {
	.name = "hello",
	.arguments = "[OPTION]...",
	.summary = "See the kernel and this process write to the same memory",
	.help = "  -s, --segment NAME   in this segment, not in the default "
		"one\n"
		"  -t, --text TEXT      what to write, up to 1024 bytes\n",
	.run = run,
};
