"""Where real photos, records and boundaries lie, for the tests that need them; they are no part of the project."""

import os
from pathlib import Path

SHARED_DATA = Path(os.environ.get("MACHINAMI_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
