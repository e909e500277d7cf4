// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Which system calls a process has made since its program began: a bit each, kept here and handed over when
 * the program ends. User space may read the map before that.
 */
#ifndef LAPWING_MADE_H
#define LAPWING_MADE_H

static __always_inline struct lw_made *made__begin(struct lw_made_key *key)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct lw_made made = {};

	made.since = bpf_ktime_get_boot_ns();
	made.pid = task__pid(task);
	/* Of two threads one is the first. */
	bpf_map_update_elem(&made_calls, key, &made, BPF_NOEXIST);
	return bpf_map_lookup_elem(&made_calls, key);
}

static __always_inline void made__add(u8 interface, u32 number)
{
	struct lw_made_key key = {.tgid = bpf_get_current_pid_tgid() >> 32, .interface = interface};
	struct lw_made *made = bpf_map_lookup_elem(&made_calls, &key);

	/* Whoever is in a tree stays there. */
	if ((!made || scope != LW_SCOPE_TREE) && !scope__holds_current())
		return;
	if (!made)
		made = made__begin(&key);
	if (!made) {
		count__add(LW_LOST_MADE);
		return;
	}
	u64 *word = &made->numbers[(number / 64) % LW_MADE_WORDS], bit = 1ULL << (number % 64);
	if (!(*word & bit))
		__sync_fetch_and_or(word, bit);
}

/* The program of a process ends: hands over what it made, and begins anew. */
__noinline int made__end(u32 tgid)
{
	for (u32 interface = 0; interface < LW_INTERFACES; interface++) {
		struct lw_made_key key = {.tgid = tgid, .interface = interface};
		struct lw_made *made = bpf_map_lookup_elem(&made_calls, &key);
		if (!made)
			continue;
		struct lw_made_record *r = bpf_ringbuf_reserve(&lifecycle, sizeof(*r), 0);
		if (!r) {
			count__add(LW_LOST_MADE);
		} else {
			record__fill(&r->head, LW_MADE, 0);
			r->head.size = sizeof(*r);
			r->head.pid = made->pid;
			r->head.tid = made->pid;
			r->head.interface = interface;
			__builtin_memcpy(r->numbers, made->numbers, sizeof(r->numbers));
			bpf_ringbuf_submit(r, ring__wakeup(&lifecycle, sizeof(*r)));
			count__add(LW_RECORDS);
		}
		bpf_map_delete_elem(&made_calls, &key);
	}
	return 0;
}

/* Forgets a process that is not observed any more. */
static __always_inline void made__forget(u32 tgid)
{
	for (u32 interface = 0; interface < LW_INTERFACES; interface++) {
		struct lw_made_key key = {.tgid = tgid, .interface = interface};
		bpf_map_delete_elem(&made_calls, &key);
	}
}

#endif
