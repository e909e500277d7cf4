// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Which discarders a call makes wrong, before it is made and once it has succeeded. A discarder is kept
 * by inode, but what a rule says depends on paths; so whatever gives an inode another path, or a number or
 * mount id to another inode or mount, ends what was said.
 */
#ifndef LAPWING_UPKEEP_H
#define LAPWING_UPKEEP_H

/* What is said of a file is over; if it is not known which file, of all files that it could be, also through other
 * mounts. */
static __always_inline void upkeep__end(struct identity *file)
{
	if (file->inode)
		discard__expire(file->inode, file->mount);
	else if (file->mount)
		discard__bump_mounts();
	else
		discard__bump_all();
}

/* With a directory, everything below it is moved. */
static __always_inline void upkeep__end_below(struct identity *file)
{
	if ((file->mode & S_IFMT) == S_IFDIR)
		discard__bump_mounts();
}

__noinline int upkeep__before(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct filter *f = &s->filter;
	struct identity *file = &f->files[0], *replaced = &f->files[1];

	/* Under its new name it can be opened before the call's end is seen. */
	if (f->type == LW_TYPE_UNLINK || f->type == LW_TYPE_LINK || f->type == LW_TYPE_RENAME)
		discard__expire(file->inode, file->mount);
	if (f->type != LW_TYPE_RENAME)
		return 0;
	discard__expire(replaced->inode, replaced->mount);
	upkeep__end_below(file);
	upkeep__end_below(replaced);
	return 0;
}

__noinline int upkeep__after(u32 user)
{
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	struct call *call = &s->call;
	struct filter *f = &s->filter;
	struct lw_descriptor *d = call__descriptor(call->descriptor);
	if (!d)
		return 0;
	struct identity *file = &f->files[0], *destination = &f->files[1];

	if (d->flags & LW_CALL_UPHEAVAL) {
		u32 flags = d->flags_arg < 6 ? call__arg(call, d->flags_arg) : 0;
		if (!d->upheaval || (flags & d->upheaval))
			discard__bump_all();
	}
	switch (f->type) {
	case LW_TYPE_RENAME:
		/* Below an overlay, the inode may be another one now. */
		upkeep__end(destination);
		upkeep__end_below(destination);
		upkeep__end_below(file);
		upkeep__end(file);
		break;
	case LW_TYPE_UNLINK:
		upkeep__end(file);
		break;
	case LW_TYPE_RMDIR:
		/* A removal by unlinkat invalidates the mount, as in the reference. */
		if (d->flags_arg < 6 && file->mount)
			discard__bump_mount(file->mount);
		upkeep__end(file);
		break;
	case LW_TYPE_LINK:
		/* A symbolic link gives no inode another name. One that could not be followed may lead anywhere. */
		if (file->inode)
			discard__expire(file->inode, file->mount);
		else if (d->args[0].role != LW_ROLE_TEXT)
			discard__bump_all();
		break;
	case LW_TYPE_MOUNT:
	case LW_TYPE_UMOUNT:
		if (file->inode)
			discard__bump_mount(file->mount);
		else
			discard__bump_all();
		break;
	}
	return 0;
}

/* Files may be changed unseen from now on, so there are no discarders any more. */
static __always_inline void upkeep__give_up(void)
{
	u32 unseen = LW_CELL_UNSEEN, any = LW_CELL_DISCARDERS;
	u32 *cell = bpf_map_lookup_elem(&filter_cells, &unseen);

	if (cell)
		*cell = 1;
	discard__bump_all();
	cell = bpf_map_lookup_elem(&filter_cells, &any);
	if (cell)
		*cell = 0;
}

#endif
