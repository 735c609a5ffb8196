"""What a process does with memory once it has started."""

import ctypes
import gc
from typing import Final

LARGE_BYTES: Final = 32 * 1024 * 1024
KEPT_BYTES: Final = 64 * 1024 * 1024
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Of glibc's `malloc.h`."""


def settle() -> None:
    """Called when everything that stays is there."""
    # What is alive now stays alive: the collector need not look at it again (architecture.md §4).
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 10, 10)
    keep_buffers()


def keep_buffers() -> bool:
    """Let the C library keep what large buffers leave, up to KEPT_BYTES, for the next; False where it has no such say.

    The driver grows the buffer of a statement by a kilobyte at a time. By itself glibc asks the kernel for each of
    them, gives all of it back after the statement, and has every page anew for the next: four fifths of the time that
    a large array takes to be written.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES) and mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))
