// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a segment mapped: read from the memory manager, not recorded.
 *
 * Every VMA of a file is in the interval tree of its inode, i_mmap, from mmap()
 * until munmap(), exit or exec, through every split, merge, move and fork. So
 * the tree, under its lock, is the answer; a count of ours could only differ
 * from it.
 */
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "shmdev.h"

static inline unsigned long vma_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long vma_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* The kernel's own instance of these functions is not exported. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long,
		     shared.rb_subtree_last, vma_first, vma_last,
		     static __maybe_unused, vma_tree)

static struct vm_area_struct *first_locked(struct address_space *mapping)
{
	lockdep_assert_held(&mapping->i_mmap_rwsem);
	return vma_tree_iter_first(&mapping->i_mmap, 0, ULONG_MAX);
}

static struct vm_area_struct *next_locked(struct vm_area_struct *vma)
{
	return vma_tree_iter_next(vma, 0, ULONG_MAX);
}

/* A VMA as it was under the lock. */
struct found {
	struct mm_struct *mm;	/* to compare only */
	u64 offset;
	u64 bytes;
	u32 flags;
	bool claimed;		/* by a process */
};

static u32 count_locked(struct address_space *mapping)
{
	struct vm_area_struct *vma;
	u32 count = 0;

	for (vma = first_locked(mapping); vma; vma = next_locked(vma))
		count++;
	return count;
}

/**
 * shmdev_mappings_count() - how many mappings a segment has
 * @segment: a referenced one
 *
 * Context: may sleep. The number may be stale when it is returned.
 */
u32 shmdev_mappings_count(const struct shmdev_segment *segment)
{
	struct address_space *mapping = segment->inner->f_mapping;
	u32 count;

	i_mmap_lock_read(mapping);
	count = count_locked(mapping);
	i_mmap_unlock_read(mapping);
	return count;
}

static int compare_mm(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->mm != y->mm)
		return x->mm < y->mm ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

static void collect_locked(struct address_space *mapping, struct found *found)
{
	struct vm_area_struct *vma;

	for (vma = first_locked(mapping); vma; vma = next_locked(vma)) {
		found->mm = vma->vm_mm;
		found->offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
		found->bytes = vma->vm_end - vma->vm_start;
		if (vma->vm_flags & VM_READ)
			found->flags |= SHMDEV_MAPPING_F_READ;
		if (vma->vm_flags & VM_WRITE)
			found->flags |= SHMDEV_MAPPING_F_WRITE;
		/* VM_SHARED is clear where the file cannot be written to. */
		if (vma->vm_flags & VM_MAYSHARE)
			found->flags |= SHMDEV_MAPPING_F_SHARED;
		found++;
	}
}

/* The memory of a process, whose first thread may have ended before others. */
static struct mm_struct *process_mm(struct task_struct *process)
{
	struct task_struct *thread;
	struct mm_struct *mm;

	if (process->flags & PF_KTHREAD)
		return NULL;
	for_each_thread(process, thread) {
		mm = READ_ONCE(thread->mm);
		if (mm)
			return mm;
	}
	return NULL;
}

/* What is written out, and how much of it. */
struct result {
	struct shmdev_mapping *entries;
	u32 room;
	u32 total;
};

static void report(struct result *result, const struct found *found,
		   struct task_struct *process)
{
	struct shmdev_mapping *entry;

	if (result->total++ >= result->room)
		return;
	entry = &result->entries[result->total - 1];
	*entry = (struct shmdev_mapping){
		.offset = found->offset,
		.bytes = found->bytes,
		.flags = found->flags,
		.pid = process ? task_tgid_vnr(process) : 0,
	};
	if (entry->pid)
		get_task_comm(entry->comm, process);
}

/*
 * The VMAs are sorted by the memory they belong to, so each process finds its
 * own by bisection. A VMA in the tree keeps its mm_struct from being freed, so
 * while the tree is locked equal addresses mean the same memory.
 */
static void attribute_locked(struct address_space *mapping,
			     struct found *found, u32 count,
			     struct result *result)
{
	struct task_struct *process;
	struct mm_struct *mm;
	u32 i, low, high;

	lockdep_assert_held(&mapping->i_mmap_rwsem);
	rcu_read_lock();
	for_each_process(process) {
		mm = process_mm(process);
		if (!mm)
			continue;
		for (low = 0, high = count; low < high;) {
			i = low + (high - low) / 2;
			if (found[i].mm < mm)
				low = i + 1;
			else
				high = i;
		}
		for (i = low; i < count && found[i].mm == mm; i++) {
			found[i].claimed = true;
			report(result, &found[i], process);
		}
	}
	rcu_read_unlock();

	/* The last thread has gone and the memory is about to. */
	for (i = 0; i < count; i++)
		if (!found[i].claimed)
			report(result, &found[i], NULL);
}

/**
 * shmdev_mappings_get() - list who has a segment mapped
 * @segment: a referenced one
 * @count: set to the number of entries
 *
 * Context: may sleep.
 * Return: an array for the caller to kvfree(), or an ERR_PTR
 */
struct shmdev_mapping *
shmdev_mappings_get(const struct shmdev_segment *segment, u32 *count)
{
	struct address_space *mapping = segment->inner->f_mapping;
	struct result result = {};
	struct found *found;
	u32 vmas, room;

	/*
	 * Memory cannot be allocated under the lock, which reclaim takes too;
	 * so guess, look, and guess better until it is enough. Processes that
	 * share their memory make more entries than there are VMAs.
	 */
	for (room = shmdev_mappings_count(segment);; room = vmas) {
		room += room / 8 + 16;
		found = kvcalloc(room, sizeof(*found), GFP_KERNEL_ACCOUNT);
		result.room = max(room, result.total);
		result.total = 0;
		result.entries = kvcalloc(result.room, sizeof(*result.entries),
					  GFP_KERNEL_ACCOUNT);
		if (!found || !result.entries)
			goto err_free;

		i_mmap_lock_read(mapping);
		vmas = count_locked(mapping);
		if (vmas <= room) {
			collect_locked(mapping, found);
			sort(found, vmas, sizeof(*found), compare_mm, NULL);
			attribute_locked(mapping, found, vmas, &result);
		}
		i_mmap_unlock_read(mapping);

		kvfree(found);
		if (vmas <= room && result.total <= result.room)
			break;
		kvfree(result.entries);
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
	*count = result.total;
	return result.entries;

err_free:
	kvfree(found);
	kvfree(result.entries);
	return ERR_PTR(-ENOMEM);
}
