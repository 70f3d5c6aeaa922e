# Whoever changes the tables while functions write: no call is lost, none counts twice, every index has every row. And
# transactions in two phases, and sessions that remember where a customer stood.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $rounds = $ENV{MEGA_DDL_ROUNDS} // 2;
my $writers = 3;
my $customers = 5;
my $node = start_node('ddl', 'max_prepared_transactions = 10', 'deadlock_timeout = 100ms', 'synchronous_commit = off');
my $files = PostgreSQL::Test::Utils::tempdir();

$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION mega');
$node->safe_psql('shop', qq{
    SELECT mega_ensure_customer(pass_id => 'pass:shopify:' || n) FROM generate_series(1, $customers) n;
    SELECT mega_create_generation('pass:shopify:' || n, 'g' || n) FROM generate_series(1, $customers) n;
    SELECT mega_record_credit('pass:shopify:' || n, 100000, 'grant') FROM generate_series(1, $customers) n;
    CREATE SCHEMA studio;
    CREATE FUNCTION studio.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END';
    CREATE FUNCTION studio.is_fine(delta integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
    CREATE FUNCTION studio.shout(said text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN upper(said); END';
});

changes_under_fire();
two_phases();
snapshots();
every_index_has_every_row();

$node->stop;
done_testing();

# What a studio does to its tables on a working day. A statement may lose against the writers (deadlock, lock timeout):
# then it is tried again.
sub changes {
    return (
        'ALTER TABLE mega_generations ADD COLUMN studio_tag text',
        'REINDEX TABLE CONCURRENTLY mega_customers',
        "ALTER TABLE mega_generations ALTER COLUMN studio_tag SET DEFAULT 'none'",
        'CREATE INDEX CONCURRENTLY studio_delta ON mega_generations (mg_pass_id, mg_delta)',
        'ALTER TABLE mega_generations ALTER COLUMN studio_tag DROP DEFAULT',
        'REINDEX INDEX CONCURRENTLY mega_generations_pkey',
        'CREATE TRIGGER studio BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION studio.nothing()',
        'CREATE INDEX CONCURRENTLY studio_balance ON mega_customers (mg_credits)',
        'DROP TRIGGER studio ON mega_generations',
        'REINDEX INDEX CONCURRENTLY mega_generations_credit_reference_key',
        'ALTER TABLE mega_generations ADD CONSTRAINT studio CHECK (studio.is_fine(mg_delta)) NOT VALID',
        'CREATE INDEX CONCURRENTLY studio_shout ON mega_generations (studio.shout(mg_reason)) WHERE studio.is_fine(mg_delta)',
        q{CREATE OR REPLACE FUNCTION studio.is_fine(delta integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN delta IS NULL OR delta < 1000000; END'},
        'ALTER TABLE mega_generations VALIDATE CONSTRAINT studio',
        'ALTER TABLE mega_generations DROP CONSTRAINT studio',
        'DROP INDEX CONCURRENTLY studio_shout',
        'VACUUM FULL mega_customers',
        'CREATE TRIGGER studio AFTER UPDATE ON mega_customers FOR EACH ROW EXECUTE FUNCTION studio.nothing()',
        'SELECT count(*) FROM mega_install()',
        'DROP TRIGGER studio ON mega_customers',
        'CREATE UNIQUE INDEX CONCURRENTLY studio_unique ON mega_generations (mg_id, mg_created_at)',
        'ALTER TABLE mega_generations DROP COLUMN studio_tag',
        'VACUUM (INDEX_CLEANUP ON) mega_generations',
        'REINDEX TABLE CONCURRENTLY mega_generations',
        'ALTER TABLE mega_customers ADD COLUMN studio_note integer DEFAULT 7',
        'ALTER TABLE mega_customers ALTER COLUMN studio_note DROP DEFAULT',
        'VACUUM FULL mega_generations',
        'CLUSTER mega_customers USING mega_customers_pkey',
        'ALTER TABLE mega_customers REPLICA IDENTITY FULL',
        'DROP INDEX CONCURRENTLY studio_delta',
        'DROP INDEX CONCURRENTLY studio_balance',
        'DROP INDEX CONCURRENTLY studio_unique',
        'ALTER TABLE mega_customers REPLICA IDENTITY DEFAULT, DROP COLUMN studio_note',
    );
}

# A writer notes the key of each movement that was answered, and goes on until the file `stop` is there.
sub writer {
    my ($number) = @_;
    my $client = mega_client->connect($node, 'shop', "$files/errors");
    open my $noted, '>', "$files/noted.$number" or die "noted: $!";
    $noted->autoflush(1);
    $client->rows('PREPARE movement (text, int, text) AS SELECT replayed FROM mega_record_credit($1, $2, $$order$$, ref_type => $$order$$, ref_id => $3)');
    my %states;
    for (my $turn = 0; !-e "$files/stop"; $turn++) {
        my $pass_id = 'pass:shopify:' . (1 + int rand $customers);
        my $key = "$number-$turn";
        my $delta = 1 + int rand 9;
        my $kind = $turn % 6;
        my @answer =
            $kind < 2  ? $client->run("EXECUTE movement('$pass_id', $delta, '$key')")
          : $kind == 2 ? $client->run("SELECT 'f' FROM mega_hold_credit('$pass_id', $delta, '$key'), mega_capture_credit('$key', 1)")
          : $kind == 3 ? $client->run("SELECT 'f' FROM mega_record_mma_event('$pass_id', 'like', '{\"tag\": \"t\"}', event_id => '$key')")
          : $kind == 4 ? $client->run("SELECT 'f' FROM mega_append_mma_step('g' || (1 + $turn % $customers), 'scan', '{\"key\": \"$key\"}')")
          : $client->run("INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id)
                VALUES ('credit_transaction:$key', '$pass_id', $delta, 'order', 'order', '$key') RETURNING 'f'");
        die "the connection was lost at $key\n" if !@answer;
        $states{ $answer[0] }++;
        next if $answer[0] =~ /^(40001|40P01)$/; # the tables were changed under the call: try again
        die "$key: @answer\n" if "@answer" ne '00000 f';
        if ($kind < 2) { # once more is a replay
            my @again = $client->run("EXECUTE movement('$pass_id', $delta, '$key')");
            die "$key again: @again\n" if "@again" ne '00000 t' && $again[0] !~ /^(40001|40P01)$/;
            print $noted "$delta order $key\n";
        }
        print $noted "$delta order $key\n" if $kind == 5;
        print $noted "-1 hold $key\n" if $kind == 2;
    }
    close $noted;
    $client->close;
    open my $summary, '>', "$files/states.$number" or die "states: $!";
    print $summary join ' ', map { "$_=$states{$_}" } sort keys %states;
    close $summary;
    return;
}

sub lines_noted { return map { split /\n/, slurp_file($_) } grep { -e } map { "$files/noted.$_" } 1 .. $writers }

# The changes are made again until the writers have written beside them.
sub changes_under_fire {
    my $seed = seed_of_storm();
    my @processes = storm($seed, map { my $number = $_; sub { writer($number) } } 1 .. $writers);
    my $other = mega_client->connect($node, 'shop', "$files/errors");
    $other->rows($_) for "SET lock_timeout = '5s'", "SET client_min_messages = error";
    my @lost;
    my $least = 51;
    for (my $round = 0; $round < $rounds || $round < 20 * $rounds && lines_noted() < $least; $round++) {
        for my $change (changes()) {
            my $state = 'untried';
            for my $try (1 .. 20) {
                ($state) = $other->run($change);
                last if !defined $state || $state eq '00000';
                # an index that was being made is there, but not valid
                $other->run("DROP INDEX IF EXISTS $1") if $change =~ /^CREATE .*INDEX CONCURRENTLY (\w+)/;
            }
            push @lost, "$change: " . ($state // 'connection lost') if ($state // '') ne '00000';
        }
    }
    is(join('; ', @lost), '', 'every change of the tables was made');
    open my $stop, '>', "$files/stop" or die "stop: $!";
    close $stop;
    is(wait_for_storm(@processes), 0, 'no writer met anything but what asks to be tried again');
    note("writer $_: ", -e "$files/states.$_" ? slurp_file("$files/states.$_") : 'died') for 1 .. $writers;

    my (%noted, $sum);
    for my $line (lines_noted()) {
        my ($delta, $kind, $key) = split / /, $line;
        $noted{"$kind $key"} = $delta;
    }
    $sum += $_ for values %noted;
    cmp_ok(scalar keys %noted, '>=', $least, 'the writers wrote while the tables changed: ' . scalar(keys %noted) . ' movements');
    my %stored = map { split /\|/ } split /\n/, $node->safe_psql('shop', q{
        SELECT mg_ref_type || ' ' || mg_ref_id, sum(mg_delta) FROM mega_generations
        WHERE mg_record_type = 'credit_transaction' AND mg_ref_id IS NOT NULL GROUP BY 1});
    is(join(' ', grep { ($stored{$_} // 'none') ne $noted{$_} } sort keys %noted), '', 'every movement that was answered stands once');
    is(join(' ', grep { !exists $noted{$_} && !/hold/ } sort keys %stored), '', 'and no other does');
    is(books_disagree($node, 'shop'), '', 'the books agree (I1)');
    is($node->safe_psql('shop', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', 'the preferences are the fold (I2)');
    is($node->safe_psql('shop', q{SELECT count(*) FROM mega_generations s WHERE mg_record_type = 'mma_step'
        AND mg_step_no <> (SELECT count(*) FROM mega_generations o WHERE o.mg_generation_id = s.mg_generation_id
            AND o.mg_record_type = 'mma_step' AND o.mg_step_no < s.mg_step_no)}), 0, 'steps count without a gap (I7)');
    $other->close;
    return;
}

# A transaction that was prepared keeps the customer locked, whoever is gone; it is committed or rolled back by anybody.
sub two_phases {
    my $one = mega_client->connect($node, 'shop', "$files/errors");
    my $two = mega_client->connect($node, 'shop', "$files/errors");
    my $before = $one->rows(q{SELECT mg_credits FROM mega_customers WHERE mg_pass_id = 'pass:shopify:1'});
    my $rows = $one->rows('SELECT count(*) FROM mega_generations');
    my $write = sub {
        my ($name) = @_;
        $one->rows($_) for 'BEGIN', "SELECT mega_record_credit('pass:shopify:1', 5, 'grant', txn_id => '$name')",
            "SELECT mega_hold_credit('pass:shopify:1', 2, '$name')",
            "SELECT mega_record_mma_event('pass:shopify:1', 'like', '{\"tag\": \"$name\"}')",
            "PREPARE TRANSACTION '$name'";
        return;
    };
    $write->('kept');
    is(($one->run(q{SET lock_timeout = '200ms'; SELECT mega_record_credit('pass:shopify:1', 1, 'grant')}))[0], '55P03',
        'two phases: the same session waits for what it prepared');
    is(($two->run(q{SET lock_timeout = '200ms'; SELECT mega_record_credit('pass:shopify:1', 5, 'grant', txn_id => 'kept')}))[0],
        '55P03', 'two phases: another session does, too');
    $one->close;
    $two->rows(q{COMMIT PREPARED 'kept'});
    is($two->rows(q{SELECT replayed, mg_credits FROM mega_record_credit('pass:shopify:1', 5, 'grant', txn_id => 'kept')}),
        't|' . ($before + 3), 'two phases: what was committed is replayed');
    $one = mega_client->connect($node, 'shop', "$files/errors");
    $write->('lost');
    $node->restart;
    $_->close for $one, $two;
    $_ = mega_client->connect($node, 'shop', "$files/errors") for $one, $two;
    is(($two->run(q{SET lock_timeout = '200ms'; SELECT mega_record_credit('pass:shopify:1', 1, 'grant')}))[0], '55P03',
        'two phases: it is prepared after a restart, too');
    $one->rows(q{ROLLBACK PREPARED 'lost'});
    is($two->rows(q{SELECT replayed, mg_credits FROM mega_record_credit('pass:shopify:1', 5, 'grant', txn_id => 'lost')}),
        'f|' . ($before + 8), 'two phases: what was rolled back was never there');
    is($two->rows('SELECT count(*) FROM mega_generations'), $rows + 4, 'two phases: the rows of one and the last call');
    is(books_disagree($node, 'shop'), '', 'two phases: the books agree (I1)');
    $_->close for $one, $two;
    return;
}

# A session that wrote a customer remembers where; another one changes it meanwhile.
sub snapshots {
    my $one = mega_client->connect($node, 'shop', "$files/errors");
    my $two = mega_client->connect($node, 'shop', "$files/errors");
    my $credit = q{SELECT mg_credits FROM mega_record_credit('pass:shopify:2', 1, 'grant')};
    my $balance = $one->rows($credit);
    for my $level ('REPEATABLE READ', 'SERIALIZABLE') {
        $one->rows($_) for "BEGIN ISOLATION LEVEL $level", 'SELECT count(*) FROM mega_customers';
        $two->rows($credit);
        is(($one->run($credit))[0], '40001', "$level: a customer that was changed since is no customer to write");
        $one->rows('ROLLBACK');
        is($one->rows($credit), $balance += 2, "$level: the next try writes");
        $one->rows($_) for "BEGIN ISOLATION LEVEL $level", $credit;
        is($one->rows($credit), $balance += 2, "$level: twice in a transaction");
        $one->rows('COMMIT');
    }
    $one->rows($_) for 'BEGIN', $credit;
    $one->rows('ROLLBACK');
    is($two->rows($credit), $balance += 1, 'what was rolled back is not where the customer stands');
    is($one->rows($credit), $balance += 1, 'nor for the session that did it');
    $one->rows($_) for 'BEGIN', 'SAVEPOINT a', $credit, 'ROLLBACK TO a';
    $two->rows($credit);
    is($one->rows($credit), $balance += 2, 'nor behind a savepoint');
    $one->rows('COMMIT');
    $_->close for $one, $two;
    return;
}

sub every_index_has_every_row {
    my $indexes = q{SELECT i.indexrelid::regclass, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid IN ('mega_customers'::regclass, 'mega_generations'::regclass)
        AND a.amname = 'btree' ORDER BY 1};
    my %valid = map { split /\|/ } split /\n/, $node->safe_psql('shop', $indexes);
    is(join(' ', grep { $valid{$_} ne 't' } sort keys %valid), '', 'every index is valid');
  SKIP: {
        my ($result) = $node->psql('shop', 'CREATE EXTENSION amcheck');
        skip 'amcheck is not installed', scalar keys %valid if $result != 0;
        for my $index (sort keys %valid) {
            my ($status, $output, $error) = $node->psql('shop', "SELECT bt_index_parent_check('$index', true)");
            is("$status $error", '0 ', "amcheck finds every row in $index");
        }
    }
    return;
}
