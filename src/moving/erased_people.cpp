// Looks for customers who were erased.
#include "moving/erased_people.hpp"

#include "ledger/erasure.hpp"

namespace mega::moving {

erased_people::erased_people(pg::spi_connection &spi, Oid schema) {
    const auto read = [&](const std::string &text) { return ids_of(spi.run_text(text, pg::access::read_only)); };
    pass_ids_ = read(pg::with_schema_name("SELECT c.mg_pass_id FROM ONLY @schema@.mega_customers c WHERE c.mg_meta "
                                          "OPERATOR(pg_catalog.#>) '{mega,erased_at}' IS NOT NULL",
                                          schema));
    // Where a customer has the pass id by now, it is his.
    digests_ = read(pg::with_schema_name("SELECT q.digest FROM (" + erased_keys_query(schema) +
                                             ") q WHERE NOT EXISTS (SELECT FROM ONLY @schema@.mega_customers c WHERE "
                                             "pg_catalog.encode(pg_catalog.sha256("
                                             "pg_catalog.convert_to(c.mg_pass_id::pg_catalog.text, "
                                             "pg_catalog.getdatabaseencoding())), 'hex') OPERATOR(pg_catalog.=) "
                                             "q.digest)",
                                         schema));
}

bool erased_people::has(std::string_view pass_id) const {
    return pass_ids_.contains(pass_id) || (!digests_.empty() && digests_.contains(ledger::digest_of_erased(pass_id)));
}

} // namespace mega::moving
