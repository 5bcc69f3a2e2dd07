// SPDX-License-Identifier: GPL-2.0
/*
 * Random lives: several processes at once make calls that a seed chooses, and
 * a model says what must come of them.
 *
 * The conductor starts the actors, lets each take some steps, stops them all,
 * and compares the model with what LIST, INFO, MAPPINGS, PEERS, read() and /proc
 * say.
 * With one actor it does so after each step. A step depends on the seed, the
 * actor and the step's number only, so the same command line makes the same
 * calls; with several actors how they interleave is up to the machine.
 *
 * What keeps the model exact although the actors race: each actor makes and
 * removes names of its own only, and writes to pages of its own only, page
 * modulo actors. Reading, mapping, opening and passing on is free for all.
 */
#include <getopt.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "module.h"
#pragma GCC diagnostic pop

#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define ACTORS		8
#define KIDS		3	/* children of an actor at a time */
#define SLOTS_EACH	6	/* segments that an actor made */
#define NAMES_EACH	3
#define TOKENS_EACH	1024
#define SLOTS		(1 + ACTORS * SLOTS_EACH)	/* 0: the default one */
#define TOKENS		(ACTORS * TOKENS_EACH)
#define PROCESSES	(ACTORS * (1 + KIDS))
#define OPENED		24	/* descriptors that an actor has */
#define ARENA		1536	/* pages that an actor maps into */
#define PAGES		576	/* of a segment: above that of a huge page */
#define NOTHING		-1
#define SHMEM_SLACK	(8 * MIB)	/* per-CPU counters are read roughly */

/* A segment, as it must be. Written by its maker; freed by the conductor. */
struct slot {
	_Alignas(8) _Atomic __u64 id;	/* 0: none */
	_Alignas(8) _Atomic __u64 kicks;
	_Alignas(8) _Atomic __u64 events;	/* kicks among them */
	__u64 inode;
	__u32 pages;		/* as many as the model looks at */
	__u64 bytes;
	__u32 flags;		/* SHMDEV_CREATE_F_* */
	__u32 mode;
	int name;		/* number among the maker's, or NOTHING */
	bool named;		/* published and not removed */
	bool hello;
	__u32 part, part_end;	/* its isolated pages; none if both are 0 */
	bool claimable;
	atomic_int claims;	/* how many pages of it were ever claimed */
	bool written[PAGES];	/* else the page reads as zero */
};

/* An open file, shared by the descriptors and mappings that came of it. */
struct token {
	_Alignas(8) _Atomic __u64 looked;
	int slot;
	int access;
	int claim;		/* the page that CLAIM gave, or NOTHING */
};

/*
 * A process, which open files it holds when it is stopped, and through which of
 * them it is a peer.
 */
struct holder {
	pid_t pid;		/* 0: none */
	bool restless;		/* a kid that must be gone before a check */
	__u64 holds[TOKENS / 64];
	__u64 joins[TOKENS / 64];
};

/* What all processes of a sequence share. */
struct world {
	struct slot slots[SLOTS];
	struct token tokens[TOKENS];
	struct holder holders[PROCESSES];
	atomic_int failed;
	char failure[400];
};

struct options {
	__u64 seed;
	int count;
	int length;
	int processes;
};

static struct options options = {
	.seed = 1, .count = 25, .length = 60, .processes = 3,
};

static struct world *world;
static __u32 default_peers;	/* that the default segment had before */
static char *shadows;		/* the bytes of all slots, as they must be */
static size_t page;
static pid_t conductor;
static __u64 seed;
static int actors;
static int mailboxes[ACTORS][2];

/* Who this process is, and where in its life. */
static int self = NOTHING;
static int step_number;
static const char *step_name = "start";

/* splitmix64, so that no library decides what a seed means. */
static __u64 dice;

static __u64 next_random(void)
{
	__u64 x = dice += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static __u64 roll(__u64 sides)
{
	return next_random() % sides;
}

static void set_dice(__u64 a, __u64 b)
{
	dice = seed;
	dice = next_random() ^ a;
	dice = next_random() ^ b;
	next_random();
}

/* The first failure is the one that counts; what follows may come of it. */
__attribute__((format(printf, 2, 3)))
static void fail_at(int line, const char *format, ...)
{
	va_list arguments;
	int none = 0, at;

	if (!atomic_compare_exchange_strong(&world->failed, &none, line))
		return;
	at = snprintf(world->failure, sizeof(world->failure),
		      "process %d, step %d (%s), line %d: ", self, step_number,
		      step_name, line);
	va_start(arguments, format);
	vsnprintf(world->failure + at, sizeof(world->failure) - at, format,
		  arguments);
	va_end(arguments);
}

#define fail(...) fail_at(__LINE__, __VA_ARGS__)

/* Complains unless @condition; its value. */
#define hold_true(condition) ({						\
	bool __holds = (condition);					\
									\
	if (!__holds)							\
		fail("not so: %s (errno: %s)", #condition, strerror(errno)); \
	__holds;							\
})

/* @call must fail with @error. */
#define refused(error, call) do {					\
	long __result = (long)(call);					\
	int __got = __result == -1 ? errno : 0;				\
									\
	if (__got != (error))						\
		fail("%s: expected \"%s\", got \"%s\"", #call,		\
		     strerror(error), strerror(__got));			\
} while (0)

/* The segments' model. */

static char *shadow(int slot, __u32 at)
{
	return shadows + ((size_t)slot * PAGES + at) * page;
}

static int maker(int slot)
{
	return (slot - 1) / SLOTS_EACH;
}

static bool is_kept(const struct slot *slot)
{
	return slot->named && slot->flags & SHMDEV_CREATE_F_KEEP;
}

static void name_of(char *name, int actor, int number)
{
	snprintf(name, SHMDEV_NAME_SIZE, "lives-%d-%d-%d", conductor, actor,
		 number);
}

/* May this actor write to a page? The kernel writes to that of a "hello". */
static bool is_mine(const struct slot *slot, __u32 at)
{
	return at < slot->pages && at % actors == self &&
	       !(slot->hello && !at);
}

static void note_write(int number, __u32 at, size_t offset, const void *bytes,
		       size_t length)
{
	struct slot *slot = &world->slots[number];

	if (!slot->written[at])
		memset(shadow(number, at), 0, page);
	memcpy(shadow(number, at) + offset, bytes, length);
	slot->written[at] = true;
}

static bool same_bytes(int number, __u32 at, const char *bytes)
{
	const size_t end = sizeof(struct shmdev_hello);
	const size_t answer = offsetof(struct shmdev_hello, answer);
	const struct slot *slot = &world->slots[number];

	if (slot->hello && !at)
		return !memcmp(bytes, shadow(number, 0), answer) &&
		       !memcmp(bytes + end, shadow(number, 0) + end,
			       page - end);
	if (!slot->written[at])
		return all_bytes(bytes, 0, page);
	return !memcmp(bytes, shadow(number, at), page);
}

static int slot_by_id(__u64 id)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		if (id && world->slots[i].id == id)
			return i;
	return NOTHING;
}

static int slot_by_inode(__u64 inode)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		if (world->slots[i].id && world->slots[i].inode == inode)
			return i;
	return NOTHING;
}

/* A line of /proc/PID/maps that is about a segment. */
struct line {
	pid_t pid;
	int slot;
	unsigned long start;
	__u64 offset;
	__u64 bytes;
	__u32 flags;
};

/* The lines of a process, as many as there is room for; -1: it has gone. */
static int read_maps(pid_t pid, struct line *lines, int room)
{
	unsigned long long offset, inode;
	unsigned long start, end;
	char path[40], text[512], rights[5], name[256];
	int count = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -1;
	while (fgets(text, sizeof(text), maps) && count < room) {
		if (sscanf(text, "%lx-%lx %4s %llx %*s %llu %255s", &start,
			   &end, rights, &offset, &inode, name) != 6)
			continue;
		if (strncmp(name, "/shmdev", 7) &&
		    strncmp(name, "/dev/shmdev", 11))
			continue;
		lines[count++] = (struct line){
			.pid = pid,
			.slot = world ? slot_by_inode(inode) : NOTHING,
			.start = start,
			.offset = offset,
			.bytes = end - start,
			.flags = (rights[0] == 'r' ?
				  SHMDEV_MAPPING_F_READ : 0) |
				 (rights[1] == 'w' ?
				  SHMDEV_MAPPING_F_WRITE : 0) |
				 (rights[3] == 's' ?
				  SHMDEV_MAPPING_F_SHARED : 0),
		};
	}
	fclose(maps);
	return count;
}

/* What an actor has: descriptors, and mappings page by page. */

struct opened {
	int fd;
	int token;
	bool cloexec;
};

struct cell {
	int slot;		/* NOTHING: reserved, and not accessible */
	int token;
	__u32 page;
	int prot;
	bool shared;
	bool may_write;
	bool fixed;		/* becomes no larger, and is not duplicated */
	bool stays;		/* MADV_DONTFORK */
	bool copied;		/* private, and written to: see copy_of() */
};

static struct opened opened[OPENED];
static int opened_count;
static struct cell cells[ARENA];
static char *arena, *copies;
static int tokens_used;

static char *address(int at)
{
	return arena + at * page;
}

/* A private page's bytes as they were when this process last wrote to it. */
static char *copy_of(int at)
{
	return copies + at * page;
}

static struct holder *holder_of(int actor, int kid)
{
	return &world->holders[actor * (1 + KIDS) + 1 + kid];
}

static struct slot *slot_of(const struct opened *file)
{
	return &world->slots[world->tokens[file->token].slot];
}

static int access_of(const struct opened *file)
{
	return world->tokens[file->token].access;
}

static bool is_door(const struct opened *file)
{
	return !world->tokens[file->token].slot;
}

static bool can_read(const struct opened *file)
{
	return access_of(file) != O_WRONLY;
}

static bool can_write(const struct opened *file)
{
	return access_of(file) != O_RDONLY;
}

static int claim_of(const struct opened *file)
{
	return world->tokens[file->token].claim;
}

static bool is_isolated(const struct slot *slot)
{
	return slot->part_end;
}

/* Some pages cannot be written by all who may write; a claimed one by one. */
static bool can_map_to_write(const struct opened *file, __u32 first, int count)
{
	const struct slot *slot = slot_of(file);

	if (!can_write(file))
		return false;
	if (claim_of(file) != NOTHING)
		return (int)first == claim_of(file) && count == 1;
	return first >= slot->part_end || first + count <= slot->part;
}

static bool has_room(void)
{
	return opened_count < OPENED && tokens_used < TOKENS_EACH;
}

static void enter(int fd, int token, bool cloexec)
{
	opened[opened_count++] = (struct opened){ fd, token, cloexec };
}

static void enter_new(int fd, int slot, int access)
{
	int token = self * TOKENS_EACH + tokens_used++;

	world->tokens[token].slot = slot;
	world->tokens[token].access = access;
	world->tokens[token].claim = NOTHING;
	world->tokens[token].looked = world->slots[slot].events;
	enter(fd, token, true);
}

/* Any descriptor of this actor; if it has none, it gets one. */
static struct opened *any_file(void)
{
	if (!opened_count) {
		int fd = open_door();

		if (!hold_true(fd >= 0) || !has_room())
			return NULL;
		enter_new(fd, 0, O_RDWR);
	}
	return &opened[roll(opened_count)];
}

static struct opened *any_door(void)
{
	int i, first = opened_count ? roll(opened_count) : 0;

	for (i = 0; i < opened_count; i++)
		if (is_door(&opened[(first + i) % opened_count]))
			return &opened[(first + i) % opened_count];
	return NULL;
}

static void forget_file(struct opened *file)
{
	*file = opened[--opened_count];
}

/* Does this process hold a segment, whatever the others do? */
static bool holds_slot(int slot)
{
	int i;

	if (is_kept(&world->slots[slot]))
		return true;
	for (i = 0; i < opened_count; i++)
		if (world->tokens[opened[i].token].slot == slot)
			return true;
	for (i = 0; i < ARENA; i++)
		if (cells[i].slot == slot)
			return true;
	return false;
}

static void set_bit(__u64 *bits, int token)
{
	bits[token / 64] |= 1ULL << token % 64;
}

static void clear_bit(__u64 *bits, int token)
{
	bits[token / 64] &= ~(1ULL << token % 64);
}

static bool has_bit(const __u64 *bits, int token)
{
	return bits[token / 64] & 1ULL << token % 64;
}

/* Something is made known to pollers of the segment of an open file. */
static void note_event(int token)
{
	atomic_fetch_add(&world->slots[world->tokens[token].slot].events, 1);
}

/* A process joins through an open file. */
static void note_join(struct holder *holder, int token)
{
	set_bit(holder->joins, token);
	note_event(token);
}

/*
 * A process that leaves, or closes any descriptor of an open file, is no peer
 * through it; perhaps it was none.
 */
static void note_end(struct holder *holder, int token)
{
	if (!has_bit(holder->joins, token))
		return;
	clear_bit(holder->joins, token);
	note_event(token);
}

/* How many peers a process is in a segment. */
static __u32 count_joins(const struct holder *holder, int slot)
{
	__u32 count = 0;
	int i;

	for (i = 0; i < TOKENS; i++) {
		/* Most are none of this process'. */
		if (!(i % 64) && !holder->joins[i / 64])
			i += 63;
		else
			count += has_bit(holder->joins, i) &&
				 world->tokens[i].slot == slot;
	}
	return count;
}

/* All of a segment; the endpoint is one. */
static __u32 count_peers(int slot)
{
	__u32 count = slot ? world->slots[slot].hello : default_peers;
	int i;

	for (i = 0; i < PROCESSES; i++)
		if (world->holders[i].pid)
			count += count_joins(&world->holders[i], slot);
	return count;
}

static void publish_holds(struct holder *holder)
{
	int i;

	memset(holder->holds, 0, sizeof(holder->holds));
	for (i = 0; i < opened_count; i++)
		set_bit(holder->holds, opened[i].token);
	for (i = 0; i < ARENA; i++)
		if (cells[i].slot != NOTHING)
			set_bit(holder->holds, cells[i].token);
}

/* Nothing else may be mapped where a mapping of the arena was. */
static void reserve(int first, int count)
{
	int i;

	hold_true(mmap(address(first), count * page, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		       -1, 0) == address(first));
	for (i = first; i < first + count; i++)
		cells[i] = (struct cell){ .slot = NOTHING };
}

static int any_cell(void)
{
	int i, first = roll(ARENA);

	for (i = 0; i < ARENA; i++)
		if (cells[(first + i) % ARENA].slot != NOTHING)
			return (first + i) % ARENA;
	return NOTHING;
}

/* Some mapped pages without a gap, of one mapping or of several. */
static int any_run(int *count)
{
	int most = 1 + roll(roll(4) ? 8 : ARENA), first = any_cell();

	for (*count = 0; first != NOTHING && *count < most &&
	     first + *count < ARENA && cells[first + *count].slot != NOTHING;)
		++*count;
	return first;
}

/* Do all the pages look as if they were of one mapping? */
static bool is_uniform(int first, int count)
{
	const struct cell *a = &cells[first], *b;

	for (b = a + 1; b < a + count; b++)
		if (b->token != a->token || b->page - a->page != b - a ||
		    b->prot != a->prot || b->shared != a->shared ||
		    b->fixed != a->fixed || b->stays != a->stays)
			return false;
	return true;
}

static int free_stretch(int count)
{
	int at, length = 0, first = roll(ARENA), turn;

	for (turn = 0; turn < 2; turn++, first = 0, length = 0)
		for (at = first; at < ARENA; at++) {
			length = cells[at].slot == NOTHING ? length + 1 : 0;
			if (length == count)
				return at - count + 1;
		}
	return NOTHING;
}

/* Accesses to memory that may be refused. */

static volatile sig_atomic_t guarded;

static void refuse_access(int sig)
{
	if (guarded)
		siglongjmp(touch_env, sig);
	signal(sig, SIG_DFL);
}

static void catch_refusals(void)
{
	struct sigaction action = {
		.sa_handler = refuse_access,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* 0, or the signal that came of it. */
static int store(char *to, __u64 value)
{
	int sig = sigsetjmp(touch_env, 0);

	guarded = !sig;
	if (!sig)
		*(volatile __u64 *)to = value;
	guarded = false;
	return sig;
}

static int load_page(char *copy, const char *from)
{
	int sig = sigsetjmp(touch_env, 0);

	guarded = !sig;
	if (!sig)
		memcpy(copy, from, page);
	guarded = false;
	return sig;
}

static int expected_signal(const struct cell *cell, int prot)
{
	/* What can be written to can be read here. */
	if (!(cell->prot & prot) && !(prot == PROT_READ && cell->prot))
		return SIGSEGV;
	return cell->page < world->slots[cell->slot].bytes / page ? 0 : SIGBUS;
}

/* Reads a mapped page; what of it is certain, @all if nobody writes now. */
static void check_cell(int at, bool all)
{
	static char bytes[1 << 16];
	const struct cell *cell = &cells[at];
	const struct slot *slot = &world->slots[cell->slot];
	int wanted = expected_signal(cell, PROT_READ);
	int sig = load_page(bytes, address(at));

	if (sig != wanted)
		fail("reading page %u of slot %d: signal %d, not %d",
		     cell->page, cell->slot, sig, wanted);
	else if (sig)
		return;
	else if (cell->copied && memcmp(bytes, copy_of(at), page))
		fail("a private copy of page %u of slot %d changed",
		     cell->page, cell->slot);
	else if (!cell->copied && cell->page < slot->pages &&
		 (all || is_mine(slot, cell->page)) &&
		 !same_bytes(cell->slot, cell->page, bytes))
		fail("page %u of slot %d has other bytes in a mapping",
		     cell->page, cell->slot);
}

/* The mappings that this process thinks it has are those that it has. */
static void check_maps(void)
{
	static struct line lines[2 * ARENA];
	static bool seen[ARENA];
	int i, at, count = read_maps(getpid(), lines, 2 * ARENA);

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < count; i++) {
		__u32 first = lines[i].offset / page, j;

		at = (lines[i].start - (unsigned long)arena) / page;
		if (lines[i].start < (unsigned long)arena || at >= ARENA) {
			fail("a mapping is left outside the arena");
			return;
		}
		for (j = 0; j < lines[i].bytes / page; j++, at++) {
			const struct cell *cell = &cells[at];
			__u32 flags =
				(cell->prot & PROT_READ ?
				 SHMDEV_MAPPING_F_READ : 0) |
				(cell->prot & PROT_WRITE ?
				 SHMDEV_MAPPING_F_WRITE : 0) |
				(cell->shared ? SHMDEV_MAPPING_F_SHARED : 0);

			if (cell->slot != lines[i].slot ||
			    cell->page != first + j ||
			    flags != lines[i].flags) {
				fail("cell %d: slot %d page %u flags %#x, maps: %d %u %#x",
				     at, cell->slot, cell->page, flags,
				     lines[i].slot, first + j, lines[i].flags);
				return;
			}
			seen[at] = true;
		}
	}
	for (at = 0; at < ARENA; at++)
		if (cells[at].slot != NOTHING && !seen[at]) {
			fail("cell %d is not mapped any more", at);
			return;
		}
}

/* The calls. Each is one step, and says nothing if all is as it must be. */

static int free_slot(void)
{
	int i;

	for (i = 0; i < SLOTS_EACH; i++)
		if (!world->slots[1 + self * SLOTS_EACH + i].id)
			return 1 + self * SLOTS_EACH + i;
	return NOTHING;
}

/* This actor's segment of that name, as far as it knows. */
static int slot_named(int number)
{
	int i;

	for (i = 1 + self * SLOTS_EACH; i <= (self + 1) * SLOTS_EACH; i++)
		if (world->slots[i].id && world->slots[i].named &&
		    world->slots[i].name == number)
			return i;
	return NOTHING;
}

/*
 * Before the others know of it, so that nobody writes it; but a restless one may
 * have found its name.
 */
static void isolate_new(struct slot *slot, int fd)
{
	__u32 first = roll(slot->pages), count;

	count = 1 + roll(slot->pages - first);
	slot->claimable = count <= 64 && roll(2);
	if (!isolate(fd, first * page, count * page,
		     slot->claimable ? SHMDEV_ISOLATE_F_CLAIMABLE : 0)) {
		slot->part = first;
		slot->part_end = first + count;
	} else {
		slot->claimable = false;
		hold_true(errno == EBUSY && slot->named);
	}
}

static void enter_slot(int number, int fd, const struct shmdev_create *arg,
		       int name)
{
	struct slot *slot = &world->slots[number];
	struct shmdev_info about;

	if (!hold_true(!info(fd, &about)))
		return;
	memset(slot, 0, sizeof(*slot));
	slot->inode = about.inode;
	slot->bytes = arg->bytes;
	slot->pages = arg->bytes / page;
	slot->flags = arg->flags;
	slot->mode = arg->mode;
	slot->name = name;
	slot->named = name != NOTHING;
	slot->hello = *arg->endpoint;
	if (slot->hello)
		note_write(number, 0, 0, SHMDEV_HELLO_GREETING,
			   sizeof(SHMDEV_HELLO_GREETING));
	else if (!roll(3))
		isolate_new(slot, fd);
	atomic_store(&slot->id, about.id);
	enter_new(fd, number, O_RDWR);
}

static void call_create(void)
{
	struct shmdev_create arg = {
		.size = sizeof(arg),
		.bytes = (roll(8) ? 1 + roll(16) : 512 + roll(PAGES - 512)) *
			 page,
		.mode = roll(01000),
	};
	int name = roll(3) ? (int)roll(NAMES_EACH) : NOTHING;
	int slot = free_slot(), taken = NOTHING, fd;
	struct opened *door = any_door();

	if (slot == NOTHING || !door || !has_room())
		return;
	if (name != NOTHING) {
		name_of(arg.name, self, name);
		taken = slot_named(name);
		if (!roll(3))
			arg.flags |= SHMDEV_CREATE_F_KEEP;
	}
	if (!roll(3))
		strcpy(arg.endpoint, SHMDEV_HELLO_ENDPOINT);
	else if (roll(2))
		arg.flags |= SHMDEV_CREATE_F_LAZY;
	if (!can_write(door)) {
		refused(EBADF, ioctl(door->fd, SHMDEV_IOC_CREATE, &arg));
		return;
	}
	fd = ioctl(door->fd, SHMDEV_IOC_CREATE, &arg);
	if (fd < 0) {
		if (errno != EEXIST || taken == NOTHING)
			fail("CREATE: %s", strerror(errno));
		return;
	}
	if (taken != NOTHING) {
		if (holds_slot(taken))
			fail("CREATE of a name that is taken");
		world->slots[taken].named = false;
	}
	enter_slot(slot, fd, &arg, name);
}

static void call_create_badly(void)
{
	struct {
		struct shmdev_create arg;
		char tail[8];
	} all = {
		.arg = {
			.size = sizeof(all.arg),
			.bytes = page,
			.mode = 0600,
		},
	};
	struct shmdev_create *arg = &all.arg;
	struct opened *door = any_door();
	int error = EINVAL;

	if (!door)
		return;
	switch (roll(15)) {
	case 0:
		arg->bytes = 0;
		break;
	case 1:
		arg->bytes = page + 1 + roll(page - 1);
		break;
	case 2:
		arg->bytes = -(__u64)page;
		break;
	case 3:
		strcpy(arg->name, "a/b");
		break;
	case 4:
		strcpy(arg->name, roll(2) ? "." : "..");
		break;
	case 5:
		memset(arg->name, 'x', sizeof(arg->name));
		error = ENAMETOOLONG;
		break;
	case 6:
		arg->flags = SHMDEV_CREATE_F_KEEP;
		break;
	case 7:
		arg->flags = SHMDEV_CREATE_F_LAZY;
		strcpy(arg->endpoint, SHMDEV_HELLO_ENDPOINT);
		break;
	case 8:
		arg->flags = 4U << roll(30);
		break;
	case 9:
		arg->mode = 01000 << roll(20);
		break;
	case 10:
		arg->reserved = 1U << roll(32);
		break;
	case 11:
		arg->size = roll(sizeof(*arg));
		break;
	case 12:
		arg->size = sizeof(all);
		all.tail[roll(sizeof(all.tail))] = 1;
		error = E2BIG;
		break;
	case 13:
		strcpy(arg->endpoint, "no such endpoint");
		error = ENOPROTOOPT;
		break;
	case 14:
		/* 2^62 bytes are more than all machines have. */
		arg->bytes = 1ULL << 62;
		error = sizeof(long) == 8 ? ENOSPC : 0;
		break;
	}
	if (!can_write(door) && error != E2BIG && arg->size >= sizeof(*arg) &&
	    !(arg->flags & ~SHMDEV_CREATE_F_ALL))
		error = EBADF;
	if (error)
		refused(error, ioctl(door->fd, SHMDEV_IOC_CREATE, arg));
	else
		hold_true(ioctl(door->fd, SHMDEV_IOC_CREATE, arg) == -1);
}

static void call_open_device(void)
{
	static const int ways[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int way = ways[roll(ARRAY_SIZE(ways))], fd;

	if (!has_room())
		return;
	fd = open(DEVICE, way | O_CLOEXEC);
	if (hold_true(fd >= 0))
		enter_new(fd, 0, way);
}

static void call_open(void)
{
	int actor = roll(actors), number = roll(NAMES_EACH);
	struct opened *file = any_file();
	__u32 way = roll(roll(4) ? 3 : 6);
	char name[SHMDEV_NAME_SIZE];
	int fd, slot, mine;

	if (!file || !has_room())
		return;
	name_of(name, actor, number);
	if (!is_door(file)) {
		refused(ENOTTY, open_named(file->fd, name, way));
		return;
	}
	if (way > 2) {
		refused(EINVAL, open_named(file->fd, name, way));
		return;
	}
	mine = actor == self ? slot_named(number) : NOTHING;
	fd = open_named(file->fd, name, way);
	if (fd < 0) {
		if (errno != ENOENT || (mine != NOTHING && holds_slot(mine)))
			fail("OPEN: %s", strerror(errno));
		return;
	}
	slot = slot_by_id(id_of(fd));
	if (actor == self && (slot == NOTHING || slot != mine))
		fail("OPEN found another segment, in slot %d", slot);
	if (slot != NOTHING && maker(slot) == actor)
		enter_new(fd, slot, way);
	else
		close(fd);	/* its maker is not back from CREATE yet */
}

static void call_remove(void)
{
	int number = roll(NAMES_EACH), slot = slot_named(number), ret;
	struct opened *door = any_door();
	struct shmdev_remove arg = { .size = sizeof(arg) };
	bool certain;

	if (!door)
		return;
	name_of(arg.name, self, number);
	if (!roll(4)) {
		arg.id = world->slots[0].id;
		refused(EINVAL, ioctl(door->fd, SHMDEV_IOC_REMOVE, &arg));
		refused(ENOENT, remove_id(door->fd, world->slots[0].id));
		return;
	}
	certain = slot != NOTHING && holds_slot(slot);
	if (slot != NOTHING && roll(2))
		ret = remove_id(door->fd, world->slots[slot].id);
	else
		ret = ioctl(door->fd, SHMDEV_IOC_REMOVE, &arg);
	if (ret && (errno != ENOENT || certain))
		fail("REMOVE: %s", strerror(errno));
	if (!ret && slot == NOTHING)
		fail("REMOVE of a name that nobody has");
	if (slot != NOTHING)
		world->slots[slot].named = false;
}

static void call_list(void)
{
	struct shmdev_info entries[4];
	struct opened *door = any_door();
	__u32 room = 1 + roll(4);
	__u64 after = 0;
	int count, i;

	if (!door)
		return;
	while ((count = list(door->fd, roll(2), after, entries, room)) > 0)
		for (i = 0; i < count; i++) {
			hold_true(entries[i].id > after);
			after = entries[i].id;
		}
	hold_true(!count);
}

static void call_info(void)
{
	struct opened *file = any_file();
	struct shmdev_info about;
	struct stat node;
	struct slot *slot;

	if (!file)
		return;
	slot = slot_of(file);
	if (!hold_true(!info(file->fd, &about)) ||
	    !hold_true(!fstat(file->fd, &node)))
		return;
	hold_true(about.id == slot->id);
	hold_true(about.bytes == slot->bytes);
	hold_true(about.inode == slot->inode);
	hold_true(about.files > 0);
	if (!is_door(file))
		hold_true(node.st_ino == about.inode &&
			  node.st_size == (off_t)slot->bytes);
}

static void call_mappings(void)
{
	struct shmdev_mapping entries[4];
	struct opened *file = any_file();
	__u32 room = roll(5), total = 0;
	int count;

	if (!file)
		return;
	count = mappings(file->fd, entries, room, &total);
	hold_true(count >= 0 && count == (int)(total < room ? total : room));
}

static void call_isolate_badly(void)
{
	struct opened *file = any_file();
	__u64 bytes;
	int error;

	if (!file)
		return;
	bytes = slot_of(file)->bytes;
	error = !can_write(file) || claim_of(file) != NOTHING ? EBADF :
		is_door(file) ? EPERM : 0;
	switch (roll(5)) {
	case 0:
		refused(error ?: EINVAL, isolate(file->fd, 0, 0, 0));
		break;
	case 1:
		refused(error ?: EINVAL,
			isolate(file->fd, 1 + roll(page - 1), page, 0));
		break;
	case 2:
		refused(error ?: EINVAL,
			isolate(file->fd, 0, 65 * page,
				SHMDEV_ISOLATE_F_CLAIMABLE));
		break;
	case 3:
		refused(error ?: ENXIO,
			isolate(file->fd, bytes - page, 2 * page, 0));
		break;
	case 4:
		if (error || is_isolated(slot_of(file)))
			refused(error ?: EEXIST,
				isolate(file->fd, 0, bytes, 0));
		break;
	}
}

static void call_claim(void)
{
	struct opened *file = any_file();
	struct slot *slot;
	__u64 offset;
	int fd, i;

	if (!file || !has_room())
		return;
	slot = slot_of(file);
	offset = slot->part * page;
	if (!can_read(file)) {
		refused(EBADF, claim(file->fd, &offset));
	} else if (!slot->claimable) {
		refused(ENXIO, claim(file->fd, &offset));
	} else if (!roll(8)) {
		offset += 1 + roll(page - 1);
		refused(EINVAL, claim(file->fd, &offset));
	} else {
		fd = claim(file->fd, &offset);
		if (fd < 0) {
			hold_true(errno == EBUSY &&
				  slot->claims >= slot->part_end - slot->part);
			return;
		}
		hold_true(offset / page >= slot->part &&
			  offset / page < slot->part_end);
		for (i = 0; i < opened_count; i++)
			hold_true(slot_of(&opened[i]) != slot ||
				  claim_of(&opened[i]) != offset / page);
		for (i = 0; i < ARENA; i++)
			hold_true(cells[i].slot == NOTHING ||
				  &world->slots[cells[i].slot] != slot ||
				  world->tokens[cells[i].token].claim !=
				  offset / page);
		atomic_fetch_add(&slot->claims, 1);
		enter_new(fd, slot - world->slots, O_RDWR);
		world->tokens[opened[opened_count - 1].token].claim =
			offset / page;
	}
}

static __u32 crc32(const char *bytes, size_t length)
{
	__u32 crc = ~0U;
	int bit;

	for (; length--; bytes++) {
		crc ^= (unsigned char)*bytes;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void check_answer(const struct opened *file, const char *request)
{
	struct shmdev_hello hello;

	if (!hold_true(pread(file->fd, &hello, sizeof(hello), 0) ==
		       sizeof(hello)))
		return;
	hold_true(!strcmp(hello.answer.text, request));
	hold_true(hello.answer.length == strlen(request));
	hold_true(hello.answer.crc32 == crc32(request, strlen(request)));
}

static void call_kick(void)
{
	struct opened *file = any_file();
	char request[64];
	struct slot *slot;

	if (!file)
		return;
	slot = slot_of(file);
	if (!can_write(file) || claim_of(file) != NOTHING) {
		refused(EBADF, kick(file->fd));
		return;
	}
	if (!slot->hello) {
		refused(ENOTCONN, kick(file->fd));
		return;
	}
	snprintf(request, sizeof(request), "%llx", next_random());
	if (!self) {
		const size_t at = offsetof(struct shmdev_hello, request);

		hold_true(pwrite(file->fd, request, sizeof(request), at) ==
			  sizeof(request));
		note_write(world->tokens[file->token].slot, 0, at, request,
			   sizeof(request));
	}
	if (!hold_true(!kick(file->fd)))
		return;
	atomic_fetch_add(&slot->kicks, 1);
	note_event(file->token);
	if (actors == 1 && can_read(file))
		check_answer(file, request);
}

static void call_look(void)
{
	struct shmdev_look arg = { .size = sizeof(arg) };
	struct opened *file = any_file();

	if (!file || !hold_true(!ioctl(file->fd, SHMDEV_IOC_LOOK, &arg)))
		return;
	if (actors == 1)
		hold_true(arg.events == slot_of(file)->events);
	world->tokens[file->token].looked = arg.events;
}

/* A page of this actor's in the segment of @file, or NOTHING. */
static int my_page(const struct opened *file)
{
	const struct slot *slot = slot_of(file);
	int at = roll(slot->pages);

	at = at - at % actors + self;
	return is_mine(slot, at) ? at : NOTHING;
}

/* What the word holds is certain: the page is this actor's. */
static void call_wait(void)
{
	struct shmdev_wait arg = { .size = sizeof(arg) };
	struct opened *file = any_file();
	__u32 word = 0;
	int at, slot, ret;

	if (!file)
		return;
	at = my_page(file);
	slot = world->tokens[file->token].slot;
	if (at == NOTHING)
		return;
	arg.offset = at * page + roll(page / 4) * 4;
	if (world->slots[slot].written[at])
		memcpy(&word, shadow(slot, at) + arg.offset % page, 4);
	arg.expected = word + !roll(3);
	if (roll(4))
		arg.timeout = roll(200) * 1000;
	else
		arg.flags = SHMDEV_WAIT_F_ABSOLUTE;
	if (!can_read(file)) {
		refused(EBADF, ioctl(file->fd, SHMDEV_IOC_WAIT, &arg));
		return;
	}
	ret = ioctl(file->fd, SHMDEV_IOC_WAIT, &arg);
	if (arg.expected != word)
		hold_true(ret == -1 && errno == EAGAIN);
	/* Somebody may wake, or be a peer that ends. */
	else if (ret || actors == 1)
		hold_true(ret == -1 && errno == ETIMEDOUT);
}

static void call_wake(void)
{
	struct opened *file = any_file();
	__u64 bytes;
	int count = roll(4);

	if (!file)
		return;
	bytes = slot_of(file)->bytes;
	if (!can_write(file)) {
		refused(EBADF, wake_word(file->fd, 0, 1));
	} else if (!roll(8)) {
		refused(EINVAL, wake_word(file->fd, 1 + roll(3), 1));
		refused(ENXIO, wake_word(file->fd, bytes, 1));
	} else {
		hold_true(wake_word(file->fd, roll(bytes / 4) * 4,
				    count == 3 ? SHMDEV_WAKE_ALL : count) >=
			  0);
		note_event(file->token);
	}
}

static struct holder *my_holder(void)
{
	return holder_of(self, -1);
}

static void call_join(void)
{
	struct opened *file = any_file();
	struct holder *me = my_holder();
	struct shmdev_peer entry;
	__u64 id = 0;

	if (!file)
		return;
	if (!roll(8)) {
		refused(EINVAL, join(file->fd, "a/b", NULL));
	} else if (has_bit(me->joins, file->token)) {
		refused(EALREADY, join(file->fd, "", NULL));
	} else if (hold_true(!join(file->fd, roll(2) ? "actor" : "", &id))) {
		note_join(me, file->token);
		hold_true(peers(file->fd, id, &entry, 1, NULL, NULL) == 1 &&
			  entry.id == id && entry.pid == (__u32)getpid() &&
			  entry.state == SHMDEV_PEER_ALIVE);
	}
}

static void call_leave(void)
{
	struct opened *file = any_file();
	struct holder *me = my_holder();

	if (!file)
		return;
	if (has_bit(me->joins, file->token)) {
		hold_true(!leave(file->fd));
		note_end(me, file->token);
	} else {
		refused(ESRCH, leave(file->fd));
	}
}

static void call_peers(void)
{
	struct shmdev_peer entries[4];
	struct opened *file = any_file();
	__u32 room = roll(5), total = 0, alive = 0;
	int count, slot;

	if (!file)
		return;
	slot = world->tokens[file->token].slot;
	count = peers(file->fd, 0, entries, room, &total, &alive);
	hold_true(count >= 0 && count == (int)(total < room ? total : room));
	hold_true(total - alive <= 64);
	hold_true(alive >= count_joins(my_holder(), slot));
	if (actors == 1)
		hold_true(alive == count_peers(slot));
}

static void call_version(void)
{
	struct shmdev_version arg = { .size = sizeof(arg) };
	struct opened *file = any_file();

	if (!file || !hold_true(!ioctl(file->fd, SHMDEV_IOC_VERSION, &arg)))
		return;
	hold_true(arg.abi == SHMDEV_ABI && arg.page_bytes == page &&
		  arg.features == SHMDEV_FEATURE_ALL &&
		  arg.default_bytes == world->slots[0].bytes);
}

static void enter_mapping(int at, int count, const struct opened *file,
			  __u32 first, int prot, bool shared)
{
	bool may_write = can_map_to_write(file, first, count);
	int i;

	for (i = 0; i < count; i++)
		cells[at + i] = (struct cell){
			.slot = world->tokens[file->token].slot,
			.token = file->token,
			.page = first + i,
			.prot = prot,
			.shared = shared,
			.may_write = !shared || may_write,
			.fixed = shared && may_write &&
				 is_isolated(slot_of(file)),
		};
}

static void call_mmap(void)
{
	static const int rights[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
		PROT_WRITE, PROT_NONE,
	};
	int prot = rights[roll(ARRAY_SIZE(rights))], at, count;
	struct opened *file = any_file();
	int kind = roll(3) ? MAP_SHARED : MAP_PRIVATE;
	struct slot *slot;
	__u32 first;
	char *view;

	if (!file)
		return;
	slot = slot_of(file);
	first = roll(3) ? 0 : roll(slot->pages);
	count = 1 + roll(roll(3) && slot->pages - first > 16 ?
			 16 : slot->pages - first);
	at = free_stretch(count);
	if (at == NOTHING)
		return;
	if (!can_read(file) || (kind == MAP_SHARED && prot & PROT_WRITE &&
				!can_map_to_write(file, first, count))) {
		refused(EACCES, mmap(NULL, count * page, prot, kind, file->fd,
				     first * page));
		return;
	}
	/* Here at once, or where the kernel likes it and then here. */
	if (roll(2))
		view = mmap(address(at), count * page, prot, kind | MAP_FIXED,
			    file->fd, first * page);
	else
		view = mmap(NULL, count * page, prot, kind, file->fd,
			    first * page);
	if (view != address(at) && view != MAP_FAILED)
		view = mremap(view, count * page, count * page,
			      MREMAP_MAYMOVE | MREMAP_FIXED, address(at));
	if (hold_true(view == address(at)))
		enter_mapping(at, count, file, first, prot,
			      kind == MAP_SHARED);
}

static void call_mmap_over(void)
{
	struct opened *file = any_file();
	struct slot *slot;
	int at, count;

	if (!file || !can_read(file))
		return;
	slot = slot_of(file);
	count = 1 + roll(slot->pages < 8 ? slot->pages : 8);
	at = roll(ARENA - count);
	if (hold_true(mmap(address(at), count * page, PROT_READ,
			   MAP_SHARED | MAP_FIXED, file->fd, 0) ==
		      address(at)))
		enter_mapping(at, count, file, 0, PROT_READ, true);
}

static void call_mmap_badly(void)
{
	struct opened *file = any_file();
	struct slot *slot;
	__u64 pages;

	if (!file || !can_read(file))
		return;
	slot = slot_of(file);
	pages = slot->bytes / page;
	switch (roll(4)) {
	case 0:
		refused(ENXIO, mmap(NULL, (pages + 1) * page, PROT_READ,
				    MAP_SHARED, file->fd, 0));
		break;
	case 1:
		refused(ENXIO, mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE,
				    file->fd, (pages - 1) * page));
		break;
	case 2:
		refused(EPERM, mmap(NULL, page, PROT_READ | PROT_EXEC,
				    MAP_SHARED, file->fd, 0));
		break;
	case 3:
		refused(EINVAL, mmap(NULL, page, PROT_READ, MAP_SHARED,
				     file->fd, 1 + roll(page - 1)));
		break;
	}
}

static void write_shared(int at, size_t offset, __u64 value)
{
	struct cell *cell = &cells[at];

	if (store(address(at) + offset, value))
		fail("writing to page %u of slot %d is refused", cell->page,
		     cell->slot);
	else
		note_write(cell->slot, cell->page, offset, &value,
			   sizeof(value));
}

static void write_private(int at, size_t offset, __u64 value)
{
	struct cell *cell = &cells[at];
	bool known = !cell->copied &&
		     is_mine(&world->slots[cell->slot], cell->page);

	if (store(address(at) + offset, value) ||
	    load_page(copy_of(at), address(at))) {
		fail("writing to a private page is refused");
		return;
	}
	cell->copied = true;
	hold_true(!memcmp(copy_of(at) + offset, &value, sizeof(value)));
	if (known) {
		static char before[1 << 16];

		memcpy(before, copy_of(at), page);
		if (world->slots[cell->slot].written[cell->page])
			memcpy(before + offset,
			       shadow(cell->slot, cell->page) + offset,
			       sizeof(value));
		else
			memset(before + offset, 0, sizeof(value));
		hold_true(same_bytes(cell->slot, cell->page, before));
	}
}

static void call_touch(void)
{
	int at = any_cell(), sig, wanted;
	size_t offset = roll(page / 8) * 8;
	struct cell *cell;

	if (at == NOTHING)
		return;
	cell = &cells[at];
	check_cell(at, false);
	wanted = expected_signal(cell, PROT_WRITE);
	if (wanted) {
		sig = store(address(at) + offset, 0);
		if (sig != wanted)
			fail("writing to page %u: signal %d, not %d",
			     cell->page, sig, wanted);
	} else if (!cell->shared) {
		write_private(at, offset, next_random());
	} else if (is_mine(&world->slots[cell->slot], cell->page)) {
		write_shared(at, offset, next_random());
	}
}

static void call_munmap(void)
{
	int first = any_cell(), count;

	if (first == NOTHING)
		return;
	count = 1 + roll(roll(2) ? 4 : ARENA);
	if (count > ARENA - first)
		count = ARENA - first;
	if (hold_true(!munmap(address(first), count * page)))
		reserve(first, count);
}

static void call_mprotect(void)
{
	static const int rights[] = {
		PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE, PROT_NONE,
		PROT_READ | PROT_EXEC,
	};
	int prot = rights[roll(ARRAY_SIZE(rights))], count, i, ret;
	int first = any_run(&count);

	if (first == NOTHING)
		return;
	if (prot & PROT_EXEC) {
		refused(EACCES, mprotect(address(first), count * page, prot));
		return;
	}
	ret = mprotect(address(first), count * page, prot);
	if (ret && errno != EACCES)
		fail("mprotect: %s", strerror(errno));
	/* It goes as far as it may. */
	for (i = first; i < first + count; i++) {
		if (prot & PROT_WRITE && !cells[i].may_write)
			break;
		cells[i].prot = prot;
	}
	hold_true(!ret == (i == first + count));
}

/* The last page before a gap becomes more pages; the end may be passed. */
static void call_grow(void)
{
	int at = any_cell(), count, i;

	if (at == NOTHING)
		return;
	while (at + 1 < ARENA && cells[at + 1].slot != NOTHING)
		at++;
	for (count = 1 + roll(8); count; count--) {
		for (i = 1; i <= count; i++)
			if (at + i >= ARENA || cells[at + i].slot != NOTHING)
				break;
		if (i > count)
			break;
	}
	if (!count)
		return;
	hold_true(!munmap(address(at + 1), count * page));
	if (cells[at].fixed) {
		refused(EFAULT, mremap(address(at), page, (1 + count) * page,
				       0));
		reserve(at + 1, count);
		return;
	}
	if (!hold_true(mremap(address(at), page, (1 + count) * page, 0) ==
		       address(at))) {
		reserve(at + 1, count);
		return;
	}
	for (i = 1; i <= count; i++) {
		cells[at + i] = cells[at];
		cells[at + i].page += i;
		cells[at + i].copied = false;
	}
}

static void call_shrink(void)
{
	int count, left, first = any_run(&count);

	if (first == NOTHING || count < 2)
		return;
	left = 1 + roll(count - 1);
	if (mremap(address(first), count * page, left * page, 0) ==
	    address(first))
		reserve(first + left, count - left);
	else
		hold_true(errno == EFAULT);	/* of several mappings */
}

static void call_move(void)
{
	int count, i, to, first = any_run(&count);
	bool leave = !roll(3);

	if (first == NOTHING)
		return;
	while (!is_uniform(first, count))
		count--;
	to = free_stretch(count);
	if (to == NOTHING)
		return;
	if (mremap(address(first), count * page, count * page,
		   MREMAP_MAYMOVE | MREMAP_FIXED |
		   (leave ? MREMAP_DONTUNMAP : 0), address(to)) !=
	    address(to)) {
		/* Mappings that look like one need not be one. */
		if ((errno != EFAULT || count == 1) &&
		    (errno != EINVAL || !leave || !cells[first].fixed))
			fail("mremap: %s", strerror(errno));
		reserve(to, count);
		return;
	}
	for (i = 0; i < count; i++) {
		cells[to + i] = cells[first + i];
		if (cells[to + i].copied)
			memcpy(copy_of(to + i), copy_of(first + i), page);
		cells[first + i].copied = false;
	}
	if (!leave)
		reserve(first, count);
}

static void call_duplicate(void)
{
	int count = 1 + roll(8), at = any_cell(), to = free_stretch(count), i;

	if (at == NOTHING || to == NOTHING || !cells[at].shared)
		return;
	if (cells[at].fixed) {
		refused(EFAULT, mremap(address(at), 0, count * page,
				       MREMAP_MAYMOVE | MREMAP_FIXED,
				       address(to)));
		reserve(to, count);
		return;
	}
	if (!hold_true(mremap(address(at), 0, count * page,
			      MREMAP_MAYMOVE | MREMAP_FIXED, address(to)) ==
		       address(to))) {
		reserve(to, count);
		return;
	}
	for (i = 0; i < count; i++) {
		cells[to + i] = cells[at];
		cells[to + i].page += i;
	}
}

static void call_madvise(void)
{
	static const int advices[] = {
		MADV_REMOVE, MADV_DONTNEED, MADV_DONTNEED, MADV_PAGEOUT,
		MADV_COLD, MADV_COLLAPSE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_DONTFORK, MADV_DOFORK, MADV_WILLNEED, MADV_FREE,
	};
	int advice = advices[roll(ARRAY_SIZE(advices))], count, i, ret;
	int first = any_run(&count);

	if (first == NOTHING)
		return;
	ret = madvise(address(first), count * page, advice);
	switch (advice) {
	case MADV_REMOVE:
	case MADV_FREE:
		hold_true(ret);
		break;
	case MADV_DONTNEED:
		hold_true(!ret);
		for (i = first; i < first + count; i++)
			cells[i].copied = false;
		break;
	case MADV_DONTFORK:
	case MADV_DOFORK:
		hold_true(!ret);
		for (i = first; i < first + count; i++)
			cells[i].stays = advice == MADV_DONTFORK;
		break;
	}
}

static void end_kid(int kid)
{
	struct holder *holder = holder_of(self, kid);
	int i;

	if (!holder->pid)
		return;
	kill(holder->pid, SIGKILL);
	hold_true(reap(holder->pid) == 128 + SIGKILL);
	for (i = 0; i < TOKENS; i++)
		note_end(holder, i);
	holder->pid = 0;
}

/* A place for one more child; if there is none, a child makes room. */
static int place_for_kid(void)
{
	int kid;

	for (kid = 0; kid < KIDS; kid++)
		if (!holder_of(self, kid)->pid)
			return kid;
	kid = roll(KIDS);
	end_kid(kid);
	return kid;
}

/* After fork(): what stayed behind is not here. */
static void leave_behind(void)
{
	int i;

	for (i = 0; i < ARENA; i++)
		if (cells[i].slot != NOTHING && cells[i].stays)
			cells[i] = (struct cell){ .slot = NOTHING };
}

/* The child says when it is as it stays; true if it did. */
static bool await_kid(int ready[2])
{
	char byte;
	bool said;

	close(ready[1]);
	said = read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	return said;
}

/* A child inherits the files, but is no peer through them until it joins. */
static void join_as_kid(struct holder *holder)
{
	int i;

	for (i = 0; i < opened_count; i++) {
		if (roll(4))
			continue;
		if (has_bit(holder->joins, opened[i].token))
			refused(EALREADY, join(opened[i].fd, "", NULL));
		else if (hold_true(!join(opened[i].fd, "kid", NULL)))
			note_join(holder, opened[i].token);
	}
}

/* Waits until it is killed, if it may. */
static void sleep_as_kid(void)
{
	struct opened *file = opened_count ? &opened[roll(opened_count)] : NULL;
	__u64 at = file ? roll(slot_of(file)->bytes / 4) * 4 : 0;
	__u32 word;

	while (file && can_read(file) && roll(2)) {
		CHILD_CHECK(pread(file->fd, &word, sizeof(word), at) ==
			    sizeof(word));
		wait_word(file->fd, at, word, SHMDEV_WAIT_FOREVER);
	}
	for (;;)
		pause();
}

static void call_fork(void)
{
	int kid = place_for_kid(), ready[2], i;
	struct holder *holder = holder_of(self, kid);
	pid_t pid;

	if (!hold_true(!pipe2(ready, O_CLOEXEC)))
		return;
	pid = fork_child();
	if (!pid) {
		leave_behind();
		publish_holds(holder);
		check_maps();
		for (i = 0; i < ARENA; i++)
			if (cells[i].slot != NOTHING && !roll(8))
				check_cell(i, false);
		join_as_kid(holder);
		CHILD_CHECK(write(ready[1], "!", 1) == 1);
		sleep_as_kid();
	}
	holder->restless = false;
	holder->pid = pid;
	hold_true(await_kid(ready));
}

/* What a descriptor is worth to a program that knows nothing else. */
static int live_after_exec(char **arguments)
{
	int fd = atoi(arguments[0]), ready = atoi(arguments[1]);
	__u64 id = strtoull(arguments[2], NULL, 10);
	struct shmdev_mapping entries[64];
	struct line lines[4];
	int count, i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHILD_CHECK(id_of(fd) == id);
	CHILD_CHECK(!read_maps(getpid(), lines, ARRAY_SIZE(lines)));
	count = mappings(fd, entries, ARRAY_SIZE(entries), NULL);
	CHILD_CHECK(count >= 0);
	for (i = 0; i < count; i++)
		CHILD_CHECK(entries[i].pid != (__u32)getpid());
	/* One opened only for writing cannot be mapped. */
	map(fd, page_bytes(), PROT_READ);
	/* The program that joined has been replaced. */
	CHILD_CHECK(leave(fd) == -1 && errno == ESRCH);
	CHILD_CHECK(!join(fd, "program", NULL));
	CHILD_CHECK(write(ready, "!", 1) == 1);
	for (;;)
		pause();
}

static void call_exec(void)
{
	struct opened *file = any_file();
	int kid = place_for_kid(), ready[2], i;
	struct holder *holder = holder_of(self, kid);
	char fd[12], to[12], id[24];
	pid_t pid;

	if (!file || !hold_true(!pipe2(ready, O_CLOEXEC)))
		return;
	pid = fork_child();
	if (!pid) {
		snprintf(fd, sizeof(fd), "%d", dup(file->fd));
		snprintf(to, sizeof(to), "%d", dup(ready[1]));
		snprintf(id, sizeof(id), "%llu", slot_of(file)->id);
		memset(holder->holds, 0, sizeof(holder->holds));
		set_bit(holder->holds, file->token);
		for (i = 0; i < opened_count; i++)
			if (!opened[i].cloexec)
				set_bit(holder->holds, opened[i].token);
		CHILD_CHECK(!join(file->fd, "kid", NULL));
		note_join(holder, file->token);
		note_end(holder, file->token);
		note_join(holder, file->token);
		execl("/proc/self/exe", "lives", "--after-exec", fd, to, id,
		      NULL);
		_exit(1);
	}
	holder->restless = false;
	holder->pid = pid;
	hold_true(await_kid(ready));
}

/* Lives of its own, among what it inherited, until it is killed. */
static void be_restless(void)
{
	char name[SHMDEV_NAME_SIZE];
	__u64 word = next_random(), got;
	int door = open_door(), fd, round;
	char *view;

	CHILD_CHECK(door >= 0);
	for (round = 0; round < 5000; round++) {
		size_t bytes = (1 + roll(20)) * page;

		fd = create(door, NULL, bytes, 0600,
			    roll(2) ? SHMDEV_CREATE_F_LAZY : 0, NULL);
		CHILD_CHECK(fd >= 0);
		view = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    roll(3) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		CHILD_CHECK(view != MAP_FAILED);
		CHILD_CHECK(!*view);
		CHILD_CHECK(pwrite(fd, &word, 8, bytes - 8) == 8);
		CHILD_CHECK(pread(fd, &got, 8, bytes - 8) == 8 && got == word);
		memcpy(&got, view + bytes - 8, 8);
		CHILD_CHECK(got == word);
		CHILD_CHECK(mappings_total(fd) >= 1);
		CHILD_CHECK(!join(fd, "restless", NULL));
		CHILD_CHECK(peers_of(fd) == 1);
		CHILD_CHECK(wait_word(fd, bytes - 8, roll(2) ? word : ~word,
				      roll(20000)) == -1);
		CHILD_CHECK(!wake_word(fd, bytes - 8, SHMDEV_WAKE_ALL));
		if (roll(2))
			CHILD_CHECK(!leave(fd) && !peers_of(fd));
		munmap(view, roll(2) ? bytes : page);
		close(fd);

		name_of(name, roll(actors), roll(NAMES_EACH));
		fd = open_named(door, name, O_RDWR);
		if (fd >= 0) {
			view = map(fd, page, PROT_READ);
			CHILD_CHECK(view != MAP_FAILED);
			got = *(volatile char *)view;
			if (roll(2))
				close(fd);
			if (roll(2))
				munmap(view, page);
		}
		if (!roll(8) && opened_count) {
			struct opened *file = &opened[roll(opened_count)];

			close(file->fd);
			forget_file(file);
		}
		if (!roll(8))
			munmap(address(roll(ARENA - 8)), 8 * page);
	}
	for (;;)
		pause();
}

/* With others around, it is killed some steps on, wherever it is then. */
static void call_fork_restless(void)
{
	int kid = place_for_kid();
	struct holder *holder = holder_of(self, kid);
	pid_t pid = fork_child();

	if (!pid)
		be_restless();
	holder->restless = true;
	holder->pid = pid;
	if (actors == 1)
		usleep(roll(5000));
}

static void call_kill(void)
{
	end_kid(roll(KIDS));
}

static void call_dup(void)
{
	struct opened *file = any_file(), *other;
	int fd;

	if (!file)
		return;
	switch (roll(3)) {
	case 0:
		if (!has_room())
			return;
		fd = dup(file->fd);
		if (hold_true(fd >= 0))
			enter(fd, file->token, false);
		break;
	case 1:
		if (!has_room())
			return;
		fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
		if (hold_true(fd >= 0))
			enter(fd, file->token, true);
		break;
	case 2:
		other = &opened[roll(opened_count)];
		if (other == file)
			return;
		if (hold_true(dup2(file->fd, other->fd) == other->fd)) {
			note_end(my_holder(), other->token);
			other->token = file->token;
			other->cloexec = false;
		}
		break;
	}
}

static void call_close(void)
{
	struct opened *file = any_file();

	if (file && hold_true(!close(file->fd))) {
		note_end(my_holder(), file->token);
		forget_file(file);
	}
}

static void check_poll(const struct opened *file, int got)
{
	const struct token *token = &world->tokens[file->token];

	hold_true(!(got & POLLOUT) == !can_write(file));
	hold_true(!(got & POLLIN) || can_read(file));
	if (actors == 1)
		hold_true(!(got & POLLIN) ==
			  !(can_read(file) &&
			    world->slots[token->slot].events != token->looked));
}

static void call_poll(void)
{
	struct opened *file = any_file();
	struct pollfd wait = { .events = POLLIN | POLLOUT };

	if (!file)
		return;
	wait.fd = file->fd;
	hold_true(poll(&wait, 1, roll(2)) >= 0);
	check_poll(file, wait.revents);
}

/* The descriptor that epoll knows may be closed before epoll is. */
static void call_epoll(void)
{
	struct opened *file = any_file();
	int epoll = epoll_create1(EPOLL_CLOEXEC), copy;
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | (roll(2) ? EPOLLET : 0),
	}, got = {};
	bool early = roll(2);

	if (!file || !hold_true(epoll >= 0))
		return;
	copy = dup(file->fd);
	hold_true(!epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event));
	if (early) {
		close(copy);
		note_end(my_holder(), file->token);
	}
	hold_true(epoll_wait(epoll, &got, 1, 0) >= 0);
	check_poll(file, got.events);
	close(epoll);
	if (!early)
		close(copy);
	note_end(my_holder(), file->token);
}

static void fill(char *bytes, size_t length)
{
	while (length--)
		*bytes++ = roll(256);
}

static void call_pwrite(void)
{
	struct opened *file = any_file();
	size_t offset = roll(page - 100), length = 1 + roll(100);
	char bytes[100];
	int at;

	if (!file)
		return;
	at = my_page(file);
	fill(bytes, sizeof(bytes));
	if (!can_write(file)) {
		refused(EBADF, pwrite(file->fd, bytes, length, 0));
	} else if (!roll(4)) {
		refused(ENOSPC, pwrite(file->fd, bytes, length,
				       slot_of(file)->bytes + offset));
	} else if (is_isolated(slot_of(file))) {
		refused(EPERM, pwrite(file->fd, bytes, length, 0));
	} else if (at != NOTHING) {
		/* What would go past the end is cut off. */
		if (slot_of(file)->bytes == (at + 1) * page && roll(2)) {
			offset = page - length;
			hold_true(pwrite(file->fd, bytes, sizeof(bytes),
					 at * page + offset) == length);
		} else {
			hold_true(pwrite(file->fd, bytes, length,
					 at * page + offset) == length);
		}
		note_write(world->tokens[file->token].slot, at, offset, bytes,
			   length);
	}
}

static void call_pread(void)
{
	static char bytes[1 << 16];
	struct opened *file = any_file();
	int at;

	if (!file)
		return;
	at = my_page(file);
	if (!can_read(file)) {
		refused(EBADF, pread(file->fd, bytes, page, 0));
	} else if (at == NOTHING) {
		hold_true(!pread(file->fd, bytes, page, slot_of(file)->bytes));
	} else {
		hold_true(pread(file->fd, bytes, page, at * page) ==
			  (ssize_t)page);
		hold_true(same_bytes(world->tokens[file->token].slot, at,
				     bytes));
	}
}

/* The position belongs to the open file, so this needs one of its own. */
static void call_read_write(void)
{
	struct opened *file = any_file();
	char bytes[64], back[64];
	int at, fd;
	off_t where;

	if (!file)
		return;
	at = my_page(file);
	fd = reopen(file->fd, O_RDWR);
	if (!hold_true(fd >= 0))
		return;
	hold_true(lseek(fd, 0, SEEK_END) == (off_t)slot_of(file)->bytes);
	if (is_isolated(slot_of(file))) {
		hold_true(!lseek(fd, 0, SEEK_SET));
		refused(EPERM, write(fd, bytes, sizeof(bytes)));
	} else if (at != NOTHING) {
		where = at * page + roll(page - sizeof(bytes));
		fill(bytes, sizeof(bytes));
		hold_true(lseek(fd, where, SEEK_SET) == where);
		hold_true(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
		note_write(world->tokens[file->token].slot, at, where % page,
			   bytes, sizeof(bytes));
		hold_true(lseek(fd, -(off_t)sizeof(bytes), SEEK_CUR) == where);
		hold_true(read(fd, back, sizeof(back)) == sizeof(back));
		hold_true(!memcmp(bytes, back, sizeof(back)));
	}
	close(fd);
}

static void call_splice(void)
{
	static char bytes[1 << 16];
	struct opened *file = any_file();
	int at, pipes[2];
	loff_t where;

	if (!file)
		return;
	at = my_page(file);
	if (at == NOTHING || !hold_true(!pipe2(pipes, O_CLOEXEC)))
		return;
	where = at * page;
	if (can_write(file) && roll(2)) {
		fill(bytes, page);
		hold_true(write(pipes[1], bytes, page) == (ssize_t)page);
		if (is_isolated(slot_of(file))) {
			refused(EPERM, splice(pipes[0], NULL, file->fd, &where,
					      page, 0));
			goto out;
		}
		hold_true(splice(pipes[0], NULL, file->fd, &where, page, 0) ==
			  (ssize_t)page);
		note_write(world->tokens[file->token].slot, at, 0, bytes, page);
	} else if (can_read(file)) {
		hold_true(splice(file->fd, &where, pipes[1], NULL, page, 0) ==
			  (ssize_t)page);
		hold_true(read(pipes[0], bytes, page) == (ssize_t)page);
		hold_true(same_bytes(world->tokens[file->token].slot, at,
				     bytes));
	}
out:
	close(pipes[0]);
	close(pipes[1]);
}

static void call_resize(void)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE,
	};
	struct opened *file = any_file();
	off_t bytes;

	if (!file)
		return;
	bytes = slot_of(file)->bytes;
	hold_true(fallocate(file->fd, modes[roll(ARRAY_SIZE(modes))],
			    roll(4) * page, (1 + roll(4)) * page) == -1);
	hold_true(ftruncate(file->fd, roll(2) ? bytes + page :
			    (off_t)roll(bytes)) == -1);
	if (can_write(file) && !is_door(file))
		refused(EPERM, ftruncate(file->fd, 0));
}

static void call_fchmod(void)
{
	struct opened *file = any_file();
	struct slot *slot;

	/* That of the door is the administrator's. */
	if (!file || is_door(file) ||
	    maker(world->tokens[file->token].slot) != self)
		return;
	slot = slot_of(file);
	slot->mode = roll(01000);
	hold_true(!fchmod(file->fd, slot->mode));
}

static void receive_file(void)
{
	char control[CMSG_SPACE(sizeof(int))];
	int token, fd;
	struct iovec part = { &token, sizeof(token) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights;

	if (recvmsg(mailboxes[self][0], &message,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(token)) {
		hold_true(errno == EAGAIN);
		return;
	}
	rights = CMSG_FIRSTHDR(&message);
	if (!hold_true(rights && rights->cmsg_type == SCM_RIGHTS))
		return;
	memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	hold_true(id_of(fd) == world->slots[world->tokens[token].slot].id);
	if (opened_count < OPENED) {
		enter(fd, token, true);
	} else {
		close(fd);
		note_end(my_holder(), token);
	}
}

static void call_pass(void)
{
	struct opened *file = any_file();
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec part = {};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	if (!file)
		return;
	part.iov_base = &file->token;
	part.iov_len = sizeof(file->token);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &file->fd, sizeof(int));
	if (sendmsg(mailboxes[roll(actors)][1], &message, MSG_DONTWAIT) < 0) {
		hold_true(errno == EAGAIN);
	} else if (roll(2)) {
		/* Now nothing but the message may hold it. */
		close(file->fd);
		note_end(my_holder(), file->token);
		forget_file(file);
	}
}

static void call_reopen(void)
{
	struct opened *file = any_file();
	int way = roll(3), path, fd;

	if (!file || !has_room())
		return;
	path = roll(2) ? reopen(file->fd, O_PATH) : NOTHING;
	fd = reopen(path == NOTHING ? file->fd : path, way);
	if (path != NOTHING)
		close(path);
	if (hold_true(fd >= 0))
		enter_new(fd, world->tokens[file->token].slot, way);
}

static void call_unload(void)
{
	hold_true(unload_module("shmdev") == -1 &&
		  (errno == EBUSY || errno == EAGAIN));
}

/* How often a call is made, in comparison to the others. */
static const struct {
	void (*make)(void);
	const char *name;
	int weight;
} calls[] = {
	{ call_create, "CREATE", 10 },
	{ call_create_badly, "bad CREATE", 3 },
	{ call_open_device, "open", 4 },
	{ call_open, "OPEN", 6 },
	{ call_remove, "REMOVE", 4 },
	{ call_list, "LIST", 2 },
	{ call_info, "INFO", 2 },
	{ call_mappings, "MAPPINGS", 3 },
	{ call_isolate_badly, "bad ISOLATE", 2 },
	{ call_claim, "CLAIM", 5 },
	{ call_kick, "KICK", 4 },
	{ call_look, "LOOK", 2 },
	{ call_wait, "WAIT", 3 },
	{ call_wake, "WAKE", 3 },
	{ call_join, "JOIN", 7 },
	{ call_leave, "LEAVE", 3 },
	{ call_peers, "PEERS", 2 },
	{ call_version, "VERSION", 1 },
	{ call_mmap, "mmap", 16 },
	{ call_mmap_over, "mmap over others", 2 },
	{ call_mmap_badly, "bad mmap", 2 },
	{ call_touch, "touch", 16 },
	{ call_munmap, "munmap", 4 },
	{ call_mprotect, "mprotect", 5 },
	{ call_grow, "mremap to grow", 3 },
	{ call_shrink, "mremap to shrink", 2 },
	{ call_move, "mremap to move", 4 },
	{ call_duplicate, "mremap to duplicate", 3 },
	{ call_madvise, "madvise", 8 },
	{ call_fork, "fork", 4 },
	{ call_exec, "exec", 2 },
	{ call_fork_restless, "fork a restless one", 3 },
	{ call_kill, "kill", 3 },
	{ call_dup, "dup", 4 },
	{ call_close, "close", 9 },
	{ call_poll, "poll", 3 },
	{ call_epoll, "epoll", 2 },
	{ call_pwrite, "pwrite", 4 },
	{ call_pread, "pread", 3 },
	{ call_read_write, "read and write", 3 },
	{ call_splice, "splice", 3 },
	{ call_resize, "fallocate and ftruncate", 2 },
	{ call_fchmod, "fchmod", 2 },
	{ call_pass, "pass", 4 },
	{ receive_file, "receive", 3 },
	{ call_reopen, "reopen", 4 },
	{ call_unload, "unload", 1 },
};

static void take_step(int number)
{
	int i, total = 0, pick;

	step_number = number;
	set_dice(self, number);
	for (i = 0; i < (int)ARRAY_SIZE(calls); i++)
		total += calls[i].weight;
	pick = roll(total);
	for (i = 0; pick >= calls[i].weight; i++)
		pick -= calls[i].weight;
	step_name = calls[i].name;
	calls[i].make();
}

/* Nothing moves, nothing is under way; and what this actor has is right. */
static void stand_still(void)
{
	int kid, i, before;

	for (kid = 0; kid < KIDS; kid++)
		if (holder_of(self, kid)->restless)
			end_kid(kid);
	do {
		struct pollfd mail = { mailboxes[self][0], POLLIN, 0 };

		before = poll(&mail, 1, 0);
		if (before > 0)
			receive_file();
	} while (before > 0);
	check_maps();
	for (i = 0; i < ARENA; i++)
		if (cells[i].slot != NOTHING && !roll(4))
			check_cell(i, true);
	publish_holds(my_holder());
}

static void give_everything_back(void)
{
	int i;

	for (i = 0; i < KIDS; i++)
		end_kid(i);
	munmap(arena, ARENA * page);
	for (i = 0; i < opened_count; i++)
		close(opened[i].fd);
}

/* The conductor says how far: to a step, to stand still, or to the end. */
enum order { STAND = -1, END = -2 };

static void act(int orders)
{
	const size_t huge = 2 * MIB;
	int order, number = 0;
	char *room;

	catch_refusals();
	room = mmap(NULL, ARENA * page + huge, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	copies = mmap(NULL, ARENA * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHILD_CHECK(room != MAP_FAILED && copies != MAP_FAILED);
	arena = (char *)(((uintptr_t)room + huge - 1) & ~(huge - 1));
	reserve(0, ARENA);
	set_dice(self, NOTHING);
	call_open_device();
	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		if (order == END) {
			give_everything_back();
			_exit(0);
		}
		if (order == STAND)
			stand_still();
		for (; number < order && !world->failed; number++)
			take_step(number);
		CHILD_CHECK(write(orders, &order, sizeof(order)) ==
			    sizeof(order));
	}
	_exit(1);
}

/* The conductor's part. */

static int door = NOTHING;
static int orders[ACTORS];
static struct shmdev_info listed_before[64], entries[256];
static int count_before;

static bool order_all(int order)
{
	int i, answer;

	for (i = 0; i < actors; i++)
		if (write(orders[i], &order, sizeof(order)) != sizeof(order))
			fail("actor %d is gone", i);
	for (i = 0; i < actors; i++) {
		struct pollfd wait = { orders[i], POLLIN, 0 };

		if (poll(&wait, 1, 120000) != 1)
			fail("actor %d does not come back", i);
		else if (read(orders[i], &answer, sizeof(answer)) !=
			 sizeof(answer))
			fail("actor %d died", i);
		if (world->failed)
			return false;
	}
	return !world->failed;
}

static bool was_there_before(__u64 id)
{
	int i;

	for (i = 0; i < count_before; i++)
		if (listed_before[i].id == id)
			return true;
	return false;
}

/* How many open files each segment must have. */
static void count_files(int *files)
{
	__u64 held[TOKENS / 64] = {};
	int i, j;

	for (i = 0; i < PROCESSES; i++)
		for (j = 0; world->holders[i].pid && j < TOKENS / 64; j++)
			held[j] |= world->holders[i].holds[j];
	for (i = 0; i < TOKENS; i++)
		if (has_bit(held, i))
			files[world->tokens[i].slot]++;
	files[0] += listed_before[0].files;
}

static void check_entry(const struct shmdev_info *entry, int number, int files,
			int lines)
{
	const struct slot *slot = &world->slots[number];
	char name[SHMDEV_NAME_SIZE] = "";
	__u32 flags = 0;

	if (slot->named)
		name_of(name, maker(number), slot->name);
	if (is_kept(slot))
		flags |= SHMDEV_INFO_F_KEEP;
	if (slot->flags & SHMDEV_CREATE_F_LAZY)
		flags |= SHMDEV_INFO_F_LAZY;
	if (!number)
		flags |= SHMDEV_INFO_F_DEFAULT;
	if (is_isolated(slot))
		flags |= SHMDEV_INFO_F_ISOLATED;
	if (strcmp(entry->name, name))
		fail("slot %d is named \"%s\", not \"%s\"", number,
		     entry->name, name);
	if (entry->files != files)
		fail("slot %d has %u files, not %d", number, entry->files,
		     files);
	if (entry->mappings != lines)
		fail("slot %d has %u mappings, not %d", number,
		     entry->mappings, lines);
	if (entry->peers != count_peers(number))
		fail("slot %d has %u peers, not %u", number, entry->peers,
		     count_peers(number));
	if (entry->kicks != slot->kicks || entry->events != slot->events)
		fail("slot %d had %llu kicks and %llu events, not %llu and %llu",
		     number, entry->kicks, entry->events, slot->kicks,
		     slot->events);
	if (entry->flags != flags || entry->bytes != slot->bytes ||
	    entry->inode != slot->inode || entry->resident > entry->bytes)
		fail("slot %d: flags %#x, bytes %llu, inode %llu, resident %llu",
		     number, entry->flags, entry->bytes, entry->inode,
		     entry->resident);
	if (number && entry->mode != slot->mode)
		fail("slot %d has mode %o, not %o", number, entry->mode,
		     slot->mode);
}

/* Any way to a segment; the names are but one. */
static int find_file(int number, const struct line *lines, int count)
{
	const struct slot *slot = &world->slots[number];
	char path[80], name[SHMDEV_NAME_SIZE];
	int i, fd;

	if (!number)
		return reopen(door, O_RDONLY);
	if (slot->named) {
		name_of(name, maker(number), slot->name);
		return open_named(door, name, O_RDONLY);
	}
	for (i = 0; i < count; i++) {
		if (lines[i].slot != number)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx",
			 lines[i].pid, lines[i].start,
			 lines[i].start + (unsigned long)lines[i].bytes);
		return open(path, O_RDONLY | O_CLOEXEC);
	}
	for (i = 0; i < PROCESSES; i++)
		for (fd = 0; world->holders[i].pid && fd < 256; fd++) {
			struct stat node;

			snprintf(path, sizeof(path), "/proc/%d/fd/%d",
				 world->holders[i].pid, fd);
			if (!stat(path, &node) && S_ISREG(node.st_mode) &&
			    node.st_ino == slot->inode &&
			    node.st_size == (off_t)slot->bytes)
				return open(path, O_RDONLY | O_CLOEXEC);
		}
	return -1;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return x->flags < y->flags ? -1 : x->flags > y->flags;
}

#define LINES 8192

static void check_mappings(int number, int fd, const struct line *lines,
			   int count)
{
	static struct shmdev_mapping found[LINES];
	static struct line wanted[LINES], got[LINES];
	int i, wanted_count = 0;
	__u32 total = 0;

	for (i = 0; i < count; i++)
		if (lines[i].slot == number)
			wanted[wanted_count++] = lines[i];
	if (mappings(fd, found, LINES, &total) != wanted_count ||
	    total != wanted_count) {
		fail("slot %d: MAPPINGS has %u, /proc %d", number, total,
		     wanted_count);
		return;
	}
	for (i = 0; i < wanted_count; i++)
		got[i] = (struct line){
			.pid = found[i].pid,
			.offset = found[i].offset,
			.bytes = found[i].bytes,
			.flags = found[i].flags,
		};
	qsort(wanted, wanted_count, sizeof(*wanted), compare_lines);
	qsort(got, wanted_count, sizeof(*got), compare_lines);
	for (i = 0; i < wanted_count; i++)
		if (compare_lines(&wanted[i], &got[i]))
			fail("slot %d: MAPPINGS: %d %llx %llx %x, /proc: %d %llx %llx %x",
			     number, got[i].pid, got[i].offset, got[i].bytes,
			     got[i].flags, wanted[i].pid, wanted[i].offset,
			     wanted[i].bytes, wanted[i].flags);
}

/* Those who are alive are the processes that joined, and each as often. */
static void check_peers(int number, int fd)
{
	static struct shmdev_peer found[PROCESSES * OPENED + 64];
	__u32 total = 0, alive = 0, i;
	int count, j;

	count = peers(fd, 0, found, ARRAY_SIZE(found), &total, &alive);
	if (!hold_true(count >= 0 && count == (int)total))
		return;
	if (alive != count_peers(number))
		fail("slot %d: PEERS has %u alive, not %u", number, alive,
		     count_peers(number));
	for (i = 0; i < total; i++)
		hold_true((found[i].state == SHMDEV_PEER_ALIVE) ==
			  (i < alive));
	for (j = 0; j < PROCESSES; j++) {
		const struct holder *holder = &world->holders[j];
		__u32 joined = 0;

		if (!holder->pid)
			continue;
		for (i = 0; i < alive; i++)
			joined += found[i].pid == (__u32)holder->pid;
		if (joined != count_joins(holder, number))
			fail("slot %d: process %d is %u peers, not %u", number,
			     holder->pid, joined, count_joins(holder, number));
	}
}

static void check_bytes(int number, int fd)
{
	static char bytes[1 << 16];
	struct slot *slot = &world->slots[number];
	__u32 i;

	for (i = 0; i < slot->pages; i++)
		if (pread(fd, bytes, page, i * page) != (ssize_t)page ||
		    !same_bytes(number, i, bytes)) {
			fail("page %u of slot %d has other bytes in the file",
			     i, number);
			return;
		}
}

/* All is as the model says, while nobody does anything. */
static void check_world(void)
{
	static struct line lines[LINES];
	int files[SLOTS] = {}, mapped[SLOTS] = {}, count = 0, listed, i, fd;
	bool seen[SLOTS] = {};

	count_files(files);
	for (i = 0; i < PROCESSES; i++) {
		int more;

		if (!world->holders[i].pid)
			continue;
		more = read_maps(world->holders[i].pid, lines + count,
				 LINES - count);
		if (!hold_true(more >= 0))
			return;
		count += more;
	}
	for (i = 0; i < count; i++) {
		if (lines[i].slot == NOTHING)
			fail("process %d maps an unknown segment",
			     lines[i].pid);
		else
			mapped[lines[i].slot]++;
	}

	listed = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, entries,
		      ARRAY_SIZE(entries));
	if (!hold_true(listed > 0))
		return;
	for (i = 0; i < listed; i++) {
		int slot = slot_by_id(entries[i].id);

		if (slot == NOTHING) {
			if (!was_there_before(entries[i].id))
				fail("segment %llu is nobody's", entries[i].id);
			continue;
		}
		seen[slot] = true;
		if (slot && !files[slot] && !is_kept(&world->slots[slot]))
			fail("slot %d should be gone", slot);
		check_entry(&entries[i], slot, files[slot], mapped[slot]);
	}
	for (i = 0; i < SLOTS && !world->failed; i++) {
		if (!world->slots[i].id)
			continue;
		if (!files[i] && !is_kept(&world->slots[i])) {
			world->slots[i].id = 0;
			continue;
		}
		if (!seen[i]) {
			fail("slot %d is not listed", i);
			return;
		}
		fd = find_file(i, lines, count);
		if (!hold_true(fd >= 0))
			return;
		check_mappings(i, fd, lines, count);
		check_peers(i, fd);
		check_bytes(i, fd);
		close(fd);
	}
}

/* The default segment has bytes of others, and gets them back. */
static void enter_default(void)
{
	struct slot *slot = &world->slots[0];
	__u32 i;

	slot->inode = listed_before[0].inode;
	slot->bytes = listed_before[0].bytes;
	slot->pages = slot->bytes / page < PAGES ? slot->bytes / page : PAGES;
	slot->kicks = listed_before[0].kicks;
	slot->events = listed_before[0].events;
	default_peers = listed_before[0].peers;
	slot->hello = true;
	slot->name = NOTHING;
	for (i = 0; i < slot->pages; i++) {
		hold_true(pread(door, shadow(0, i), page, i * page) ==
			  (ssize_t)page);
		slot->written[i] = true;
	}
	slot->id = listed_before[0].id;
}

static void raise_curtain(void)
{
	int i, pair[2];

	for (i = 0; i < actors; i++) {
		hold_true(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
				      mailboxes[i]));
	}
	for (i = 0; i < actors; i++) {
		pid_t pid;

		hold_true(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
				      0, pair));
		pid = fork_child();
		if (!pid) {
			self = i;
			/* So that the conductor notices when this one dies. */
			while (i--)
				close(orders[i]);
			close(pair[0]);
			close(door);
			act(pair[1]);
		}
		close(pair[1]);
		orders[i] = pair[0];
		holder_of(i, -1)->pid = pid;
	}
}

static void drop_curtain(void)
{
	int i, kid, how = roll(2);

	/* In good order, or killed as they stand. */
	if (how && !world->failed)
		for (i = 0; i < actors; i++)
			hold_true(write(orders[i], &(int){ END },
					sizeof(int)) == sizeof(int));
	for (i = 0; i < actors; i++) {
		pid_t pid = holder_of(i, -1)->pid;
		int status;

		if (!how || world->failed) {
			for (kid = 0; kid < KIDS; kid++)
				if (holder_of(i, kid)->pid)
					kill(holder_of(i, kid)->pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		status = reap(pid);
		if (how && !world->failed && status)
			fail("actor %d ended with status %d", i, status);
		close(orders[i]);
		close(mailboxes[i][0]);
		close(mailboxes[i][1]);
	}
	/* Kids whose actor was killed have become the conductor's. */
	while (wait(NULL) > 0)
		;
	for (i = 1; i < SLOTS; i++) {
		char name[SHMDEV_NAME_SIZE];

		if (!world->slots[i].id || !world->slots[i].named)
			continue;
		name_of(name, maker(i), world->slots[i].name);
		if (remove_named(door, name) && is_kept(&world->slots[i]))
			fail("slot %d: its name cannot be removed", i);
	}
}

static long long shmem_bytes(void)
{
	char text[8192], *line;

	if (read_file("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "\nShmem:");
	return line ? atoll(line + 7) * 1024 : -1;
}

/* Everything is as it was before. */
static void check_end(const struct state *before, long long shmem)
{
	struct shmdev_info about;
	struct state now = take_state(door);
	long long shmem_now = shmem_bytes();

	if (!hold_true(!info(door, &about)))
		return;
	if (now.segments != before->segments)
		fail("%d segments, there were %d", now.segments,
		     before->segments);
	if (now.refcnt != before->refcnt)
		fail("the module's references are %d, were %d", now.refcnt,
		     before->refcnt);
	if (now.fds != before->fds)
		fail("%d descriptors, there were %d", now.fds, before->fds);
	if (about.mappings)
		fail("the default segment has %u mappings left",
		     about.mappings);
	if (about.peers != default_peers)
		fail("the default segment has %u peers, had %u", about.peers,
		     default_peers);
	if (shmem_now > shmem + (long long)SHMEM_SLACK)
		fail("shared memory went from %lld to %lld", shmem, shmem_now);
}

static void *share(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		ksft_exit_fail_msg("no memory for the model: %s\n",
				   strerror(errno));
	return memory;
}

static bool play(long long shmem)
{
	const size_t bytes = (size_t)SLOTS * PAGES * page;
	struct state before;
	int number = 0;
	size_t default_bytes;
	char *saved;

	actors = 1 + seed % options.processes;
	/* So that a first sequence begins as a later one does. */
	kick(door);
	count_before = list(door, SHMDEV_LIST_F_EVERYWHERE, 0, listed_before,
			    ARRAY_SIZE(listed_before));
	before = take_state(door);
	self = NOTHING;
	step_number = 0;
	step_name = "conductor";
	world = share(sizeof(*world));
	shadows = share(bytes);
	if (!hold_true(count_before > 0))
		return false;
	enter_default();
	default_bytes = world->slots[0].pages * page;
	saved = malloc(default_bytes);
	if (!hold_true(saved))
		return false;
	memcpy(saved, shadow(0, 0), default_bytes);

	raise_curtain();
	while (number < options.length && !world->failed) {
		set_dice(ACTORS, number);
		number += actors == 1 ? 1 : 1 + roll(20);
		if (number > options.length)
			number = options.length;
		step_number = number;
		if (order_all(number) && order_all(STAND))
			check_world();
	}
	set_dice(ACTORS + 1, 0);
	drop_curtain();
	hold_true(pwrite(door, saved, default_bytes, 0) ==
		  (ssize_t)default_bytes);
	free(saved);
	munmap(shadows, bytes);
	check_end(&before, shmem);
	if (world->failed) {
		ksft_print_msg("%s\n", world->failure);
		ksft_print_msg("again: lives --seed %llu --count 1 --length %d --processes %d\n",
			       seed, options.length, options.processes);
	}
	number = world->failed;
	munmap(world, sizeof(*world));
	return !number;
}

static void print_usage(void)
{
	puts("usage: lives [--seed N] [--count N] [--length N] [--processes N]\n"
	     "\n"
	     "Plays COUNT sequences of LENGTH calls by each process, with the seeds from\n"
	     "SEED on. A sequence has 1 to PROCESSES processes, as its seed says.");
}

static void parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "length", required_argument, NULL, 'l' },
		{ "processes", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			options.count = atoi(optarg);
			break;
		case 'l':
			options.length = atoi(optarg);
			break;
		case 'p':
			options.processes = atoi(optarg);
			break;
		case 'h':
			print_usage();
			exit(KSFT_PASS);
		default:
			print_usage();
			exit(KSFT_FAIL);
		}
	}
	if (optind < argc || options.count < 1 || options.length < 1 ||
	    options.processes < 1 || options.processes > ACTORS) {
		print_usage();
		exit(KSFT_FAIL);
	}
}

int main(int argc, char **argv)
{
	long long shmem;
	int i;

	if (argc == 5 && !strcmp(argv[1], "--after-exec"))
		return live_after_exec(argv + 2);
	parse_options(argc, argv);
	page = page_bytes();
	conductor = getpid();
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	ksft_set_plan(options.count);
	door = open_door();
	shmem = shmem_bytes();
	for (i = 0; i < options.count; i++) {
		seed = options.seed + i;
		ksft_print_msg("seed %llu\n", seed);
		ksft_test_result(play(shmem), "seed %llu\n", seed);
	}
	close(door);
	ksft_finished();
}
