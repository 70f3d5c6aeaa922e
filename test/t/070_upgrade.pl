# From one major version of Postgres to the next nothing is lost and nothing changes (I14): pg_upgrade by copy and by
# link, and a dump from the old server restored into the new one. MEGA_OLD_PG_CONFIG names the old server's pg_config,
# MEGA_OLD_CONFIG the settings by which it finds mega; dev/check --upgrade-from sets both.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use File::Spec;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old_pg_config = $ENV{MEGA_OLD_PG_CONFIG};
plan skip_all => 'MEGA_OLD_PG_CONFIG names no second server to come from' if !$old_pg_config;

my ($old_bin) = run_command([ $old_pg_config, '--bindir' ]);
my ($new_bin) = run_command([ 'pg_config', '--bindir' ]);
my $dumps = PostgreSQL::Test::Utils::tempdir();
my @of_tables = qw(mega_customers mega_generations mega_admin);
$ENV{PGUSER} = 'postgres';

my $old = node_of_old('old');
note($old->safe_psql('postgres', 'SELECT version()'));
populate($old);
my $before = state_of($old);
my $dump_before = dump_of($old);
like($dump_before, qr/^mma_event:\S+\tmma_event\t/m, 'the old server has rows of every kind');

restore_into_new('plain');
restore_into_new('custom', '--jobs=4');
$old->stop;
SKIP: {
    skip 'the new server has mega in a directory of ours, where its pg_upgrade does not look', 1 if !library_is_at_home();
    upgrade($old, 'copy', '--copy');
    # by link the old server can never start again: it comes last
    upgrade($old, 'link', '--link');
}
done_testing();

sub initialize {
    my ($node) = @_;
    # servers before 18 come without checksums, and pg_upgrade wants both alike
    $node->init(extra => [ '--encoding=UTF8', '--locale=C', '--data-checksums', '-U', 'postgres' ]);
    $node->append_conf('postgresql.conf', "log_statement = none\ntimezone = 'UTC'\n");
    $node->append_conf('postgresql.conf', "mega.write_path = $ENV{MEGA_WRITE_PATH}\n") if $ENV{MEGA_WRITE_PATH};
    return $node;
}

sub node_of_old {
    my ($name) = @_;
    local $ENV{TEMP_CONFIG} = $ENV{MEGA_OLD_CONFIG};
    my $install_path = $old_bin =~ s{/bin/?$}{}r;
    my $node = initialize(PostgreSQL::Test::Cluster->new($name, install_path => $install_path));
    $node->start;
    return $node;
}

sub node_of_new {
    my ($name) = @_;
    return initialize(PostgreSQL::Test::Cluster->new($name));
}

# Rows of every kind, a customer whose history is long enough for more than a page of the table, and a hold in flight.
sub populate {
    my ($node) = @_;
    $node->safe_psql('postgres', "CREATE ROLE $_") for qw(shop_reader shop_app shop_admin);
    $node->safe_psql('postgres', 'CREATE DATABASE shop');
    $node->safe_psql('shop', slurp_file("$FindBin::RealBin/restore.sql"));
    $node->safe_psql('shop', q{
        SELECT mega_hold_credit('pass:shopify:7001', 5, 'in-flight', '1 day');
        SELECT mega_record_mma_event('pass:shopify:7002', 'like', jsonb_build_object('tag', 'tag.' || n % 40))
            FROM generate_series(1, 400) n});
    return;
}

# What pg_dump of the new version says of a server, without the lines that tell the server's version or a random key.
# Servers before 16 name the table before each column of a view.
sub dump_of {
    my ($node) = @_;
    my ($output, $error) = run_command([ "$new_bin/pg_dump", $node->connstr('shop') ]);
    is($error, '', 'pg_dump of ' . $node->name . ' says nothing');
    $output =~ s/^\\(un)?restrict .*\n|^-- Dumped from database version .*\n//mg;
    $output =~ s/^( SELECT |    )mega_customers\.(?=\w+,?$)/$1/mg;
    return $output;
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

# Rows, and what stands around them in the catalogs, computed here.
sub state_of {
    my ($node) = @_;
    return $node->safe_psql('shop', join ' UNION ALL ',
        (map { "SELECT '$_ ' || md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\")) FROM $_ t" } @of_tables),
        q{SELECT string_agg(format('%s %s %s', tgrelid::regclass, tgname, tgenabled), E'\n' ORDER BY tgrelid::regclass::text, tgname)
            FROM pg_trigger WHERE NOT tgisinternal},
        q{SELECT string_agg(format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)), E'\n' ORDER BY conrelid::regclass::text, conname)
            FROM pg_constraint WHERE contype IN ('c', 'p', 'f', 'u') AND conrelid::regclass::text LIKE 'mega%'},
        q{SELECT string_agg(pg_get_indexdef(indexrelid), E'\n' ORDER BY indexrelid::regclass::text)
            FROM pg_index WHERE indrelid::regclass::text LIKE 'mega%' AND indisvalid},
        q{SELECT string_agg(format('%s %s', extname, extversion), E'\n' ORDER BY extname) FROM pg_extension});
}

sub restore_into_new {
    my ($format, @options) = @_;
    my $file = "$dumps/old.$format";
    command_ok([ "$new_bin/pg_dump", "--format=$format", '--file', $file, $old->connstr('shop') ],
        "$format dump: the new pg_dump reads the old server");
    my $new = node_of_new("restored_$format");
    $new->start;
    $new->safe_psql('postgres', "CREATE ROLE $_") for qw(shop_reader shop_app shop_admin);
    $new->safe_psql('postgres', 'CREATE DATABASE shop');
    my @command = $format eq 'plain'
        ? (qw(psql -Xq -v ON_ERROR_STOP=1 -d), $new->connstr('shop'), '-f', $file)
        : (qw(pg_restore --exit-on-error), @options, '-d', $new->connstr('shop'), $file);
    my ($output, $said) = run_command(\@command);
    unlike($said, qr/ERROR|error:|(WARNING|warning):/, "$format dump: nothing goes wrong");
    check_new($new, "$format dump");
    $new->stop;
    return;
}

sub upgrade {
    my ($from, $how, @options) = @_;
    my $new = node_of_new("upgraded_by_$how");
    # it writes its scripts where it runs
    my ($output, $error) = in_directory($dumps, sub {
        my ($back) = @_;
        return run_command([ "$new_bin/pg_upgrade", @options, '--no-sync', '-U', 'postgres', '-s', $new->host,
                '-d', File::Spec->rel2abs($from->data_dir, $back), '-D', File::Spec->rel2abs($new->data_dir, $back), '-b', $old_bin, '-B', $new_bin,
                '-p', $from->port, '-P', $new->port ]);
    });
    like($output, qr/Upgrade Complete/, "pg_upgrade by $how comes to its end") or do {
        diag("$output$error");
        diag(slurp_file($_)) for glob($new->data_dir . '/pg_upgrade_output.d/*/loadable_libraries.txt');
        return;
    };
    $new->start;
    check_new($new, "pg_upgrade by $how");
    $new->stop;
    return;
}

# pg_upgrade loads the library by this name. Debian's servers before 18 find it elsewhere, too, when they are told.
sub library_is_at_home {
    my $new = node_of_new('library');
    $new->start;
    my ($status) = $new->psql('postgres', q{LOAD '$libdir/mega'});
    $new->stop;
    return $status == 0;
}

sub in_directory {
    my ($directory, $do) = @_;
    my $back = POSIX::getcwd();
    chdir $directory or die "chdir $directory: $!";
    my @result = $do->($back);
    chdir $back or die "chdir $back: $!";
    return @result;
}

# The new server has what the old one had, and goes on by the same rules.
sub check_new {
    my ($node, $name) = @_;
    my $answers = sub {
        my ($statement, $answer, $what) = @_;
        is($node->safe_psql('shop', $statement), $answer, "$name: $what");
    };
    my $refuses = sub {
        my ($statement, $state, $what) = @_;
        my ($status, $output, $error) = $node->psql('shop', "\\set VERBOSITY sqlstate\n$statement");
        is($error =~ /ERROR:\s+(\w{5})/ ? $1 : 'not refused', $state, "$name: $what");
    };
    is(state_of($node), $before, "$name: rows, triggers, constraints and indexes are what they were");
    same_text(dump_of($node), $dump_before, "$name: the new server's dump equals the old one's");
    is(books_disagree($node, 'shop'), '', "$name: the books agree (I1)");
    $answers->('SELECT * FROM mega_reconcile_preferences()', '', 'the preferences agree (I2)');
    $answers->('SELECT * FROM mega_install(dry_run => true)', '', 'nothing is left to install');
    $answers->(q{SELECT mg_credits, replayed FROM mega_record_credit('pass:shopify:7001', 200, 'order', 'shopify',
        'shopify_order', '5987214360921')}, '185|t', 'an order from before is a replay (I4)');
    $answers->(q{SELECT outcome, mg_credits FROM mega_release_credit('in-flight')}, 'released|190',
        'a hold from before comes back');
    $answers->(q{SELECT preferences -> 'tag_weights' ->> 'tag.7'
        FROM mega_record_mma_event('pass:shopify:7002', 'like', '{"tag": "tag.7"}')}, '11',
        'an event is folded onto the snapshot (I2)');
    $answers->(q{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason)
        VALUES ('credit_transaction:later', 'pass:shopify:7001', 10, 'gift');
        SELECT mg_credits FROM mega_balance('pass:shopify:7001')}, '200', 'a raw row is projected (I1)');
    $refuses->(q{SELECT mega_record_credit('pass:shopify:7001', -201, 'spend')}, 'MG001', 'an overdraft is refused (I3)');
    $refuses->('DELETE FROM mega_generations', 'MG005', 'the ledger stays append-only (I5)');
    $refuses->(q{UPDATE mega_customers SET mg_credits = 5 WHERE mg_pass_id = 'pass:shopify:7001'},
        'MG006', 'the balance stays derived (I1)');
    $refuses->(q{SET ROLE shop_reader; SELECT mega_record_credit('pass:shopify:7001', 1, 'gift')},
        '42501', 'grants came along');
    is(books_disagree($node, 'shop'), '', "$name: the books agree after further writes (I1)");
    return;
}
