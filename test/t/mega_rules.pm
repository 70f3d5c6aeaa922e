# What must be true of the tables whatever was written to them at once: queries, each about one rule, of which none may find
# a row.
package mega_rules;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(rules_of_ledger);

# The ids of the second part of t/010 begin with two-.
my %rules = (
    'I1: balances are sums' => q{SELECT c.mg_pass_id FROM mega_customers c LEFT JOIN mega_generations g ON g.mg_pass_id = c.mg_pass_id AND g.mg_record_type = 'credit_transaction'
        GROUP BY c.mg_pass_id, c.mg_credits HAVING c.mg_credits <> coalesce(sum(g.mg_delta), 0)},
    'I3: what only functions wrote is never below zero' => q{SELECT * FROM (SELECT mg_pass_id, sum(mg_delta) OVER (PARTITION BY mg_pass_id ORDER BY mg_created_at, mg_id COLLATE "C") AS balance
        FROM mega_generations WHERE mg_record_type = 'credit_transaction' AND mg_pass_id IN (BY_FUNCTIONS)) b WHERE balance < 0},
    'I4: a reference is there once' => q{SELECT mg_ref_type, mg_ref_id, mg_reason FROM mega_generations WHERE mg_ref_id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1},
    'a hold is settled once' => q{SELECT h.mg_id, h.mg_status, r.mg_delta, c.mg_delta FROM mega_generations h
        LEFT JOIN mega_generations r ON r.mg_id = 'credit_transaction:release:' || h.mg_ref_id LEFT JOIN mega_generations c ON c.mg_id = 'credit_transaction:capture:' || h.mg_ref_id
        WHERE h.mg_id LIKE 'credit\_transaction:hold:%' AND NOT CASE h.mg_status
            WHEN 'pending' THEN r.mg_id IS NULL AND c.mg_id IS NULL
            WHEN 'failed' THEN r.mg_delta = -h.mg_delta AND c.mg_id IS NULL
            WHEN 'succeeded' THEN coalesce(r.mg_delta = -h.mg_delta, true) AND h.mg_delta + coalesce(r.mg_delta, 0) + coalesce(c.mg_delta, 0) <= 0 ELSE false END},
    'settlements have their hold' => q{SELECT s.mg_id FROM mega_generations s WHERE s.mg_id ~ '^credit_transaction:(capture|release):'
        AND NOT EXISTS (SELECT FROM mega_generations h WHERE h.mg_id = 'credit_transaction:hold:' || s.mg_ref_id AND h.mg_pass_id = s.mg_pass_id)},
    'refunds are no more than was spent' => q{SELECT r.refund_of, r.back, s.spent FROM (SELECT mg_meta #>> '{mega,refund_of}' AS refund_of, sum(mg_delta) AS back FROM mega_generations WHERE mg_ref_type = 'refund' GROUP BY 1) r
        LEFT JOIN LATERAL (SELECT -sum(mg_delta) AS spent FROM mega_generations WHERE mg_id = 'credit_transaction:' || r.refund_of
            OR (r.refund_of LIKE 'hold:%' AND mg_ref_type = 'hold' AND mg_ref_id = substr(r.refund_of, 6))) s ON true WHERE s.spent IS NULL OR r.back > s.spent},
    'I16: what is revoked and not restored is no more than was granted' => q{SELECT s.* FROM (SELECT g.mg_id, g.mg_delta AS granted, (SELECT sum(-r.mg_delta - coalesce((SELECT sum(u.mg_delta)
        FROM mega_generations u WHERE u.mg_meta #>> '{mega,refund_of}' = substr(r.mg_id, 20)), 0)) FROM mega_generations r WHERE r.mg_meta #>> '{mega,revoke_of}' = substr(g.mg_id, 20)) AS revoked
        FROM mega_generations g) s WHERE revoked < 0 OR revoked > granted},
    'transfers are balanced' => q{SELECT mg_ref_id FROM mega_generations WHERE mg_ref_type = 'transfer' GROUP BY 1 HAVING count(*) < 2 OR sum(mg_delta) <> 0 OR count(DISTINCT coalesce(mg_meta #>> '{mega,from}', mg_pass_id)) <> 2},
    'a tweak and its generation are there together, and are one customer\'s' => q{SELECT e.mg_id, g.mg_id FROM (SELECT * FROM mega_generations WHERE mg_meta #>> '{mega,child}' IS NOT NULL) e
        FULL JOIN (SELECT * FROM mega_generations WHERE mg_record_type = 'generation' AND mg_parent_id IS NOT NULL) g
        ON 'generation:' || (e.mg_meta #>> '{mega,child}') = g.mg_id AND 'generation:' || e.mg_generation_id = g.mg_parent_id AND e.mg_pass_id = g.mg_pass_id WHERE e.mg_id IS NULL OR g.mg_id IS NULL},
    'who was merged has nothing' => q{SELECT mg_pass_id FROM mega_customers c WHERE mg_meta #>> '{mega,merged_into}' IS NOT NULL AND (mg_credits <> 0 OR mg_mma_preferences <> '{}'
        OR EXISTS (SELECT FROM mega_generations g WHERE g.mg_pass_id = c.mg_pass_id))},
    'who was merged was merged into one who goes on' => q{SELECT s.mg_pass_id FROM mega_customers s LEFT JOIN mega_customers t ON t.mg_pass_id = s.mg_meta #>> '{mega,merged_into}'
        WHERE s.mg_meta #>> '{mega,merged_into}' IS NOT NULL AND (t.mg_pass_id IS NULL OR t.mg_meta #>> '{mega,merged_into}' IS NOT NULL OR NOT (t.mg_meta #> '{mega,sources}') @> to_jsonb(s.mg_pass_id))},
    'who was erased left no words behind, nor anybody who was merged into him' => q{SELECT c.mg_pass_id, g.mg_id FROM mega_customers c LEFT JOIN mega_generations g USING (mg_pass_id)
        WHERE c.mg_meta #>> '{mega,erased_at}' IS NOT NULL AND (g::text ~ 'dark|a line|assets\.example|"n"|"k[0-9]"' OR c.mg_deleted_at IS NULL OR c.mg_meta #> '{mega}' ?| '{sources,merged_into}')},
    'I7: steps have their generation, its customer and numbers from 0' => q{SELECT s.mg_id FROM mega_generations s LEFT JOIN mega_generations g ON g.mg_id = s.mg_parent_id
        WHERE s.mg_record_type = 'mma_step' AND (g.mg_id IS NULL OR g.mg_pass_id IS DISTINCT FROM s.mg_pass_id OR s.mg_step_no < 0 OR s.mg_id <> format('mma_step:%s:%s', g.mg_generation_id, s.mg_step_no))},
    'I8: events belong to their generation\'s customer' => q{SELECT e.mg_id FROM mega_generations e JOIN mega_generations g ON g.mg_id = 'generation:' || e.mg_generation_id
        WHERE e.mg_record_type = 'mma_event' AND g.mg_pass_id <> e.mg_pass_id},
    'I7: numbers that functions choose have no gaps' => q{SELECT n FROM generate_series(0, (SELECT max(mg_step_no) FROM mega_generations WHERE mg_generation_id = 'two-dense')) n
        EXCEPT SELECT mg_step_no FROM mega_generations WHERE mg_generation_id = 'two-dense'},
    'likes are the last words that are likes, each generation\'s once, without deleted ones' => q{
        WITH told AS (SELECT c.mg_pass_id, l.mg_id, l.mg_generation_id FROM mega_customers c, mega_likes(c.mg_pass_id, 1000) l WHERE c.mg_meta #>> '{mega,merged_into}' IS NULL),
            word AS (SELECT DISTINCT ON (mg_pass_id, mg_generation_id) * FROM mega_generations WHERE mg_record_type = 'mma_event' AND mg_generation_id IS NOT NULL AND mg_meta ->> 'event_type' ~ 'like'
                ORDER BY mg_pass_id, mg_generation_id, mg_created_at DESC, mg_id COLLATE "C" DESC),
            liked AS (SELECT w.mg_pass_id, w.mg_id, w.mg_generation_id FROM word w JOIN mega_generations g ON g.mg_id = 'generation:' || w.mg_generation_id
                WHERE g.mg_deleted_at IS NULL AND w.mg_meta ->> 'event_type' = 'like' AND w.mg_meta #>> '{payload,undo}' IS DISTINCT FROM 'true')
        (TABLE told EXCEPT ALL TABLE liked) UNION ALL (TABLE liked EXCEPT ALL TABLE told)},
    'a top-up that was charged is claimed no more' => q{SELECT mg_pass_id, mg_meta #> '{mega,claim}' FROM mega_customers c
        WHERE EXISTS (SELECT FROM jsonb_path_query(c.mg_meta #> '{mega}', 'lax $.keyvalue() ? (@.key like_regex "^claims?$").value.id') id JOIN mega_generations g ON g.mg_id = 'credit_transaction:topup:' || (id #>> '{}'))},
    'who is claimed is handed out to nobody' => q{SELECT t.* FROM mega_claim_topups(1000000, 1000) t JOIN mega_customers c USING (mg_pass_id)
        WHERE EXISTS (SELECT FROM mega_generations g WHERE g.mg_id = 'credit_transaction:topup:' || t.topup_id)
        UNION ALL SELECT * FROM mega_claim_topups(1000000, 1000)},
    'nothing of a deleted generation is handed out' => q{SELECT mg_id FROM mega_generations WHERE mg_id = 'generation:two-gone' AND mg_meta #> '{mega,claim}' IS NOT NULL
        UNION ALL SELECT mg_id FROM mega_generations g, mega_claim_generations('after', 1000) c WHERE g.mg_id = 'generation:' || c.mg_generation_id AND (g.mg_deleted_at IS NOT NULL OR c.mg_mma_status IN ('done', 'error'))},
    'nothing of a deleted generation is shown' => q{SELECT h.mg_id FROM mega_customers c, mega_generation_history(c.mg_pass_id, 1000) h JOIN mega_generations g ON g.mg_id = h.mg_id WHERE g.mg_deleted_at IS NOT NULL
        UNION ALL SELECT l.mg_id FROM mega_generations g, mega_generation(g.mg_generation_id) l WHERE g.mg_record_type = 'generation' AND g.mg_deleted_at IS NOT NULL},
    'mega_reconcile_lots (I15)' => 'SELECT * FROM mega_reconcile_lots()',
    'mega_reconcile_credits' => 'SELECT * FROM mega_reconcile_credits()',
    'mega_reconcile_preferences' => 'SELECT * FROM mega_reconcile_preferences()',
);

# By their names. The customers are those to whom functions alone wrote credits.
sub rules_of_ledger {
    my $by_functions = join ', ', map { mega_test::quoted($_) } @_;
    return map { $_ => $rules{$_} =~ s/BY_FUNCTIONS/$by_functions/r } keys %rules;
}

1;
