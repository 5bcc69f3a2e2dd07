// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "hello": proof that both sides see the same bytes.
 *
 * The kernel greets. A process writes a request and kicks; the kernel reads it
 * in place and answers with the text, its length and its checksum, and with a
 * count that only the kernel keeps. So a process that finds its text in the
 * answer knows that the kernel read the memory, and one whose count went up by
 * itself knows that somebody else kicked too.
 */
#include <linux/crc32.h>
#include <linux/slab.h>

#include "shmdev.h"

/* The endpoint's own memory of a segment: what no process can change. */
struct hello_state {
	u64 count;
	char text[sizeof_field(struct shmdev_hello, request)];
};

static_assert(sizeof(struct shmdev_hello) <= PAGE_SIZE);

static int hello_attach(struct shmdev_segment *segment)
{
	struct shmdev_hello *shared = shmdev_segment_data(segment);
	struct hello_state *state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);

	if (!state)
		return -ENOMEM;
	shmdev_segment_set_private(segment, state);
	strscpy(shared->greeting, SHMDEV_HELLO_GREETING,
		sizeof(shared->greeting));
	return 0;
}

static void hello_detach(struct shmdev_segment *segment)
{
	kfree(shmdev_segment_private(segment));
}

static int hello_kick(struct shmdev_segment *segment, u64 argument)
{
	struct shmdev_hello *shared = shmdev_segment_data(segment);
	struct hello_state *state = shmdev_segment_private(segment);
	size_t length;

	if (argument)
		return -EINVAL;

	shmdev_copy_once(state->text, shared->request, sizeof(state->text));
	length = strnlen(state->text, sizeof(state->text));
	memset(state->text + length, 0, sizeof(state->text) - length);

	memcpy(shared->answer.text, state->text, sizeof(state->text));
	shared->answer.length = length;
	shared->answer.crc32 = ~crc32_le(~0, state->text, length);
	shared->answer.count = ++state->count;
	return 0;
}

struct shmdev_endpoint shmdev_hello = {
	.name = SHMDEV_HELLO_ENDPOINT,
	.attach = hello_attach,
	.detach = hello_detach,
	.kick = hello_kick,
};
