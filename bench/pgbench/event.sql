\set tag random(1, 20)
SELECT * FROM mega_record_mma_event(:prefix::text || '1', 'like', jsonb_build_object('tags', jsonb_build_array('style.' || :tag::text)));
