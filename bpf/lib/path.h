// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * From a place in the file system up to the process's root, across mounts, name by name. Names are
 * written innermost first; user space turns them round.
 */
#ifndef LAPWING_PATH_H
#define LAPWING_PATH_H

#define NAMES_MAX 96
#define NAMES_BYTES 8192
#define NAME_MAX 255

/* struct mount has a vfsmount inside, and that is what everybody points to. */
static __always_inline u64 path__mount(struct vfsmount *inner)
{
	return (u64)inner - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline struct vfsmount *path__inner(u64 mount)
{
	return (struct vfsmount *)(mount + bpf_core_field_offset(struct mount, mnt));
}

struct place {
	u64 dentry;
	u64 mount;
};

static __always_inline void path__place(struct path *path, struct place *to)
{
	to->dentry = (u64)BPF_CORE_READ(path, dentry);
	to->mount = path__mount(BPF_CORE_READ(path, mnt));
}

static __always_inline void path__root(struct place *to)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	path__place(&fs->root, to);
}

static __always_inline void path__directory(struct place *to)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	path__place(&fs->pwd, to);
}

/* The parent of a place, crossing to the mount that it is mounted on. 0 at the root of everything. */
static __always_inline u64 path__up(u64 dentry, u64 *mount)
{
	for (int stacked = 0; stacked < 8; stacked++) {
		struct mount *m = (struct mount *)*mount;
		u64 root = (u64)BPF_CORE_READ(m, mnt.mnt_root);
		u64 parent = (u64)BPF_CORE_READ((struct dentry *)dentry, d_parent);

		if (dentry != root && dentry != parent)
			return parent;
		u64 outer = (u64)BPF_CORE_READ(m, mnt_parent);
		if (outer == *mount || !outer)
			return 0;
		dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
		*mount = outer;
	}
	return 0;
}

/* Writes the names from a place up to the process's root behind the part that is being written; returns
 * how many bytes these are, and adds what there is to say about them to `flags`. */
__noinline int path__put_names(u32 user, u64 dentry, u64 mount)
{
	struct scratch *s = record__scratch(user);
	struct place root;
	if (!s)
		return 0;
	u32 start = s->at + sizeof(struct lw_part) + sizeof(struct lw_file);
	u32 at = start;

	path__root(&root);
	for (int i = 0; i < NAMES_MAX; i++) {
		if (dentry == root.dentry && mount == root.mount) {
			s->flags |= LW_FILE_ROOTED;
			return at - start;
		}
		struct dentry *d = (struct dentry *)dentry;
		struct mount *m = (struct mount *)mount;
		u64 parent = (u64)BPF_CORE_READ(d, d_parent);

		if (dentry == parent || dentry == (u64)BPF_CORE_READ(m, mnt.mnt_root)) {
			u64 outer = (u64)BPF_CORE_READ(m, mnt_parent);

			if (outer == mount || !outer) {
				/* The root of everything, of a mount that is nowhere, or one of the kernel's
				 * own, whose files are roots with a name. */
				const unsigned char *name = BPF_CORE_READ(d, d_name.name);
				if ((s->flags & LW_FILE_INTERNAL) && dentry == parent && at == start && at < SCRATCH_BYTES) {
					long n = bpf_probe_read_kernel_str(record__bytes(s, at), NAME_MAX + 1, name);
					if (n > 0)
						at += n;
				}
				return at - start;
			}
			dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
			mount = outer;
			continue;
		}
		const unsigned char *name = BPF_CORE_READ(d, d_name.name);
		if (at >= SCRATCH_BYTES || at - start >= NAMES_BYTES)
			break;
		long n = bpf_probe_read_kernel_str(record__bytes(s, at), NAME_MAX + 1, name);
		if (n <= 0)
			break;
		at += n;
		dentry = parent;
	}
	s->flags |= LW_FILE_TRUNCATED;
	return at - start;
}

#endif
