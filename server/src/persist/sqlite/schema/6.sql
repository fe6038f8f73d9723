-- The hash of the public state that was sent to the page; NULL if it is unknown.
ALTER TABLE vivaz_components ADD COLUMN shown INTEGER;
ALTER TABLE vivaz_aside ADD COLUMN shown INTEGER;
