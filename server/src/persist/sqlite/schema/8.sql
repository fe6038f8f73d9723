-- The login of the session's user, if the application names logins.
ALTER TABLE vivaz_sessions ADD COLUMN login TEXT;
CREATE INDEX vivaz_sessions_login ON vivaz_sessions (login) WHERE login IS NOT NULL;
