// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What the loader decides before the programs are loaded. The verifier knows these values, so that
 * whatever they rule out costs nothing.
 */
#ifndef LAPWING_CONFIG_H
#define LAPWING_CONFIG_H

/* Inode number of the pid namespace that Lapwing runs in. */
const volatile u32 own_pid_namespace = 0;
/* Whom to observe: enum lw_scope. */
const volatile u32 scope = LW_SCOPE_TREE;
/* In which hierarchy the control groups are that are observed: enum lw_hierarchy. */
const volatile u32 hierarchy = LW_HIERARCHY_UNIFIED;
/* CPUs that there may be. */
const volatile u32 cpu_count = 1;
/* Rings in use for calls, at most LW_RINGS. */
const volatile u32 ring_count = 1;
/* Bytes in a ring at which its reader is woken. */
const volatile u64 wake_at = 64 * 1024;
/* Nothing is looked up before a call. */
const volatile bool looks_early = true;
/* Which calls programs make is wanted. */
const volatile bool keeps_made = true;
/* There may be discarders. */
const volatile bool keeps_discarders = true;

#endif
