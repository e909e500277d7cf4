// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Approvers and discarders.
 */
#ifndef LAPWING_ABI_FILTER_H
#define LAPWING_ABI_FILTER_H

/* Types of events that have discarders or approvers are numbered below this. */
#define LW_FILTERED 16
#define LW_INODE_DISCARDERS 16384
#define LW_PID_DISCARDERS 512
/* A power of two. */
#define LW_MOUNT_REVISIONS 4096
#define LW_BASENAMES 4096
/* NAME_MAX of linux/limits.h, and NUL. */
#define LW_BASENAME 256
#define LW_COMPONENTS 4096
/* What is told apart of a component of a path, with NUL. */
#define LW_COMPONENT 32

/* Types of events that make discarders wrong or have two files, numbered as everywhere in Lapwing. */
enum lw_type {
	LW_TYPE_LINK = 3,
	LW_TYPE_RENAME = 4,
	LW_TYPE_UNLINK = 5,
	LW_TYPE_RMDIR = 6,
	LW_TYPE_SPLICE = 12,
	LW_TYPE_MOUNT = 21,
	LW_TYPE_UMOUNT = 22,
};

/* Indexes of the map `filter_cells`. */
enum lw_cell {
	LW_CELL_POLICIES = 0, /* whether a type is treated otherwise than without filters */
	LW_CELL_DISCARDERS,   /* whether something was discarded that may hold still */
	LW_CELL_REVISION,     /* raised to invalidate all discarders */
	LW_CELL_FRONT,        /* which half of `filter_counts` is counted in */
	LW_CELL_UNSEEN,       /* whether files can be changed unseen, so that there are no discarders any more */
	LW_CELL_MOVES,        /* raised when a directory was moved: part of the revision of every mount */
	LW_CELL_CHANGES,      /* raised whenever something about files is invalidated */
	LW_CELLS,
};

enum lw_mode {
	LW_MODE_NO_FILTER = 0,
	LW_MODE_ACCEPT,
	LW_MODE_DENY,
};

/* What user space asks the program `obey` to do, and its answers. */
enum lw_order {
	LW_ORDER_PUSH = 1,
	LW_ORDER_PUSH_PID,
	LW_ORDER_EXPIRE,
	LW_ORDER_FLUSH,
};

enum lw_answer {
	LW_ANSWER_DONE = 0,
	LW_ANSWER_RETAINED,
	LW_ANSWER_OUTDATED,
	LW_ANSWER_UNSEEN,
	LW_ANSWER_NO_ROOM,
	LW_ANSWER_OVERTAKEN,
};

struct lw_inode_key {
	unsigned long long inode;
	unsigned int mount;
	/* 1 for the file itself, 0 for what lies below the directory. */
	unsigned int leaf;
};
_Static_assert(sizeof(struct lw_inode_key) == 16, "lw_inode_key");

struct lw_discarder {
	/* The types of events that are discarded: bit `number - 1` each. */
	unsigned long long types;
	/* End of the retention (CLOCK_MONOTONIC); 0 if it is not retained. */
	unsigned long long retained;
	unsigned int revision;
	unsigned int mount_revision;
	/* Of a process: which one it is and which of its programs (task__mark); 0 if any. */
	unsigned long long mark;
	/* Until when, by number of the type; 0 for ever. */
	unsigned long long until[LW_FILTERED];
};
_Static_assert(sizeof(struct lw_discarder) == 32 + 16 * 8, "lw_discarder");

/* The type has basenames, components. */
#define LW_NAMED_LAST 0x01
#define LW_NAMED_ANY 0x02
/* Words of 64 marks. Powers of two. */
#define LW_NAME_MARKS 16
#define LW_COMPONENT_MARKS 4

struct lw_policy {
	/* Flags of which one is enough. */
	unsigned long long flags;
	/* Which basenames and components may be approved at all: a bit for each, by their first eight bytes and their
	 * length (filter__mark). */
	unsigned long long names[LW_NAME_MARKS];
	unsigned long long components[LW_COMPONENT_MARKS];
	/* enum lw_mode. */
	unsigned char mode;
	/* Whether no flag at all is approved too. */
	unsigned char no_flag;
	/* LW_NAMED_* */
	unsigned char named;
	unsigned char padding[5];
};
_Static_assert(sizeof(struct lw_policy) == 176, "lw_policy");

/* Padded with zeros. */
struct lw_basename {
	char bytes[LW_BASENAME];
};
_Static_assert(sizeof(struct lw_basename) == 256, "lw_basename");

/* The beginning of a component of a path, padded with zeros. */
struct lw_component {
	char bytes[LW_COMPONENT];
};
_Static_assert(sizeof(struct lw_component) == 32, "lw_component");

struct lw_filter_counts {
	unsigned long long added;
	unsigned long long discarded;
	unsigned long long by_basename;
	unsigned long long by_flags;
	unsigned long long rejected;
};
_Static_assert(sizeof(struct lw_filter_counts) == 40, "lw_filter_counts");

#endif
