// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoint "echo": a service. A client creates a segment of its own for it, which
 * has a queue of requests in its first half and one of answers in the second;
 * writes requests, kicks, and reads the answers. A kick returns how many requests
 * were answered: all there were, unless there is no room for more answers, or
 * after so many that the client may want to look.
 */
#include <linux/module.h>
#include <linux/shmdev.h>
#include <linux/slab.h>

#define AT_ONCE 1024

struct echo {
	struct shmdev_ring *requests;
	struct shmdev_ring *answers;
};

static void echo_detach(struct shmdev_segment *segment)
{
	struct echo *echo = shmdev_segment_private(segment);

	shmdev_ring_destroy(echo->answers);
	shmdev_ring_destroy(echo->requests);
	kfree(echo);
}

static struct shmdev_ring *echo_queue(struct shmdev_segment *segment,
				      bool consumes)
{
	size_t half = round_down(shmdev_segment_bytes(segment) / 2, PAGE_SIZE);
	struct shmdev_ring_spec queue = {
		.kind = SHMDEV_RING_QUEUE,
		.consumes = consumes,
		.flags = consumes ? SHMDEV_RING_F_MANY : 0,
		.offset = consumes ? 0 : half,
		.bytes = half,
	};

	return shmdev_ring_create(segment, &queue);
}

static int echo_attach(struct shmdev_segment *segment)
{
	struct echo *echo = kzalloc(sizeof(*echo), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!echo)
		return ret;
	echo->requests = echo_queue(segment, true);
	echo->answers = echo_queue(segment, false);
	ret = PTR_ERR_OR_ZERO(echo->requests) ?: PTR_ERR_OR_ZERO(echo->answers);
	shmdev_segment_set_private(segment, echo);
	if (ret)
		echo_detach(segment);
	return ret;
}

/* Between two places in shared memory, at once. */
static int echo_one(struct echo *echo)
{
	const void *request;
	void *answer;
	ssize_t bytes;

	bytes = shmdev_ring_peek(echo->requests, &request);
	if (bytes < 0)
		return bytes;
	answer = shmdev_ring_reserve(echo->answers, bytes);
	if (IS_ERR(answer)) {
		shmdev_ring_unpeek(echo->requests);
		return PTR_ERR(answer);
	}
	memcpy(answer, request, bytes);
	shmdev_ring_commit_later(echo->answers);
	return 0;
}

static int echo_kick(struct shmdev_segment *segment, u64 argument)
{
	struct echo *echo = shmdev_segment_private(segment);
	int count, ret = 0;

	for (count = 0; count < AT_ONCE && !ret; count += !ret)
		ret = echo_one(echo);
	shmdev_ring_flush(echo->answers);
	shmdev_ring_release(echo->requests);
	return count || ret == -EAGAIN ? count : ret;
}

static struct shmdev_endpoint echo = {
	.name = "echo",
	.attach = echo_attach,
	.detach = echo_detach,
	.kick = echo_kick,
};
module_shmdev_endpoint(echo);

MODULE_DESCRIPTION("shmdev sample: answers what it is sent");
MODULE_LICENSE("GPL");
