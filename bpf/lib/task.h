// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Who a task is.
 */
#ifndef LAPWING_TASK_H
#define LAPWING_TASK_H

/* Pid namespaces nest at most this deep (MAX_PID_NS_LEVEL of linux/pid_namespace.h). */
#define PID_LEVELS 32
/* PROC_PID_INIT_INO of linux/proc_ns.h: the namespace of everything. */
#define INITIAL_PID_NAMESPACE 0xeffffffc

/* The current task, to be read without a helper: that counts where every system call passes (5.11). */
#define task__read_current(member)                                                                                     \
	({                                                                                                             \
		typeof(((struct task_struct *)0)->member) value;                                                       \
		if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {                     \
			value = bpf_get_current_task_btf()->member;                                                    \
		} else {                                                                                               \
			struct task_struct *task = (struct task_struct *)bpf_get_current_task();                       \
			value = BPF_CORE_READ(task, member);                                                           \
		}                                                                                                      \
		value;                                                                                                 \
	})

/* Which process the current task is of, and which of its programs: as records say it, in one number. */
static __always_inline u64 task__mark(void)
{
	u64 programs = (u16)task__read_current(self_exec_id);
	struct task_struct *leader = task__read_current(group_leader);
	u32 began = BPF_CORE_READ(leader, start_boottime) >> LW_BEGAN_SHIFT;

	return (u64)began << 32 | programs << 16 | 1;
}

/* A pid as numbered in Lapwing's pid namespace; 0 if it is not in there. */
__noinline int task__number(u64 address)
{
	struct pid *pid = (struct pid *)address;

	if (own_pid_namespace == INITIAL_PID_NAMESPACE) {
		struct upid *outermost = (struct upid *)(address + bpf_core_field_offset(struct pid, numbers));
		return BPF_CORE_READ(outermost, nr);
	}
	u32 level = BPF_CORE_READ(pid, level);
	u32 size = bpf_core_type_size(struct upid);
	u64 numbers = address + bpf_core_field_offset(struct pid, numbers);

	for (u32 i = 0; i < PID_LEVELS; i++) {
		if (i > level)
			break;
		struct upid *upid = (struct upid *)(numbers + i * size);
		if (BPF_CORE_READ(upid, ns, ns.inum) == own_pid_namespace)
			return BPF_CORE_READ(upid, nr);
	}
	return 0;
}

static __always_inline u32 task__tid(struct task_struct *task)
{
	return task__number((u64)BPF_CORE_READ(task, thread_pid));
}

static __always_inline u32 task__pid(struct task_struct *task)
{
	return task__number((u64)BPF_CORE_READ(task, group_leader, thread_pid));
}

static __always_inline void task__put_credentials(struct task_struct *task, struct lw_credentials *to)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	to->uid = BPF_CORE_READ(cred, uid.val);
	to->gid = BPF_CORE_READ(cred, gid.val);
	to->euid = BPF_CORE_READ(cred, euid.val);
	to->egid = BPF_CORE_READ(cred, egid.val);
	to->fsuid = BPF_CORE_READ(cred, fsuid.val);
	to->fsgid = BPF_CORE_READ(cred, fsgid.val);
	to->auid = ~0u;
	if (bpf_core_field_exists(task->loginuid))
		to->auid = BPF_CORE_READ(task, loginuid.val);
	to->padding = 0;
	bpf_core_read(&to->cap_effective, sizeof(u64), &cred->cap_effective);
	bpf_core_read(&to->cap_permitted, sizeof(u64), &cred->cap_permitted);
}

static __always_inline void task__put_program(struct task_struct *task, struct lw_program *to)
{
	struct css_set *groups = BPF_CORE_READ(task, cgroups);
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);

	to->cgroups = (u64)groups;
	to->cgroup_id = BPF_CORE_READ(groups, dfl_cgrp, kn, id);
	to->ppid = task__pid(BPF_CORE_READ(task, real_parent));
	to->padding = 0;
	BPF_CORE_READ_STR_INTO(&to->comm, task, comm);
	to->tty[0] = 0;
	if (tty)
		BPF_CORE_READ_STR_INTO(&to->tty, tty, name);
}

#endif
