"""report.html as a file: asks for nothing, escapes everything, is the same each time, and fails in words."""

import base64
import re
from html.parser import HTMLParser

import pytest

from machinami.errors import NotReady, ProjectError
from machinami.report import build_report, gallery, report_inputs

NASTY = '<img src=x onerror="alert(1)">&amp; \'"'


class Page(HTMLParser):
    """Tags with their attributes, and the scripts' text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self._inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag == "script"

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.scripts.append(data)


def build(project):
    result = build_report(project, project.config())
    text = project.report_file.read_text(encoding="utf-8")
    assert result.bytes == len(text.encode())
    return text


def test_nothing_is_fetched(make_project):
    extra = {"page_url": "https://example.org/photo?a=1&b=2", "creator": "A. Nobody", "licence": "CC BY 4.0"}
    page = Page(build(make_project(photo_extra=extra)))
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "data", "poster", "srcset", "action"):
            value = attributes.get(name)
            if value is None or value.startswith(("#", "data:image/")):
                continue
            assert (tag, name) == ("a", "href"), (tag, name, value)
            assert value.startswith("https://example.org/photo")
            assert "noopener" in attributes["rel"]
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert not [name for name in attributes if name.startswith("on")]
    assert any(tag == "a" and a.get("href", "").startswith("https:") for tag, a in page.tags)


def test_content_policy_lets_in_this_script_alone(make_project):
    import hashlib

    page = Page(build(make_project()))
    (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    (script,) = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_stylesheet_asks_for_nothing(make_project):
    text = build(make_project())
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "&" not in style  # nothing was escaped into it


def test_markup_from_outside_is_text(make_project):
    extra = {
        "creator": NASTY, "licence": NASTY, "attribution": NASTY, "captured_at": NASTY,
        "page_url": "javascript:alert(1)",
    }  # fmt: skip
    project = make_project(
        labels={"a": NASTY, "b": "</title></style></script><script>alert(2)</script>"},
        source_id=NASTY + "{place}{number}`code`",
        photo_extra=extra,
    )
    text = build(project)
    page = Page(text)
    assert "onerror" in text  # it is there, as text
    assert not [1 for tag, _ in page.tags if tag == "img"]
    assert len(page.scripts) == 1
    assert not [a for tag, a in page.tags if tag == "a" and "javascript" in (a.get("href") or "")]


def test_project_name_is_text_and_quoted_for_the_shell(make_project):
    text = build(make_project(name="my <b>town"))
    assert "<b>town" not in text
    assert "machinami run &#39;my &lt;b&gt;town&#39;" in text


def test_both_languages_everywhere(make_project):
    text = build(make_project())
    assert text.count('class="t" lang="en"') == text.count('class="t" lang="ja"') > 50
    assert "町田市の決め手は草木" in text
    assert "町田市 is given away by vegetation" in text


def test_same_files_same_bytes(make_project):
    project = make_project()
    first, inputs = build(project), report_inputs(project, project.config())
    assert build(project) == first
    assert report_inputs(project, project.config()) == inputs


def test_inputs_change_with_each_file(make_project):
    project = make_project()
    config = project.config()
    seen = {report_inputs(project, config)}
    for file in (project.evaluation_file, project.split_file, project.explanations / "attention.json"):
        file.write_text(file.read_text(encoding="utf-8") + " ", encoding="utf-8")
        seen.add(report_inputs(project, config))
    with project.catalog() as catalog:
        catalog.update(1, state="rejected", reason="user", rejected_by="user")
    seen.add(report_inputs(project, config))
    assert len(seen) == 5


def test_exif_stays_outside(make_project):
    text = build(make_project())
    pictures = re.findall(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", text)
    assert pictures
    assert not any(b"SECRET" in base64.b64decode(picture) for picture in pictures)


def test_size_stays_under_the_cap(make_project, monkeypatch):
    project = make_project()
    whole = build_report(project, project.config())
    monkeypatch.setattr(gallery, "PICTURES_BYTES", 30_000)
    small = build_report(project, project.config())
    assert 0 < small.photos < whole.photos
    pictures = sum(map(len, re.findall(r"data:image/[^\"]+", project.report_file.read_text(encoding="utf-8"))))
    assert pictures <= 30_000
    assert f"Only {small.photos} of the {whole.photos} chosen photos" in project.report_file.read_text(encoding="utf-8")


def test_cap_leaves_room_for_the_rest():
    assert gallery.PICTURES_BYTES < 7_500_000


@pytest.mark.parametrize("missing", ["evaluation.json", "split.json", "predictions/part-00000.parquet"])
def test_missing_file_names_the_command(make_project, missing):
    project = make_project()
    (project.root / missing).unlink()
    with pytest.raises(NotReady, match=r"machinami (evaluate|split)"):
        build_report(project, project.config())
    assert not project.report_file.exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("evaluation.json", b"{"),
        ("evaluation.json", b'{"places": ["machida"]}'),
        ("evaluation.json", b"\xff\xfe"),
        ("split.json", b"[]"),
        ("explanations/attention.json", b'{"regions": 3}'),
        ("predictions/part-00000.parquet", b"PAR1 no"),
        ("explanations/heatmaps/part-00000.npz", b"PK no"),
    ],
)
def test_damaged_file_is_named(make_project, file, content):
    project = make_project()
    (project.root / file).write_bytes(content)
    with pytest.raises(ProjectError, match=re.escape(file.split("/")[0])):
        build_report(project, project.config())


def test_unreadable_photos_are_counted_not_fatal(make_project):
    project = make_project()
    (project.root / "photos/2.jpg").write_bytes(b"no photo")
    (project.root / "photos/3.jpg").unlink()
    text = build(project)
    assert "2 chosen photos could not be read" in text


def test_without_masks_says_so(make_project):
    text = build(make_project(attention=False))
    assert "There are no region masks in this project" in text
    assert "<code>machinami import … --masks DIR</code>" in text


def test_without_heatmaps_photos_stand_alone(make_project):
    text = build(make_project(attention=False, heatmaps=False))
    assert "Not explained yet" in text
    assert 'class="heat ' not in text
    assert 'id="photo-' in text


def test_many_places(make_project):
    labels = {f"p{i}": f"Place {i}" for i in range(12)}
    text = build(make_project(labels=labels))
    assert 'id="ev-p0"' not in text  # evidence for the place named only: twelve layers a photo are too many
    assert ".c11 {" in text


def test_without_coordinates_runs_are_strips(make_project):
    text = build(make_project(coordinates=False))
    assert text.count('class="strip"') == 2
    assert 'class="bar"' not in text
    assert "on stretches of photos never seen" in text


def test_each_place_says_how_many_blocks_its_lifts_rest_on(make_project):
    text = build(make_project(lift_blocks=7))
    assert text.count("Over 7\N{NO-BREAK SPACE}blocks.") == 2
    assert "over 2" not in text


def test_the_page_holds_without_any_interval(make_project):
    text = build(make_project(interval=False))
    assert "too few blocks for an interval: balanced accuracy 92\N{NO-BREAK SPACE}% on ground never seen" in text
    assert "None" not in re.sub(r"data:image/[^\"]+", "", text).replace("none", "")
    assert "– –" not in text
