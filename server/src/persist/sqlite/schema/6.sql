-- Hash of the public state that the page was shown; NULL where that is not known.
ALTER TABLE vivaz_components ADD COLUMN shown INTEGER;
ALTER TABLE vivaz_aside ADD COLUMN shown INTEGER;
