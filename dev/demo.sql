-- mega keeps prepaid credits, customer identity and the log of generations inside the database.
--
-- One statement installs it: the functions, and the three tables they look after.

CREATE EXTENSION mega;

-- Which version is this?

SELECT extname, extversion FROM pg_extension WHERE extname = 'mega';
