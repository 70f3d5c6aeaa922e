// How a customer is found by the beginning of a name: the words of all names, in lower case, as lexemes that are looked
// for by their beginning. One text for the index and for the look; of long names the first 400 characters. Adopted
// columns may have collations of their own, of which two decide nothing and one that calls different texts equal has no
// words.
#pragma once

#define MEGA_WORDS_OF_NAMES                                                                                            \
    "pg_catalog.array_to_tsvector(pg_catalog.array_remove(pg_catalog.string_to_array(pg_catalog.lower("                \
    "pg_catalog.substr(coalesce(mg_display_name, '') OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) "             \
    "coalesce(mg_first_name, '') OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) coalesce(mg_last_name, ''), "     \
    "1, 400) COLLATE pg_catalog.\"default\"), ' '), ''))"
#define MEGA_HAS_A_NAME "coalesce(mg_display_name, mg_first_name, mg_last_name) IS NOT NULL"
