import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from machinami.catalog import Photo
from machinami.config import Config, ExplainConfig, PlaceConfig, RegionsConfig, SplitConfig, TrainConfig
from machinami.errors import InputError, NotReady
from machinami.explain.centre import centred
from machinami.explain.heatmap_files import read_heatmaps
from machinami.explain.inputs import explain_inputs
from machinami.explain.pictures import common_scale
from machinami.explain.stage import explain_project
from machinami.images.decode import decode_photo
from machinami.models import Card, PlaceModel, load_model, save_model
from machinami.project import Project
from machinami.split import lay_split, read_split

CONFIG = Config(
    places=(PlaceConfig(key="a"), PlaceConfig(key="b")),
    split=SplitConfig(run_photos=3),
    train=TrainConfig(image_size=64),
    explain=ExplainConfig(
        min_photos=3, pictures=2, null_draws=20, null_photos=6, knockout_photos=8, knockout_regions=2
    ),
)


def draw(place, rng):
    """Place a has a bright right half, b a bright left one; the mask says where the bright half is."""
    pixels = rng.integers(0, 60, (48, 80, 3), dtype=np.uint8)
    mask = np.ones((48, 80), np.uint8)
    half = slice(40, None) if place == "a" else slice(None, 40)
    pixels[:, half] += 150
    mask[:, half] = 2
    return pixels, mask


def fill(project, *, masks=True):
    rng = np.random.default_rng(0)
    with project.catalog() as catalog, catalog.transaction():
        for place in "ab":
            for number in range(45):
                pixels, mask = draw(place, rng)
                name = f"{place}_{number:03d}"
                for folder, picture in ((project.photos, pixels), (project.masks, mask)):
                    folder.mkdir(exist_ok=True)
                    Image.fromarray(picture).save(folder / f"{name}.png")
                catalog.add(
                    Photo(
                        source="folder", source_id=f"{place}/img_{number:04d}.png", state="fetched", place=place,
                        width=80, height=48, file=f"photos/{name}.png", sha256=name, pixels_sha256=name,
                        mask=f"masks/{name}.png" if masks and number % 9 else None,
                    )
                )  # fmt: skip
        if masks:
            catalog.set_fact("regions", json.dumps({"regions": {"1": "dark", "2": "bright"}, "unlabelled": [0]}))


def learn(project):
    """A random trunk with a head along the difference of the places' mean features."""
    torch.manual_seed(0)
    model = PlaceModel("resnet18", ["a", "b"]).eval()
    facts = {"file": "x.safetensors", "sha256": "0" * 64}
    card = Card(
        places=[{"key": "a", "label": "A"}, {"key": "b", "label": "B"}], backbone="resnet18", image_size=64,
        mean=list(model.mean), std=list(model.std), temperature=1.0, weights={}, tuned="probe", model=facts,
        evaluated=facts, split_digest=read_split(project).digest,
    )  # fmt: skip
    save_model(project.model, {"model": model, "evaluated": model}, card)
    loaded = load_model(project.model)
    means = []
    for place in "ab":
        files = sorted(project.photos.glob(f"{place}_*.png"))[:12]
        with torch.no_grad():
            maps = loaded.network.features(loaded.prepare([np.asarray(Image.open(file)) for file in files]))
        means.append(maps.mean((0, 2, 3)))
    way = torch.nn.functional.normalize(means[0] - means[1], dim=0)
    with torch.no_grad():
        model.classifier.weight.copy_(torch.stack([way, -way]))
        model.classifier.bias.copy_(torch.tensor([-1.0, 1.0]) * (way @ (means[0] + means[1]) / 2))
    save_model(project.model, {"model": model, "evaluated": model}, card)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "machinami.toml").write_text("seed = 0\n")
    return Project.open(tmp_path)


@pytest.fixture
def ready(project):
    fill(project)
    lay_split(project, CONFIG)
    learn(project)
    return project


def test_the_test_photos_are_explained_and_no_others(ready):
    report = explain_project(ready, CONFIG, device="cpu")
    parts = list(read_heatmaps(ready.explanations / "heatmaps"))
    test = read_split(ready).photos("test")
    assert sorted(np.concatenate([part.photo_id for part in parts]).tolist()) == list(test)
    assert report.photos == len(test)
    assert report.closed_form
    assert report.completeness_max < 1e-4
    assert parts[0].places == ("a", "b")
    assert ready.last_done("explain")["photos"] == len(test)
    assert ready.last_done("explain")["inputs"] == explain_inputs(ready, CONFIG)


def test_maps_belong_to_their_photo_and_sum_to_its_scores(ready):
    explain_project(ready, CONFIG, device="cpu")
    model = load_model(ready.model, which="evaluated")
    bias = model.network.linear_head()[1].detach().numpy()
    with ready.catalog() as catalog:
        for part in read_heatmaps(ready.explanations / "heatmaps"):
            for row in range(0, len(part.photo_id), 7):
                path = ready.path_of(catalog.photo(int(part.photo_id[row])).file)
                pixels = decode_photo(path, max_pixels=10**6, shorter_side_px=96)
                with torch.no_grad():
                    logits = model.network(model.prepare([pixels]))[0].numpy()
                np.testing.assert_allclose(part.logits[row], logits, atol=1e-3)
                np.testing.assert_allclose(part.maps[row].astype(float).sum((1, 2)) + bias, logits, atol=0.02)


def test_attention_is_of_the_photos_with_masks(ready):
    report = explain_project(ready, CONFIG, device="cpu")
    attention = json.loads((ready.explanations / "attention.json").read_text())
    assert attention == json.loads(json.dumps(report.attention))
    assert attention["regions"] == ["dark", "bright"]
    assert (attention["method"], attention["layer"]) == ("gradcam", "layer4")
    assert attention["masks"]["read"] + attention["masks"]["none"] == report.photos
    assert attention["photos"] == attention["masks"]["read"]
    fields = {"share", "area_share", "lift", "low", "high", "against", "photos", "distinguishable"}
    told = []
    for key in "ab":
        entries = attention["all_photos"][key]
        assert set(entries) == {"dark", "bright"}
        assert all(set(entry) == fields for entry in entries.values())
        silent = attention["no_positive_evidence"][key]
        if entries["bright"]["photos"] >= 3:
            assert entries["bright"]["area_share"] == pytest.approx(0.5, abs=0.01)
            assert entries["bright"]["share"] + entries["dark"]["share"] == pytest.approx(1, abs=1e-4)
            told.append(key)
        else:
            assert silent > 0
    assert told


def test_nulls_and_effects_stand_beside_the_lifts(ready):
    report = explain_project(ready, CONFIG, device="cpu")
    attention = json.loads((ready.explanations / "attention.json").read_text())
    assert set(attention["baselines"]) == {"position", "permuted", "random_head", "random_weights"}
    for table in attention["baselines"].values():
        assert {key: set(entries) for key, entries in table.items()} == {key: {"dark", "bright"} for key in "ab"}
        assert all(set(entry) == {"lift", "low", "high"} for entries in table.values() for entry in entries.values())
    for entries in attention["places"].values():
        for entry in entries.values():
            # the halves lie at the same spot in every photo of a place, so the mean map explains them as well
            assert entry["distinguishable"] is (None if entry["lift"] is None else False)
    knockout = json.loads((ready.explanations / "knockout.json").read_text())
    assert knockout == json.loads(json.dumps(report.knockout))
    blanked = [entry for entries in knockout["places"].values() for entry in entries.values()]
    assert blanked
    for entry in blanked:
        assert set(entry) == {"effect", "area_share", "photos", "blocks", "agrees", "disagreement"}
        assert set(entry["effect"]) == {"blur", "mean", "inpaint"}
        assert all({"value", "low", "high"} <= set(effect) for effect in entry["effect"].values())
    assert knockout["photos"] <= 8
    assert list((ready.root / "cache").glob("tmp*")) == []


def test_the_same_seed_gives_the_same_files(ready):
    files = [ready.explanations / name for name in ("attention.json", "knockout.json")]
    explain_project(ready, CONFIG, device="cpu")
    first = [file.read_bytes() for file in files]
    explain_project(ready, CONFIG, device="cpu")
    assert [file.read_bytes() for file in files] == first


def test_nulls_and_knockout_can_be_left_out(ready):
    explain_project(ready, CONFIG, device="cpu")
    off = replace(CONFIG, explain=ExplainConfig(min_photos=3, pictures=1, null_draws=0, knockout_photos=0))
    report = explain_project(ready, off, device="cpu")
    assert report.attention["baselines"] == {}
    assert {e["distinguishable"] for entries in report.attention["places"].values() for e in entries.values()} == {None}
    assert report.knockout is None
    assert not (ready.explanations / "knockout.json").exists()  # that of the first run would be of other lifts


def test_an_inner_layer_has_the_nulls_that_it_can_have(ready):
    inner = replace(CONFIG, explain=replace(CONFIG.explain, layer="layer3", pictures=1))
    report = explain_project(ready, inner, device="cpu")
    assert set(report.attention["baselines"]) == {"position", "permuted"}


@pytest.fixture
def unmasked(project):
    fill(project, masks=False)
    lay_split(project, CONFIG)
    learn(project)
    return project


def test_regions_that_nobody_wants_are_none(unmasked):
    attention = explain_project(unmasked, replace(CONFIG, regions=RegionsConfig(source="none")), device="cpu").attention
    assert (attention["regions"], attention["photos"], attention["masks_from"]) == ([], 0, {})
    assert attention["places"] == {"a": {}, "b": {}}
    assert attention["baselines"] == {}
    assert not (unmasked.explanations / "knockout.json").exists()


def test_without_masks_colours_are_the_regions_and_named_as_such(unmasked):
    report = explain_project(unmasked, CONFIG, device="cpu")
    assert report.attention["regions"] == ["green (by colour)", "sky (by colour)"]
    assert report.attention["masks_from"] == {"colour": report.photos}


def test_masks_tell_whose_they_are(ready):
    report = explain_project(ready, CONFIG, device="cpu")
    assert report.attention["masks_from"] == {"user": report.masks["read"]}


def test_masks_alone_are_asked_for_and_there_are_none(unmasked):
    report = explain_project(unmasked, replace(CONFIG, regions=RegionsConfig(source="masks")), device="cpu")
    assert report.attention["regions"] == []


def test_a_segmenter_that_made_nothing_yet_is_asked_for(ready):
    with pytest.raises(NotReady, match="machinami masks .* --segment"):
        explain_project(ready, replace(CONFIG, regions=RegionsConfig(source="segmenter")), device="cpu")


def test_pictures_follow_their_index(ready):
    report = explain_project(ready, CONFIG, device="cpu")
    folder = ready.explanations / "pictures"
    index = json.loads((folder / "pictures.json").read_text())
    assert len(index["pictures"]) == report.pictures > 0
    assert {path.name for path in folder.iterdir()} == {"pictures.json"} | {
        entry[name] for entry in index["pictures"] for name in ("picture", "layer")
    }
    part = next(read_heatmaps(ready.explanations / "heatmaps"))
    shown = []
    for entry in index["pictures"]:
        row = part.photo_id.tolist().index(entry["photo_id"])
        own = centred(part.maps[row].astype(np.float32))["ab".index(entry["predicted"])]
        assert entry["evidence"] == pytest.approx(own.sum(), abs=1e-3)
        assert (entry["kind"] == "wrong") <= (entry["place"] != entry["predicted"])
        shown.append(own)
    assert index["scale"] == common_scale(shown)
    assert set(index["rules"]) == {"typical", "borderline", "wrong"}


def test_a_photo_that_broke_since_is_reported(ready):
    first = read_split(ready).photos("test")[0]
    with ready.catalog() as catalog:
        file = catalog.photo(first).file
    ready.path_of(file).write_bytes(b"broken")
    report = explain_project(ready, CONFIG, device="cpu")
    assert [name for name, _ in report.unreadable] == [file]
    assert report.photos == len(read_split(ready).photos("test")) - 1


def test_what_is_missing_is_named(project):
    with pytest.raises(NotReady, match="machinami split"):
        explain_project(project, CONFIG, device="cpu")
    fill(project)
    lay_split(project, CONFIG)
    with pytest.raises(NotReady, match="machinami train"):
        explain_project(project, CONFIG, device="cpu")
    learn(project)
    lay_split(project, Config(places=CONFIG.places, split=SplitConfig(run_photos=3, fold=1)))
    with pytest.raises(NotReady, match="another split"):
        explain_project(project, CONFIG, device="cpu")
    lay_split(project, CONFIG)
    for file in project.photos.iterdir():
        file.unlink()
    with pytest.raises(InputError, match="no test photo can be explained"):
        explain_project(project, CONFIG, device="cpu")
    assert not (project.explanations / "heatmaps").exists()


def test_the_digest_follows_what_matters(ready):
    before = explain_inputs(ready, CONFIG)
    assert explain_inputs(ready, CONFIG) == before
    assert explain_inputs(ready, Config(places=CONFIG.places, explain=ExplainConfig(method="hirescam"))) != before
    assert explain_inputs(ready, replace(CONFIG, regions=RegionsConfig(source="colour"))) != before
    with ready.catalog() as catalog:
        catalog.update(1, mask_sha256="new")
    assert explain_inputs(ready, CONFIG) != before
