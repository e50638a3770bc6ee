"""Makes the photos: plan, scene, light, picture, camera."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import product
from typing import TypeVar

import numpy as np

from machinami.errors import InputError
from machinami.ordered import in_batches
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

R = TypeVar("R")
Shot = tuple[str, int]  # town and index

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


def town_photos(settings: TownSettings, *, workers: int | None = None) -> Iterator[TownPhoto]:
    """All photos, town by town in the order of the settings, then by index; `workers` as in `map_photos`."""
    shots = product(settings.towns, range(settings.photos_per_town))
    return map_photos(_same, settings, shots, workers=workers)


def _same(photo: TownPhoto) -> TownPhoto:
    return photo


def map_photos(
    work: Callable[[TownPhoto], R], settings: TownSettings, shots: Iterable[Shot], *, workers: int | None = None
) -> Iterator[R]:
    """What `work` makes of the photos (town, index), in their order.

    `workers` processes make the photos and do the work, a few photos ahead of the reader; 1 does it in this process,
    None takes one for each processor. With more than one, `work` and its results must be picklable, and a script
    needs `if __name__ == "__main__":`.
    """
    count = workers if workers is not None else os.cpu_count() or 1
    if count <= 1:
        for town, index in shots:
            yield work(make_photo(settings, town, index))
        return
    # "spawn" is the same on every system, and safe beside threads. An interrupt is this process's to handle.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    waiting: deque[Future[list[R]]] = deque()
    try:
        for task in in_batches(shots, _TASK_PHOTOS):
            waiting.append(pool.submit(_work_on, work, settings, task))
            if len(waiting) > 2 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _work_on(work: Callable[[TownPhoto], R], settings: TownSettings, shots: list[Shot]) -> list[R]:
    return [work(make_photo(settings, town, index)) for town, index in shots]


def town_areas(settings: TownSettings) -> dict[str, list[tuple[float, float]]]:
    """Each town's outline as (lat, lon) corners, counter-clockwise, not closed."""
    return {town: town_plan(settings.seed, town).outline() for town in settings.towns}
