// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A process is observed from now on whose fork was not: it was moved to a control group, or its maker is not
 * observed. What it is, is told in place of the fork. User space adds from /proc what is there only, if the
 * process is still there by then.
 */
#ifndef LAPWING_ENTER_H
#define LAPWING_ENTER_H

__noinline int enter__put_leader(u32 user, u64 address)
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
	r->args[0] = BPF_CORE_READ(leader, start_boottime);
	struct fs_struct *fs = BPF_CORE_READ(leader, fs);
	place__read(&fs->root, &s->root);
	struct file *executable = BPF_CORE_READ(leader, mm, exe_file);
	if (executable)
		file__put_open(user, 0, executable);
	record__put_credentials(s, leader);
	record__put_program(s, leader);
	if (ring__output(&lifecycle, s->bytes, record__size(s)))
		count__add(LW_LOST_LIFECYCLE);
	return 0;
}

/* Of any thread of it. */
static __always_inline void enter__put(u32 user, struct task_struct *task)
{
	enter__put_leader(user, (u64)BPF_CORE_READ(task, group_leader));
}

#endif
