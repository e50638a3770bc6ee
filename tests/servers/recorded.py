"""Answers of the real server as files: what changes from run to run is replaced, so that they can be compared."""

import json
import os
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "recorded"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIMES = re.compile(r'("(?:created|updated)": )"[^"]*"')
_SIZES = re.compile(r'("original_file:size": )\d+')  # depends on the version of the JPEG library


def settle(answer, url):
    """The answer as text, with its address, ids, times and file sizes replaced in the order in which they come."""
    text = json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    text = text.replace(url, "http://127.0.0.1:5000")
    known = {}
    text = _UUID.sub(
        lambda found: known.setdefault(found[0], f"{len(known) + 1:08x}-0000-4000-8000-000000000000"), text
    )
    text = _TIMES.sub(r'\1"2026-11-25T02:28:52.134737+00:00"', text)
    return _SIZES.sub(r"\g<1>24633", text)


def recorded(name, answer, url):
    """What stands in recorded/NAME.json; with $MACHINAMI_RECORD, after `answer` was written to it."""
    path = FOLDER / f"{name}.json"
    if os.environ.get("MACHINAMI_RECORD"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(settle(answer, url), encoding="utf-8")
    return path.read_text(encoding="utf-8")
