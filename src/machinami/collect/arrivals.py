"""Photos that have come in but are not yet in the catalogue: a folder that outlives a crash."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machinami.files import replacing, write_bytes

__all__ = ["Arrivals"]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One file for each answer, named by the rows that it is for: a paid photo is never asked for twice."""

    folder: Path

    def path(self, photo_ids: tuple[int, ...]) -> Path:
        """Where the bytes for these rows lie, or would."""
        # At most 16 rows (collect.views): 16 numbers of 10 digits are 175 characters, and a file name may have 255.
        return self.folder / "-".join(map(str, photo_ids))

    def keep(self, photo_ids: tuple[int, ...], data: bytes) -> Path:
        """Write the bytes down, whole."""
        path = self.path(photo_ids)
        write_bytes(path, data)
        return path

    def leftovers(self) -> Iterator[tuple[int, ...]]:
        """The rows that a stopped run left bytes for; what is half written goes."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            parts = path.name.split("-")
            if all(part.isdigit() for part in parts):
                yield tuple(map(int, parts))
            else:
                path.unlink()

    def give(self, photo_ids: tuple[int, ...], target: Path) -> None:
        """Put the bytes at their final place as well, in one step and without writing them again where it can be."""
        if target.exists():
            return
        path = self.path(photo_ids)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)  # whole and flushed already
        except FileExistsError:  # another row with the same bytes was first
            return
        except OSError:  # a file system without links
            with replacing(target) as aside:
                shutil.copyfile(path, aside)

    def clear(self, photo_ids: tuple[int, ...]) -> None:
        """The rows know their files now."""
        self.path(photo_ids).unlink(missing_ok=True)
