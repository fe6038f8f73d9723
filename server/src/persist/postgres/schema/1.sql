CREATE TABLE vivaz_sessions (
    id          text COLLATE "C" PRIMARY KEY,
    user_id     text,
    tenant      text,
    -- The login of the session's user, if the application names logins.
    login       text,
    generation  bigint NOT NULL,
    secret      bytea NOT NULL,
    previous    bytea,
    progress    text NOT NULL,
    -- The process that holds the session, or held it last.
    holder      text NOT NULL,
    -- How often the session has changed hands. Each write carries the fence of its copy.
    fence       bigint NOT NULL,
    released    boolean NOT NULL DEFAULT false,
    exact       boolean NOT NULL DEFAULT false,
    -- How long the session stays valid after its holder's lease has ended, in milliseconds.
    good_for    bigint NOT NULL,
    -- When the session expires, in milliseconds; NULL while its holder's lease is valid.
    ends        bigint
);
CREATE INDEX vivaz_sessions_by_end ON vivaz_sessions (ends) WHERE ends IS NOT NULL;
CREATE INDEX vivaz_sessions_by_holder ON vivaz_sessions (holder);
CREATE INDEX vivaz_sessions_by_user ON vivaz_sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX vivaz_sessions_by_login ON vivaz_sessions (login) WHERE login IS NOT NULL;

CREATE TABLE vivaz_components (
    session    text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    name       text NOT NULL,
    schema     bigint NOT NULL,
    template   text NOT NULL,
    props      text NOT NULL,
    state      bytea NOT NULL,
    epoch      text NOT NULL,
    rev        bigint NOT NULL,
    version    bigint NOT NULL,
    settled    bigint NOT NULL,
    durable    boolean NOT NULL,
    origin     text NOT NULL,
    anew       boolean NOT NULL,
    rooms      text NOT NULL,
    shown      bigint,
    connected  boolean NOT NULL,
    PRIMARY KEY (session, id)
);

-- Components that are kept aside and do not run, in the order of `number`. Several may have the
-- same id.
CREATE TABLE vivaz_aside (LIKE vivaz_components);
ALTER TABLE vivaz_aside ADD COLUMN number bigserial;
CREATE INDEX vivaz_aside_by_session ON vivaz_aside (session);

CREATE TABLE vivaz_replies (
    session    text COLLATE "C" NOT NULL,
    reference  bigint NOT NULL,
    body       text NOT NULL,
    PRIMARY KEY (session, reference)
);

-- One row for each process. Times are in milliseconds.
CREATE TABLE vivaz_leases (
    holder  text PRIMARY KEY,
    since   bigint NOT NULL,
    length  bigint NOT NULL,
    ends    bigint NOT NULL
);

-- The tombstones of ended sessions, which must not be written again. `untold` is the process that
-- held the session and has not deleted it since.
CREATE TABLE vivaz_ended (
    session  text COLLATE "C" PRIMARY KEY,
    until    bigint NOT NULL,
    untold   text
);
CREATE INDEX vivaz_ended_by_time ON vivaz_ended (until);
CREATE INDEX vivaz_ended_by_untold ON vivaz_ended (untold) WHERE untold IS NOT NULL;

-- The time of the store in milliseconds: that of the database, or one that a test gives.
CREATE FUNCTION vivaz_now(given bigint) RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) $$;

-- The keys of advisory locks: that of a process, which it holds while it runs, and that of a
-- session, for sessions that the store does not have.
CREATE FUNCTION vivaz_process_key(name text) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtextextended(name, 8532468261823702899) $$;
CREATE FUNCTION vivaz_session_key(name text) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtextextended(name, 6010479231184930674) $$;
