-- The four predicates. NULL gives NULL, nothing raises, and what passed once passes for ever: the first three stand in
-- CHECK constraints, so no line of this file's output may ever change from t to f.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS mega;
\pset null NULL
SELECT mega_is_pass_id(NULL), mega_is_record_id(NULL, 'session:1'), mega_is_record_id('session', NULL), mega_is_permanent_url(NULL), mega_has_expiring_url(NULL);
SELECT left(pass_id, 60) AS pass_id, octet_length(pass_id) AS bytes, mega_is_pass_id(pass_id) FROM unnest(ARRAY[
    'pass:shopify:1', 'pass:shopify:7204411506841', 'pass:shopify:gid://shopify/Customer/1', 'pass:user:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'pass:user:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    'pass:anon:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'pass:a:b', 'pass:test:x:y:z', 'pass:test:é', 'pass:test:a b', 'pass:test::', 'pass:test:' || repeat('x', 502),
    '', ' ', 'pass', 'pass:', 'pass::', 'pass::x', 'pass:x', 'pass:x:', 'PASS:x:y', 'pass:X:y', 'pass:x1:y', 'pass:é:y', 'pass:x: y', 'pass:x:y ', U&'pass:x:y\00a0', U&'pass:x:\3000y', E'pass:x:y\n', E'pass:x:\ty', E'pass:x:a\u0080b', E'pass:x:a\u007fb', ' pass:x:y',
    'pass:user:x', 'pass:anon:', 'pass:user:a0eebc999c0b4ef8bb6d6bb9bd380a11', 'pass:anon:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', 'pass:user:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g', 'pass:user:{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', 'pass:test:' || repeat('x', 503), 'pass:test:' || repeat('é', 252)]) WITH ORDINALITY u(pass_id, n)
ORDER BY n;
SELECT record_type, mg_id, mega_is_record_id(record_type, mg_id) FROM (VALUES
    ('session', 'session:1'), ('generation', 'generation:gen_1'), ('generation', 'generation:a:b'), ('feedback', 'feedback:f'), ('credit_transaction', 'credit_transaction:hold:1'), ('mma_event', 'mma_event:e'),
    ('mma_step', 'mma_step:g:0'), ('mma_step', 'mma_step:g:h:12'), ('mma_step', 'mma_step:g:2147483647'), ('admin_session', 'admin_session:h'), ('admin_audit', 'admin_audit:a'),
    ('profile', 'profile:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('runtime_config', 'runtime_config:1'), ('runtime_config', 'runtime_config:0'), ('runtime_config', 'runtime_config:-2147483648'), ('app_config', 'app_config:k'), ('app_config', 'app_config:k.v2'),
    ('session', 'session:'), ('session', 'session: '), ('session', 'Session:1'), ('session', 'generation:1'), ('session', '1'), ('session', ''), ('', ''), ('', ':1'), ('other', 'other:1'), ('SESSION', 'SESSION:1'), ('session', E'session:a\nb'),
    ('mma_step', 'mma_step:g'), ('mma_step', 'mma_step::0'), ('mma_step', 'mma_step:g:'), ('mma_step', 'mma_step:g:00'), ('mma_step', 'mma_step:g:-1'), ('mma_step', 'mma_step:g:+1'), ('mma_step', 'mma_step:g:1 '), ('mma_step', 'mma_step:g:2147483648'), ('mma_step', 'mma_step:g:x'),
    ('profile', 'profile:x'), ('runtime_config', 'runtime_config:x'), ('runtime_config', 'runtime_config:01'), ('runtime_config', 'runtime_config:-0'), ('runtime_config', 'runtime_config:2147483648'), ('runtime_config', 'runtime_config:1.0')
) v(record_type, mg_id);
SELECT record_type, mega_is_record_id(record_type, record_type || ':' || repeat('x', 512)) AS longest, mega_is_record_id(record_type, record_type || ':' || repeat('x', 513)) AS too_long
FROM unnest('{session,generation,feedback,credit_transaction,mma_event,admin_session,admin_audit,app_config}'::text[]) record_type;
SELECT mega_is_record_id('mma_step', 'mma_step:' || repeat('x', 512) || ':2147483647') AS longest, mega_is_record_id('mma_step', 'mma_step:' || repeat('x', 513) || ':0') AS too_long;

SELECT url, mega_is_permanent_url(url), mega_has_expiring_url(to_jsonb(url)) AS expires FROM (VALUES
    ('https://cdn.example.com/a.png'), ('http://cdn.example.com'), ('HTTPS://CDN.EXAMPLE.COM/A.PNG'), ('https://cdn.example.com:8443/a?b=c&d=e#f'), ('https://192.0.2.1/a'), ('https://[2001:db8::1]/a'), ('https://cdn.example.com/ä/日本.png'), ('https://cdn.example.com/a b.png'), ('https://cdn.example.com/?q=signature'),
    ('https://cdn.example.com/a?v=1&size=2&format=webp'), ('https://cdn.example.com/X-Amz-Signature=1'), ('https://cdn.example.com/a#X-Amz-Signature=1'),
    ('https://h/a?X-Amz-Signature=1'), ('https://h/a?x-amz-credential=1'), ('https://h/a?X-Amz-Security-Token=1'), ('https://h/a?b=1&X-Amz-Algorithm=1'), ('https://h/a?X-Goog-Signature=1'), ('https://h/a?x-goog-credential=1'), ('https://h/a?AWSAccessKeyId=1'), ('https://h/a?Signature=1'), ('https://h/a?GoogleAccessId=1'),
    ('https://h/a?Policy=1&Key-Pair-Id=1'), ('https://h/a?sv=1&sig=1'), ('https://h/a?OSSAccessKeyId=1'), ('https://h/a?x-oss-signature=1'), ('https://h/storage/v1/object/sign/a?token=1'), ('https://h/a?%58-Amz-Signature=1'), ('https://h/a?b;X-Amz-Signature=1'), ('https://h/a?X-Amz-Signature'), ('https://h/a?SIG=1'), ('https://h/a?SE=1&SIG=1'), ('https://h/a?AWSAccessKeyId=1&Signature=1&Expires=1'), ('https://h/a?Policy=1&Key-Pair-Id=1&Signature=1'), ('https://h/a?X-Tos-Signature=1'), ('https://h/a?q-signature=1'), ('https://h/a?hdnts=1'), ('https://h/a?token=1&expires=1'),
    ('https://user@h/a'), ('https://user:pass@h/a'), ('https://:pass@h/a'), ('ftp://h/a'), ('s3://b/a'), ('data:image/png;base64,AA'), ('javascript:alert(1)'), ('//h/a'), ('/a'), ('a'), ('https:'), ('https://'), ('https:///a'), ('http:/h/a'), (' https://h/a'), ('https://h/a '), (E'https://h/a\nb'), (''), (' ')
) v(url);
SELECT document, mega_has_expiring_url(document) FROM (VALUES
    ('{}'::jsonb), ('[]'), ('null'), ('1'), ('true'), ('""'), ('"https://h/a"'), ('"https://h/a?q-signature=1"'), ('{"a": "https://h/a?q-signature=1"}'), ('{"a": {"b": [1, null, ["x https://h/a?X-Amz-Signature=1 y"]]}}'), ('{"a": ["https://h/a?b=1", "ftp://h/a?sig=1"]}'),
    ('{"https://h/a?q-signature=1": "in a key"}'), ('["see (https://h/a?q-signature=1)."]'), ('["https://h/?u=https://u:p@h/"]'), ('["sig=1"]'), ('{"sig": "1"}'), ('["https://u:p@h/a"]'), ('["markdown ![x](https://h/a?expires=1&token=1)"]'), ('["<a href=\"https://h/a?q-signature=1\">"]'), ('["https://replicate.delivery/x.png"]'), ('["https://shop.example.com/a?sig=gold", "https://shop.example.com/b?token=rose", "https://shop.example.com/c?policy=returns"]')
) v(document);
-- long texts are looked at in full, and in no time
SELECT mega_has_expiring_url(to_jsonb(repeat('https://h/a?b=1 ', 100000))) AS none, mega_has_expiring_url(to_jsonb(repeat('https://h/a?b=1 ', 100000) || 'https://h/a?q-signature=1')) AS last, mega_is_permanent_url('https://h/' || repeat('a', 1000000)) AS long;
-- for anybody's constraints
CREATE TEMP TABLE mine (pass_id text CHECK (mega_is_pass_id(pass_id)), url text CHECK (mega_is_permanent_url(url)), document jsonb CHECK (NOT mega_has_expiring_url(document)), id text CHECK (mega_is_record_id('session', id)));
INSERT INTO mine VALUES ('pass:a:b', 'https://h/a', '{}', 'session:1'), (NULL, NULL, NULL, NULL);
\set VERBOSITY sqlstate
INSERT INTO mine (pass_id) VALUES ('b');
INSERT INTO mine (url) VALUES ('https://h/a?q-signature=1');
INSERT INTO mine (document) VALUES ('["https://h/a?q-signature=1"]');
INSERT INTO mine (id) VALUES ('generation:1');
SELECT count(*) FROM mine;
