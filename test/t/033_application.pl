# An application as it is (test/client/studio.js, through node's pg, thirty at once): tables as it made them, clean and a
# year old, with the settings for applications as they are. Nothing is refused but what the rules are meant for; the books
# agree, no order counts twice, nothing of the application's is lost, and two windows that expire a balance leave zero.
use strict;
use warnings;

use File::Basename;
use JSON::PP;
use lib dirname(__FILE__);
use mega_test;
use PostgreSQL::Test::Utils;
use Test::More;

my $workers = 30;
my $rounds = $ENV{MEGA_APPLICATION_ROUNDS} // 4;
my $seed = seed_of_storm() % 1_000_000;
my $node = start_node('application', 'max_connections = 80', 'fsync = off');

# Its own tables: the specification's columns, its own keys, defaults and columns, none of mega's rules.
my $tables = q{
    CREATE EXTENSION mega;
    DROP EXTENSION mega CASCADE;
    DO $$
    DECLARE one record;
    BEGIN
        FOR one IN SELECT conrelid::regclass t, conname FROM pg_constraint WHERE conrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass, 'mega_admin'::regclass) AND contype IN ('c', 'f') LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.t, one.conname);
        END LOOP;
        FOR one IN SELECT indexrelid::regclass t FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE c.relname IN ('mega_customers', 'mega_generations', 'mega_admin') AND NOT indisprimary LOOP
            EXECUTE format('DROP INDEX %s', one.t);
        END LOOP;
        FOR one IN SELECT attrelid::regclass t, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE c.relname IN ('mega_customers', 'mega_generations', 'mega_admin') AND attname IN ('mg_created_at', 'mg_updated_at') LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT timezone(''utc'', now())', one.t, one.attname);
        END LOOP;
    END $$;
    ALTER TABLE mega_generations ADD COLUMN mg_event_at timestamptz, ADD COLUMN mg_cost_document jsonb,
        ADD FOREIGN KEY (mg_pass_id) REFERENCES mega_customers ON UPDATE CASCADE;
    ALTER TABLE mega_customers ADD COLUMN mg_admin_allowlist boolean, DROP COLUMN mg_verified_any,
        ADD COLUMN mg_verified_any boolean GENERATED ALWAYS AS (coalesce(mg_verified_email, false) OR coalesce(mg_verified_google, false) OR coalesce(mg_verified_apple, false)) STORED;
    ALTER TABLE mega_admin ADD COLUMN mg_code text, ADD COLUMN mg_message text, ADD COLUMN mg_stack text;};

# What a year leaves: sums that were lost, an order twice, an admin who granted twice, visitors and words of its own.
my $year = q{
    INSERT INTO mega_customers (mg_pass_id, mg_credits, mg_mma_preferences) VALUES ('pass:shopify:1', 70, '{"pool": ["old"], "hard_blocks": ["block.old"], "tag_weights": {"tag.old": 3}}'),
        ('pass:shopify:2', -5, '{}'), ('5b0a7f1e-0000-4000-8000-000000000001', 3, '{}');
    INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status) VALUES
        ('credit_transaction:y1', 'credit_transaction', 'pass:shopify:1', 50, 'shopify-order', 'shopify_order', 'old-1', 'succeeded'),
        ('credit_transaction:y2', 'credit_transaction', 'pass:shopify:1', 50, 'shopify-order', 'shopify_order', 'old-1', 'succeeded'),
        ('credit_transaction:y3', 'credit_transaction', 'pass:shopify:2', 1, 'manual', 'admin', 'admin-1', 'succeeded'),
        ('credit_transaction:y4', 'credit_transaction', 'pass:shopify:2', 1, 'manual', 'admin', 'admin-1', 'succeeded');
    INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_generation_id, mg_mma_mode, mg_mma_status, mg_status) VALUES
        ('generation:y1', 'generation', '5b0a7f1e-0000-4000-8000-000000000001', 'y1', 'audio', 'ready', 'ready');
    INSERT INTO mega_admin (mg_id, mg_record_type, mg_code) VALUES ('0d000000-0000-4000-8000-000000000001', 'error', 'E0');};

my %settings = (derived_writes => 'ignore', extra_event_types => 'view, share, unknown', extra_mma_statuses => 'suggested', extra_mma_modes => 'fingertips',
    extra_admin_record_types => 'error', unkeyed_ref_types => 'admin', pass_ids => 'any', steps => 'fill', deletes => 'mark', raw_overdraft => 'refuse');

# What the application sends that a rule is meant for, and the answers it may get.
my %meant = (
    'sign-up' => [], 'sign-up row' => ['23505'], 'customer insert' => ['23505'], 'order' => ['23505'], 'session' => ['23505'], 'step' => ['23505'],
    'charge' => ['MG001'], 'expiry' => ['MG001'], 'status scanning' => ['MG007'], 'status done' => ['23514', 'MG008'], 'config version' => []);

sub run_application {
    my ($database) = @_;
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    local $ENV{PGUSER} = 'shop';
    local $ENV{PGDATABASE} = $database;
    my ($printed, $complaints) = ('', '');
    my $done = IPC::Run::run([ 'node', dirname(__FILE__) . '/../client/studio.js', $workers, $rounds, $seed ], '>', \$printed, '2>', \$complaints);
    ok($done, "$database: the application went through") or diag($complaints);
    return $done ? decode_json($printed) : { refused => {}, last => {} };
}

$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN');
for my $database ('clean', 'year_old') {
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, $tables);
    $node->safe_psql($database, $year) if $database eq 'year_old';
    $node->safe_psql($database, q{SET mega.install = off; CREATE EXTENSION mega});
    $node->safe_psql($database, "ALTER DATABASE $database SET mega.$_ = '$settings{$_}'") for keys %settings;
    $node->safe_psql($database, q{SELECT mega_install(); SELECT mega_open_books(); ALTER ROLE shop SET client_min_messages = 'error';
        GRANT SELECT, INSERT, UPDATE, DELETE ON mega_customers, mega_generations, mega_admin TO shop});
    is($node->safe_psql($database, q{SELECT string_agg(indexname, ' ') FROM pg_indexes WHERE indexname ~ 'credit_reference'}),
        $database eq 'clean' ? 'mega_generations_credit_reference_key' : 'mega_generations_credit_reference', "$database: how the key of references is held");

    my $told = run_application($database);
    my @unmeant = grep { my ($what, $code) = /^(.*) (\S+)$/; !grep { $_ eq $code } @{ $meant{$what} // [] } } sort keys %{ $told->{refused} };
    is_deeply(\@unmeant, [], "$database: nothing was refused but what a rule is meant for");
    diag("$database: " . join(', ', map { "$_: $told->{refused}{$_}" } sort keys %{ $told->{refused} }));
    ok($told->{refused}{'order 23505'} > 0 && $told->{refused}{'status scanning MG007'} > 0, "$database: and that was refused");

    is(books_disagree($node, $database), '', "$database: every balance is the sum of its ledger (I1)");
    is($node->safe_psql($database, 'SELECT * FROM mega_reconcile_preferences()'), '', "$database: every snapshot is the fold of its events (I2)");
    is($node->safe_psql($database, q{SELECT mg_ref_id FROM mega_generations WHERE mg_ref_type IN ('shopify_order', 'mma_charge', 'free_signup') AND mg_id !~ ':y[0-9]$'
        GROUP BY mg_ref_type, mg_ref_id, mg_reason HAVING count(*) > 1}), '', "$database: no order counts twice");
    cmp_ok($node->safe_psql($database, q{SELECT max(n) FROM (SELECT count(*) n FROM mega_generations WHERE mg_ref_type = 'admin' GROUP BY mg_ref_id) c}), '>', 2,
        "$database: one admin grants many times");
    is($node->safe_psql($database, q{SELECT mg_pass_id, mg_credits FROM mega_customers WHERE mg_credits < 0 AND mg_pass_id <> 'pass:shopify:2'}), '', "$database: no balance is below zero");
    is($node->safe_psql($database, q{SELECT count(*), min(mg_credits), max(mg_credits) FROM mega_customers WHERE mg_pass_id ~ 'shopify:80[0-9]$'}), '10|0|0',
        "$database: two windows that expire a balance leave zero");
    is($node->safe_psql($database, q{SELECT count(*) FROM mega_generations WHERE mg_mma_status = 'done' AND mg_output_url ~ 'Signature'}), 0, "$database: no signed URL is stored");
    my %pool = map { my ($pass, $pool) = split /\|/, $_, 2; ($pass => decode_json($pool)) } split /\n/,
        $node->safe_psql($database, q{SELECT mg_pass_id, mg_mma_preferences -> 'pool' FROM mega_customers WHERE mg_mma_preferences ? 'pool' AND mg_pass_id <> 'pass:shopify:1'});
    is_deeply(\%pool, $told->{last}, "$database: the application's own keys are as it last wrote them");
    is($node->safe_psql($database, q{SELECT mg_id FROM mega_generations g JOIN mega_customers c USING (mg_pass_id)
        WHERE mg_record_type = 'mma_event' AND NOT mg_mma_preferences -> 'hard_blocks' ? (g.mg_meta #>> '{payload,hard_block}')}), '', "$database: no block is lost");
    is($node->safe_psql($database, q{SELECT count(*) FROM mega_generations WHERE mg_record_type = 'generation' AND mg_deleted_at IS NULL AND split_part(mg_generation_id, '-', 2)::int % 2 = 0
        AND mg_generation_id ~ '^w'}), 0, "$database: what it deletes is marked");
    is($node->safe_psql($database, q{SELECT mg_mma_preferences ->> 'pool', mg_mma_preferences -> 'hard_blocks' ? 'block.old' FROM mega_customers WHERE mg_pass_id = 'pass:shopify:1'}),
        '["old"]|t', "$database: and what a year left is there") if $database eq 'year_old';
}
$node->stop;
done_testing();
