"""Which (subject, place, travel) triples are kept out of training to measure composition."""

import hashlib

TEST_SHARE = 0.1


def is_test(subject: str, place: str, travel: str) -> bool:
    """Tell whether a triple belongs to the test split: a stable tenth, never a whole subject."""
    key = "\n".join((subject, place, travel)).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") < TEST_SHARE * 2**64
