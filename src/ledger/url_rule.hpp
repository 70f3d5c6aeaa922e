// I10: no asset URL that expires is stored. core says what expires; here stand the columns, the settings and the
// errors.
#pragma once

#include "ledger/checked.hpp"

namespace mega::ledger {

// A URL column or argument. A URL that is not permanent raises `state` (23514 for a column, MG008 for an argument); a
// provider's delivery host, or a host that mega.asset_hosts does not name, raises MG008.
void check_asset_url(const char *name, std::string_view url, pg::sql_state state);

// mg_mma_vars or an event's mg_meta: raises MG008 when a URL anywhere inside expires or lies on a delivery host.
void check_document_urls(const char *name, pg::jsonb document);

// A raw payload as mega.payload_urls wants it stored: std::nullopt when it may stay as it is. Raises MG008 when the
// setting is reject and a secret is in it.
std::optional<pg::jsonb> payload_to_store(const char *name, pg::jsonb payload);

// The text of an error, without the secrets of its URLs unless the setting is keep: std::nullopt when there are none.
// It is never refused: what went wrong has to be told.
std::optional<std::string> text_to_store(std::string_view text);

} // namespace mega::ledger
