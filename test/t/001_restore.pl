# Dump and restore lose nothing and change nothing (I14): every way pg_dump and pg_restore know, on a database with
# rows of every kind. The second dump equals the first, byte for byte.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('restore');
my $dumps = PostgreSQL::Test::Utils::tempdir();
my @of_tables = qw(mega_customers mega_generations mega_admin);

$node->safe_psql('postgres', "CREATE ROLE $_") for qw(shop_reader shop_app shop_admin);
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', slurp_file("$FindBin::RealBin/restore.sql"));

my $first = dump_of('source');
cmp_ok(scalar(() = $first =~ /^pass:/mg), '>=', 8, 'the dump holds the customers');
for my $type (qw(session generation feedback credit_transaction mma_step mma_event)) {
    like($first, qr/^$type:\S+\t$type\t/m, "the dump holds a $type");
}
for my $type (qw(admin_session admin_audit profile runtime_config app_config)) {
    like($first, qr/^$type:\S+\t$type\t/m, "the dump holds a row of type $type");
}

# The ways. Each gets the name of an empty database and returns what the restore said.
my %dumped;

sub dumped_as {
    my ($format, @options) = @_;
    my $key = "$format @options";
    if (!$dumped{$key}) {
        $dumped{$key} = "$dumps/" . scalar(keys %dumped) . ".$format";
        my @command = ('pg_dump', "--format=$format", @options, '--file', $dumped{$key}, $node->connstr('source'));
        $node->command_ok(\@command, "pg_dump $key");
    }
    return $dumped{$key};
}

sub by_psql {
    my (@options) = @_;
    return sub {
        my ($database) = @_;
        return run_command([ qw(psql -Xq -v ON_ERROR_STOP=1 -d), $node->connstr($database),
                '-f', dumped_as('plain', @options) ]);
    };
}

sub by_pg_restore {
    my ($format, $dump_options, @options) = @_;
    return sub {
        my ($database) = @_;
        return run_command([ qw(pg_restore --exit-on-error), @options, '-d', $node->connstr($database),
                dumped_as($format, @$dump_options) ]);
    };
}

sub in_sections {
    my ($database) = @_;
    my $said = '';
    for my $section (qw(pre-data data post-data)) {
        my ($output, $error) = by_pg_restore('custom', [], "--section=$section")->($database);
        $said .= $error;
    }
    return ('', $said);
}

my @ways = (
    [ 'plain by psql', by_psql() ],
    [ 'plain with row security by psql', by_psql('--enable-row-security') ],
    [ 'plain as INSERTs by psql', by_psql('--rows-per-insert=2') ],
    [ 'custom by 4 jobs', by_pg_restore('custom', [], '--jobs=4') ],
    [ 'custom in one transaction', by_pg_restore('custom', [], '--single-transaction') ],
    [ 'custom with row security', by_pg_restore('custom', ['--enable-row-security'], '--enable-row-security') ],
    [ 'custom section by section', \&in_sections ],
    [ 'directory by 4 jobs', by_pg_restore('directory', [], '--jobs=4') ],
    [ 'tar', by_pg_restore('tar', []) ]);

my $number = 0;
for my $way (@ways) {
    my ($name, $restore) = @$way;
    my $database = 'copy' . ++$number;
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    my ($output, $said) = $restore->($database);
    unlike($said, qr/ERROR|error:|(WARNING|warning):(?!.*mega: this is a restore)/, "$name: nothing goes wrong");
    same_text(dump_of($database), $first, "$name: the second dump equals the first");
    check_restored($database, $name);
}

data_alone();
sessions_that_are_no_restore();

$node->stop;
done_testing();

# A plain dump, without the keys that newer versions of pg_dump write, which differ each time.
sub dump_of {
    my ($database) = @_;
    my ($output, $error) = run_command([ 'pg_dump', $node->connstr($database) ]);
    is($error, '', "pg_dump of $database says nothing");
    return join '', grep { !/^\\(un)?restrict / } split /^/, $output;
}

# is() would print both texts.
sub same_text {
    my ($got, $wanted, $name) = @_;
    return if ok($got eq $wanted, $name);
    my @got = split /\n/, $got;
    my @wanted = split /\n/, $wanted;
    for my $line (0 .. $#wanted) {
        next if ($got[$line] // '') eq $wanted[$line];
        diag("line $line\n     got: " . ($got[$line] // 'the end') . "\nexpected: $wanted[$line]");
        last;
    }
    return;
}

sub triggers_of {
    my ($database) = @_;
    return $node->safe_psql($database, q{
        SELECT tgrelid::regclass::text, tgname, tgenabled, obj_description(oid, 'pg_trigger')
        FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2});
}

# SQLSTATE of a statement that is refused.
sub refusal {
    my ($database, $statement) = @_;
    my ($status, $output, $error) = $node->psql($database, "\\set VERBOSITY sqlstate\n$statement");
    return $error =~ /ERROR:\s+(\w{5})/ ? $1 : 'not refused';
}

# The copy is alive: the books agree, nothing is missing, and further writes meet the same rules.
sub check_restored {
    my ($database, $name) = @_;
    my $answers = sub {
        my ($statement, $answer, $what) = @_;
        is($node->safe_psql($database, $statement), $answer, "$name: $what");
    };
    my $refuses = sub {
        my ($statement, $state, $what) = @_;
        is(refusal($database, $statement), $state, "$name: $what");
    };
    is(triggers_of($database), triggers_of('source'), "$name: the triggers are there and enabled");
    is(books_disagree($node, $database), '', "$name: no balance was doubled (I1)");
    $answers->('SELECT * FROM mega_reconcile_credits()', '', 'the books agree (I1)');
    $answers->('SELECT * FROM mega_reconcile_preferences()', '', 'the preferences agree (I2)');
    $answers->('SELECT * FROM mega_install(dry_run => true)', '', 'nothing is left to install');
    $answers->('SELECT * FROM mega_install()', '', 'mega_install finds nothing to do');
    $answers->(q{SELECT c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'},
        '', 'the tables belong to the user, not to the extension');

    $answers->(q{SELECT mg_credits, replayed FROM mega_record_credit('pass:shopify:7001', 200, 'order', 'shopify',
        'shopify_order', '5987214360921')}, '190|t', 'an order from before the dump is a replay (I4)');
    $answers->(q{SELECT mg_credits, replayed FROM mega_record_credit('pass:shopify:7001', -10, 'spend')},
        '180|f', 'a spend works');
    $answers->(q{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        VALUES ('credit_transaction:later', 'pass:shopify:7001', 20, 'gift');
        SELECT mg_credits FROM mega_balance('pass:shopify:7001')}, '200', 'a raw row is projected (I1)');
    $answers->(q{SELECT mg_pass_id, created FROM mega_ensure_customer(shopify_customer_id => '7001')},
        'pass:shopify:7001|f', 'a customer is known again (I11)');
    $answers->(q{SELECT preferences -> 'tag_weights' ->> 'style.minimal'
        FROM mega_record_mma_event('pass:shopify:7001', 'like', '{"tag": "style.minimal"}')},
        '2.3', 'an event is folded onto the snapshot (I2)');
    $refuses->(q{SELECT mega_record_credit('pass:shopify:7001', -201, 'spend')}, 'MG001', 'an overdraft is refused (I3)');
    $refuses->(q{UPDATE mega_customers SET mg_credits = 5 WHERE mg_pass_id = 'pass:shopify:7001'},
        'MG006', 'the balance stays derived (I1)');
    $refuses->('DELETE FROM mega_generations', 'MG005', 'the ledger stays append-only (I5)');
    $refuses->(q{UPDATE mega_admin SET mg_detail = '{}' WHERE mg_id = 'admin_audit:a-1'}, 'MG005', 'an audit stays (I5)');
    $refuses->(q{SET ROLE shop_reader; SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')},
        '42501', 'a reader may not write');
    $answers->(q{SET ROLE shop_app; SELECT mg_credits FROM mega_record_credit('pass:shopify:7001', 1, 'gift')},
        '201', 'an application may');
    is(books_disagree($node, $database), '', "$name: the books agree after further writes (I1)");
    return;
}

# Rows alone, into tables that CREATE EXTENSION has made: triggers are off while they load, nothing is projected twice.
sub data_alone {
    $node->safe_psql('postgres', 'CREATE DATABASE data_alone');
    $node->safe_psql('data_alone', 'CREATE EXTENSION mega');
    $node->safe_psql('data_alone', 'ALTER TABLE mega_customers ADD studio_note text, ADD studio_score int');
    my ($output, $said) = run_command([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers',
        (map { ('--table', $_) } @of_tables), '-d', $node->connstr('data_alone'), dumped_as('custom') ]);
    is($said, '', 'data alone, with triggers disabled: nothing goes wrong');
    is(books_disagree($node, 'data_alone'), '', 'data alone: the books agree (I1)');
    my $rows = join(' UNION ALL ', map { "SELECT md5(t::text) FROM $_ t" } @of_tables) . ' ORDER BY 1';
    same_text($node->safe_psql('data_alone', $rows), $node->safe_psql('source', $rows),
        'data alone: every row is as it was');
    is($node->safe_psql('data_alone', 'SELECT * FROM mega_install()'), '', 'data alone: nothing is left to install');
    is(refusal('data_alone', 'DELETE FROM mega_generations'), 'MG005', 'data alone: the triggers are enabled again');
    return;
}

# Drivers, poolers and hosting set some of the settings by which a restore is told, or all of them in another way: they
# still get their tables.
sub sessions_that_are_no_restore {
    my @four = qw(statement_timeout lock_timeout idle_in_transaction_session_timeout row_security);
    my %value = (row_security => 'on', xmloption => 'content');
    my @set = map { [ $_, $value{$_} // '60s' ] } @four, 'xmloption';
    my @sessions = (
        { name => 'a driver that sets timeouts', before => join(';', map { "SET $_ = '60s'" } @four[ 0 .. 2 ]) },
        { name => 'a driver that sets timeouts to zero', before => join(';', map { "SET $_ = 0" } @four) },
        { name => 'a migration with settings of its own', before => join(';', 'BEGIN', map { "SET LOCAL $_ = 0" } @four),
            after => 'COMMIT' },
        { name => 'settings at start-up', options => join(' ', map { "-c $_->[0]=$_->[1]" } @set) },
        { name => 'settings of the database', of_database => [ map { "SET $_->[0] = '$_->[1]'" } @set ] });
    my $number = 0;
    for my $session (@sessions) {
        my $database = 'session' . ++$number;
        $node->safe_psql('postgres', "CREATE DATABASE $database");
        $node->safe_psql('postgres', "ALTER DATABASE $database $_") for @{ $session->{of_database} // [] };
        local $ENV{PGOPTIONS} = $session->{options} // '';
        my $statements = join ';', $session->{before} // '', 'CREATE EXTENSION mega', $session->{after} // '';
        my ($status) = $node->psql($database, $statements);
        is($status, 0, "$session->{name}: CREATE EXTENSION works");
        is($node->safe_psql($database, q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
            WHERE relname LIKE 'mega%' AND relkind = 'r'}), 'mega_admin mega_customers mega_generations',
            "$session->{name}: it is not taken for a restore, the tables are there");
    }
    return;
}
