"""Photos of two made towns as if you had taken them: the folder that the tutorial works on.

python docs/make_photos.py street-photos writes street-photos/{a,b}/*.jpg, photos.csv with positions and dates, and
region masks beside it in street-photos-masks.
"""

import argparse
import csv
import json
from pathlib import Path

from PIL import Image

from machinami.sources.town import REGIONS, TownSettings, town_photos

COLUMNS = ("file", "place", "lat", "lon", "heading_deg", "captured_at", "sequence", "creator", "licence")


def write_photos(folder: Path, *, photos_per_town: int, seed: int) -> int:
    """The number of photos written into `folder`, which must not exist yet."""
    folder.mkdir(parents=True)
    masks = folder.with_name(f"{folder.name}-masks")
    rows = []
    for photo in town_photos(TownSettings(photos_per_town=photos_per_town, size_px=320, seed=seed)):
        name = f"{photo.town}/{photo.index:04d}"
        for root in (folder, masks):
            (root / photo.town).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo.image).save(folder / f"{name}.jpg", quality=90)
        Image.fromarray(photo.mask).save(masks / f"{name}.png")
        place = (f"{photo.lat:.6f}", f"{photo.lon:.6f}", f"{photo.heading_deg:.0f}")
        when = photo.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append((f"{name}.jpg", photo.town, *place, when, photo.sequence, "Machinami", "CC0-1.0"))
    legend = {"regions": {str(number): region for number, region in REGIONS.items()}, "unlabelled": [0]}
    (masks / "regions.json").write_text(json.dumps(legend), encoding="utf-8")
    with (folder / "photos.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return len(rows)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=300, help="photos of each town")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another pair of towns")
    asked = parser.parse_args()
    written = write_photos(asked.folder, photos_per_town=asked.photos, seed=asked.seed)
    print(f"{written} photos in {asked.folder}")


if __name__ == "__main__":
    main()
