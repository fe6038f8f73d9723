-- How a component was mounted, as JSON. A component with an unknown origin gets no new props.
ALTER TABLE vivaz_components ADD COLUMN origin TEXT NOT NULL DEFAULT '"sealed"';
