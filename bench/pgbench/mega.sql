-- A variable named in quotes would be replaced too, so the beginning of a pass id comes as :prefix.
\set customer random(0, :customers - 1)
\set reference random(1, 9000000000000000)
SELECT * FROM mega_record_credit(:prefix::text || :customer::text, -1, 'render', 'api', 'job', :reference::text);
