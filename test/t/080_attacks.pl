# Attacks by five kinds of role: one of level app, a writer of rows under policies, one to whom default privileges gave
# everything, the owner of the tables, who is no superuser, and the owner of the database. Each attack ends as it must;
# afterwards nobody has become more than he was, no planted code ran as somebody else, nothing crashed, the books agree,
# and nobody has read a row that is not his to read.
# MEGA_SEED=<seed> repeats a run; MEGA_CALLS_PER_FUNCTION sets the length of the hostile calls.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;

use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{MEGA_CALLS_PER_FUNCTION} // 12;
my $node = start_node('attacks', 'fsync = off', 'autovacuum = off', "lc_messages = 'C'", "statement_timeout = '20s'", "deadlock_timeout = '100ms'");
my $files = PostgreSQL::Test::Utils::tempdir();
srand seed_of_storm();
my @roles = qw(anon writer app owner dba);

set_up();
my $before = standing();
my %client = map { $_ => mega_client->connect($node, 'shop', "$files/$_", user => $_) } @roles;
my %told = map { $_ => '' } @roles;

everybody();
anon();
writer();
app();
owner();
dba();
hostile_calls();

$_->close for values %client;
is(standing(), $before, 'nobody became a superuser, a member of another role, or the owner of anything else');
is(ran_as_another(), '', 'no planted code ran as anybody but the one who planted it or chose to run it');
for my $role (qw(anon writer)) {
    my $all = $told{$role} . slurp_file("$files/$role");
    is(join(', ', $all =~ /(.{0,60}(?:hidden|76543)[^\n]{0,60})/g), '', "$role read nothing of another's row, in answers or errors");
}
is(books_disagree($node, 'shop'), '', 'the books agree (I1)');
is($node->safe_psql('shop', 'SELECT mg_pass_id FROM mega_reconcile_preferences()'), '', 'the preferences are the fold (I2)');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:|AddressSanitizer|runtime error/, 'nothing crashed');
$node->stop;
done_testing();

# A shop whose owner of tables owns nothing else; of the rows, those of hidden-owner are to stay hidden. Each role has a
# customer of its own, pass:test:<role>, and a schema for what it plants.
sub set_up {
    $node->safe_psql('postgres', join ';', (map { "CREATE ROLE $_ LOGIN" } @roles), 'CREATE DATABASE shop OWNER dba', 'CREATE DATABASE mall OWNER dba');
    $node->safe_psql('shop', 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon; ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO anon; CREATE EXTENSION mega');
    $node->safe_psql('shop', join ';', (map { "ALTER TABLE $_ OWNER TO owner" } qw(mega_customers mega_generations mega_admin)),
        (map { "CREATE SCHEMA of_$_ AUTHORIZATION $_; GRANT USAGE ON SCHEMA of_$_ TO PUBLIC; SELECT mega_ensure_customer('pass:test:$_')" } @roles));
    $node->safe_psql('shop', q{
        GRANT USAGE ON SCHEMA public TO PUBLIC;
        SELECT mega_grant('app', 'app'), mega_grant('writer', 'reader'), mega_grant('owner', 'admin');
        GRANT SELECT, INSERT, UPDATE ON mega_customers, mega_generations TO writer;
        ALTER TABLE mega_customers ENABLE ROW LEVEL SECURITY;
        ALTER TABLE mega_generations ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON mega_customers TO writer USING (mg_pass_id = 'pass:test:writer') WITH CHECK (mg_pass_id = 'pass:test:writer');
        CREATE POLICY own ON mega_generations TO writer USING (mg_pass_id = 'pass:test:writer') WITH CHECK (mg_pass_id = 'pass:test:writer');
        CREATE POLICY app ON mega_customers TO app USING (true);
        CREATE POLICY app ON mega_generations TO app USING (true);
        SELECT mega_ensure_customer('pass:test:hidden-owner', shopify_customer_id => '4711', user_id => '00000000-0000-4000-8000-000000000001', email => 'hidden@example.com');
        SELECT mega_record_credit('pass:test:hidden-owner', 7654321, 'order', txn_id => 'known', ref_type => 'order', ref_id => 'known');
        SELECT mega_create_generation('pass:test:hidden-owner', 'known', 'still', prompt => 'hidden');
        SELECT mega_append_mma_step('known', 'hidden');
        SELECT mega_record_mma_event('pass:test:hidden-owner', 'like', '{"tag": "hidden"}', event_id => 'known');
        SELECT mega_hold_credit('pass:test:hidden-owner', 21, 'known');
        SELECT mega_record_credit('pass:test:' || r, 100, 'grant', txn_id => 'of-' || r), mega_create_generation('pass:test:' || r, 'of_' || r)
        FROM unnest('{anon,writer,app,owner,dba}'::text[]) r});
    return;
}

# Who is what.
sub standing {
    return $node->safe_psql('shop', q{
        SELECT 'role', rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname !~ '^pg_'
        UNION ALL SELECT 'member', roleid::regrole::text || ' ' || member::regrole, admin_option, NULL, NULL, NULL, NULL FROM pg_auth_members WHERE member::regrole::text !~ '^pg_'
        UNION ALL SELECT 'table', relname || ' ' || relowner::regrole, relrowsecurity, NULL, NULL, NULL, NULL FROM pg_class WHERE relname ~ '^mega_' AND relkind = 'r' AND relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'database', datname || ' ' || datdba::regrole, NULL, NULL, NULL, NULL, NULL FROM pg_database
        UNION ALL SELECT 'function', proname || ' ' || proowner::regrole, prosecdef, NULL, NULL, NULL, NULL FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^mega_'
        ORDER BY 1, 2});
}

# What is planted says in the server's log whose it is and as whom it ran: a rollback takes nothing of that back.
sub planted {
    my ($role, $what, $arguments, $returns, $value) = @_;
    my $language = $returns eq 'trigger' ? "RETURN coalesce(NEW, OLD);" : "RETURN $value;";
    return "CREATE OR REPLACE FUNCTION of_$role.$what($arguments) RETURNS $returns LANGUAGE plpgsql AS \$\$ BEGIN
        RAISE LOG 'planted by $role: $what ran as % for %', current_user, session_user;
        IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE $role SUPERUSER'; END IF;
        $language END \$\$";
}

# What its own planter ran, or a trigger that Postgres ran as the plain role that wrote a row, is no breach (docs/security.md
# says what TRIGGER means): what counts is code that ran as somebody the session is not, as a superuser or as the owner of
# the tables without being the owner's.
sub ran_as_another {
    my @breaches;
    for my $line (grep { /planted by/ } split /\n/, slurp_file($node->logfile)) {
        next if $line !~ /planted by (\w+): (\w+) ran as (\w+) for (\w+)/;
        push @breaches, "$1: $2 as $3 for $4" unless $3 eq $1 || ($3 eq $4 && $3 !~ /^(?:postgres|owner|dba)$/);
    }
    my %seen;
    return join "\n", grep { !$seen{$_}++ } @breaches;
}

# Runs the statements as the role; the last one ends with a state that the pattern names.
sub attack {
    my ($role, $name, $ends, @statements) = @_;
    my ($state, @rows);
    for my $statement (@statements) {
        ($state, @rows) = $client{$role}->run($statement);
        $told{$role} .= join("\n", @rows) . "\n";
        if (!defined $state) {
            fail("$role: $name: the connection was lost in: $statement");
            $client{$role} = mega_client->connect($node, 'shop', "$files/$role", user => $role);
            return;
        }
    }
    like($state, qr/^(?:$ends)$/, "$role: $name");
    return;
}

# Prepares an attack; has to work.
sub prepare {
    my ($role, @statements) = @_;
    $client{$role}->rows($_) for @statements;
    return;
}

# What nobody may, whoever he is, save by being the owner.
sub everybody {
    for my $role (qw(anon writer app dba)) {
        attack($role, 'takes a level', '42501', "SELECT mega_grant('$role', 'admin')");
        attack($role, 'takes it by a name that is more than a name', '42501|42704|42602', q{SELECT mega_grant('"x"; ALTER ROLE } . $role . q{ SUPERUSER; --"', 'admin')});
        attack($role, "calls $_", '42501', "SELECT * FROM $_") for 'mega_install()', 'mega_validate()', 'mega_open_books()', 'mega_expire_credits()', 'mega_reconcile_credits()';
        attack($role, 'switches triggers off', '42501', 'ALTER TABLE mega_customers DISABLE TRIGGER ALL');
        attack($role, 'plays replica', '42501', 'SET session_replication_role = replica');
        # before the library is loaded a setting is only a name; loading it asks for the right to it
        attack($role, 'allows itself hosts', '00000', "SET mega.asset_hosts = 'evil.example'", "SELECT mega_is_pass_id('x')", q{SELECT 1 / (current_setting('mega.asset_hosts') <> 'evil.example')::integer});
        attack($role, 'allows itself hosts', '42501', "SET mega.asset_hosts = 'evil.example'");
        attack($role, 'keeps secrets in payloads', '42501', "SET mega.payload_urls = 'keep'");
        attack($role, 'adds a column', '42501', 'ALTER TABLE mega_customers ADD COLUMN x text DEFAULT of_' . $role . '.x()');
        attack($role, 'adds a policy', '42501', 'CREATE POLICY x ON mega_customers USING (true)');
        attack($role, 'adds a rule', '42501', 'CREATE RULE x AS ON INSERT TO mega_generations DO ALSO NOTHING');
        attack($role, 'adds a trigger', '42501', planted($role, 'spy', '', 'trigger'), "CREATE TRIGGER spy BEFORE INSERT ON mega_generations FOR EACH ROW EXECUTE FUNCTION of_$role.spy()");
        attack($role, 'adds a key', '42501', "CREATE TABLE of_$role.r (i text REFERENCES mega_customers)");
        attack($role, 'empties the ledger', '42501', 'TRUNCATE mega_generations CASCADE');
        attack($role, 'reads the office', '42501', 'SELECT * FROM mega_admin');
        attack($role, 'replaces a function', '42501', 'CREATE OR REPLACE FUNCTION public.mega_version() RETURNS text LANGUAGE sql AS $$SELECT 1::text$$', ) if $role ne 'dba';
        attack($role, 'drops the extension', '42501|2BP01', 'DROP EXTENSION mega CASCADE') if $role ne 'dba';
        # a trigger function of mega on a table of one's own would mint credits
        prepare($role, "CREATE TABLE of_$role.mint (LIKE mega_generations)") if $role ne 'anon' && $role ne 'dba';
        attack($role, 'mints with mega\'s trigger', '42501|42P01', "CREATE TRIGGER m AFTER INSERT ON of_$role.mint REFERENCING NEW TABLE AS n EXECUTE FUNCTION mega_trigger_ledger_project()");
    }
    return;
}

# Everything was given to this role by default privileges, before there was anything.
sub anon {
    attack('anon', "reads $_", '42501', "SELECT * FROM $_") for qw(mega_customers mega_generations mega_admin);
    attack('anon', 'writes a row', '42501', "INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:anon', 'pass:test:anon', 1000)");
    attack('anon', 'makes a customer', '42501', "INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:x')");
    attack('anon', 'writes by COPY', '42501', q{COPY mega_generations FROM PROGRAM 'echo x'});
    attack('anon', 'probes a balance', '42501', "SELECT mega_balance('pass:test:anon')");
    attack('anon', 'asks the planner', '42501', 'EXPLAIN SELECT FROM mega_customers WHERE mg_credits > 5');
    attack('anon', 'asks a predicate that tells', '42501', q{CREATE FUNCTION of_anon.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING '%', $1; RETURN true; END $$},
        'SELECT FROM mega_customers WHERE of_anon.tell(mg_pass_id)');
    return;
}

# Reads and writes rows, its own only.
sub writer {
    my $own = "'pass:test:writer'";
    attack('writer', 'reads its own only', '00000', 'SELECT * FROM mega_customers', 'SELECT * FROM mega_generations', "SELECT * FROM mega_customer($own)");
    attack('writer', "reads by $_", '23503', "SELECT * FROM $_") for "mega_generation_history('pass:test:app')", "mega_mma_events('pass:test:app')";
    attack('writer', 'reads by mega_generation_steps', '00000', "SELECT * FROM mega_generation_steps('known')");
    attack('writer', 'has rows told by a predicate', '00000', q{CREATE FUNCTION of_writer.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING '%', $1; RETURN true; END $$},
        'SELECT count(*) FROM mega_customers WHERE of_writer.tell(mg_email)', 'SELECT count(*) FROM mega_generations WHERE of_writer.tell(mg_prompt) AND of_writer.tell(mg_pass_id)');
    my $insert = 'INSERT INTO mega_generations';
    attack('writer', 'likes what is another\'s', '23514', qq{$insert (mg_id, mg_pass_id, mg_generation_id, mg_meta) VALUES ('mma_event:w1', $own, 'known', '{"event_type": "like"}')});
    attack('writer', 'descends from another\'s', '23514', "$insert (mg_id, mg_pass_id, mg_parent_id) VALUES ('generation:w1', $own, 'generation:known')");
    attack('writer', 'steps into another\'s', '42501', qq{$insert (mg_id, mg_step_type, mg_payload) VALUES ('mma_step:known:9', 'x', '{"input": {}, "output": {}}')});
    attack('writer', 'takes another\'s id', '23505', "$insert (mg_id, mg_pass_id) VALUES ('generation:known', $own)");
    attack('writer', 'takes another\'s id over', '42501', "$insert (mg_id, mg_pass_id) VALUES ('generation:known', $own) ON CONFLICT (mg_id) DO UPDATE SET mg_prompt = 'mine'");
    attack('writer', 'takes another\'s reference', '23505', "$insert (mg_id, mg_pass_id, mg_delta, mg_ref_type, mg_ref_id, mg_reason) VALUES ('credit_transaction:w1', $own, 5, 'order', 'known', 'order')");
    attack('writer', 'overflows its balance', '22003', "$insert (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:w2', $own, 2147483647)");
    attack('writer', 'spends for another', '42501', "$insert (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:w3', 'pass:test:app', -5)");
    attack('writer', 'writes its balance', 'MG006', 'UPDATE mega_customers SET mg_credits = 1000000');
    attack('writer', 'writes it silently', '00000', "SET mega.derived_writes = 'ignore'", 'UPDATE mega_customers SET mg_credits = 1000000', 'RESET mega.derived_writes');
    attack('writer', 'writes it by an upsert', 'MG006', "INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ($own, 0) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_credits = 1000000");
    attack('writer', 'writes it by MERGE', 'MG006', "MERGE INTO mega_customers c USING (SELECT 1) s ON c.mg_pass_id = $own WHEN MATCHED THEN UPDATE SET mg_credits = 1000000");
    attack('writer', 'writes it in one statement with a row', 'MG006', "WITH r AS ($insert (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:w4', $own, 5) RETURNING 1) UPDATE mega_customers SET mg_credits = 105");
    attack('writer', 'becomes another', 'MG005', "UPDATE mega_customers SET mg_pass_id = 'pass:test:app'");
    attack('writer', 'takes another\'s identity', '23505', "UPDATE mega_customers SET mg_shopify_customer_id = '4711'");
    attack('writer', 'changes what it spent', 'MG005', "UPDATE mega_generations SET mg_delta = 1000 WHERE mg_id = 'credit_transaction:of-writer'");
    attack('writer', 'gives its row away', 'MG005', "UPDATE mega_generations SET mg_pass_id = 'pass:test:app'");
    attack('writer', 'settles a hold by hand', 'MG005', "$insert (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:hold:w', $own, -5)", "UPDATE mega_generations SET mg_status = 'failed' WHERE mg_id = 'credit_transaction:hold:w'");
    attack('writer', 'stores a link that expires', '23514', "UPDATE mega_generations SET mg_output_url = 'https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=0' WHERE mg_id = 'generation:of_writer'");
    attack('writer', 'copies to a program', '42501', "COPY mega_generations TO PROGRAM 'cat'");
    attack('writer', 'calls a function of the app', '42501', "SELECT mega_record_credit($own, 5, 'x')");
    # whose row says that it was merged into another is not believed: what mega reads there nobody else writes
    my $said = q{'{"merged_into": "pass:test:app", "mega": {"merged_into": "pass:test:app", "sources": ["pass:test:app"]}}'};
    my $merged = sub {
        my ($how, @statements) = @_;
        attack('writer', "says by $how that it is another", '00000', @statements);
        is($client{app}->rows("SELECT mg_pass_id FROM mega_ensure_customer($own)"), 'pass:test:writer', "app: which it is not, $how");
        is($client{app}->rows("SELECT mg_pass_id FROM mega_ensure_customer($own, user_id => '00000000-0000-4000-8000-0000000000aa')"), 'pass:test:writer', "app: nor with an identity, $how");
    };
    $merged->('an update', "UPDATE mega_customers SET mg_meta = $said");
    $merged->('an upsert', "INSERT INTO mega_customers (mg_pass_id) VALUES ($own) ON CONFLICT (mg_pass_id) DO UPDATE SET mg_meta = $said");
    $merged->('MERGE', "MERGE INTO mega_customers c USING (SELECT 1) s ON c.mg_pass_id = $own WHEN MATCHED THEN UPDATE SET mg_meta = $said");
    $merged->('an update of a part', q{UPDATE mega_customers SET mg_meta['mega']['merged_into'] = '"pass:test:app"'});
    $merged->('an update that ignores', "SET mega.derived_writes = 'ignore'", "UPDATE mega_customers SET mg_meta = $said", 'RESET mega.derived_writes');
    attack('writer', 'writes it into the ledger', '00000', "UPDATE mega_generations SET mg_meta = $said WHERE mg_id = 'generation:of_writer'", "$insert (mg_id, mg_pass_id, mg_delta, mg_meta) VALUES ('credit_transaction:w9', $own, 5, $said)");
    is($node->safe_psql('shop', q{SELECT mg_pass_id FROM mega_customers WHERE mg_meta -> 'mega' ? 'merged_into' UNION ALL SELECT mg_id FROM mega_generations WHERE mg_meta -> 'mega' ? 'merged_into'}), '', 'writer: and none of it is stored');
    return;
}

# May call what moves credits, and reads everything; nothing else.
sub app {
    attack('app', 'writes a row', '42501', "INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:app', 'pass:test:app', 1000)");
    attack('app', 'writes a balance', '42501', 'UPDATE mega_customers SET mg_credits = 1000');
    attack('app', 'spends what is not there', 'MG001', "SELECT mega_record_credit('pass:test:app', -1000, 'spend')");
    attack('app', 'spends it twice over in a batch', 'MG001', q{SELECT mega_record_credits('[{"pass_id": "pass:test:app", "delta": -60, "reason": "a"}, {"pass_id": "pass:test:app", "delta": -60, "reason": "b"}]')});
    attack('app', 'transfers what is not there', 'MG001', "SELECT mega_transfer_credit('pass:test:app', 'pass:test:anon', 1000, 'a1')");
    attack('app', 'transfers less than nothing', '22023', "SELECT mega_transfer_credit('pass:test:app', 'pass:test:anon', -5, 'a1')");
    attack('app', 'holds less than nothing', '22023', "SELECT mega_hold_credit('pass:test:app', -5, 'a1')");
    attack('app', 'refunds a grant', '22023', "SELECT mega_refund_credit('of-app', 'a1')");
    attack('app', 'refunds more', 'MG012', "SELECT mega_record_credit('pass:test:app', -5, 'spend', txn_id => 'a2')", "SELECT mega_refund_credit('a2', 'a2', 6)");
    attack('app', 'revokes a spend', '22023', "SELECT mega_record_credit('pass:test:app', -5, 'spend', txn_id => 'a3')", "SELECT mega_revoke_credit('a3', 'a3')");
    attack('app', 'revokes more', 'MG012', "SELECT mega_revoke_credit('a4', 'of-app', amount => 1000000)");
    attack('app', 'writes a row of another function', '22023', "SELECT mega_record_credit('pass:test:app', 5, 'x', txn_id => '$_')") for qw(hold:x release:known capture:known refund:x transfer:x:in expire:x opening:x revoke:x topup:x lot:x:in);
    attack('app', 'overflows', '22003', "SELECT mega_record_credit('pass:test:app', 2147483647, 'grant')");
    attack('app', 'redirects by search_path', '00000', 'CREATE TABLE of_app.mega_customers (mg_pass_id text, mg_credits integer)', 'SET search_path = of_app, public', "SELECT public.mega_record_credit('pass:test:app', 1, 'x')", 'RESET search_path');
    attack('app', 'plants an operator', '00000', planted('app', 'eq', 'text, text', 'boolean', 'true'), 'CREATE OPERATOR of_app.= (LEFTARG = text, RIGHTARG = text, FUNCTION = of_app.eq)',
        planted('app', 'now', '', 'timestamptz', "'epoch'"), planted('app', 'lower', 'text', 'text', "'x'"), 'SET search_path = of_app, pg_catalog, public',
        'SELECT public.mega_record_credit(\'pass:test:app\', 1, \'x\', txn_id => \'a3\')', "SELECT public.mega_ensure_customer('pass:test:app')", "SELECT public.mega_start_session('pass:test:app', 'a1')",
        "SELECT public.mega_append_mma_step('of_app', 'x')", "SELECT public.mega_record_mma_event('pass:test:app', 'like', '{\"tag\": \"a\"}')", "SELECT public.mega_balance('pass:test:app')", "SELECT public.mega_refund_credit('a2', 'a3', 1)", 'RESET search_path');
    # TRIGGER is part of GRANT ALL: what it hangs on the tables would run as their owner
    for my $table (qw(mega_customers mega_generations)) {
        $node->safe_psql('shop', "GRANT TRIGGER ON $table TO app");
        prepare('app', planted('app', 'spy', '', 'trigger'), "CREATE TRIGGER a_spy BEFORE INSERT OR UPDATE ON $table FOR EACH ROW EXECUTE FUNCTION of_app.spy()");
        attack('app', "runs code as the owner by $table", '42501', "SELECT mega_record_credit('pass:test:app', 1, 'x')");
        is($node->psql('shop', "SELECT mega_record_credit('pass:test:app', 1, 'x')"), 3, "app: nor when a superuser calls, $table");
        attack('writer', "runs into it by a row of $table", '42501', $table eq 'mega_customers' ? "UPDATE mega_customers SET mg_email = 'w\@example.com'" : "INSERT INTO mega_generations (mg_id, mg_pass_id) VALUES ('session:w' || clock_timestamp(), 'pass:test:writer')");
        $node->safe_psql('shop', "DROP TRIGGER a_spy ON $table; REVOKE TRIGGER ON $table FROM app");
        attack('app', "goes on without it on $table", '00000', "SELECT mega_record_credit('pass:test:app', 1, 'x')");
    }
    # and puts another trigger in the place of one of mega's: whoever writes is told, as long as one of them is left
    my %of_table = (mega_customers => [ 'SELECT mega_record_credit(\'pass:test:app\', 1, \'x\')', "UPDATE mega_customers SET mg_email = 'w\@example.com'" ],
        mega_generations => [ 'SELECT mega_record_credit(\'pass:test:app\', 1, \'x\')', "INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id, mg_mma_vars) VALUES ('session:w' || clock_timestamp(), 'session', 'pass:test:writer', '{}')" ]);
    for my $table (sort keys %of_table) {
        $node->safe_psql('shop', "GRANT TRIGGER ON $table TO app");
        my @ours = split /\n/, $node->safe_psql('shop', "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '$table'::regclass AND NOT tgisinternal ORDER BY 1");
        for my $definition (@ours) {
            my ($name) = $definition =~ /TRIGGER (mega_\w+)/;
            prepare('app', "CREATE OR REPLACE TRIGGER $name BEFORE UPDATE ON $table FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()");
            attack('app', "replaces $name", '55000', $of_table{$table}[0]);
            attack('writer', "runs into another $name", '55000', $of_table{$table}[1]);
            $node->safe_psql('shop', $definition =~ s/^CREATE /CREATE OR REPLACE /r);
        }
        attack('app', "goes on with mega's triggers on $table", '00000', $of_table{$table}[0]);
        $node->safe_psql('shop', "REVOKE TRIGGER ON $table FROM app");
    }
    attack('app', 'hides tables behind temporary ones', '00000', 'CREATE TEMP TABLE mega_generations (mg_id text)', "SELECT mega_record_credit('pass:test:app', 1, 'x')", 'DROP TABLE pg_temp.mega_generations');
    return;
}

# Owns the tables and is no superuser: what it puts on them runs as itself, whoever writes.
sub owner {
    my $check = sub { my ($expression, $column) = @_; return "ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (mg_reason IS DISTINCT FROM 'again' OR ($expression) IS NOT NULL) NOT VALID" };
    my $inner = q{SELECT public.mega_record_credit('pass:test:owner', 1, 'inner')};
    prepare('owner', planted('owner', 'who', '', 'text', "'x'"), planted('owner', 'trigger', '', 'trigger'),
        "CREATE FUNCTION of_owner.inner_call() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN PERFORM public.mega_record_credit('pass:test:owner', 1, 'inner'); RETURN 'a'; END \$\$");
    my %checks = ('by query_to_xml' => "query_to_xml(\$\$$inner\$\$, true, true, '')", 'by ts_rewrite' => q{ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, of_owner.inner_call()::tsquery')});
    for my $how (sort keys %checks) {
        prepare('owner', $check->($checks{$how}), "SELECT mega_record_credit('pass:test:owner', 5, 'warm')");
        attack('owner', "re-enters a function $how", '[0-9A-Z]{5}', "SELECT mega_record_credit('pass:test:owner', 5, 'again', txn_id => 'o' || clock_timestamp())");
        attack('owner', "re-enters with a reference $how", '[0-9A-Z]{5}', "SELECT mega_record_credit('pass:test:owner', 5, 'again', ref_type => 'x', ref_id => 'o' || clock_timestamp())");
        attack('owner', "re-enters a batch $how", '[0-9A-Z]{5}', q{SELECT mega_record_credits('[{"pass_id": "pass:test:owner", "delta": 5, "reason": "again"}, {"pass_id": "pass:test:owner", "delta": 5, "reason": "again"}]')});
        attack('owner', "re-enters by a row $how", '[0-9A-Z]{5}', "INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason) VALUES ('credit_transaction:o' || clock_timestamp(), 'pass:test:owner', 5, 'again')");
        prepare('owner', 'ALTER TABLE mega_generations DROP CONSTRAINT own');
    }
    # whoever calls, a superuser too: what the owner put there runs as the owner
    prepare('owner', q{ALTER TABLE mega_generations ADD CONSTRAINT own CHECK (query_to_xml('SELECT of_owner.who()', true, true, '') IS NOT NULL) NOT VALID});
    my $superuser = sub { $node->psql('shop', "SELECT mega_record_credit('pass:test:owner', 5, 'x'); SELECT mega_create_generation('pass:test:owner', 'o' || clock_timestamp()); SELECT mega_update_generation('of_owner', vars => '{\"x\": 1}')") };
    $superuser->();
    prepare('owner', 'ALTER TABLE mega_generations DROP CONSTRAINT own', 'ALTER TABLE mega_generations ALTER COLUMN mg_browser SET DEFAULT of_owner.who()');
    $superuser->();
    prepare('owner', 'ALTER TABLE mega_generations ALTER COLUMN mg_browser DROP DEFAULT', 'CREATE TRIGGER zz BEFORE INSERT OR UPDATE ON mega_generations FOR EACH ROW EXECUTE FUNCTION of_owner.trigger()');
    $superuser->();
    prepare('owner', 'DROP TRIGGER zz ON mega_generations');
    attack('owner', 'makes itself a superuser', '42501', 'ALTER ROLE owner SUPERUSER');
    return;
}

# Owns the database and the schema public, and plants what it can.
sub dba {
    attack('dba', "reads $_", '42501', "SELECT * FROM $_") for qw(mega_customers mega_generations mega_admin);
    attack('dba', 'writes a row', '42501', "INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:dba', 'pass:test:dba', 1000)");
    attack('dba', 'owns the tables', '42501', 'ALTER TABLE mega_customers OWNER TO dba');
    attack('dba', 'makes the extension its own', '42501', 'ALTER EXTENSION mega UPDATE');
    attack('dba', 'calls', '42501', "SELECT mega_record_credit('pass:test:dba', 1000, 'x')");
    # where the extension is not yet: rivals of what a superuser will name when he creates it and first uses it
    my @types = qw(text name oid integer bigint boolean jsonb timestamptz regclass regtype "char" text[] oid[] smallint regrole);
    my @planted = ('CREATE SCHEMA of_dba');
    for my $left (@types) {
        for my $right (@types) {
            my $arguments = "$left, $right";
            (my $what = "eq_${left}_$right") =~ s/\W/_/g;
            push @planted, planted('dba', $what, $arguments, 'boolean', 'true'), map { "CREATE OPERATOR public.$_ (LEFTARG = $left, RIGHTARG = $right, FUNCTION = of_dba.$what)" }
                '=', '<>', '<', '>=', '~', '!~~';
        }
    }
    for my $function ('mega_install()', 'mega_is_restoring(text)', 'mega_grant(text, text)', 'quote_ident(text)', 'format(text, text)', 'format(text, text, text)', 'set_config(text, text, boolean)', 'lower(text)', 'count(text)',
        'clock_timestamp()', 'current_setting(text)', 'to_regclass(text)', 'pg_get_constraintdef(oid, boolean)', 'string_agg(text, text)', 'obj_description(oid, text)', 'format_type(oid, integer)') {
        my ($name, $arguments) = $function =~ /(\w+)\((.*)\)/;
        push @planted, planted('dba', $name, $arguments, 'text', "'x'") =~ s/of_dba\./public./r;
    }
    my $planter = mega_client->connect($node, 'mall', "$files/planter", user => 'dba');
    $planter->rows($_) for @planted;
    $planter->close;
    $node->psql('mall', $_) for 'SET search_path = public, of_dba; CREATE EXTENSION mega', 'SELECT mega_install(false), mega_validate()',
        q{SET search_path = public, pg_catalog; SELECT mega_ensure_customer('pass:test:a'), mega_record_credit('pass:test:a', 5, 'x'), mega_grant('app'::pg_catalog.regrole, 'app'), mega_open_books(), mega_install(false)},
        q{SET search_path = public, pg_catalog; SELECT * FROM mega_balance('pass:test:a'), mega_reconcile_credits(), mega_reconcile_preferences()}, 'DROP EXTENSION mega CASCADE', 'CREATE EXTENSION mega';
    is($node->safe_psql('mall', q{SELECT mg_credits FROM public.mega_customers}), '5', 'dba: what is planted in the schema neither runs nor is in the way');
    return;
}

# Every function with arguments that are meant ill, by every role.
sub hostile_calls {
    my @functions = map { [ split /\|/ ] } split /\n/, $node->safe_psql('shop', q{
        SELECT p.proname, p.prokind, p.prorettype = 'trigger'::regtype, coalesce((SELECT string_agg(format_type(t, NULL), ',' ORDER BY i) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, i)), '')
        FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'mega'
        WHERE p.proname <> 'mega_open_books' ORDER BY 1});
    my @texts = (q{'; DROP TABLE mega_admin; --}, q{" ; ALTER ROLE app SUPERUSER}, '$1', '%s%n', '@schema@', 'pg_catalog', 'public', 'of_app', '{}', '\\', "\x{1}", 'x' x 600, 'pass:test:app', 'known', 'of_app', 'hold:known',
        'generation:known', 'credit_transaction:known', 'mma_event:known', 'like', 'done', 'order', 'admin', '../../etc/passwd', 'https://b.s3.amazonaws.com/k?X-Amz-Signature=0', 'pass:test:writer', 'anonymous');
    my %values = (
        text => sub { return quoted($texts[ rand @texts ]) }, 'text[]' => sub { return "ARRAY['x', '\"; --']" }, name => sub { return quoted($texts[ rand 8 ]) . '::name' },
        integer => sub { return (0, 1, -1, 2147483647, -2147483648)[ rand 5 ] }, bigint => sub { return (0, -1, '9223372036854775807')[ rand 3 ] }, boolean => sub { return ('true', 'false')[ rand 2 ] },
        uuid => sub { return "'00000000-0000-4000-8000-000000000001'::uuid" }, regrole => sub { return ("'app'", "'postgres'", '0')[ rand 3 ] . '::regrole' },
        jsonb => sub { return ('\'{}\'', '\'[]\'', 'NULL', q{'{"mega": {"merged_into": "pass:test:app"}, "merged_into": "pass:test:app"}'}, q{'[{"pass_id": "pass:test:app", "delta": 1, "reason": "x", "meta": {"mega": {"packs": 9}}}]'})[ rand 5 ] . '::jsonb' },
        'timestamp with time zone' => sub { return "'" . ('infinity', '-infinity', 'epoch', 'now')[ rand 4 ] . "'::timestamptz" }, interval => sub { return "'" . ('-1 day', '178000000 years', '1 hour')[ rand 3 ] . "'::interval" });
    my %open;
    for my $role (@roles) {
        my @strange;
        for my $function (@functions) {
            my ($name, $kind, $trigger, $types) = @$function;
            my $many = $kind eq 'p' || $trigger eq 't' || $name eq 'mega_install' || $name eq 'mega_validate' ? 1 : $calls;
            for (1 .. $many) {
                my @arguments = map { rand() < 0.1 ? "NULL::$_" : ($values{$_} // sub { return "NULL::$types" })->() } split /,/, $types // '';
                my $statement = ($kind eq 'p' ? 'CALL ' : 'SELECT * FROM ') . "$name(" . join(', ', @arguments) . ')';
                $statement = "SELECT $name()" if $trigger eq 't';
                my ($state, @rows) = $client{$role}->run($statement);
                $told{$role} .= join("\n", @rows) . "\n" if $role eq 'anon' || $role eq 'writer';
                $open{$role}{$name} = 1 if ($state // '') ne '42501';
                next if defined $state && $state !~ /^(?:XX|58|53)/ && !($state eq '57014');
                push @strange, ($state // 'the connection was lost') . ": $statement";
                $client{$role} = mega_client->connect($node, 'shop', "$files/$role", user => $role) if !defined $state;
            }
        }
        is(join("\n", @strange[0 .. ($#strange < 4 ? $#strange : 4)]), '', "$role: every hostile call is answered");
    }
    my $predicates = 'mega_has_expiring_url mega_is_pass_id mega_is_permanent_url mega_is_record_id';
    is(join(' ', sort keys %{ $open{$_} }), $predicates, "$_ may call the predicates alone") for qw(anon dba);
    return;
}
