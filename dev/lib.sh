# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share: which server, where things are built, and private
# clusters that listen on a socket only. Sourced, never run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
default_pg=15
clang_version=14
export LC_ALL=C.UTF-8
unset "${!PG@}" # no server of the caller's: PGHOST, PGPORT, PGDATABASE, …
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

node_modules=$top/build/node/node_modules # what npm installed; Debian's modules are in /usr/share/nodejs

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Prints the header comment of the script that calls it.
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

has_node_pg() { NODE_PATH=$node_modules:/usr/share/nodejs node -e 'require("pg")' >/dev/null 2>&1; }

# clang_tool clang-format: the version the project is formatted and checked with, else the machine's.
clang_tool() {
    if command -v "$1-$clang_version" >/dev/null; then say "$1-$clang_version"; else say "$1"; fi
}

# What the address sanitizer is told: a server leaves its memory to the end of the process, and measures its stack.
sanitizer_options=detect_leaks=0:detect_stack_use_after_return=0

# use_postgres MAJOR [KIND]: sets pg, pg_config, pg_bin, build and state, on the server that find_server finds.
use_postgres() {
    local kind=${2:-}
    choose_server_user
    if [ "$kind" = sanitizer ]; then export ASAN_OPTIONS=$sanitizer_options; fi
    pg_config=$(find_server "$1" "$kind") || die "there is no such server: dev/setup --pg $1${kind:+ --server $kind} brings it"
    pg_bin=$("$pg_config" --bindir)
    pg=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
    build=$top/build/pg$pg${kind:+-$kind}
    if [ -n "${MEGA_PG_CONFIG:-}" ]; then build+=-$(checksum "$pg_config"); fi
    mkdir -p "$build"
    state=$(reachable "$build")
}

# find_server MAJOR [KIND]: prints a server's pg_config: the one that MEGA_PG_CONFIG names; without a kind the
# distribution's, or one with assertions where it has none; else the one of that kind that dev/build-server built.
find_server() {
    local packaged=/usr/lib/postgresql/$1/bin/pg_config prefix
    if [ -n "${MEGA_PG_CONFIG:-}" ]; then
        [ -x "$MEGA_PG_CONFIG" ] && say "$MEGA_PG_CONFIG"
    elif [ -z "${2:-}" ] && [ -x "$packaged" ] && [ -e "$("$packaged" --pgxs)" ]; then
        say "$packaged"
    else
        prefix=$(server_prefix "$1" "${2:-assertions}")
        [ -e "$prefix/complete" ] && say "$prefix/bin/pg_config"
    fi
}

# server_prefix MAJOR KIND: where dev/build-server keeps a server. build/servers may be a link: work trees share servers.
server_prefix() {
    mkdir -p "$top/build/servers"
    say "$(reachable "$(cd "$top/build/servers" && pwd -P)")/pgsql-$1-$2"
}

checksum() { printf '%s' "$1" | cksum | cut -d ' ' -f 1; }

# Servers refuse to run as root: then they run as postgres, in directories of its own.
choose_server_user() {
    server_user=$(id -un)
    if [ "$(id -u)" = 0 ]; then
        server_user=postgres
        id postgres >/dev/null 2>&1 || die "there is no user 'postgres' to run a server as: dev/setup makes one"
    fi
}

as_server() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$state" USER=postgres "$@"
    else
        "$@"
    fi
}

# reachable DIRECTORY: where the server's user can have its share of a directory under build/: there, or, when it
# cannot get there (or make cannot spell the path), in a directory under /tmp.
reachable() {
    local place=$1 state=/
    if [[ $place =~ [[:space:]] ]] || ! as_server test -x "$place" 2>/dev/null; then
        place=/tmp/mega-$(id -u)-$(checksum "$1")
        mkdir -p "$place"
        [[ -O $place && ! -L $place ]] || die "$place belongs to somebody else"
        chmod 755 "$place"
    fi
    say "$place"
}

# make_tree NAME [ARGUMENT…]: builds the extension out of tree in build/pg<major>/NAME. The way to
# the Makefile is relative, because make cannot spell a path with blanks. What tests use checks the library's
# preconditions; obj is what a user would build, for the bench and to look at.
make_tree() {
    local tree=$build/$1
    if [ "$1" != obj ]; then set -- "$@" ASSERTIONS=1; fi
    shift
    mkdir -p "$tree"
    make --silent --no-print-directory -C "$tree" -f ../../../Makefile PG_CONFIG="$pg_config" -j"$(nproc)" "$@"
}

# install_extension TREE [ARGUMENT…]: installs that build where a private cluster finds it, outside /usr where
# the server allows it, and sets server_settings, the lines its postgresql.conf needs.
install_extension() {
    local root=$state/install settings
    settings=$("$pg_bin/postgres" --describe-config | cut -f 1)
    if grep -qx extension_destdir <<<"$settings"; then
        server_settings="extension_destdir = '$root'"
    elif grep -qx extension_control_path <<<"$settings"; then
        server_settings="extension_control_path = '$root$("$pg_config" --sharedir):\$system'
dynamic_library_path = '$root$("$pg_config" --pkglibdir):\$libdir'"
    elif [ -w "$("$pg_config" --pkglibdir)" ] && [ -n "${MEGA_PG_CONFIG:-}" ]; then
        root='' server_settings=''
    else
        die "PostgreSQL $pg cannot load extensions from outside its own directories"
    fi
    if [ -n "$root" ]; then rm -rf "$root"; fi
    make_tree "$@" install DESTDIR="$root"
    # pg_upgrade to 18 looks for libraries in the server's own directory only. One that is ours may have it there.
    if [[ $server_settings = *extension_control_path* && -e $(dirname "$pg_bin")/complete ]]; then
        install -m 755 "$root$("$pg_config" --pkglibdir)/mega.so" "$("$pg_config" --pkglibdir)/"
    fi
}

# cluster NAME: chooses the private cluster the functions below act on, and exports how to reach it.
cluster() {
    cluster_dir=$state/$1
    data=$cluster_dir/data
    server_log=$cluster_dir/server.log
    mkdir -p "$cluster_dir"
    if [ "$(id -u)" = 0 ]; then chown postgres: "$cluster_dir"; fi
    if [ -f "$cluster_dir/socket" ]; then
        socket=$(cat "$cluster_dir/socket")
    else
        socket=$cluster_dir
    fi
    # psql and the server take at most 107 bytes of socket path
    if [ "${#socket}" -gt 85 ] || ! [ -d "$socket" ]; then
        socket=$(mktemp -d /tmp/mega-socket.XXXXXX)
        if [ "$(id -u)" = 0 ]; then chown postgres: "$socket"; fi
        chmod 755 "$socket"
        say "$socket" >"$cluster_dir/socket"
    fi
    export PGHOST=$socket PGPORT=5432 PGUSER=postgres
}

cluster_running() { [ -f "$data/PG_VERSION" ] && as_server "$pg_bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }

# start_cluster fast|durable: makes the cluster if it is not there, writes its settings, starts it.
start_cluster() {
    if ! [ -f "$data/PG_VERSION" ]; then
        as_server rm -rf "$data"
        as_server "$pg_bin/initdb" -D "$data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
            >"$cluster_dir/initdb.log" 2>&1 || { cat "$cluster_dir/initdb.log" >&2 && die "initdb failed"; }
    fi
    {
        say "# written at every start"
        say "listen_addresses = ''"
        say "unix_socket_directories = '$socket'"
        say "port = 5432"
        say "timezone = 'UTC'"
        say "log_line_prefix = '%m [%p] %d '"
        say "$server_settings"
        if [ "$1" = fast ]; then
            say "fsync = off"
            say "full_page_writes = off"
        fi
    } | as_server tee "$data/mega.conf" >/dev/null
    as_server grep -qx "include 'mega.conf'" "$data/postgresql.conf" ||
        say "include 'mega.conf'" | as_server tee -a "$data/postgresql.conf" >/dev/null
    # 9 is the lock's descriptor: a server must not keep it open
    as_server "$pg_bin/pg_ctl" -D "$data" -l "$server_log" -w -t 60 start </dev/null >"$cluster_dir/start.log" 2>&1 9>&- || {
        cat "$cluster_dir/start.log" >&2
        as_server tail -n 20 "$server_log" >&2 || true
        die "the private cluster in $cluster_dir does not start"
    }
}

stop_cluster() {
    if cluster_running; then
        as_server "$pg_bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null 2>&1 ||
            as_server "$pg_bin/pg_ctl" -D "$data" -m immediate -w stop >/dev/null
    fi
    if [ -f "$cluster_dir/socket" ]; then
        rm -rf "$socket" "$cluster_dir/socket"
    fi
}

# Stops the cluster and forgets its data.
drop_cluster() {
    stop_cluster
    as_server rm -rf "$data"
    rm -f "$server_log"
}

# One build of a tree at a time. The lock goes with the process.
lock_build() {
    exec 9>"$build/lock"
    flock -n 9 || die "another run is at work in ${build#"$top"/}"
}

# prepare_tap: copies the tests to tap_home, where the server's user can work and read them.
prepare_tap() {
    tap_home=$cluster_dir/tap
    as_server rm -rf "$tap_home"
    as_server mkdir -p "$tap_home"
    tar -C "$top" -c --exclude=./build --exclude=./.git . | as_server tar -x -C "$tap_home"
    if [ -d "$node_modules" ]; then tar -c -C "${node_modules%/*}" node_modules | as_server tar -x -C "$tap_home"; fi
    say "$server_settings" | as_server tee "$tap_home/temp.conf" >/dev/null
}

# run_tap TEST LOG SECONDS [VARIABLE=VALUE…]: one test of test/t, as the server's user, not longer than that. Its servers
# live and log in a directory named after the log, so that tests can run side by side; what an earlier run left there goes.
run_tap() {
    local test=$1 log=$2 seconds=$3 pgxs place
    shift 3
    pgxs=$(dirname "$("$pg_config" --pgxs)")/../..
    place=$(tap_place "$log")
    as_server rm -rf "$place"
    as_server mkdir -p "$place"
    as_server env -u PGHOST -u PGUSER -C "$tap_home" PATH="$pg_bin:$PATH" TESTDIR="$place" \
        TESTDATADIR="$place/tmp_check" TESTLOGDIR="$place/tmp_check/log" PG_TEST_PORT_DIR="$tap_home/ports" \
        PG_REGRESS="$pgxs/src/test/regress/pg_regress" TEMP_CONFIG="$tap_home/temp.conf" PGPORT=65432 \
        NODE_PATH="$tap_home/node_modules:/usr/share/nodejs" "$@" \
        timeout "$seconds" prove -v -I "$pgxs/src/test/perl" -I . "$test" >"$log" 2>&1
}

# tap_place LOG: where the servers of that run are.
tap_place() { say "$tap_home/$(basename "$1" .log)"; }

# The assertions of a TAP log; lines of subtests are indented and belong to the assertion that closes them.
tap_verdicts() {
    sed -nE 's/^ok [0-9]+ *(- )?(.*# SKIP.*)/skip \2/Ip; t
        s/^ok [0-9]+ *(- )?(.*)/ok \2/p; s/^not ok [0-9]+ *(- )?(.*# TODO.*)/skip \2/Ip; t
        s/^not ok [0-9]+ *(- )?(.*)/bad \2/p; s/^[^ ]+\.pl \.+ skipped: /skip /p' "$1"
}

# play_story FILE DATABASE: plays a file of SQL in a fresh database. Lines that begin '-- ' tell the story
# and are shown as text; statements are shown as they are sent, then their rows. An error stops it, unless
# the file says \set ON_ERROR_STOP off before a statement that is meant to be refused. The variable samples
# names the folder of documents.
play_story() {
    local bold='' plain=''
    if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
    "$pg_bin/psql" -Xqd postgres -c "SET client_min_messages = warning" -c "DROP DATABASE IF EXISTS $2" -c "CREATE DATABASE $2"
    awk -v quote="'" -v bold="$bold" -v plain="$plain" '
        /^--( |$)/ {
            if (!telling) print "\\echo"
            telling = 1
            text = substr($0, 4)
            gsub(quote, quote quote, text)
            print "\\echo " quote bold text plain quote
            next
        }
        telling { print "\\echo"; telling = 0; if ($0 == "") next }
        { print }' "$1" |
        "$pg_bin/psql" -X -q -e -v ON_ERROR_STOP=1 -v SHOW_CONTEXT=never -v samples="$top/test/samples" \
            -P pager=off -P null=∅ -d "$2" 2>&1
}
