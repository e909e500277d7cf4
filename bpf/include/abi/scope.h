// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Whom to observe.
 */
#ifndef LAPWING_ABI_SCOPE_H
#define LAPWING_ABI_SCOPE_H

/* Whom to observe. */
enum lw_scope {
	LW_SCOPE_TREE = 0, /* processes that user space names, and what they start */
	LW_SCOPE_HOST,     /* everybody */
	LW_SCOPE_CGROUPS,  /* the members of control groups, and of groups below those */
};

/* Hierarchies of control groups: that of version 2, and those of version 1 by a controller. */
enum lw_hierarchy {
	LW_HIERARCHY_UNIFIED = 0,
	LW_HIERARCHY_CPUSET,
	LW_HIERARCHY_CPU,
	LW_HIERARCHY_CPUACCT,
	LW_HIERARCHY_BLKIO,
	LW_HIERARCHY_MEMORY,
	LW_HIERARCHY_DEVICES,
	LW_HIERARCHY_FREEZER,
	LW_HIERARCHY_PIDS,
};

/* What a process is numbered, as the program `iter_task` tells of all. */
struct lw_numbers {
	/* In Lapwing's pid namespace. */
	unsigned int pid;
	/* By the kernel itself. */
	unsigned int tgid;
	/* Its parent, in Lapwing's pid namespace; 0 if it is not there. */
	unsigned int ppid;
};
_Static_assert(sizeof(struct lw_numbers) == 12, "lw_numbers");

#endif
