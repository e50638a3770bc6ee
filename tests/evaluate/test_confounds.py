import numpy as np
import pytest
from scipy.stats import chi2_contingency

from machinami.evaluate.confounds import confound_table, cramers_v

PLACES = ("a", "b")


def drive(seed, *, planted, blocks=20, photos=15):
    """Labels, blocks and the camera of each photo: one a block, going with the place where planted."""
    rng = np.random.default_rng(seed)
    block_of = np.repeat(np.arange(blocks), photos)
    labels = block_of % 2
    if planted:
        camera = np.where(rng.random(blocks) < 0.9, np.arange(blocks) % 2, 1 - np.arange(blocks) % 2)
    else:
        camera = rng.integers(0, 3, blocks)
    return labels, block_of.astype(str).tolist(), camera[block_of].astype(str).tolist()


def verdict(seed, *, planted, **size):
    labels, blocks, camera = drive(seed, planted=planted, **size)
    return confound_table({"camera": camera}, labels, blocks, places=PLACES, near={}, seed=seed)[0]["verdict"]


@pytest.mark.parametrize("blocks", [16, 40])
def test_a_camera_that_goes_with_the_place_is_found_and_one_that_goes_with_the_block_alone_is_not(blocks):
    planted = [verdict(seed, planted=True, blocks=blocks) for seed in range(100)]
    chance = [verdict(seed, planted=False, blocks=blocks) for seed in range(100)]
    found, false = planted.count("confounded"), chance.count("confounded")
    print(f"{blocks} blocks: called confounded {found} of 100 planted, {false} of 100 not planted")  # noqa: T201
    assert planted.count("confounded") >= 90
    assert chance.count("confounded") <= 5
    assert chance.count("none") >= 85


def test_v_agrees_with_chi_squared_and_loses_its_bias():
    rng = np.random.default_rng(0)
    table = rng.integers(20, 90, (3, 4))
    total, (r, k) = table.sum(), table.shape
    phi2 = max(0, chi2_contingency(table, correction=False).statistic / total - (r - 1) * (k - 1) / (total - 1))
    least = min(k - (k - 1) ** 2 / (total - 1), r - (r - 1) ** 2 / (total - 1)) - 1
    assert cramers_v(table) == pytest.approx(np.sqrt(phi2 / least))
    noise = [rng.multinomial(60, np.full(12, 1 / 12)).reshape(3, 4) for _ in range(300)]
    assert np.mean(cramers_v(np.array(noise)) ** 2) < 0.03  # the plain V² would be 0.1
    assert cramers_v(np.diag([30, 30])) == pytest.approx(1, abs=0.02)


def test_v_of_a_table_with_one_row_or_column_is_nothing():
    assert cramers_v(np.array([[5, 7], [0, 0]])) == 0
    assert cramers_v(np.array([[5, 0], [7, 0]])) == 0
    assert cramers_v(np.zeros((2, 2))) == 0


def test_a_column_that_tells_the_places_as_the_network_does_confounds_unless_its_v_may_be_chance():
    labels = np.arange(600) % 2
    blocks = (np.arange(600) // 6).astype(str).tolist()
    slight = ["x" if row % 10 < 6 else "y" if label else "x" for row, label in enumerate(labels)]
    columns = {"camera": slight}
    assert confound_table(columns, labels, blocks, places=PLACES, near={}, seed=0)[0]["verdict"] in ("weak", "strong")
    found = confound_table(columns, labels, blocks, places=PLACES, near={"camera": True}, seed=0)
    assert found[0]["verdict"] == "confounded"
    labels, blocks, camera = drive(0, planted=False)
    chance = confound_table({"camera": camera}, labels, blocks, places=PLACES, near={"camera": True}, seed=0)
    assert chance[0]["verdict"] == "none"


def test_the_detail_names_the_value_that_separates_most():
    labels = np.repeat([0, 1], [6, 4])
    camera = ["X"] * 5 + ["unknown"] + ["Y"] * 4
    row = confound_table(
        {"camera": camera}, labels, ["0"] * 6 + ["1"] * 4, places=("boston", "mallorca"), near={}, seed=0
    )[0]
    assert row["detail"] == "Y: mallorca: 4 of 4, boston: 0 of 6"


def test_one_block_a_place_proves_nothing_by_itself():
    labels = np.repeat([0, 1], 40)
    row = confound_table(
        {"camera": ["X"] * 40 + ["Y"] * 40}, labels, ["0"] * 40 + ["1"] * 40, places=PLACES, near={}, seed=0
    )[0]
    assert row["cramers_v"] > 0.9
    assert row["verdict"] == "none"
