// SPDX-License-Identifier: GPL-2.0-only
/* A POSIX message queue, as deep as any user may make one. Both sides sleep. */
#include <err.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include "transport.h"

struct mailbox {
	mqd_t queue;
};

static void *mqueue_open(size_t bytes)
{
	struct mailbox *box = shared_memory(sizeof(*box));
	struct mq_attr attributes = {
		.mq_maxmsg = 10,
		.mq_msgsize = (long)bytes,
	};
	char name[64];

	snprintf(name, sizeof(name), "/shmdev-bench-%d", (int)getpid());
	box->queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600,
			     &attributes);
	if (box->queue < 0)
		err(1, "mq_open");
	mq_unlink(name);
	return box;
}

static void mqueue_close(void *shared)
{
	mq_close(((struct mailbox *)shared)->queue);
}

ALWAYS_INLINE bool mqueue_send(struct side *side, const void *record,
			       size_t bytes)
{
	const struct mailbox *box = side->state;

	if (mq_send(box->queue, record, bytes, 0))
		err(1, "mq_send");
	return true;
}

ALWAYS_INLINE bool mqueue_receive(struct side *side, void *record, size_t bytes)
{
	const struct mailbox *box = side->state;

	if (mq_receive(box->queue, record, bytes, NULL) != (ssize_t)bytes)
		err(1, "mq_receive");
	return true;
}

TRANSPORT_LOOPS(mqueue)

const struct transport mqueue_transport = {
	.name = "kernel POSIX mq",
	.copies = "in and out, by the kernel",
	.open = mqueue_open,
	.close = mqueue_close,
	TRANSPORT_CALLS(mqueue),
};
