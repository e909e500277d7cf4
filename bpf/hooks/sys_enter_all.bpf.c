// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A system call begins, whichever it is. Only attached when somebody wants to know which calls programs make.
 * At the entry, since some never return (exit_group), and one returns to another program (execve).
 */

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter_all, struct pt_regs *regs, long id)
{
	u8 interface;
	u32 index = call__index(call__number(regs), &interface);

	if (index < LW_INTERFACES * LW_NUMBERS)
		made__add(interface, index % LW_NUMBERS);
	return 0;
}
