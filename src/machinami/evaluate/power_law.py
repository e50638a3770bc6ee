"""How a figure grows with the number of blocks: v(n) = a − b n^(−c), fitted to many curves at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["PowerLaw", "fit_power_law"]

Floats = npt.NDArray[np.float64]

# Exponents that are tried. Learning curves of images lie between 0.1 and 0.7 (Hestness et al. 2017; Rosenfeld et al.
# 2020); a quarter more than that on one side, and twice the fastest rate of statistics, 1, on the other.
EXPONENTS = np.geomspace(0.08, 2.0, 33)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """Curves a − b (n / unit)^(−c). All fields but `unit`: float64 (...)."""

    a: Floats  # what endless data would give, 1 at most
    b: Floats  # 0 or more
    c: Floats
    unit: float

    def at(self, size: float) -> Floats:
        """float64 (...): the figure at this size."""
        return np.asarray(self.a - self.b * (size / self.unit) ** (-self.c))


def fit_power_law(sizes: npt.ArrayLike, values: Floats) -> PowerLaw:
    """Least squares over `values`, float64 (..., S), at `sizes`, (S,); a ≤ 1 and b ≥ 0 (Figueroa et al. 2012, eq. 1).

    For a given c the curve is a straight line in n^(−c), fitted in closed form; the best c of a grid is taken.
    """
    scaled = np.asarray(sizes, np.float64)
    unit = float(scaled.max())
    lines = np.stack([(scaled / unit) ** -c for c in EXPONENTS])  # (G, S)
    level = values.mean(axis=-1)[..., None]
    middle = lines.mean(axis=1)
    spread = ((lines - middle[:, None]) ** 2).sum(axis=1)
    b = -np.einsum("...s,gs->...g", values - level, lines - middle[:, None]) / np.maximum(spread, 1e-300)
    b = np.maximum(b, 0)
    a = level + b * middle
    capped = np.maximum(np.einsum("...s,gs->...g", 1 - values, lines) / (lines**2).sum(axis=1), 0)
    b, a = np.where(a > 1, capped, b), np.minimum(a, 1)
    misfit = np.zeros(a.shape)
    for column in range(len(scaled)):
        misfit += (values[..., column, None] - a + b * lines[:, column]) ** 2
    best = misfit.argmin(axis=-1)[..., None]
    return PowerLaw(
        a=np.take_along_axis(a, best, axis=-1)[..., 0],
        b=np.take_along_axis(b, best, axis=-1)[..., 0],
        c=EXPONENTS[best[..., 0]],
        unit=unit,
    )
