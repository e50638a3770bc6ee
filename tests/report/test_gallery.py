"""What is shown and on which scale."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from machinami.errors import ProjectError
from machinami.explain.choice import Candidate, Choice
from machinami.explain.gallery import photo_reader, read_choices, write_gallery
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


def test_photos_that_may_not_be_shown_leave_their_heatmap_and_their_credit(make_project):
    project = make_project()
    before = gallery_of(project)[1]
    with project.catalog() as catalog:
        source = before.shots[0].photo.source
        catalog.set_fact("terms:elsewhere", '{"may_be_shown": false}')
        assert all(shot.is_shown for shot in gallery_of(project)[1].shots)
        catalog.set_fact(f"terms:{source}", '{"may_be_shown": false}')
    after = gallery_of(project)[1]
    assert not any(shot.is_shown for shot in after.shots)
    assert len({shot.picture for shot in after.shots if shot.width == shot.height}) <= 1, "all are the same blank"
    assert [shot.layers for shot in after.shots] == [shot.layers for shot in before.shots]
    assert not {shot.picture for shot in before.shots} & {shot.picture for shot in after.shots}


@pytest.fixture
def explained(make_project):
    """A project whose explanations chose one wrong photo of each place."""
    project = make_project()
    data, whole = gallery_of(project)
    with project.catalog() as catalog:
        photos = {photo.photo_id: photo for photo in catalog.photos()}
    choices = [
        Choice(
            kind="wrong",
            photo=Candidate(
                photo_id=shot.photo.photo_id, block="b", place=shot.place, predicted=shot.predicted, margin=-1.0
            ),
        )
        for shot in whole.shots
        if shot.kind == "wrong"
    ]
    folder = project.explanations / "pictures"
    write_gallery(
        folder,
        choices,
        heatmaps=project.explanations / "heatmaps",
        photos=photos,
        read_photo=photo_reader(project.path_of, max_pixels=10**6),
        places=data.keys,
    )
    assert read_choices(folder, data.keys) == choices
    return project


def test_what_explain_chose_is_shown(explained):
    data, gallery = gallery_of(explained)
    shown = [shot.photo.photo_id for shot in gallery.shots]
    assert shown == [choice.photo.photo_id for choice in read_choices(explained.explanations / "pictures", data.keys)]
    assert len(shown) == 2


def test_what_explain_chose_by_other_predictions_is_not_shown(explained):
    file = explained.explanations / "pictures/pictures.json"
    file.write_text(file.read_text().replace('"predicted": "machida"', '"predicted": "chuo"'))
    data, gallery = gallery_of(explained)
    assert len(gallery.shots) == len(data.split.photos("test")) > 2


def test_a_damaged_index_is_named(explained):
    file = explained.explanations / "pictures/pictures.json"
    file.write_text(file.read_text().replace('"wrong"', '"ugly"'))
    with pytest.raises(ProjectError, match=r"pictures\.json is damaged .*ugly.*machinami explain"):
        gallery_of(explained)


def test_the_colours_of_every_layer_have_the_sign_of_the_evidence(make_project):
    """Green for and purple against the place named; for a place alone, something only where there is support."""
    project = make_project()
    _, gallery = gallery_of(project)
    (part,) = read_heatmaps(project.explanations / "heatmaps")
    for shot in gallery.shots:
        maps = part.maps[part.photo_id.tolist().index(shot.photo.photo_id)].astype(np.float32)
        centred = maps - maps.mean(0)
        for layer in shot.layers:
            place = shot.predicted if layer.kind == "signed" else int(layer.kind[1])
            strong = np.abs(centred[place]) > gallery.scale / 4
            cells, smooth = pixels_of(layer.cells), pixels_of(layer.smooth)[18::37, 18::37]
            assert cells.shape == smooth.shape == (3, 3, 4)
            for pixels in (cells, smooth):
                if layer.kind == "signed":
                    is_green = pixels[..., 1] > pixels[..., 2]
                    assert (is_green == (centred[place] > 0))[strong].all()
                else:
                    assert ((pixels[..., 3] > 20) == (centred[place] > 0))[strong].all()


def pixels_of(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA")).astype(int)
