//! How processes end. The numbers are Lapwing's, taken apart from a wait status (waitpid(2)).

use crate::schema::Symbols;

/// Why a process ended: by itself, or by a signal with or without a core dump.
pub static EXIT_CAUSES: Symbols =
    Symbols { name: "exit causes", names: &[(0, "EXITED"), (1, "COREDUMPED"), (2, "SIGNALED")] };
