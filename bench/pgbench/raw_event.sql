\set tag random(1, 20)
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_meta) VALUES ('mma_event:' || gen_random_uuid(), 'mma_event', :prefix::text || '2', jsonb_build_object('event_type', 'like', 'payload', jsonb_build_object('tags', jsonb_build_array('style.' || :tag::text))));
