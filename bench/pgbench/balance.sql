\set customer random(0, :customers - 1)
SELECT * FROM mega_balance(:prefix::text || :customer::text);
