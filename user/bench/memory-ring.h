/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rings of the library where there is no driver: in a memfd, with futexes to
 * sleep on. What the library asks for is counted exactly, since it asks for it
 * here.
 */
#ifndef MEMORY_RING_H
#define MEMORY_RING_H

#include "shmdev-ring.h"

/* In memory that all parties share, or of one. */
struct ring_counts {
	uint64_t sleeps;	/* calls of wait */
	uint64_t wake_ups;	/* those that did sleep */
	uint64_t kicks;		/* calls of wake */
};

/* Each ends the program if it fails. */
int memory_ring_new(uint32_t kind, uint32_t flags, uint32_t readers);
struct shmdev_ring *memory_ring_attach(int fd, uint64_t id,
				       enum shmdev_ring_role role,
				       struct ring_counts *counts);

/* As above, with other calls; @context is handed to them. */
struct shmdev_ring *
memory_ring_attach_with(int fd, uint64_t id, enum shmdev_ring_role role,
			const struct shmdev_ring_calls *calls, void *context);

#endif /* MEMORY_RING_H */
