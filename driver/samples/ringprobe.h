/* SPDX-License-Identifier: GPL-2.0-only */
/* What shmdev_ringprobe.c can be told to do. */
#ifndef _RINGPROBE_H
#define _RINGPROBE_H

/* A kick's argument: an operation, and a length or a time in milliseconds. */
#define RINGPROBE_BYTES		0xffffffffULL
#define RINGPROBE_SHIFT		32
#define RINGPROBE_MASK		0xff
#define RINGPROBE_IN_INTERRUPT	0x8000000000000000ULL

enum {
	RINGPROBE_RECORD_MAX,
	RINGPROBE_RESERVE,
	RINGPROBE_COMMIT,
	RINGPROBE_COMMIT_LATER,
	RINGPROBE_FLUSH,
	RINGPROBE_DISCARD,
	RINGPROBE_WRITE,
	RINGPROBE_PEEK,
	RINGPROBE_RELEASE,
	RINGPROBE_UNPEEK,
	RINGPROBE_READ,
	RINGPROBE_WAIT,
};

#endif /* _RINGPROBE_H */
