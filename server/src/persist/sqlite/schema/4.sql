-- Whether a component was mounted anew in place of one that is kept aside.
ALTER TABLE vivaz_components ADD COLUMN anew INTEGER NOT NULL DEFAULT 0;

-- Components that are kept aside and do not run. Several may have the same id.
CREATE TABLE vivaz_aside (
    session   TEXT NOT NULL,
    id        TEXT NOT NULL,
    name      TEXT NOT NULL,
    schema    INTEGER NOT NULL,
    template  TEXT NOT NULL,
    props     TEXT NOT NULL,
    state     BLOB NOT NULL,
    epoch     TEXT NOT NULL,
    rev       INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    settled   INTEGER NOT NULL,
    durable   INTEGER NOT NULL,
    origin    TEXT NOT NULL,
    anew      INTEGER NOT NULL
) STRICT;
CREATE INDEX vivaz_aside_by_session ON vivaz_aside (session);
