# What the tests of dumps share: a database with rows of every kind, the ways to dump and restore it, and what a restored
# database has to be.
package mega_dump;

use strict;
use warnings;

use Exporter 'import';
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

use mega_test;

our @EXPORT = qw(start_dumps make_source new_database dump_of dumped_as forget_dumps by_psql by_pg_restore in_sections said_nothing
    rows_of same_text same_rows triggers_of refusal check_restored check_books);

my ($node, $directory, %dumped);
my $made = 0;

# The node on which databases are dumped and restored from here on.
sub start_dumps {
    ($node) = @_;
    $directory //= PostgreSQL::Test::Utils::tempdir();
    return;
}

# A database with rows of every kind, and what users add to tables that are theirs.
sub make_source {
    my ($name, @settings) = @_;
    $node->safe_psql('postgres', "DO \$\$ BEGIN CREATE ROLE $_; EXCEPTION WHEN duplicate_object THEN END \$\$")
      for qw(shop_reader shop_app shop_admin);
    new_database($name, @settings);
    $node->safe_psql($name, slurp_file(dirname(__FILE__) . '/restore.sql'));
    return;
}

# An empty database. Each further argument is what ALTER DATABASE shall set.
sub new_database {
    my ($name, @settings) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $name");
    $node->safe_psql('postgres', "ALTER DATABASE $name SET $_") for @settings;
    return $name;
}

# A plain dump, without the keys that newer versions of pg_dump write, which differ each time.
sub dump_of {
    my ($database, @options) = @_;
    my ($output, $error) = run_command([ 'pg_dump', @options, $node->connstr($database) ]);
    is($error, '', "pg_dump of $database says nothing");
    return join '', grep { !/^\\(un)?restrict / } split /^/, $output;
}

# The file, or directory, of a dump, which is made once.
sub dumped_as {
    my ($source, $format, @options) = @_;
    my $key = "$source as $format @options";
    if (!$dumped{$key}) {
        $dumped{$key} = "$directory/" . ++$made . ".$format";
        my @command = ('pg_dump', "--format=$format", @options, '--file', $dumped{$key}, $node->connstr($source));
        $node->command_ok(\@command, "pg_dump of $key");
    }
    return $dumped{$key};
}

# The next ones are made anew: their source has changed.
sub forget_dumps { %dumped = (); return }

# A way to restore: gets the name of a database and returns what the restore said. Options are pg_dump's.
sub by_psql {
    my ($source, @options) = @_;
    return sub {
        my ($database) = @_;
        return run_command([ qw(psql -Xq -v ON_ERROR_STOP=1 -d), $node->connstr($database),
                '-f', dumped_as($source, 'plain', @options) ]);
    };
}

# The same by pg_restore; the last options are its own.
sub by_pg_restore {
    my ($source, $format, $dump_options, @options) = @_;
    return sub {
        my ($database) = @_;
        return run_command([ qw(pg_restore --exit-on-error), @options, '-d', $node->connstr($database),
                dumped_as($source, $format, @$dump_options) ]);
    };
}

# One way behind the other.
sub in_sections {
    my (@ways) = @_;
    return sub {
        my ($database) = @_;
        return ('', join '', map { ($_->($database))[1] } @ways);
    };
}

# Nothing went wrong; that it is a restore may be said.
sub said_nothing {
    my ($said, $name) = @_;
    unlike($said, qr/ERROR|error:|(WARNING|warning):(?!.*mega: this is a restore)/, "$name: nothing goes wrong");
    return;
}

# Rows that came through mega's triggers, or into tables that were adopted, are without mega's own key (I17): what was a
# lot is credits without an end. Set where that is so; rows are compared without it then.
our $without_own_key = 0;

sub but_for_own_key {
    my ($text) = @_;
    return $text if !$without_own_key;
    return $text =~ s/"\{""mega(?:_before)?"": \{[^{}]*\}\}"/{}/gr =~ s/"mg_meta": \{"mega": \{[^{}]*\}\}/"mg_meta": {}/gr;
}

# is() would print both texts.
sub same_text {
    my ($got, $wanted, $name) = @_;
    ($got, $wanted) = map { but_for_own_key($_) } $got, $wanted;
    return if ok($got eq $wanted, $name);
    my @got = split /\n/, $got;
    my @wanted = split /\n/, $wanted;
    for my $line (0 .. ($#got > $#wanted ? $#got : $#wanted)) {
        next if ($got[$line] // '') eq ($wanted[$line] // '');
        diag("line $line\n     got: " . ($got[$line] // 'the end') . "\nexpected: " . ($wanted[$line] // 'the end'));
        last;
    }
    return;
}

# Every row of the tables, each as text, in an order of its own.
sub rows_of {
    my ($database, @tables) = @_;
    @tables = qw(mega_customers mega_generations mega_admin) if !@tables;
    return join "\n", map { $node->safe_psql($database, qq{SELECT t::text FROM $_ t ORDER BY t::text COLLATE "C"}) }
      @tables;
}

sub same_rows {
    my ($database, $source, $name, @tables) = @_;
    same_text(rows_of($database, @tables), rows_of($source, @tables), "$name: every row is as it was");
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

sub check_books {
    my ($database, $name) = @_;
    is(books_disagree($node, $database), '', "$name: no balance was doubled (I1)");
    is($node->safe_psql($database, 'SELECT * FROM mega_reconcile_credits()'), '', "$name: the books agree (I1)");
    is($node->safe_psql($database, 'SELECT * FROM mega_reconcile_lots()'), '', "$name: the lots are what rows make (I15)");
    is($node->safe_psql($database, 'SELECT * FROM mega_reconcile_preferences()'),
        '', "$name: the preferences agree (I2)");
    return;
}

# The copy of a source is alive: the books agree, nothing is missing, and further writes meet the same rules.
sub check_restored {
    my ($database, $source, $name) = @_;
    my $answers = sub {
        my ($statement, $answer, $what) = @_;
        is($node->safe_psql($database, $statement), $answer, "$name: $what");
    };
    my $refuses = sub {
        my ($statement, $state, $what) = @_;
        is(refusal($database, $statement), $state, "$name: $what");
    };
    is(triggers_of($database), triggers_of($source), "$name: the triggers are there and enabled");
    check_books($database, $name);
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
    lots_go_on($database, $name);
    is(books_disagree($node, $database), '', "$name: the books agree after further writes (I1)");
    return;
}

# The lots are alive: what comes back to the one that ended is gone, the open one is drawn first, nothing ends twice (I15).
sub lots_go_on {
    my ($database, $name) = @_;
    my $lots = q{SELECT mg_id, granted, remaining, extract(year FROM ends) FROM mega_credit_lots('pass:shopify:7008')};
    is($node->safe_psql($database, $lots), 'credit_transaction:month-7008|20|17|2099', "$name: the open lot is as it was");
    is($node->safe_psql($database, q{SELECT outcome, mg_credits FROM mega_release_credit('video-7008')}),
        'released|47', "$name: a hold of credits that ended goes back, and is gone");
    is($node->safe_psql($database, q{SELECT mg_credits FROM mega_record_credit('pass:shopify:7008', -18, 'video')}),
        '29', "$name: the lot is drawn");
    is($node->safe_psql($database, $lots), '', "$name: first");
    is($node->safe_psql($database, 'SELECT * FROM mega_expire_credits()'), '0|0', "$name: nothing is left to end");
    is($node->safe_psql($database, 'SELECT * FROM mega_reconcile_lots()'), '', "$name: the lots are what rows make, still (I15)");
    return;
}

1;
