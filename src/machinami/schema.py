"""The tables of the catalogue, version by version."""

__all__ = ["MIGRATIONS"]

# Each entry takes the schema from version i to i + 1. Entries are never edited once released: add a new one.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE photos (
        photo_id INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL CHECK (state IN ('found', 'rejected', 'fetched', 'failed', 'unknown')),
        reason TEXT,
        rejected_by TEXT CHECK (rejected_by IN ('import', 'check', 'user')),
        score REAL,
        source TEXT NOT NULL,
        source_id TEXT NOT NULL,
        place TEXT,
        lat REAL CHECK (lat BETWEEN -90 AND 90),
        lon REAL CHECK (lon BETWEEN -180 AND 180),
        heading_deg REAL,
        captured_at TEXT,
        captured_precision TEXT CHECK (captured_precision IN ('year', 'month', 'day', 'second')),
        camera_make TEXT,
        camera_model TEXT,
        sequence TEXT,
        creator TEXT,
        licence TEXT,
        attribution TEXT,
        page_url TEXT,
        width INTEGER,
        height INTEGER,
        sha256 TEXT,
        pixels_sha256 TEXT,
        file TEXT,
        mask TEXT,
        mask_sha256 TEXT,
        grey_share REAL,
        kept_by_user INTEGER NOT NULL DEFAULT 0,
        UNIQUE (source, source_id)
    );
    CREATE INDEX photos_by_state ON photos (state, place);
    CREATE INDEX photos_by_pixels ON photos (pixels_sha256) WHERE pixels_sha256 IS NOT NULL;
    CREATE TABLE areas (
        place TEXT PRIMARY KEY,
        source TEXT NOT NULL,
        code TEXT,
        geojson TEXT NOT NULL,
        digest TEXT NOT NULL
    );
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    # SQLite cannot change a CHECK, so that the table is made anew.
    """
    CREATE TABLE photos_2 (
        photo_id INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL CHECK (state IN ('found', 'rejected', 'fetched', 'failed', 'unknown')),
        reason TEXT,
        rejected_by TEXT CHECK (rejected_by IN ('import', 'collect', 'check', 'user')),
        score REAL,
        source TEXT NOT NULL,
        source_id TEXT NOT NULL,
        place TEXT,
        lat REAL CHECK (lat BETWEEN -90 AND 90),
        lon REAL CHECK (lon BETWEEN -180 AND 180),
        heading_deg REAL,
        captured_at TEXT,
        captured_precision TEXT CHECK (captured_precision IN ('year', 'month', 'day', 'second')),
        camera_make TEXT,
        camera_model TEXT,
        sequence TEXT,
        creator TEXT,
        licence TEXT,
        attribution TEXT,
        page_url TEXT,
        width INTEGER,
        height INTEGER,
        sha256 TEXT,
        pixels_sha256 TEXT,
        file TEXT,
        mask TEXT,
        mask_sha256 TEXT,
        grey_share REAL,
        kept_by_user INTEGER NOT NULL DEFAULT 0,
        projection TEXT CHECK (projection IN ('flat', 'spherical')),
        panorama TEXT,
        centre_heading_deg REAL,
        field_of_view_deg REAL,
        sample INTEGER,
        UNIQUE (source, source_id)
    );
    INSERT INTO photos_2 (
        photo_id, state, reason, rejected_by, score, source, source_id, place, lat, lon, heading_deg, captured_at,
        captured_precision, camera_make, camera_model, sequence, creator, licence, attribution, page_url, width,
        height, sha256, pixels_sha256, file, mask, mask_sha256, grey_share, kept_by_user
    ) SELECT
        photo_id, state, reason, rejected_by, score, source, source_id, place, lat, lon, heading_deg, captured_at,
        captured_precision, camera_make, camera_model, sequence, creator, licence, attribution, page_url, width,
        height, sha256, pixels_sha256, file, mask, mask_sha256, grey_share, kept_by_user
    FROM photos;
    DELETE FROM sqlite_sequence WHERE name = 'photos_2';
    INSERT INTO sqlite_sequence (name, seq)
        SELECT 'photos_2', seq FROM sqlite_sequence WHERE name = 'photos';
    DROP TABLE photos;
    ALTER TABLE photos_2 RENAME TO photos;
    CREATE INDEX photos_by_state ON photos (state, place);
    CREATE INDEX photos_by_pixels ON photos (pixels_sha256) WHERE pixels_sha256 IS NOT NULL;
    CREATE TABLE cells (
        source TEXT NOT NULL,
        place TEXT NOT NULL,
        area TEXT NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('done', 'split', 'unknown')),
        found INTEGER NOT NULL,
        reason TEXT,
        asked_at TEXT NOT NULL,
        PRIMARY KEY (source, place, area, name)
    ) WITHOUT ROWID;
    CREATE TABLE ledger (
        entry INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        photo_id INTEGER NOT NULL,
        month TEXT NOT NULL,
        asked_at TEXT NOT NULL,
        cost_micro_usd INTEGER NOT NULL,
        outcome TEXT
    );
    CREATE INDEX ledger_by_month ON ledger (source, month);
    CREATE TABLE forgotten (
        source TEXT NOT NULL,
        source_id TEXT NOT NULL,
        forgotten_at TEXT NOT NULL,
        PRIMARY KEY (source, source_id)
    ) WITHOUT ROWID;
    CREATE TABLE forgotten_files (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
    """,
    """
    ALTER TABLE photos ADD COLUMN uploaded_at TEXT;
    ALTER TABLE photos ADD COLUMN near_group INTEGER;
    CREATE INDEX photos_by_near_group ON photos (near_group) WHERE near_group IS NOT NULL;
    """,
)
