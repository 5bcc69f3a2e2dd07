// SPDX-License-Identifier: GPL-2.0-only
/* A pipe, and both kinds of socket that keep the order. Both sides sleep. */
#include <err.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport.h"

struct ends {
	int in, out;
};

static struct ends *ends_new(int in, int out)
{
	struct ends *ends = shared_memory(sizeof(*ends));

	ends->in = in;
	ends->out = out;
	return ends;
}

static void ends_close(void *shared)
{
	struct ends *ends = shared;

	close(ends->in);
	close(ends->out);
}

static void *pipe_open(size_t bytes)
{
	int fds[2];

	(void)bytes;
	if (pipe2(fds, O_CLOEXEC))
		err(1, "pipe");
	/* Not more than a user may have; it stays as it is if this fails. */
	fcntl(fds[1], F_SETPIPE_SZ, (int)FOOTPRINT);
	return ends_new(fds[0], fds[1]);
}

static void *sockets_open(int type)
{
	const int room = FOOTPRINT;
	int fds[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) ||
	    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)))
		err(1, "socketpair");
	return ends_new(fds[0], fds[1]);
}

static void *stream_open(size_t bytes)
{
	(void)bytes;
	return sockets_open(SOCK_STREAM);
}

static void *seqpacket_open(size_t bytes)
{
	(void)bytes;
	return sockets_open(SOCK_SEQPACKET);
}

ALWAYS_INLINE bool ends_send(struct side *side, const void *record,
			     size_t bytes)
{
	const struct ends *ends = side->state;
	size_t done = 0;

	while (done < bytes) {
		ssize_t ret = write(ends->out, (const char *)record + done,
				    bytes - done);

		if (ret < 0)
			err(1, "write");
		done += (size_t)ret;
	}
	return true;
}

ALWAYS_INLINE bool ends_receive(struct side *side, void *record, size_t bytes)
{
	const struct ends *ends = side->state;
	size_t done = 0;

	while (done < bytes) {
		ssize_t ret = read(ends->in, (char *)record + done,
				   bytes - done);

		if (ret <= 0)
			err(1, "read");
		done += (size_t)ret;
	}
	return true;
}

TRANSPORT_LOOPS(ends)

const struct transport pipe_transport = {
	.name = "kernel pipe",
	.copies = "in and out, by the kernel",
	.open = pipe_open,
	.close = ends_close,
	TRANSPORT_CALLS(ends),
};

const struct transport stream_transport = {
	.name = "kernel unix stream",
	.copies = "in and out, by the kernel",
	.open = stream_open,
	.close = ends_close,
	TRANSPORT_CALLS(ends),
};

const struct transport seqpacket_transport = {
	.name = "kernel unix seqpacket",
	.copies = "in and out, by the kernel",
	.open = seqpacket_open,
	.close = ends_close,
	TRANSPORT_CALLS(ends),
};
