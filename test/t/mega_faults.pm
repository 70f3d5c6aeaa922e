# Writers that use every function that writes, while something goes wrong: they keep a journal of what they tried and
# what they were told, and what the tables hold is compared with it.
package mega_faults;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use mega_test;

our @EXPORT = qw(open_studio write_until one_of hold_to_account complaints noted);

my $customers = 4;
my ($node, $directory);

sub one_of { return $_[ int rand @_ ] }
sub customer { my ($number) = @_; return 'pass:shopify:' . (5000 + $number % $customers) }

# Makes the customers, who can pay for whatever comes, and a generation each that everybody appends steps to.
# The journals of the writers go to the directory.
sub open_studio {
    ($node, $directory) = @_;
    $node->safe_psql('postgres', 'CREATE EXTENSION mega');
    for my $number (0 .. $customers - 1) {
        my $pass_id = customer($number);
        $node->safe_psql('postgres', qq{SELECT * FROM mega_ensure_customer(pass_id => '$pass_id');
            SELECT * FROM mega_record_credit('$pass_id', 100000000, 'opening');
            SELECT * FROM mega_create_generation('$pass_id', 'shared-$number')});
    }
    return;
}

# A write is one transaction. Its name stands in each ledger row it leaves, and all of its arguments follow from the
# name, so that it can be repeated. What each kind leaves, in rows, and its statements:
my %kinds = (
    record => sub {
        my ($name, $pass_id, $n) = @_;
        return (1, sprintf q{SELECT * FROM mega_record_credit('%s', %d, 'storm', txn_id => '%s')}, $pass_id, $n % 3 ? 3 : -2, $name);
    },
    reference => sub {
        my ($name, $pass_id) = @_;
        return (1, qq{SELECT * FROM mega_record_credit('$pass_id', -1, 'storm', ref_type => 'storm', ref_id => '$name')});
    },
    batch => sub {
        my ($name, $pass_id, $n) = @_;
        my $entries = join ', ', map { sprintf '{"pass_id": "%s", "delta": %d, "reason": "storm", "txn_id": "%s-%d"}', customer($n + $_), 1 + $_, $name, $_ } 0 .. 2;
        return (3, "SELECT * FROM mega_record_credits('[$entries]')");
    },
    captured => sub {
        my ($name, $pass_id) = @_;
        return (2, "SELECT * FROM mega_hold_credit('$pass_id', 7, '$name')", "SELECT * FROM mega_capture_credit('$name', 3)");
    },
    released => sub {
        my ($name, $pass_id) = @_;
        return (2, "SELECT * FROM mega_hold_credit('$pass_id', 7, '$name')", "SELECT * FROM mega_release_credit('$name')");
    },
    # a sweep of another session may have added the row that releases it
    forgotten => sub { my ($name, $pass_id) = @_; return ('1|2', "SELECT * FROM mega_hold_credit('$pass_id', 5, '$name', '1 microsecond')") },
    sweep => sub { return (0, 'SELECT * FROM mega_release_expired_holds()', 'SELECT * FROM mega_expire_credits()') },
    transfer => sub {
        my ($name, $pass_id, $n) = @_;
        return (2, sprintf q{SELECT * FROM mega_transfer_credit('%s', '%s', 2, '%s')}, $pass_id, customer($n + 1 + $n % 3), $name);
    },
    refund => sub {
        my ($name, $pass_id) = @_;
        return (2, "SELECT * FROM mega_record_credit('$pass_id', -9, 'storm', txn_id => '$name')", "SELECT * FROM mega_refund_credit('$name', '$name', 4)");
    },
    topup => sub { my ($name, $pass_id) = @_; return (1, "SELECT * FROM mega_record_topup('$pass_id', 1, ref_type => 'storm', ref_id => '$name')") },
    customer => sub {
        my ($name) = @_;
        return (1, qq{SELECT c.* FROM mega_ensure_customer(shopify_customer_id => '$name') e,
            LATERAL mega_record_credit(e.mg_pass_id, 10, 'storm', txn_id => '$name') c});
    },
    generation => sub {
        my ($name, $pass_id) = @_;
        return (4, "SELECT * FROM mega_start_session('$pass_id', '$name')", "SELECT * FROM mega_create_generation('$pass_id', '$name', 'still', session_id => '$name')",
            "SELECT * FROM mega_hold_credit('$pass_id', 4, '$name')", "SELECT * FROM mega_update_generation('$name', vars => '{\"a\": 1}')",
            "SELECT * FROM mega_append_mma_step('$name', 'scan', at_step => 0)",
            "SELECT * FROM mega_complete_generation('$name', 'https://assets.example.com/$name.png', hold_id => '$name')");
    },
    failure => sub {
        my ($name, $pass_id) = @_;
        return (3, "SELECT * FROM mega_create_generation('$pass_id', '$name')", "SELECT * FROM mega_hold_credit('$pass_id', 4, '$name')",
            "SELECT * FROM mega_fail_generation('$name', 'broken', hold_id => '$name')");
    },
    event => sub {
        my ($name, $pass_id, $n) = @_;
        my ($type, $payload) = @{ ([ 'like', '{"tag": "light"}' ], [ 'dislike', '{"tags": ["light", "bold"]}' ], [ 'preference_set', '{"tag_weights": {"bold": 2}}' ],
            [ 'preference_set', '{"hard_block": "motion"}' ], [ 'preference_set', '{"remove_hard_blocks": ["motion"]}' ])[ $n % 5 ] };
        return (1, "SELECT * FROM mega_record_mma_event('$pass_id', '$type', '$payload', event_id => '$name')");
    },
    step => sub {
        my ($name, $pass_id, $n) = @_;
        return (1, sprintf q{SELECT * FROM mega_append_mma_step('shared-%d', 'scan', '{"name": "%s"}')}, $n % $customers, $name);
    },
    rows => sub {
        my ($name, $pass_id, $n) = @_;
        my @rows = map { sprintf q{('credit_transaction:%s-%d', '%s', %d)}, $name, $_, customer($n + $_), 2 + $_ } 0 .. 2;
        return (3, 'INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ' . join ', ', @rows);
    },
    # locks two customers by hand, in whatever order, with calls between
    opposite => sub {
        my ($name, $pass_id, $n) = @_;
        my ($one, $two) = (customer($n), customer($n + 1 + $n % 3));
        return (2, "SELECT mg_credits FROM mega_customers WHERE mg_pass_id = '$one' FOR UPDATE", "SELECT * FROM mega_record_credit('$one', 1, 'storm', txn_id => '$name')",
            'SELECT pg_sleep(0.002)', "SELECT mg_credits FROM mega_customers WHERE mg_pass_id = '$two' FOR NO KEY UPDATE",
            "SELECT * FROM mega_record_mma_event('$two', 'like', '{\"tag\": \"light\"}', event_id => '$name')");
    },
);
my @every_kind = sort keys %kinds;

sub statements_of {
    my ($kind, $name) = @_;
    my ($number) = $name =~ /(\d+)$/;
    return $kinds{$kind}->($name, customer($number), $number);
}

# Runs one write; what the client was told: 'ack', 'refused' with the SQLSTATE, or 'lost' with the connection.
sub write_one {
    my ($client, $kind, $name) = @_;
    my (undef, @statements) = statements_of($kind, $name);
    unshift @statements, 'BEGIN ISOLATION LEVEL ' . one_of('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ') if @statements > 1 || rand() < 0.3;
    push @statements, 'COMMIT' if $statements[0] =~ /^BEGIN/;
    for my $statement (@statements) {
        my ($state) = $client->run($statement);
        return 'lost' if !defined $state;
        next if $state eq '00000';
        for (1 .. 100) { # a rollback can be cancelled, too
            my ($end) = $client->run('ROLLBACK');
            return 'lost' if !defined $end;
            return "refused $state" if $end eq '00000';
        }
        die "$name cannot be rolled back\n";
    }
    return 'ack';
}

# Writes until done() is true. A connection that is lost is made again. before($client) comes in front of each write.
# connect() makes a client, or nothing while the server is away.
sub write_until {
    my ($storm, $writer, $done, %options) = @_;
    my @choice = @{ $options{kinds} // \@every_kind };
    my $before = $options{before} // sub { return 1 };
    my $connect = $options{connect} // sub { return connect_client("$directory/$storm-$writer.errors") };
    my $client;
    open my $journal, '>', "$directory/$storm-$writer.journal" or die "journal: $!";
    $journal->autoflush(1);
    for (my $number = 0; !$done->(); $number++) {
        $client //= $connect->();
        if (!$client) {
            sleep(0.05);
            next;
        }
        my ($kind, $name) = (one_of(@choice), "s${storm}w${writer}n$number");
        my $told = 'lost';
        if (defined $before->($client)) {
            print $journal "try $name $kind\n";
            $told = write_one($client, $kind, $name);
            print $journal "told $name $told\n";
        }
        next if $told ne 'lost';
        $client->close;
        undef $client;
    }
    $client->close if $client;
    return;
}

sub connect_client {
    my ($log) = @_;
    my $client = mega_client->connect($node, 'postgres', $log);
    my ($state) = $client->run(q{SET application_name = 'writer'});
    return $client if defined $state;
    $client->close;
    return;
}

# What all journals of these storms say: by name, its kind and what was told last.
sub journals {
    my (%kind, %told);
    for my $journal (map { glob "$directory/$_-*.journal" } @_) {
        for my $line (split /\n/, slurp_file($journal)) {
            my ($word, $name, $rest) = split / /, $line, 3;
            next if !defined $rest; # the line was being written
            if ($word eq 'try') { $kind{$name} = $rest }
            else { $told{$name} = $rest }
        }
    }
    return (\%kind, \%told);
}

# How often each answer was given in a storm: ack, lost and the SQLSTATEs.
sub noted {
    my (undef, $told) = journals(@_);
    my %count;
    $count{ s/^refused //r }++ for values %$told;
    return \%count;
}

sub rows_by_name {
    return split /[|\n]/, $node->safe_psql('postgres', q{
        SELECT substring(concat_ws(' ', mg_id, mg_ref_id, mg_payload) FROM 's[0-9]+w[0-9]+n[0-9]+') AS name, count(*)
        FROM mega_generations GROUP BY 1 HAVING substring(concat_ws(' ', min(mg_id), min(mg_ref_id), min(mg_payload::text)) FROM 's[0-9]+w[0-9]+n[0-9]+') IS NOT NULL});
}

# Holds the tables to account for the storms: the projections are those of the ledger, and each write is there as a
# whole or not at all, as its client was told. Calls whose answer was lost are repeated.
sub hold_to_account {
    my ($what, @storms) = @_;
    my ($kind, $told) = journals(@storms);
    $told->{$_} //= 'lost' for keys %$kind;
    my %found = rows_by_name();
    my (%wrong, @again);
    for my $name (sort keys %$kind) {
        my ($rows) = statements_of($kind->{$name}, $name);
        my $is = $found{$name} // 0;
        my $whole = $is =~ /^(?:$rows)$/;
        push @{ $wrong{ack} }, "$kind->{$name} $name $is/$rows" if $told->{$name} eq 'ack' && !$whole;
        push @{ $wrong{lost} }, "$kind->{$name} $name $is/$rows" if $told->{$name} eq 'lost' && $is && !$whole;
        push @{ $wrong{refused} }, "$kind->{$name} $name $is" if $told->{$name} =~ /^refused/ && $is;
        push @again, $name if $told->{$name} eq 'lost' && $kind->{$name} !~ /^(?:step|rows|sweep)$/;
    }
    my %storm = map { $_ => 1 } @storms;
    push @{ $wrong{sprung} }, grep { /^s(\d+)w/ && $storm{$1} && !$kind->{$_} } sort keys %found;
    my $list = sub { return join ', ', @{ $wrong{ $_[0] } // [] } };
    is($list->('ack'), '', "$what: every acknowledged write is there exactly once");
    is($list->('refused'), '', "$what: nothing is there that was refused");
    is($list->('lost'), '', "$what: a write whose answer was lost is there as a whole or not at all");
    is($list->('sprung'), '', "$what: nothing is there that nobody sent");
    books_hold($what);

    my $client = connect_client("$directory/again.errors") // die 'there is no server';
    # A hold that was settled before its answer was lost says so.
    my @stuck = grep { my $name = $_; !grep { write_one($client, $kind->{$name}, $name) =~ /^(?:ack|refused MG010)$/ } 1 .. 3 } @again;
    $client->close;
    is("@stuck", '', "$what: calls whose answer was lost can be repeated (" . scalar(@again) . ')');
    %found = rows_by_name();
    is(join(', ', grep { my ($rows) = statements_of($kind->{$_}, $_); ($found{$_} // 0) !~ /^(?:$rows)$/ } @again), '',
        "$what: repeated, they are there exactly once (I4)") if @again;
    return;
}

sub books_hold {
    my ($what) = @_;
    is(books_disagree($node, 'postgres'), '', "$what: the books agree (I1)");
    is($node->safe_psql('postgres', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', "$what: the preferences are the fold of the events (I2)");
    is($node->safe_psql('postgres', q{
        SELECT 'below zero (I3)', mg_pass_id FROM mega_customers WHERE mg_credits < 0
        UNION ALL SELECT 'reference twice (I4)', min(mg_id) FROM mega_generations WHERE mg_ref_id IS NOT NULL
            GROUP BY mg_ref_type, mg_ref_id, mg_reason HAVING count(*) > 1
        UNION ALL SELECT 'gap between steps (I7)', mg_generation_id FROM mega_generations WHERE mg_record_type = 'mma_step'
            GROUP BY mg_generation_id HAVING count(*) <> max(mg_step_no) + 1
        UNION ALL SELECT 'customer twice (I11)', min(mg_pass_id) FROM mega_customers WHERE mg_shopify_customer_id IS NOT NULL
            GROUP BY mg_shopify_customer_id HAVING count(*) > 1
        UNION ALL SELECT 'settled twice', h.mg_id FROM mega_generations h WHERE h.mg_id LIKE 'credit\_transaction:hold:%'
            AND h.mg_status <> CASE WHEN EXISTS (SELECT FROM mega_generations r WHERE r.mg_id = 'credit_transaction:release:' || h.mg_ref_id)
                THEN 'failed' ELSE h.mg_status END}), '', "$what: the other rules hold (I3, I4, I7, I11), no hold is settled twice");
    return;
}

# What a server may not say in its log, whatever happened to it: broken assertions, internal errors, resources that were
# not given back, crashes other than those that the test caused itself.
sub complaints {
    my (%allowed) = @_;
    my @lines = grep { /PANIC:|TRAP:|XX000|\bleak|terminated by signal|you don't own a lock|still referenced/ } split /\n/, slurp_file($node->logfile);
    @lines = grep { $_ !~ $allowed{allowed} } @lines if $allowed{allowed};
    return join "\n", @lines;
}

1;
