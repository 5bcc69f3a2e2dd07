// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layouts that programs were compiled with. A change here that is not an
 * addition at the end of a struct breaks them.
 */
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <uapi/linux/shmdev.h>

/* No hole before the last member and no padding behind it. */
#define LAYOUT(type, last, bytes)					  \
	static_assert(sizeof(struct type) == (bytes) &&			  \
		      offsetofend(struct type, last) == sizeof(struct type))

LAYOUT(shmdev_version, release, 64);
LAYOUT(shmdev_create, endpoint, 120);
LAYOUT(shmdev_open, name, 72);
LAYOUT(shmdev_remove, name, 80);
LAYOUT(shmdev_list, entry_size, 32);
LAYOUT(shmdev_info, endpoint, 192);
LAYOUT(shmdev_mapping, comm, 40);
LAYOUT(shmdev_mappings, reserved, 32);
LAYOUT(shmdev_kick, argument, 16);
LAYOUT(shmdev_look, events, 16);
LAYOUT(shmdev_wait, ended, 32);
LAYOUT(shmdev_wake, reserved, 24);
LAYOUT(shmdev_join, role, 32);
LAYOUT(shmdev_leave, flags, 8);
LAYOUT(shmdev_peer, comm, 72);
LAYOUT(shmdev_peers, reserved, 48);
LAYOUT(shmdev_isolate, bytes, 24);
LAYOUT(shmdev_claim, offset, 16);
LAYOUT(shmdev_hello, answer, 3088);

static_assert(offsetof(struct shmdev_create, bytes) == 8);
static_assert(offsetof(struct shmdev_create, name) == 24);
static_assert(offsetof(struct shmdev_info, uid) == 64);
static_assert(offsetof(struct shmdev_info, name) == 96);
static_assert(offsetof(struct shmdev_list, entries) == 16);
static_assert(offsetof(struct shmdev_mappings, entries) == 8);
static_assert(offsetof(struct shmdev_wait, timeout) == 16);
static_assert(offsetof(struct shmdev_wake, offset) == 8);
static_assert(offsetof(struct shmdev_join, id) == 8);
static_assert(offsetof(struct shmdev_peer, pid) == 24);
static_assert(offsetof(struct shmdev_peers, entries) == 16);
static_assert(offsetof(struct shmdev_isolate, offset) == 8);
static_assert(offsetof(struct shmdev_claim, offset) == 8);
static_assert(offsetof(struct shmdev_hello, request) == 1024);
static_assert(offsetof(struct shmdev_hello, answer) == 2048);
