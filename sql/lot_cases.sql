-- Lots in odd company (I15): a clock that is set back, ends to the microsecond, every function at the limit of open lots and
-- behind an end that has passed, ids as long as they can be, DROP and CREATE EXTENSION.
-- Customers of this file: pass:test:lotc-*
\getenv tests PG_ABS_SRCDIR
\set opening :tests '/sql/shared/opening.psql'
\i :opening
\set lots :tests '/sql/shared/lots.psql'
\i :lots
SET test.prefix = 'lotc-';
-- The end of a lot is at another time, in its row and at its customer: as if the clock were set.
CREATE FUNCTION pg_temp.move_end(who text, name text, moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    micros jsonb := to_jsonb((extract(epoch FROM moment) * 1000000)::bigint);
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    UPDATE mega_generations SET mg_meta = jsonb_set(mg_meta, '{mega,ends}', micros) WHERE mg_id = 'credit_transaction:' || name;
    UPDATE mega_customers SET mg_meta = jsonb_set(mg_meta, '{mega,lots}', (SELECT jsonb_agg(l ORDER BY (l ->> 2)::bigint, (l ->> 0) COLLATE "C")
        FROM (SELECT CASE WHEN v ->> 0 = name THEN jsonb_set(v, '{2}', micros) ELSE v END FROM jsonb_array_elements(mg_meta #> '{mega,lots}') e(v)) s(l)))
    WHERE mg_pass_id = pg_temp.id(who) AND mg_meta #> '{mega,lots}' IS NOT NULL;
    PERFORM set_config('session_replication_role', 'origin', true);
END
$$;
CREATE FUNCTION pg_temp.pass(who text, name text) RETURNS void LANGUAGE sql AS 'SELECT pg_temp.move_end(who, ''lotc-'' || who || ''-'' || name, ''2020-01-01'')';
CREATE FUNCTION pg_temp.set_back(who text, name text) RETURNS void LANGUAGE sql AS 'SELECT pg_temp.move_end(who, ''lotc-'' || who || ''-'' || name, ''2090-01-01'')';
-- The credit rows of a customer in their order, with what they say of lots; without what is random.
CREATE FUNCTION pg_temp.ledger(who text) RETURNS TABLE (txn_id text, delta integer, lots text, cover text, ended text) LANGUAGE sql AS $$
    SELECT regexp_replace(replace(substr(mg_id, 20), 'lotc-', ''), '[0-9a-f]{8}-[0-9a-f-]{27}', '…'), mg_delta, replace(mg_meta #>> '{mega,lots}', 'lotc-', ''), replace(mg_meta #>> '{mega,cover}', 'lotc-', ''),
        CASE WHEN mg_meta #> '{mega,ends}' IS NOT NULL THEN coalesce(mg_meta #>> '{mega,ended}', 'open') END
    FROM mega_generations WHERE mg_pass_id = pg_temp.id(who) AND mg_record_type = 'credit_transaction' ORDER BY mg_created_at, mg_id COLLATE "C"
$$;
CREATE FUNCTION pg_temp.open(who text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s: %s to spend, %s end next; ', b.mg_credits, b.spendable, coalesce(b.next_ending, 0)) ||
        coalesce((SELECT string_agg(format('%s %s/%s', replace(substr(mg_id, 20), 'lotc-', ''), remaining, granted), ', ' ORDER BY number) FROM mega_credit_lots(pg_temp.id(who)) WITH ORDINALITY l(mg_id, at, granted, remaining, ends, source, number)), 'no lot') ||
        (SELECT coalesce(string_agg('; stored ' || r.stored::text || ', folded ' || r.folded::text, ''), '') FROM mega_reconcile_lots(pg_temp.id(who)) r) ||
        (SELECT coalesce(string_agg('; ledger ' || r.ledger_sum, ''), '') FROM mega_reconcile_credits(pg_temp.id(who)) r)
    FROM mega_balance(pg_temp.id(who)) b
$$;

--
-- The clock is set back behind an end: what has ended stays so. What comes back to it is gone with its row, by a release, a
-- refund and the sweep; also to a lot that had nothing left when it ended.
--
SELECT expired >= 0 AS swept_what_others_left FROM mega_expire_credits();
SELECT pg_temp.make('clock', 'empty', 'micro', 'spends', 'twice', 'full', 'half', 'most', 'more', 'less', 'ids', 'ids2', 'gone');
SELECT pg_temp.give('clock', 'a', 20, 1), pg_temp.give('clock', 'b', 20, 2);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('clock'), 4, 'lotc-h1');
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('clock'), 4, 'lotc-h2');
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('clock'), 4, 'lotc-h3', expires_in => '1 microsecond');
SELECT pg_temp.spend('clock', 's', 3);
SELECT pg_temp.pass('clock', 'a');
SELECT pg_temp.give('clock', 'none', 1);
SELECT pg_temp.set_back('clock', 'a');
SELECT pg_temp.open('clock');
SELECT * FROM mega_release_credit('lotc-h1');
SELECT * FROM mega_capture_credit('lotc-h2', 1);
SELECT pg_temp.open('clock');
SELECT mg_credits FROM mega_refund_credit('lotc-clock-s', 'lotc-clock-r', 2);
SELECT hold_id, amount FROM mega_release_expired_holds() WHERE mg_pass_id = pg_temp.id('clock');
SELECT pg_temp.open('clock');
SELECT * FROM pg_temp.ledger('clock');
SELECT pg_temp.give('empty', 'a', 5, 1), pg_temp.spend('empty', 's', 5), pg_temp.pass('empty', 'a');
SELECT expired, credits FROM mega_expire_credits();
SELECT pg_temp.set_back('empty', 'a');
SELECT mg_credits FROM mega_refund_credit('lotc-empty-s', 'lotc-empty-r', 2);
SELECT * FROM pg_temp.ledger('empty');
SELECT pg_temp.open('empty');

--
-- An end to the microsecond: at its own moment it is over, one before it is not.
--
SELECT pg_temp.give('micro', 'a', 5, 1), pg_temp.move_end('micro', 'lotc-micro-a', '2020-01-01');
SELECT * FROM mega_expire_credits('2019-12-31 23:59:59.999999');
SELECT * FROM mega_expire_credits('2020-01-01');
SELECT pg_temp.open('micro');
-- spends until the lot ends: the last one stands before its end, the row of the end not
SELECT mg_credits FROM mega_record_credit(pg_temp.id('spends'), 5000, 'grant', txn_id => 'lotc-spends-a', expires_at => clock_timestamp() + interval '500 milliseconds');
SELECT pg_temp.spend('spends', 's', 1);
DO $$
DECLARE
    ends timestamptz;
BEGIN
    SELECT l.ends INTO ends FROM mega_credit_lots(pg_temp.id('spends')) l;
    PERFORM pg_sleep(extract(epoch FROM ends - clock_timestamp()) - 0.005);
    LOOP
        BEGIN
            PERFORM mega_record_credit(pg_temp.id('spends'), -1, 'spend');
        EXCEPTION WHEN SQLSTATE 'MG001' THEN
            EXIT;
        END;
    END LOOP;
END
$$;
SELECT pg_temp.give('spends', 'none', 1);
SELECT max(mg_created_at) FILTER (WHERE mg_reason = 'spend') < max(ends) AS spends_before, max(mg_created_at) FILTER (WHERE mg_reason = 'expired') >= max(ends) AS ended_behind, sum(mg_delta) AS credits
FROM mega_generations, LATERAL (SELECT to_timestamp(0) + (mg_meta #>> '{mega,ends}')::bigint * interval '1 microsecond') e(ends) WHERE mg_pass_id = pg_temp.id('spends');

--
-- Given twice by one reference, the second time when the first has ended: a replay, and nothing comes.
--
CREATE FUNCTION pg_temp.bonus(ahead interval) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s', mg_credits, replayed) FROM mega_record_credit(pg_temp.id('twice'), 9, 'bonus', ref_type => 'campaign', ref_id => 'lotc-twice', txn_id => 'lotc-twice-a', expires_at => clock_timestamp() + ahead) $$;
SELECT pg_temp.bonus('1 hour'), pg_temp.pass('twice', 'a');
SELECT pg_temp.bonus('1 hour'), pg_temp.bonus('-1 hour');
SELECT written, replayed FROM mega_record_credits(jsonb_build_array(jsonb_build_object('pass_id', pg_temp.id('twice'), 'delta', 9, 'reason', 'bonus', 'ref_type', 'campaign', 'ref_id', 'lotc-twice', 'expires_at', clock_timestamp() + interval '1 hour')));
SELECT expired, credits FROM mega_expire_credits();
SELECT pg_temp.bonus('1 hour'), pg_temp.bonus('-1 hour');
SELECT * FROM pg_temp.ledger('twice');

--
-- What has ended of a lot is nobody's any more: once the rest of it was revoked, what a hold had of it comes back without a lot.
--
SELECT pg_temp.make('rest', 'bare', 'heir');
SELECT pg_temp.give('rest', 'a', 20, 1), pg_temp.give('rest', 'none', 20);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('rest'), 10, 'lotc-rest');
SELECT pg_temp.pass('rest', 'a');
SELECT mg_credits, revoked FROM mega_revoke_credit('lotc-rest', 'lotc-rest-a');
SELECT * FROM mega_release_credit('lotc-rest');
SELECT * FROM pg_temp.ledger('rest');
SELECT pg_temp.open('rest');

--
-- A refund of a hold goes to where all of its rows took from: what was captured beyond it, and late behind a release.
--
SELECT pg_temp.make('over', 'late');
SELECT pg_temp.give('over', 'a', 10, 1), pg_temp.give('over', 'b', 10, 2), pg_temp.give('over', 'none', 10);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('over'), 10, 'lotc-over');
SELECT * FROM mega_capture_credit('lotc-over', 13);
SELECT pg_temp.open('over');
SELECT mg_credits FROM mega_refund_credit('hold:lotc-over', 'lotc-over-1', 2);
SELECT mg_credits FROM mega_refund_credit('hold:lotc-over', 'lotc-over-2');
SELECT pg_temp.open('over');
SELECT pg_temp.give('late', 'a', 10, 1), pg_temp.give('late', 'b', 10, 2), pg_temp.give('late', 'none', 10);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('late'), 8, 'lotc-late');
SELECT * FROM mega_release_credit('lotc-late');
SELECT pg_temp.spend('late', 's', 7);
SELECT * FROM mega_capture_credit('lotc-late');
SELECT pg_temp.open('late');
SELECT mg_credits FROM mega_refund_credit('capture:lotc-late', 'lotc-late');
SELECT pg_temp.open('late');
SELECT * FROM pg_temp.ledger('late');

--
-- Who has no lots, but an end, hands credits on with that end: a lot at who gets them.
--
SELECT pg_temp.give('bare', 'none', 10);
UPDATE mega_customers SET mg_expires_at = '2090-01-07' WHERE mg_pass_id = pg_temp.id('bare');
SELECT * FROM mega_transfer_credit(pg_temp.id('bare'), pg_temp.id('heir'), 4, 'lotc-heir');
SELECT mg_id, granted, remaining, ends FROM mega_credit_lots(pg_temp.id('heir'));
SELECT pg_temp.open('bare'), pg_temp.open('heir');

--
-- Somebody's own rows where those of a transfer or of a lot would stand: a transfer is not kept out, a lot is told so.
--
SELECT pg_temp.make('way', 'way-to');
SELECT pg_temp.give('way', 'a', 5, 1), pg_temp.give('way', 'b', 5, 2), pg_temp.give('way', 'c', 5, 3), pg_temp.give('way', 'none', 5);
INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id) VALUES ('credit_transaction:transfer:lotc-way:in:2', pg_temp.id('way'), 1, 'raw', NULL, NULL),
    ('credit_transaction:lotc-way-raw', pg_temp.id('way'), 1, 'transfer_in_3', 'transfer', 'lotc-way'), ('credit_transaction:lot:lotc-way:in', pg_temp.id('way'), 1, 'lot_in', NULL, NULL);
SELECT * FROM mega_transfer_credit(pg_temp.id('way'), pg_temp.id('way-to'), 18, 'lotc-way');
SELECT * FROM mega_transfer_credit(pg_temp.id('way'), pg_temp.id('way-to'), 18, 'lotc-way');
SELECT regexp_replace(replace(mg_id, 'lotc-', ''), '[0-9a-f]{8}-[0-9a-f-]{27}', '…') AS mg_id, mg_delta, mg_reason, mg_ref_id, mg_meta #> '{mega,ends}' IS NOT NULL AS lot FROM mega_generations WHERE mg_pass_id = pg_temp.id('way-to') ORDER BY mg_created_at, mg_reason;
SELECT what, pg_temp.outcome(format($$SELECT mega_make_lot(pg_temp.id('way'), 'lotc-way', %s, '2090-01-01')$$, amount)) FROM (VALUES ('all', 'NULL'), ('as much', '1'), ('more', '2')) v(what, amount);
SELECT pg_temp.open('way');
SELECT pg_temp.open('way-to') ~ '18 to spend, 5 end next; transfer:way:in 5/5.*5/5.*5/5' AS three_lots;

--
-- A thousand open lots: no function makes another. What goes back opens its lot again all the same, and a merge is not
-- kept from its customers, not even by the lot that it makes itself.
--
SELECT written FROM mega_record_credits((SELECT jsonb_agg(jsonb_build_object('pass_id', pg_temp.id('full'), 'delta', 1, 'reason', 'grant', 'txn_id', 'lotc-full-' || n, 'expires_at', '2090-01-01'::timestamptz + n * interval '1 minute')) FROM generate_series(1, 999) n));
SELECT pg_temp.give('full', 'last', 1, 1), pg_temp.give('full', 'none', 10), pg_temp.give('half', 'a', 10, 1);
SELECT what, pg_temp.outcome('SELECT ' || call) FROM (VALUES ('grant', $$pg_temp.give('full', 'x', 1, 1)$$),
    ('top-up', $$mega_record_topup(pg_temp.id('full'), 1, 5, expires_at => '2090-01-01')$$),
    ('batch', $$mega_record_credits(jsonb_build_array(jsonb_build_object('pass_id', pg_temp.id('full'), 'delta', 1, 'reason', 'grant', 'expires_at', '2090-01-01'::timestamptz)))$$),
    ('transfer', $$mega_transfer_credit(pg_temp.id('half'), pg_temp.id('full'), 1, 'lotc-full')$$),
    ('make lot', $$mega_make_lot(pg_temp.id('full'), 'lotc-full', 1, '2090-01-01')$$)) v(what, call);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('full'), 2, 'lotc-full');
SELECT pg_temp.give('full', 'x', 1, 2), pg_temp.give('full', 'y', 1, 2);
SELECT outcome FROM mega_release_credit('lotc-full');
SELECT count(*), sum(remaining) FROM mega_credit_lots(pg_temp.id('full'));
UPDATE mega_customers SET mg_expires_at = '2095-01-01' WHERE mg_pass_id = pg_temp.id('full');
SELECT mg_credits FROM mega_merge_customers(pg_temp.id('full'), pg_temp.id('half'));
SELECT count(*), sum(remaining), max(ends) FROM mega_credit_lots(pg_temp.id('half'));
SELECT pg_temp.outcome($$SELECT pg_temp.give('half', 'x', 1, 1)$$);
SELECT * FROM mega_reconcile_lots(pg_temp.id('half'));

--
-- Behind an end that nobody has settled every function settles it before it moves anything, and counts without it.
--
CREATE FUNCTION pg_temp.writer(what text, call text) RETURNS TABLE (ended boolean, rows text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mega_ensure_customer(pg_temp.id('w-' || what)), mega_ensure_customer(pg_temp.id('w-' || what || '-to'));
    PERFORM pg_temp.give('w-' || what, 'none', 10), pg_temp.give('w-' || what, 'a', 10, 1), pg_temp.give('w-' || what, 'b', 10, 2);
    PERFORM mega_hold_credit(pg_temp.id('w-' || what), 2, 'lotc-w-' || what), pg_temp.spend('w-' || what, 's', 1), pg_temp.pass('w-' || what, 'a');
    EXECUTE 'SELECT ' || replace(replace(call, '$of', quote_literal(pg_temp.id('w-' || what))), '$id', '''lotc-w-' || what || '''');
    RETURN QUERY SELECT EXISTS (SELECT FROM mega_generations WHERE mg_id = 'credit_transaction:lotc-w-' || what || '-a' AND mg_meta #> '{mega,ended}' IS NOT NULL),
        (SELECT string_agg(concat_ws(' ', replace(l.txn_id, 'w-' || what, '#'), l.delta, replace(l.lots, 'w-' || what, '#')), '; ') FROM (SELECT * FROM pg_temp.ledger('w-' || what) OFFSET 5) l);
END
$$;
SELECT what, w.ended, w.rows FROM (VALUES ('grant', $$mega_record_credit($of, 5, 'grant', txn_id => $id)$$), ('lot', $$mega_record_credit($of, 5, 'grant', txn_id => $id, expires_at => '2090-01-05')$$),
    ('spend', $$mega_record_credit($of, -12, 'spend', txn_id => $id)$$), ('batch', $$mega_record_credits(jsonb_build_array(jsonb_build_object('pass_id', $of, 'delta', -12, 'reason', 'spend', 'txn_id', $id)))$$),
    ('topup', $$mega_record_topup($of, 1, 5)$$),
    ('hold', $$mega_hold_credit($of, 12, $id || '2')$$), ('capture', $$mega_capture_credit($id, 1)$$), ('over', $$mega_capture_credit($id, 13)$$), ('release', $$mega_release_credit($id)$$),
    ('refund', $$mega_refund_credit($id || '-s', $id)$$), ('revoke', $$mega_revoke_credit($id, $id || '-b')$$), ('ended', $$mega_revoke_credit($id, $id || '-a', allow_negative => true)$$),
    ('out', $$mega_transfer_credit($of, $of || '-to', NULL, $id)$$), ('in', $$mega_record_credit($of || '-to', 5, 'grant'), mega_transfer_credit($of || '-to', $of, 5, $id)$$),
    ('make', $$mega_make_lot($of, $id, NULL, '2090-01-05')$$), ('merge', $$mega_merge_customers($of || '-to', $of)$$), ('expire', $$mega_expire_credits()$$)) v(what, call), LATERAL pg_temp.writer(what, call) w;
-- what writes no row settles nothing, and what is refused neither
SELECT what, w.ended, w.rows FROM (VALUES ('whole', $$mega_capture_credit($id)$$), ('again', $$mega_record_credit($of, 10, 'grant', txn_id => $id || '-none')$$),
    ('toomuch', $$pg_temp.outcome($r$SELECT mega_record_credit('pass:test:lotc-w-toomuch', -21, 'spend')$r$)$$), ('read', $$mega_balance($of), mega_credit_lots($of), mega_topup_due(100), mega_credit_statement($of)$$)) v(what, call), LATERAL pg_temp.writer(what, call) w;
SELECT * FROM mega_reconcile_lots() WHERE mg_pass_id LIKE 'pass:test:lotc-%';
SELECT * FROM mega_reconcile_credits() WHERE mg_pass_id LIKE 'pass:test:lotc-%';
-- whom to charge: by what stands, not by what ended
SELECT pg_temp.give('less', 'a', 20, 1), pg_temp.give('less', 'none', 3), pg_temp.pass('less', 'a');
UPDATE mega_customers SET mg_auto_topup_enabled = true, mg_topup_source = 'shop' WHERE mg_pass_id = pg_temp.id('less');
SELECT mg_pass_id FROM mega_topup_due(3) WHERE mg_pass_id = pg_temp.id('less');
SELECT mg_pass_id FROM mega_topup_due(2) WHERE mg_pass_id = pg_temp.id('less');
BEGIN;
SELECT mg_pass_id, packs FROM mega_claim_topups(3, max_customers => 100000) WHERE mg_pass_id = pg_temp.id('less');
ROLLBACK;

--
-- Ids as long as they can be: a lot of 512 bytes is drawn, given back to, revoked, carried away and ended.
--
SELECT expired > 0 AS swept FROM mega_expire_credits();
\set long 'repeat(''é'', 253)'
SELECT mg_credits FROM mega_record_credit(pg_temp.id('ids'), 20, 'grant', txn_id => 'lotc-1' || :long, expires_at => '2090-01-02');
SELECT mg_credits FROM mega_record_credit(pg_temp.id('ids'), 20, 'grant', txn_id => 'lotc-2' || :long, expires_at => '2090-01-01');
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('ids'), 22, repeat('é', 252));
SELECT outcome FROM mega_capture_credit(repeat('é', 252), 21);
SELECT mg_credits FROM mega_refund_credit('hold:' || repeat('é', 252), repeat('r', 505), 2);
SELECT revoked FROM mega_revoke_credit(repeat('v', 505), 'lotc-2' || :long, allow_negative => true);
SELECT mg_credits FROM mega_refund_credit('revoke:' || repeat('v', 505), 'lotc-ids', 4);
SELECT from_credits, to_credits FROM mega_transfer_credit(pg_temp.id('ids'), pg_temp.id('ids2'), NULL, repeat('t', 499));
SELECT count(*), max(octet_length(mg_id)) - 19 AS longest, sum(remaining) FROM mega_credit_lots(pg_temp.id('ids2'));
SELECT pg_temp.give('ids2', 'none', 5);
SELECT octet_length(mg_id) - 19 AS bytes, mg_credits FROM mega_make_lot(pg_temp.id('ids2'), repeat('m', 504), 5, '2090-01-03');
SELECT pg_temp.outcome($$SELECT mega_make_lot(pg_temp.id('ids2'), repeat('m', 505), 5, '2090-01-03')$$) ~ '^22023' AS refused;
SELECT pg_temp.move_end('ids', 'lotc-1' || :long, '2020-01-01'), pg_temp.move_end('ids', 'lotc-2' || :long, '2020-01-01');
SELECT expired, credits FROM mega_expire_credits();
SELECT mg_delta, regexp_replace(mg_reason, '[0-9]', '#') AS reason, mg_meta #>> '{mega,ended}' AS ended, (SELECT string_agg(left(v ->> 0, 6) || ' ' || (v ->> 1), ', ') FROM jsonb_array_elements(mg_meta #> '{mega,lots}') v) AS lots
FROM mega_generations WHERE mg_pass_id = pg_temp.id('ids') ORDER BY mg_created_at, mg_id COLLATE "C";
SELECT count(*) AS differ FROM mega_reconcile_lots() WHERE mg_pass_id LIKE 'pass:test:lotc-ids%';

--
-- DROP EXTENSION and CREATE EXTENSION: open lots, holds from them and ends that came meanwhile are as they were.
--
SELECT pg_temp.give('gone', 'a', 10, 1), pg_temp.give('gone', 'b', 10, 2), pg_temp.give('gone', 'none', 10);
SELECT mg_credits FROM mega_hold_credit(pg_temp.id('gone'), 12, 'lotc-gone');
SELECT pg_temp.open('gone');
BEGIN;
SET LOCAL client_min_messages = error;
DROP EXTENSION mega CASCADE;
INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:lotc-gone-raw', 'credit_transaction', pg_temp.id('gone'), -4, 'raw');
UPDATE mega_customers SET mg_credits = mg_credits - 4 WHERE mg_pass_id = pg_temp.id('gone');
CREATE EXTENSION mega;
SELECT pg_temp.pass('gone', 'a');
SELECT pg_temp.open('gone');
SELECT * FROM mega_release_credit('lotc-gone');
SELECT * FROM pg_temp.ledger('gone');
SELECT pg_temp.open('gone');
SELECT expired, credits FROM mega_expire_credits();
SELECT mg_pass_id, what, stored, ledger FROM mega_open_books(trust => 'ledger') b(mg_pass_id, what, stored, ledger) WHERE mg_pass_id = pg_temp.id('gone');
ROLLBACK;
SELECT pg_temp.open('gone');
