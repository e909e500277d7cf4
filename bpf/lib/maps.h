// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * All maps. Sizes of the rings and of `scratch` are set by the loader.
 */
#ifndef LAPWING_MAPS_H
#define LAPWING_MAPS_H

/* What a record is put together in: it is copied into a ring once its size is known. */
#define SCRATCH_BYTES 16384
#define SCRATCH_SLACK 4608
#define INODE_REGION 160
/* An exec has all arguments and the environment. */
#define PROGRAM_BYTES 131072
#define PROGRAM_SLACK 8192

struct place {
	u64 dentry;
	u64 mount;
};

/* What there is to know of a mount; see place.h. */
struct mounted {
	/* Which; 0 for none. */
	u64 mount;
	/* Where it is mounted. */
	u64 parent;
	u64 mountpoint;
	u64 root;
	u32 flags;
	u32 padding;
};

/* What there is to know of a file system; see file.h. */
struct filesystem {
	u64 type;
	char name[20];
	u32 magic;
};

/* The state of following a path; see walk.h. */
struct walk {
	u64 dentry;
	u64 mount;
	u64 root_dentry;
	u64 root_mount;
	/* What is being looked for, when children or mounts are searched. */
	u64 wanted;
	u64 found;
	u64 cursor;
	u64 end;
	u32 at;
	u32 length;
	u32 links;
	u32 status;
	u32 follow;
	u32 name_length;
	u32 next;
	/* The path, and what it becomes when a symbolic link is put into it. */
	u32 current;
	char path[2][8192];
	u64 name[36];
	u64 other[36];
};

/* A system call as it was made. */
struct call {
	u64 args[6];
	/* Index of its descriptor. */
	u32 descriptor;
	u8 interface;
	u8 padding[3];
};

/* A file that a call is about. */
struct identity {
	u64 inode;
	u32 mount;
	u32 mode;
};

/* What filters and discarders want to know of a call, and what is known of it; see filter.h. */
struct filter {
	/* Number of the type; 0 if it does not matter. */
	u32 type;
	u16 asks;
	u16 found;
	struct identity files[2];
};

/* On the way up from a file, in search of a name that is approved. */
struct search {
	u64 dentry;
	u64 mount;
	u64 types;
	/* The last component has been looked at. */
	u32 named;
	u32 found;
	u32 done;
	u32 padding;
};

/* What was found out before a call. */
struct pending {
	/* Index of the call's descriptor. */
	u32 descriptor;
	struct filter filter;
};

/* An operation of an io_uring between its submission and its completion. */
struct operation {
	/* The kernel's own number of the process that submitted it. */
	u32 tgid;
	/* As in records. */
	u32 pid;
	u32 tid;
	/* Index of its descriptor. */
	u32 descriptor;
	u64 token;
	u64 args[6];
	u64 request;
	/* Of one that completes many times: what its completions are called by, besides the ring. */
	u64 user_data;
	u64 ring;
	/* LW_PLACE_*_SLOT. */
	u32 result_slot;
	/* The name that it makes: in which of the event's files, and where. Its length is 0 if there is none. */
	u32 slot;
	struct place parent;
	u32 name_length;
	u8 many;
	u8 padding[3];
	u64 name[32];
};

struct operation_key {
	/* The request and 0; of one that completes many times, also the ring and its user data. */
	u64 object;
	u64 data;
};

/* How much of a directory entry is read at once, and how long a name in it can be (d_shortname, d_iname before 6.14). */
#define SHORT_NAME 40
#define STEP_REGION (32 + SHORT_NAME)

struct scratch {
	/* Where the next part of the record goes. */
	u32 at;
	/* LW_FILE_* of the file that is being written. */
	u16 flags;
	u16 padding;
	/* What the inode says, before it is put in order. */
	u64 region[INODE_REGION / 8];
	/* What an entry on the way up says, with its name if that is short. */
	u64 entry[STEP_REGION / 8];
	/* Of the task, as the record begins. */
	struct place root;
	struct place directory;
	/* The namespace of its mounts. */
	u64 mounts;
	/* The mount that was looked at last for this record. */
	struct mounted mounted;
	/* The file system that was looked at last, for any record. */
	struct filesystem filesystem;
	struct call call;
	struct filter filter;
	struct search search;
	struct operation operation;
	struct walk walk;
	union {
		u8 bytes[SCRATCH_BYTES + SCRATCH_SLACK];
		/* What is written there. By this the object describes it, for a test to compare with. */
		struct {
			struct lw_record record;
			struct lw_part part;
			struct lw_file file;
			struct lw_socket socket;
			struct lw_credentials credentials;
			struct lw_program program;
			struct lw_operation operation;
		} layouts;
	};
};

/* The programs that put records together. */
enum user {
	SYS_EXIT = 0,
	SYS_ENTER,
	EXEC,
	FORK,
	/* Where operations of io_urings are seen, or the scope is no tree. */
	URING_SUBMIT,
	URING_COMPLETE,
	/* Not where the scope is a tree. */
	MOVE,
	USERS,
};

struct program_scratch {
	u8 bytes[PROGRAM_BYTES + PROGRAM_SLACK];
};

/* A process that has ended. */
struct ending {
	u64 started;
	u32 tgid;
	u32 padding;
};

/* Descriptors of system calls, by interface and number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_DESCRIPTORS);
	__type(key, u32);
	__type(value, struct lw_descriptor);
} descriptors SEC(".maps");

/* Of which numbers there are descriptors: enum lw_set. Nearly all calls are in neither set, and this is small enough
 * to stay in the fastest caches. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_SETS);
	__type(key, u32);
	__type(value, struct lw_number_set);
} number_sets SEC(".maps");

/* The kernel's own number of Lapwing's process. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} own_process SEC(".maps");

/* The control groups that are observed, by id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} scope_groups SEC(".maps");

/* Whether a control group is one of those or below one, as far as that has been found out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u32);
} known_groups SEC(".maps");

/* Processes that ended a moment ago. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct ending);
	__type(value, u32);
} endings SEC(".maps");

/* For LW_SCOPE_TREE: processes that are observed, by the kernel's own number of the process. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, u32);
} tree SEC(".maps");

/* Threads of watched processes by number, other than first ones, and the process of each: as numbered in
 * Lapwing's pid namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, u32);
} threads SEC(".maps");

struct missed {
	u8 bytes[LW_MISSED_BYTES];
};

/* What processes were when a record of their fork or exec did not fit into the ring, by number in Lapwing's pid
 * namespace: a record of LW_ENTER or LW_EXEC. They stay when the process ends, as what it did may not have been read
 * yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LW_MISSED);
	__type(key, u32);
	__type(value, struct missed);
} missed SEC(".maps");

/* One for each program that puts records together and each CPU. A program that is interrupted on its CPU does
 * not run there a second time (the kernel counts that as a miss), so that is enough. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, USERS);
	__type(key, u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* One for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct program_scratch);
} program_scratch SEC(".maps");

/* enum lw_counter. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LW_COUNTERS);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

/* Calls that were lost because a ring was full, by row of the catalogue. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

/* Calls whose arguments make no event that anybody wants, likewise. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} unasked SEC(".maps");

/* Files that are discarded, and directories below which all is. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LW_INODE_DISCARDERS);
	__type(key, struct lw_inode_key);
	__type(value, struct lw_discarder);
} inode_discarders SEC(".maps");

/* Processes that are discarded, by the kernel's own number. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LW_PID_DISCARDERS);
	__type(key, u32);
	__type(value, struct lw_discarder);
} pid_discarders SEC(".maps");

/* By mount id modulo their number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_MOUNT_REVISIONS);
	__type(key, u32);
	__type(value, u32);
} mount_revisions SEC(".maps");

/* By number of the inode modulo theirs: whatever the file system, and whichever mount shows it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_MOUNT_REVISIONS);
	__type(key, u32);
	__type(value, u32);
} inode_revisions SEC(".maps");

/* By mount id, as above: whether directories of such a mount were ever discarded. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_MOUNT_REVISIONS);
	__type(key, u32);
	__type(value, u32);
} mount_parents SEC(".maps");

/* enum lw_cell. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_CELLS);
	__type(key, u32);
	__type(value, u32);
} filter_cells SEC(".maps");

/* The root below which paths were looked up whose files are discarded: Lapwing's own. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct place);
} own_root SEC(".maps");

/* By number of the type. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LW_FILTERED);
	__type(key, u32);
	__type(value, struct lw_policy);
} policies SEC(".maps");

/* The types for which a last component of a path is approved: bit `number - 1` each. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_BASENAMES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lw_basename);
	__type(value, u64);
} basenames SEC(".maps");

/* The same of components of paths, by how they begin. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_COMPONENTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lw_component);
	__type(value, u64);
} components SEC(".maps");

/* By number of the type, once for each of two readings; 0 counts discarded processes. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * LW_FILTERED);
	__type(key, u32);
	__type(value, struct lw_filter_counts);
} filter_counts SEC(".maps");

/* Calls that were looked at before they were made, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct pending);
} pending SEC(".maps");

/* Operations of io_urings that are not complete. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct operation_key);
	__type(value, struct operation);
} operations SEC(".maps");

/* When the processes began whose operations nobody can see into, and of whom that was said. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, u32);
} opaque SEC(".maps");

/* Which calls processes have made since their programs began. Preallocated, as programs of tracepoints need it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LW_MADE_PROCESSES);
	__type(key, struct lw_made_key);
	__type(value, struct lw_made);
} made_calls SEC(".maps");

/* Fork, exec and exit have a ring of their own: a flood of calls does not drown them. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} lifecycle SEC(".maps"), calls_0 SEC(".maps"), calls_1 SEC(".maps"), calls_2 SEC(".maps"), calls_3 SEC(".maps"),
	calls_4 SEC(".maps"), calls_5 SEC(".maps"), calls_6 SEC(".maps"), calls_7 SEC(".maps");

#endif
