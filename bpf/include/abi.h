// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * What the BPF programs and Lapwing's user-space side agree on.
 *
 * These files are the source of truth: kernel-mode/src/abi mirrors them, and a test compares the mirror with
 * the types in the committed object. Everything is little-endian and padded by hand.
 */
#ifndef LAPWING_ABI_H
#define LAPWING_ABI_H

#include "abi/call.h"
#include "abi/scope.h"
#include "abi/record.h"
#include "abi/count.h"
#include "abi/filter.h"

#endif
