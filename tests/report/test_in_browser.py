"""The page in a real browser that is refused every request."""

import shutil

import pytest

from machinami.report import build_report

pytestmark = pytest.mark.e2e


@pytest.fixture
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(browser, project, **options):
    """The page, and the list that its errors and requests go to."""
    build_report(project, project.config())
    problems = []
    page = browser.new_context(**options).new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    address = project.report_file.resolve().as_uri()

    def judge(route):
        if route.request.url == address or route.request.url.startswith("data:"):
            route.continue_()
        else:
            problems.append(route.request.url)
            route.abort()

    page.route("**/*", judge)
    page.goto(address)
    return page, problems


def test_slider_switches_and_widths(browser, make_project):
    nasty = "<img src=http://example.org/x onerror=alert(1)>" + "x" * 120
    project = make_project(source_id=nasty + "{place}{number}")
    page, problems = open_page(browser, project, viewport={"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375

    shot = page.locator(".shot").first
    opacity = "e => [...e.querySelectorAll('.evidence, .over .under')].map(x => +getComputedStyle(x).opacity)"
    assert shot.evaluate(opacity) == [1, 1]
    shot.locator("input[type=range]").fill("0")
    assert shot.evaluate(opacity) == [1, 0]  # the photo alone
    shot.locator("input[type=range]").fill("100")
    assert shot.evaluate(opacity) == [0, 1]  # the evidence alone
    page.locator("#all").fill("50")
    assert shot.evaluate(opacity) == [1, 1]

    heats = "e => [...e.querySelectorAll('.heat')].filter(x => getComputedStyle(x).display != 'none').length"
    assert shot.evaluate(heats) == 1
    page.locator("#ev-signed").check()
    assert shot.evaluate("e => getComputedStyle(e.querySelector('.heat.signed')).display") != "none"
    assert shot.evaluate(heats) == 1

    assert "balanced accuracy" in page.locator("h1").inner_text()
    page.locator("label[for=lang-ja]").click()
    assert "平均正解率" in page.locator("h1").inner_text()
    assert "balanced" not in page.locator("h1").inner_text()
    assert page.evaluate("document.documentElement.lang") == "ja"
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert problems == []


def test_language_by_keyboard(browser, make_project):
    page, problems = open_page(browser, make_project())
    page.locator("#lang-en").focus()
    page.keyboard.press("ArrowRight")
    assert "平均正解率" in page.locator("h1").inner_text()
    assert problems == []


def test_without_script_photo_and_overlay_stand_side_by_side(browser, make_project):
    page, problems = open_page(browser, make_project(), java_script_enabled=False)
    shot = page.locator(".shot").first
    plain, over = shot.locator("svg.plain").bounding_box(), shot.locator("svg.over").bounding_box()
    assert plain["width"] > 50
    assert over["x"] >= plain["x"] + plain["width"]
    assert abs(plain["y"] - over["y"]) < 1
    assert not shot.locator("input[type=range]").is_visible()
    page.locator("label[for=lang-ja]").click()
    assert "平均正解率" in page.locator("h1").inner_text()
    assert problems == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("size_px", [(120, 90), (96, 96), (90, 120)])
def test_photos_fill_their_column(browser, make_project, width, size_px):
    page, problems = open_page(browser, make_project(size_px=size_px), viewport={"width": width, "height": 900})
    wide = """e => ["svg.over image", ".slide"].map(x => e.querySelector(x).getBoundingClientRect().width)"""
    for shot in page.locator(".shot").all()[:3]:
        column = shot.bounding_box()["width"]
        assert shot.evaluate(wide) == pytest.approx([column, column], abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert problems == []


def test_the_switch_for_cells_stands_on_the_line_of_the_others(browser, make_project):
    page, problems = open_page(browser, make_project(), viewport={"width": 1280, "height": 900})
    cells, last = page.locator("label[for=cells]").bounding_box(), page.locator("label[for=ev-signed]").bounding_box()
    assert cells["y"] + cells["height"] == pytest.approx(last["y"] + last["height"], abs=1)
    assert problems == []
