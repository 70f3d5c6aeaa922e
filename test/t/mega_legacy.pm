# Databases as applications of this family had them before mega: made from a seed, every oddity counted while it is made.
package mega_legacy;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(legacy_tables make_legacy end_of_import);

my $day = 0;

sub legacy_tables {
    my ($schema) = @_;
    return qq{
        CREATE SCHEMA IF NOT EXISTS $schema;
        CREATE TABLE $schema.customers (shopify_customer_id text PRIMARY KEY, user_id uuid, email text, credits int DEFAULT 0, expires_at timestamptz, last_active timestamptz, disabled bool, meta jsonb, created_at timestamptz, updated_at timestamptz);
        CREATE TABLE $schema.credit_transactions (id uuid PRIMARY KEY, shopify_customer_id text, delta int, reason text, source text, ref_type text, ref_id text, created_at timestamptz);
        CREATE TABLE $schema.sessions (id uuid PRIMARY KEY, shopify_customer_id text, platform text, title text, created_at timestamptz, updated_at timestamptz);
        CREATE TABLE $schema.generations (id text PRIMARY KEY, type text, session_id uuid, customer_id text, shopify_customer_id text, platform text, prompt text, output_url text, output_key text, provider text, model text, latency_ms int, input_chars int, output_chars int, meta jsonb, created_at timestamptz, updated_at timestamptz);
        CREATE TABLE $schema.feedback (id uuid PRIMARY KEY, shopify_customer_id text, session_id uuid, generation_id text, result_type text, platform text, prompt text, comment text, image_url text, video_url text, created_at timestamptz, updated_at timestamptz);
        CREATE TABLE $schema.runtime_config (id int PRIMARY KEY DEFAULT 1, updated_at timestamptz, updated_by text, max_tokens int, model text, enabled bool);
        CREATE TABLE $schema.app_config (key text PRIMARY KEY, value jsonb, updated_at timestamptz, updated_by text);
        CREATE TABLE $schema.profiles (user_id uuid PRIMARY KEY, email text, shopify_customer_id text, created_at timestamptz, updated_at timestamptz);
        CREATE TABLE $schema.admin_sessions (session_hash text PRIMARY KEY, user_id uuid, email text, ip text, user_agent text, first_seen_at timestamptz, last_seen_at timestamptz, updated_at timestamptz);
        CREATE TABLE $schema.admin_audit (id text PRIMARY KEY, created_at timestamptz, action text, route text, method text, status int, user_id uuid, email text, detail jsonb);
    };
}

sub uuid { my ($kind, $n) = @_; return sprintf '%08x-0000-4000-8000-%012x', $kind, $n; }
sub text { my ($t) = @_; return 'NULL' if !defined $t; $t =~ s/'/''/g; $t =~ s/\\/\\\\/g; $t =~ s/\x01/\\x01/g; return "E'$t'"; }
sub row { return '(' . join(', ', map { text($_) } @_) . ')'; }
sub one_of { return $_[ rand @_ ]; }
sub moment { return sprintf '2025-%02d-%02d %02d:%02d:%02dZ', 1 + rand 12, 1 + rand 28, rand 24, rand 60, rand 60; }

# Fills the tables of a schema. Returns the statements, and what an import has to tell: expected->{table}{read|written},
# {mended}{how}, {refused}{why}; and {balance}{pass id}.
sub make_legacy {
    my ($schema, $seed, $customers) = @_;
    srand($seed);
    my (%rows, %told, %sum, %credits, %references, @named, %known, @sessions);
    my $read = sub { my ($table, @values) = @_; push @{ $rows{$table} }, row(@values); $told{$table}{read}++; return; };
    my $mend = sub { my ($table, $how) = @_; $told{$table}{mended}{$how}++; return; };
    my $refuse = sub { my ($table, $why) = @_; $told{$table}{refused}{$why}++; return; };
    my $write = sub { my ($table) = @_; $told{$table}{written}++; return; };
    my $made = sub { # a time, seldom none or one to come
        my ($table) = @_;
        my $dice = rand;
        if ($dice < 0.03) { $mend->($table, 'null_time'); return undef; }
        if ($dice < 0.06) { $mend->($table, 'future_time'); return '2999-01-01Z'; }
        return moment();
    };
    my $url = sub {
        my ($table) = @_;
        my $dice = rand;
        if ($dice < 0.05) { $mend->($table, 'signed_url'); return 'https://b.s3.amazonaws.com/k.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=' . int rand 1e6; }
        if ($dice < 0.1) { $mend->($table, 'provider_url'); return 'https://replicate.delivery/pbxt/' . int(rand 1e6) . '/out.png'; }
        if ($dice < 0.13) { $mend->($table, 'unfit_url'); return 'data:image/png;base64,AAAA'; }
        return $dice < 0.2 ? undef : 'https://assets.example.com/' . int(rand 1e6) . '.png';
    };

    for my $n (1 .. $customers) {
        my $key = $n % 17 == 0 ? "c$n\@example.com" : 5000 + $n;
        my $pass_id = "pass:shopify:$key";
        my $credits = int rand 60;
        $credits = -1 - int rand 9 if $n % 23 == 0;
        push @named, [ $key, $pass_id ];
        $known{$pass_id} = 1;
        $credits{$pass_id} += $credits;
        $mend->('customers', 'email_key') if $key =~ /\@/;
        $read->('customers', $key, uuid(1, $n), "p$n\@example.com", $credits, undef, rand() < 0.3 ? moment() : undef, one_of('t', 'f', undef), one_of('{"tier": "gold"}', undef), $n % 29 == 0 ? moment() : $made->('customers'), undef);
        $write->('customers');
        if ($n % 29 == 0) { # the same key in another spelling
            $read->('customers', "gid://shopify/Customer/$key", undef, undef, 7, undef, undef, undef, undef, '2026-01-01Z', undef);
            $mend->('customers', 'two_keys');
            $write->('customers');
            $credits{$pass_id} += 7;
            push @named, [ "gid://shopify/Customer/$key", $pass_id ];
        }
        if ($n % 31 == 0) { # the same person under another id
            $read->('customers', "9$key", uuid(1, $n), undef, 1, undef, undef, undef, undef, '2026-01-01Z', undef);
            $mend->('customers', 'taken_identity');
            $write->('customers');
            $credits{"pass:shopify:9$key"} += 1;
            $known{"pass:shopify:9$key"} = 1;
            $told{persons}++;
        }
    }
    my $nobody = 'pass:anon:f17ecf7f-efea-51e0-9b3d-a9c04749cae1';
    $read->('customers', 'anonymous', undef, undef, 500, undef, undef, undef, undef, moment(), undef);
    $write->('customers');
    $mend->('customers', 'anonymous');
    $credits{$nobody} += 500;
    $known{$nobody} = 1;
    $read->('customers', 'x' x 600, undef, undef, 5, undef, undef, undef, undef, moment(), undef);
    $refuse->('customers', 'bad_customer');

    # Whose a row is; 'anonymous', none, and customers who are gone among them.
    my $owner = sub {
        my ($table) = @_;
        my $dice = rand;
        if ($dice < 0.06) { $mend->($table, 'anonymous'); return (one_of('anonymous', 'Anonymous', undef, ''), $nobody); }
        if ($dice < 0.09) { my $gone = 'gone' . int rand 20; $told{missing}{$gone} = 1; return ($gone, "pass:shopify:$gone"); }
        return @{ one_of(@named) };
    };
    for my $n (1 .. $customers * 10) {
        my $dice = rand;
        if ($dice < 0.01) { $read->('credit_transactions', uuid(2, $n), $named[0][0], 0, 'nothing', 'app', undef, undef, moment()); $refuse->('credit_transactions', 'zero_delta'); next; }
        if ($dice < 0.02) { $read->('credit_transactions', uuid(2, $n), 'x' x 600, 3, 'gift', 'app', undef, undef, moment()); $refuse->('credit_transactions', 'bad_customer'); next; }
        my ($key, $pass_id) = $owner->('credit_transactions');
        my $delta = one_of(-1, -2, 5, 10);
        my ($type, $ref) = $dice < 0.5 ? () : ('order', int rand $customers * 8);
        my $reason = one_of('signup_bonus', 'generation');
        $references{"$ref $reason"}++ if defined $ref;
        $read->('credit_transactions', uuid(2, $n), $key, $delta, $reason, 'app', $type, $ref, $made->('credit_transactions'));
        $write->('credit_transactions');
        $sum{$pass_id} += $delta;
    }
    $told{credit_transactions}{mended}{doubled_reference} += $_ - 1 for grep { $_ > 1 } values %references;
    for my $n (1 .. $customers * 2) {
        my ($key, $pass_id) = $owner->('sessions');
        $read->('sessions', uuid(3, $n), $key, 'web', "s$n", $made->('sessions'), undef);
        $write->('sessions');
        push @sessions, [ uuid(3, $n), $pass_id ];
    }
    for my $n (1 .. $customers * 8) {
        if (rand() < 0.01) {
            $read->('generations', "g\x01$n", 'image', undef, undef, $named[0][0], 'web', 'p', undef, undef, undef, undef, 1, 2, 3, undef, moment(), undef);
            $refuse->('generations', 'bad_id');
            next;
        }
        my ($key, $pass_id) = $owner->('generations');
        my $session = rand() < 0.5 ? one_of(@sessions) : undef;
        if ($session && $pass_id eq $nobody && $session->[1] ne $nobody) { # then it is the session's
            $told{generations}{mended}{anonymous}--;
            $mend->('generations', 'customer_of_session');
        }
        $read->('generations', "g$n", 'image', $session && $session->[0], one_of($key, undef), $key, 'web', "a bottle $n", $url->('generations'), "k$n", 'seedream', 'v4', 1 + int rand 9000, 10, 0, one_of('{"size": "1k"}', undef), $made->('generations'), undef);
        $write->('generations');
    }
    for my $n (1 .. $customers) {
        my ($key, $pass_id) = $owner->('feedback');
        $read->('feedback', uuid(4, $n), $key, undef, 'g' . (1 + int rand $customers * 8), 'image', 'web', undef, "nice $n", $url->('feedback'), undef, $made->('feedback'), undef);
        $write->('feedback');
    }
    $read->('runtime_config', 1, moment(), 'ops', 100, 'v4', 't'); $write->('runtime_config');
    for my $n (1 .. 20) {
        $read->('app_config', "key.$n", '{"n": ' . $n . '}', moment(), 'ops'); $write->('app_config');
        $read->('profiles', uuid(1, $n), "p$n\@example.com", 5000 + $n, moment(), moment()); $write->('profiles');
        $read->('admin_sessions', "hash$n", uuid(5, $n), 'ops@example.com', '10.0.0.1', 'UA', moment(), moment(), moment()); $write->('admin_sessions');
        $read->('admin_audit', "audit$n", $made->('admin_audit'), 'login', '/admin', 'POST', 200, uuid(5, $n), 'ops@example.com', '{"ok": true}'); $write->('admin_audit');
    }
    for my $pass_id (keys %credits) {
        $mend->('customers', 'negative_balance') if $credits{$pass_id} < 0;
        $mend->('customers', 'balance_differs') if $credits{$pass_id} != ($sum{$pass_id} // 0);
    }
    $told{customers}{mended}{missing_customer} = keys %{ delete $told{missing} // {} };
    for my $table (map { $told{$_} } grep { ref $told{$_} } keys %told) {
        for my $how (keys %{ $table->{mended} // {} }) { delete $table->{mended}{$how} if !$table->{mended}{$how}; }
    }
    my %balance = (%sum, %credits); # of a customer who is gone: what his rows say
    $told{balance} = \%balance;
    return (join("\n", map { "INSERT INTO $schema.$_ VALUES " . join(",\n", @{ $rows{$_} }) . ';' } sort keys %rows), \%told);
}

# What an import leaves, to be the same whatever happened on the way: without the times of openings and audits, and
# when a customer's row was written last.
sub end_of_import {
    return q{
        SELECT md5(string_agg(x.line, E'\n' ORDER BY x.line COLLATE "C")) || ' ' || count(*) FROM (
            SELECT (to_jsonb(c) - 'mg_updated_at')::text AS line FROM mega_customers c
            UNION ALL SELECT (to_jsonb(g) - CASE WHEN g.mg_reason = 'opening' THEN '{mg_created_at,mg_updated_at}'::text[] ELSE '{}' END)::text FROM mega_generations g
            UNION ALL SELECT (to_jsonb(a) - CASE WHEN a.mg_action = 'import_refused' THEN '{mg_created_at,mg_updated_at}'::text[] ELSE '{}' END)::text
                FROM mega_admin a WHERE a.mg_action IS DISTINCT FROM 'import') x};
}

1;
