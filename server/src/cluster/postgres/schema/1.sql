-- The logs of topics, one row for each. Times are in milliseconds, by the clock of the database.
CREATE TABLE vivaz_topics (
    -- A hash of tenant and name.
    id              bytea PRIMARY KEY,
    tenant          bytea,
    name            bytea NOT NULL,
    -- The position of the newest entry.
    epoch           text NOT NULL,
    rev             bigint NOT NULL,
    chain           bigint NOT NULL,
    snapshot_rev    bigint NOT NULL,
    snapshot_chain  bigint NOT NULL,
    snapshot        bytea NOT NULL,
    kept_until      bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX vivaz_topics_by_time ON vivaz_topics (kept_until);

-- The entries of the current epochs, without gaps up to the newest one.
CREATE TABLE vivaz_entries (
    topic  bytea NOT NULL,
    rev    bigint NOT NULL,
    chain  bigint NOT NULL,
    body   bytea NOT NULL,
    PRIMARY KEY (topic, rev)
);
