import pytest

from machinami.explain.street_regions import STREET_REGIONS, merge_labels, region_numbers
from tests.segformer import CITYSCAPES

ADE20K_LABELS = """
wall, building, sky, floor, tree, ceiling, road, bed , windowpane, grass, cabinet, sidewalk, person, earth,
door, table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field,
armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard,
chest of drawers, counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway,
case, pool table, pillow, screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower,
book, hill, bench, countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine,
hovel, bus, towel, light, truck, tower, chandelier, awning, streetlight, booth, television receiver, airplane,
dirt track, apparel, pole, land, bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship,
fountain, conveyer belt, canopy, washer, plaything, swimming pool, stool, barrel, basket, waterfall, tent, bag,
minibike, cradle, oven, ball, food, step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher,
screen, blanket, sculpture, hood, sconce, vase, traffic light, tray, ashcan, fan, pier, crt screen, plate,
monitor, bulletin board, shower, radiator, glass, clock, flag
"""
ADE20K = [label.strip() for label in ADE20K_LABELS.split(",")]


def merged(labels):
    numbers, unknown = merge_labels(dict(enumerate(labels)))
    names = region_numbers()
    return {label: names.get(int(number)) for label, number in zip(labels, numbers, strict=True)}, unknown


def test_every_label_stands_in_one_region_only():
    labels = [label for labels in STREET_REGIONS.values() for label in labels]
    assert len(labels) == len(set(labels))
    assert 10 <= len(STREET_REGIONS) <= 13


@pytest.mark.parametrize(("labels", "count"), [(CITYSCAPES, 19), (ADE20K, 150)])
def test_all_labels_of_both_data_sets_have_a_region(labels, count):
    assert len(labels) == count
    regions, unknown = merged(labels)
    assert unknown == ()
    assert None not in regions.values()


def test_labels_mean_what_a_reader_expects():
    regions, _ = merged(CITYSCAPES)
    assert regions["sidewalk"] == "pavement"
    assert regions["wall"] == regions["fence"] == "wall or fence"
    assert {regions[name] for name in ("car", "bus", "bicycle")} == {"vehicle"}
    regions, _ = merged(ADE20K)
    assert (regions["palm"], regions["skyscraper"], regions["sea"], regions["sofa"]) == (
        "vegetation", "building", "water", "other",
    )  # fmt: skip


def test_an_unknown_label_is_unlabelled_and_listed():
    numbers, unknown = merge_labels({0: "Road", 1: "building;edifice", 2: "traffic_sign", 3: "torii", 4: "void"})
    assert numbers.tolist() == [1, 3, 10, 0, 0]
    assert unknown == ("torii",)


def test_a_number_without_a_name_is_unlabelled():
    numbers, _ = merge_labels({0: "road", 2: "sky"})
    assert numbers.tolist() == [1, 0, 7]
