// The stored form of a customer's open lots (I15): a JSON array of [name, left, ends]. What is read stands in order
// and is written as it was read; no draw, end or debt makes or loses a credit.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/lots.hpp"
#include "json_text.hpp"
#include "require.hpp"

using namespace mega::core;
using mega::test::require;

namespace {

open_lots read(const json &stored) {
    open_lots lots;
    for (const json &item : stored.array()) {
        if (!item.is_array() || item.array().size() != 3 || !item.array()[0].is_string() ||
            !item.array()[1].is_number() || !item.array()[2].is_number())
            continue;
        const std::size_t before = lots.size();
        const auto left = whole_number(item.array()[1].number()), ends = whole_number(item.array()[2].number());
        const bool added = left && ends && add_stored(lots, item.array()[0].string(), *left, *ends);
        require(lots.size() == before + (added ? 1 : 0));
    }
    return lots;
}

open_lots read_again(const open_lots &lots) {
    open_lots again;
    for (const lot &one : lots)
        require(add_stored(again, one.name, one.left, one.ends));
    return again;
}

std::int64_t sum_of(const lot_changes &changes) {
    std::int64_t sum = 0;
    for (const lot_change &one : changes)
        sum += one.credits;
    return sum;
}

void use(const open_lots &lots, std::int64_t free, std::int64_t now) {
    holdings what{0, lots, std::nullopt};
    what.credits = what.in_lots() + free;
    const holdings before = what;
    const settlement came = stand(what, now);
    require(before.in_lots() - what.in_lots() == -sum_of(came.cover) - sum_of(came.ended));
    require(before.credits - what.credits == came.total());
    require(what.free() >= 0 || what.lots.empty());
    require(read_again(what.lots) == what.lots);
    holdings again = what;
    require(stand(again, now).nothing_happened() && again == what);
    const std::int64_t amount = what.credits > 3 ? what.credits / 3 : 1;
    std::int64_t drawn = 0;
    for (const drawn_part &part : draw(what, amount))
        drawn += part.credits;
    require(drawn == amount && what.credits == again.credits - amount);
    require(read_again(what.lots) == what.lots);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const auto document = mega::test::json_reader::read({reinterpret_cast<const char *>(data), size});
    if (!document || !document->is_array() || document->array().size() > 64)
        return 0;
    const open_lots lots = read(*document);
    require(read_again(lots) == lots);
    const std::int64_t middle = lots.empty() ? 0 : lots[lots.size() / 2].ends;
    for (const std::int64_t free : {-1000, -1, 0, 7})
        use(lots, free, middle);
    return 0;
}
