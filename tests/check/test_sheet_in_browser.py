"""The contact sheet in a real browser that is refused every request."""

import shutil

import numpy as np
import pytest
from PIL import Image

from machinami.check.stage import check_photos

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1200, "light")])
def test_pictures_show_and_nothing_else_is_asked_for(project, imported, width, scheme):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    flat = {f"a/{n}.png": Image.fromarray(np.full((120, 160, 3), 100 + n, np.uint8)) for n in range(3)}
    imported({**flat, "b/9.png": 9})
    check_photos(project, project.config())
    address, problems = project.rejected_file.resolve().as_uri(), []
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("request", lambda request: request.url.startswith(("data:", address)) or problems.append(request.url))
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for picture in page.locator("img").all():
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        assert page.locator("img").count() == 3
        assert page.locator("h2").first.inner_text().startswith("placeholder")
        browser.close()
    assert problems == []
