// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A file before it is captured: whether it is discarded, or has no name that anybody asks for.
 */
#ifndef LAPWING_LOOK_H
#define LAPWING_LOOK_H

/* Whether a directory up to three levels above a place discards what is at the place; with `rest`, what would
 * be made there. Only directories of the same mount do, and never the process's root. */
static __always_inline bool filter__is_below(struct scratch *s, u64 dentry, u64 mount, u32 id, bool rest)
{
	u32 *parents = discard__parents(id);
	struct entry entry;
	struct place root;

	if (!parents || !*parents)
		return false;
	path__root(s, &root);
	if (!rest) {
		if ((dentry == root.dentry && mount == root.mount) || !BPF_CORE_READ((struct dentry *)dentry, d_hash.pprev))
			return false;
	}
	u64 top = (u64)BPF_CORE_READ((struct mount *)mount, mnt.mnt_root);
	path__read_entry((struct dentry *)dentry, &entry);
	for (int depth = 0; depth < 3; depth++) {
		if (!rest || depth) {
			if (dentry == top)
				return false;
			dentry = entry.parent;
			path__read_entry((struct dentry *)dentry, &entry);
		}
		if (dentry == root.dentry && mount == root.mount)
			return false;
		struct inode *inode = (struct inode *)entry.inode;
		if (discard__covers(BPF_CORE_READ(inode, i_ino), id, 0, s->filter.type))
			return true;
	}
	return false;
}

/* Whether files have other names for the current task than for whoever discards them. */
static __always_inline bool filter__has_other_names(void)
{
	u32 first = 0;
	struct place *own = bpf_map_lookup_elem(&own_root, &first), root;

	if (!own)
		return true;
	place__read_root(&root);
	return root.dentry != own->dentry || root.mount != own->mount;
}

/* Looks at a file before it is captured; arguments as for file__put. 1 if it is discarded, or not approved. */
__noinline int filter__look(u32 user, u32 slot, u64 dentry, u64 mount, u32 rest)
{
	struct scratch *s = record__scratch(user);
	struct identity file = {};

	if (!s)
		return 0;
	struct filter *f = &s->filter;
	bool late = slot & (LW_PART_LATE << 8), partial = rest & 0xffff, second = slot & 1;
	bool last = !partial || s->walk.next >= s->walk.length;

	/* What is mounted somewhere is known only afterwards; for all else, that is too late. */
	if (late && f->type != LW_TYPE_MOUNT)
		return 0;
	/* Which file it is matters to discarders only, and which of two to a splice. */
	bool identified = keeps_discarders || f->type == LW_TYPE_SPLICE;
	/* Where the last component only is not known, it is not on another mount than its directory. */
	if (last && identified)
		file.mount = BPF_CORE_READ((struct mount *)mount, mnt_id);
	if (!partial && identified) {
		struct inode *inode = BPF_CORE_READ((struct dentry *)dentry, d_inode);
		file.inode = BPF_CORE_READ(inode, i_ino);
		file.mode = BPF_CORE_READ(inode, i_mode);
	}
	f->files[second] = file;
	if (f->type == LW_TYPE_SPLICE) {
		if ((file.mode & S_IFMT) == S_IFIFO || (f->found & FILTER_SUBJECT))
			return 0;
		f->found |= FILTER_SUBJECT;
	} else if (second && f->type != LW_TYPE_RENAME && f->type != LW_TYPE_LINK) {
		return 0;
	}
	if (rest >> 16) {
		f->found |= FILTER_NAMED;
		return 0;
	}
	/* Nothing more is captured of what is left out anyway, unless what is said about the file may end. */
	if ((f->asks & (FILTER_DENIED | FILTER_FLAGS | FILTER_IDENTITY)) == FILTER_DENIED && !(f->found & FILTER_NAMED) &&
	    filter__has_one_file(f->type)) {
		f->found |= FILTER_UNNAMED;
		return 1;
	}
	if (!keeps_discarders || !(f->asks & FILTER_DISCARDERS))
		return 0;
	bool discarded = file.inode && discard__covers(file.inode, file.mount, 1, f->type);
	if (!discarded && (file.inode || (partial && last && (f->asks & FILTER_CREATES))))
		discarded = filter__is_below(s, dentry, mount, file.mount, partial);
	if (!discarded || filter__has_other_names())
		return 0;
	f->found |= FILTER_DISCARDED;
	return 1;
}

/* The same with what has a name. Not in one function: all callers together have 512 bytes of stack. */
static __always_inline int filter__look_at_all(struct scratch *s, u32 user, u32 slot, u64 dentry, u64 mount, u32 rest)
{
	if (filter__asks_name(&s->filter, slot, rest) && filter__is_named(user, dentry, mount, rest & 0xffff))
		s->filter.found |= FILTER_NAMED;
	return filter__look(user, slot, dentry, mount, rest);
}

#endif
