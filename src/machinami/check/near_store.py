"""Perceptual hashes and pooled features of photos that were decoded once, by the digest of their pixels."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from machinami.check.cache_file import CacheFile

__all__ = ["NearStore"]

Vector = npt.NDArray[np.float32]


class NearStore(CacheFile):
    """Hashes and features by the digest of a photo's pixels."""

    TABLES = """
        CREATE TABLE IF NOT EXISTS hashes (
            pixels_sha256 TEXT PRIMARY KEY, dhash BLOB NOT NULL, phash BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS features (pixels_sha256 TEXT PRIMARY KEY, vector BLOB NOT NULL);
    """

    def hashes(self, pixels_sha256: str) -> tuple[int, int] | None:
        """The dHash and the pHash, or None where they are not known."""
        row = self.first("SELECT dhash, phash FROM hashes WHERE pixels_sha256 = ?", pixels_sha256)
        return None if row is None else (int.from_bytes(row[0], "big"), int.from_bytes(row[1], "big"))

    def add_hashes(self, rows: Iterable[tuple[str, tuple[int, int]]]) -> None:
        """Note the hashes of photos by the digest of their pixels."""
        packed = [(digest, dhash.to_bytes(8, "big"), phash.to_bytes(8, "big")) for digest, (dhash, phash) in rows]
        self.keep("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", packed)

    def vector(self, pixels_sha256: str) -> Vector | None:
        """The pooled features float32 (C,), or None where they are not known."""
        row = self.first("SELECT vector FROM features WHERE pixels_sha256 = ?", pixels_sha256)
        return None if row is None else np.frombuffer(row[0], np.float16).astype(np.float32)

    def add_vectors(self, rows: Iterable[tuple[str, Vector]]) -> None:
        """Note features of length 1, which half precision holds well enough."""
        packed = [(digest, vector.astype(np.float16).tobytes()) for digest, vector in rows]
        self.keep("INSERT OR REPLACE INTO features VALUES (?, ?)", packed)
