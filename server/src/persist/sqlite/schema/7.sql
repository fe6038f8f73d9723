-- Whether `connected` of a component has finished.
ALTER TABLE vivaz_components ADD COLUMN connected INTEGER NOT NULL DEFAULT 1;
ALTER TABLE vivaz_aside ADD COLUMN connected INTEGER NOT NULL DEFAULT 1;
