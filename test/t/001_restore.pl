# Dump and restore lose nothing and change nothing (I14): every way pg_dump and pg_restore know, on a database with
# rows of every kind. The second dump equals the first, byte for byte.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('restore');
my @of_tables = qw(mega_customers mega_generations mega_admin);

start_dumps($node);
make_source('source');

my $first = dump_of('source');
cmp_ok(scalar(() = $first =~ /^pass:/mg), '>=', 8, 'the dump holds the customers');
for my $type (qw(session generation feedback credit_transaction mma_step mma_event)) {
    like($first, qr/^$type:\S+\t$type\t/m, "the dump holds a $type");
}
for my $type (qw(admin_session admin_audit profile runtime_config app_config)) {
    like($first, qr/^$type:\S+\t$type\t/m, "the dump holds a row of type $type");
}

my @section_by_section = map { by_pg_restore('source', 'custom', [], "--section=$_") } qw(pre-data data post-data);
my @ways = (
    [ 'plain by psql', by_psql('source') ],
    [ 'plain with row security by psql', by_psql('source', '--enable-row-security') ],
    [ 'plain as INSERTs by psql', by_psql('source', '--rows-per-insert=2') ],
    [ 'custom by 4 jobs', by_pg_restore('source', 'custom', [], '--jobs=4') ],
    [ 'custom in one transaction', by_pg_restore('source', 'custom', [], '--single-transaction') ],
    [ 'custom with row security', by_pg_restore('source', 'custom', ['--enable-row-security'], '--enable-row-security') ],
    [ 'custom section by section', in_sections(@section_by_section) ],
    [ 'directory by 4 jobs', by_pg_restore('source', 'directory', [], '--jobs=4') ],
    [ 'tar', by_pg_restore('source', 'tar', []) ]);

my $number = 0;
for my $way (@ways) {
    my ($name, $restore) = @$way;
    my $database = 'copy' . ++$number;
    new_database($database);
    my ($output, $said) = $restore->($database);
    said_nothing($said, $name);
    same_text(dump_of($database), $first, "$name: the second dump equals the first");
    check_restored($database, 'source', $name);
}

data_alone();
sessions_that_are_no_restore();

$node->stop;
done_testing();

# Rows alone, into tables that CREATE EXTENSION has made: triggers are off while they load, nothing is projected twice.
sub data_alone {
    $node->safe_psql('postgres', 'CREATE DATABASE data_alone');
    $node->safe_psql('data_alone', 'CREATE EXTENSION mega');
    $node->safe_psql('data_alone', 'ALTER TABLE mega_customers ADD studio_note text, ADD studio_score int');
    my ($output, $said) = run_command([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers',
        (map { ('--table', $_) } @of_tables), '-d', $node->connstr('data_alone'), dumped_as('source', 'custom') ]);
    is($said, '', 'data alone, with triggers disabled: nothing goes wrong');
    is(books_disagree($node, 'data_alone'), '', 'data alone: the books agree (I1)');
    same_rows('data_alone', 'source', 'data alone');
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
