// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A process is observed from now on whose fork was not: it was moved to a control group, or its maker is not
 * observed. What it is, is told in place of the fork. User space adds from /proc what is there only, if the
 * process is still there by then.
 *
 * The same is kept in a map of those whose fork or exec did not fit into the ring, where user space looks for whom
 * it does not know. So a fork or an exec costs nothing more as long as the ring has room.
 */
#ifndef LAPWING_ENTER_H
#define LAPWING_ENTER_H

/* Where to put it. */
enum enter {
	/* Into the ring, and where there is no room, to the others. */
	ENTER_TELL,
	/* To those of whom a record was lost. */
	ENTER_KEEP,
};

/* Keeps a record of whom the ring had no room for. One with so long a path that it does not fit here is lost. */
static __always_inline void enter__keep(struct scratch *s)
{
	u32 size = record__size(s), pid = record__head(s)->pid;

	count__add(LW_LOST_LIFECYCLE);
	if (size <= LW_MISSED_BYTES)
		bpf_map_update_elem(&missed, &pid, s->bytes, 0);
}

__noinline int enter__put_leader(u32 user, u64 address, u32 how)
{
	struct task_struct *leader = (struct task_struct *)address;
	struct scratch *s = record__scratch(user);

	if (!s)
		return 0;
	__builtin_memset(&s->filter, 0, sizeof(s->filter));
	record__begin(s, LW_ENTER, 0);
	struct lw_record *r = record__head(s);
	r->pid = task__tid(leader);
	r->tid = r->pid;
	record__mark(r, leader);
	r->args[0] = BPF_CORE_READ(leader, start_boottime);
	struct fs_struct *fs = BPF_CORE_READ(leader, fs);
	place__read(&fs->root, &s->root);
	struct file *executable = BPF_CORE_READ(leader, mm, exe_file);
	if (executable)
		file__put_open(user, 0, executable);
	record__put_credentials(s, leader);
	record__put_program(s, leader);
	if (how == ENTER_KEEP || ring__output(&lifecycle, s->bytes, record__size(s)))
		enter__keep(s);
	return 0;
}

/* Of any thread of it. */
static __always_inline void enter__put(u32 user, struct task_struct *task, enum enter how)
{
	enter__put_leader(user, (u64)BPF_CORE_READ(task, group_leader), how);
}

#endif
