\set customer random(0, :customers - 1)
\set reference random(1, 9000000000000000)
SELECT * FROM handwritten.record_credit(:prefix::text || :customer::text, -1, 'render', 'api', 'job', :reference::text);
