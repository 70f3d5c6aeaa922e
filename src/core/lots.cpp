// What lots do: end, pay debts, are drawn and given back to; and what rows make of them, in any order.
#include "lots.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

namespace mega::core {

namespace {

bool stands_before(const lot &left, const lot &right) {
    return left.ends != right.ends ? left.ends < right.ends : left.name < right.name;
}

void insert(open_lots &lots, lot one) {
    const auto at = std::lower_bound(lots.begin(), lots.end(), one, stands_before);
    lots.insert(at, std::move(one));
}

std::int64_t left_of(const open_lots &lots, std::string_view name) {
    const auto found = std::find_if(lots.begin(), lots.end(), [&](const lot &one) { return one.name == name; });
    return found == lots.end() ? 0 : found->left;
}

void drop_empty(open_lots &lots) {
    std::erase_if(lots, [](const lot &one) { return one.left == 0; });
}

// Takes what a lot has, at most so much.
std::int64_t take(lot &one, std::int64_t most) {
    const std::int64_t taken = std::min<std::int64_t>(one.left, most);
    one.left -= static_cast<std::int32_t>(taken);
    return taken;
}

// While there is a debt, the lots pay it in order.
lot_changes pay_debt(holdings &what) {
    lot_changes cover;
    std::int64_t debt = -what.free();
    for (lot &one : what.lots) {
        if (debt <= 0)
            break;
        const std::int64_t paid = take(one, debt);
        cover.push_back({std::string(one.name), -paid});
        debt -= paid;
    }
    return cover;
}

// What a draw has taken so far.
class drawing {
public:
    drawing(holdings &what, std::int64_t amount) : what_(what), free_(std::max<std::int64_t>(what.free(), 0)) {
        left_ = amount;
    }

    void from(lot &one) {
        if (const std::int64_t taken = take(one, left_); taken > 0)
            note({std::string(one.name), taken, one.ends});
    }

    void from_free() {
        const std::int64_t taken = std::min(free_, left_);
        free_ -= taken;
        if (taken > 0)
            note({{}, taken, what_.free_end});
    }

    std::vector<drawn_part> finish() {
        if (left_ > 0) // a debt
            note({{}, left_, std::nullopt});
        return std::move(parts_);
    }

private:
    void note(drawn_part part) {
        left_ -= part.credits;
        parts_.push_back(std::move(part));
    }

    holdings &what_;
    std::int64_t left_ = 0, free_;
    std::vector<drawn_part> parts_;
};

// Before any time there is, yet after INT64_MIN, as of which nothing but debts is settled.
constexpr std::int64_t long_ago = std::numeric_limits<std::int64_t>::min() + 1;

} // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    return fault == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool add_stored(open_lots &lots, std::string_view name, std::int64_t left, std::int64_t ends) {
    if (name.empty() || left <= 0 || left > std::numeric_limits<std::int32_t>::max())
        return false;
    lot next{name, static_cast<std::int32_t>(left), ends};
    if (!lots.empty() && !stands_before(lots.back(), next))
        return false;
    lots.push_back(std::move(next));
    return true;
}

open_lots joined(open_lots left, const open_lots &right) {
    for (const lot &one : right)
        insert(left, one);
    return left;
}

std::int64_t holdings::in_lots() const noexcept {
    std::int64_t sum = 0;
    for (const lot &one : lots)
        sum += one.left;
    return sum;
}

std::int64_t settlement::total() const noexcept {
    std::int64_t sum = free_ended;
    for (const lot_change &one : ended)
        sum -= one.credits;
    return sum;
}

settlement stand(holdings &what, std::int64_t now) {
    settlement came;
    if (!what.lots.empty()) {
        came.cover = pay_debt(what);
        for (lot &one : what.lots)
            if (one.ends <= now) {
                came.ended.push_back({std::string(one.name), -std::int64_t{one.left}});
                what.credits -= one.left;
                one.left = 0;
            }
        drop_empty(what.lots);
    }
    if (what.free_end && *what.free_end <= now) {
        came.end_passed = true;
        came.free_ended = std::max<std::int64_t>(what.free(), 0);
        what.credits -= came.free_ended;
        what.free_end.reset();
    }
    return came;
}

std::vector<drawn_part> draw(holdings &what, std::int64_t amount, draw_first first) {
    drawing under_way(what, amount);
    if (first.free)
        under_way.from_free();
    for (lot &one : what.lots)
        if (!first.name.empty() && one.name == first.name)
            under_way.from(one);
    bool came_by_free = false;
    for (lot &one : what.lots) {
        if (!came_by_free && what.free_end && *what.free_end < one.ends) {
            under_way.from_free();
            came_by_free = true;
        }
        under_way.from(one);
    }
    under_way.from_free();
    drop_empty(what.lots);
    what.credits -= amount;
    return under_way.finish();
}

lot_changes changes_of(std::span<const drawn_part> parts) {
    lot_changes changes;
    for (const drawn_part &part : parts)
        if (!part.name.empty())
            changes.push_back({part.name, -part.credits});
    return changes;
}

lot_changes give_back(holdings &what, std::int64_t amount, const taken &from) {
    what.credits += amount;
    std::int64_t rest = amount - std::clamp<std::int64_t>(from.free, 0, amount);
    std::vector<const taken::of_lot *> latest_first;
    for (const taken::of_lot &one : from.lots)
        latest_first.push_back(&one);
    std::ranges::sort(latest_first, [](const taken::of_lot *left, const taken::of_lot *right) {
        return left->ends != right->ends ? left->ends > right->ends : left->name > right->name;
    });
    lot_changes changes;
    for (const taken::of_lot *one : latest_first) {
        const std::int64_t left = left_of(what.lots, one->name);
        const std::int64_t back = std::min({rest, one->credits, one->room - left});
        if (back <= 0)
            continue;
        std::erase_if(what.lots, [&](const lot &open) { return open.name == one->name; });
        insert(what.lots, {one->name, static_cast<std::int32_t>(left + back), one->ended ? long_ago : one->ends});
        changes.push_back({one->name, back});
        rest -= back;
    }
    return changes;
}

std::int64_t grant(holdings &what, std::string_view name, std::int64_t amount, std::int64_t ends) {
    const std::int64_t paid = std::clamp<std::int64_t>(-what.free(), 0, amount);
    what.credits += amount;
    if (amount > paid)
        insert(what.lots, {name, static_cast<std::int32_t>(amount - paid), ends});
    return paid;
}

std::vector<std::pair<std::int64_t, std::optional<std::int64_t>>> by_end(std::span<const drawn_part> parts) {
    std::vector<std::pair<std::int64_t, std::optional<std::int64_t>>> ends;
    for (const drawn_part &part : parts) {
        const auto same =
            std::find_if(ends.begin(), ends.end(), [&](const auto &one) { return one.second == part.ends; });
        if (same == ends.end())
            ends.emplace_back(part.credits, part.ends);
        else
            same->first += part.credits;
    }
    std::stable_partition(ends.begin(), ends.end(), [](const auto &one) { return one.second.has_value(); });
    return ends;
}

namespace {

struct lot_sum {
    std::int64_t granted, ends, moved = 0, revoked = 0;

    std::int64_t left() const { return granted + moved; }
    bool is_sound() const { return granted > 0 && left() >= 0 && left() <= granted - revoked; }
};

} // namespace

folded_lots fold_lots(std::span<const lot_facts> rows) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    std::map<std::string_view, lot_sum> sums;
    std::map<std::string_view, std::string_view> revokes; // by their row's name: the lot
    folded_lots result;
    for (const lot_facts &row : rows) {
        if (row.ends)
            sums.insert_or_assign(row.name, lot_sum{row.delta, *row.ends});
        if (row.revoke_of)
            revokes.emplace(row.name, *row.revoke_of);
    }
    const auto add = [&](std::string_view name, std::int64_t credits, std::int64_t lot_sum::*to) {
        const auto found = sums.find(name);
        if (found != sums.end())
            found->second.*to += credits;
        return found != sums.end();
    };
    for (const lot_facts &row : rows) {
        for (const lot_changes *list : {&row.lots, &row.cover})
            for (const lot_change &one : *list)
                result.sound = add(one.name, one.credits, &lot_sum::moved) && result.sound;
        if (row.revoke_of)
            add(*row.revoke_of, -row.delta, &lot_sum::revoked);
        if (row.refund_of)
            if (const auto revoke = revokes.find(*row.refund_of); revoke != revokes.end())
                add(revoke->second, -row.delta, &lot_sum::revoked);
    }
    for (const auto &[name, sum] : sums) {
        result.sound = result.sound && sum.is_sound();
        if (sum.left() > 0)
            insert(result.lots, {name, static_cast<std::int32_t>(std::min(sum.left(), most)), sum.ends});
    }
    return result;
}

} // namespace mega::core
