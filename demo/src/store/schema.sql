CREATE TABLE IF NOT EXISTS rooms (
    name       TEXT PRIMARY KEY,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
INSERT INTO rooms (name) VALUES ('lobby') ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    room       TEXT NOT NULL REFERENCES rooms (name),
    user_id    TEXT NOT NULL,
    user_name  TEXT NOT NULL,
    content    TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX IF NOT EXISTS messages_of_room ON messages (room, id);

CREATE TABLE IF NOT EXISTS people (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    name  TEXT NOT NULL,
    email TEXT NOT NULL,
    age   INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS todos (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    text     TEXT NOT NULL,
    done     INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS todos_in_order ON todos (position, id);

-- Seats that are taken; the others are free. The key is what decides between two who want the same one.
CREATE TABLE IF NOT EXISTS seats (
    id        TEXT PRIMARY KEY,
    user_id   TEXT NOT NULL,
    user_name TEXT NOT NULL
) STRICT;
