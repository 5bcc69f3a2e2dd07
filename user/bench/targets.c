// SPDX-License-Identifier: GPL-2.0-only
/*
 * The targets. What they are called is what the programs here, and those that
 * run in a machine, call what they measure.
 */
#include "targets.h"

#define OF(who, peers) .ours = (who), .against = (peers)
#define NO_MORE(than) .relation = AT_MOST, .limit = (than)
#define LESS(than) .relation = BELOW, .limit = (than)
#define NO_LESS(than) .relation = AT_LEAST, .limit = (than)

#define ONE_WAY(title, size, ...) \
	{ \
		.name = "one way, " title ", " #size " bytes", \
		.what = "one-way", .bytes = (size), __VA_ARGS__ \
	}

/*
 * By calls that wait if they have to, as most programs make them: the ring itself
 * then sees to it that neither side runs after the other record by record.
 */
#define UNBATCHED OF("shmdev asymmetric waiting", PACKAGED), .but = BATCHED
#define PLAIN \
	OF("shmdev isolated waiting", PACKAGED), .but = BATCHED, \
	NO_MORE(1)
#define BY_32 OF("shmdev asymmetric by 32", "ring rte_ring zero-copy by 32")
/* Read, either way. */
#define IN_PLACE OF("shmdev asymmetric in place", "shmdev asymmetric, and read")

#define FROM_KERNEL(size) \
	{ \
		.name = "kernel to user, of BPF NO_WAKEUP, " #size " bytes", \
		.what = "kernel-produces", .plus = "user-drains", \
		.bytes = (size), .unit = "instructions", \
		OF("shmdev queue", "BPF ring NO_WAKEUP"), \
		NO_MORE(1) \
	}

#define GROWTH(title, kind, ours_, theirs) \
	{ \
		.name = (title), .what = (kind), OF(ours_, theirs), \
		.relation = STATED \
	}

#define AS_TMPFS(title, kind, size) \
	{ \
		.name = title " of " #size " bytes, of tmpfs", \
		.what = (kind), .bytes = (size), .unit = "instructions", \
		OF("shmdev", "tmpfs"), NO_MORE(1 / 0.95) \
	}

#define AS_ANONYMOUS(what_) \
	{ \
		.name = what_ " mapped, of anonymous memory", \
		.what = (what_), .bytes = 1 << 20, .unit = "ns", \
		OF("shmdev", "anonymous"), NO_MORE(1 / 0.98) \
	}

const struct target targets[] = {
	/* This one is isolated, though a ring of readers that are trusted would do. */
	ONE_WAY("of the fastest ring", 8, UNBATCHED, LESS(1)),
	ONE_WAY("of the fastest ring", 64, UNBATCHED, LESS(1)),
	ONE_WAY("of the fastest ring", 256, UNBATCHED, LESS(1)),
	ONE_WAY("of the fastest ring", 1024, UNBATCHED, NO_MORE(1 / 1.5)),
	ONE_WAY("of the fastest ring", 4096, UNBATCHED, NO_MORE(1 / 1.5)),
	ONE_WAY("made without options, of the fastest ring", 8, PLAIN),
	ONE_WAY("made without options, of the fastest ring", 64, PLAIN),
	ONE_WAY("made without options, of the fastest ring", 256, PLAIN),
	ONE_WAY("made without options, of the fastest ring", 1024, PLAIN),
	ONE_WAY("made without options, of the fastest ring", 4096, PLAIN),
	ONE_WAY("by 32, of rte_ring's", 8, BY_32, LESS(1)),
	ONE_WAY("by 32, of rte_ring's", 64, BY_32, LESS(1)),
	ONE_WAY("by 32, of rte_ring's", 256, BY_32, LESS(1)),
	ONE_WAY("by 32, of rte_ring's", 1024, BY_32, LESS(1)),
	ONE_WAY("by 32, of rte_ring's", 4096, BY_32, LESS(1)),
	ONE_WAY("of one line a message", 64,
		OF("shmdev asymmetric waiting", "limit line a message"),
		NO_MORE(1.25)),
	ONE_WAY("in place, of copying", 256, IN_PLACE, LESS(1)),
	ONE_WAY("in place, of copying", 1024, IN_PLACE, LESS(1)),
	ONE_WAY("in place, of copying", 4096, IN_PLACE, LESS(1)),
	{
		.name = "spinning round trip, of two lines' bounce",
		.what = "round-trip", .bytes = 8,
		OF("shmdev asymmetric waiting", "limit two lines"),
		NO_MORE(1.3),
	},
	{
		.name = "the same, by calls that do not wait",
		.what = "round-trip", .bytes = 8,
		OF("shmdev asymmetric", "limit two lines"),
		.relation = STATED,
	},
	{
		.name = "sleeping round trip, of a raw eventfd",
		.what = "sleeping-round-trip", .bytes = 8,
		OF("shmdev *", "kernel eventfd"), NO_MORE(1.05),
	},
	{
		.name = "the same, driver and eventfd in a machine",
		.what = "round trip", .bytes = 8,
		OF("shmdev ring", "eventfd"), NO_MORE(1.05),
	},
	{
		.name = "kicks a record when both are busy",
		.what = "kicks", .ours = "shmdev * waiting", LESS(0.01),
	},
	{
		.name = "sleeps a record when both are busy",
		.what = "sleeps", .ours = "shmdev * waiting", LESS(0.01),
	},
	FROM_KERNEL(8),
	FROM_KERNEL(64),
	FROM_KERNEL(256),
	FROM_KERNEL(1024),
	FROM_KERNEL(4096),
	{
		.name = "wake-ups by records that are polled",
		.what = "wake-ups by polled records", .ours = "shmdev *",
		NO_MORE(0),
	},
	{
		.name = "kick, instructions over a null ioctl",
		.what = "over a null ioctl",
		.ours = "KICK, endpoint does nothing", NO_MORE(150),
	},
	ONE_WAY("many producers' queue with one, of one's", 64,
		OF("shmdev many asymmetric waiting",
		   "shmdev asymmetric waiting"), NO_MORE(1.2)),
	{
		.name = "wake-ups a second of an idle reader",
		.what = "idle", .ours = "shmdev *", NO_MORE(0),
	},
	GROWTH("sending to 32 readers, of to 1", "stream-send",
	       "shmdev stream, readers: 32", "shmdev stream, readers: 1"),
	GROWTH("sending with 1000 observers, of none", "stream-send",
	       "shmdev stream, observers: 1000", "shmdev stream, readers: 1"),
	GROWTH("creating number 10000, of number 100", "CREATE",
	       "shmdev, as number 10000", "shmdev, as number 100"),
	{
		.name = "faults to touch 8 MiB, of hugetlbfs",
		.what = "first touch", .bytes = 8 << 20, .unit = "faults",
		OF("shmdev", "hugetlbfs"), NO_MORE(1),
	},
	{
		.name = "faults to touch 64 MiB, of hugetlbfs",
		.what = "first touch", .bytes = 64 << 20, .unit = "faults",
		OF("shmdev", "hugetlbfs"), NO_MORE(1),
	},
	AS_TMPFS("read()", "read()", 4096),
	AS_TMPFS("read()", "read()", 65536),
	AS_TMPFS("read()", "read()", 1048576),
	AS_TMPFS("write()", "write()", 4096),
	AS_TMPFS("write()", "write()", 65536),
	AS_TMPFS("write()", "write()", 1048576),
	AS_ANONYMOUS("user reads words"),
	AS_ANONYMOUS("user writes words"),
	AS_ANONYMOUS("user copies to it"),
};

const struct comparison comparisons[] = {
	{
		"shmdev cleared asymmetric waiting", PACKAGED, BATCHED,
		"cleared asymmetric / fastest packaged ring"
	},
	{
		"shmdev asymmetric waiting", PACKAGED, BATCHED,
		"asymmetric / fastest packaged ring"
	},
	{
		"shmdev isolated waiting", PACKAGED, BATCHED,
		"isolated / fastest packaged ring"
	},
	{ "shmdev cleared waiting", PACKAGED, BATCHED, NULL },
	{ "shmdev many waiting", PACKAGED, BATCHED, NULL },
	{
		"shmdev many asymmetric waiting", "shmdev asymmetric waiting",
		NULL, NULL
	},
	{
		"shmdev cleared by 32", "ring rte_ring zero-copy by 32", NULL,
		"cleared by 32 / rte_ring by 32"
	},
	{
		"shmdev isolated by 32", "ring rte_ring zero-copy by 32", NULL,
		"isolated by 32 / rte_ring by 32"
	},
	{ "shmdev cleared waiting", "limit line a message", NULL, NULL },
	{ "shmdev cleared by 32", "limit bulk*", NULL, NULL },
	{ "shmdev isolated by 32", "limit bulk*", NULL, NULL },
	{ "shmdev cleared waiting", "kernel pipe", NULL, "cleared / pipe" },
	{ "shmdev isolated waiting", "kernel pipe", NULL, NULL },
};

const size_t comparisons_count = sizeof(comparisons) / sizeof(*comparisons);
const size_t targets_count = sizeof(targets) / sizeof(*targets);
