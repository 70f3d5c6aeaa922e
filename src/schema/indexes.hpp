// What the blueprint says of an index, and whether an index that is there already does the same under another name.
#pragma once

#include "schema/rules.hpp"

namespace mega::schema {

// An index in its parts.
struct index_shape {
    bool unique;
    std::string method;
    std::string columns;   // between the parentheses
    std::string predicate; // behind WHERE; '' for none
};

index_shape shape_of(const named_definition &index);

// @keyed@ of a definition: the condition that leaves out the types of mega.unkeyed_ref_types; '' when there are none.
std::string keyed_condition();

inline constexpr const char *reference_key_name = "mega_generations_credit_reference_key";

// What Postgres itself keeps unique of references, by an index under whatever name.
struct reference_key {
    bool there = false;
    std::vector<std::string> left_out; // types, as mega.unkeyed_ref_types named them when an index was made
};

reference_key reference_key_of(Relation ledger, Oid schema);

// Whether Postgres itself keeps this one column unique, by an index under whatever name; one that leaves out NULLs will
// do.
bool keeps_unique(Relation table, AttrNumber column);

// What stands in an index's place.
struct index_place {
    enum class state {
        free,      // nothing does its work
        there,     // by its name, whatever its user made of it
        invalid,   // by its name, but its building failed
        elsewhere, // an equivalent one under another name
        taken,     // its name belongs to something else
        outdated   // by its name, but mega.unkeyed_ref_types leaves out other types by now
    };

    state what = state::free;
    std::string other; // the equivalent index, or what has the name
};

// Whether the index of this name is of these columns and no others, and unique only when it shall be; its condition may
// be that of another mega.unkeyed_ref_types.
bool has_shape_of(pg::spi_connection &spi, const target_table &table, const named_definition &index);

index_place place_of(pg::spi_connection &spi, const target_table &table, const named_definition &index);

// Whether a valid unique index without a predicate keeps this one column unique. Its name comes back in `name`.
bool is_key(pg::spi_connection &spi, Oid relation, std::string_view column, std::string *name = nullptr);

// The foreign key from this column to mega_customers that Postgres enforces, whatever its name; '' for none.
std::string foreign_key_of(pg::spi_connection &spi, const target_table &table, std::string_view column);

} // namespace mega::schema
