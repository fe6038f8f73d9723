-- The rooms that a component has joined, as JSON. Before, they were part of the session's progress.
ALTER TABLE vivaz_components ADD COLUMN rooms TEXT NOT NULL DEFAULT '[]';
ALTER TABLE vivaz_aside ADD COLUMN rooms TEXT NOT NULL DEFAULT '[]';
UPDATE vivaz_components SET rooms = coalesce((
    SELECT json_extract(one.value, '$[1]')
    FROM vivaz_sessions, json_each(iif(json_valid(progress), progress, '{}'), '$.rooms') AS one
    WHERE vivaz_sessions.id = vivaz_components.session
        AND json_extract(one.value, '$[0]') = vivaz_components.id
), '[]');
