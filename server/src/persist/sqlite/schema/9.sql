-- How often the session has changed hands. Each write carries the fence of its copy.
ALTER TABLE vivaz_sessions ADD COLUMN fence INTEGER NOT NULL DEFAULT 1;
-- Whether the holder has released the session.
ALTER TABLE vivaz_sessions ADD COLUMN released INTEGER NOT NULL DEFAULT 0;

-- The sessions that a process is asked to release. The process deletes the rows that it has read.
CREATE TABLE vivaz_asked (
    holder      TEXT NOT NULL,
    session     TEXT NOT NULL,
    fence       INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    PRIMARY KEY (holder, session)
) STRICT, WITHOUT ROWID;
