"""THE HEART of the proxy's safety: which request paths are taken at all.

The gateway decides by the raw path where a request goes, and the service decides by the decoded one what it means. So
that the two can never differ, a path that could be read in two ways is refused: dot segments, empty segments,
backslashes, controls, and percent-encoded ASCII (nothing in our paths needs it). Other languages may be
percent-encoded UTF-8.
"""

import re
from typing import Final

_PLAIN: Final = re.compile(
    rb"(?:/(?!\.{1,2}(?:/|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[89A-Fa-f][0-9A-Fa-f])+)+/?\Z|/\Z"
)
PATH_BYTES_MAX: Final = 2048


def is_plain(raw_path: bytes) -> bool:
    """Whether the path (without query) has one meaning only."""
    return len(raw_path) <= PATH_BYTES_MAX and _PLAIN.match(raw_path) is not None
