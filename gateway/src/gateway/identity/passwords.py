"""Passwords: Argon2id, off the event loop, at most two at a time, in the same time whether the person exists or not."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

HASHES_AT_ONCE_MAX: Final = 2
"""Each takes 64 MiB and tens of milliseconds of a core."""


class Passwords:
    """Hashes and verifies with argon2-cffi's defaults (RFC 9106, the low-memory profile)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._places = asyncio.Semaphore(HASHES_AT_ONCE_MAX)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The encoded hash to keep."""
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, password: str, encoded: str | None) -> bool:
        """Whether the password fits; without a hash (an unknown person) it works as long and says no."""
        if self._nobodys is None:
            self._nobodys = await self.hash("nobody has this password")
        async with self._places:
            fits = await asyncio.to_thread(self._verify, encoded or self._nobodys, password)
        return fits and encoded is not None

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (Argon2Error, InvalidHashError):
            return False
