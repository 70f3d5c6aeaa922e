-- I10: no asset URL that expires is stored, and what becomes of one in a raw payload.
-- Customer of this file: pass:test:urls
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:urls');
INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('generation:urls-1', 'pass:test:urls'), ('session:urls-1', 'pass:test:urls');

CREATE TEMP TABLE urls (what text, url text);
INSERT INTO urls VALUES
    ('public', 'https://cdn.example.com/a/b.png'),
    ('plain http', 'http://cdn.example.com/a.png?width=200&v=3#top'),
    ('unicode', 'https://cdn.example.com/naïve/日本.png'),
    ('S3 v4', 'https://b.s3.amazonaws.com/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc'),
    ('S3 v4, other case', 'https://b.s3.amazonaws.com/a.png?x-amz-signature=abc'),
    ('S3 v4, escaped', 'https://b.s3.amazonaws.com/a.png?X%2DAmz%2DSignature=abc'),
    ('S3 v2', 'https://b.s3.amazonaws.com/a.png?AWSAccessKeyId=AK&Expires=1700000000&Signature=abc'),
    ('GCS', 'https://storage.googleapis.com/b/a.png?X-Goog-Signature=abc'),
    ('CloudFront', 'https://d1.cloudfront.net/a.png?Policy=p&Signature=s&Key-Pair-Id=K'),
    ('Azure', 'https://a.blob.core.windows.net/c/a.png?sv=2022-11-02&se=2030-01-01&sig=abc'),
    ('Supabase', 'https://p.supabase.co/storage/v1/object/sign/b/a.png?token=eyJh'),
    ('Alibaba OSS', 'https://b.oss-cn-hangzhou.aliyuncs.com/a.png?OSSAccessKeyId=A&Expires=1&Signature=abc'),
    ('Firebase', 'https://firebasestorage.googleapis.com/v0/b/app/o/a.png?alt=media&token=6a7e4d2c-0c2b-4a59-8f6b-5b1d5f0c2b11'),
    ('image proxy', 'https://app.example.com/_next/image?url=https%3A%2F%2Fb.s3.amazonaws.com%2Fa.png%3FX-Amz-Expires%3D60%26X-Amz-Signature%3D5f0c&w=640'),
    ('credentials', 'https://user:secret@cdn.example.com/a.png'),
    ('other scheme', 'ftp://cdn.example.com/a.png'),
    ('data', 'data:image/png;base64,AAAA'),
    ('key of a store', 's3://bucket/a.png'),
    ('no host', 'https:///a.png'),
    ('a path', '/a/b.png'),
    ('blank', ' '),
    ('empty', ''),
    ('not a URL', 'later');

--
-- The families, as the predicates see them, and what redaction leaves. test/unit/url_shapes.hpp has the long table.
--
SELECT what, mega_is_permanent_url(url) AS permanent, mega_has_expiring_url(jsonb_build_array('see ' || url)) AS expiring
FROM (VALUES
    ('TOS', 'https://b.tos-cn-beijing.example.com/a.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Expires=86400&X-Tos-Signature=5f0c'),
    ('COS', 'https://b.cos.ap-beijing.myqcloud.com/a?q-sign-algorithm=sha1&q-sign-time=1;2&q-signature=5f0c'),
    ('OSS', 'https://b.oss-cn-hangzhou.aliyuncs.com/a?x-oss-expires=60&x-oss-signature=5f0c'),
    ('CloudFront', 'https://d1.cloudfront.net/a.jpg?Expires=1357034400&Signature=5f0c&Key-Pair-Id=K2'),
    ('Akamai', 'https://media.example.com/a.mp4?hdnts=exp=1700000000~hmac=5f0c'),
    ('Azure', 'https://a.blob.core.windows.net/c/a.png?SE=2030-01-01&SIG=5f0c'),
    ('Bunny', 'https://z.b-cdn.net/a.png?token=5f0c&expires=1598024587'),
    ('Bunny, path', 'https://z.b-cdn.net/bcdn_token=5f0c&expires=1598024587&token_path=%2F/a.m3u8'),
    ('Fastly', 'https://media.example.com/a.mp4?token=1700000000_5f0c2b'),
    ('Cloudflare Images', 'https://imagedelivery.net/h/i/mobile?exp=1631289275&sig=5f0c'),
    ('Cloudflare Stream', 'https://customer-f.cloudflarestream.com/eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDM2MDB9.c2ln/manifest/video.m3u8'),
    ('Backblaze', 'https://f002.backblazeb2.com/file/b/a.png?Authorization=3_2025_5f0c'),
    ('JWT', 'https://media.example.com/a.mp4?_jwt=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDM2MDB9.c2ln'),
    ('JWT without exp', 'https://media.example.com/a.mp4?_jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln'),
    ('JWT, made up', 'https://media.example.com/a.mp4?_jwt=eyJ.5f0c.x'),
    ('two proxies', 'https://a.example/i?u=https%3A%2F%2Fb.example%2Fi%3Fu%3Dhttps%253A%252F%252Fc.example%252Fa%253FX-Goog-Signature%253D5f0c'),
    ('imgproxy', 'https://imgproxy.example/insecure/rs:fit:300/plain/https://b.s3.amazonaws.com/k%3FX-Amz-Expires=60%26X-Amz-Signature=5f0c@webp'), ('no scheme', 'https://wsrv.nl/?url=b.s3.amazonaws.com/k%3FX-Amz-Signature%3D5f0c'),
    ('slashes alone', 'https://wsrv.nl/?url=%2F%2Fb.s3.amazonaws.com%2Fk%3FX-Amz-Signature%3D5f0c'), ('a question', 'https://shop.example.com/search?q=and/or%3F'), ('a file''s name', 'https://cdn.example.com/a.png%3FX-Amz-Signature=5f0c'),
    ('gold', 'https://shop.example.com/ring.png?sig=gold'), ('rose', 'https://shop.example.com/a.png?token=rose'),
    ('returns', 'https://shop.example.com/a?policy=returns'), ('both of two URLs', 'https://a.example/i?expires=1700000000&u=https%3A%2F%2Fb.example%2Fa%3Ftoken%3Drose')
) f(what, url);

--
-- The columns: 23514.
--
SELECT what, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES (%L, ''pass:test:urls'', %L)', 'generation:urls-' || what, url))
FROM urls;
SELECT column_name, what, left(pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, %I) VALUES (%L, ''pass:test:urls'', %L)', column_name, 'feedback:urls-' || column_name || what, url)), 5)
FROM urls, (VALUES ('mg_image_url'), ('mg_video_url')) c(column_name) WHERE what IN ('public', 'S3 v4', 'credentials', 'not a URL');
SELECT what, left(pg_temp.outcome(format('UPDATE mega_generations SET mg_output_url = %L WHERE mg_id = ''generation:urls-1''', url)), 5) FROM urls;
-- a row whose URL is not touched may change in other columns
UPDATE mega_generations SET mg_title = 'new' WHERE mg_id = 'generation:urls-public' RETURNING mg_title, mg_output_url;

--
-- Hosts that serve for a while only, and the hosts that are allowed: MG008, by settings that need a superuser.
--
SELECT host, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES (%L, ''pass:test:urls'', %L)', 'generation:urls-host-' || host, 'https://' || host || '/a.png'))
FROM (VALUES ('replicate.delivery'), ('pbxt.replicate.delivery'), ('cdn.example.com'), ('notreplicate.delivery.example.com')) h(host);
SET mega.asset_hosts = 'assets.example.com, *.cdn.example.net';
SELECT host, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES (%L, ''pass:test:urls'', %L)', 'generation:urls-allowed-' || host, 'https://' || host || '/a.png'))
FROM (VALUES ('assets.example.com'), ('ASSETS.example.com:443'), ('x.assets.example.com'), ('a.cdn.example.net'), ('a.b.cdn.example.net'), ('cdn.example.net'), ('evilcdn.example.net'), ('other.example.com')) h(host);
UPDATE mega_generations SET mg_title = 'newer' WHERE mg_id = 'generation:urls-public' RETURNING mg_title;
RESET mega.asset_hosts;
CREATE ROLE regress_urls_role;
SET ROLE regress_urls_role;
SET mega.asset_hosts = '*.example.com';
SET mega.payload_urls = 'keep';
SET mega.derived_writes = 'ignore';
SET mega.notify = on;
RESET mega.derived_writes;
RESET mega.notify;
RESET ROLE;
DROP ROLE regress_urls_role;
SET mega.payload_urls = 'maybe';
SET mega.derived_writes = 'maybe';
SET mega.no_such_setting = 'on';

--
-- Anywhere inside mg_mma_vars and an event's mg_meta: MG008.
--
SELECT what, pg_temp.outcome(format('INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_vars) VALUES (%L, ''pass:test:urls'', %L)', 'generation:urls-vars-' || what, jsonb_build_object('deep', jsonb_build_array(1, jsonb_build_object('url', 'see ' || url || ' and more')))))
FROM urls WHERE what NOT IN ('blank', 'empty', 'a path', 'no host', 'not a URL');
SELECT what, pg_temp.outcome(statement) FROM (VALUES
    ('update of vars', $$UPDATE mega_generations SET mg_mma_vars = '{"outputs": ["https://a.example/x?X-Amz-Signature=1"]}' WHERE mg_id = 'generation:urls-1'$$),
    ('vars of a session', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_mma_vars) VALUES ('session:urls-vars', 'pass:test:urls', '{"a": "https://a.example/x?X-Amz-Signature=1"}')$$),
    ('delivery host in vars', $$UPDATE mega_generations SET mg_mma_vars = '{"outputs": ["https://replicate.delivery/x.png"]}' WHERE mg_id = 'generation:urls-1'$$),
    ('event', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:urls-1', 'pass:test:urls', '{"event_type": "like", "payload": {"image": "https://a.example/x?se=1&sig=1"}}')$$),
    ('event, permanent', $$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta) VALUES ('mma_event:urls-1', 'pass:test:urls', '{"event_type": "like", "payload": {"image": "https://a.example/x?size=1"}}')$$),
    ('meta of a generation is free', $$UPDATE mega_generations SET mg_meta = '{"input": "https://a.example/x?X-Amz-Signature=1"}' WHERE mg_id = 'generation:urls-1'$$),
    ('permanent', $$UPDATE mega_generations SET mg_mma_vars = '{"outputs": ["https://a.example/x.png"], "text": "no :// here", "n": 1.5, "none": null, "yes": true}' WHERE mg_id = 'generation:urls-1'$$)
) v(what, statement);
SELECT mg_mma_vars FROM mega_generations WHERE mg_id = 'generation:urls-1';

--
-- Raw payloads: the secret is cut out, the rest stays to the letter.
--
CREATE FUNCTION pg_temp.payload(document jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
BEGIN
    UPDATE mega_generations SET mg_payload = document WHERE mg_id = 'generation:urls-1' RETURNING mg_payload INTO stored;
    RETURN stored;
END
$$;
SHOW mega.payload_urls;
SELECT pg_temp.payload('{"url": "https://b.s3.amazonaws.com/a.png?X-Amz-Date=20251219&X-Amz-Signature=abcdef&x=1", "n": 1.50, "list": [null, true, "text"]}');
SELECT pg_temp.payload('["https://user:secret@a.example/x", "a https://a.example/x?se=1&sig=S3CR3T b https://a.example/y?X-Tos-Signature=S3CR3T.", {"k": "https://a.example/z?a=1"}]');
SELECT pg_temp.payload('"https://a.example/x?Policy=S3CR3T&Key-Pair-Id=K&Signature=S3CR3T"');
SELECT pg_temp.payload('{"same": "https://a.example/plain.png", "empty": {}, "none": []}');
SELECT pg_temp.payload(NULL);
SELECT pg_temp.payload('null');
-- JSON that is kept as a text, or in a text of JSON, as its writer escaped it
SELECT pg_temp.payload(to_jsonb($j${"u": "https:\/\/a.example\/x?X-Amz-Signature=S3CR\/3T", "v": "b\/c"}$j$::text));
SELECT pg_temp.payload(to_jsonb($j${"u": "https://a.example/x?n=1\u0026X-Amz-Signature=S3CR3T\u0026m=2"}$j$::text));
SELECT pg_temp.payload(to_jsonb(to_json($j${"u": "https:\/\/u:S3CR3T@a.example"}$j$::text)::text));
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_mma_vars = jsonb_build_object('raw', '{"u": "https:\/\/a.example\/x?X-Amz-Signature=S3CR3T"}') WHERE mg_id = 'generation:urls-1'$$);
-- at the append, and in the office
INSERT INTO mega_generations (mg_id, mg_step_type, mg_meta) VALUES ('mma_step:urls-1:7', 'kling_generate', '{"input": {"image": "https://a.example/x?X-Amz-Signature=S3CR3T"}, "output": {}}') RETURNING mg_meta, mg_payload;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:urls-1:0', 'pass:test:urls', 'kling_generate', '{"input": {"image": "https://a.example/x?X-Amz-Signature=S3CR3T"}, "output": {}}')
RETURNING mg_payload;
INSERT INTO mega_admin (mg_id, mg_payload) VALUES ('app_config:urls', '{"image": "https://a.example/x?X-Amz-Signature=S3CR3T"}') RETURNING mg_payload;
UPDATE mega_admin SET mg_payload = '["https://a.example/x?X-Tos-Signature=S3CR3T"]' WHERE mg_id = 'app_config:urls' RETURNING mg_payload;
SET mega.payload_urls = 'reject';
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_step_type, mg_meta) VALUES ('mma_step:urls-1:8', 'kling_generate', '{"input": {"image": "https://u:p@a.example/x"}, "output": {}}')$$);
SELECT pg_temp.outcome($$UPDATE mega_generations SET mg_payload = '{"a": ["https://a.example/x?se=1&sig=S3CR3T"]}' WHERE mg_id = 'generation:urls-1'$$);
SELECT pg_temp.outcome($$INSERT INTO mega_generations (mg_id, mg_pass_id, mg_step_type, mg_payload) VALUES ('mma_step:urls-1:1', 'pass:test:urls', 'kling_generate', '{"input": {"image": "https://u:p@a.example/x"}, "output": {}}')$$);
SELECT pg_temp.outcome($$UPDATE mega_admin SET mg_payload = '["https://a.example/x?X-Tos-Signature=S3CR3T"]' WHERE mg_id = 'app_config:urls'$$);
SELECT pg_temp.payload('{"a": "https://a.example/x.png"}');
SET mega.payload_urls = 'keep';
SELECT pg_temp.payload('{"a": "https://a.example/x?se=1&sig=S3CR3T"}');
RESET mega.payload_urls;
-- what was stored under another setting stays while other columns change
UPDATE mega_generations SET mg_title = 'again' WHERE mg_id = 'generation:urls-1' RETURNING mg_payload;
-- depth does not matter
SELECT pg_temp.payload((repeat('[', 200) || '"https://a.example/x?se=1&sig=S3CR3T"' || repeat(']', 200))::jsonb) #>> array_fill('0'::text, ARRAY[200]);
SELECT left(pg_temp.outcome(format('UPDATE mega_generations SET mg_mma_vars = %L WHERE mg_id = ''generation:urls-1''', '{"a": ' || repeat('[', 200) || '"https://a.example/x?se=1&sig=S3CR3T"' || repeat(']', 200) || '}')), 60);
-- What failed is told without secrets, whoever writes it.
SELECT mg_mma_status FROM mega_fail_generation('urls-1', 'GET https://b.s3.amazonaws.com/k?X-Amz-Signature=S3CR3T failed: https://a.example/x?se=1&sig=S3CR3T');
SELECT mg_error FROM mega_generations WHERE mg_id = 'generation:urls-1';
UPDATE mega_generations SET mg_error = '{"u": "https:\/\/a.example\/x?se=1\u0026sig=S3CR3T"}' WHERE mg_id = 'generation:urls-1' RETURNING mg_error;
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_error) VALUES ('generation:urls-error', 'pass:test:urls', 'https://a.example/x?se=1&#38;sig=S3CR3T, then /k?X-Amz-Signature=S3CR3T') RETURNING mg_error;
SET mega.payload_urls = reject;
UPDATE mega_generations SET mg_error = 'https://a.example/x?se=1&sig=S3CR3T again' WHERE mg_id = 'generation:urls-error' RETURNING mg_error;
RESET mega.payload_urls;

SELECT count(*) FROM mega_generations WHERE mg_pass_id = 'pass:test:urls' AND mg_payload::text LIKE '%S3CR3T%';
DELETE FROM mega_admin WHERE mg_id = 'app_config:urls';
