# Parts of a dump, and rows that come where mega is at work already: each comes out exact or is refused with a clear
# error; no balance is ever doubled (I1, I2, I14).
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_dump;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my @of_tables = qw(mega_customers mega_generations mega_admin);
my @only_tables = map { "--table=$_" } @of_tables;
my $own_columns = 'ALTER TABLE mega_customers ADD studio_note text, ADD studio_score int';

my $node = start_node('parts');
start_dumps($node);
make_source('source');

rows_into_guarded_tables();
rows_with_derived_columns_ignored();
rows_that_are_there_already();
rows_that_are_newer();
rows_before_their_generation();
ledger_alone();
tables_alone();
list_without_triggers();
as_another_owner();
default_privileges();

$node->stop;
done_testing();

# An installed mega with the columns that users of the source have added.
sub installed {
    my ($database) = @_;
    new_database($database);
    $node->safe_psql($database, "CREATE EXTENSION mega; $own_columns");
    return;
}

# Restores as psql does by default, going on behind an error. Returns the SQLSTATEs of the errors, and what else was said.
sub played {
    my ($database, @options) = @_;
    my ($output, $said) = run_command([ qw(psql -Xq -v VERBOSITY=sqlstate -d), $node->connstr($database),
            '-f', dumped_as('source', 'plain', @options) ]);
    my %states = map { $_ => 1 } $said =~ /ERROR:\s+(\w{5})/g;
    return (join(' ', sort keys %states), $said);
}

sub warnings_are_expected {
    my ($code) = @_;
    local $ENV{PGOPTIONS} = '-c mega.derived_writes=ignore';
    return $code->();
}

# The customers without the times of their last write, and the balance beside the pass id, to read in a failure.
sub customers_of {
    my ($database) = @_;
    return $node->safe_psql($database, q{
        SELECT mg_pass_id, mg_credits, to_jsonb(c) - 'mg_updated_at' - 'mg_mma_preferences_updated_at'
        FROM mega_customers c ORDER BY mg_pass_id});
}

sub same_books {
    my ($database, $name) = @_;
    same_text(customers_of($database), customers_of('source'), "$name: every customer and balance is as it was");
    same_rows($database, 'source', $name, 'mega_generations');
    check_books($database, $name);
    return;
}

# With the triggers on, rows of customers carry balances that nothing in the ledger explains yet.
sub rows_into_guarded_tables {
    for my $style ([], ['--column-inserts']) {
        my $name = "rows where triggers are on @$style";
        my $database = 'guarded' . scalar @$style;
        installed($database);
        my ($states, $said) = played($database, '--data-only', @$style);
        is($states, '23503 MG006', "$name: refused");
        like($said, qr/MG006/, "$name: because a balance is derived");
        check_books($database, $name);
        is($node->safe_psql($database, 'SELECT count(*) FROM mega_generations g LEFT JOIN mega_customers c
            USING (mg_pass_id) WHERE g.mg_pass_id IS NOT NULL AND c.mg_pass_id IS NULL'), 0, "$name: no row without its customer");
        is($node->safe_psql($database, 'SELECT coalesce(sum(mg_credits), 0) FROM mega_customers'), 0,
            "$name: no balance came in by itself");
    }
    return;
}

# What mega offers to those who cannot switch triggers off: balances that are written are ignored, the ledger makes them.
sub rows_with_derived_columns_ignored {
    local $mega_dump::without_own_key = 1;
    for my $style ([], ['--inserts']) {
        my $name = "rows with mega.derived_writes = ignore @$style";
        my $database = 'ignored' . scalar @$style;
        installed($database);
        my ($states) = warnings_are_expected(sub { played($database, '--data-only', @$style) });
        is($states, '', "$name: nothing is refused");
        same_books($database, $name);
        same_rows($database, 'source', $name, 'mega_admin');
    }
    return;
}

# The same rows once more: nothing is new, nothing is projected.
sub rows_that_are_there_already {
    new_database('again');
    my ($output, $said) = by_pg_restore('source', 'custom', [])->('again');
    said_nothing($said, 'a copy');
    my ($states) = played('again', qw(--data-only --inserts --on-conflict-do-nothing));
    is($states, '', 'rows that are there already: nothing is refused');
    same_rows('again', 'source', 'rows that are there already');
    check_books('again', 'rows that are there already');
    return;
}

# A copy of yesterday and the rows of today: what is new is projected, once.
sub rows_that_are_newer {
    $node->safe_psql('source', q{
        SELECT * FROM mega_record_credit('pass:shopify:7001', -40, 'spend', txn_id => 'today');
        SELECT * FROM mega_record_credit('pass:shopify:7002', 25, 'grant');
        SELECT * FROM mega_ensure_customer(shopify_customer_id => '7010');
        SELECT * FROM mega_record_credit('pass:shopify:7010', 60, 'grant');
        SELECT * FROM mega_record_mma_event('pass:shopify:7010', 'like', '{"tag": "light.soft"}');
        SELECT * FROM mega_record_mma_event('pass:shopify:7001', 'like', '{"tag": "style.minimal"}')});
    forget_dumps();
    my ($states) = warnings_are_expected(sub { played('again', qw(--data-only --inserts --on-conflict-do-nothing)) });
    is($states, '', 'rows of today: nothing is refused');
    same_books('again', 'rows of today');
    return;
}

# A generation that was changed stands behind its steps and events: as INSERTs they are refused, and come the next time.
sub rows_before_their_generation {
    $node->safe_psql('source', q{
        SELECT * FROM mega_create_generation('pass:shopify:7010', 'changed', 'still');
        SELECT * FROM mega_append_mma_step('changed', 'scan_product');
        SELECT * FROM mega_record_mma_event('pass:shopify:7010', 'like', '{"tag": "light.soft"}', 'changed');
        SELECT * FROM mega_complete_generation('changed', 'https://assets.example.com/changed.png')});
    forget_dumps();
    my $play = sub { warnings_are_expected(sub { played('again', qw(--data-only --inserts --on-conflict-do-nothing)) }) };
    my ($states) = $play->();
    is($states, '23503', 'rows before their generation: refused');
    is($node->safe_psql('again', q{SELECT string_agg(mg_record_type, ' ') FROM mega_generations WHERE mg_generation_id = 'changed'}), 'generation',
        'rows before their generation: it came alone');
    ($states) = $play->();
    is($states, '', 'rows before their generation: nothing is refused the second time');
    same_books('again', 'rows before their generation');
    return;
}

# The ledger without its customers is refused; with them, their balances and preferences come from it.
sub ledger_alone {
    local $mega_dump::without_own_key = 1;
    my @ledger = ('--data-only', '--table=mega_generations');
    installed('ledger');
    my ($states) = played('ledger', @ledger);
    is($states, '23503', 'the ledger alone: refused where its customers are not');
    is($node->safe_psql('ledger', 'SELECT count(*) FROM mega_generations'), 0, 'the ledger alone: nothing of it is there');
    my $pass_ids = $node->safe_psql('source', q{SELECT string_agg(quote_literal(mg_pass_id), ', ') FROM mega_customers});
    $node->safe_psql('ledger', "INSERT INTO mega_customers (mg_pass_id) SELECT unnest(ARRAY[$pass_ids])");
    ($states) = played('ledger', @ledger);
    is($states, '', 'the ledger for customers that are there: nothing is refused');
    my $books = 'SELECT mg_pass_id, mg_credits, mg_mma_preferences FROM mega_customers ORDER BY 1';
    is($node->safe_psql('ledger', $books), $node->safe_psql('source', $books),
        'the ledger for customers that are there: it makes their balances and preferences');
    check_books('ledger', 'the ledger for customers that are there');
    same_rows('ledger', 'source', 'the ledger for customers that are there', 'mega_generations');
    ($states) = played('ledger', @ledger);
    is($states, '23505', 'the ledger twice: refused');
    is($node->safe_psql('ledger', $books), $node->safe_psql('source', $books), 'the ledger twice: no balance was doubled');
    return;
}

# Tables without the extension that they need: pg_restore -t brings no keys, indexes and triggers, pg_dump -t does.
sub tables_alone {
    local $mega_dump::without_own_key = 1;
    installed('tables');
    $node->safe_psql('tables', 'DROP TABLE mega_admin, mega_generations, mega_customers');
    is(refusal('tables', q{SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')}), '42P01', 'without its tables mega says so');
    my ($output, $said) = by_pg_restore('source', 'custom', [], @only_tables)->('tables');
    said_nothing($said, 'tables without triggers');
    is(refusal('tables', q{SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')}), '55000',
        'tables without triggers: functions do not write');
    $node->safe_psql('tables', 'SELECT mega_install()');
    is($node->safe_psql('tables', 'SELECT * FROM mega_install()'), '', 'tables without triggers: mega_install completes them');
    is($node->safe_psql('tables', 'SELECT * FROM mega_validate()'), '', 'tables without triggers: every rule is held');
    is(triggers_of('tables'), triggers_of('source'), 'tables without triggers: they are there again');
    same_rows('tables', 'source', 'tables without triggers');
    check_books('tables', 'tables without triggers');

    installed('whole_tables');
    $node->safe_psql('whole_tables', 'DROP TABLE mega_admin, mega_generations, mega_customers');
    ($output, $said) = by_psql('source', @only_tables)->('whole_tables');
    said_nothing($said, 'tables with triggers');
    same_text(dump_of('whole_tables', @only_tables), dump_of('source', @only_tables),
        'tables with triggers: the second dump equals the first');
    is(triggers_of('whole_tables'), triggers_of('source'), 'tables with triggers: they are there and enabled');

    installed('one_table');
    $node->safe_psql('one_table', q{INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:shopify:7003');
        DROP TABLE mega_admin});
    ($output, $said) = by_psql('source', '--table=mega_admin')->('one_table');
    said_nothing($said, 'one table');
    same_rows('one_table', 'source', 'one table', 'mega_admin');
    is($node->safe_psql('one_table', 'SELECT * FROM mega_install()'), '', 'one table: nothing is left to install');
    is(refusal('one_table', 'DELETE FROM mega_admin'), 'MG005', 'one table: its audits stay');
    return;
}

# A list from which the triggers were taken: mega does not write before it has them back, then all is as it was.
sub list_without_triggers {
    my $archive = dumped_as('source', 'custom');
    my ($list) = run_command([ 'pg_restore', '--list', $archive ]);
    my $shorter = PostgreSQL::Test::Utils::tempdir() . '/list';
    open my $file, '>', $shorter or die "$shorter: $!";
    print $file grep { !/ TRIGGER / } map { "$_\n" } split /\n/, $list;
    close $file;
    new_database('listed');
    my ($output, $said) = run_command([ 'pg_restore', '--exit-on-error', '--use-list', $shorter, '-d', $node->connstr('listed'), $archive ]);
    said_nothing($said, 'a list without triggers');
    is(triggers_of('listed'), '', 'a list without triggers: none came');
    is(refusal('listed', q{SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')}), '55000',
        'a list without triggers: functions do not write');
    $node->safe_psql('listed', 'SELECT mega_install()');
    same_text(dump_of('listed'), dump_of('source'), 'a list without triggers: with mega_install the second dump equals the first');
    check_books('listed', 'a list without triggers');
    return;
}

# All of it as a role that owns nothing of mega and may not EXECUTE the functions of its triggers: they are left out, as
# is what belongs to the extension, until a superuser calls mega_install.
sub as_another_owner {
    $node->safe_psql('postgres', 'CREATE ROLE regress_parts_owner');
    installed('owned');
    $node->safe_psql('owned', 'DROP TABLE mega_admin, mega_generations, mega_customers; GRANT CREATE ON SCHEMA public TO regress_parts_owner');
    my ($output, $said) = run_command([ qw(pg_restore --no-owner --role=regress_parts_owner -d), $node->connstr('owned'), dumped_as('source', 'custom') ]);
    like($said, qr/permission denied for function \S+\s+Command was: CREATE TRIGGER /, 'as another owner: the triggers may not be made');
    is(triggers_of('owned'), '', 'as another owner: none came');
    is(refusal('owned', q{SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')}), '55000', 'as another owner: functions do not write');
    $node->safe_psql('owned', 'SELECT mega_install()');
    is(triggers_of('owned'), triggers_of('source'), 'as another owner: a superuser made them');
    is($node->safe_psql('owned', q{SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class WHERE relname ~ '^mega_(customers|generations|admin)$'}),
        'regress_parts_owner', 'as another owner: the tables are his');
    same_rows('owned', 'source', 'as another owner');
    check_books('owned', 'as another owner');
    return;
}

# A restore makes the tables anew, and Postgres gives what default privileges say: mega tells it, and REVOKE takes it back.
sub default_privileges {
    $node->safe_psql('postgres', 'CREATE ROLE regress_parts_anon');
    new_database('given');
    $node->safe_psql('given', 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO regress_parts_anon');
    my ($output, $said) = by_pg_restore('source', 'custom')->('given');
    said_nothing($said, 'default privileges');
    is($node->safe_psql('given', q{SELECT object, action, detail FROM mega_install() WHERE detail ~ 'regress_parts_anon'}),
        join("\n", map { "$_|grant|regress_parts_anon: DELETE, INSERT, TRUNCATE, UPDATE" } @of_tables), 'default privileges: mega_install tells them');
    $node->safe_psql('given', 'REVOKE ALL ON mega_customers, mega_generations, mega_admin FROM regress_parts_anon');
    is($node->safe_psql('given', q{SELECT count(*) FROM mega_install() WHERE detail ~ 'regress_parts_anon'}), '0', 'default privileges: taken back, nothing is told');
    return;
}
