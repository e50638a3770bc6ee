"""What is shown and on which scale."""

import numpy as np

from machinami.explain.heatmap_files import read_heatmaps
from machinami.progress import silent
from machinami.report.data import read_report_data
from machinami.report.gallery import make_gallery


def gallery_of(project):
    data = read_report_data(project, project.config())
    return data, make_gallery(project, project.config(), data, progress=silent)


def test_only_test_photos_each_once(make_project):
    data, gallery = gallery_of(make_project())
    shown = [shot.photo.photo_id for shot in gallery.shots]
    assert sorted(shown) == sorted(data.split.photos("test"))


def test_wrong_are_wrong_and_probability_is_of_the_place_named(make_project):
    data, gallery = gallery_of(make_project())
    for place in (0, 1):
        (wrong,) = gallery.of(place, "wrong")
        assert wrong.predicted != wrong.place == place
    for shot in gallery.shots:
        row = data.predictions.photo_id.tolist().index(shot.photo.photo_id)
        assert shot.probability == max(data.predictions.probabilities[row])


def test_scale_is_of_the_centred_maps(make_project):
    project = make_project()
    _, gallery = gallery_of(project)
    (part,) = read_heatmaps(project.explanations / "heatmaps")
    maps = part.maps.astype(np.float32)
    top = np.quantile(np.abs(maps - maps.mean(1, keepdims=True)), 0.99)
    assert top <= gallery.scale <= 1.1 * top
    assert gallery.grid == (3, 3)


def test_a_layer_for_each_place_and_a_signed_one(make_project):
    _, gallery = gallery_of(make_project())
    for shot in gallery.shots:
        kinds = [layer.kind for layer in shot.layers]
        assert sorted(kinds) == sorted([f"p{shot.predicted} chosen", f"p{1 - shot.predicted}", "signed"])


def test_lead_was_told_rightly(make_project):
    _, gallery = gallery_of(make_project())
    assert [gallery.lead(place).predicted for place in (0, 1)] == [0, 1]
