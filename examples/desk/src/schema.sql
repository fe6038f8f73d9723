-- The hash identifies a login; only the browser has the token.
CREATE TABLE IF NOT EXISTS logins (
    hash       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%F %R:%f', 'now'))
) STRICT;
DELETE FROM logins WHERE created_at < strftime('%F', 'now', '-30 days');

CREATE TABLE IF NOT EXISTS tickets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    subject    TEXT NOT NULL,
    customer   TEXT NOT NULL,
    status     TEXT NOT NULL DEFAULT 'open',
    changed_at TEXT NOT NULL DEFAULT (strftime('%F %R:%f', 'now'))
) STRICT;
CREATE INDEX IF NOT EXISTS tickets_by_change ON tickets (changed_at);

CREATE TABLE IF NOT EXISTS comments (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket     INTEGER NOT NULL REFERENCES tickets (id),
    author     TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%F %R:%f', 'now'))
) STRICT;
CREATE INDEX IF NOT EXISTS comments_of_ticket ON comments (ticket, id);

-- 5,000 tickets, at the first start.
INSERT INTO tickets (id, subject, customer, status, changed_at)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000),
words (things, wrongs, firsts, lasts) AS (SELECT
    '["The invoice","My password","The export","The printer","A payment","The mobile app","Our account","The report","A delivery","The login page","An e-mail","The calendar","The search"]',
    '["is missing","does not work","is too slow","arrived twice","shows an error","cannot be opened","has the wrong date","is empty","was cancelled","needs an update","is in the wrong language"]',
    '["Mira","Jonas","Aisha","Tom","Elena","Noah","Ines","Viktor","Lucy","Omar","Greta","Paul","Rosa","Emil","Yara","Finn","Nora"]',
    '["Sato","Keller","Diaz","Nowak","Costa","Berg","Haas","Silva","Mori","Lang","Vance","Roth","Ortiz","Weiss","Dahl","Quinn","Bauer","Rossi","Kaya"]')
SELECT n,
    json_extract(things, '$[' || (n * 7 % 13) || ']') || ' ' || json_extract(wrongs, '$[' || (n * 5 % 11) || ']'),
    json_extract(firsts, '$[' || (n * 3 % 17) || ']') || ' ' || json_extract(lasts, '$[' || (n * 11 % 19) || ']'),
    CASE WHEN n < 4500 AND n % 9 THEN 'solved' WHEN n % 4 = 0 THEN 'pending' ELSE 'open' END,
    strftime('%F %R:%f', 'now', ((n - 5000) * 13) || ' minutes')
FROM numbers, words WHERE NOT EXISTS (SELECT 1 FROM tickets);
INSERT INTO comments (ticket, author, body, created_at)
SELECT id, customer, subject || '. Could you please have a look?', changed_at FROM tickets
WHERE NOT EXISTS (SELECT 1 FROM comments);
