// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What is counted, and which calls were made.
 */
#ifndef LAPWING_ABI_COUNT_H
#define LAPWING_ABI_COUNT_H

/* Why something was not captured; indexes of the map `counters`. */
enum lw_counter {
	LW_LOST_LIFECYCLE = 0, /* fork, exec or exit: the ring was full */
	LW_LOST_CALLS,         /* a call: the ring was full */
	LW_LOST_EARLY,         /* what a call names: the ring was full */
	LW_NO_SCRATCH,         /* no buffer for this CPU */
	LW_TREE_FULL,          /* a process could not be added to the tree that is watched */
	LW_WALKS_GIVEN_UP,     /* a path was not followed to its end */
	LW_UNREADABLE,         /* the caller's memory could not be read */
	LW_OMITTED,            /* parts that did not fit into a record */
	LW_THREADS_FULL,       /* a thread could not be remembered: signals to it will not say whose it is */
	LW_RECORDS,            /* records handed over */
	LW_OPERATIONS_FULL,    /* an operation of an io_uring could not be remembered until its completion */
	LW_LOST_MADE,          /* which calls a process made: the map or the ring was full */
	LW_COUNTERS,
};

/* Processes of which it is known at a time which calls they made. */
#define LW_MADE_PROCESSES 16384
/* A bit for each number of an interface. */
#define LW_MADE_WORDS 16

struct lw_made_key {
	/* The kernel's own number of the process. */
	unsigned int tgid;
	/* enum lw_interface. */
	unsigned int interface;
};
_Static_assert(sizeof(struct lw_made_key) == 8, "lw_made_key");

struct lw_made {
	/* When the program made its first call (CLOCK_BOOTTIME). */
	unsigned long long since;
	/* The process as numbered in Lapwing's pid namespace. */
	unsigned int pid;
	unsigned int padding;
	unsigned long long numbers[LW_MADE_WORDS];
};
_Static_assert(sizeof(struct lw_made) == 144, "lw_made");

struct lw_made_record {
	struct lw_record head;
	unsigned long long numbers[LW_MADE_WORDS];
};
_Static_assert(sizeof(struct lw_made_record) == 216, "lw_made_record");

#endif
