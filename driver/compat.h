/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver is written for Linux 7.2. What older kernels call differently is
 * here and nowhere else; each part names the kernel that makes it unnecessary.
 */
#ifndef _SHMDEV_COMPAT_H
#define _SHMDEV_COMPAT_H

#include <linux/version.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "shmdev needs Linux 6.1 or newer"
#endif

/* 6.3: the flags of a VMA are changed by helpers that check the locking. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_clear(struct vm_area_struct *vma,
				  unsigned long flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_set(struct vm_area_struct *vma,
				unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

/* 6.3: the identity map of a mount is no longer a user namespace. */
static inline bool shmdev_inode_owner_or_capable(struct inode *inode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return inode_owner_or_capable(&init_user_ns, inode);
#else
	return inode_owner_or_capable(&nop_mnt_idmap, inode);
#endif
}

/* 6.13: a timer and its function are set up in one step. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *timer),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* 6.16: filesystems may have .mmap_prepare in place of .mmap. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define vfs_mmap(file, vma)		call_mmap(file, vma)
#else
#define SHMDEV_MMAP_PREPARE
#endif

/* 6.17: mounts that live as long as a module have a call of their own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define fc_mount_longterm(fc)		fc_mount(fc)
#endif

/* 6.18: the length of a mount option's value is found out by the callee. */
static inline int shmdev_mount_option(struct fs_context *fc, const char *key,
				      const char *value)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	return vfs_parse_fs_string(fc, key, value, strlen(value));
#else
	return vfs_parse_fs_string(fc, key, value);
#endif
}

/*
 * 7.0: the flags of a new shmem file are a type of their own. NORESERVE: memory
 * is accounted for page by page, when it is allocated and when it is freed.
 */
static inline struct file *
shmdev_shmem_file_setup(struct vfsmount *mount, const char *name, loff_t bytes)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup_with_mnt(mount, name, bytes, VM_NORESERVE);
#else
	return shmem_file_setup_with_mnt(mount, name, bytes,
					 mk_vma_flags(VMA_NORESERVE_BIT));
#endif
}

/* 7.0: the flags of a mapping to be made are of that type, too. */
#ifdef SHMDEV_MMAP_PREPARE
static inline unsigned long shmdev_desc_flags(const struct vm_area_desc *desc)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return desc->vm_flags;
#else
	return vma_flags_to_legacy(desc->vma_flags);
#endif
}

static inline void shmdev_desc_clear_maywrite(struct vm_area_desc *desc)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	desc->vm_flags &= ~VM_MAYWRITE;
#else
	vma_desc_clear_flags(desc, VMA_MAYWRITE_BIT);
#endif
}

static inline void shmdev_desc_set_dontexpand(struct vm_area_desc *desc)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	desc->vm_flags |= VM_DONTEXPAND;
#else
	vma_desc_set_flags(desc, VMA_DONTEXPAND_BIT);
#endif
}
#endif

#endif /* _SHMDEV_COMPAT_H */
