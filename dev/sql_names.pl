#!/usr/bin/perl
# Finds names in the SQL text of src that a search_path decides about: prints file:line: what, for every function,
# operator, type, collation or relation without a schema, and every form that looks an operator up by itself.
#
#   dev/sql_names.pl FILE…         .sql whole, of C++ the string literals that are SQL
#   dev/sql_names.pl --self-test   every kind of breach is found and nothing else: prints what is not so
#
# SQL is told from prose as this house writes it: keywords are upper-case, everything else is not.
use strict;
use warnings;

# Words of SQL that make a literal SQL. A message that shows a command is prose, which says so by its first word.
my $sql_word = qr/\b(?:SELECT|FROM|WHERE|AND|OR|NOT|INSERT|UPDATE|DELETE|SET|RETURNING|VALUES|JOIN|ORDER|GROUP|HAVING|
    CHECK|INDEX|UNIQUE|LIMIT|EXISTS|FILTER|CASE|WHEN|THEN|ELSE|COLLATE|DEFAULT|ALTER|CREATE|IS|IN|LIKE|BETWEEN|NULLIF|
    USING|INTO|OPERATOR)\b|::/x;

# What looks like a function's call and is part of the grammar, or looks no name up.
my %grammar = map { $_ => 1 } qw(coalesce greatest least row array exists extract);

# Types that the grammar itself puts into pg_catalog.
my %grammar_type = map { $_ => 1 } qw(integer int bigint smallint boolean numeric decimal real interval timestamp time varchar);

# Functions of mega that take nothing, and whether the text is the install script's: Postgres runs that with mega's schema
# first in its path, behind pg_catalog, so what is created there needs no schema.
my (%without_arguments, $in_script);

my $operator = qr/[-+*\/<>=~!\@#%^&|?]+/;

# The SQL of a text as tokens: [kind, text, offset], kind being word, quoted, string, operator, mark, parameter.
sub tokens {
    my ($sql) = @_;
    my @tokens;
    while ($sql =~ /\G\s*/gc && pos($sql) < length $sql) {
        my $at = pos $sql;
        if ($sql =~ /\G--[^\n]*/gc) { next }
        if ($sql =~ m{\G/\*.*?\*/}gcs) { next }
        my $kind =
            $sql =~ /\GOPERATOR\s*\(\s*pg_catalog\s*\.\s*$operator\s*\)/gc ? 'qualified'
          : $sql =~ /\G'(?:[^']|'')*(?:'|$)/gc ? 'string'
          : $sql =~ /\G"(?:[^"]|"")*"/gc ? 'quoted'
          : $sql =~ /\G\@\w+\@/gc ? 'word'
          : $sql =~ /\G\$\d+/gc ? 'parameter'
          : $sql =~ /\G\$\w*\$/gc ? 'mark'
          : $sql =~ /\G\d[\d.]*/gc ? 'number'
          : $sql =~ /\G[A-Za-z_]\w*/gc ? 'word'
          : $sql =~ /\G(?:::|:=|=>)/gc ? 'mark'
          : $sql =~ /\G$operator/gc ? 'operator'
          : $sql =~ /\G./gcs ? 'mark' : die;
        push @tokens, [ $kind, substr($sql, $at, pos($sql) - $at), $at ];
    }
    return @tokens;
}

# The breaches of one SQL text: [offset, what].
sub breaches {
    my ($sql) = @_;
    my @tokens = tokens($sql);
    my @found;
    my %with = map { $_ => 1 } $sql =~ /(?:\bWITH(?: RECURSIVE)?|,)\s+(\w+)(?:\s*\([\w, ]*\))?\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(/g;
    $with{$1} = 1 while $sql =~ /REFERENCING\s+(?:NEW|OLD)\s+TABLE\s+AS\s+(\w+)/g;
    my ($depth, $assigning) = (0, undef); # $assigning: the depth at which SET's list stands, while a column's = is awaited
    my $in_set;
    my $text = sub { my $t = $tokens[ $_[0] ]; return $_[0] >= 0 && $t ? $t->[1] : '' };
    my $kind = sub { my $t = $tokens[ $_[0] ]; return $_[0] >= 0 && $t ? $t->[0] : '' };
    for my $i (0 .. $#tokens) {
        my ($is, $word, $at) = @{ $tokens[$i] };
        my ($before, $after) = ($text->($i - 1), $text->($i + 1));
        my $tell = sub { push @found, [ $at, "$_[0] $word" ] };
        if ($word eq '(') { ++$depth }
        if ($word eq ')') { --$depth; $in_set = undef if defined $in_set && $depth < $in_set }
        if ($is eq 'word' && $word eq 'SET' && $before !~ /^(?:ON|NOT)$/ ) { ($in_set, $assigning) = ($depth, 1) }
        if (defined $in_set && $depth == $in_set) {
            if ($word eq ',') { $assigning = 1 }
            if ($word =~ /^(?:FROM|WHERE|RETURNING|;)$/) { $in_set = undef }
        }
        if ($is eq 'operator') {
            next if $word eq '*' && ($before =~ /^(?:SELECT|[(,.]|DISTINCT)$/);
            next if $word eq '=' && $assigning && defined $in_set && $depth == $in_set && !($assigning = 0);
            next if $word eq '#' && $before eq 'INDEX'; # the name's place in a definition
            next if $word eq '=' && $text->($i - 2) eq 'USING' && $before =~ /^(?:HINT|DETAIL|ERRCODE)$/; # of RAISE
            next if $word eq '-' && $after =~ /^\d/ && $kind->($i - 1) ne 'number' && $before !~ /^(?:\)|\w+|\$\d+)$/;
            $tell->('operator');
        } elsif ($is eq 'word') {
            next if $before eq '.' || $before eq '#';
            if ($word eq 'COLLATE') { push @found, [ $at, "collation $after" ] if $after ne 'pg_catalog' }
            elsif ($word =~ /^(?:LIKE|ILIKE|SIMILAR|NULLIF|NATURAL)$/i) { $tell->('looks an operator up:') }
            elsif ($word eq 'BETWEEN') { $tell->('looks an operator up:') if $before !~ /^(?:ROWS|RANGE|GROUPS)$/ }
            elsif ($word eq 'IN') { $tell->('looks an operator up:') if $after =~ /^(?:\(|)$/ || $kind->($i + 1) eq 'parameter' || ($after eq '__' && $sql !~ /\bLOCK TABLE\b/) }
            elsif ($word eq 'FROM' && $before eq 'DISTINCT' && $text->($i - 2) =~ /^(?:IS|NOT)$/) { push @found, [ $at, 'looks an operator up: IS DISTINCT FROM' ] }
            elsif ($word eq 'CASE') { $tell->('looks an operator up:') if $after !~ /^(?:WHEN|)$/ }
            elsif ($word eq 'USING' && $i == 0) { } # a policy's condition begins a text
            elsif ($word eq 'USING') { $tell->('looks an operator up:') if $after eq '(' || $kind->($i + 1) eq 'operator' }
            elsif ($in_script && $word eq 'FUNCTION' && $after =~ /^mega_/) {
                push @found, [ $at, "a function without its arguments: $after" ] if $text->($i + 2) ne '(';
            } elsif ($word =~ /^(?:FROM|JOIN|INTO|UPDATE|ONLY|REFERENCES|TABLE|FUNCTION)$/) {
                my ($next, $then) = ($after, $text->($i + 2));
                push @found, [ $at, "relation $next" ]
                  if $kind->($i + 1) eq 'word' && $next =~ /^[a-z_]/ && $next ne "__" && $then ne '.' && $then ne '(' && !$with{$next};
            } elsif ($word =~ /^[a-z_]/ && $after eq '(') {
                next if $word eq '__' || ($in_script && $word =~ /^mega_/) || $grammar{$word} || $before eq 'AS' || $before eq ')' || $before eq 'USING' || $with{$word}; # USING gin (…)
                $tell->('function');
            }
        } elsif ($word eq '::') {
            push @found, [ $at, "type $after" ] if $kind->($i + 1) eq 'word' && $after =~ /^[a-z]/ && $after ne 'pg_catalog' && !$grammar_type{$after};
        }
    }
    # A function of mega shares its schema with those of others: one whose arguments fit better is nearer. So each
    # argument has its type, and only what has no arguments is called without.
    while ($sql =~ /(\bFUNCTION\s+|,\s*)?(\@schema\@\.|\b)(mega_\w+)\s*(\((?:[^()]|\([^()]*\))*\))/g) {
        my ($behind, $schema, $name, $arguments, $at) = ($1 // '', $2, $3, $4, $-[3]);
        next if $behind ne '' || substr($sql, 0, $at) =~ /'[^'\n]*$/ || substr($sql, 0, $at) =~ /(?:INTO|REFERENCES) \@schema\@\.$/;
        my $untyped = grep { !/::|=>\s*(?:true|false)\s*$/ } split /,/, $arguments =~ s/^\(|\)$//gr;
        push @found, [ $at, "an argument without a type: $name" ] if $untyped && $schema ne '';
        push @found, [ $at, "an argument without a type: $name" ] if $untyped && $schema eq '' && $arguments =~ /=>/;
        push @found, [ $at, "arguments left to their defaults: $name" ] if $arguments eq '()' && !$without_arguments{$name} && $name !~ /^mega_trigger_/;
    }
    return @found;
}

# The string literals of C++, those joined that one expression puts together, with __ for what stands between them:
# [text, lines], lines being the line of each character.
sub literals {
    my ($source) = @_;
    my ($line, $depth, @all, $open, $gap) = (1, 0);
    while ($source !~ /\G\z/gc) {
        my $newlines = 0;
        if ($source =~ m{\G(//[^\n]*)}gc || $source =~ m{\G(/\*.*?\*/)}gcs || $source =~ /\G((?:\s|\\\n)+)/gc || $source =~ /\G(\#\s*include[^\n]*)/gc) {
            $newlines = () = $1 =~ /\n/g;
        } elsif ($source =~ /\G"((?:[^"\\\n]|\\.)*)"/gc) {
            my $text = $1;
            $text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
            push @all, $open = [ '', [], $depth ] unless $open;
            $text = "__$text" if $gap && length $open->[0];
            $open->[0] .= $text;
            push @{ $open->[1] }, ($line) x length $text;
            $gap = 0;
        } elsif ($source =~ /\G'(?:[^'\\]|\\.)+'/gc || $source =~ /\G\w+/gc) { $gap = 1 }
        elsif ($source =~ /\G([\[(])/gc) { ++$depth; $gap = 1 }
        elsif ($source =~ /\G([\])])/gc) { --$depth; $gap = 1; $open = undef if $open && $depth < $open->[2] }
        elsif ($source =~ /\G[;{}]/gc) { $open = undef; $gap = 0 }
        elsif ($source =~ /\G,/gc) { $gap = 1; $open = undef if $open && $depth <= $open->[2] }
        elsif ($source =~ /\G./gcs) { $gap = 1 }
        $line += $newlines;
    }
    return @all;
}

# Sentences end with a full stop: they are told to somebody. What begins with btree, and a lone cast, are looked for in
# what Postgres says; transfer::out is the shape of an id.
sub is_sql {
    my ($text) = @_;
    return 0 if $text =~ /^btree \(|[a-z]{3}\.$|\)\.$|^\w+::(?:in|out)$|^::text$/;
    return $text =~ $sql_word || $text =~ /\bmg_\w+\s+$operator|$operator\s+mg_|\b[a-z_]+\(mg_|^\s*\w+\(\)$/;
}

sub look {
    my ($file, $source) = @_;
    my @texts = $file =~ /\.sql$/ ? [ $source ] : grep { is_sql($_->[0]) } literals($source);
    $in_script = $file =~ /\.sql$/;
    my @told;
    for my $text (@texts) {
        for my $breach (breaches($text->[0])) {
            my $line = $file =~ /\.sql$/ ? 1 + (() = substr($source, 0, $breach->[0]) =~ /\n/g) : $text->[1][ $breach->[0] ];
            push @told, "$file:$line: $breach->[1]";
        }
    }
    return @told;
}

# What must be found in a text, by what is told of it; nothing for what is right.
sub self_test {
    my @cases = (
        [ 'SELECT a.b = 1', 'operator =' ],
        [ 'SELECT a.b OPERATOR(pg_catalog.=) 1, -1, t.*, pg_catalog.count(*), coalesce(a.b, 0)::bigint' ],
        [ 'SELECT a.b OPERATOR(public.=) 1', 'operator =' ],
        [ q{SELECT '=', "a = b"} ],
        [ 'UPDATE @schema@.mega_admin a SET mg_key = $1, mg_value = $2 WHERE a.mg_id = $3', 'operator =' ],
        [ 'SELECT lower(a.b)', 'function lower' ],
        [ 'SELECT pg_catalog.lower(a.b)::text', 'type text' ],
        [ 'SELECT FROM pg_class c', 'relation pg_class' ],
        [ 'WITH x AS (SELECT FROM pg_catalog.pg_class c) SELECT FROM x' ],
        [ 'SELECT FROM pg_catalog.pg_class c JOIN x ON true', 'relation x' ],
        [ 'SELECT a.b IN (1, 2)', 'looks an operator up: IN' ],
        [ q{SELECT a.b LIKE 'x%'}, 'looks an operator up: LIKE' ],
        [ 'SELECT a.b BETWEEN 1 AND 2', 'looks an operator up: BETWEEN' ],
        [ 'SELECT NULLIF(a.b, 0)', 'looks an operator up: NULLIF' ],
        [ 'SELECT nullif(a.b, 0)', 'looks an operator up: nullif' ],
        [ 'SELECT a.b IS NOT DISTINCT FROM a.c', 'looks an operator up: IS DISTINCT FROM' ],
        [ 'SELECT CASE a.b WHEN 1 THEN 2 END', 'looks an operator up: CASE' ],
        [ 'SELECT CASE WHEN a.b IS NULL THEN 2 END' ],
        [ 'SELECT FROM @schema@.a JOIN @schema@.b USING (c)', 'looks an operator up: USING' ],
        [ ' USING (true) WITH CHECK (true)' ],
        [ 'SELECT a.b ORDER BY a.b COLLATE "C"', 'collation "C"' ],
        [ 'INDEX # ON @table@ USING gin (mg_meta)' ],
        [ 'CHECK (@schema@.mega_is_pass_id(mg_pass_id))', 'an argument without a type: mega_is_pass_id' ],
        [ 'CHECK (@schema@.mega_is_pass_id(mg_pass_id::pg_catalog.text))' ],
        [ 'SELECT FROM @schema@.mega_install()', 'arguments left to their defaults: mega_install' ],
        [ 'SELECT FROM @schema@.mega_install(dry_run => false)' ],
    );
    for my $case (@cases) {
        my ($sql, @wanted) = @$case;
        my $told = join ', ', map { $_->[1] } breaches($sql);
        print "self-test: $sql: ", $told || 'nothing', "\n" if $told ne join ', ', @wanted;
    }
    my $source = q{f("SELECT " + (a ? "b" : "c") + " FROM x"); say("Call SELECT mega_install()."); g = "mg_a = 1";};
    my $told = join ', ', look('a.cpp', $source);
    my $wanted = 'a.cpp:1: relation x, a.cpp:1: operator =';
    print "self-test: of C++: $told\n" if $told ne $wanted;
}

my $testing = @ARGV && $ARGV[0] eq '--self-test';
self_test() if $testing;
my %source;
for my $file ($testing ? () : @ARGV) {
    open my $handle, '<', $file or die "$file: $!";
    local $/;
    $source{$file} = <$handle>;
    $without_arguments{$1} = 1 while $file =~ /\.sql$/ && $source{$file} =~ /CREATE FUNCTION (mega_\w+)\((?:\)|\s*OUT\b)/g;
}
print "$_\n" for map { look($_, $source{$_}) } sort keys %source;
