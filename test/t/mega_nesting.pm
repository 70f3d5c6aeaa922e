# Random transactions for t/012_nesting: statements of the actors in nesting.sql, savepoints between them, triggers of
# one's own around them. All that is random comes from rand(), here and, by setseed(), in the server.
package mega_nesting;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(setup_nesting random_triggers random_transaction);

sub one_of { return $_[ int(rand @_) ] }

# What nesting.sql and nesting_calls.sql make, as statements.
sub setup_nesting {
    my ($directory) = @_;
    local ($/, @ARGV) = (undef, map { "$directory/$_" } qw(nesting.sql nesting_calls.sql));
    return join "\n", <>;
}

# Other triggers than before: none, or up to three, by row and by statement, before and behind mega's by their names.
sub random_triggers {
    my ($standing) = @_;
    my @statements = ((map { "DROP TRIGGER $_->{name} ON $_->{table}" } @$standing), 'SELECT nest.refill()');
    my @made;
    for my $number (1 .. one_of(0, 0, 1, 1, 2, 3)) {
        my $table = one_of(qw(mega_customers mega_customers mega_generations mega_generations mega_generations mega_admin));
        my ($when, $level) = (one_of('BEFORE', 'AFTER'), one_of('ROW', 'ROW', 'STATEMENT'));
        my $does = $when eq 'BEFORE' && $level eq 'ROW' ? one_of('act', 'change', 'change', 'drop', 'old') : 'act';
        my $name = one_of('aaa', 'zzz') . $number;
        my $deferred = $when eq 'AFTER' && $level eq 'ROW' && rand() < 0.2; # fires at the end of the transaction
        $does = 'act at the end' if $deferred;
        push @made, { name => $name, table => $table };
        push @statements,
          'CREATE ' . ($deferred ? 'CONSTRAINT ' : '') . "TRIGGER $name $when " . one_of('INSERT', 'UPDATE', 'INSERT OR UPDATE') . " ON $table "
          . ($deferred ? 'DEFERRABLE INITIALLY DEFERRED ' : '') . "FOR EACH $level EXECUTE FUNCTION nest.fire()",
          "INSERT INTO nest.behaviour VALUES ('$name', '$does') ON CONFLICT (trigger) DO UPDATE SET does = EXCLUDED.does";
    }
    return (\@made, @statements);
}

# What a client sends by itself: acts, or statements that hold some.
sub random_statement {
    return 'SELECT nest.act() FROM generate_series(1, ' . one_of(1, 2, 4) . ')' if rand() < 0.7;
    my $call = q{nest.call(nest.one_of(nest.kind('credits', 'studio', 'office'), 'merge customers', 'erase'), nest.customer())};
    my $row = q{INSERT INTO mega_generations (mg_id, mg_pass_id, mg_delta) VALUES ('credit_transaction:' || nest.id(), nest.customer(), 3)};
    return one_of(
        "SELECT $call",
        "SELECT $call, $call",
        $row,
        "WITH raw AS ($row RETURNING mg_pass_id) SELECT $call FROM raw",
        "WITH raw AS ($row RETURNING mg_pass_id) SELECT $call, $call",
        "UPDATE mega_customers SET mg_display_name = 'personal' WHERE mg_pass_id = nest.customer('active') AND $call IS NOT NULL");
}

# The statements of one transaction, first to last, and whether it is to be committed. The references among them are to
# what may fail: then the transaction goes on at its savepoint, or is over.
sub random_transaction {
    my @statements = ('BEGIN ISOLATION LEVEL ' . one_of('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'),
        'SET LOCAL mega.derived_writes = ' . one_of('reject', 'ignore'),
        sprintf("SELECT set_config('nest.budget', '%d', false), setseed(%.6f)", one_of(3, 6, 12), rand));
    push @statements, 'SET LOCAL mega.write_path = ' . one_of('auto', 'sql') if rand() < 0.2;
    for my $number (1 .. one_of(1, 1, 2, 3)) {
        my $savepoint = rand() < 0.4;
        push @statements, 'SAVEPOINT s' if $savepoint;
        push @statements, \random_statement();
        push @statements, one_of('RELEASE s', 'ROLLBACK TO SAVEPOINT s') if $savepoint;
    }
    return (\@statements, rand() < 0.9);
}

1;
