// SPDX-License-Identifier: GPL-2.0
/*
 * The form of the ioctls: what every command does with a struct that is too
 * short, too long, half mapped or has bits that mean nothing, and what it
 * writes back. What the commands are for is tested elsewhere.
 */
#include <assert.h>

#include "shmdev_test.h"

#define SAME_LAYOUT(type, bytes) \
	static_assert(sizeof(type) == (bytes), #type)
#define SAME_OFFSET(type, member, offset) \
	static_assert(offsetof(type, member) == (offset), #type "." #member)

SAME_LAYOUT(struct shmdev_version, 64);
SAME_OFFSET(struct shmdev_version, features, 8);
SAME_OFFSET(struct shmdev_version, release, 32);
SAME_LAYOUT(struct shmdev_create, 120);
SAME_OFFSET(struct shmdev_create, bytes, 8);
SAME_OFFSET(struct shmdev_create, name, 24);
SAME_OFFSET(struct shmdev_create, endpoint, 88);
SAME_LAYOUT(struct shmdev_open, 72);
SAME_LAYOUT(struct shmdev_remove, 80);
SAME_OFFSET(struct shmdev_remove, name, 16);
SAME_LAYOUT(struct shmdev_info, 192);
SAME_OFFSET(struct shmdev_info, kicks, 56);
SAME_OFFSET(struct shmdev_info, uid, 64);
SAME_OFFSET(struct shmdev_info, peers, 92);
SAME_OFFSET(struct shmdev_info, name, 96);
SAME_LAYOUT(struct shmdev_list, 32);
SAME_OFFSET(struct shmdev_list, entries, 16);
SAME_LAYOUT(struct shmdev_mapping, 40);
SAME_LAYOUT(struct shmdev_mappings, 32);
SAME_OFFSET(struct shmdev_mappings, total, 24);
SAME_LAYOUT(struct shmdev_kick, 16);
SAME_LAYOUT(struct shmdev_look, 16);
SAME_LAYOUT(struct shmdev_wait, 32);
SAME_OFFSET(struct shmdev_wait, offset, 8);
SAME_OFFSET(struct shmdev_wait, timeout, 16);
SAME_OFFSET(struct shmdev_wait, expected, 24);
SAME_LAYOUT(struct shmdev_wake, 24);
SAME_OFFSET(struct shmdev_wake, count, 16);
SAME_LAYOUT(struct shmdev_join, 32);
SAME_OFFSET(struct shmdev_join, role, 16);
SAME_LAYOUT(struct shmdev_leave, 8);
SAME_LAYOUT(struct shmdev_peer, 72);
SAME_OFFSET(struct shmdev_peer, pid, 24);
SAME_OFFSET(struct shmdev_peer, role, 40);
SAME_LAYOUT(struct shmdev_peers, 48);
SAME_OFFSET(struct shmdev_peers, count, 24);
SAME_OFFSET(struct shmdev_peers, alive, 36);
SAME_LAYOUT(struct shmdev_isolate, 24);
SAME_OFFSET(struct shmdev_isolate, bytes, 16);
SAME_LAYOUT(struct shmdev_claim, 16);
SAME_OFFSET(struct shmdev_claim, offset, 8);
SAME_LAYOUT(struct shmdev_hello, 3088);
SAME_OFFSET(struct shmdev_hello, answer.text, 2064);

#define ROOM 8192

static struct shmdev_info infos[32];
static struct shmdev_mapping maps[32];
static struct shmdev_peer records[32];

FIXTURE(command) {
	int door;
	int segment;
	int fd;
	void *view;
	char *arg;
	char name[SHMDEV_NAME_SIZE];
	struct state before;
};

FIXTURE_VARIANT(command) {
	unsigned int request;
	size_t size;
	__u32 flags;
	bool answers;
	bool on_segment;
};

FIXTURE_VARIANT_ADD(command, version) {
	SHMDEV_IOC_VERSION, sizeof(struct shmdev_version), 0, true, false };
FIXTURE_VARIANT_ADD(command, version_of_segment) {
	SHMDEV_IOC_VERSION, sizeof(struct shmdev_version), 0, true, true };
FIXTURE_VARIANT_ADD(command, create) {
	SHMDEV_IOC_CREATE, sizeof(struct shmdev_create),
	SHMDEV_CREATE_F_ALL, false, false };
FIXTURE_VARIANT_ADD(command, open) {
	SHMDEV_IOC_OPEN, sizeof(struct shmdev_open), O_ACCMODE, false, false };
FIXTURE_VARIANT_ADD(command, remove) {
	SHMDEV_IOC_REMOVE, sizeof(struct shmdev_remove), 0, false, false };
FIXTURE_VARIANT_ADD(command, list) {
	SHMDEV_IOC_LIST, sizeof(struct shmdev_list),
	SHMDEV_LIST_F_ALL, true, false };
FIXTURE_VARIANT_ADD(command, info) {
	SHMDEV_IOC_INFO, sizeof(struct shmdev_info), 0, true, false };
FIXTURE_VARIANT_ADD(command, info_of_segment) {
	SHMDEV_IOC_INFO, sizeof(struct shmdev_info), 0, true, true };
FIXTURE_VARIANT_ADD(command, mappings) {
	SHMDEV_IOC_MAPPINGS, sizeof(struct shmdev_mappings), 0, true, false };
FIXTURE_VARIANT_ADD(command, mappings_of_segment) {
	SHMDEV_IOC_MAPPINGS, sizeof(struct shmdev_mappings), 0, true, true };
FIXTURE_VARIANT_ADD(command, kick) {
	SHMDEV_IOC_KICK, sizeof(struct shmdev_kick), 0, false, false };
FIXTURE_VARIANT_ADD(command, kick_of_segment) {
	SHMDEV_IOC_KICK, sizeof(struct shmdev_kick), 0, false, true };
FIXTURE_VARIANT_ADD(command, look) {
	SHMDEV_IOC_LOOK, sizeof(struct shmdev_look), 0, true, false };
FIXTURE_VARIANT_ADD(command, look_of_segment) {
	SHMDEV_IOC_LOOK, sizeof(struct shmdev_look), 0, true, true };
/* These do not sleep: the word holds something else. */
FIXTURE_VARIANT_ADD(command, wait) {
	SHMDEV_IOC_WAIT, sizeof(struct shmdev_wait),
	SHMDEV_WAIT_F_ALL, false, false };
FIXTURE_VARIANT_ADD(command, wait_of_segment) {
	SHMDEV_IOC_WAIT, sizeof(struct shmdev_wait),
	SHMDEV_WAIT_F_ALL, false, true };
FIXTURE_VARIANT_ADD(command, wake) {
	SHMDEV_IOC_WAKE, sizeof(struct shmdev_wake), 0, false, false };
FIXTURE_VARIANT_ADD(command, wake_of_segment) {
	SHMDEV_IOC_WAKE, sizeof(struct shmdev_wake), 0, false, true };
FIXTURE_VARIANT_ADD(command, join) {
	SHMDEV_IOC_JOIN, sizeof(struct shmdev_join), 0, true, false };
FIXTURE_VARIANT_ADD(command, join_of_segment) {
	SHMDEV_IOC_JOIN, sizeof(struct shmdev_join), 0, true, true };
FIXTURE_VARIANT_ADD(command, leave) {
	SHMDEV_IOC_LEAVE, sizeof(struct shmdev_leave), 0, false, false };
FIXTURE_VARIANT_ADD(command, leave_of_segment) {
	SHMDEV_IOC_LEAVE, sizeof(struct shmdev_leave), 0, false, true };
FIXTURE_VARIANT_ADD(command, peers) {
	SHMDEV_IOC_PEERS, sizeof(struct shmdev_peers), 0, true, false };
FIXTURE_VARIANT_ADD(command, peers_of_segment) {
	SHMDEV_IOC_PEERS, sizeof(struct shmdev_peers), 0, true, true };
/* Somebody has the segment mapped, so this one does nothing. */
FIXTURE_VARIANT_ADD(command, isolate_of_segment) {
	SHMDEV_IOC_ISOLATE, sizeof(struct shmdev_isolate),
	SHMDEV_ISOLATE_F_ALL, false, true };
FIXTURE_VARIANT_ADD(command, claim_of_segment) {
	SHMDEV_IOC_CLAIM, sizeof(struct shmdev_claim), 0, true, true };

/* Something to list, map, kick, leave and remove; @arg ends where memory ends. */
FIXTURE_SETUP(command)
{
	char *area = mmap(NULL, ROOM + page_bytes(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, mprotect(area + ROOM, page_bytes(), PROT_NONE));
	self->arg = area;
	self->door = open_door();
	ASSERT_LE(0, self->door);
	make_name(self->name, "abi");
	self->segment = create(self->door, self->name, page_bytes(), 0600,
			       SHMDEV_CREATE_F_KEEP, "hello");
	ASSERT_LE(0, self->segment);
	if (variant->request == SHMDEV_IOC_CLAIM)
		ASSERT_EQ(0, isolate(self->segment, 0, page_bytes(),
				     SHMDEV_ISOLATE_F_CLAIMABLE));
	self->view = map(self->segment, page_bytes(), PROT_READ);
	ASSERT_NE(MAP_FAILED, self->view);
	self->fd = variant->on_segment ? self->segment : self->door;
	if (variant->request == SHMDEV_IOC_LEAVE)
		ASSERT_EQ(0, join(self->fd, "", NULL));
	self->before = take_state(self->door);
}

FIXTURE_TEARDOWN(command)
{
	remove_named(self->door, self->name);
	munmap(self->view, page_bytes());
	close(self->segment);
	close(self->door);
}

/* An argument that the command accepts; all that it may write is poisoned. */
static void *valid(FIXTURE_DATA(command) *self, unsigned int request,
		   void *memory, int poison)
{
	switch (_IOC_NR(request)) {
	case _IOC_NR(SHMDEV_IOC_VERSION): {
		struct shmdev_version *arg = memory;

		memset(arg, poison, sizeof(*arg));
		arg->size = sizeof(*arg);
		arg->flags = 0;
		break;
	}
	case _IOC_NR(SHMDEV_IOC_CREATE): {
		struct shmdev_create *arg = memory;

		*arg = (struct shmdev_create){
			.size = sizeof(*arg),
			.bytes = page_bytes(),
			.mode = 0600,
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_OPEN): {
		struct shmdev_open *arg = memory;

		*arg = (struct shmdev_open){ .size = sizeof(*arg) };
		strcpy(arg->name, self->name);
		break;
	}
	case _IOC_NR(SHMDEV_IOC_REMOVE): {
		struct shmdev_remove *arg = memory;

		*arg = (struct shmdev_remove){ .size = sizeof(*arg) };
		strcpy(arg->name, self->name);
		break;
	}
	case _IOC_NR(SHMDEV_IOC_LIST): {
		struct shmdev_list *arg = memory;

		memset(infos, poison, sizeof(infos));
		*arg = (struct shmdev_list){
			.size = sizeof(*arg),
			.entries = (uintptr_t)infos,
			.count = ARRAY_SIZE(infos),
			.entry_size = sizeof(infos[0]),
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_INFO): {
		struct shmdev_info *arg = memory;

		memset(arg, poison, sizeof(*arg));
		arg->size = sizeof(*arg);
		arg->flags = 0;
		break;
	}
	case _IOC_NR(SHMDEV_IOC_MAPPINGS): {
		struct shmdev_mappings *arg = memory;

		memset(maps, poison, sizeof(maps));
		memset(arg, poison, sizeof(*arg));
		*arg = (struct shmdev_mappings){
			.size = sizeof(*arg),
			.entries = (uintptr_t)maps,
			.count = ARRAY_SIZE(maps),
			.entry_size = sizeof(maps[0]),
			.total = poison,
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_KICK): {
		struct shmdev_kick *arg = memory;

		*arg = (struct shmdev_kick){ .size = sizeof(*arg) };
		break;
	}
	case _IOC_NR(SHMDEV_IOC_LOOK): {
		struct shmdev_look *arg = memory;

		memset(arg, poison, sizeof(*arg));
		arg->size = sizeof(*arg);
		arg->flags = 0;
		break;
	}
	case _IOC_NR(SHMDEV_IOC_WAIT): {
		struct shmdev_wait *arg = memory;

		*arg = (struct shmdev_wait){
			.size = sizeof(*arg),
			.timeout = SHMDEV_WAIT_FOREVER,
			.expected = ~0U,
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_WAKE): {
		struct shmdev_wake *arg = memory;

		*arg = (struct shmdev_wake){
			.size = sizeof(*arg),
			.count = SHMDEV_WAKE_ALL,
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_JOIN): {
		struct shmdev_join *arg = memory;

		memset(arg, poison, sizeof(*arg));
		arg->size = sizeof(*arg);
		arg->flags = 0;
		memset(arg->role, 0, sizeof(arg->role));
		break;
	}
	case _IOC_NR(SHMDEV_IOC_LEAVE): {
		struct shmdev_leave *arg = memory;

		*arg = (struct shmdev_leave){ .size = sizeof(*arg) };
		break;
	}
	case _IOC_NR(SHMDEV_IOC_PEERS): {
		struct shmdev_peers *arg = memory;

		memset(records, poison, sizeof(records));
		*arg = (struct shmdev_peers){
			.size = sizeof(*arg),
			.entries = (uintptr_t)records,
			.count = ARRAY_SIZE(records),
			.entry_size = sizeof(records[0]),
			.total = poison,
			.alive = poison,
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_ISOLATE): {
		struct shmdev_isolate *arg = memory;

		*arg = (struct shmdev_isolate){
			.size = sizeof(*arg),
			.bytes = page_bytes(),
		};
		break;
	}
	case _IOC_NR(SHMDEV_IOC_CLAIM): {
		struct shmdev_claim *arg = memory;

		*arg = (struct shmdev_claim){ .size = sizeof(*arg) };
		break;
	}
	}
	return memory;
}

/*
 * 0 or -1, and ready for the next time: a descriptor is closed again, whoever
 * joined leaves, and whoever left joins. A word that holds something else than
 * was expected is what a WAIT has to find, and a mapping what ISOLATE has.
 */
static int issue(int fd, unsigned int request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	switch (_IOC_NR(request)) {
	case _IOC_NR(SHMDEV_IOC_CREATE):
	case _IOC_NR(SHMDEV_IOC_OPEN):
	case _IOC_NR(SHMDEV_IOC_CLAIM):
		return ret < 0 ? ret : close(ret);
	case _IOC_NR(SHMDEV_IOC_JOIN):
		return ret ?: leave(fd);
	case _IOC_NR(SHMDEV_IOC_LEAVE):
		return ret ?: join(fd, "", NULL);
	case _IOC_NR(SHMDEV_IOC_WAIT):
		return ret < 0 && errno == EAGAIN ? 0 : ret;
	case _IOC_NR(SHMDEV_IOC_ISOLATE):
		return ret < 0 && errno == EBUSY ? 0 : ret;
	}
	return ret;
}

static void set_size(void *arg, __u32 size)
{
	memcpy(arg, &size, sizeof(size));
}

static void set_flags(void *arg, __u32 flags)
{
	memcpy(arg + 4, &flags, sizeof(flags));
}

/* "structs": the argument that all the others here are a spoilt copy of */
TEST_F(command, accepts_its_struct)
{
	EXPECT_EQ(0, issue(self->fd, variant->request,
			   valid(self, variant->request, self->arg, 0)));
}

/* "structs": a size below the first version's has no meaning */
TEST_F(command, refuses_a_struct_that_is_too_short)
{
	const __u32 sizes[] = {
		0, 1, 4, 7, 8, variant->size - 8, variant->size - 1,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] >= variant->size)
			continue;
		valid(self, variant->request, self->arg, 0);
		set_size(self->arg, sizes[i]);
		EXPECT_ERRNO(EINVAL,
			     issue(self->fd, variant->request, self->arg));
	}
	expect_unchanged(_metadata, self->door, &self->before);
}

/* "structs": a longer struct must have zeroes where we know no member */
TEST_F(command, accepts_a_longer_struct_with_a_zero_tail)
{
	const __u32 sizes[] = { variant->size + 1, variant->size + 8, 4096 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->arg, 0, ROOM);
		valid(self, variant->request, self->arg, 0);
		set_size(self->arg, sizes[i]);
		EXPECT_EQ(0, issue(self->fd, variant->request, self->arg));
		EXPECT_TRUE(all_bytes(self->arg + variant->size, 0,
				      ROOM - variant->size));
		if (_IOC_NR(variant->request) == _IOC_NR(SHMDEV_IOC_REMOVE))
			close(create_kept(self->door, self->name,
					  page_bytes()));
	}
}

/* "structs": (else E2BIG) */
TEST_F(command, refuses_a_longer_struct_with_a_tail_that_says_something)
{
	const __u32 sizes[] = { variant->size + 1, variant->size + 8, 4096 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->arg, 0, ROOM);
		valid(self, variant->request, self->arg, 0);
		set_size(self->arg, sizes[i]);
		self->arg[variant->size] = 1;
		EXPECT_ERRNO(E2BIG,
			     issue(self->fd, variant->request, self->arg));

		self->arg[variant->size] = 0;
		self->arg[sizes[i] - 1] = 1;
		EXPECT_ERRNO(E2BIG,
			     issue(self->fd, variant->request, self->arg));
	}
	expect_unchanged(_metadata, self->door, &self->before);
}

/* "structs": none is longer than a page, whatever is in it */
TEST_F(command, refuses_a_struct_that_is_longer_than_a_page)
{
	void *arg = mmap(NULL, 4 * page_bytes(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, arg);
	valid(self, variant->request, arg, 0);
	set_size(arg, page_bytes() + 1);
	EXPECT_ERRNO(E2BIG, issue(self->fd, variant->request, arg));
	set_size(arg, 2 * page_bytes());
	EXPECT_ERRNO(E2BIG, issue(self->fd, variant->request, arg));
	expect_unchanged(_metadata, self->door, &self->before);
	munmap(arg, 4 * page_bytes());
}

/* "structs": the size is not believed before it has been looked at */
TEST_F(command, refuses_a_size_that_reaches_past_the_memory)
{
	const __u32 sizes[] = { ROOM + 1, 1U << 31, ~0U };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->arg, 0, ROOM);
		valid(self, variant->request, self->arg, 0);
		set_size(self->arg, sizes[i]);
		EXPECT_EQ(-1, issue(self->fd, variant->request, self->arg));
		EXPECT_TRUE(errno == E2BIG || errno == EFAULT)
			TH_LOG("size %u: %s", sizes[i], strerror(errno));
	}
	expect_unchanged(_metadata, self->door, &self->before);
}

/* "structs": flags that have no meaning must be zero (else EINVAL) */
TEST_F(command, refuses_each_unknown_flag)
{
	__u32 flag;

	for (flag = 1; flag; flag <<= 1) {
		if (flag & variant->flags)
			continue;
		valid(self, variant->request, self->arg, 0);
		set_flags(self->arg, flag);
		EXPECT_ERRNO(EINVAL,
			     issue(self->fd, variant->request, self->arg));
	}
	expect_unchanged(_metadata, self->door, &self->before);
}

/* "errors", EFAULT: a pointer leads to memory that the caller may not access */
TEST_F(command, refuses_pointers_that_lead_nowhere)
{
	const size_t known[] = { 0, 2, 4, 8, variant->size - 1 };
	char *hole = self->arg + ROOM;
	char *start;
	size_t i;

	/* To KICK, this one says that there is no argument. */
	if (variant->request != SHMDEV_IOC_KICK)
		EXPECT_ERRNO(EFAULT, issue(self->fd, variant->request, NULL));
	EXPECT_ERRNO(EFAULT, issue(self->fd, variant->request, hole));
	EXPECT_ERRNO(EFAULT, issue(self->fd, variant->request, (void *)-8L));
	EXPECT_ERRNO(EFAULT, issue(self->fd, variant->request,
				   (void *)(LONG_MIN | 0x1000)));

	/* The first bytes are there, the others are not. */
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i] >= variant->size)
			continue;
		valid(self, variant->request, self->arg, 0);
		start = hole - known[i];
		memmove(start, self->arg, known[i]);
		EXPECT_ERRNO(EFAULT,
			     issue(self->fd, variant->request, start));
	}
	expect_unchanged(_metadata, self->door, &self->before);
}

/* "structs": what comes back is written, what only goes in is not */
TEST_F(command, writes_to_its_struct_only_if_it_answers)
{
	valid(self, variant->request, self->arg, 0);
	ASSERT_EQ(0, mprotect(self->arg, ROOM, PROT_READ));
	if (variant->answers)
		EXPECT_ERRNO(EFAULT, issue(self->fd, variant->request,
					   self->arg));
	else
		EXPECT_EQ(0, issue(self->fd, variant->request, self->arg));
}

/* "structs": wholly written by the driver, reserved members as zeroes */
TEST_F(command, leaves_nothing_of_the_caller_in_what_it_writes)
{
	static char first[sizeof(infos) + sizeof(maps)];
	static struct shmdev_peer first_records[ARRAY_SIZE(records)];
	static char arg[ROOM];

	ASSERT_EQ(0, issue(self->fd, variant->request,
			   valid(self, variant->request, self->arg, 0)));
	memcpy(arg, self->arg, variant->size);
	memcpy(first, infos, sizeof(infos));
	memcpy(first + sizeof(infos), maps, sizeof(maps));
	memcpy(first_records, records, sizeof(records));
	if (!variant->answers) {
		valid(self, variant->request, self->arg, 0);
		EXPECT_EQ(0, memcmp(arg, self->arg, variant->size));
		return;
	}

	ASSERT_EQ(0, issue(self->fd, variant->request,
			   valid(self, variant->request, self->arg, 0xff)));
	/* No number is used twice. */
	if (variant->request == SHMDEV_IOC_JOIN)
		((struct shmdev_join *)arg)->id++;
	EXPECT_EQ(0, memcmp(arg, self->arg, variant->size));
	/* Entries beyond those written keep the poison of each call. */
	if (_IOC_NR(variant->request) == _IOC_NR(SHMDEV_IOC_LIST)) {
		__u32 count = ((struct shmdev_list *)arg)->count;

		ASSERT_LT(1, count);
		EXPECT_EQ(0, memcmp(first, infos, count * sizeof(infos[0])));
		EXPECT_TRUE(all_bytes(infos + count, 0xff,
				      sizeof(infos) -
				      count * sizeof(infos[0])));
	}
	if (_IOC_NR(variant->request) == _IOC_NR(SHMDEV_IOC_MAPPINGS) &&
	    variant->on_segment) {
		EXPECT_EQ(1, ((struct shmdev_mappings *)arg)->count);
		EXPECT_EQ(0, memcmp(first + sizeof(infos), maps,
				    sizeof(maps[0])));
		EXPECT_TRUE(all_bytes(maps + 1, 0xff,
				      sizeof(maps) - sizeof(maps[0])));
	}
	if (variant->request == SHMDEV_IOC_PEERS) {
		__u32 count = ((struct shmdev_peers *)arg)->count;

		/* The endpoint is one. */
		ASSERT_LE(1, count);
		EXPECT_EQ(0, memcmp(first_records, records,
				    count * sizeof(records[0])));
		EXPECT_TRUE(all_bytes(records + count, 0xff,
				      sizeof(records) -
				      count * sizeof(records[0])));
	}
}

/* "structs": the size that the _IOWR() macro encodes is ignored */
TEST_F(command, is_known_by_its_number_whatever_size_is_encoded)
{
	const unsigned int sizes[] = { 0, 1, 4096, (1 << _IOC_SIZEBITS) - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int request = _IOC(_IOC_DIR(variant->request),
					    SHMDEV_IOC_MAGIC,
					    _IOC_NR(variant->request),
					    sizes[i]);

		EXPECT_EQ(0, issue(self->fd, request,
				   valid(self, request, self->arg, 0)));
		if (_IOC_NR(request) == _IOC_NR(SHMDEV_IOC_REMOVE))
			close(create_kept(self->door, self->name,
					  page_bytes()));
	}
}

FIXTURE(file) {
	struct target target;
};

FIXTURE_VARIANT(file) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(file, door) { DOOR };
FIXTURE_VARIANT_ADD(file, segment) { SEGMENT };

FIXTURE_SETUP(file)
{
	ASSERT_EQ(0, target_open(&self->target, variant->kind, page_bytes(),
				 NULL));
}

FIXTURE_TEARDOWN(file)
{
	EXPECT_EQ(0, target_close(&self->target));
}

/* "errors", ENOTTY: no such command */
TEST_F(file, unknown_commands_are_enotty)
{
	static char arg[1 << 14];
	struct state before = take_state(self->target.door);
	const unsigned int magics[] = { 0xe1, 0xe3 };
	unsigned int nr;
	size_t i;

	set_size(arg, 64);
	for (nr = _IOC_NR(SHMDEV_IOC_CLAIM) + 1; nr < 256; nr++) {
		EXPECT_ERRNO(ENOTTY,
			     ioctl(self->target.fd,
				   _IOWR(SHMDEV_IOC_MAGIC, nr, __u64), arg));
		EXPECT_ERRNO(ENOTTY,
			     ioctl(self->target.fd,
				   _IO(SHMDEV_IOC_MAGIC, nr), NULL));
	}
	for (i = 0; i < ARRAY_SIZE(magics); i++)
		for (nr = 0; nr <= _IOC_NR(SHMDEV_IOC_CLAIM); nr++)
			EXPECT_ERRNO(ENOTTY,
				     ioctl(self->target.fd,
					   _IOWR(magics[i], nr, __u64), arg));
	expect_unchanged(_metadata, self->target.door, &before);
}

/* VERSION: @abi, @features, @page_bytes, @default_bytes, @release */
TEST_F(file, version_tells_what_is_there)
{
	struct shmdev_version arg = { .size = sizeof(arg) };
	size_t length;

	ASSERT_EQ(0, ioctl(self->target.fd, SHMDEV_IOC_VERSION, &arg));
	EXPECT_EQ(sizeof(arg), arg.size);
	EXPECT_EQ(1, arg.abi);
	EXPECT_EQ(SHMDEV_FEATURE_SEGMENTS | SHMDEV_FEATURE_ENDPOINTS |
		  SHMDEV_FEATURE_HELLO | SHMDEV_FEATURE_WAIT |
		  SHMDEV_FEATURE_PEERS | SHMDEV_FEATURE_ISOLATE, arg.features);
	EXPECT_EQ(page_bytes(), arg.page_bytes);
	EXPECT_EQ(lseek(self->target.door, 0, SEEK_END), arg.default_bytes);
	length = strnlen(arg.release, sizeof(arg.release));
	ASSERT_LT(0, length);
	ASSERT_GT(sizeof(arg.release), length);
	EXPECT_TRUE(all_bytes(arg.release + length, 0,
			      sizeof(arg.release) - length));
}

/* "the device": commands are for whoever has a file, whatever its mode */
TEST_F(file, questions_are_answered_on_a_read_only_file)
{
	struct shmdev_version version = { .size = sizeof(version) };
	struct shmdev_look look = { .size = sizeof(look) };
	struct shmdev_info arg;
	int fd = reopen(self->target.fd, O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ioctl(fd, SHMDEV_IOC_VERSION, &version));
	EXPECT_EQ(0, info(fd, &arg));
	EXPECT_EQ(0, mappings_total(fd));
	EXPECT_EQ(0, ioctl(fd, SHMDEV_IOC_LOOK, &look));
	EXPECT_LE(0, peers(fd, 0, NULL, 0, NULL, NULL));
	close(fd);
}

/* INFO: what is said of a segment is what stat() says of its file */
TEST_F(file, info_agrees_with_stat)
{
	struct shmdev_info arg;
	struct stat st;

	ASSERT_EQ(0, info(self->target.fd, &arg));
	ASSERT_EQ(0, fstat(self->target.fd, &st));
	EXPECT_EQ(sizeof(arg), arg.size);
	EXPECT_EQ(self->target.bytes, arg.bytes);
	EXPECT_EQ(self->target.bytes, arg.resident);
	EXPECT_EQ(st.st_uid, arg.uid);
	EXPECT_EQ(st.st_gid, arg.gid);
	EXPECT_EQ(st.st_mode & 07777, arg.mode);
	EXPECT_LE(1, arg.files);
	if (variant->kind == SEGMENT) {
		EXPECT_EQ(st.st_ino, arg.inode);
		EXPECT_EQ(st.st_size, arg.bytes);
		EXPECT_EQ(getpid(), arg.creator);
		EXPECT_EQ(1, arg.files);
		EXPECT_EQ(0, arg.peers);
		EXPECT_EQ(0, arg.flags);
	} else {
		EXPECT_EQ(1, arg.id);
		EXPECT_LE(1, arg.peers);
		EXPECT_EQ(SHMDEV_INFO_F_DEFAULT, arg.flags);
		EXPECT_STREQ("", arg.name);
		EXPECT_STREQ("hello", arg.endpoint);
	}
}

/* "the device": a segment file is no way to other segments */
TEST(door_commands_are_enotty_on_a_segment_file)
{
	static const unsigned int requests[] = {
		SHMDEV_IOC_CREATE, SHMDEV_IOC_OPEN,
		SHMDEV_IOC_REMOVE, SHMDEV_IOC_LIST,
	};
	FIXTURE_DATA(command) self = { 0 };
	static __u64 arg[64];
	struct state before;
	int door = open_door();
	int segment;
	size_t i;

	ASSERT_LE(0, door);
	make_name(self.name, "door");
	segment = create_named(door, self.name, page_bytes());
	ASSERT_LE(0, segment);
	before = take_state(door);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		valid(&self, requests[i], arg, 0);
		EXPECT_ERRNO(ENOTTY, issue(segment, requests[i], arg));
		EXPECT_ERRNO(ENOTTY, issue(segment, requests[i], NULL));
	}
	expect_unchanged(_metadata, door, &before);
	close(segment);
	close(door);
}

/* CREATE: "errors", EBADF: the descriptor was not opened for writing */
TEST(create_through_a_read_only_door_is_ebadf)
{
	int door = open_door(), read_only = open(DEVICE, O_RDONLY);
	struct state before = take_state(door);

	ASSERT_LE(0, read_only);
	EXPECT_ERRNO(EBADF, create_anonymous(read_only, page_bytes()));
	expect_unchanged(_metadata, door, &before);
	close(read_only);
	close(door);
}

/* OPEN @flags: O_RDONLY, O_WRONLY or O_RDWR, and nothing else */
TEST(open_refuses_the_fourth_access_mode)
{
	int door = open_door();
	char name[SHMDEV_NAME_SIZE];
	int segment;

	make_name(name, "accmode");
	segment = create_named(door, name, page_bytes());
	ASSERT_LE(0, segment);
	EXPECT_ERRNO(EINVAL, open_named(door, name, O_ACCMODE));
	close(segment);
	close(door);
}

/* "structs": reserved members that have no meaning must be zero */
TEST(reserved_members_must_be_zero)
{
	struct shmdev_create spec = {
		.size = sizeof(spec),
		.bytes = page_bytes(),
		.mode = 0600,
		.reserved = 1,
	};
	struct shmdev_mappings who = { .size = sizeof(who), .reserved = 1,
				       .entry_size = sizeof(maps[0]) };
	struct shmdev_wait word = { .size = sizeof(word), .ended = 1 };
	struct shmdev_peers others = { .size = sizeof(others), .reserved = 1,
				       .entry_size = sizeof(struct shmdev_peer) };
	struct shmdev_wake sleepers = { .size = sizeof(sleepers),
					.reserved = 1 };
	int door = open_door();
	struct state before = take_state(door);

	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_CREATE, &spec));
	spec.reserved = 1U << 31;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_CREATE, &spec));
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_MAPPINGS, &who));
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_WAIT, &word));
	word.ended = 1U << 31;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_WAIT, &word));
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_WAKE, &sleepers));
	sleepers.reserved = 1U << 31;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_WAKE, &sleepers));
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_PEERS, &others));
	others.reserved = 1U << 31;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_PEERS, &others));
	expect_unchanged(_metadata, door, &before);
	close(door);
}

/* CREATE @mode: 0 to 0777 */
TEST(modes_beyond_0777_are_einval)
{
	const __u32 modes[] = {
		01000, 02000, 04000, 07777, S_IFREG | 0600, 1U << 31, ~0U,
	};
	int door = open_door();
	struct state before = take_state(door);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		EXPECT_ERRNO(EINVAL, create(door, NULL, page_bytes(), modes[i],
					    0, NULL));
	expect_unchanged(_metadata, door, &before);
	close(door);
}

/* LIST @count at least 1, @entry_size of all arrays as the caller knows it */
TEST(arrays_of_the_wrong_shape_are_refused)
{
	struct shmdev_list what = {
		.size = sizeof(what),
		.entries = (uintptr_t)infos,
		.count = 0,
		.entry_size = sizeof(infos[0]),
	};
	struct shmdev_mappings who = {
		.size = sizeof(who),
		.entries = (uintptr_t)maps,
		.count = ARRAY_SIZE(maps),
	};
	struct shmdev_peers partners = {
		.size = sizeof(partners),
		.entries = (uintptr_t)records,
		.count = ARRAY_SIZE(records),
	};
	const __u32 short_sizes[] = { 0, 1, 8 };
	int door = open_door();
	size_t i;

	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_LIST, &what));
	what.count = ARRAY_SIZE(infos);
	for (i = 0; i < ARRAY_SIZE(short_sizes); i++) {
		what.entry_size = short_sizes[i];
		EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_LIST, &what));
		who.entry_size = short_sizes[i];
		EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_MAPPINGS, &who));
		partners.entry_size = short_sizes[i];
		EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_PEERS, &partners));
	}
	what.entry_size = sizeof(infos[0]) - 1;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_LIST, &what));
	who.entry_size = sizeof(maps[0]) - 1;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_MAPPINGS, &who));
	what.entry_size = page_bytes() + 1;
	EXPECT_ERRNO(E2BIG, ioctl(door, SHMDEV_IOC_LIST, &what));
	who.entry_size = page_bytes() + 1;
	EXPECT_ERRNO(E2BIG, ioctl(door, SHMDEV_IOC_MAPPINGS, &who));
	partners.entry_size = sizeof(records[0]) - 1;
	EXPECT_ERRNO(EINVAL, ioctl(door, SHMDEV_IOC_PEERS, &partners));
	partners.entry_size = page_bytes() + 1;
	EXPECT_ERRNO(E2BIG, ioctl(door, SHMDEV_IOC_PEERS, &partners));
	close(door);
}

/* LIST, MAPPINGS, PEERS @entry_size: arrays of longer structs */
TEST(entries_of_longer_structs_keep_their_distance)
{
	static struct {
		struct shmdev_info info;
		__u64 later[2];
	} wide_infos[8];
	static struct {
		struct shmdev_mapping mapping;
		__u64 later[2];
	} wide_maps[8];
	static struct {
		struct shmdev_peer peer;
		__u64 later[2];
	} wide_records[8];
	struct shmdev_list what = {
		.size = sizeof(what),
		.entries = (uintptr_t)wide_infos,
		.count = ARRAY_SIZE(wide_infos),
		.entry_size = sizeof(wide_infos[0]),
	};
	struct shmdev_mappings who = {
		.size = sizeof(who),
		.entries = (uintptr_t)wide_maps,
		.count = ARRAY_SIZE(wide_maps),
		.entry_size = sizeof(wide_maps[0]),
	};
	struct shmdev_peers partners = {
		.size = sizeof(partners),
		.entries = (uintptr_t)wide_records,
		.count = ARRAY_SIZE(wide_records),
		.entry_size = sizeof(wide_records[0]),
	};
	int door = open_door();
	int segment = create_anonymous(door, 2 * page_bytes());
	void *one = map(segment, page_bytes(), PROT_READ);
	void *two = map(segment, 2 * page_bytes(), PROT_READ);

	what.after = id_of(segment) - 1;
	ASSERT_EQ(0, ioctl(door, SHMDEV_IOC_LIST, &what));
	ASSERT_EQ(1, what.count);
	EXPECT_EQ(id_of(segment), wide_infos[0].info.id);
	what.after = 0;
	what.count = ARRAY_SIZE(wide_infos);
	ASSERT_EQ(0, ioctl(door, SHMDEV_IOC_LIST, &what));
	ASSERT_LE(2, what.count);
	EXPECT_EQ(1, wide_infos[0].info.id);
	EXPECT_LT(1, wide_infos[1].info.id);

	ASSERT_EQ(0, ioctl(segment, SHMDEV_IOC_MAPPINGS, &who));
	ASSERT_EQ(2, who.count);
	EXPECT_EQ(3 * page_bytes(), wide_maps[0].mapping.bytes +
				    wide_maps[1].mapping.bytes);

	ASSERT_EQ(0, join(segment, "first", NULL));
	ASSERT_EQ(0, leave(segment));
	ASSERT_EQ(0, join(segment, "second", NULL));
	ASSERT_EQ(0, ioctl(segment, SHMDEV_IOC_PEERS, &partners));
	ASSERT_EQ(2, partners.count);
	EXPECT_STREQ("second", wide_records[0].peer.role);
	EXPECT_STREQ("first", wide_records[1].peer.role);
	munmap(one, page_bytes());
	munmap(two, 2 * page_bytes());
	close(segment);
	close(door);
}

/* "errors", EFAULT: for the arrays that the structs point to, too */
TEST(arrays_that_lead_nowhere_are_efault)
{
	char *page = mmap(NULL, 2 * page_bytes(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *hole = page + page_bytes();
	int door = open_door();
	int segment = create_anonymous(door, page_bytes());
	void *view = map(segment, page_bytes(), PROT_READ);
	__u64 places[] = {
		0, (uintptr_t)hole, (uintptr_t)hole - 8, (unsigned long)-8L,
		1ULL << 63, ~0ULL << 12,
	};
	struct state before;
	size_t i;

	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, munmap(hole, page_bytes()));
	before = take_state(door);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		struct shmdev_list what = {
			.size = sizeof(what),
			.entries = places[i],
			.count = 8,
			.entry_size = sizeof(struct shmdev_info),
		};
		struct shmdev_mappings who = {
			.size = sizeof(who),
			.entries = places[i],
			.count = 8,
			.entry_size = sizeof(struct shmdev_mapping),
		};
		struct shmdev_peers partners = {
			.size = sizeof(partners),
			.entries = places[i],
			.count = 8,
			.entry_size = sizeof(struct shmdev_peer),
		};

		EXPECT_ERRNO(EFAULT, ioctl(door, SHMDEV_IOC_LIST, &what));
		EXPECT_ERRNO(EFAULT, ioctl(segment, SHMDEV_IOC_MAPPINGS, &who));
		EXPECT_ERRNO(EFAULT, ioctl(door, SHMDEV_IOC_PEERS, &partners));
	}
	expect_unchanged(_metadata, door, &before);
	munmap(view, page_bytes());
	munmap(page, page_bytes());
	close(segment);
	close(door);
}

/* JOIN: a peer that cannot be told its number is none */
TEST_F(file, join_that_fails_to_answer_is_undone)
{
	struct shmdev_join *arg = mmap(NULL, page_bytes(),
				       PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u32 before = peers_of(self->target.fd);

	ASSERT_NE(MAP_FAILED, arg);
	*arg = (struct shmdev_join){ .size = sizeof(*arg) };
	ASSERT_EQ(0, mprotect(arg, page_bytes(), PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(self->target.fd, SHMDEV_IOC_JOIN, arg));
	EXPECT_EQ(before, peers_of(self->target.fd));
	EXPECT_ERRNO(ESRCH, leave(self->target.fd));
	munmap(arg, page_bytes());
}

/* WAIT: the struct comes back as a whole when the caller is woken */
TEST_F(file, wait_that_was_woken_gives_its_struct_back)
{
	struct {
		struct shmdev_wait wait;
		__u64 later;
	} arg = {
		.wait = {
			.size = sizeof(arg),
			.offset = self->target.bytes - 4,
			.timeout = 10 * NSEC_PER_SEC,
		},
	}, before = arg;
	pid_t waker;

	ASSERT_EQ(4, pwrite(self->target.fd, &arg.wait.expected, 4,
			    arg.wait.offset));
	waker = fork_child();
	if (!waker) {
		while (!wake_word(self->target.fd, arg.wait.offset, 1))
			usleep(1000);
		_exit(0);
	}
	EXPECT_EQ(0, ioctl(self->target.fd, SHMDEV_IOC_WAIT, &arg));
	EXPECT_EQ(0, reap(waker));
	EXPECT_EQ(0, memcmp(&before, &arg, sizeof(arg)));
}

TEST_HARNESS_MAIN
