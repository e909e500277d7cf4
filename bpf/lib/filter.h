// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Whether anybody wants to hear of a call: approvers first, then discarders. The flags and the process are
 * looked at before anything is captured, a file before its names are. What a call names may have to be looked
 * at before the call; what was found out then waits in `pending`.
 */
#ifndef LAPWING_FILTER_H
#define LAPWING_FILTER_H

/* What there is to be asked about files. */
#define FILTER_NAMES 0x01      /* whether a basename is approved */
#define FILTER_DISCARDERS 0x02 /* whether the file is discarded */
#define FILTER_IDENTITY 0x04   /* which files they are: what is said about them may end */
#define FILTER_DENIED 0x08     /* only what is approved is reported */
#define FILTER_FLAGS 0x10      /* the flags are approved */
#define FILTER_CREATES 0x20    /* LW_CALL_CREATES */

/* What was found. */
#define FILTER_NAMED 0x01
#define FILTER_DISCARDED 0x02
#define FILTER_SUBJECT 0x04 /* of a splice: the file that is none of the pipes */
#define FILTER_UNNAMED 0x08 /* the only file has no approved name, and nothing else approves */

#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFIFO 0010000

/* Why no file has to be looked at. */
enum filter_reason {
	FILTER_NONE = 0,
	FILTER_REJECTED,
	FILTER_PROCESS,
};

static __always_inline bool filter__invalidates(u32 type)
{
	return type == LW_TYPE_UNLINK || type == LW_TYPE_RMDIR || type == LW_TYPE_RENAME || type == LW_TYPE_LINK ||
	       type == LW_TYPE_MOUNT || type == LW_TYPE_UMOUNT;
}

static __always_inline bool filter__is_quiet(struct lw_descriptor *d, struct filter *f)
{
	return d->flags & (d->first_type && f->type == d->first_type ? LW_CALL_FIRST_QUIET : LW_CALL_QUIET);
}

/* The flags that the event will show. */
static __always_inline u64 filter__flags(struct lw_descriptor *d, struct call *call)
{
	u32 index = d->flags_arg;
	u64 value;

	if (index > 5)
		return d->implied_flags;
	value = call__arg(call, index);
	if (d->args[index].role != LW_ROLE_DATA)
		return (u32)value | d->implied_flags;
	if (bpf_probe_read_user(&value, sizeof(value), (void *)value))
		return 0;
	return value;
}

/* What is to be asked about the files of the call that is looked at; and whether it need not be, for nobody wants the
 * event whatever files they are. */
__noinline int filter__begin(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return FILTER_NONE;
	struct filter *f = &s->filter;
	struct lw_descriptor *d = call__descriptor(s->call.descriptor);
	if (!d)
		return FILTER_NONE;
	u32 type = d->type;

	if (d->first_type && call__holds(&d->first_when, &s->call))
		type = d->first_type;
	__builtin_memset(f, 0, sizeof(*f));
	if (!type)
		return FILTER_NONE;
	f->type = type;
	if (keeps_discarders && filter__invalidates(type))
		f->asks = FILTER_IDENTITY;
	if (type >= LW_FILTERED)
		return FILTER_NONE;
	if (discard__cell(LW_CELL_POLICIES)) {
		struct lw_policy *policy = bpf_map_lookup_elem(&policies, &type);
		if (!policy || policy->mode == LW_MODE_NO_FILTER)
			return FILTER_NONE;
		if (policy->mode == LW_MODE_DENY) {
			u64 flags = filter__flags(d, &s->call);
			f->asks |= FILTER_DENIED;
			if ((flags & policy->flags) || (policy->no_flag && !flags))
				f->asks |= FILTER_FLAGS;
			else if (!policy->named)
				return FILTER_REJECTED;
			if (policy->named)
				f->asks |= FILTER_NAMES;
		}
	}
	/* What an operation of a ring names may be another file by the time it is done. */
	if (keeps_discarders && user != URING_SUBMIT && discard__cell(LW_CELL_DISCARDERS)) {
		f->asks |= FILTER_DISCARDERS;
		if (d->flags & LW_CALL_CREATES)
			f->asks |= FILTER_CREATES;
		if (discard__covers_process(bpf_get_current_pid_tgid() >> 32, type))
			return FILTER_PROCESS;
	}
	return FILTER_NONE;
}

/* Counts an event that is left out whatever files it is about. */
static __always_inline void filter__count(struct filter *f, int reason)
{
	struct lw_filter_counts *counts = discard__counts(f->type);
	struct lw_filter_counts *of_processes = discard__counts(0);

	if (!counts || !of_processes)
		return;
	if (reason == FILTER_PROCESS) {
		counts->discarded += 1;
		of_processes->discarded += 1;
	} else {
		counts->rejected += 1;
	}
}

/* On the way up from a file, in search of a name that is approved: where that is, stands in the scratch memory, since
 * what calls this is deep in the stack. */
struct search_at {
	struct scratch *scratch;
};

/* Ten bits by which most names are told from those that are approved. User space does the same. */
static __always_inline u32 filter__mark(u64 first, u32 length)
{
	if (length < 8)
		first &= (1ull << (8 * length & 63)) - 1;
	return (first + length) * 0x9e3779b97f4a7c15ull >> 54;
}

/* Whether what `name` begins with is an approved component. It is padded with zeros. */
static __always_inline bool filter__has_component(u64 *name, u64 types)
{
	u64 *approved = bpf_map_lookup_elem(&components, (struct lw_component *)name);

	return approved && (*approved & types);
}

static __always_inline bool filter__has_basename(u64 *name, u64 types)
{
	u64 *approved = bpf_map_lookup_elem(&basenames, (struct lw_basename *)name);

	return approved && (*approved & types);
}

static __always_inline bool filter__approves(struct scratch *s, struct lw_policy *policy, struct step *step)
{
	u64 base = bpf_core_field_offset(struct dentry, d_parent);
	struct search *a = &s->search;
	u64 *to = s->walk.other;
	bool last = !a->named && (policy->named & LW_NAMED_LAST), any = policy->named & LW_NAMED_ANY;

	a->named = 1;
	if (step->length < SHORT_NAME &&
	    bpf_core_field_offset(struct dentry, d_inode) + sizeof(u64) + SHORT_NAME <= base + STEP_REGION) {
		u32 mark = filter__mark(*path__short_name(s, base), step->length);
		u64 bit = 1ull << (mark & 63);
		last = last && (policy->names[mark >> 6 & (LW_NAME_MARKS - 1)] & bit);
		any = any && (policy->components[mark >> 6 & (LW_COMPONENT_MARKS - 1)] & bit);
	}
	if (last) {
		__builtin_memset(to, 0, LW_BASENAME);
		bpf_probe_read_kernel_str(to, LW_BASENAME, (void *)step->name);
		if (filter__has_basename(to, a->types))
			return true;
	}
	if (!any)
		return false;
	to[0] = to[1] = to[2] = to[3] = 0;
	bpf_probe_read_kernel_str(to, LW_COMPONENT, (void *)step->name);
	return filter__has_component(to, a->types);
}

/* One step up; 1 ends the way. */
static long filter__step(u32 index, struct search_at *at)
{
	struct scratch *s = at->scratch;
	struct search *a = &s->search;
	struct step step;
	struct lw_policy *policy = bpf_map_lookup_elem(&policies, &s->filter.type);

	if (!policy)
		return 1;
	u64 dentry = a->dentry, mount = a->mount;
	path__read_step(s, dentry, &step);
	struct mounted *mounted = place__look_at(s, mount);
	bool top = dentry == step.parent || dentry == mounted->root;
	u64 outer = mounted->parent;
	bool end = top && (outer == mount || !outer);

	/* A root has the name of where it is mounted, unless it is a file of the kernel's own. */
	if ((!top || (end && !index)) && filter__approves(s, policy, &step)) {
		a->found = 1;
		return 1;
	}
	if (end || (a->named && !(policy->named & LW_NAMED_ANY))) {
		a->done = 1;
		return 1;
	}
	a->dentry = top ? mounted->mountpoint : step.parent;
	if (top)
		a->mount = outer;
	return 0;
}

/* Whether the last component of the path of a place is approved, or another one; with `rest`, the last one is what the
 * walk in `s` did not find. The way goes on above the process's root: then too much is approved. In doubt, it is. */
__noinline int filter__is_named(u32 user, u64 dentry, u64 mount, u32 rest)
{
	struct scratch *s = record__scratch(user);
	struct search_at at;

	if (!s)
		return 0;
	struct walk *w = &s->walk;
	struct search *a = &s->search;
	struct lw_policy *policy = bpf_map_lookup_elem(&policies, &s->filter.type);
	if (!policy)
		return 0;
	at.scratch = s;
	a->dentry = dentry;
	a->mount = mount;
	a->types = 1ull << ((s->filter.type - 1) & 63);
	a->named = a->found = a->done = 0;
	if (rest) {
		if (w->next < w->length || filter__has_basename(w->name, a->types))
			return 1;
		for (int i = 0; i < LW_COMPONENT / 8; i++)
			w->other[i] = w->name[i];
		((u8 *)w->other)[LW_COMPONENT - 1] = 0;
		if (filter__has_component(w->other, a->types))
			return 1;
		if (!(policy->named & LW_NAMED_ANY))
			return 0;
		a->named = 1;
	}
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(NAMES_MAX, filter__step, &at, 0);
	} else {
		for (u32 i = 0; i < NAMES_MAX; i++) {
			if (filter__step(i, &at))
				break;
		}
	}
	return a->found || !a->done;
}

/* Whether a type has one file to speak of, whose name says all. */
static __always_inline bool filter__has_one_file(u32 type)
{
	return type != LW_TYPE_RENAME && type != LW_TYPE_LINK && type != LW_TYPE_SPLICE;
}

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

/* Whether the name of a file that is about to be looked at is to be asked about. */
static __always_inline bool filter__asks_name(struct filter *f, u32 slot, u32 rest)
{
	bool late = slot & (LW_PART_LATE << 8), second = slot & 1;

	if (!(f->asks & FILTER_NAMES) || (f->found & FILTER_NAMED) || rest >> 16)
		return false;
	return (!late || f->type == LW_TYPE_MOUNT) && (!second || !filter__has_one_file(f->type));
}

/* The same with what has a name. Not in one function: all callers together have 512 bytes of stack. */
static __always_inline int filter__look_at_all(struct scratch *s, u32 user, u32 slot, u64 dentry, u64 mount, u32 rest)
{
	if (filter__asks_name(&s->filter, slot, rest) && filter__is_named(user, dentry, mount, rest & 0xffff))
		s->filter.found |= FILTER_NAMED;
	return filter__look(user, slot, dentry, mount, rest);
}

/* Whether the event is left out, now that all is known; counts it. */
__noinline int filter__drops(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct filter *f = &s->filter;
	if (!(f->asks & (FILTER_DENIED | FILTER_DISCARDERS)))
		return 0;
	struct lw_filter_counts *counts = discard__counts(f->type);
	if (!counts)
		return 0;
	if (f->asks & FILTER_DENIED) {
		if ((f->asks & FILTER_NAMES) && (f->found & FILTER_NAMED)) {
			counts->by_basename += 1;
		} else if (f->asks & FILTER_FLAGS) {
			counts->by_flags += 1;
		} else {
			counts->rejected += 1;
			return 1;
		}
	}
	if (!(f->found & FILTER_DISCARDED))
		return 0;
	counts->discarded += 1;
	return 1;
}

/* A call begins: whatever was remembered of the thread's last one is over. */
static __always_inline void filter__forget(void)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pending *last = bpf_map_lookup_elem(&pending, &thread);
	if (last)
		last->descriptor = LW_DESCRIPTORS;
}

/* Remembers until the call's end what was found before it. */
static __always_inline void filter__remember(struct scratch *s)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pending found = {.descriptor = s->call.descriptor};

	found.filter = s->filter;
	bpf_map_update_elem(&pending, &thread, &found, 0);
}

/* Recalls that. What nobody remembers gets the benefit of the doubt. */
__noinline int filter__recall(u32 user)
{
	struct scratch *s = record__scratch(user);
	u32 thread = bpf_get_current_pid_tgid();
	struct pending *found = bpf_map_lookup_elem(&pending, &thread);

	if (!s)
		return 0;
	struct filter *f = &s->filter;
	if (!found || found->descriptor != s->call.descriptor) {
		f->found |= FILTER_NAMED;
		return 0;
	}
	f->found |= found->filter.found;
	f->files[0] = found->filter.files[0];
	return 0;
}

#endif
