// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Whom to observe: a process with what it starts, the members of control groups, or everybody. In any case
 * nobody who has no number in Lapwing's pid namespace, and not Lapwing itself.
 */
#ifndef LAPWING_SCOPE_H
#define LAPWING_SCOPE_H

/* linux/sched.h */
#define PF_KTHREAD 0x00200000
/* Control groups nest less deep than this. */
#define GROUP_LEVELS 64

/* The controller of a hierarchy of version 1 by its index in this kernel; none is that high. */
#define scope__index(name)                                                                                             \
	(bpf_core_enum_value_exists(enum cgroup_subsys_id, name) ? bpf_core_enum_value(enum cgroup_subsys_id, name) : 64)

static __always_inline u32 scope__controller(void)
{
	switch (hierarchy) {
	case LW_HIERARCHY_CPUSET:
		return scope__index(cpuset_cgrp_id);
	case LW_HIERARCHY_CPU:
		return scope__index(cpu_cgrp_id);
	case LW_HIERARCHY_CPUACCT:
		return scope__index(cpuacct_cgrp_id);
	case LW_HIERARCHY_BLKIO:
		return scope__index(io_cgrp_id);
	case LW_HIERARCHY_MEMORY:
		return scope__index(memory_cgrp_id);
	case LW_HIERARCHY_DEVICES:
		return scope__index(devices_cgrp_id);
	case LW_HIERARCHY_FREEZER:
		return scope__index(freezer_cgrp_id);
	case LW_HIERARCHY_PIDS:
		return scope__index(pids_cgrp_id);
	default:
		return 64;
	}
}

static __always_inline struct cgroup *scope__group(struct task_struct *task)
{
	struct css_set *groups = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = NULL;

	if (hierarchy == LW_HIERARCHY_UNIFIED)
		return BPF_CORE_READ(groups, dfl_cgrp);
	u32 index = scope__controller();
	if (index >= 64)
		return NULL;
	u64 states = (u64)groups + bpf_core_field_offset(struct css_set, subsys);
	bpf_probe_read_kernel(&state, sizeof(state), (void *)(states + index * sizeof(void *)));
	return BPF_CORE_READ(state, cgroup);
}

/* Whether a control group is one of those that are observed, or below one. */
static __always_inline bool scope__is_below(struct cgroup *group)
{
	for (int i = 0; i < GROUP_LEVELS; i++) {
		u64 id = BPF_CORE_READ(group, kn, id);
		if (bpf_map_lookup_elem(&scope_groups, &id))
			return true;
		struct cgroup_subsys_state *above = BPF_CORE_READ(group, self.parent);
		if (!above)
			break;
		group = BPF_CORE_READ(above, cgroup);
	}
	return false;
}

/* A group never gets another parent, and its id never belongs to another: so what was found out holds. */
__noinline int scope__holds_group(u64 address)
{
	struct cgroup *group = (struct cgroup *)address;
	u64 id = BPF_CORE_READ(group, kn, id);
	u32 *known = bpf_map_lookup_elem(&known_groups, &id);

	if (known)
		return *known;
	u32 holds = scope__is_below(group);
	bpf_map_update_elem(&known_groups, &id, &holds, 0);
	return holds;
}

static __always_inline bool scope__is_own(u32 tgid)
{
	u32 first = 0, *own = bpf_map_lookup_elem(&own_process, &first);
	return own && *own == tgid;
}

static __always_inline bool scope__is_kernels(struct task_struct *task)
{
	return BPF_CORE_READ(task, flags) & PF_KTHREAD;
}

/* Whether what a task does is observed, given the kernel's own number of its process. */
static __always_inline bool scope__holds(struct task_struct *task, u32 tgid)
{
	if (scope == LW_SCOPE_TREE)
		return bpf_map_lookup_elem(&tree, &tgid) != NULL;
	if (scope__is_own(tgid))
		return false;
	if (own_pid_namespace != INITIAL_PID_NAMESPACE && !task__pid(task))
		return false;
	return scope == LW_SCOPE_HOST || scope__holds_group((u64)scope__group(task));
}

/* The same of the task that is running. */
static __always_inline bool scope__holds_current(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (scope == LW_SCOPE_TREE)
		return bpf_map_lookup_elem(&tree, &tgid) != NULL;
	if (scope == LW_SCOPE_HOST && own_pid_namespace == INITIAL_PID_NAMESPACE)
		return !scope__is_own(tgid);
	return scope__holds((struct task_struct *)bpf_get_current_task(), tgid);
}

/* Whether nobody has said yet that a process has ended: of two threads that see that they are the last, one
 * says so. */
static __always_inline bool scope__ends(struct task_struct *leader, u32 tgid)
{
	struct ending ending = {.started = BPF_CORE_READ(leader, start_boottime), .tgid = tgid};
	u32 one = 1;

	if (scope == LW_SCOPE_TREE)
		return !bpf_map_delete_elem(&tree, &tgid);
	return !bpf_map_update_elem(&endings, &ending, &one, BPF_NOEXIST);
}

#endif
