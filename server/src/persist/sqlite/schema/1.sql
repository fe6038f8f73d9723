CREATE TABLE IF NOT EXISTS vivaz_sessions (
    id          TEXT PRIMARY KEY,
    user        TEXT,
    tenant      TEXT,
    generation  INTEGER NOT NULL,
    secret      BLOB NOT NULL,
    previous    BLOB,
    progress    TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    process     TEXT NOT NULL,
    exact       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX IF NOT EXISTS vivaz_sessions_by_expiry ON vivaz_sessions (expires);
CREATE INDEX IF NOT EXISTS vivaz_sessions_by_user ON vivaz_sessions (user) WHERE user IS NOT NULL;

CREATE TABLE IF NOT EXISTS vivaz_components (
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
    PRIMARY KEY (session, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS vivaz_replies (
    session    TEXT NOT NULL,
    reference  INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (session, reference)
) STRICT, WITHOUT ROWID;
