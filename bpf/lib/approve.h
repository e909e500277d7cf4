// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Names that are approved: whether a file has one, or a directory on the way to it.
 */
#ifndef LAPWING_APPROVE_H
#define LAPWING_APPROVE_H

/* Whether a type has one file to speak of, whose name says all. */
static __always_inline bool filter__has_one_file(u32 type)
{
	return type != LW_TYPE_RENAME && type != LW_TYPE_LINK && type != LW_TYPE_SPLICE;
}

/* Whether the name of a file that is about to be looked at is to be asked about. */
static __always_inline bool filter__asks_name(struct filter *f, u32 slot, u32 rest)
{
	bool late = slot & (LW_PART_LATE << 8), second = slot & 1;

	if (!(f->asks & FILTER_NAMES) || (f->found & FILTER_NAMED) || rest >> 16)
		return false;
	return (!late || f->type == LW_TYPE_MOUNT) && (!second || !filter__has_one_file(f->type));
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

#endif
