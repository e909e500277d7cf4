// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A process, or one of its threads, has been moved to another control group. It may be observed from now on.
 * Attached only where control groups are what is observed.
 */

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_attach_task, struct cgroup *to, const char *path, struct task_struct *task, bool whole)
{
	if (scope == LW_SCOPE_CGROUPS && scope__holds(task, BPF_CORE_READ(task, tgid)))
		enter__put(MOVE, task, ENTER_TELL);
	return 0;
}
