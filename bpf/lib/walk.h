// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Following a path as the kernel does, in the cache of directory entries.
 *
 * A call that takes a path leaves nothing behind that says which file it acted on, but what it looked up
 * a moment ago is in the cache. So names are searched among the cached children of each directory, links
 * are followed and mounts crossed. What is not in the cache is handed over as a string, marked. Nothing is
 * locked: an entry that is moved away meanwhile is noticed, since it has another parent then.
 *
 * Needs bpf_loop (5.17); without it, paths are handed over as strings.
 */
#ifndef LAPWING_WALK_H
#define LAPWING_WALK_H

enum walk_status {
	WALK_ON = 0,
	WALK_FOUND,
	/* The directory is known, the rest is not there. */
	WALK_MISSING,
	/* The rest may be there, but not in the cache, or cannot be followed here. */
	WALK_LOST,
};

/* Components of a path, with those that links add, and slashes. */
#define WALK_STEPS 1024
/* Children that are looked at. The youngest come first. */
#define WALK_CHILDREN 4096
#define WALK_MOUNTS 1024
/* MAXSYMLINKS of linux/namei.h. */
#define WALK_LINKS 40

#define S_IFLNK 0120000

#define WALK_PATH 4096

/* linux/magic.h */
#define PROC_SUPER_MAGIC 0x9fa0
/* "self", as the name is compared. */
#define SELF 0x666c6573

static __always_inline u32 walk__mounted_flag(void)
{
	if (bpf_core_enum_value_exists(enum dentry_flags, DCACHE_MOUNTED))
		return bpf_core_enum_value(enum dentry_flags, DCACHE_MOUNTED);
	return 0x10000;
}

struct walk_context {
	struct walk *walk;
};

static __always_inline bool walk__same_name(struct walk *w, struct dentry *candidate)
{
	u32 length = w->name_length;

	if (BPF_CORE_READ(candidate, d_name.len) != length)
		return false;
	__builtin_memset(w->other, 0, sizeof(w->other));
	bpf_probe_read_kernel_str(w->other, NAME_MAX + 1, BPF_CORE_READ(candidate, d_name.name));
	for (u32 i = 0; i < 32; i++) {
		if (i * 8 >= length)
			break;
		if (w->other[i] != w->name[i])
			return false;
	}
	return true;
}

/* One child; 1 ends the search. */
static long walk__child(u32 index, struct walk_context *context)
{
	struct walk *w = context->walk;
	u64 node = w->cursor;
	struct dentry *candidate = NULL;

	if (!node || node == w->end)
		return 1;
	if (bpf_core_field_exists(candidate->d_sib))
		candidate = (struct dentry *)(node - bpf_core_field_offset(struct dentry, d_sib));
	else
		candidate = (struct dentry *)(node - bpf_core_field_offset(struct dentry___v5, d_child));
	/* In both kinds of lists, the first member leads on. */
	if (bpf_probe_read_kernel(&w->cursor, sizeof(u64), (void *)node))
		return 1;
	if (!walk__same_name(w, candidate))
		return 0;
	/* Moved away, or removed: then there may be another of this name. */
	if ((u64)BPF_CORE_READ(candidate, d_parent) != w->dentry || !BPF_CORE_READ(candidate, d_hash.pprev))
		return 0;
	w->found = (u64)candidate;
	return 1;
}

/* Searches the child called `name` of `dentry`. */
static __always_inline void walk__search(struct walk *w)
{
	struct walk_context context = {.walk = w};
	struct dentry *parent = (struct dentry *)w->dentry;

	w->found = 0;
	if (bpf_core_field_exists(parent->d_children)) {
		w->cursor = (u64)BPF_CORE_READ(parent, d_children.first);
		w->end = 0;
	} else {
		w->end = w->dentry + bpf_core_field_offset(struct dentry___v5, d_subdirs);
		w->cursor = 0;
		bpf_probe_read_kernel(&w->cursor, sizeof(u64), (void *)w->end);
	}
	bpf_loop(WALK_CHILDREN, walk__child, &context, 0);
}

/* One mount that is mounted somewhere on `mount`; 1 ends the search. */
static long walk__mount(u32 index, struct walk_context *context)
{
	struct walk *w = context->walk;
	u64 node = w->cursor;

	if (!node || node == w->end)
		return 1;
	struct mount *candidate = (struct mount *)(node - bpf_core_field_offset(struct mount, mnt_child));
	if ((u64)BPF_CORE_READ(candidate, mnt_mountpoint) == w->wanted) {
		w->found = (u64)candidate;
		return 1;
	}
	w->cursor = (u64)BPF_CORE_READ(candidate, mnt_child.next);
	return 0;
}

/* Goes on to the root of whatever is mounted on `dentry`. */
static __always_inline void walk__cross(struct walk *w)
{
	struct walk_context context = {.walk = w};

	for (int stacked = 0; stacked < 4; stacked++) {
		/* All rounds begin with the same instruction: 6.1 refuses a way back that is no jump (push_insn of
		 * kernel/bpf/verifier.c), and the compiler would let the first round begin behind these reads. */
		barrier();
		struct dentry *d = (struct dentry *)w->dentry;
		struct mount *m = (struct mount *)w->mount;
		if (!(BPF_CORE_READ(d, d_flags) & walk__mounted_flag()))
			return;
		w->wanted = w->dentry;
		w->found = 0;
		w->end = w->mount + bpf_core_field_offset(struct mount, mnt_mounts);
		w->cursor = (u64)BPF_CORE_READ(m, mnt_mounts.next);
		bpf_loop(WALK_MOUNTS, walk__mount, &context, 0);
		if (!w->found)
			return;
		m = (struct mount *)w->found;
		w->mount = w->found;
		w->dentry = (u64)BPF_CORE_READ(m, mnt.mnt_root);
	}
}

static __always_inline void walk__up(struct walk *w)
{
	if (w->dentry == w->root_dentry && w->mount == w->root_mount)
		return;
	u64 mount = w->mount;
	u64 parent = path__up(w->dentry, &mount);
	if (!parent)
		return;
	w->dentry = parent;
	w->mount = mount;
	walk__cross(w);
}

/* Puts the text of a link before what is left of the path. */
static __always_inline bool walk__follow(struct walk *w, struct inode *inode)
{
	u32 current = w->current & 1, next = w->next;
	char *to = w->path[1 - current];
	const char *text = BPF_CORE_READ(inode, i_link);

	if (!text || ++w->links > WALK_LINKS || next > w->length)
		return false;
	long size = bpf_probe_read_kernel_str(to, WALK_PATH, text);
	if (size <= 1)
		return false;
	u32 length = (size - 1) & (WALK_PATH - 1), left = w->length - next;
	if (length + left >= WALK_PATH)
		return false;
	left &= WALK_PATH - 1;
	bpf_probe_read_kernel(to + length, left, &w->path[current][next & (WALK_PATH - 1)]);
	w->current = 1 - current;
	w->at = 0;
	w->length = length + left;
	if (to[0] == '/') {
		w->dentry = w->root_dentry;
		w->mount = w->root_mount;
	}
	return true;
}

static __always_inline long walk__end(struct walk *w, u32 status)
{
	w->status = status;
	return 1;
}

/* Magic links of a process's own directory in procfs (`self/fd/N`, `self/cwd`, `self/root`) lead where no
 * name says. True if it was one of those. */
static __noinline bool walk__magic(struct walk *w)
{
	struct scratch *s = (struct scratch *)((u8 *)w - __builtin_offsetof(struct scratch, walk));
	struct dentry *d = (struct dentry *)w->dentry;
	u32 current = w->current & 1, next = w->next & (WALK_PATH - 1);
	char *rest = &w->path[current][next];
	struct place place;
	u32 fd = 0, digits = 0;

	if (BPF_CORE_READ(d, d_inode, i_sb, s_magic) != PROC_SUPER_MAGIC || (u64)BPF_CORE_READ(d, d_parent) != w->dentry)
		return false;
	if (rest[0] == '/' && rest[1] == 'c' && rest[2] == 'w' && rest[3] == 'd') {
		path__directory(s, &place);
		digits = 4;
	} else if (rest[0] == '/' && rest[1] == 'r' && rest[2] == 'o' && rest[3] == 'o' && rest[4] == 't') {
		place.dentry = w->root_dentry;
		place.mount = w->root_mount;
		digits = 5;
	} else if (rest[0] == '/' && rest[1] == 'f' && rest[2] == 'd' && rest[3] == '/') {
		for (digits = 4; digits < 12; digits++) {
			u32 digit = (u8)rest[digits] - '0';
			if (digit > 9)
				break;
			fd = fd * 10 + digit;
		}
		struct file *file = digits > 4 ? file__of(fd) : NULL;
		if (!file)
			return false;
		place__read(&file->f_path, &place);
	} else {
		return false;
	}
	bool last = next + digits >= w->length;
	if ((!last && rest[digits & 15] != '/') || (last && !w->follow))
		return false;
	w->dentry = place.dentry;
	w->mount = place.mount;
	w->at = next + digits;
	return true;
}

/* Takes eight bytes of a component; 1 ends it. The verifier looks at a callback once. */
static long walk__take(u32 index, struct walk_context *context)
{
	struct walk *w = context->walk;
	u32 current = w->current & 1, n = (index & 31) * 8;
	u8 *name = (u8 *)w->name + n;

	for (u32 i = 0; i < 8; i++) {
		u32 at = w->at + n + i;
		char c = w->path[current][at & (WALK_PATH - 1)];
		if (at >= w->length || c == '/') {
			w->name_length = n + i;
			return 1;
		}
		name[i] = c;
	}
	return 0;
}

/* One component; 1 ends the walk. */
static long walk__step(u32 index, struct walk_context *context)
{
	struct walk *w = context->walk;
	u32 current = w->current & 1, at = w->at, n = 0;
	u8 *name = (u8 *)w->name;

	if (at >= w->length || at >= WALK_PATH)
		return walk__end(w, WALK_FOUND);
	if (w->path[current][at] == '/') {
		w->at = at + 1;
		return 0;
	}
	__builtin_memset(w->name, 0, sizeof(w->name));
	w->name_length = NAME_MAX + 1;
	bpf_loop((NAME_MAX + 1) / 8, walk__take, context, 0);
	n = w->name_length;
	if (n > NAME_MAX)
		return walk__end(w, WALK_LOST);
	w->next = at + n;
	if (n == 1 && name[0] == '.') {
		w->at = w->next;
		return 0;
	}
	if (n == 2 && name[0] == '.' && name[1] == '.') {
		walk__up(w);
		w->at = w->next;
		return 0;
	}
	if (n == 4 && w->name[0] == SELF && walk__magic(w))
		return 0;
	walk__search(w);
	if (!w->found)
		return walk__end(w, WALK_LOST);
	struct dentry *found = (struct dentry *)w->found;
	struct inode *inode = BPF_CORE_READ(found, d_inode);
	if (!inode)
		return walk__end(w, WALK_MISSING);
	bool last = w->next >= w->length;
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFLNK && (!last || w->follow))
		return walk__follow(w, inode) ? 0 : walk__end(w, WALK_LOST);
	w->dentry = w->found;
	w->at = w->next;
	walk__cross(w);
	return 0;
}

/* Follows the path in `path[current]` from `from`. Afterwards, `dentry` and `mount` are how far it came, and
 * `at` is where the rest of the path begins. */
__noinline int walk__path(u32 user, u64 dentry, u64 mount, u32 follow)
{
	struct scratch *s = record__scratch(user);
	struct walk_context context;
	struct place root;

	if (!s)
		return WALK_LOST;
	struct walk *w = &s->walk;
	context.walk = w;

	path__root(s, &root);
	w->root_dentry = root.dentry;
	w->root_mount = root.mount;
	w->dentry = dentry;
	w->mount = mount;
	w->at = 0;
	w->links = 0;
	w->follow = follow;
	w->status = WALK_ON;
	if (w->path[w->current & 1][0] == '/') {
		w->dentry = root.dentry;
		w->mount = root.mount;
	}
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		return WALK_LOST;
	bpf_loop(WALK_STEPS, walk__step, &context, 0);
	if (w->status == WALK_ON)
		w->status = WALK_LOST;
	return w->status;
}

#endif
