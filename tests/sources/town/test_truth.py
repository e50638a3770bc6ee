"""What is planted is what is drawn: the words of `truth` against the masks of many small photos."""

import numpy as np
import pytest

from machinami.sources.town import REGIONS, TOWN_KEYS, TownSettings, make_photo, town_photos, truth
from machinami.sources.town.marks import add_mark
from machinami.sources.town.mix import flavour_names, flavour_shares, kind_shares
from machinami.sources.town.regions import Region


def region_shares(**settings):
    """For each town float64 (photos, regions): the part of each photo that each region takes."""
    settings = TownSettings(size_px=32, **settings)
    found = {town: [] for town in settings.towns}
    for photo in town_photos(settings, workers=1):
        found[photo.town].append(np.bincount(photo.mask.ravel(), minlength=len(REGIONS)) / photo.mask.size)
    return {town: np.array(shares) for town, shares in found.items()}


@pytest.fixture(scope="module")
def plain():
    return region_shares(photos_per_town=90, difficulty=0.3)


def mean(shares, town, region):
    return shares[town][:, region].mean()


def test_evidence_is_drawn_in_its_town(plain):
    assert mean(plain, "a", Region.VEGETATION) > 2.5 * mean(plain, "b", Region.VEGETATION)
    assert mean(plain, "a", Region.FIELD) > 2.5 * mean(plain, "b", Region.FIELD)
    assert mean(plain, "b", Region.GLASS) > 2.5 * mean(plain, "a", Region.GLASS)


def standard_error(shares, town, region):
    """Of the mean share, with the six photos of a drive taken as one."""
    drives = shares[town][:, region].reshape(-1, 6).mean(axis=1)
    return drives.std(ddof=1) / np.sqrt(len(drives))


def test_what_is_shared_is_drawn_alike(plain):
    for region in (Region.SKY, Region.ROAD, Region.PAVEMENT, Region.CAR):
        a, b = mean(plain, "a", region), mean(plain, "b", region)
        spread = np.hypot(*(standard_error(plain, town, region) for town in "ab"))
        assert abs(a - b) < 3 * spread, region
    # Crowns hide some of the poles and wires in "a".
    assert 0.5 < mean(plain, "a", Region.POLE) / mean(plain, "b", Region.POLE) < 2
    assert abs(mean(plain, "a", Region.SKY) - mean(plain, "b", Region.SKY)) < 0.06


def test_words_and_masks_agree_for_other_towns():
    shares = region_shares(towns=("c", "d", "e"), photos_per_town=36, difficulty=0.0)
    words = truth(TownSettings(towns=("c", "d", "e"), difficulty=0.0))
    for town, roles in words.items():
        for region, name in REGIONS.items():
            others = [mean(shares, other, region) for other in words if other != town]
            if roles[name] == "evidence":
                assert mean(shares, town, region) > 1.5 * max(others), (town, name)
            if roles[name] == "absent":
                assert mean(shares, town, region) == 0, (town, name)


def test_at_difficulty_0_nearly_every_photo_shows_evidence():
    shares = region_shares(photos_per_town=36, difficulty=0.0)
    a = shares["a"][:, [Region.VEGETATION, Region.FIELD]].sum(axis=1)
    b = shares["b"][:, Region.GLASS]
    assert (a > 0.05).mean() > 0.95
    assert (b > 0.05).mean() > 0.95
    assert (shares["a"][:, Region.GLASS] > 0.02).mean() == 0


def test_at_difficulty_1_the_towns_have_one_distribution():
    settings = TownSettings(difficulty=1.0, towns=TOWN_KEYS)
    shares = [flavour_shares(settings, town) for town in TOWN_KEYS]
    assert all(np.array_equal(shares[0], other) for other in shares)
    found = region_shares(photos_per_town=60, difficulty=1.0)
    for region in (Region.VEGETATION, Region.GLASS, Region.BUILDING):
        a, b = mean(found, "a", region), mean(found, "b", region)
        spread = np.hypot(*(standard_error(found, town, region) for town in "ab"))
        assert abs(a - b) < 3.5 * spread, region
    assert set(truth(TownSettings(difficulty=1.0))["a"].values()) <= {"shared", "absent"}


@pytest.mark.parametrize("difficulty", [0.0, 0.3, 1.0])
def test_shares_of_flavours_and_kinds_add_up(difficulty):
    settings = TownSettings(difficulty=difficulty, towns=TOWN_KEYS)
    for town in TOWN_KEYS:
        assert flavour_shares(settings, town).sum() == pytest.approx(1.0)
    for flavour in flavour_names(settings):
        assert kind_shares(flavour, difficulty).sum() == pytest.approx(1.0)


def test_the_own_flavour_gets_rarer_with_difficulty():
    own = [flavour_shares(TownSettings(difficulty=d), "a")[0] for d in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert own == sorted(own, reverse=True)
    assert own[0] == 1.0


@pytest.mark.parametrize("decoy", ["camera", "watermark"])
def test_a_decoy_marks_every_photo_of_the_first_town_alone(decoy):
    settings = TownSettings(decoy=decoy, size_px=64)
    assert all((make_photo(settings, "a", index).mask == Region.MARK).sum() > 10 for index in range(8))
    assert all((make_photo(settings, "b", index).mask == Region.MARK).sum() == 0 for index in range(8))
    words = truth(settings)
    assert (words["a"]["mark"], words["b"]["mark"]) == ("decoy", "absent")


def test_no_mark_without_a_decoy(plain):
    assert mean(plain, "a", Region.MARK) == mean(plain, "b", Region.MARK) == 0


def test_a_decoy_camera_goes_with_its_town_by_name():
    models = {
        town: {make_photo(TownSettings(decoy="camera", size_px=32), town, index).camera_model for index in (0, 7, 14)}
        for town in "ab"
    }
    assert models["a"] == {"K-1 Date"}
    assert not models["a"] & models["b"]


def test_a_mark_changes_the_picture_where_the_mask_says():
    made = make_photo(TownSettings(size_px=96), "a", 0)
    for decoy in ("camera", "watermark"):
        image, mask = made.image.copy(), made.mask.copy()
        add_mark(image, mask, decoy, made.captured_at)
        changed = (image != made.image).any(axis=2)
        marked = mask == Region.MARK
        assert (changed & marked).sum() > 0.9 * marked.sum()
        assert (mask[~marked] == made.mask[~marked]).all()


def test_the_words_for_two_towns():
    words = truth(TownSettings())
    assert words["a"]["vegetation"] == words["a"]["field"] == "evidence"
    assert words["b"]["vegetation"] == words["b"]["field"] == "counter"
    assert (words["a"]["glass"], words["b"]["glass"]) == ("counter", "evidence")
    assert all(words[town][name] == "shared" for town in "ab" for name in ("road", "sky", "car", "pole"))
    assert words["a"]["water"] == words["a"]["mark"] == "absent"
    assert set(words["a"]) == set(REGIONS.values())
