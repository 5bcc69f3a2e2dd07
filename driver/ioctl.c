// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands: one table, one way in and out of user memory, one function each.
 *
 * A command sees a copy of its struct, so what it has checked stays so, and
 * nothing is locked while user memory is touched. A descriptor is installed as
 * the very last step, when nothing can fail any more.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "shmdev.h"
#include "compat.h"

/* Every command's struct begins with these two. */
struct shmdev_head {
	u32 size;
	u32 flags;
};

union shmdev_argument {
	struct shmdev_head head;
	struct shmdev_version version;
	struct shmdev_create create;
	struct shmdev_open open;
	struct shmdev_remove remove;
	struct shmdev_list list;
	struct shmdev_info info;
	struct shmdev_mappings mappings;
	struct shmdev_kick kick;
	struct shmdev_look look;
	struct shmdev_wait wait;
	struct shmdev_wake wake;
	struct shmdev_join join;
	struct shmdev_leave leave;
	struct shmdev_peers peers;
	struct shmdev_isolate isolate;
	struct shmdev_claim claim;
};

/**
 * struct shmdev_call - one command under way
 * @file: a segment file
 * @segment: its segment
 * @door: the open /dev/shmdev that @file belongs to, or NULL
 * @arg: copy of the caller's struct, longer members than it knows are zero
 * @claimed: the file that CLAIM hands out, until its descriptor is installed
 * @fd: that descriptor
 */
struct shmdev_call {
	struct file *file;
	struct shmdev_segment *segment;
	struct file *door;
	union shmdev_argument arg;
	struct file *claimed;
	int fd;
};

/* Owner and mode of the default segment are those of the device node. */
static const struct inode *info_inode(const struct shmdev_call *call,
				      const struct shmdev_segment *segment)
{
	if (call->door && segment->flags & SHMDEV_INFO_F_DEFAULT)
		return file_inode(call->door);
	return shmdev_segment_inode(segment);
}

/*
 * Write entry @i of an array whose entries the caller knows as @entry_size
 * bytes long: what is longer than ours is zero behind ours.
 */
static int put_entry(u64 entries, u32 i, u32 entry_size, const void *entry,
		     size_t known)
{
	void __user *to = u64_to_user_ptr(entries) + (size_t)i * entry_size;
	size_t bytes = min_t(size_t, known, entry_size);

	if (copy_to_user(to, entry, bytes) ||
	    clear_user(to + bytes, entry_size - bytes))
		return -EFAULT;
	return 0;
}

static int check_entry_size(u32 entry_size, size_t least)
{
	if (entry_size < least)
		return -EINVAL;
	return entry_size > PAGE_SIZE ? -E2BIG : 0;
}

static int shmdev_ioctl_version(struct shmdev_call *call)
{
	call->arg.version = (struct shmdev_version){
		.size = call->arg.head.size,
		.features = SHMDEV_FEATURE_ALL,
		.default_bytes = shmdev_default->bytes,
		.page_bytes = PAGE_SIZE,
		.abi = SHMDEV_ABI,
		.release = SHMDEV_RELEASE,
	};
	return 0;
}

/* Open @segment and, when nothing can fail any more, hand the descriptor out. */
static int open_descriptor(struct shmdev_segment *segment, unsigned int flags,
			   const struct shmdev_create *publish)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = shmdev_file_open(segment, flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	if (publish)
		shmdev_names_publish(segment,
				     publish->flags & SHMDEV_CREATE_F_KEEP);
	/* The table owns the file from here on. */
	fd_install(fd, file);
	return fd;
}

static int shmdev_ioctl_create(struct shmdev_call *call)
{
	const struct shmdev_create *create = &call->arg.create;
	struct shmdev_segment *segment;
	bool lazy = create->flags & SHMDEV_CREATE_F_LAZY;
	int ret;

	if (!(call->file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (create->reserved || create->mode & ~0777)
		return -EINVAL;
	/* The upper bound keeps every later sum of bytes or pages from wrapping. */
	if (!create->bytes || !PAGE_ALIGNED(create->bytes) ||
	    create->bytes > min_t(u64, MAX_LFS_FILESIZE, SIZE_MAX) - PAGE_SIZE)
		return -EINVAL;
	ret = shmdev_names_check(create->name, sizeof(create->name)) ?:
	      shmdev_names_check(create->endpoint, sizeof(create->endpoint));
	if (ret)
		return ret;
	if (create->flags & SHMDEV_CREATE_F_KEEP && !*create->name)
		return -EINVAL;
	if (lazy && *create->endpoint)
		return -EINVAL;

	segment = shmdev_segment_create(create,
					lazy ? SHMDEV_INFO_F_LAZY : 0);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	ret = open_descriptor(segment, O_RDWR, create);
	shmdev_segment_put(segment);
	return ret;
}

static int shmdev_ioctl_open(struct shmdev_call *call)
{
	const struct shmdev_open *open = &call->arg.open;
	struct shmdev_segment *segment;
	int access, ret;

	if (open->flags == O_ACCMODE || !*open->name)
		return -EINVAL;
	ret = shmdev_names_check(open->name, sizeof(open->name));
	if (ret)
		return ret;

	segment = shmdev_names_find(open->name);
	if (!segment)
		return -ENOENT;
	access = open->flags == O_RDONLY ? MAY_READ :
		 open->flags == O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;
	ret = file_permission(segment->inner, access | MAY_OPEN);
	if (!ret)
		ret = open_descriptor(segment, open->flags, NULL);
	shmdev_segment_put(segment);
	return ret;
}

static int shmdev_ioctl_remove(struct shmdev_call *call)
{
	const struct shmdev_remove *remove = &call->arg.remove;
	int ret = shmdev_names_check(remove->name, sizeof(remove->name));

	if (ret)
		return ret;
	/* One of the two. */
	if (!*remove->name == !remove->id)
		return -EINVAL;
	return shmdev_names_remove(remove->name, remove->id);
}

static bool may_list(const struct shmdev_segment *segment)
{
	if (segment->flags & SHMDEV_INFO_F_DEFAULT)
		return true;
	if (segment->ipc_ns != shmdev_current_ipc_ns())
		return false;
	return uid_eq(current_fsuid(),
		      READ_ONCE(shmdev_segment_inode(segment)->i_uid)) ||
	       !file_permission(segment->inner, MAY_READ);
}

static int shmdev_ioctl_list(struct shmdev_call *call)
{
	struct shmdev_list *list = &call->arg.list;
	bool everywhere = list->flags & SHMDEV_LIST_F_EVERYWHERE;
	struct shmdev_segment *segment;
	struct shmdev_info info;
	u32 room = list->count;
	bool listed;
	int ret;

	ret = check_entry_size(list->entry_size, sizeof(info));
	if (ret)
		return ret;
	if (!room)
		return -EINVAL;
	if (everywhere && !capable(CAP_SYS_ADMIN))
		return -EPERM;

	list->count = 0;
	while (!ret && list->count < room) {
		segment = shmdev_names_next(list->after);
		if (!segment)
			break;
		list->after = segment->id;
		listed = everywhere || may_list(segment);
		if (listed) {
			info.size = sizeof(info);
			shmdev_segment_fill_info(segment,
						 info_inode(call, segment),
						 &info);
		}
		/* Not over the copy, which the caller may make last. */
		shmdev_segment_put(segment);
		if (listed)
			ret = put_entry(list->entries, list->count++,
					list->entry_size, &info, sizeof(info));
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return ret;
}

static int shmdev_ioctl_info(struct shmdev_call *call)
{
	shmdev_segment_fill_info(call->segment, info_inode(call, call->segment),
				 &call->arg.info);
	return 0;
}

static int shmdev_ioctl_mappings(struct shmdev_call *call)
{
	struct shmdev_mappings *mappings = &call->arg.mappings;
	struct shmdev_mapping *found;
	u32 i;
	int ret;

	ret = check_entry_size(mappings->entry_size, sizeof(*found));
	if (ret)
		return ret;
	if (mappings->reserved)
		return -EINVAL;

	found = shmdev_mappings_get(call->segment, &mappings->count,
				    &mappings->total);
	if (IS_ERR(found))
		return PTR_ERR(found);
	for (i = 0; !ret && i < mappings->count; i++)
		ret = put_entry(mappings->entries, i, mappings->entry_size,
				&found[i], sizeof(found[i]));
	kvfree(found);
	return ret;
}

static int kick(const struct file *file, u64 argument)
{
	if (!shmdev_file_may_write(file))
		return -EBADF;
	return shmdev_endpoint_kick(shmdev_file_segment(file), argument);
}

static int shmdev_ioctl_kick(struct shmdev_call *call)
{
	return kick(call->file, call->arg.kick.argument);
}

static int shmdev_ioctl_bare_kick(const struct file *file)
{
	return kick(file, 0);
}

static int shmdev_ioctl_look(struct shmdev_call *call)
{
	call->arg.look.events = shmdev_file_events(call->file);
	return 0;
}

/* Whoever was not told of an event has not looked at it. */
static void shmdev_ioctl_look_done(struct shmdev_call *call, bool told)
{
	if (told)
		shmdev_file_looked(call->file, call->arg.look.events);
}

static int shmdev_ioctl_wait(struct shmdev_call *call)
{
	if (!(call->file->f_mode & FMODE_READ))
		return -EBADF;
	if (call->arg.wait.ended &&
	    !(call->arg.wait.flags & SHMDEV_WAIT_F_PEERS))
		return -EINVAL;
	return shmdev_wait(call->segment, &call->arg.wait);
}

static int shmdev_ioctl_wake(struct shmdev_call *call)
{
	const struct shmdev_wake *wake = &call->arg.wake;
	int ret;

	if (!(call->file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (wake->reserved)
		return -EINVAL;
	ret = shmdev_wait_check(call->segment, wake->offset);
	return ret ?: shmdev_segment_wake(call->segment, wake->offset,
					  wake->count);
}

static int shmdev_ioctl_join(struct shmdev_call *call)
{
	struct shmdev_join *join = &call->arg.join;
	int ret = shmdev_names_check(join->role, sizeof(join->role));

	return ret ?: shmdev_peer_join(call->segment, call->file,
				       call->door ?: call->file, join->role,
				       &join->id);
}

/* A peer that does not know its number is none. */
static void shmdev_ioctl_join_done(struct shmdev_call *call, bool told)
{
	if (!told)
		shmdev_peer_leave(call->segment, call->file);
}

static int shmdev_ioctl_leave(struct shmdev_call *call)
{
	return shmdev_peer_leave(call->segment, call->file);
}

static int shmdev_ioctl_peers(struct shmdev_call *call)
{
	struct shmdev_peers *peers = &call->arg.peers;
	struct shmdev_peer *found;
	u32 i;
	int ret;

	ret = check_entry_size(peers->entry_size, sizeof(*found));
	if (ret)
		return ret;
	if (peers->reserved)
		return -EINVAL;

	found = shmdev_peers_get(call->segment, peers);
	if (IS_ERR(found))
		return PTR_ERR(found);
	for (i = 0; !ret && i < peers->count; i++)
		ret = put_entry(peers->entries, i, peers->entry_size,
				&found[i], sizeof(found[i]));
	kvfree(found);
	return ret;
}

static int shmdev_ioctl_isolate(struct shmdev_call *call)
{
	const struct shmdev_isolate *isolate = &call->arg.isolate;
	struct shmdev_segment *segment = call->segment;

	if (!shmdev_file_may_write(call->file))
		return -EBADF;
	if (segment->flags & SHMDEV_INFO_F_DEFAULT ||
	    !shmdev_inode_owner_or_capable(shmdev_segment_inode(segment)))
		return -EPERM;
	return shmdev_part_isolate(segment, isolate->offset, isolate->bytes,
				   isolate->flags &
				   SHMDEV_ISOLATE_F_CLAIMABLE);
}

static int shmdev_ioctl_claim(struct shmdev_call *call)
{
	if (!(call->file->f_mode & FMODE_READ))
		return -EBADF;
	call->fd = get_unused_fd_flags(O_CLOEXEC);
	if (call->fd < 0)
		return call->fd;
	call->claimed = shmdev_file_claim(call->segment,
					  &call->arg.claim.offset);
	if (IS_ERR(call->claimed)) {
		put_unused_fd(call->fd);
		return PTR_ERR(call->claimed);
	}
	return call->fd;
}

/* A claim is nothing without knowing of which page. */
static void shmdev_ioctl_claim_done(struct shmdev_call *call, bool told)
{
	if (told) {
		fd_install(call->fd, call->claimed);
	} else {
		put_unused_fd(call->fd);
		fput(call->claimed);
	}
}

/**
 * struct shmdev_command - how a command is called
 * @run: does it; a positive result goes to the caller
 * @bare: if not NULL, does it for a caller who gives NULL instead of a struct
 * @done: if not NULL, called at last, with whether the caller has the result
 * @cmd: its number, with direction and today's size
 * @least: size of the first release's struct; no caller has a smaller one
 * @flags: flags that have a meaning
 * @door: for /dev/shmdev only
 * @restarts: its struct goes back also if a signal ends it, for the next try
 */
struct shmdev_command {
	int (*run)(struct shmdev_call *call);
	int (*bare)(const struct file *file);
	void (*done)(struct shmdev_call *call, bool told);
	unsigned int cmd;
	u32 least;
	u32 flags;
	bool door;
	bool restarts;
};

#define COMMAND(name, member, known_flags, door_only, ...)		\
	[_IOC_NR(SHMDEV_IOC_##name)] = {				\
		.run = shmdev_ioctl_##member,				\
		.cmd = SHMDEV_IOC_##name,				\
		.least = sizeof(struct shmdev_##member),		\
		.flags = (known_flags),					\
		.door = (door_only),					\
		__VA_ARGS__						\
	}

static const struct shmdev_command commands[] = {
	COMMAND(VERSION, version, 0, false),
	COMMAND(CREATE, create, SHMDEV_CREATE_F_ALL, true),
	COMMAND(OPEN, open, O_ACCMODE, true),
	COMMAND(REMOVE, remove, 0, true),
	COMMAND(LIST, list, SHMDEV_LIST_F_ALL, true),
	COMMAND(INFO, info, 0, false),
	COMMAND(MAPPINGS, mappings, 0, false),
	COMMAND(KICK, kick, 0, false, .bare = shmdev_ioctl_bare_kick),
	COMMAND(LOOK, look, 0, false, .done = shmdev_ioctl_look_done),
	COMMAND(WAIT, wait, SHMDEV_WAIT_F_ALL, false, .restarts = true),
	COMMAND(WAKE, wake, 0, false),
	COMMAND(JOIN, join, 0, false, .done = shmdev_ioctl_join_done),
	COMMAND(LEAVE, leave, 0, false),
	COMMAND(PEERS, peers, 0, false),
	COMMAND(ISOLATE, isolate, SHMDEV_ISOLATE_F_ALL, false),
	COMMAND(CLAIM, claim, 0, false, .done = shmdev_ioctl_claim_done),
};

static const struct shmdev_command *find_command(unsigned int cmd, bool door)
{
	const struct shmdev_command *command;
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(commands))
		return NULL;
	command = &commands[array_index_nospec(nr, ARRAY_SIZE(commands))];
	/* Direction and magic must match; the size is in the struct. */
	if ((cmd ^ command->cmd) & ~IOCSIZE_MASK || (command->door && !door))
		return NULL;
	return command;
}

/*
 * Not inlined: a kernel that clears stacks clears the copy of the struct when
 * the function is entered, which a bare command has no use for.
 */
static noinline long run_with_struct(const struct shmdev_command *command,
				     struct file *file, struct file *door,
				     void __user *user)
{
	struct shmdev_call call = {
		.file = file,
		.segment = shmdev_file_segment(file),
		.door = door,
	};
	size_t known = _IOC_SIZE(command->cmd);
	u32 size;
	int ret;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < command->least)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&call.arg, known, user, size);
	if (ret)
		return ret;
	/* The word may have changed since; the one that was checked counts. */
	call.arg.head.size = size;
	if (call.arg.head.flags & ~command->flags)
		return -EINVAL;

	ret = command->run(&call);
	if (ret < 0 && !(ret == -ERESTARTSYS && command->restarts))
		return ret;
	if (_IOC_DIR(command->cmd) & _IOC_READ &&
	    put_entry((uintptr_t)user, 0, size, &call.arg, known))
		ret = -EFAULT;
	if (command->done)
		command->done(&call, ret >= 0);
	return ret;
}

/**
 * shmdev_ioctl() - carry out one command
 * @file: a segment file
 * @door: the open /dev/shmdev that @file belongs to, or NULL
 * @cmd: from the process
 * @arg: likewise
 *
 * Context: process context, no lock held.
 * Return: what the UAPI header says
 */
long shmdev_ioctl(struct file *file, struct file *door, unsigned int cmd,
		  unsigned long arg)
{
	const struct shmdev_command *command = find_command(cmd, door);

	if (!command)
		return -ENOTTY;
	if (!arg && command->bare)
		return command->bare(file);
	return run_with_struct(command, file, door, (void __user *)arg);
}
