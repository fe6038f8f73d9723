-- How a component was mounted, as JSON. Nobody gives new props to one of which this is not known.
ALTER TABLE vivaz_components ADD COLUMN origin TEXT NOT NULL DEFAULT '"sealed"';
