// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Descriptors of calls, their arguments, and tests on these.
 */
#ifndef LAPWING_ARGUMENT_H
#define LAPWING_ARGUMENT_H

static __always_inline struct lw_descriptor *call__descriptor(u32 index)
{
	return bpf_map_lookup_elem(&descriptors, &index);
}

/* Whether a number is in a set: enum lw_set. */
static __always_inline bool call__is_in(u32 set, u32 number)
{
	struct lw_number_set *numbers = bpf_map_lookup_elem(&number_sets, &set);

	return numbers && numbers->bits[number / 8 & (LW_SET_BYTES - 1)] & 1u << (number & 7);
}

static __always_inline u64 call__arg(struct call *call, u32 index)
{
	return call->args[index < 6 ? index : 5];
}

static __always_inline bool call__holds(struct lw_test *test, struct call *call)
{
	u64 value = call__arg(call, test->arg);

	switch (test->condition) {
	case LW_ANY_BIT:
		return value & test->value;
	case LW_NO_BIT:
		return !(value & test->value);
	case LW_IS:
		return (u32)value == (u32)test->value;
	case LW_IS_NOT:
		return (u32)value != (u32)test->value;
	case LW_PRESENT:
		return value != 0;
	default:
		return true;
	}
}

#endif
