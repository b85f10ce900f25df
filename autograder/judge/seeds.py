"""Where random numbers start: the judge's own, and those beside student code. Used by everything that judges."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True)
class Seeds:
    """The judge's draws come from the run's seed, the random numbers beside student code from its secret.

    Every generator's seed can be read where it is used (torch.initial_seed), and a run's seed is short enough to be
    found by trying; so what a student's process gets says nothing about the draws that it will be asked about. Without
    a record, where nobody is marked, there is no secret, and the same call gives the same numbers.
    """

    run: int
    secret: bytes = b""

    def draw(self, label: str) -> int:
        """48 bits from the run's seed and a label such as a test's id: held-out data and probes."""
        return int.from_bytes(hashlib.blake2b(f"{self.run}/draw/{label}".encode(), digest_size=6).digest())

    def student(self, label: str) -> int:
        """48 bits from the run's secret, its seed and a label: what a session is seeded with."""
        return int.from_bytes(hmac.digest(self.secret, f"{self.run}/{label}".encode(), "sha256")[:6])
