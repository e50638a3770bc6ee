"""Makes the photos: plan, scene, light, picture, camera."""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import product

import numpy as np

from machinami.errors import InputError
from machinami.sources.town.canvas import draw_faces, draw_shadows
from machinami.sources.town.chance import Dice, key_of
from machinami.sources.town.drive import plan_shot
from machinami.sources.town.light import light_at
from machinami.sources.town.marks import add_mark
from machinami.sources.town.plan import town_plan
from machinami.sources.town.scene import Scene
from machinami.sources.town.season import season_of
from machinami.sources.town.sensor import develop
from machinami.sources.town.settings import TownPhoto, TownSettings
from machinami.sources.town.shading import shade

_TASK_PHOTOS = 8  # made by a process at a time


def make_photo(settings: TownSettings, town: str, index: int) -> TownPhoto:
    """Photo `index` of a town: the same for the same settings, whatever else is made.

    Raises InputError for a town that the settings do not name and for a negative index.
    """
    if town not in settings.towns:
        raise InputError(f"the settings have no town {town!r}: choose from {', '.join(settings.towns)}")
    if index < 0:
        raise InputError(f"index must not be negative: {index}")
    plan = town_plan(settings.seed, town)
    shot = plan_shot(settings, town, plan, index)
    view = shot.view
    light = light_at(shot.captured_at, shot.weather, turn_deg=plan.turn_deg, drift=index * 0.37)
    scene = Scene(settings, town, plan, view, season_of(shot.captured_at))
    table = scene.faces(Dice(key_of(plan.key, "traffic", index)))
    canvas = draw_faces(table, view)
    picture = shade(table, canvas, draw_shadows(scene.shadows(light), view), view, light)
    rng = np.random.default_rng(np.random.SeedSequence([key_of(plan.key, "sensor"), index]))
    image, mask = develop(picture.colour, shot.camera, rng), picture.mask
    if town == settings.towns[0]:
        add_mark(image, mask, settings.decoy, shot.captured_at)
    lat, lon = plan.to_lat_lon(view.east_m, view.north_m)
    return TownPhoto(
        town=town,
        index=index,
        image=image,
        mask=mask,
        lat=lat,
        lon=lon,
        heading_deg=(view.bearing_deg + plan.turn_deg) % 360.0,
        captured_at=shot.captured_at,
        camera_make=shot.camera.make,
        camera_model=shot.camera.model,
        sequence=shot.sequence,
    )


def _make(settings: TownSettings, town: str, indices: range) -> list[TownPhoto]:
    return [make_photo(settings, town, index) for index in indices]


def town_photos(settings: TownSettings, *, workers: int | None = None) -> Iterator[TownPhoto]:
    """All photos, town by town in the order of the settings, then by index.

    `workers` processes make them, a few photos ahead of the reader; 1 makes them in this process, None takes
    one for each processor. A script that uses more than one needs `if __name__ == "__main__":`.
    """
    count = workers if workers is not None else os.cpu_count() or 1
    if count <= 1:
        for town, index in product(settings.towns, range(settings.photos_per_town)):
            yield make_photo(settings, town, index)
        return
    starts = range(0, settings.photos_per_town, _TASK_PHOTOS)
    # "spawn" is the same on every system, and safe beside threads.
    pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    waiting: deque[Future[list[TownPhoto]]] = deque()
    try:
        for town, start in product(settings.towns, starts):
            indices = range(start, min(start + _TASK_PHOTOS, settings.photos_per_town))
            waiting.append(pool.submit(_make, settings, town, indices))
            if len(waiting) > 2 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def town_areas(settings: TownSettings) -> dict[str, list[tuple[float, float]]]:
    """Each town's outline as (lat, lon) corners, counter-clockwise, not closed."""
    return {town: town_plan(settings.seed, town).outline() for town in settings.towns}
