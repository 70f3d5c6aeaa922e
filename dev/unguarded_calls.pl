#!/usr/bin/env perl
# Prints the calls of Postgres functions that can raise, in the C++ files it is given, that stand in no pg::call.
# What stands in a call's parentheses is Postgres' world, and so are functions that take `inside`, which only a call
# gives, and the files that are not given. --self-test tries it.
use strict;
use warnings;

my $parentheses;
$parentheses = qr/\((?:[^()]++|(??{$parentheses}))*\)/;

my $braces;
$braces = qr/\{(?:[^{}]++|(??{$braces}))*\}/;

my $raising = qr/SPI_(?!result_code_string|freeplan|plan_get_plan_sources)\w+|get_(?:rel|func|namespace|opfamily|attname|typ|index)\w*|SearchSysCache\w*|
    palloc\w*|pstrdup|table_open\w*|relation_open|index_open|format_type_be|quote_identifier|
    heap_(?:form|modify|deform)_tuple|OidFunctionCall\w*|DirectFunctionCall\w*|PG_DETOAST\w*|CHECK_FOR_INTERRUPTS/x;

sub unguarded {
    my ($text) = @_;
    my $blank = sub { my $part = shift; $part =~ tr/\n//cd; $part };
    $text =~ s{//[^\n]*}{}g;
    $text =~ s{"(?:[^"\\\n]|\\.)*"}{""}g;
    $text =~ s{'(?:[^'\\\n]|\\.)'}{' '}g;
    $text =~ s{(\bcall\s*)($parentheses)}{$1 . $blank->($2)}ge;
    $text =~ s{(\(inside\b[^()]*\)\s*(?:const\s*)?)($braces)}{$1 . $blank->($2)}ge;
    my @found;
    while ($text =~ /\b($raising)\s*\(/g) {
        my $name = $1;
        push @found, [ 1 + (substr($text, 0, $-[0]) =~ tr/\n//), $name ];
    }
    return @found;
}

if (@ARGV && $ARGV[0] eq '--self-test') {
    my @found = unguarded("call([] {\n    palloc(1); // SPI_connect()\n});\nif (get_rel_relkind(a) != b)\n    f(\"palloc(\");\nvoid g(inside in, int i) {\n    if (i) {\n        palloc(i);\n    }\n}\n");
    print "dev/unguarded_calls.pl does not find what it should\n" unless @found == 1 && "@{$found[0]}" eq '4 get_rel_relkind';
    exit;
}
for my $file (@ARGV) {
    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };
    printf "%s:%d: %s outside of pg::call\n", $file, @$_ for unguarded($text);
}
