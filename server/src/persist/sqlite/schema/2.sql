-- Processes with leases hold sessions. A session stays valid for a duration after its holder's lease.
-- A session that an earlier version has written stays valid for the rest of its time, at least a
-- minute.
DROP INDEX vivaz_sessions_by_expiry;
DROP INDEX vivaz_sessions_by_user;
ALTER TABLE vivaz_sessions RENAME COLUMN process TO holder;
-- How long the session stays valid after its holder's lease has ended, in milliseconds.
ALTER TABLE vivaz_sessions ADD COLUMN good_for INTEGER NOT NULL DEFAULT 0;
-- When the session expires, in milliseconds of store time; NULL while its holder's lease is valid.
ALTER TABLE vivaz_sessions ADD COLUMN ends INTEGER;
UPDATE vivaz_sessions SET good_for = max(60, expires - unixepoch()) * 1000;
ALTER TABLE vivaz_sessions DROP COLUMN expires;

CREATE INDEX vivaz_sessions_by_end ON vivaz_sessions (ends) WHERE ends IS NOT NULL;
CREATE INDEX vivaz_sessions_by_holder ON vivaz_sessions (holder);
CREATE INDEX vivaz_sessions_by_user ON vivaz_sessions (user, tenant) WHERE user IS NOT NULL;

-- One row for each process. Times are in milliseconds of store time.
CREATE TABLE vivaz_leases (
    holder  TEXT PRIMARY KEY,
    since   INTEGER NOT NULL,
    length  INTEGER NOT NULL,
    ends    INTEGER NOT NULL
) STRICT;

-- The tombstones of ended sessions, which must not be written again. `untold` is the process that held
-- the session and has not deleted it since.
CREATE TABLE vivaz_ended (
    session  TEXT PRIMARY KEY,
    until    INTEGER NOT NULL,
    untold   TEXT
) STRICT;
CREATE INDEX vivaz_ended_by_time ON vivaz_ended (until);
CREATE INDEX vivaz_ended_by_untold ON vivaz_ended (untold) WHERE untold IS NOT NULL;

-- The store time, and the wall time when it was saved (milliseconds since 1970).
CREATE TABLE vivaz_clock (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    time  INTEGER NOT NULL,
    wall  INTEGER NOT NULL
) STRICT;
