// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Files as records show them: what the inode says, and the names on the way to it.
 */
#ifndef LAPWING_FILE_H
#define LAPWING_FILE_H

/* MNT_INTERNAL of linux/mount.h. */
#define MNT_INTERNAL 0x4000
/* The upper bit says that somebody has asked for the time (I_CTIME_QUERIED, 6.13). */
#define NANOSECONDS 0x7fffffffu
/* linux/magic.h */
#define NSFS_MAGIC 0x6e736673

static __always_inline u64 file__time(s64 seconds, u32 nanoseconds)
{
	return seconds * 1000000000ll + (nanoseconds & NANOSECONDS);
}

/* What the inode says; false where its members are too far apart. */
static __always_inline bool file__put_region(struct scratch *s, struct lw_file *file, struct inode *inode,
					     struct super_block **super)
{
	/* Not on the stack, of which all callers together have 512 bytes. */
	u64 *region = s->region;

	if (!bpf_core_field_exists(inode->i_mtime_sec) || !region__within(0, INODE_REGION, struct inode, i_ino) ||
	    !region__within(0, INODE_REGION, struct inode, i_uid.val) || !region__within(0, INODE_REGION, struct inode, i_gid.val) ||
	    !region__within(0, INODE_REGION, struct inode, i_mode) || !region__within(0, INODE_REGION, struct inode, i_nlink) ||
	    !region__within(0, INODE_REGION, struct inode, i_sb) || !region__within(0, INODE_REGION, struct inode, i_mtime_sec) ||
	    !region__within(0, INODE_REGION, struct inode, i_ctime_sec) ||
	    !region__within(0, INODE_REGION, struct inode, i_mtime_nsec) ||
	    !region__within(0, INODE_REGION, struct inode, i_ctime_nsec))
		return false;
	bpf_probe_read_kernel(region, INODE_REGION, inode);
	file->inode = region__get(region, 0, struct inode, i_ino);
	file->uid = region__get(region, 0, struct inode, i_uid.val);
	file->gid = region__get(region, 0, struct inode, i_gid.val);
	file->mode = region__get(region, 0, struct inode, i_mode);
	file->links = region__get(region, 0, struct inode, i_nlink);
	file->modified = file__time(region__get(region, 0, struct inode, i_mtime_sec),
				    region__get(region, 0, struct inode, i_mtime_nsec));
	file->changed = file__time(region__get(region, 0, struct inode, i_ctime_sec),
				   region__get(region, 0, struct inode, i_ctime_nsec));
	*super = region__get(region, 0, struct inode, i_sb);
	return true;
}

/* The same, member by member. */
static __always_inline void file__put_members(struct lw_file *file, struct inode *inode, struct super_block **super)
{
	file->inode = BPF_CORE_READ(inode, i_ino);
	file->uid = BPF_CORE_READ(inode, i_uid.val);
	file->gid = BPF_CORE_READ(inode, i_gid.val);
	file->mode = BPF_CORE_READ(inode, i_mode);
	file->links = BPF_CORE_READ(inode, i_nlink);
	*super = BPF_CORE_READ(inode, i_sb);
	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		file->modified = file__time(BPF_CORE_READ(inode, i_mtime_sec), BPF_CORE_READ(inode, i_mtime_nsec));
		file->changed = file__time(BPF_CORE_READ(inode, i_ctime_sec), BPF_CORE_READ(inode, i_ctime_nsec));
		return;
	}
	struct inode___v6_7 *v6_7 = (void *)inode;
	struct inode___v5 *v5 = (void *)inode;
	struct timespec64 time;
	if (bpf_core_field_exists(v6_7->__i_mtime))
		bpf_core_read(&time, sizeof(time), &v6_7->__i_mtime);
	else
		bpf_core_read(&time, sizeof(time), &v5->i_mtime);
	file->modified = file__time(time.tv_sec, time.tv_nsec);
	if (bpf_core_field_exists(v6_7->__i_ctime))
		bpf_core_read(&time, sizeof(time), &v6_7->__i_ctime);
	else
		bpf_core_read(&time, sizeof(time), &v5->i_ctime);
	file->changed = file__time(time.tv_sec, time.tv_nsec);
}

#define SUPER_REGION 64

/* The file system. Its name is that of its type, which does not change: so it is read once for files of the same. */
static __always_inline void file__put_filesystem(struct scratch *s, struct lw_file *file, struct super_block *super)
{
	u64 base = bpf_core_field_offset(struct super_block, s_type);
	struct filesystem *known = &s->filesystem;
	struct file_system_type *type;
	u64 *region = s->region;

	if (region__within(base, SUPER_REGION, struct super_block, s_magic)) {
		bpf_probe_read_kernel(region, SUPER_REGION, (void *)((u64)super + base));
		file->magic = region__get(region, base, struct super_block, s_magic);
		type = region__get(region, base, struct super_block, s_type);
	} else {
		file->magic = BPF_CORE_READ(super, s_magic);
		type = BPF_CORE_READ(super, s_type);
	}
	if (!type)
		return;
	if (known->type != (u64)type || known->magic != file->magic) {
		__builtin_memset(known->name, 0, sizeof(known->name));
		bpf_probe_read_kernel_str(known->name, sizeof(known->name), BPF_CORE_READ(type, name));
		known->type = (u64)type;
		known->magic = file->magic;
	}
	__builtin_memcpy(file->filesystem, known->name, sizeof(file->filesystem));
}

static __always_inline void file__put_inode(struct scratch *s, struct lw_file *file, struct inode *inode)
{
	struct super_block *super = NULL;

	if (!file__put_region(s, file, inode, &super))
		file__put_members(file, inode, &super);
	file__put_filesystem(s, file, super);
}

/* The kind of a namespace, in place of names: its file has none (ns_dname of fs/nsfs.c). */
static __always_inline u32 file__put_namespace(struct scratch *s, struct inode *inode)
{
	struct ns_common *namespace = BPF_CORE_READ(inode, i_private);
	u32 at = s->at + sizeof(struct lw_part) + sizeof(struct lw_file);

	if (!namespace || at >= SCRATCH_BYTES)
		return 0;
	long n = bpf_probe_read_kernel_str(record__bytes(s, at), 32, BPF_CORE_READ(namespace, ops, name));
	return n > 0 ? n : 0;
}

/* Adds a file: the inode's facts, and the names of the place. With `rest`, what is left of the path of
 * the walk in `s` is added, and the place is only where that begins; its upper half are flags of the file.
 * Bits above the lowest eight of `slot` are flags of the part. */
__noinline int file__put(u32 user, u32 slot, u64 dentry, u64 mount, u32 rest)
{
	struct scratch *s = record__scratch(user);
	struct inode *inode = NULL;

	if (!s)
		return 0;
	/* Nobody wants to hear of it. */
	if (s->filter.asks && filter__look_at_all(s, user, slot, dentry, mount, rest))
		return 0;
	struct lw_part *part = record__room(s);
	if (!part)
		return 0;
	s->flags = rest >> 16;
	struct lw_file *file = (struct lw_file *)(part + 1);
	__builtin_memset(file, 0, sizeof(*file));
	file->mount = BPF_CORE_READ((struct mount *)mount, mnt_id);
	if (place__look_at(s, mount)->flags & MNT_INTERNAL)
		s->flags |= LW_FILE_INTERNAL | LW_FILE_ELSEWHERE;
	else
		s->flags |= place__apart(s, mount);
	rest &= 0xffff;
	if (!rest)
		inode = BPF_CORE_READ((struct dentry *)dentry, d_inode);
	if (inode) {
		s->flags |= LW_FILE_INODE;
		file__put_inode(s, file, inode);
	}
	u32 names;
	if (inode && file->magic == NSFS_MAGIC)
		names = file__put_namespace(s, inode);
	else
		names = path__put_names(user, dentry, mount);
	if (names > 2 * NAMES_BYTES)
		names = 2 * NAMES_BYTES;
	file->names = names;
	if (rest) {
		u32 at = s->at + sizeof(struct lw_part) + sizeof(struct lw_file) + names;
		u32 from = s->walk.at;
		u32 size = s->walk.length - from;

		if (size > 4096)
			size = 4096;
		if (at < SCRATCH_BYTES && from < 8192 - 4096) {
			bpf_probe_read_kernel(record__bytes(s, at), size,
					      &s->walk.path[s->walk.current & 1][from & 4095]);
			file->rest = size;
			names += size;
		} else {
			s->flags |= LW_FILE_TRUNCATED;
		}
	}
	file->flags = s->flags;
	record__close(s, part, LW_PART_FILE, slot, sizeof(struct lw_file) + names, slot >> 8);
	return 0;
}

/* Adds what a mount shows of its file system: the way to the root of that. */
__noinline int file__put_root(u32 user, u64 mount)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct lw_part *part = record__room(s);
	if (!part)
		return 0;
	s->flags = 0;
	struct lw_file *file = (struct lw_file *)(part + 1);
	__builtin_memset(file, 0, sizeof(*file));
	u32 names = path__put_names(user, place__look_at(s, mount)->root, 0);
	if (names > 2 * NAMES_BYTES)
		names = 2 * NAMES_BYTES;
	file->names = names;
	file->flags = s->flags;
	record__close(s, part, LW_PART_FILE, LW_SLOT_ROOT, sizeof(struct lw_file) + names, 0);
	return 0;
}

static __always_inline void file__put_open(u32 user, u8 slot, struct file *file)
{
	struct place place;

	place__read(&file->f_path, &place);
	if (place.dentry)
		file__put(user, slot, place.dentry, place.mount, 0);
}

/* Where the open file of a descriptor of the current task is; 0 if there is none. */
__noinline u64 file__address(u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + fd);
	return (u64)file;
}

static __always_inline struct file *file__of(u32 fd)
{
	return (struct file *)file__address(fd);
}

/* The same, faster, but each use costs the verifier milliseconds (place.h). */
static __always_inline struct file *file__made(u32 fd)
{
	struct file *file = NULL;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return file__of(fd);
	struct fdtable *table = bpf_get_current_task_btf()->files->fdt;
	if (fd >= table->max_fds)
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file;
}

/* Whether the file behind a new descriptor is left out, which is asked before a record begins. */
__noinline int file__look_at_open(u32 user, u32 fd)
{
	struct scratch *s = record__scratch(user);
	struct file *file = file__made(fd);
	struct place place;

	if (!s || !file)
		return 0;
	s->mounted.mount = 0;
	place__read(&file->f_path, &place);
	return place.dentry && filter__look_at_all(s, user, 0, place.dentry, place.mount, 0);
}

#endif
