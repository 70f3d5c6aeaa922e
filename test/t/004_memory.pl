# One session that lives long: a hundred thousand calls, each its own transaction, leave its memory flat, and so do news
# of schemas and refused calls; a statement of many rows takes little for each customer; and a session's calls, prepared
# or not, go on working while others change the tables, rename the schema and make the extension anew.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{MEGA_CALLS} // 100_000;
my $node = start_node('memory', 'synchronous_commit = off', 'autovacuum = off');
my $files = PostgreSQL::Test::Utils::tempdir();

flat_memory();
news_and_errors();
my $customers = many_raw_rows();
loops_over_customers($customers);
changes_in_mid_stream();

$node->stop;
done_testing();

# RssAnon of a backend in kB: what it allocated itself, palloc'd or not, without the pages of shared memory it touched.
sub own_memory {
    my ($client) = @_;
    my $process = $client->rows('SELECT pg_backend_pid()');
    return slurp_file("/proc/$process/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : die 'no RssAnon';
}

# What is in use: the blocks around it double, and the next piece may be the one that asks for another.
sub contexts {
    my ($client) = @_;
    return $client->rows('SELECT sum(used_bytes) / 1024 FROM pg_backend_memory_contexts') + 0;
}

# The most this process ever mapped, in kB: shared memory is mapped once, so what it grows by is its own.
sub peak_memory {
    my ($client) = @_;
    my $process = $client->rows('SELECT pg_backend_pid()');
    return slurp_file("/proc/$process/status") =~ /^VmPeak:\s+(\d+) kB/m ? $1 : die 'no VmPeak';
}

# A schema is made and dropped, and mega is asked: plans are kept. A call is refused: nothing is kept.
sub news_and_errors {
    my $client = mega_client->connect($node, 'flat', "$files/errors");
    $client->rows(q{CREATE PROCEDURE news(rounds integer) LANGUAGE plpgsql AS $$
        BEGIN
            FOR n IN 1..rounds LOOP
                CREATE SCHEMA passing;
                PERFORM mega_balance_at('pass:shopify:1', now());
                DROP SCHEMA passing;
                PERFORM mega_record_credit('pass:shopify:1', 1, 'news'), mega_credit_statement('pass:shopify:1', 1);
                COMMIT;
            END LOOP;
        END $$});
    $client->rows(q{CREATE PROCEDURE refusals(rounds integer) LANGUAGE plpgsql AS $$
        BEGIN
            FOR n IN 1..rounds LOOP
                BEGIN
                    IF n % 3 = 0 THEN
                        PERFORM mega_record_credit('pass:shopify:1', -1000000, 'spend');
                    ELSIF n % 3 = 1 THEN
                        INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:x', 'pass:shopify:none', 1);
                    ELSE
                        PERFORM mega_record_mma_event('pass:shopify:1', 'like', '{"tag": 7}');
                    END IF;
                    RAISE EXCEPTION 'not refused';
                EXCEPTION WHEN SQLSTATE 'MG001' OR foreign_key_violation OR check_violation OR invalid_parameter_value THEN
                    NULL;
                END;
                IF n % 100 = 0 THEN COMMIT; END IF;
            END LOOP;
        END $$});
    for my $of ([ news => $ENV{MEGA_NEWS} // 1_000 ], [ refusals => $ENV{MEGA_REFUSALS} // 10_000 ]) {
        my ($what, $rounds) = @$of;
        $client->rows("CALL $what(500)");
        my ($contexts, $memory) = (contexts($client), own_memory($client));
        $client->rows("CALL $what($rounds)");
        my ($more_contexts, $more_memory) = (contexts($client) - $contexts, own_memory($client) - $memory);
        note("$rounds $what: memory contexts $contexts kB + $more_contexts, backend $memory kB + $more_memory");
        cmp_ok($more_contexts, '<=', 64, "$what: the memory contexts do not grow");
        takes_at_most($more_memory, 1024, "$what: the backend does not grow");
    }
    $client->close;
    return;
}

# Raw rows of many customers in one statement, credits and events. Postgres itself keeps some bytes for each row whose
# foreign key it will look up, mega the sum for each customer.
sub many_raw_rows {
    my $rows = $ENV{MEGA_RAW_ROWS} // 50_000;
    my $customers = $rows / 10;
    $node->safe_psql('flat', qq{INSERT INTO mega_customers (mg_pass_id) SELECT 'pass:raw:' || n FROM generate_series(0, $customers - 1) n});
    my %rows_of = (
        credits => qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta)
            SELECT 'credit_transaction:raw-' || n, 'pass:raw:' || n % $customers, 1 FROM generate_series(1, $rows) n},
        events => qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_meta)
            SELECT 'mma_event:raw-' || n, 'pass:raw:' || n, '{"event_type": "like", "payload": {"tag": "raw"}}' FROM generate_series(0, $customers - 1) n},
        generations => qq{INSERT INTO mega_generations (mg_id, mg_pass_id)
            SELECT 'generation:raw-' || n, 'pass:raw:' || n FROM generate_series(0, $customers - 1) n},
        steps => qq{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_generation_id, mg_step_no, mg_step_type, mg_payload)
            SELECT 'mma_step:raw-' || n || ':0', 'pass:raw:' || n, 'raw-' || n, 0, 'scan', '{"input": {}, "output": {}}' FROM generate_series(0, $customers - 1) n},
    );
    for my $kind (qw(credits events generations steps)) {
        my $client = mega_client->connect($node, 'flat', "$files/errors");
        $client->rows("SELECT mega_record_mma_event('pass:shopify:1', 'like', '{\"tag\": \"t\"}'), mega_record_credit('pass:shopify:1', 1, 'grant')");
        my $peak = peak_memory($client);
        $client->rows($rows_of{$kind});
        my $more = peak_memory($client) - $peak;
        note("$rows_of{$kind}: $more kB");
        takes_at_most($more, 12_288 + $customers + $rows / 40, "$kind: a statement takes little for each customer");
        $client->close;
    }
    is($node->safe_psql('flat', q{SELECT count(*), sum(mg_credits) FROM mega_customers WHERE mg_pass_id LIKE 'pass:raw:%'}), "$customers|$rows", 'every row counts');
    return $customers;
}

# What goes from customer to customer in one call keeps nothing of those behind it. Each is asked for some of them first.
sub loops_over_customers {
    my ($customers) = @_;
    $node->safe_psql('flat', q{
        SET session_replication_role = replica;
        INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_status, mg_meta, mg_source_system)
        SELECT 'credit_transaction:hold:swept' || n, 'credit_transaction', mg_pass_id, -1, 'hold', 'hold', 'swept' || n, 'pending',
            '{"mega": {"hold_expires_at": "2020-01-01T00:00:00Z"}}', 'api'
        FROM (SELECT mg_pass_id, row_number() OVER () AS n FROM mega_customers WHERE mg_pass_id LIKE 'pass:raw:%') c;
        UPDATE mega_customers SET mg_credits = mg_credits - 1, mg_expires_at = clock_timestamp() + interval '1 day',
            mg_auto_topup_enabled = true, mg_auto_topup_monthly_limit_packs = 0 WHERE mg_pass_id LIKE 'pass:raw:%';
        ANALYZE mega_customers, mega_generations});
    my $damaged = q{SET session_replication_role = replica; UPDATE mega_customers SET mg_credits = 7 WHERE mg_pass_id LIKE 'pass:raw:%'};
    my $ended = q{UPDATE mega_customers SET mg_expires_at = clock_timestamp() - interval '1 day' WHERE mg_pass_id LIKE 'pass:raw:%'};
    my $due = q{SELECT count(mega_record_credit(mg_pass_id, 1, 'grant', expires_at => clock_timestamp() + interval '1 second'))
        FROM mega_customers WHERE mg_pass_id LIKE 'pass:raw:%'; SELECT pg_sleep(1)};
    my $some = 1_000;
    my $rest = $customers - $some;
    my $many = $customers / 2; # what a batch says of each is kept to its end
    $node->safe_psql('flat', qq{CREATE TABLE batch AS SELECT jsonb_agg(jsonb_build_object('pass_id', 'pass:raw:' || n, 'delta', 1, 'reason', 'grant',
        'txn_id', 'batch-' || n)) AS entries FROM generate_series(1, $many) n});
    my @loops = (
        # what is asked first, with its answer; then of all; what is done to them before
        [ q{SELECT count(*) FROM mega_reconcile_preferences('pass:raw:1')}, 0, q{SELECT count(*) FROM mega_reconcile_preferences()}, 0 ],
        [ q{SELECT count(*) FROM mega_topup_due(-1)}, 0, q{SELECT count(*) FROM mega_topup_due(1000)}, 0 ],
        [ "SELECT count(*) FROM mega_release_expired_holds($some)", $some, "SELECT count(*) FROM mega_release_expired_holds($customers)", $rest ],
        [ "SELECT expired FROM mega_expire_credits(clock_timestamp(), $some)", $some,
          "SELECT expired FROM mega_expire_credits(clock_timestamp(), $customers)", $rest, $ended ],
        [ "SELECT expired FROM mega_expire_credits(max_customers => $some)", $some,
          "SELECT expired FROM mega_expire_credits(max_customers => $customers)", $rest, $due ],
        [ q{SELECT written FROM mega_record_credits('[{"pass_id": "pass:raw:0", "delta": 1, "reason": "grant"}]')}, 1,
          'SELECT written FROM batch, mega_record_credits(entries)', $many, $due ],
        [ q{SELECT count(*) FROM mega_open_books()}, 0, q{SELECT count(*) FROM mega_open_books(trust => 'ledger')}, $customers ],
    );
    for my $loop (@loops) {
        my ($first, $first_answer, $then, $then_answer, $before) = @$loop;
        my $client = mega_client->connect($node, 'flat', "$files/errors");
        $node->safe_psql('flat', $before) if $before;
        is($client->rows($first), $first_answer, $first);
        $node->safe_psql('flat', $damaged) if $then =~ /open_books/;
        my $peak = peak_memory($client);
        is($client->rows($then), $then_answer, $then);
        my $more = peak_memory($client) - $peak;
        note("$then: $more kB");
        takes_at_most($more, 12_288 + $customers / 2, "$then: little for each customer");
        $client->close;
    }
    is($node->safe_psql('flat', q{SELECT count(*) FROM mega_reconcile_credits()}), 0, 'the books agree (I1)');
    return;
}

# Calls of every outcome: written, replayed, refused, from a prepared statement and not.
sub flat_memory {
    $node->safe_psql('postgres', 'CREATE DATABASE flat');
    $node->safe_psql('flat', 'CREATE EXTENSION mega');
    $node->safe_psql('flat', q{SELECT mega_ensure_customer(pass_id => 'pass:shopify:' || n)
        FROM generate_series(0, 99) n});
    my $client = mega_client->connect($node, 'flat', "$files/errors");
    $client->rows('SET plan_cache_mode = force_generic_plan');
    $client->rows('PREPARE grant_to (text, int) AS SELECT mg_credits FROM mega_record_credit($1, $2, $$grant$$)');
    $client->rows('PREPARE movement (text, int, text) AS SELECT mg_credits, replayed
        FROM mega_record_credit($1, $2, $$order$$, $$shop$$, $$order$$, $3, meta => $${"why": "memory"}$$)');

    my $sent = 0;
    my $send = sub {
        my ($until) = @_;
        my $file = "$files/calls";
        open my $out, '>', $file or die "$file: $!";
        print $out "\\o $files/output\n";
        for (; $sent < $until; $sent++) {
            my $pass_id = 'pass:shopify:' . int($sent / 10) % 100;
            my $kind = $sent % 10;
            my $last = $sent - 1;
            print $out
                $kind < 5 ? "EXECUTE grant_to('$pass_id', 2)"
              : $kind < 7 ? "EXECUTE movement('$pass_id', 1, 'order-$sent')"
              : $kind < 8 ? "EXECUTE movement('$pass_id', 1, 'order-$last')"
              : $kind < 9 ? "SELECT * FROM mega_record_credit('$pass_id', -1, 'spend', txn_id => 'spend-$sent')"
              :             "SELECT * FROM mega_record_credit('$pass_id', -1000000, 'spend')";
            print $out ";\n";
        }
        print $out "\\o\n";
        close $out;
        my ($state) = $client->run("\\i $file");
        die 'the connection was lost' if !defined $state;
    };

    # A vacuum's news have the tables looked at anew. They come at fixed places, and twice before anything is measured.
    my $vacuum = sub { $node->safe_psql('flat', 'VACUUM (ANALYZE) mega_customers, mega_generations') };
    for my $part (1, 2) { # plans, caches, the first pages of everything
        $send->($calls / 16 * $part);
        $vacuum->();
    }
    $send->($calls / 4);
    my ($contexts, $memory) = (contexts($client), own_memory($client));
    for my $quarter (2 .. 4) {
        $vacuum->();
        $send->($calls / 4 * $quarter);
    }
    my ($more_contexts, $more_memory) = (contexts($client) - $contexts, own_memory($client) - $memory);
    note("$calls calls: memory contexts $contexts kB + $more_contexts, backend $memory kB + $more_memory");
    cmp_ok($more_contexts, '<=', 64, 'the memory contexts do not grow');
    # The process may take a block more of what Postgres caches; a dozen bytes a call would be seen.
    takes_at_most($more_memory, 1024, 'the backend does not grow');

    is($node->safe_psql('flat', q{SELECT count(*) FILTER (WHERE mg_reason = 'grant') / 5,
        count(*) FILTER (WHERE mg_reason = 'order') / 2, count(*) FILTER (WHERE mg_reason = 'spend')
        FROM mega_generations}), join('|', ($calls / 10) x 3),
        'every call did its work, replays and refused ones none');
    is($node->safe_psql('flat', 'SELECT * FROM mega_reconcile_credits()'), '', 'the books agree (I1)');
    $client->close;
    return;
}

# The first session's calls are prepared once and never anew; another session changes what they stand on.
sub changes_in_mid_stream {
    $node->safe_psql('postgres', 'CREATE DATABASE changes');
    $node->safe_psql('changes', 'CREATE SCHEMA studio; CREATE EXTENSION mega SCHEMA studio');
    $node->safe_psql('changes', q{SELECT * FROM studio.mega_ensure_customer(pass_id => 'pass:shopify:1')});
    my $client = mega_client->connect($node, 'changes', "$files/errors");
    my $other = mega_client->connect($node, 'changes', "$files/errors");
    $_->rows('SET search_path = studio, atelier') for $client, $other;
    $client->rows('PREPARE movement (int, text) AS SELECT mg_credits, replayed
        FROM mega_record_credit($$pass:shopify:1$$, $1, $$order$$, $$shop$$, $$order$$, $2)');
    $client->rows('PREPARE raw (text, int) AS INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta)
        VALUES ($$credit_transaction:$$ || $1, $$pass:shopify:1$$, $2)');

    my ($balance, $round) = (0, 0);
    my $goes_on = sub {
        my ($change) = @_;
        $round++;
        my @wrong;
        for my $time (1 .. 7) { # more than five, so that generic plans are met too
            my @answer = $client->run("EXECUTE movement(5, 'order-$round-$time')");
            $balance += 5;
            push @wrong, "call $time: @answer, not $balance|f" if "@answer" ne "00000 $balance|f";
        }
        is("@wrong", '', "after $change: calls of a prepared statement");
        is(join(' ', $client->run("EXECUTE movement(5, 'order-$round-1')")), "00000 $balance|t",
            "after $change: a replay");
        is(join(' ', $client->run("EXECUTE raw('raw-$round', -2)")), '00000', "after $change: a raw row");
        $balance -= 1;
        is(join(' ', $client->run("SELECT mg_credits FROM mega_record_credit('pass:shopify:1', 1, 'gift')")),
            "00000 $balance", "after $change: a call that is not prepared");
        is(($client->run("SELECT * FROM mega_record_credit('pass:shopify:1', -1000000, 'spend')"))[0],
            'MG001', "after $change: an overdraft is refused");
        is(($client->run('DELETE FROM mega_generations'))[0], 'MG005', "after $change: the ledger is append-only");
        is($other->rows('SELECT * FROM mega_reconcile_credits()'), '', "after $change: the books agree (I1)");
        is($other->rows('SELECT mg_credits FROM mega_customers'), $balance,
            "after $change: the balance is what the clients were told");
        return;
    };

    $goes_on->('nothing at all');
    $other->rows('ALTER TABLE mega_generations ADD COLUMN studio_tag text DEFAULT $$none$$,
        ADD COLUMN studio_time timestamptz DEFAULT now()');
    $goes_on->('a new column of the ledger');
    $other->rows('ALTER TABLE mega_customers ADD COLUMN studio_note text NOT NULL DEFAULT $$note$$');
    $goes_on->('a new column of customers');
    is($other->rows('SELECT count(*) FROM mega_generations WHERE studio_tag IS DISTINCT FROM $$none$$'), 0,
        'rows written before and after have the new column\'s default');
    $other->rows('ALTER TABLE mega_generations DROP COLUMN studio_tag');
    $goes_on->('a dropped column of the ledger');
    $other->rows('CREATE INDEX studio_by_delta ON mega_generations (mg_pass_id, mg_delta) WHERE mg_delta < 0');
    $goes_on->('a new index of the ledger');
    $other->rows('SET enable_seqscan = off');
    is($other->rows(q{SELECT count(*) FROM mega_generations WHERE mg_pass_id = 'pass:shopify:1' AND mg_delta < 0}),
        $round, 'the new index has the rows that came later');
    $other->rows('RESET enable_seqscan');
    $other->rows('CREATE UNIQUE INDEX studio_by_balance ON mega_customers (mg_credits, mg_pass_id)');
    $goes_on->('an index on the balance');
    $other->rows('ALTER TABLE mega_generations ADD CONSTRAINT studio_small CHECK (abs(mg_delta) < 1000)');
    is(($client->run("EXECUTE movement(1000, 'big')"))[0], '23514', 'a new constraint binds the next call');
    $goes_on->('a new constraint');
    $other->rows('VACUUM FULL mega_generations');
    $other->rows('CLUSTER mega_customers USING mega_customers_pkey');
    $goes_on->('tables written anew');
    $other->rows('ALTER SCHEMA studio RENAME TO atelier');
    $goes_on->('a renamed schema');
    $other->rows('DROP EXTENSION mega CASCADE');
    is(($client->run("EXECUTE movement(1, 'meanwhile')"))[0], '42883', 'without the extension there is no function');
    is($other->rows('SELECT count(*) > 50 FROM mega_generations'), 't', 'its rows stay (I14)');
    $other->rows('CREATE EXTENSION mega SCHEMA atelier');
    $goes_on->('the extension was dropped and made again');
    $other->rows('BEGIN; DROP EXTENSION mega CASCADE; ROLLBACK');
    $goes_on->('a drop that was rolled back');
    $client->close;
    $other->close;
    return;
}
