# drizzle-kit reads the catalog: `pull` works on tables with mega's rules, and what it makes of them is a baseline for an
# empty database that has the extension's functions.
use strict;
use warnings;

use File::Basename;
use File::Temp;
use lib dirname(__FILE__);
use mega_test;
use PostgreSQL::Test::Utils;
use Test::More;

my ($kit) = grep { -e } map { "$_/drizzle-kit/bin.cjs" } split /:/, $ENV{NODE_PATH} // '';
plan skip_all => 'drizzle-kit is not there: dev/setup installs it where there is npm' if !$kit;

my $node = start_node('drizzle', 'fsync = off');
$node->safe_psql('postgres', "CREATE DATABASE $_") for 'pulled', 'empty';
$node->safe_psql('pulled', 'CREATE EXTENSION mega');

my $place = File::Temp->newdir;
chdir $place or die "chdir: $!";
my ($said, $complaints) = ('', '');
my $done = IPC::Run::run([ 'node', $kit, 'pull', '--dialect=postgresql',
    sprintf('--url=postgresql://postgres@localhost:%d/pulled?host=%s', $node->port, $node->host) ], '<', \undef, '>', \$said, '2>', \$complaints);
ok($done, 'drizzle-kit pull') or diag($said, $complaints);
my ($baseline) = glob 'drizzle/*.sql';
ok($baseline, 'it writes a baseline');
my @statements = map { s{^\s*--(?! *>).*$|^/\*|^\*/}{}gmr } split /--> statement-breakpoint/, slurp_file($baseline);

# Of indexes it mixes up operator classes and cuts long expressions off, on any database; mega_install makes those.
$node->safe_psql('empty', 'SET mega.install = off; CREATE EXTENSION mega');
my (%applied, %refused);
for my $statement (@statements) {
    next if $statement !~ /(\S+ (?:UNIQUE )?\S+)/;
    my ($code) = $node->psql('empty', $statement, on_error_die => 0, on_error_stop => 1);
    my ($kind) = $statement =~ /^\s*(CREATE TABLE|ALTER TABLE|CREATE (?:UNIQUE )?INDEX)/;
    $code == 0 ? $applied{$kind}++ : $refused{ $kind // $statement }++;
}
is($applied{'CREATE TABLE'}, 3, 'the tables with their CHECKs are made');
is($applied{'ALTER TABLE'}, 2, 'and their foreign keys');
is_deeply([ grep { !/INDEX/ } keys %refused ], [], 'only indexes are refused') or diag(explain(\%refused));
$node->safe_psql('empty', 'SELECT mega_install()');
is($node->safe_psql('empty', 'SELECT * FROM mega_install()'), '', 'mega_install makes the rest');
is($node->safe_psql('empty', 'SELECT object, action FROM mega_validate()'), '', 'every rule holds');
my $shape = q{SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text ~ '^mega_' ORDER BY 1, 2};
is($node->safe_psql('empty', $shape), $node->safe_psql('pulled', $shape), 'with the constraints it was pulled from');
is($node->safe_psql('empty', q{SELECT created FROM mega_ensure_customer(shopify_customer_id => '1'); SELECT mg_credits FROM mega_record_credit('pass:shopify:1', 5, 'gift')}), "t\n5", 'and it works');
chdir '/';
$node->stop;
done_testing();
