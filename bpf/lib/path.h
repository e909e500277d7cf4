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

static __always_inline void path__root(struct scratch *s, struct place *to)
{
	volatile struct place *root = &s->root;

	to->dentry = root->dentry;
	to->mount = root->mount;
}

static __always_inline void path__directory(struct scratch *s, struct place *to)
{
	volatile struct place *directory = &s->directory;

	to->dentry = directory->dentry;
	to->mount = directory->mount;
}

/* What there is to know of an entry. */
struct entry {
	u64 parent;
	u64 name;
	u64 inode;
};

/* Enough on every kernel so far; what calls this is deep in the stack. */
#define ENTRY_REGION 40

static __always_inline void path__read_entry(struct dentry *d, struct entry *to)
{
	u64 base = bpf_core_field_offset(struct dentry, d_parent);
	u64 region[ENTRY_REGION / 8];

	if (region__within(base, ENTRY_REGION, struct dentry, d_name.name) &&
	    region__within(base, ENTRY_REGION, struct dentry, d_inode)) {
		bpf_probe_read_kernel(region, sizeof(region), (void *)((u64)d + base));
		to->parent = (u64)region__get(region, base, struct dentry, d_parent);
		to->name = (u64)region__get(region, base, struct dentry, d_name.name);
		to->inode = (u64)region__get(region, base, struct dentry, d_inode);
	} else {
		to->parent = (u64)BPF_CORE_READ(d, d_parent);
		to->name = (u64)BPF_CORE_READ(d, d_name.name);
		to->inode = (u64)BPF_CORE_READ(d, d_inode);
	}
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
static __always_inline bool path__put_name(struct ascent *a, u64 name)
{
	if (a->at >= SCRATCH_BYTES || a->at - a->start >= NAMES_BYTES)
		return false;
	long n = bpf_probe_read_kernel_str(record__bytes(a->scratch, a->at), NAME_MAX + 1, (void *)name);
	if (n <= 0)
		return false;
	a->at += n;
	return true;
}

/* An entry. Its name, if that is short, is in the scratch memory: the kernel keeps it behind the inode's address,
 * where one read finds it with all the rest. */
struct step {
	u64 parent;
	u64 name;
	/* Length of a short name; SHORT_NAME for another. */
	u32 length;
	u32 padding;
};

static __always_inline u64 *path__short_name(struct scratch *s, u64 base)
{
	return (u64 *)((u8 *)s->entry + (bpf_core_field_offset(struct dentry, d_inode) + sizeof(u64) - base));
}

static __always_inline void path__read_step(struct scratch *s, u64 dentry, struct step *to)
{
	u64 base = bpf_core_field_offset(struct dentry, d_parent);
	u64 text = bpf_core_field_offset(struct dentry, d_inode) + sizeof(u64);

	to->length = SHORT_NAME;
	if (region__within(base, STEP_REGION, struct dentry, d_name.name) &&
	    region__within(base, STEP_REGION, struct dentry, d_name.len) && text >= base &&
	    text + SHORT_NAME <= base + STEP_REGION) {
		bpf_probe_read_kernel(s->entry, STEP_REGION, (void *)(dentry + base));
		to->parent = (u64)region__get(s->entry, base, struct dentry, d_parent);
		to->name = (u64)region__get(s->entry, base, struct dentry, d_name.name);
		if (to->name == dentry + text)
			to->length = region__get(s->entry, base, struct dentry, d_name.len);
	} else {
		to->parent = (u64)BPF_CORE_READ((struct dentry *)dentry, d_parent);
		to->name = (u64)BPF_CORE_READ((struct dentry *)dentry, d_name.name);
	}
}

/* Adds the name of a step. False if there is no room for it. */
static __always_inline bool path__put_step(struct ascent *a, struct step *s)
{
	u64 base = bpf_core_field_offset(struct dentry, d_parent);
	u32 length = s->length;

	if (length >= SHORT_NAME || bpf_core_field_offset(struct dentry, d_inode) + sizeof(u64) + SHORT_NAME > base + STEP_REGION)
		return path__put_name(a, s->name);
	if (a->at >= SCRATCH_BYTES || a->at - a->start >= NAMES_BYTES)
		return false;
	u8 *to = record__bytes(a->scratch, a->at);
	u64 *from = path__short_name(a->scratch, base);
	for (int i = 0; i < SHORT_NAME / 8; i++)
		((u64 *)to)[i] = from[i];
	barrier_var(length);
	to[length & 63] = 0;
	a->at += length + 1;
	return true;
}

/* One step up; 1 ends the way. */
static long path__step(u32 index, struct ascent *a)
{
	u64 dentry = a->dentry, mount = a->mount;
	struct step entry;

	if (dentry == a->root.dentry && mount == a->root.mount) {
		a->scratch->flags |= LW_FILE_ROOTED;
		a->done = 1;
		return 1;
	}
	path__read_step(a->scratch, dentry, &entry);
	if (!mount) {
		if (dentry == entry.parent) {
			a->done = 1;
			return 1;
		}
		goto named;
	}
	struct mounted *mounted = place__look_at(a->scratch, mount);
	if (dentry == entry.parent || dentry == mounted->root) {
		u64 outer = mounted->parent;
		if (outer == mount || !outer) {
			/* The root of everything, of a mount that is nowhere, or one of the kernel's own, whose
			 * files are roots with a name. */
			if ((a->scratch->flags & LW_FILE_INTERNAL) && dentry == entry.parent && a->at == a->start)
				path__put_name(a, entry.name);
			a->done = 1;
			return 1;
		}
		a->dentry = mounted->mountpoint;
		a->mount = outer;
		return 0;
	}
named:
	if (!path__put_step(a, &entry))
		return 1;
	a->dentry = entry.parent;
	return 0;
}

/* Writes the names from a place up to the process's root behind the part that is being written; returns
 * how many bytes these are, and adds what there is to say about them to `flags`. Without a mount, up to the root
 * of the file system, whatever of it is mounted where. */
__noinline int path__put_names(u32 user, u64 dentry, u64 mount)
{
	struct ascent a = {.dentry = dentry, .mount = mount};
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	a.scratch = s;
	a.start = s->at + sizeof(struct lw_part) + sizeof(struct lw_file);
	a.at = a.start;
	path__root(s, &a.root);
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
