"""What the C library does with the memory of large buffers, as glibc tells it itself (mallinfo2)."""

import subprocess
import sys

SCRIPT = """
import ctypes
from moat.kit.life.memory import KEPT_BYTES, keep_buffers

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info

def mapped_by(size):
    before = libc.mallinfo2().hblks
    block = bytearray(size)
    return libc.mallinfo2().hblks - before

def left_of(size):
    block = bytearray(size)
    del block
    return libc.mallinfo2().fordblks >= size

print(mapped_by(4_000_000), keep_buffers(), mapped_by(20_000_000), left_of(KEPT_BYTES // 4))
"""


def test_a_large_buffer_comes_from_memory_that_is_kept_and_goes_back_to_it():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["1", "True", "0", "True"]
