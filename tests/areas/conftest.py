import numpy as np
import pyogrio.raw
import pytest
import shapely


@pytest.fixture
def write_layer():
    """Writes shapes with columns as a GeoPackage or Shapefile."""

    def write(path, shapes, columns, *, crs="EPSG:4326", kind="Polygon", **options):
        driver = "GPKG" if path.suffix == ".gpkg" else "ESRI Shapefile"
        pyogrio.raw.write(
            str(path),
            np.array([shapely.to_wkb(shape) for shape in shapes], dtype=object),
            [np.array(values) for values in columns.values()],
            np.array(list(columns)),
            driver=driver,
            geometry_type=kind,
            crs=crs,
            **options,
        )
        return path

    return write
