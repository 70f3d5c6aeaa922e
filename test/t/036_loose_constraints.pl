# Constraints that hold less than they say, which Postgres has from 18 on: NOT ENFORCED, NOT NULL that is NOT VALID or NO
# INHERIT. mega_install and mega_validate go on, tell what is not held, and mend what they may; a dry run tells the same.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use mega_test;
use Test::More;

my $node = start_node('loose');
plan skip_all => 'before 18 Postgres has no such constraints' if $node->pg_version < 18;

my $database;
sub sql { return $node->safe_psql($database, $_[0]); }

# A database of its own with these tables and the functions of mega.
sub begin {
    my ($name, $tables) = @_;
    $database = $name;
    $node->safe_psql('postgres', "CREATE DATABASE $name");
    return sql("SET client_min_messages = error; SET mega.install = off; $tables; CREATE EXTENSION mega");
}

# What the report says of the objects; a dry run has to say the same.
sub install {
    my ($objects, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $told = sql('SELECT * FROM mega_install(dry_run => true)');
    my @done = split /\n/, sql('SELECT * FROM mega_install()');
    is(join("\n", @done), $told, "$name: a dry run tells what the run does");
    return join "\n", grep { /$objects/ } @done;
}

sub validate {
    my ($objects) = @_;
    return sql("SELECT object, offenders, example, action FROM mega_validate() WHERE object ~ '$objects'");
}

#
# NOT ENFORCED, of mega's own constraints and of those by their names.
#
my $way = sub { "it is NOT ENFORCED: ALTER TABLE public.$_[0] DROP CONSTRAINT $_[1], then mega_install again" };
my $key = 'mega_generations_pass_id_fkey';
$database = 'enforced';
$node->safe_psql('postgres', 'CREATE DATABASE enforced');
sql("CREATE EXTENSION mega; ALTER TABLE mega_generations ALTER CONSTRAINT $key NOT ENFORCED");
my $kept = "$key|keep|" . $way->('mega_generations', $key);
is(install('.', 'a foreign key'), $kept, 'a foreign key of mega that is NOT ENFORCED is left, and told');
is(validate('.'), "$key|0||" . $way->('mega_generations', $key), 'mega_validate tells it');
is(sql("SELECT conenforced FROM pg_constraint WHERE conname = '$key'"), 'f', 'it is as its user made it');
sql(q{INSERT INTO mega_generations (mg_id, mg_record_type, mg_pass_id) VALUES ('session:lost', 'session', 'pass:test:gone')});
is(install('.', 'with a row'), "$kept (1 row breaks it: session:lost)", 'mega_install tells a row that it lets in');
is(validate('.'), "$key|1|session:lost|" . $way->('mega_generations', $key), 'so does mega_validate');
sql('DROP EXTENSION mega CASCADE');
is(sql('CREATE EXTENSION mega; SELECT count(*) FROM mega_install()'), 1, 'CREATE EXTENSION goes on');
sql("ALTER TABLE mega_generations DROP CONSTRAINT $key");
is(install('.', 'dropped'), "$key|add constraint|ALTER TABLE public.mega_generations ADD CONSTRAINT $key FOREIGN KEY (mg_pass_id) "
    . "REFERENCES public.mega_customers (mg_pass_id) ON DELETE NO ACTION ON UPDATE NO ACTION NOT VALID\n"
    . "$key|skip validation|1 row breaks it: session:lost", 'the way that the report shows leads out');

my $shape = 'mega_customers_pass_id_shape';
begin('shapes', qq{CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer,
    CONSTRAINT $shape CHECK (mg_pass_id LIKE 'pass:%') NOT ENFORCED, CONSTRAINT mega_customers_mg_credits_there CHECK (mg_credits IS NOT NULL) NOT ENFORCED);
    INSERT INTO mega_customers VALUES ('mona\@example.com', 0)});
is(install('pass_id_shape|mg_credits\|(skip|set not)', 'a check'), "mega_customers.mg_credits|skip not null|mega_customers_mg_credits_there is NOT ENFORCED\n"
    . "$shape|keep|" . $way->('mega_customers', $shape) . ' (1 row breaks it: mona@example.com)', 'a check that has the name of one of mega is left, and told');
is(validate('pass_id_shape'), "$shape|1|mona\@example.com|" . $way->('mega_customers', $shape), 'mega_validate tells it');

#
# A foreign key of the application that is NOT ENFORCED does not do what mega's does.
#
begin('orphans', q{CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY);
    CREATE TABLE mega_generations (mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_pass_id text);
    ALTER TABLE mega_generations ADD CONSTRAINT theirs FOREIGN KEY (mg_pass_id) REFERENCES mega_customers NOT ENFORCED;
    INSERT INTO mega_customers VALUES ('pass:test:1');
    INSERT INTO mega_generations VALUES ('session:1', 'session', 'pass:test:1'), ('session:lost', 'session', 'pass:test:gone')});
like(install($key, 'an application\'s key'), qr/^\Q$key\E\|add constraint\|.* NOT VALID\n\Q$key\E\|skip validation\|1 row breaks it: session:lost$/,
    'mega adds its own, and tells the orphans');
is(validate($key), "$key|1|session:lost|mend these rows, facts with the triggers off, then call mega_validate again", 'so does mega_validate');
sql(q{INSERT INTO mega_customers (mg_pass_id) VALUES ('pass:test:gone')});
is(validate($key), "$key|0||added", 'and validates it when they are mended');
is(sql(q{SELECT string_agg(conname || ' ' || conenforced || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint
    WHERE conrelid = 'mega_generations'::regclass AND contype = 'f'}), "$key true true, theirs false false", 'beside theirs');
sql("ALTER TABLE mega_generations DROP CONSTRAINT $key, ALTER CONSTRAINT theirs ENFORCED");
is(install($key, 'enforced'), "$key|keep|theirs does the same", 'enforced it does');
sql("ALTER TABLE mega_generations ADD CONSTRAINT $key FOREIGN KEY (mg_pass_id) REFERENCES mega_customers NOT ENFORCED");
is(install($key, 'both'), "$key|keep|theirs does the same", 'also beside one by mega\'s name that is not');

#
# NOT NULL that is NOT VALID: NULLs stand there.
#
begin('nulls', q{CREATE TABLE mega_customers (mg_pass_id text PRIMARY KEY, mg_credits integer DEFAULT 0, mg_created_at timestamptz DEFAULT now());
    CREATE TABLE mega_admin (mg_id text PRIMARY KEY, mg_record_type text NOT NULL, mg_action text, mg_created_at timestamptz);
    INSERT INTO mega_customers (mg_pass_id, mg_credits) VALUES ('pass:test:1', NULL), ('pass:test:2', 0);
    INSERT INTO mega_admin VALUES ('admin_audit:1', 'admin_audit', 'looked', NULL), ('admin_audit:2', 'admin_audit', 'looked', '2025-01-01');
    ALTER TABLE mega_customers ADD CONSTRAINT "Always there" NOT NULL mg_credits NOT VALID, ADD CONSTRAINT dated NOT NULL mg_created_at NO INHERIT NOT VALID;
    ALTER TABLE mega_admin ADD CONSTRAINT dated NOT NULL mg_created_at NOT VALID});
my $nullable = 'mg_(credits|created_at)\|.*(null|constraint)';
is(install($nullable, 'NULLs'), "mega_customers.mg_credits|skip not null|1 row breaks it: pass:test:1\n"
    . "mega_customers.mg_created_at|validate constraint|ALTER TABLE public.mega_customers VALIDATE CONSTRAINT dated\n"
    . 'mega_admin.mg_created_at|skip not null|1 row breaks it: admin_audit:1', 'mega_install tells them, and validates what is kept');
my $mend = 'mend these rows, facts with the triggers off, then call mega_validate again';
is(validate('mg_(credits|created_at)$'), "mega_customers.mg_credits|1|pass:test:1|mend these rows, then call mega_validate again\n"
    . "mega_admin.mg_created_at|1|admin_audit:1|$mend", 'so does mega_validate');
my $client = $node->background_psql('nulls');
my $audits = q{SELECT string_agg(mg_id, ' ') FROM mega_admin_audits()};
is($client->query($audits), 'admin_audit:1 admin_audit:2', 'an audit without a time is not left out');
sql(q{BEGIN; ALTER TABLE mega_admin DISABLE TRIGGER USER; UPDATE mega_admin SET mg_created_at = '2024-01-01' WHERE mg_created_at IS NULL;
    ALTER TABLE mega_admin ENABLE TRIGGER USER; ALTER TABLE mega_customers DISABLE TRIGGER USER; UPDATE mega_customers SET mg_credits = 0 WHERE mg_credits IS NULL;
    ALTER TABLE mega_customers ENABLE TRIGGER USER; COMMIT});
is(sql(q{BEGIN; SELECT object, offenders, action FROM mega_validate() WHERE object ~ 'mg_(credits|created_at)$';
    SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IN ('mega_customers'::regclass, 'mega_admin'::regclass); COMMIT}),
    "mega_customers.mg_credits|0|added\nmega_admin.mg_created_at|0|added\n0", 'and validates it when they are mended, without a lock that stops writers');
is(sql(q{SELECT string_agg(conname, ',') FROM pg_constraint WHERE contype = 'n' AND NOT convalidated}), '', 'nothing is NOT VALID then');
is($client->query($audits), 'admin_audit:2 admin_audit:1', 'and audits come by their time');
$client->quit;
unlike(install('mg_created_at|mg_credits', 'mended'), qr/not null|constraint/, 'then there is nothing to do');

#
# An id whose NOT NULL is NO INHERIT or NOT VALID, and no primary key, which Postgres lets rest on neither.
#
my $primary = sub { "mega_customers_pkey|add constraint|$_[0]ALTER TABLE public.mega_customers ADD CONSTRAINT mega_customers_pkey PRIMARY KEY (mg_pass_id)" };
my $inherit = 'ALTER TABLE public.mega_customers ALTER CONSTRAINT "Its id" INHERIT; ';
my $valid = "mega_customers.mg_pass_id|validate constraint|ALTER TABLE public.mega_customers VALIDATE CONSTRAINT \"Its id\"\n";
my %told = ('NO INHERIT' => $primary->($inherit), 'NOT VALID' => $valid . $primary->(''), 'NO INHERIT NOT VALID' => $valid . $primary->($inherit));
my $number = 0;
for my $marked (sort keys %told) {
    begin('ids' . ++$number, qq{CREATE TABLE mega_customers (mg_pass_id text, mg_credits integer NOT NULL DEFAULT 0);
        ALTER TABLE mega_customers ADD CONSTRAINT "Its id" NOT NULL mg_pass_id $marked; INSERT INTO mega_customers VALUES ('pass:test:1')});
    is(install('mg_pass_id\||_pkey', $marked), $told{$marked}, "$marked: mended, then the key is made");
    is(sql(q{SELECT convalidated AND NOT connoinherit FROM pg_constraint WHERE conname = 'Its id'}), 't', 'it is as the key needs it');
    is(sql(q{SELECT conname FROM pg_constraint WHERE contype = 'p' AND conrelid = 'mega_customers'::regclass}), 'mega_customers_pkey', 'the key is there');
}
begin('ids', q{CREATE TABLE mega_customers (mg_pass_id text, mg_credits integer NOT NULL DEFAULT 0); INSERT INTO mega_customers VALUES (NULL);
    ALTER TABLE mega_customers ADD CONSTRAINT "Its id" NOT NULL mg_pass_id NO INHERIT NOT VALID});
is(install('mg_pass_id\||_pkey', 'without an id'), "mega_customers.mg_pass_id|skip not null|1 row breaks it: NULL\nmega_customers_pkey|skip constraint|mg_pass_id is NULL in some rows",
    'a row without an id keeps both out');
sql('ALTER TABLE mega_customers DISABLE TRIGGER USER; DELETE FROM mega_customers; ALTER TABLE mega_customers ENABLE TRIGGER USER');
is(validate('mg_pass_id$|_pkey'), "mega_customers.mg_pass_id|0||added\nmega_customers_pkey|0||added", 'mega_validate adds both when it has gone');

done_testing();
