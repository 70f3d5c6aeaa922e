# More ways to dump and restore, behind those of 001_restore: over a database that is in use, schema and rows apart, as
# INSERTs of every style, in a schema of another name. Each leaves what was dumped, and the second dump equals the first
# (I14).
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('dumps');
start_dumps($node);
make_source('source');
my $first = dump_of('source');

# A database where mega is at work, with rows of its own under the same ids.
sub occupied {
    my ($database) = @_;
    $node->safe_psql($database, q{CREATE EXTENSION mega;
        SELECT * FROM mega_ensure_customer(shopify_customer_id => '7001');
        SELECT * FROM mega_record_credit('pass:shopify:7001', 999, 'grant', txn_id => 'welcome-7002');
        SELECT * FROM mega_record_mma_event('pass:shopify:7001', 'like', '{"tag": "style.minimal"}', event_id => 'e-1');
        SELECT * FROM mega_ensure_customer(shopify_customer_id => 'nobody-else-has-it')});
    return;
}

my @clean = ('--clean', '--if-exists');
my @apart = (by_psql('source', '--schema-only'), by_psql('source', '--data-only', '--disable-triggers'));
my @apart_by_jobs = (
    by_pg_restore('source', 'custom', [], '--schema-only'),
    by_pg_restore('source', 'custom', [], '--data-only', '--disable-triggers', '--jobs=2'));
my @rows_as_inserts = (by_psql('source', '--schema-only'),
    by_psql('source', qw(--data-only --disable-triggers --column-inserts --on-conflict-do-nothing)));
my @ways = (
    [ 'over a database in use, by psql', by_psql('source', @clean), \&occupied ],
    [ 'over a database in use, by jobs', by_pg_restore('source', 'custom', [], @clean, '--jobs=2'), \&occupied ],
    [ 'cleaned where nothing is', by_pg_restore('source', 'directory', [], @clean) ],
    [ 'the schema, then the rows', in_sections(@apart) ],
    [ 'the schema, then the rows by jobs', in_sections(@apart_by_jobs) ],
    [ 'the schema, then the rows as INSERTs', in_sections(@rows_as_inserts) ],
    [ 'as INSERTs', by_psql('source', '--inserts') ],
    [ 'as INSERTs with columns', by_psql('source', '--column-inserts') ],
    [ 'as INSERTs ON CONFLICT DO NOTHING', by_psql('source', '--inserts', '--on-conflict-do-nothing') ]);

my $number = 0;
for my $way (@ways) {
    my ($name, $restore, $prepare) = @$way;
    my $database = new_database('copy' . ++$number);
    $prepare->($database) if $prepare;
    my ($output, $said) = $restore->($database);
    said_nothing($said, $name);
    same_text(dump_of($database), $first, "$name: the second dump equals the first");
    check_restored($database, 'source', $name);
}

another_schema();
renamed_schema();

$node->stop;
done_testing();

# mega in a schema of its own: whole, by schema, and its rows alone into mega in yet another schema.
sub another_schema {
    my $path = q{search_path = studio, public};
    new_database('studio');
    $node->safe_psql('studio', 'CREATE SCHEMA studio');
    $node->safe_psql('postgres', "ALTER DATABASE studio SET $path");
    $node->safe_psql('studio', slurp_file("$FindBin::RealBin/restore.sql"));
    is($node->safe_psql('studio', q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
        WHERE relnamespace = 'studio'::regnamespace AND relkind = 'r'}), 'mega_admin mega_customers mega_generations',
        'mega is in a schema of its own');
    my $whole = dump_of('studio');
    my @ways = (
        [ 'studio_copy', 'a schema of its own', by_pg_restore('studio', 'custom', [], '--jobs=2') ],
        [ 'studio_alone', 'that schema alone', by_psql('studio', '--schema=studio', '--extension=mega') ]);
    for my $way (@ways) {
        my ($database, $name, $restore) = @$way;
        new_database($database, $path);
        my ($output, $said) = $restore->($database);
        said_nothing($said, $name);
        same_text(dump_of($database), $whole, "$name: the second dump equals the first");
        check_restored($database, 'studio', $name);
    }
    return;
}

# A schema that was renamed behind the installation: the tables are still found, by the functions' own schema.
sub renamed_schema {
    my $path = q{search_path = atelier, public};
    $node->safe_psql('studio', 'ALTER SCHEMA studio RENAME TO atelier');
    $node->safe_psql('postgres', "ALTER DATABASE studio SET $path");
    my $whole = dump_of('studio');
    new_database('atelier', $path);
    my ($output, $said) = by_pg_restore('studio', 'tar', [])->('atelier');
    said_nothing($said, 'a renamed schema');
    same_text(dump_of('atelier'), $whole, 'a renamed schema: the second dump equals the first');
    check_restored('atelier', 'studio', 'a renamed schema');
    return;
}
