# DROP EXTENSION mega CASCADE, an application that goes on without it, CREATE EXTENSION again: every row is there, what
# differs is told, and mega_open_books makes the books agree by facts (I1, I2, I14). Twice.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('without');
start_dumps($node);
make_source('source');
my $shape = dump_of('source', '--schema-only');

is(refusal('source', 'DROP EXTENSION mega'), '2BP01', 'DROP EXTENSION alone is refused: triggers and checks need it');

round(1);
mend(1);
round(2);
mend(2);
is($node->safe_psql('source', 'SELECT * FROM mega_validate()'), '', 'every rule is held again');
# The functions' grants went with them, those of the tables stayed.
$node->safe_psql('source', qq{SELECT mega_grant('shop_$_', '$_')}) for qw(reader app admin);
same_text(dump_of('source', '--schema-only'), $shape, 'the tables and all that belongs to them are as before');

$node->stop;
done_testing();

# What an application does to tables that nothing guards. The odd customer is named by the round.
sub write_without_mega {
    my ($round) = @_;
    $node->safe_psql('source', qq{
        UPDATE mega_customers SET mg_credits = mg_credits - 15 WHERE mg_pass_id = 'pass:shopify:7001';
        UPDATE mega_customers SET mg_mma_preferences = '{"tag_weights": {"style.bold": 5}, "theme": "dark $round"}'
            WHERE mg_pass_id = 'pass:shopify:7002';
        INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:shopify:new-$round', 40), ('odd customer $round', 3);
        INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason)
            VALUES ('credit_transaction:alone-$round', 'credit_transaction', 'pass:shopify:7005', 8, 'gift');
        DELETE FROM mega_generations WHERE mg_id = 'credit_transaction:bulk-$round';
        UPDATE mega_generations SET mg_delta = mg_delta + 100 WHERE mg_id = 'credit_transaction:bulk-1$round';
        INSERT INTO mega_generations (mg_id, mg_record_type, mg_generation_id, mg_pass_id, mg_mma_status, mg_output_url) VALUES
            ('generation:finished-$round', 'generation', 'finished-$round', 'pass:shopify:7001', 'finished', NULL),
            ('generation:signed-$round', 'generation', 'signed-$round', 'pass:shopify:7001', 'done',
                'https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=5f0c');
        INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_meta) VALUES
            ('mma_event:alone-$round', 'mma_event', 'pass:shopify:7001', '{"event_type": "like", "payload": {"tag": "style.minimal"}}'),
            ('mma_event:odd-$round', 'mma_event', 'pass:shopify:7001', '{"event_type": "love", "payload": {"tag": "style.minimal"}}')});
    return;
}

sub round {
    my ($round) = @_;
    my $name = "round $round";
    my $answers = sub {
        my ($statement, $answer, $what) = @_;
        is($node->safe_psql('source', $statement), $answer, "$name: $what");
    };
    my $rows = rows_of('source');
    $node->safe_psql('source', 'DROP EXTENSION mega CASCADE');
    same_text(rows_of('source'), $rows, "$name: DROP EXTENSION leaves every row");
    is(triggers_of('source'), '', "$name: no trigger stays");
    $answers->(q{SELECT conname FROM pg_constraint WHERE conrelid::regclass::text LIKE 'mega%' AND contype = 'c' ORDER BY 1},
        "mega_generations_credit_requires_fields\nmega_generations_mma_event_requires_fields\n"
          . 'mega_generations_mma_step_requires_fields', 'the checks without functions stay');
    $answers->(q{SELECT count(*) FROM pg_proc WHERE proname LIKE 'mega%'}, 0, 'no function stays');

    write_without_mega($round);
    is(refusal('source', q{INSERT INTO mega_customers (mg_pass_id, mg_shopify_customer_id) VALUES ('twice', '7001')}),
        '23505', "$name: keys are held without mega");
    $rows = rows_of('source');
    my ($status, $output, $told) = $node->psql('source', 'CREATE EXTENSION mega');
    is($status, 0, "$name: CREATE EXTENSION adopts the tables");
    same_text(rows_of('source'), $rows, "$name: every row is as the application left it");
    my @told = $told =~ /WARNING:  mega: (.*skip.*)/g;
    is(join("\n", @told), "mega_customers_pass_id_shape: skip constraint: 1 row breaks it: odd customer $round\n"
          . "mega_generations_output_url_permanent: skip constraint: 1 row breaks it: generation:signed-$round",
        "$name: it tells which rules rows break");
    $answers->(q{SELECT object, offenders, example FROM mega_validate() ORDER BY object COLLATE "C"}, join("\n",
            "mega_customers_pass_id_shape|1|odd customer $round", "mega_generations.mg_meta|1|mma_event:odd-$round",
            "mega_generations.mg_mma_status|1|generation:finished-$round",
            "mega_generations_output_url_permanent|1|generation:signed-$round"), 'mega_validate lists what breaks rules');
    same_text(rows_of('source'), $rows, "$name: looking changes nothing");
    open_books($round, $name);
    go_on($round, $name);
    return;
}

sub open_books {
    my ($round, $name) = @_;
    my $balances = 'SELECT mg_pass_id, mg_credits FROM mega_customers ORDER BY 1';
    my $stored = $node->safe_psql('source', $balances);
    my $rows = rows_of('source');
    my $count = $node->safe_psql('source', 'SELECT count(*) FROM mega_generations');
    my $dry = $node->safe_psql('source', 'SELECT * FROM mega_open_books(dry_run => true)');
    like($dry, qr/^pass:shopify:7001\|credits\|balance (-?\d+), ledger (-?\d+)\|balance \1, ledger \1$/m,
        "$name: a balance changed by hand is told");
    is(join(' ', $dry =~ /^(\S+|odd customer \d)\|credits/mg), "odd customer $round pass:shopify:7001 pass:shopify:7005 "
          . "pass:shopify:new-$round pass:user:7a000000-0000-4000-8000-000000000001", "$name: so are all others");
    is(join(' ', $dry =~ /^(\S+)\|preferences/mg), 'pass:shopify:7001 pass:shopify:7002',
        "$name: snapshots without their events are told");
    same_text(rows_of('source'), $rows, "$name: a dry run changes nothing");
    same_text($node->safe_psql('source', 'SELECT * FROM mega_open_books()'), $dry, "$name: mega_open_books does what it said");
    is($node->safe_psql('source', $balances), $stored, "$name: what was stored stays");
    cmp_ok($node->safe_psql('source', 'SELECT count(*) FROM mega_generations'), '>', $count, "$name: by facts in the ledger");
    check_books('source', $name);
    is($node->safe_psql('source', 'SELECT * FROM mega_open_books()'), '', "$name: a second time there is nothing to open");
    return;
}

# Further writes, of customers whose rows break rules too.
sub go_on {
    my ($round, $name) = @_;
    my $answers = sub {
        my ($statement, $answer, $what) = @_;
        is($node->safe_psql('source', $statement), $answer, "$name: $what");
    };
    $answers->(qq{SELECT mg_credits FROM mega_record_credit('odd customer $round', 4, 'gift')}, 7, 'the next movement adds up');
    $answers->(q{SELECT replayed FROM mega_record_credit('pass:shopify:7001', 200, 'order', 'shopify', 'shopify_order',
        '5987214360921')}, 't', 'an order from before is a replay (I4)');
    $answers->(qq{SELECT preferences -> 'tag_weights' ->> 'style.bold', preferences ->> 'theme' FROM
        mega_record_mma_event('pass:shopify:7002', 'like', '{"tag": "style.bold"}')}, "6|dark $round", 'the next event adds up');
    is(refusal('source', 'DELETE FROM mega_generations'), 'MG005', "$name: the ledger is append-only again");
    is(refusal('source', 'UPDATE mega_customers SET mg_credits = 0'), 'MG006', "$name: balances are derived again");
    is(refusal('source', q{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_output_url) VALUES ('generation:x',
        'pass:shopify:7001', 'https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=5f0c')}), '23514',
        "$name: an expiring URL is refused again");
    check_books('source', "$name, written to");
    return;
}

# The owner mends the rows, facts with the triggers off; then mega_validate adds what could not be held.
sub mend {
    my ($round) = @_;
    $node->safe_psql('source', qq{
        UPDATE mega_generations SET mg_output_url = 'https://assets.example.com/a.png' WHERE mg_id = 'generation:signed-$round';
        SET session_replication_role = replica;
        UPDATE mega_generations SET mg_mma_status = 'done' WHERE mg_id = 'generation:finished-$round';
        UPDATE mega_generations SET mg_meta = jsonb_set(mg_meta, '{event_type}', '"create"') WHERE mg_id = 'mma_event:odd-$round';
        UPDATE mega_generations SET mg_pass_id = 'pass:odd:$round' WHERE mg_pass_id = 'odd customer $round';
        UPDATE mega_customers SET mg_pass_id = 'pass:odd:$round' WHERE mg_pass_id = 'odd customer $round'});
    is($node->safe_psql('source', 'SELECT object, offenders, action FROM mega_validate()'),
        "mega_customers_pass_id_shape|0|added\nmega_generations_output_url_permanent|0|added",
        "round $round: once the rows are mended, mega_validate adds the rules");
    check_books('source', "round $round, mended");
    return;
}
