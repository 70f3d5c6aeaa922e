# The disk fills: the one of the tables, then the one of the write-ahead log. Whoever writes is told 53100, or the server
# stops; with room again everything goes on, with every acknowledged write and the books in agreement.
# The disks are small tmpfs, which any user may mount in a namespace of their own; where that is not so, the test is
# skipped.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

my $namespace;

BEGIN {
    my @alone = qw(unshare --user --mount --map-current-user --keep-caps);
    $namespace = $ENV{MEGA_NAMESPACE};
    if (!$namespace && system("@alone mount -t tmpfs none /mnt >/dev/null 2>&1") == 0) {
        $ENV{MEGA_NAMESPACE} = 'own';
        exec @alone, $^X, (map { "-I$_" } @INC), $0, @ARGV;
    }
}

use mega_faults;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'no tmpfs can be mounted here' if !$namespace;

my $writers = 3;
my $patience = 240; # a slow machine fills a disk slowly
my $directory = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('disk', 'fsync = on', 'full_page_writes = on', 'restart_after_crash = off', 'autovacuum = off',
    'max_wal_size = 1GB', 'checkpoint_timeout = 1h', 'deadlock_timeout = 20ms', q{log_line_prefix = '%m [%p] %e '});
my $seed = seed_of_storm();
my $parent = $$;
my %expected = map { $_ => 1 } qw(ack 40001 40P01);
open_studio($node, $directory);

full_tables();
full_log();

$node->stop;
done_testing();

# Mounts a disk of that size, or gives the one that is there another size.
sub disk {
    my ($name, $size) = @_;
    my $place = "$directory/$name";
    my @how = -d $place ? ('-o', "remount,size=$size") : ('-t', 'tmpfs', '-o', "size=$size,mode=700");
    mkdir $place;
    system('mount', @how, 'none', $place) == 0 or die "mount $place: $?\n";
    return $place;
}

# Starts writers; returns a function that waits until they were told this so many times, and one that ends them.
sub start_writers {
    my ($storm, %options) = @_;
    my $stop = "$directory/stop-$storm";
    my @processes = storm($seed + $storm, map {
        my $writer = $_;
        sub { write_until($storm, $writer, sub { return -e $stop || getppid != $parent }, %options) };
    } 1 .. $writers);
    my $wait = sub {
        my ($answer, $times) = @_;
        my $end = time + $patience;
        while (time < $end) {
            return 1 if (noted($storm)->{$answer} // 0) >= $times;
            sleep(0.05);
        }
        return 0;
    };
    my $end = sub {
        open my $file, '>', $stop or die "$stop: $!";
        close $file;
        return wait_for_storm(@processes);
    };
    return ($wait, $end);
}

sub full_tables {
    my $place = disk('tables', '1500k');
    $node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$place'");
    $node->safe_psql('postgres', "ALTER TABLE $_ SET TABLESPACE small") for qw(mega_generations mega_customers);
    my ($wait, $end) = start_writers(1);
    ok($wait->('53100', 30), 'tables: the writers are told that the disk is full');
    my $before = noted(1)->{ack};
    disk('tables', '100m');
    ok($wait->('ack', $before + 100), 'tables: with room again the same sessions go on');
    is($end->(), 0, 'tables: every writer came to its end');
    my $noted = noted(1);
    note('tables: ', join ', ', map { "$_ x $noted->{$_}" } sort keys %$noted);
    is(join(' ', grep { !$expected{$_} && $_ ne '53100' } sort keys %$noted), '', 'tables: no connection was lost, and no other answer given');
    hold_to_account('tables', 1);
    is(complaints(), '', 'tables: the server has nothing to complain of');
    return;
}

# The server cannot promise what it cannot log: it stops. Segments of one megabyte fill the disk sooner.
sub full_log {
    $node->safe_psql('postgres', "ALTER TABLE $_ SET TABLESPACE pg_default") for qw(mega_generations mega_customers);
    $node->stop;
    my $data = $node->data_dir;
    PostgreSQL::Test::Utils::system_or_bail('pg_resetwal', '--wal-segsize=1', '-D', $data);
    my $place = disk('log', '6m');
    PostgreSQL::Test::Utils::system_or_bail('sh', '-c', 'cp -a "$0"/pg_wal/. "$1" && rm -r "$0"/pg_wal && ln -s "$1" "$0"/pg_wal', $data, $place);
    $node->append_conf('postgresql.conf', "min_wal_size = 2MB\n");
    $node->start;
    my ($wait, $end) = start_writers(2);
    ok($wait->('lost', $writers), 'log: the server stops');
    is($end->(), 0, 'log: every writer saw the connection end');
    for (1 .. 20 * $patience) {
        last if !-e "$data/postmaster.pid";
        sleep(0.05);
    }
    $node->_update_pid(0);
    like(slurp_file($node->logfile), qr/PANIC: .*No space left on device/, 'log: because the disk is full');
    my $noted = noted(2);
    note('log: ', join ', ', map { "$_ x $noted->{$_}" } sort keys %$noted);
    cmp_ok($noted->{ack} // 0, '>', 50, 'log: it was a storm');
    is(join(' ', grep { !$expected{$_} && $_ ne 'lost' } sort keys %$noted), '', 'log: no other answer was given');
    disk('log', '100m');
    $node->start;
    hold_to_account('log', 1, 2);
    is(complaints(allowed => qr/PANIC: .*No space left on device|was terminated by signal 6: Aborted/), '', 'log: the server has nothing else to complain of');
    return;
}
