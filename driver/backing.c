// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a segment: an unlinked file of a tmpfs mount of our own.
 *
 * tmpfs gives what a driver would otherwise have to get right by hand: faults,
 * huge pages, futexes, long-term pins, NUMA policy, accounting, permissions.
 * The mount is ours so that it can use huge pages without any boot parameter.
 */
#include <linux/fcntl.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>

#include "shmdev.h"
#include "compat.h"

static struct vfsmount *mount;
/* The kernel's own operations of an inode that nobody may use any more. */
static const struct inode_operations *dead_inode_operations __ro_after_init;

/* tmpfs says ENOSPC for some kinds of "no memory"; here that is a limit. */
static int backing_error(int ret)
{
	return ret == -ENOSPC ? -ENOMEM : ret;
}

static struct vfsmount * __init backing_mount(void)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	struct vfsmount *mnt;
	struct fs_context *fc;
	int ret = 0;

	if (!type)
		return ERR_PTR(-ENODEV);
	fc = fs_context_for_mount(type, SB_KERNMOUNT);
	module_put(type->owner);
	if (IS_ERR(fc))
		return ERR_CAST(fc);

	/*
	 * Huge pages where they fit into the segment: "always" would take 2 MiB
	 * for a segment of one page. Not asked for where there are none, since
	 * tmpfs would complain in the log.
	 */
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	    has_transparent_hugepage())
		ret = shmdev_mount_option(fc, "huge", "within_size");
	mnt = ret ? ERR_PTR(ret) : fc_mount_longterm(fc);
	put_fs_context(fc);
	/* What several parties write is never to be run. */
	if (!IS_ERR(mnt))
		mnt->mnt_sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	return mnt;
}

/**
 * shmdev_backing_init() - mount the tmpfs and learn its file operations
 *
 * Context: may sleep.
 * Return: 0 or a negative errno
 */
int __init shmdev_backing_init(void)
{
	struct file *probe;

	mount = backing_mount();
	if (IS_ERR(mount))
		return backing_error(PTR_ERR(mount));

	probe = shmdev_shmem_file_setup(mount, "shmdev", PAGE_SIZE);
	if (IS_ERR(probe)) {
		kern_unmount(mount);
		return backing_error(PTR_ERR(probe));
	}
	shmdev_file_init(probe->f_op);
	make_bad_inode(file_inode(probe));
	dead_inode_operations = file_inode(probe)->i_op;
	fput(probe);
	return 0;
}

/**
 * shmdev_backing_exit() - unmount
 *
 * Paths into the mount may outlive it, see Lifetime in shmdev.h; they keep the
 * superblock, which needs nothing of this module any more.
 *
 * Context: may sleep.
 */
void shmdev_backing_exit(void)
{
	kern_unmount(mount);
}

/* What /proc/PID/maps shows, without the leading slash. */
static char *backing_name(const struct shmdev_segment *segment)
{
	if (segment->flags & SHMDEV_INFO_F_DEFAULT)
		return kstrdup("dev/shmdev", GFP_KERNEL);
	if (!*segment->name)
		return kstrdup("shmdev", GFP_KERNEL);
	return kasprintf(GFP_KERNEL, "shmdev:%s", segment->name);
}

/*
 * Allocate and charge every page now. RETRY_MAYFAIL makes that fail where it
 * would otherwise wake the OOM killer, and NOWARN keeps that out of the log; only
 * here, as a page fault that may not wait for memory would be retried for ever.
 */
static int backing_commit(struct file *inner, size_t bytes)
{
	struct address_space *mapping = inner->f_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping);
	int ret;

	mapping_set_gfp_mask(mapping, gfp | __GFP_RETRY_MAYFAIL |
			     __GFP_NOWARN);
	ret = vfs_fallocate(inner, 0, 0, bytes);
	mapping_set_gfp_mask(mapping, gfp);
	return ret;
}

/**
 * shmdev_backing_create() - get the memory of a new segment
 * @segment: with its name, flags and size
 * @mode: permission bits
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or -EINTR if a signal came first
 */
int shmdev_backing_create(struct shmdev_segment *segment, umode_t mode)
{
	bool lazy = segment->flags & SHMDEV_INFO_F_LAZY;
	char *name = backing_name(segment);
	struct inode *inode;
	struct file *inner;

	if (!name)
		return -ENOMEM;
	inner = shmdev_shmem_file_setup(mount, name, segment->bytes);
	kfree(name);
	if (IS_ERR(inner))
		return backing_error(PTR_ERR(inner));

	inode = file_inode(inner);
	inode->i_mode = S_IFREG | mode;
	/*
	 * No change of size, through whatever path a user finds to the inode;
	 * and no further seals, or one writer could seal out all others.
	 */
	SHMEM_I(inode)->seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
	/* A reopen through /proc comes to us, not to tmpfs. */
	inode->i_fop = shmdev_file_operations;
	WRITE_ONCE(inner->f_path.dentry->d_fsdata, segment);
	segment->inner = inner;

	/*
	 * What the kernel will hold on to must not stand where others move. What
	 * cannot fit is not tried, since others would starve meanwhile.
	 */
	if (*segment->endpoint_name) {
		if (segment->bytes >> PAGE_SHIFT > totalram_pages())
			return -ENOMEM;
		mapping_set_unevictable(inner->f_mapping);
		mapping_set_gfp_mask(inner->f_mapping,
				     mapping_gfp_mask(inner->f_mapping) &
				     ~__GFP_MOVABLE);
	}
	return lazy ? 0 : backing_error(backing_commit(inner, segment->bytes));
}

/**
 * shmdev_backing_page() - get one page of a segment
 * @segment: with its memory; a lazy one gets the page now
 * @index: of the page
 *
 * Context: may sleep.
 * Return: the page, with a reference for the caller, or an ERR_PTR
 */
struct page *shmdev_backing_page(const struct shmdev_segment *segment,
				 pgoff_t index)
{
	struct address_space *mapping = segment->inner->f_mapping;
	struct page *page = find_get_page(mapping, index);

	/*
	 * It mostly is there, which shmem takes longer to find out. One that is
	 * broken is not to be read: shmem says so.
	 */
	if (page && PageUptodate(page) && !PageHWPoison(page))
		return page;
	if (page)
		put_page(page);
	page = shmem_read_mapping_page(mapping, index);
	return IS_ERR(page) ? ERR_PTR(backing_error(PTR_ERR(page))) : page;
}

/**
 * shmdev_backing_is_pinned() - may a device or io_uring be using a page?
 * @segment: with its memory
 * @index: of the page
 *
 * All of a large folio counts. Some of what Linux does before 6.14 pins pages as
 * if it only looked at them (reads with O_DIRECT, of block devices before 6.5
 * and of FUSE): that is not seen.
 *
 * Context: any.
 */
bool shmdev_backing_is_pinned(const struct shmdev_segment *segment,
			      pgoff_t index)
{
	struct page *page = find_get_page(segment->inner->f_mapping, index);
	bool pinned;

	if (!page)
		return false;
	pinned = folio_maybe_dma_pinned(page_folio(page));
	put_page(page);
	return pinned;
}

/**
 * shmdev_backing_pin() - make the kernel's view of a segment
 * @segment: one whose memory is committed
 *
 * The references on the pages keep reclaim and migration away from them, so
 * the addresses that the kernel and the processes use go on meaning the same
 * pages. (What could still part them is a hole punched into the file: there is
 * no way to.)
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM
 */
int shmdev_backing_pin(struct shmdev_segment *segment)
{
	pgoff_t count = segment->bytes >> PAGE_SHIFT;
	struct page *page;
	pgoff_t i;

	segment->pages = kvcalloc(count, sizeof(*segment->pages),
				  GFP_KERNEL_ACCOUNT);
	if (!segment->pages)
		return -ENOMEM;

	for (i = 0; i < count; i++) {
		page = shmdev_backing_page(segment, i);
		if (IS_ERR(page))
			return PTR_ERR(page);
		segment->pages[i] = page;
		cond_resched();
	}
	segment->data = vmap(segment->pages, count, VM_MAP, PAGE_KERNEL);
	return segment->data ? 0 : -ENOMEM;
}

static void backing_unpin(struct shmdev_segment *segment)
{
	pgoff_t count = segment->bytes >> PAGE_SHIFT;
	pgoff_t i;

	if (!segment->pages)
		return;
	vunmap(segment->data);
	for (i = 0; i < count && segment->pages[i]; i++)
		put_page(segment->pages[i]);
	kvfree(segment->pages);
}

static void refuse_permission(struct inode *inode)
{
	inode->i_op = dead_inode_operations;
	spin_lock(&inode->i_lock);
	/* The VFS remembers that tmpfs leaves permission to it. */
	inode->i_opflags &= ~IOP_FASTPERM;
	spin_unlock(&inode->i_lock);
}

/*
 * Somebody holds a path to a dead inode: an O_PATH descriptor, or an open() that
 * has not yet come to ask for this module, which by then may be going. So first
 * nobody gets the permission to open it any more; then those are waited for who
 * got it before, as from there to asking for the module an open() may be
 * preempted but does not sleep; and then nothing there leads to this module.
 *
 * The wait may take a second. It comes to those only who hold such paths.
 */
static void close_paths(struct inode *inode)
{
	refuse_permission(inode);
	synchronize_rcu_tasks();
	/* Again, for one who remembered at that very moment. */
	refuse_permission(inode);
	make_bad_inode(inode);
}

/**
 * shmdev_backing_destroy() - give the memory back
 * @segment: one without references; creation may have failed half-way
 * @paths: known ones, which nobody opens any more
 *
 * No file and no mapping is left, but somebody may hold a path to the inode.
 * From now on nothing can be opened by it, and there is nothing behind it.
 *
 * Context: may sleep.
 */
void shmdev_backing_destroy(struct shmdev_segment *segment, int paths)
{
	struct file *inner = segment->inner;
	struct inode *inode;

	backing_unpin(segment);
	if (!inner)
		return;

	inode = file_inode(inner);
	WRITE_ONCE(inner->f_path.dentry->d_fsdata, NULL);
	shmem_truncate_range(inode, 0, -1);
	/*
	 * A path can only be had from another, or from a file: one that is being
	 * dropped right now may count or not.
	 */
	if (READ_ONCE(inner->f_path.dentry->d_lockref.count) > 1 + paths)
		close_paths(inode);
	fput(inner);
}
