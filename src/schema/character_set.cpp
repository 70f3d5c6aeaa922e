// Tells core which character set the database's texts have.
#include "schema/character_set.hpp"

#include "core/text_rule.hpp"
#include "pg/error.hpp"

namespace mega::schema {

namespace {

// Asked at each use: a library that the server loads at its start knows no database yet. SQL_ASCII is taken for UTF-8,
// which is what its clients send.
core::character_set of_database() noexcept {
    switch (GetDatabaseEncoding()) {
    case PG_UTF8:
    case PG_SQL_ASCII:
        return core::character_set::utf8;
    case PG_EUC_JP:
    case PG_EUC_JIS_2004:
    case PG_EUC_CN:
    case PG_EUC_KR:
    case PG_EUC_TW:
        return core::character_set::euc;
    case PG_LATIN1:
    case PG_LATIN2:
    case PG_LATIN3:
    case PG_LATIN4:
    case PG_LATIN5:
    case PG_LATIN6:
    case PG_LATIN7:
    case PG_LATIN8:
    case PG_LATIN9:
    case PG_LATIN10:
    case PG_ISO_8859_5:
    case PG_ISO_8859_6:
    case PG_ISO_8859_7:
    case PG_ISO_8859_8:
        return core::character_set::iso_8859;
    case PG_WIN1250:
    case PG_WIN1251:
    case PG_WIN1252:
    case PG_WIN1253:
    case PG_WIN1254:
    case PG_WIN1255:
    case PG_WIN1256:
    case PG_WIN1257:
    case PG_WIN1258:
        return core::character_set::windows;
    default:
        return core::character_set::other;
    }
}

} // namespace

void tell_character_set() { core::use_text_host({of_database, pg::whole_characters}); }

} // namespace mega::schema
