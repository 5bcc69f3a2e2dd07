// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one writes without a library: slots in shared memory, and an eventfd
 * that is written for each record, so that the reader can sleep. The reader
 * takes as many as the eventfd says. A writer that finds no room lets others
 * run.
 */
#include <err.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transport.h"

struct mail {
	struct own_line written, read;
	struct own_line told;	/* the reader's: so many are there */
	unsigned char data[FOOTPRINT];
	int fd;
};

static void *mail_open(size_t bytes)
{
	struct mail *mail = shared_memory(sizeof(*mail));

	(void)bytes;
	mail->fd = eventfd(0, EFD_CLOEXEC);
	if (mail->fd < 0)
		err(1, "eventfd");
	return mail;
}

static void mail_close(void *shared)
{
	close(((struct mail *)shared)->fd);
}

ALWAYS_INLINE bool mail_send(struct side *side, const void *record,
			     size_t bytes)
{
	struct mail *mail = side->state;
	const uint64_t one = 1;
	uint64_t slots = FOOTPRINT / bytes;
	uint64_t at = mail->written.word;

	while (at == slots + __atomic_load_n(&mail->read.word,
					     __ATOMIC_ACQUIRE))
		sched_yield();
	memcpy(mail->data + at % slots * bytes, record, bytes);
	mail->written.word = at + 1;
	/* The kernel orders this after what was written. */
	if (write(mail->fd, &one, sizeof(one)) != sizeof(one))
		err(1, "eventfd: write");
	return true;
}

ALWAYS_INLINE bool mail_receive(struct side *side, void *record, size_t bytes)
{
	struct mail *mail = side->state;
	uint64_t slots = FOOTPRINT / bytes;
	uint64_t at = mail->read.word;

	if (!mail->told.word &&
	    read(mail->fd, &mail->told.word, sizeof(mail->told.word)) !=
		    sizeof(mail->told.word))
		err(1, "eventfd: read");
	mail->told.word--;
	memcpy(record, mail->data + at % slots * bytes, bytes);
	__atomic_store_n(&mail->read.word, at + 1, __ATOMIC_RELEASE);
	return true;
}

TRANSPORT_LOOPS(mail)

const struct transport eventfd_transport = {
	.name = "kernel eventfd and memory",
	.copies = "in and out",
	.open = mail_open,
	.close = mail_close,
	TRANSPORT_CALLS(mail),
};
