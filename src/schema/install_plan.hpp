// What mega_install does to one of the three tables: planned from what is there, without a lock that stops a writer,
// then done. A dry run is a plan that is told and not done.
#pragma once

#include <list>

#include "pg/result.hpp"
#include "schema/enforcement.hpp"
#include "schema/indexes.hpp"

namespace mega::schema {

class install_plan {
public:
    // Looks. Raises 42501 for a table of another role, 42809 for what is no plain table, 42804 for a column that mega
    // cannot read.
    install_plan(pg::spi_connection &spi, const blueprint &definition, Oid schema);
    install_plan(const install_plan &) = delete;
    install_plan &operator=(const install_plan &) = delete;

    void prepare();                         // what stops no writer: comments, and rows of constraints NOT VALID
    std::optional<table_lock> lock() const; // what the rest needs; nothing when there is nothing to do
    void carry_out();                       // the rest, under that lock
    void tell(pg::row_set &report) const;

private:
    struct entry {
        std::string object;
        std::string action;
        std::string detail;
    };

    bool exists(const std::string &query) { return !spi_.run_text(query).empty(); }
    bool lacks_description(const std::string &catalog, const std::string &name_column, std::string_view name,
                           const std::string &place_column, Oid place);
    std::string index_name(const named_definition &index) const;
    bool is_read_slowly() const { return !created_ && is_large(table_); }

    void require_own_table();
    void plan_table();
    void plan_column(const column &c);
    void plan_new_column(const column &c, const std::string &object);
    void plan_rules();
    void plan_index(const named_definition &index);
    void plan_known_by(const named_definition &index, const index_place &place);
    void plan_trigger(const named_definition &trigger);
    void comment_on_what_is_there();

    pg::spi_connection &spi_;
    target_table table_;
    bool created_;
    std::vector<entry> oddities_;
    std::vector<entry> columns_;
    std::string clauses_; // of one ALTER TABLE, for the columns
    std::vector<open_rule> rules_;
    std::optional<enforcement> enforcement_;
    std::vector<entry> objects_;
    std::vector<std::string> commands_; // that make objects_, and the table itself
    bool makes_triggers_ = false;
};

} // namespace mega::schema
