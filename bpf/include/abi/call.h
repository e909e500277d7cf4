// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Descriptors of system calls: which are wanted, and what to capture of each.
 */
#ifndef LAPWING_ABI_CALL_H
#define LAPWING_ABI_CALL_H

/* The syscall table: descriptors of calls by interface and number. */
#define LW_NUMBERS 1024
#define LW_INTERFACES 3
/* socketcall's numbers (linux/net.h) and the old mmap have descriptors of their own behind the rest. */
#define LW_REDIRECTS 32
/* Behind those, operations of an io_uring by number. The last one stands for all that it has no place for. */
#define LW_OPERATIONS 64
#define LW_FIRST_OPERATION (LW_INTERFACES * LW_NUMBERS + LW_REDIRECTS)
#define LW_DESCRIPTORS (LW_FIRST_OPERATION + LW_OPERATIONS)

enum lw_interface {
	LW_NATIVE = 0,
	LW_COMPAT = 1,
	LW_X32 = 2,
};

/* What an argument is, and so what is captured for it. */
enum lw_role {
	LW_ROLE_NONE = 0,
	/* A NUL-terminated string of at most `size` bytes. */
	LW_ROLE_TEXT,
	/* `size` bytes; the next argument limits them if LW_ARG_LENGTH is set. */
	LW_ROLE_DATA,
	/* A descriptor; its file goes to `slot`. */
	LW_ROLE_FD,
	/* A path; what it leads to goes to `slot`. */
	LW_ROLE_PATH,
	/* A descriptor of a socket. */
	LW_ROLE_SOCKET,
	/* A pidfd. */
	LW_ROLE_PIDFD,
	/* A thread's number. */
	LW_ROLE_TID,
};

/* Flags of an argument. */
#define LW_ARG_LENGTH 0x01    /* the next argument is its length */
#define LW_ARG_DIRFD 0x02     /* the argument before is the directory it starts from */
#define LW_ARG_NOFOLLOW 0x04  /* a symbolic link at the end is acted on itself */
#define LW_ARG_CREATE 0x08    /* the last component is made by the call */
#define LW_ARG_EARLY 0x10     /* is looked at before the call, which may change or remove it */
#define LW_ARG_EMPTY 0x20     /* an empty path always may mean the directory descriptor itself */
#define LW_ARG_NULL_OK 0x40   /* likewise a null pointer */
#define LW_ARG_MOUNTED 0x80   /* success mounts something there */

/* Where a request of an io_uring has a value, for the kernel has read the submission by then. */
enum lw_place {
	LW_PLACE_NONE = 0,
	/* The descriptor that it is about, or the number of a fixed file. */
	LW_PLACE_FILE,
	LW_PLACE_OPEN_DIRECTORY,
	LW_PLACE_OPEN_PATH,
	LW_PLACE_OPEN_FLAGS,
	LW_PLACE_OPEN_MODE,
	/* Where among the fixed files the result goes, instead of a descriptor: 0 for none, else one more. */
	LW_PLACE_OPEN_SLOT,
	LW_PLACE_UNLINK_DIRECTORY,
	LW_PLACE_UNLINK_PATH,
	LW_PLACE_UNLINK_FLAGS,
	LW_PLACE_RENAME_DIRECTORY,
	LW_PLACE_RENAME_PATH,
	LW_PLACE_RENAME_NEW_DIRECTORY,
	LW_PLACE_RENAME_NEW_PATH,
	LW_PLACE_RENAME_FLAGS,
	LW_PLACE_MKDIR_DIRECTORY,
	LW_PLACE_MKDIR_PATH,
	LW_PLACE_MKDIR_MODE,
	LW_PLACE_LINK_DIRECTORY,
	LW_PLACE_LINK_PATH,
	LW_PLACE_LINK_NEW_DIRECTORY,
	LW_PLACE_LINK_NEW_PATH,
	LW_PLACE_LINK_FLAGS,
	LW_PLACE_XATTR_PATH,
	LW_PLACE_XATTR_NAME,
	LW_PLACE_SPLICE_SOURCE,
	LW_PLACE_SPLICE_LENGTH,
	LW_PLACE_SPLICE_FLAGS,
	LW_PLACE_SOCKET_DOMAIN,
	LW_PLACE_SOCKET_TYPE,
	LW_PLACE_SOCKET_PROTOCOL,
	LW_PLACE_SOCKET_SLOT,
	LW_PLACE_ADDRESS,
	LW_PLACE_CONNECT_LENGTH,
	LW_PLACE_BIND_LENGTH,
	LW_PLACE_ACCEPT_FLAGS,
	LW_PLACE_ACCEPT_SLOT,
};

struct lw_argument {
	unsigned char role;
	unsigned char slot;
	unsigned char flags;
	/* Which argument has AT_* flags about this path; 0xff for none. */
	unsigned char at_flags;
	unsigned short size;
	/* Of an operation: enum lw_place. */
	unsigned char place;
	unsigned char padding;
};
_Static_assert(sizeof(struct lw_argument) == 8, "lw_argument");

enum lw_condition {
	LW_ALWAYS = 0,
	LW_ANY_BIT,
	LW_NO_BIT,
	LW_IS,
	LW_IS_NOT,
	LW_PRESENT,
};

struct lw_test {
	unsigned char condition;
	unsigned char arg;
	unsigned char padding[6];
	unsigned long long value;
};
_Static_assert(sizeof(struct lw_test) == 16, "lw_test");

/* Flags of a descriptor. */
#define LW_CALL_ENABLED 0x01      /* somebody wants what it becomes */
#define LW_CALL_EARLY 0x02        /* has arguments with LW_ARG_EARLY */
#define LW_CALL_MAKES_FILE 0x04   /* the result is a descriptor of the file in slot 0 */
#define LW_CALL_MAKES_SOCKET 0x08 /* the result is a socket, connected if there is a peer */
#define LW_CALL_CREDENTIALS 0x10  /* the thread's credentials may have changed */
#define LW_CALL_PROGRAM 0x20      /* success is seen where the new program begins */
#define LW_CALL_INDIRECT 0x40     /* the arguments lie in memory */
#define LW_CALL_NEW_CWD 0x80      /* success makes the file in slot 0 the working directory */
#define LW_CALL_CREATES 0x100     /* makes the file in slot 0 under the name that it is given */
#define LW_CALL_QUIET 0x200       /* nobody wants `type`: only discarders are concerned */
#define LW_CALL_FIRST_QUIET 0x400 /* likewise `first_type` */
#define LW_CALL_UPHEAVAL 0x800    /* success ends all discarders: mounts are elsewhere */
#define LW_CALL_UNSEEN 0x1000     /* success lets the caller change files unseen: discarders are over. Of an operation: when it is submitted */
#define LW_CALL_OPAQUE 0x2000     /* an operation that nobody can see into: said once of a process */
#define LW_CALL_MAKES_MOUNT 0x4000 /* the file that the result is a descriptor of is the root of a new mount */

#define LW_TESTS 6
#define LW_ERRORS 4

/* Sets of numbers of calls, whatever the interface: indexes of the map `number_sets`. */
enum lw_set {
	LW_SET_WANTED = 0, /* LW_CALL_ENABLED may be found in a descriptor */
	LW_SET_EARLY,      /* likewise LW_CALL_EARLY */
	LW_SETS,
};

#define LW_SET_BYTES 128
_Static_assert(LW_SET_BYTES * 8 == LW_NUMBERS, "LW_SET_BYTES");

struct lw_number_set {
	/* A bit each, the lowest first. */
	unsigned char bits[LW_SET_BYTES];
};
_Static_assert(sizeof(struct lw_number_set) == 128, "lw_number_set");

struct lw_descriptor {
	unsigned int flags;
	/* Index of the row in the catalogue. */
	unsigned short row;
	/* For LW_CALL_INDIRECT: the first descriptor to go on with, and which argument selects (0xff: none). */
	unsigned short redirect;
	unsigned char selector;
	unsigned char pointer;
	unsigned char words;
	/* How many of `tests` there are; the call is of interest if one of them holds, or there is none. */
	unsigned char tests_count;
	/* `read_when`: strings and structures are there to be read only if all of them hold. */
	unsigned char reads_count;
	/* Number of the type of event that it becomes, if filters or discarders have to know; else 0. */
	unsigned char type;
	/* Another one, which it becomes if `first_when` holds; 0 for none. */
	unsigned char first_type;
	/* Which argument has the flags that an approver looks at, or points to them; 0xff for none. */
	unsigned char flags_arg;
	/* Error numbers that are reported besides EPERM and EACCES; 0 ends the list. */
	unsigned short errors[LW_ERRORS];
	struct lw_argument args[6];
	struct lw_test tests[LW_TESTS];
	struct lw_test reads[2];
	struct lw_test first_when;
	/* Flags that the call implies. */
	unsigned int implied_flags;
	/* For LW_CALL_UPHEAVAL: only if one of these flags is set; 0 for always. */
	unsigned int upheaval;
	/* Of an operation: enum lw_place of the fixed file that its result goes to; 0 for none. */
	unsigned char result_slot;
	unsigned char padding[7];
};
_Static_assert(sizeof(struct lw_descriptor) == 24 + 6 * 8 + 9 * 16 + 16, "lw_descriptor");

#endif
