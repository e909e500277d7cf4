// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Where names of the current task begin: its root and its working directory. They are read once for each
 * record. Every pointer of a known type that is followed makes the verifier search all of the kernel's types
 * by name (seen on 6.18), a third of a millisecond each time, so that it is done in few places.
 */
#ifndef LAPWING_PLACE_H
#define LAPWING_PLACE_H

/* struct mount has a vfsmount inside, and that is what everybody points to. */
static __always_inline u64 place__mount(struct vfsmount *inner)
{
	return (u64)inner - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline void place__read(struct path *path, struct place *to)
{
	struct path copy = {};

	bpf_probe_read_kernel(&copy, sizeof(copy), path);
	to->dentry = (u64)copy.dentry;
	to->mount = place__mount(copy.mnt);
}

/* What is written to memory of a map comes back as a number, whatever the verifier knew of it. */
static __always_inline void place__keep(volatile struct place *to, struct dentry *dentry, struct vfsmount *inner)
{
	to->dentry = (u64)dentry;
	to->mount = (u64)inner;
	to->mount = place__mount((struct vfsmount *)to->mount);
}

/* For all programs but the one that runs most: by reads, which the verifier has less to think about. */
static __always_inline void place__read_both(struct scratch *s)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	place__read(&fs->root, &s->root);
	place__read(&fs->pwd, &s->directory);
	s->mounts = (u64)BPF_CORE_READ(task, nsproxy, mnt_ns);
}

/* The same, faster. */
static __always_inline void place__keep_both(struct scratch *s)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		struct task_struct *task = bpf_get_current_task_btf();
		struct fs_struct *fs = task->fs;
		place__keep(&s->root, fs->root.dentry, fs->root.mnt);
		place__keep(&s->directory, fs->pwd.dentry, fs->pwd.mnt);
		*(volatile u64 *)&s->mounts = (u64)task->nsproxy->mnt_ns;
	} else {
		place__read_both(s);
	}
}

/* The current task's root, whatever was read of it before. */
static __always_inline void place__read_root(struct place *to)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	place__read(&fs->root, to);
}

#define MOUNT_REGION 48

/* Looks at a mount, once in a record. */
static __always_inline struct mounted *place__look_at(struct scratch *s, u64 mount)
{
	u64 base = bpf_core_field_offset(struct mount, mnt_parent);
	struct mounted *to = &s->mounted;
	struct mount *m = (struct mount *)mount;
	u64 *region = s->region;

	if (to->mount == mount)
		return to;
	to->mount = mount;
	if (region__within(base, MOUNT_REGION, struct mount, mnt_mountpoint) &&
	    region__within(base, MOUNT_REGION, struct mount, mnt.mnt_root) &&
	    region__within(base, MOUNT_REGION, struct mount, mnt.mnt_flags)) {
		bpf_probe_read_kernel(region, MOUNT_REGION, (void *)(mount + base));
		to->parent = (u64)region__get(region, base, struct mount, mnt_parent);
		to->mountpoint = (u64)region__get(region, base, struct mount, mnt_mountpoint);
		to->root = (u64)region__get(region, base, struct mount, mnt.mnt_root);
		to->flags = region__get(region, base, struct mount, mnt.mnt_flags);
	} else {
		to->parent = (u64)BPF_CORE_READ(m, mnt_parent);
		to->mountpoint = (u64)BPF_CORE_READ(m, mnt_mountpoint);
		to->root = (u64)BPF_CORE_READ(m, mnt.mnt_root);
		to->flags = BPF_CORE_READ(m, mnt.mnt_flags);
	}
	return to;
}

/* MNT_NS_ANON_INO of linux/nsfs.h (6.18); before, a namespace that only holds what is not mounted yet has none. */
#define ANONYMOUS_NAMESPACE 0xeffffff7

/* LW_FILE_* for a mount that is not among those of the task: in another namespace, or in none, since it was
 * never put anywhere (fsmount, open_tree) or taken away while in use (MNT_DETACH). */
static __always_inline u32 place__apart(struct scratch *s, u64 mount)
{
	struct mnt_namespace *mounts = BPF_CORE_READ((struct mount *)mount, mnt_ns);

	if ((u64)mounts == *(volatile u64 *)&s->mounts)
		return 0;
	if (!mounts)
		return LW_FILE_ELSEWHERE | LW_FILE_DETACHED;
	u32 number = BPF_CORE_READ(mounts, ns.inum);
	if (!number || number == ANONYMOUS_NAMESPACE)
		return LW_FILE_ELSEWHERE | LW_FILE_DETACHED;
	return LW_FILE_ELSEWHERE;
}

#endif
