// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Discarders: which files and processes are of no interest, and how that ends.
 *
 * One writer adds (the program `obey`, which user space runs one at a time), all CPUs check and expire.
 * Nothing is locked: a lock cannot be had in an LRU map. Instead, what expires an entry stores one number
 * (`retained`), which everybody looks at, and what adds never takes that back except by exchanging it
 * for the very number that it saw. So an addition that an expiry overtakes is void.
 */
#ifndef LAPWING_DISCARD_H
#define LAPWING_DISCARD_H

#define RETENTION 5000000000ull

static __always_inline u32 discard__cell(u32 cell)
{
	u32 *value = bpf_map_lookup_elem(&filter_cells, &cell);
	return value ? *value : 0;
}

static __always_inline void discard__raise_cell(u32 cell)
{
	u32 *value = bpf_map_lookup_elem(&filter_cells, &cell);
	if (value)
		__sync_fetch_and_add(value, 1);
}

/* The revision of a mount, and of inodes of a number. */
static __always_inline u32 discard__mount_revision(u64 inode, u32 mount)
{
	u32 slot = mount & (LW_MOUNT_REVISIONS - 1), number = inode & (LW_MOUNT_REVISIONS - 1);
	u32 *value = bpf_map_lookup_elem(&mount_revisions, &slot);
	u32 *renewed = bpf_map_lookup_elem(&inode_revisions, &number);
	return (value ? *value : 0) + (renewed ? *renewed : 0) + discard__cell(LW_CELL_MOVES);
}

/* Whether it is worth the effort to look at the directories above a file. */
static __always_inline u32 *discard__parents(u32 mount)
{
	u32 slot = mount & (LW_MOUNT_REVISIONS - 1);
	return bpf_map_lookup_elem(&mount_parents, &slot);
}

/* What is counted for a type, in the half that is counted in. */
static __always_inline struct lw_filter_counts *discard__counts(u32 type)
{
	u32 index = (discard__cell(LW_CELL_FRONT) & 1) * LW_FILTERED + type;
	return bpf_map_lookup_elem(&filter_counts, &index);
}

static __always_inline bool discard__holds(struct lw_discarder *found, u32 type)
{
	volatile struct lw_discarder *now = found;

	if (now->retained || now->revision != discard__cell(LW_CELL_REVISION))
		return false;
	u64 until = now->until[type & (LW_FILTERED - 1)];
	if (!(now->types & 1ull << ((type - 1) & 63)))
		return false;
	return !until || until > bpf_ktime_get_ns();
}

/* Whether events of this type are discarded about a file, or about what is below a directory. */
__noinline int discard__covers(u64 inode, u32 mount, u32 leaf, u32 type)
{
	struct lw_inode_key key = {.inode = inode, .mount = mount, .leaf = leaf};

	if (!keeps_discarders)
		return 0;
	struct lw_discarder *found = bpf_map_lookup_elem(&inode_discarders, &key);
	if (!found || found->mount_revision != discard__mount_revision(inode, mount))
		return 0;
	return discard__holds(found, type);
}

static __always_inline bool discard__covers_process(u32 tgid, u32 type)
{
	struct lw_discarder *found = bpf_map_lookup_elem(&pid_discarders, &tgid);

	return found && discard__holds(found, type) && (!found->mark || found->mark == task__mark());
}

/* Begins a retention, of what is said and of what is about to be said. */
static __always_inline void discard__retain(void *map, void *key, u64 inode, u32 mount)
{
	struct lw_discarder *found = bpf_map_lookup_elem(map, key);
	u64 end = bpf_ktime_get_ns() + RETENTION;

	if (!found) {
		struct lw_discarder fresh = {.retained = end};
		fresh.revision = discard__cell(LW_CELL_REVISION);
		fresh.mount_revision = discard__mount_revision(inode, mount);
		if (!bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST))
			return;
		found = bpf_map_lookup_elem(map, key);
		if (!found)
			return;
	}
	*(volatile u64 *)&found->retained = end;
}

/* What is said about an inode is over, whichever mount shows it. */
__noinline int discard__expire(u64 inode, u32 mount)
{
	struct lw_inode_key key = {.inode = inode, .mount = mount};
	u32 number = inode & (LW_MOUNT_REVISIONS - 1);

	if (!keeps_discarders || !inode || !mount)
		return 0;
	discard__raise_cell(LW_CELL_CHANGES);
	u32 *renewed = bpf_map_lookup_elem(&inode_revisions, &number);
	if (renewed)
		__sync_fetch_and_add(renewed, 1);
	discard__retain(&inode_discarders, &key, inode, mount);
	key.leaf = 1;
	discard__retain(&inode_discarders, &key, inode, mount);
	return 0;
}

static __always_inline void discard__bump_mount(u32 mount)
{
	u32 slot = mount & (LW_MOUNT_REVISIONS - 1);
	u32 *value = bpf_map_lookup_elem(&mount_revisions, &slot);
	discard__raise_cell(LW_CELL_CHANGES);
	if (value)
		__sync_fetch_and_add(value, 1);
}

/* A directory is moved, and what is mounted below it with it. */
static __always_inline void discard__bump_mounts(void)
{
	discard__raise_cell(LW_CELL_CHANGES);
	discard__raise_cell(LW_CELL_MOVES);
}

static __always_inline void discard__bump_all(void)
{
	discard__raise_cell(LW_CELL_CHANGES);
	discard__raise_cell(LW_CELL_REVISION);
}

/* A process begins, or a program of it: under its number, what is said is about another one. */
static __always_inline void discard__begin_process(u32 tgid)
{
	struct lw_discarder *found = bpf_map_lookup_elem(&pid_discarders, &tgid);
	if (found && !found->retained)
		bpf_map_delete_elem(&pid_discarders, &tgid);
}

static __always_inline void discard__end_process(u32 tgid)
{
	discard__retain(&pid_discarders, &tgid, 0, 0);
}

/* Adds a type, unless something keeps it out. `moment` is 0, or one more than what LW_CELL_CHANGES has to be; of a
 * process, `mark` is 0 or the one that it has. */
static __always_inline u32 discard__add(void *map, void *key, u64 inode, u32 mount, u32 type, u64 timeout, u64 moment,
					u64 mark)
{
	/* Before anything is looked at: what is raised from now on invalidates what is added. */
	u32 revision = discard__cell(LW_CELL_REVISION), mount_revision = discard__mount_revision(inode, mount);
	u64 now = bpf_ktime_get_ns();

	if (moment && moment != (u64)discard__cell(LW_CELL_CHANGES) + 1)
		return LW_ANSWER_OVERTAKEN;
	struct lw_discarder *found = bpf_map_lookup_elem(map, key);

	if (!found) {
		struct lw_discarder fresh = {.revision = revision, .mount_revision = mount_revision, .mark = mark};
		/* Fails where it is being expired at this moment. */
		bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST);
		found = bpf_map_lookup_elem(map, key);
		if (!found)
			return LW_ANSWER_NO_ROOM;
	}
	u64 retained = *(volatile u64 *)&found->retained;
	if (retained > now)
		return LW_ANSWER_RETAINED;
	/* What is said there is about another program, and was when this was concluded. */
	if (found->mark != mark)
		return LW_ANSWER_OUTDATED;
	if (!retained && found->revision != revision)
		return LW_ANSWER_OUTDATED;
	if (retained || found->mount_revision != mount_revision) {
		*(volatile u64 *)&found->types = 0;
		__builtin_memset(found->until, 0, sizeof(found->until));
		found->revision = revision;
		*(volatile u32 *)&found->mount_revision = mount_revision;
		if (retained && __sync_val_compare_and_swap(&found->retained, retained, 0) != retained)
			return LW_ANSWER_RETAINED;
	}
	found->until[type & (LW_FILTERED - 1)] = timeout ? now + timeout : 0;
	__sync_fetch_and_or(&found->types, 1ull << ((type - 1) & 63));
	return LW_ANSWER_DONE;
}

#endif
