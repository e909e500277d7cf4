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

/* On the way up. */
struct ascent {
	struct scratch *scratch;
	struct place root;
	u64 dentry;
	u64 mount;
	u32 start;
	u32 at;
	u32 done;
	u32 padding;
};

/* Adds a name. False if there is no room for it. */
static __always_inline bool path__put_name(struct ascent *a, struct dentry *d)
{
	const unsigned char *name = BPF_CORE_READ(d, d_name.name);

	if (a->at >= SCRATCH_BYTES || a->at - a->start >= NAMES_BYTES)
		return false;
	long n = bpf_probe_read_kernel_str(record__bytes(a->scratch, a->at), NAME_MAX + 1, name);
	if (n <= 0)
		return false;
	a->at += n;
	return true;
}

/* One step up; 1 ends the way. */
static long path__step(u32 index, struct ascent *a)
{
	u64 dentry = a->dentry, mount = a->mount;
	struct dentry *d = (struct dentry *)dentry;
	struct mount *m = (struct mount *)mount;

	if (dentry == a->root.dentry && mount == a->root.mount) {
		a->scratch->flags |= LW_FILE_ROOTED;
		a->done = 1;
		return 1;
	}
	u64 parent = (u64)BPF_CORE_READ(d, d_parent);
	if (dentry == parent || dentry == (u64)BPF_CORE_READ(m, mnt.mnt_root)) {
		u64 outer = (u64)BPF_CORE_READ(m, mnt_parent);
		if (outer == mount || !outer) {
			/* The root of everything, of a mount that is nowhere, or one of the kernel's own, whose
			 * files are roots with a name. */
			if ((a->scratch->flags & LW_FILE_INTERNAL) && dentry == parent && a->at == a->start)
				path__put_name(a, d);
			a->done = 1;
			return 1;
		}
		a->dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
		a->mount = outer;
		return 0;
	}
	if (!path__put_name(a, d))
		return 1;
	a->dentry = parent;
	return 0;
}

/* Writes the names from a place up to the process's root behind the part that is being written; returns
 * how many bytes these are, and adds what there is to say about them to `flags`. */
__noinline int path__put_names(u32 user, u64 dentry, u64 mount)
{
	struct ascent a = {.dentry = dentry, .mount = mount};
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	a.scratch = s;
	a.start = s->at + sizeof(struct lw_part) + sizeof(struct lw_file);
	a.at = a.start;
	path__root(&a.root);
	/* The verifier looks at a callback once, but at every round of a loop. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(NAMES_MAX, path__step, &a, 0);
	} else {
		for (u32 i = 0; i < NAMES_MAX; i++) {
			if (path__step(i, &a))
				break;
		}
	}
	if (!a.done)
		s->flags |= LW_FILE_TRUNCATED;
	return a.at - a.start;
}

#endif
