# shellcheck shell=bash disable=SC2154
# Rules of the house that a search can hold. Each function prints the places that break its rule; no output
# means the rule holds. The comment above a function is what dev/check says about it. Sourced by dev/check,
# run in the root of the project.

# project_files [PATTERN…]: the project's files, or those under a folder or of a pattern, whether it is a clone
# or an unpacked archive.
project_files() {
    local file pattern
    { git -c safe.directory="$top" ls-files --cached --others --exclude-standard 2>/dev/null ||
        find . -path ./build -prune -o -type f -printf '%P\n'; } |
        while IFS= read -r file; do
            for pattern in "${@:-*}"; do
                # shellcheck disable=SC2053 # a pattern is meant
                if [[ $file = $pattern || $file = $pattern/* ]] && [ -f "$file" ]; then say "$file"; fi
            done
        done
}
text_files() { project_files | grep -vE '\.out$|^test/fuzz/corpus/|^LICENSE$' | xargs -r -d '\n' grep -lI ''; }

# places PATTERN [PATH…]: grep that does not mind finding nothing, but minds not being able to look.
places() { grep -rnE --include='*.[ch]pp' --include='*.h' -- "$@" || [ $? = 1 ]; }
in_files() { xargs -r -d '\n' grep -nE -- "$1" /dev/null || [ $? = 123 ]; }
first_of() { sed -n "/^# .*/h; /^rule_$1()/{x;s/^# //p;q}" "$top/dev/rules.sh"; }

# Postgres errors are raised and caught in src/pg only: everything else throws sql_error.
rule_errors_through_the_border() {
    places '\<(PG_TRY|PG_CATCH|PG_RE_THROW)\>|\<(ereport|elog) *\( *(ERROR|FATAL|PANIC)|sigsetjmp|catch *\((const )?([a-z:]*::)?pg_error' src |
        grep -v '^src/pg/' || true
}

# src/core is pure C++: it includes the standard library, uriparser and itself.
rule_core_knows_no_postgres() {
    places '^ *# *include' src/core |
        grep -vE '# *include (<[a-z0-9_]+>|<uriparser/Uri\.h>|"(core/)?[a-z0-9_]+\.hpp")' || true
}

# src/pg is the door to Postgres and knows nothing of mega: it includes no other room.
rule_pg_knows_no_mega() {
    places '^ *# *include *"(\.\./)*(core|schema|identity|ledger|credits|studio|admin|moving)/' src/pg
}

# The faces of the product use core, pg, schema and ledger, never each other's insides.
rule_rooms_keep_apart() {
    # what one face offers the others, on purpose: a generation ends with its hold captured or released, an end is set
    # where what has ended is settled, a merge joins credits
    local room offered='"credits/(hold|customer_end|joining)\.hpp"'
    for room in identity credits studio admin moving; do
        if [ ! -d "src/$room" ]; then continue; fi
        places '^ *# *include *"(\.\./)*(identity|credits|studio|admin|moving)/' "src/$room" | grep -vE "\"$room/|$offered" || true
    done
}

# The way down: src/module.cpp knows all rooms, the faces ledger and schema, ledger schema, schema pg and core; nobody
# knows who stands above.
rule_rooms_look_down() {
    places '^ *# *include *"(\.\./)*(ledger|identity|credits|studio|admin|moving)/' src/schema
    places '^ *# *include *"(\.\./)*(identity|credits|studio|admin|moving)/' src/ledger
}

# Above every CREATE FUNCTION stands who may call it: mega_grant's table is made of that. What is everybody's is granted to PUBLIC.
rule_functions_have_levels() {
    # shellcheck disable=SC2016 # awk expands it
    project_files 'src/*.sql' | xargs -r -d '\n' awk '
        /^CREATE (FUNCTION|PROCEDURE) / && level !~ /^-- level: (everybody|user|reader|app|worker|admin|owner)$/ { print FILENAME ":" FNR ": no level" }
        { level = $0 }'
    diff <(project_files 'src/*.sql' | xargs -r -d '\n' sed -n '/^-- level: everybody/{n;s/^CREATE FUNCTION \(mega_[a-z_]*\)(.*/\1/p}' | sort) \
        <(sed -n '/^GRANT EXECUTE/,/TO PUBLIC/p' src/schema/end.sql | grep -o 'mega_[a-z_]*' | sort) |
        sed -n 's/^< /everybody may call, and PUBLIC was not granted: /p; s/^> /PUBLIC was granted: /p'
}

# Arguments are read by their names in the .sql, which the build knows (src/functions.awk), and every one is read.
rule_arguments_are_read() {
    places '(given|arguments\(fcinfo\))\.[a-z_0-9]+\([0-9]+\)|\(given, [0-9]+\)|(fcinfo|call_info\(\))->args\[[0-9]' src
    # shellcheck disable=SC2016 # perl expands it
    project_files 'src/*.cpp' | ARGUMENTS=$(project_files 'src/*.sql' | xargs -r -d '\n' awk -v what=arguments -f src/functions.awk) xargs -r -d '\n' perl -ne '
        if (/using in = arguments::(\w+);/) { $of = $1 } elsif (/^}/) { $of = "" }
        $read{"$of.$1"} = 1 while /\bin::(\w+)/g;
        $read{"$1.$2"} = 1 while /\barguments::(\w+)::(\w+)/g;
        END {
            while ($ENV{ARGUMENTS} =~ /struct (\w+) \{\s*static constexpr int (.*);/g) {
                my ($function, $all) = ($1, $2);
                $read{"$function.$_"} or print "mega_$function: nobody reads $_\n" for $all =~ /(\w+) =/g;
            }
        }'
}

# Rooms say what is written, the store knows how: no room includes the direct path, switches roles or asks which
# store it has, and only the store knows its kinds. The rows of mega_admin are in no store.
rule_rooms_know_no_path() {
    local room
    for room in identity credits studio admin moving; do
        if [ ! -d "src/$room" ]; then continue; fi
        places '# *include *"(ledger/(direct|store_)|pg/(heap_writer|heap_writer_state|role)\.hpp)|\<as_role\>|direct::|write_path_setting' \
            "src/$room" | grep -vE '^src/admin/.*as_role' || true
    done
    places '# *include *"ledger/store_(direct|sql)\.hpp"|\<(direct|sql)_store *>' src | grep -v '^src/ledger/store' || true
}

# mg_credits is written in one place: what a projection makes of a customer.
rule_one_place_writes_balances() {
    places '\{(schema::)?(customer|column)::mg_credits, *pg::to_datum|SET mg_credits' src |
        grep -v '^src/ledger/project\.cpp:' || true
    [ "$(places '\{(schema::)?(customer|column)::mg_credits, *pg::to_datum' src/ledger/project.cpp | wc -l)" = 1 ] ||
        say "src/ledger/project.cpp: more than one place makes a balance"
}

# Outside of pg::call nothing of Postgres is called that can raise; files of Postgres' world apart. The search works.
rule_calls_are_guarded() {
    dev/unguarded_calls.pl --self-test
    project_files 'src/*.cpp' 'src/*.hpp' |
        grep -vE '^src/pg/(carried_code|code|disclosure)\.cpp$|^src/schema/settings\.cpp$' |
        xargs -r -d '\n' dev/unguarded_calls.pl
}

# Statements read and update the tables alone: a child's rows are not theirs.
rule_statements_say_only() {
    # shellcheck disable=SC2016 # perl expands it
    project_files 'src/*.cpp' 'src/*.hpp' | xargs -r -d '\n' perl -0777 -ne '
        while (/\b(?:FROM|JOIN|UPDATE|LOCK TABLE)(?:\s|"\s*\n\s*")+\@schema\@\.mega_(?:customers|generations|admin)\b/g) {
            my $line = 1 + (substr($_, 0, $-[0]) =~ tr/\n//);
            print "$ARGV:$line: no ONLY\n";
        }'
}

# No printf family, no iostream, no threads in src: postgres.h makes printf names macros, backends have one thread.
rule_no_printf_no_iostream_no_threads() {
    places '(^|[^a-zA-Z_])v?(f|s|sn|as)?printf *\(|# *include *<(iostream|cstdio|stdio\.h|thread|mutex|future)>' src
}

# What the extension says is ASCII: a text of src that a database of another encoding could not hold has no place in a
# string or in the install script. Comments may say anything.
rule_messages_are_ascii() {
    places '"([^"\\]|\\.)*[^ -~]([^"\\]|\\.)*"' src | grep -vE '^[^:]+:[0-9]+: *//' || true
    project_files 'src/*.sql' | LC_ALL=C xargs -r -d '\n' grep -nP '[^\x00-\x7F]' /dev/null || [ $? = 123 ]
}

# Words that CONTRIBUTING retired stay out of the C++ of src and the names of its files. Texts in quotes may have them.
rule_words_stay_retired() {
    local words
    words=$(sed -n '/^Retired, /,/^## /s/^    \(.*\) -> .*/\1/p' CONTRIBUTING.md | paste -sd '|')
    # shellcheck disable=SC2016 # perl expands it
    project_files 'src/*.cpp' 'src/*.hpp' | WORDS=$words xargs -r -d '\n' perl -ne '
        BEGIN {
            $retired = qr/(?<![\w.])(?:$ENV{WORDS})(?!\w)/;
            print "the search for retired words does not work\n"
                unless "a movement" =~ $retired && "mega_record_credit of a record type" !~ $retired;
        }
        if ($. == 1) {
            my ($name) = $ARGV =~ m{([^/]*)\.[ch]pp$};
            print "$ARGV: the name of a file\n" if $name =~ /^(?:$ENV{WORDS})$/;
        }
        my $line = $_;
        s/"(?:[^"\\]|\\.)*"/""/g;
        print "$ARGV:$.: $line" if /$retired/;
        close ARGV if eof;'
}

# The first line of every .cpp tells its part.
rule_parts_are_told() { project_files 'src/*.cpp' | xargs -r -d '\n' awk 'FNR == 1 && !/^\/\/ [A-Za-z]/ { print FILENAME ": its first line does not tell its part" }'; }

# No file of src is longer than 350 lines.
rule_files_are_short() { project_files 'src/*.cpp' 'src/*.hpp' 'src/*.sql' | xargs -r -d '\n' awk 'FNR == 351 { print FILENAME ": longer than 350 lines" }'; }

# Every header begins with #pragma once.
rule_headers_are_included_once() { project_files 'src/*.hpp' 'test/*.hpp' 'bench/*.hpp' | xargs -r grep -L '^#pragma once'; }

# What tests share is included: sql/shared/opening.psql, or outcome.psql where a test makes a database of its own.
rule_tests_share_their_opening() {
    project_files 'sql/*.sql' | in_files 'CREATE (OR REPLACE )?FUNCTION pg_temp\.outcome\('
}

# Every sql/*.sql is in sql/schedule, and every scheduled test has its file and its expected output.
rule_schedule_is_complete() {
    local scheduled file
    scheduled=$(sed -n 's/^test: *//p' sql/schedule | tr -s ' ' '\n')
    for file in sql/*.sql; do
        grep -qx "$(basename "$file" .sql)" <<<"$scheduled" || say "$file is not in sql/schedule"
    done
    for file in $scheduled; do
        [ -f "sql/$file.sql" ] || say "sql/schedule: there is no sql/$file.sql"
        [ -f "expected/$file.out" ] || say "sql/schedule: there is no expected/$file.out"
    done
    for file in expected/*.out; do
        file=$(basename "$file" .out)
        grep -qx "${file%_[0-9]}" <<<"$scheduled" || grep -qx "$file" <<<"$scheduled" ||
            say "expected/$file.out belongs to no scheduled test"
    done
}

# Every SQL block of README.md and docs/NAME.md stands, with its output, in expected/readme.out and docs_NAME.out.
rule_examples_are_tested() {
    local doc out
    for doc in README.md docs/*.md; do
        out=expected/docs_$(basename "$doc" .md).out
        if [ "$doc" = README.md ]; then out=expected/readme.out; fi
        if [ ! -f "$out" ]; then continue; fi
        awk '
            { sub(/[ \t]+$/, "") }
            FNR == NR { tested = tested "\n" $0; next }
            /^```sql$/ { start = FNR; block = ""; next }
            /^```$/ {
                if (start && !index(tested "\n", block "\n")) print FILENAME ":" start ": " ARGV[1] " has no such block"
                start = 0
            }
            start { block = block "\n" $0 }' "$out" "$doc"
    done
}

# The matrices of docs/security.md are those that sql/docs_security.sql printed, line by line.
rule_matrices_are_tested() {
    diff <(grep '^| `mega_' expected/docs_security.out) <(grep '^| `mega_' docs/security.md) |
        sed -n 's/^< /docs\/security.md lacks: /p; s/^> /docs\/security.md has, and no test printed: /p'
}

# Every invariant that source and tests name, every setting and every function but the triggers' has its place in README.md.
rule_readme_is_complete() {
    local name
    project_files src sql test | xargs -r -d '\n' grep -hoE '\<I[0-9]+\>' | sort -u | while IFS= read -r name; do
        grep -q "^| $name |" README.md || say "README.md has no row of $name"
    done
    grep -oE '"mega\.[a-z_]+"' src/schema/settings.cpp | tr -d '"' | while IFS= read -r name; do
        grep -q "^|.*\`$name\`.*|" README.md || say "README.md has no row of $name"
    done
    project_files 'src/*.sql' | xargs -r -d '\n' sed -nE 's/^CREATE (FUNCTION|PROCEDURE) (mega_[a-z_]+)\(.*/\2/p' | grep -v '^mega_trigger_' |
        while IFS= read -r name; do
            grep -qE "^    .*\<$name\>" README.md || say "README.md has no signature of $name"
        done
}

# Every isolation spec has its expected output, and every output its spec.
rule_specs_are_complete() {
    diff <(cd test/isolation/specs && printf '%s\n' *.spec | sed 's/\.spec$//') \
        <(cd test/isolation/expected && printf '%s\n' *.out | sed 's/\(_[0-9]\)\?\.out$//' | uniq) |
        sed -n 's/^< \(.*\)/\1.spec has no expected output/p; s/^> \(.*\)/\1.out has no spec/p'
}

# Every SQL file of a room is part of the install script: the Makefile names it.
rule_install_script_is_complete() {
    local parts file
    # shellcheck disable=SC2016 # make expands it
    parts=$(make -s -f Makefile -f <(printf 'print-parts:\n\t@printf "%%s\\n" $(sql_parts)\n') PG_CONFIG="$pg_config" print-parts)
    for file in $(project_files 'src/*.sql'); do
        file=${file#src/}
        grep -qx "${file%.sql}" <<<"$parts" || say "src/$file is not in the Makefile's sql_parts"
    done
}

# META.json is JSON, and it and CHANGELOG.md name the version of mega.control.
rule_version_is_stated_once() {
    local version
    version=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" mega.control)
    perl -MJSON::PP -0777 -e '
        my $meta = eval { decode_json(<STDIN>) } or do { print "META.json: $@"; exit };
        for ([ "version", $meta->{version} ], [ "provides.mega.version", $meta->{provides}{mega}{version} ]) {
            print "META.json: $_->[0] is not $ARGV[0]\n" if ($_->[1] // "") ne $ARGV[0];
        }' "$version" <META.json
    grep -q "^## \[\?$version\b" CHANGELOG.md || say "CHANGELOG.md has no section for $version"
}

# The licence is there, and META.json names the same.
rule_licence_is_there() {
    grep -q 'IN NO EVENT SHALL' LICENSE || say "LICENSE is not the PostgreSQL licence"
    grep -q '"license": *"postgresql"' META.json || say "META.json does not name the PostgreSQL licence"
}

# Text ends lines with a line feed, the last one too, and leaves no blanks at their ends.
rule_lines_end_cleanly() {
    text_files | in_files '[[:blank:]]$|'$'\r''$' | sed 's/^\([^:]*:[0-9]*\):.*/\1: blanks at the end/'
    text_files | while IFS= read -r file; do
        if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then say "$file: no line feed at the end"; fi
    done
}

# C++, SQL, Perl and shell are indented with blanks, not tabs.
rule_no_tabs() { text_files | grep -E '\.([ch]pp|sql|spec|pl|pm|sh|md)$' | in_files $'\t'; }

# No file names a place that exists on one machine only.
rule_no_private_paths() { text_files | in_files '(^|[^a-zA-Z0-9.])/(home|root|work|Users)/[a-zA-Z]'; }

# Nothing is left to do: what is open stands in an issue, not in a comment.
rule_nothing_left_open() { text_files | grep -vE '^dev/(rules\.sh|lib\.sh)$' | in_files '\<(TODO|FIXME|XXX|HACK)\>'; }

# Scripts can be run, and say in their first lines what they do.
rule_scripts_introduce_themselves() {
    local file
    for file in $(project_files dev .ci bench | xargs -r grep -l '^#!' /dev/null); do
        [ -x "$file" ] || say "$file cannot be executed"
        sed -n 2p "$file" | grep -q '^# ' || say "$file does not say what it does"
    done
}

# The index of pending holds is looked for as Postgres writes it: were it not found, balances would be read the slow way.
rule_pending_holds_are_found() {
    perl -0777 -ne 'if (/pending_hold_index =\s*((?:"(?:[^"\\]|\\.)*"\s*)+);/) { my $t = $1; $t =~ s/"\s*"//g; $t =~ s/^"|"\s*$//g; $t =~ s/\\(.)/$1/g; print "$t\n" }' src/schema/pending_hold.hpp |
        grep -qFf - expected/schema.out || say "expected/schema.out has no index as src/schema/pending_hold.hpp writes it"
}

# Every cause of 40001 that the source knows stands in docs/retries.md.
rule_retries_are_told() {
    # shellcheck disable=SC2016 # perl's
    project_files src | xargs -r -d '\n' perl -0777 -ne 'print "$1\n" while /"40001",\s*"([^"]+)"/g' | sort -u |
        while IFS= read -r message; do
            grep -qF "\`$message\`" docs/retries.md || say "docs/retries.md does not tell: $message"
        done
}

# Every column that an import reads stands in the row of its table in docs/moving.md.
rule_legacy_columns_are_told() {
    # shellcheck disable=SC2016 # perl's
    perl -0777 -ne 'while (/legacy_column (\w+)\[\] = \{(.*?)\};/gs) { my ($t, $c) = ($1, $2); print "$t $1\n" while $c =~ /\{"(\w+)"/g }' src/moving/legacy.cpp |
        while read -r table column; do
            grep -q "^| \`$table\` |.*\`$column\`" docs/moving.md || say "docs/moving.md does not tell: $table.$column"
        done
}

# Every name in the SQL of src has its schema, or a search_path would decide what it means; the search for it works.
rule_sql_names_have_a_schema() {
    dev/sql_names.pl --self-test
    project_files 'src/*.sql' 'src/*.cpp' 'src/*.hpp' | xargs -r -d '\n' dev/sql_names.pl
}

# Of every function, operator, type and catalog that the SQL of src names, sql/names.sql plants rivals.
rule_rivals_are_planted() {
    local name
    {
        project_files src | xargs -r -d '\n' grep -hoE 'pg_catalog\.[a-z_0-9]+\(|::pg_catalog\.[a-z_0-9]+' | sed 's/.*pg_catalog\.//; s/($//'
        project_files src | xargs -r -d '\n' grep -hoE 'OPERATOR\(pg_catalog\.[^a-z")]+' | sed 's/.*pg_catalog\.//'
    } | sort -u | while IFS= read -r name; do
        grep -oE "'\{[^']*\}'" sql/names.sql | tr -d "{}'" | tr , '\n' | grep -xF -- "$name" >/dev/null || say "sql/names.sql has no rival of $name"
    done
    project_files src | xargs -r -d '\n' grep -hoE '(FROM|JOIN|ONLY) pg_catalog\.pg_[a-z_]+' | sed 's/.*pg_catalog\.pg_//' | sort -u |
        while IFS= read -r name; do
            grep -q "\^pg_(.*\<$name\>.*)\\$" sql/names.sql || say "sql/names.sql has no rival of pg_$name"
        done
}
