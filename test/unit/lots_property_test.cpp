// Whatever happens to a customer, lots do what a slow and obvious model does that moves one credit at a time; the
// ledger's rows make them in any order (I15).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "core/lots.hpp"

namespace mega::core {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t long_ago = std::numeric_limits<std::int64_t>::min();

// Single credits, each of a lot or of none, and a debt.
struct model {
    std::multimap<std::tuple<std::int64_t, bool, std::string>, char> of_lots; // end, never of none, name
    std::int64_t free = 0;                                                    // below zero: a debt
    std::int64_t free_end = never;

    std::int64_t credits() const { return free + static_cast<std::int64_t>(of_lots.size()); }
    std::int64_t left(const std::string &name) const {
        return std::count_if(of_lots.begin(), of_lots.end(),
                             [&](const auto &one) { return std::get<2>(one.first) == name; });
    }
    void add(const std::string &name, std::int64_t ends) { of_lots.emplace(std::tuple(ends, false, name), ' '); }
    bool take_of(const std::string &name) {
        const auto one =
            std::find_if(of_lots.begin(), of_lots.end(), [&](const auto &o) { return std::get<2>(o.first) == name; });
        if (one == of_lots.end())
            return false;
        of_lots.erase(one);
        return true;
    }

    void stand(std::int64_t now) {
        for (; free < 0 && !of_lots.empty(); ++free)
            of_lots.erase(of_lots.begin());
        while (!of_lots.empty() && std::get<0>(of_lots.begin()->first) <= now)
            of_lots.erase(of_lots.begin());
        if (free_end <= now) {
            free = std::min<std::int64_t>(free, 0);
            free_end = never;
        }
    }

    void draw_one() {
        const bool free_first = free > 0 && (of_lots.empty() || free_end < std::get<0>(of_lots.begin()->first));
        if (free_first || of_lots.empty())
            --free;
        else
            of_lots.erase(of_lots.begin());
    }
};

struct step {
    int kind;
    std::int64_t amount, other;
};

rc::Gen<std::vector<step>> some_steps() {
    return rc::gen::container<std::vector<step>>(rc::gen::exec([] {
        return step{*rc::gen::inRange(0, 12), *rc::gen::inRange<std::int64_t>(1, 12),
                    *rc::gen::inRange<std::int64_t>(0, 8)};
    }));
}

// A customer as mega keeps it, with the rows that were recorded, and the model beside it.
class played {
public:
    void play(const step &what) {
        switch (what.kind) {
        case 0:
        case 1:
            return grant_with_end(what.amount, what.other);
        case 2:
            return grant_without(what.amount);
        case 3:
        case 4:
            return spend(what.amount, what.other == 0);
        case 5:
            return raw(what.amount - 6);
        case 6:
            now_ += what.other;
            return;
        case 7:
            return return_some(what.amount, what.other);
        case 8:
            return revoke(what.amount, what.other);
        case 9:
            return restore(what.amount, what.other);
        case 10: // a clock that is set back: what has ended stays so
            now_ -= what.other;
            return;
        default:
            has_.free_end = now_ + 1 + what.other;
            beside_.free_end = *has_.free_end;
        }
    }

    void check() const {
        RC_ASSERT(has_.credits == beside_.credits());
        RC_ASSERT(has_.free() == beside_.free);
        std::int64_t sum = 0;
        for (const lot_facts &row : rows_)
            sum += row.delta;
        RC_ASSERT(has_.credits == sum);
        for (const auto &[name, one] : lots_)
            RC_ASSERT(left_of(name) == beside_.left(name));
        std::vector<lot_facts> in_any_order = rows_;
        std::ranges::reverse(in_any_order);
        for (std::size_t i = 0; i + 2 < in_any_order.size(); i += 3)
            std::swap(in_any_order[i], in_any_order[in_any_order.size() - 1 - i / 2]);
        const folded_lots folded = fold_lots(in_any_order);
        RC_ASSERT(folded.lots == has_.lots);
        RC_ASSERT(folded.sound);
        holdings once = has_;
        stand(once, now_);
        holdings twice = once;
        RC_ASSERT(stand(twice, now_).nothing_happened());
        RC_ASSERT(once == twice);
    }

private:
    struct granted {
        std::int64_t credits, ends, revoked = 0, ended = 0;
        bool over = false; // its end was settled
    };
    struct spent {
        std::string name;
        std::map<std::string, std::int64_t> of_lots; // not given back
        std::int64_t free = 0, left = 0;
        std::string revoke_of;
    };

    std::int64_t left_of(const std::string &name) const {
        for (const lot &one : has_.lots)
            if (one.name == name)
                return one.left;
        return 0;
    }

    lot_facts &record(std::string name, std::int64_t delta) {
        rows_.emplace_back();
        rows_.back().name = std::move(name);
        rows_.back().delta = delta;
        return rows_.back();
    }
    std::string next_name() {
        return "n" + std::to_string(rows_.size() * 7 % 101) + "/" + std::to_string(rows_.size());
    }

    // As a writer does, with what came of it in a row of its own or left to the movement's.
    lot_changes settle() {
        const settlement came = stand(has_, now_);
        beside_.stand(now_);
        if (!came.anything_ended())
            return came.cover;
        lot_facts &row = record("expire:" + next_name(), -came.total());
        row.cover = came.cover;
        for (const lot_change &one : came.ended) {
            lots_.at(one.name).over = true;
            lots_.at(one.name).ended -= one.credits;
            if (one.credits != 0)
                row.lots.push_back(one);
        }
        return {};
    }

    void grant_with_end(std::int64_t amount, std::int64_t after) {
        lot_changes cover = settle();
        const std::string name = next_name();
        const std::int64_t ends = now_ + 1 + after;
        lots_.emplace(name, granted{amount, ends});
        if (const std::int64_t paid = grant(has_, name, amount, ends); paid > 0)
            cover.push_back({name, -paid});
        lot_facts &row = record(name, amount);
        row.ends = ends;
        row.cover = cover;
        for (std::int64_t i = 0; i < amount; ++i)
            if (beside_.free < 0)
                ++beside_.free;
            else
                beside_.add(name, ends);
    }

    void grant_without(std::int64_t amount) {
        const lot_changes cover = settle();
        record(next_name(), amount).cover = cover;
        has_.credits += amount;
        beside_.free += amount;
    }

    void raw(std::int64_t delta) {
        record(next_name(), delta);
        has_.credits += delta;
        beside_.free += delta;
    }

    void spend(std::int64_t amount, bool may_owe) {
        const lot_changes cover = settle();
        if (has_.credits < amount && !may_owe) {
            if (!cover.empty()) // nothing is written
                record(next_name(), 0).cover = cover;
            return;
        }
        note_draw(record(next_name(), -amount), cover, draw(has_, amount), "");
        for (std::int64_t i = 0; i < amount; ++i)
            beside_.draw_one();
    }

    void note_draw(lot_facts &row, const lot_changes &cover, const std::vector<drawn_part> &parts,
                   std::string revoke_of) {
        row.cover = cover;
        row.lots = changes_of(parts);
        spent one{row.name, {}, 0, -row.delta, std::move(revoke_of)};
        for (const drawn_part &part : parts)
            (part.name.empty() ? one.free : one.of_lots[part.name]) += part.credits;
        spends_.push_back(one);
    }

    void revoke(std::int64_t amount, std::int64_t which) {
        if (lots_.empty())
            return;
        const lot_changes cover = settle();
        auto at = std::next(lots_.begin(), which % static_cast<std::int64_t>(lots_.size()));
        const std::int64_t taken = std::min(amount, at->second.credits - at->second.revoked - at->second.ended);
        lot_facts &row = record("revoke:" + next_name(), -taken);
        row.revoke_of = at->first;
        at->second.revoked += taken;
        note_draw(row, cover, draw(has_, taken, {.name = at->first}), at->first);
        for (std::int64_t i = 0; i < taken; ++i)
            if (!beside_.take_of(at->first))
                beside_.draw_one();
    }

    void return_some(std::int64_t amount, std::int64_t which) {
        if (!spends_.empty())
            give(spends_[static_cast<std::size_t>(which) % spends_.size()], amount);
    }
    void restore(std::int64_t amount, std::int64_t which) {
        std::vector<std::size_t> revokes;
        for (std::size_t i = 0; i < spends_.size(); ++i)
            if (!spends_[i].revoke_of.empty())
                revokes.push_back(i);
        if (!revokes.empty())
            give(spends_[revokes[static_cast<std::size_t>(which) % revokes.size()]], amount);
    }

    void give(spent &of, std::int64_t amount) {
        const lot_changes cover = settle();
        amount = std::min(amount, of.left);
        of.left -= amount;
        if (!of.revoke_of.empty())
            lots_.at(of.revoke_of).revoked -= amount;
        taken from{of.free, {}};
        for (const auto &[name, credits] : of.of_lots)
            from.lots.push_back({name, credits, lots_.at(name).credits - lots_.at(name).revoked - lots_.at(name).ended,
                                 lots_.at(name).ends, lots_.at(name).over});
        give_in_model(of, amount);
        lot_facts &row = record("refund:" + next_name(), amount);
        row.refund_of = of.name;
        row.cover = cover;
        row.lots = give_back(has_, amount, from);
        std::int64_t in_lots = 0;
        for (const lot_change &one : row.lots) {
            of.of_lots[one.name] -= one.credits;
            in_lots += one.credits;
        }
        of.free -= amount - in_lots;
        const std::size_t number = rows_.size() - 1;
        const lot_changes behind = settle();
        rows_[number].cover.insert(rows_[number].cover.end(), behind.begin(), behind.end());
    }

    // Credit by credit: what had no lot first, then the latest end.
    void give_in_model(const spent &of, std::int64_t amount) {
        std::int64_t free = std::max<std::int64_t>(of.free, 0);
        std::map<std::string, std::int64_t> back;
        for (; amount > 0; --amount) {
            const std::string *latest = nullptr;
            for (const auto &[name, credits] : of.of_lots) {
                const granted &lot = lots_.at(name);
                if (back[name] < credits && beside_.left(name) < lot.credits - lot.revoked - lot.ended &&
                    (latest == nullptr || std::tuple(lots_.at(*latest).ends, *latest) < std::tuple(lot.ends, name)))
                    latest = &name;
            }
            if (free > 0 || latest == nullptr) {
                --free;
                ++beside_.free;
            } else {
                ++back[*latest];
                beside_.add(*latest, lots_.at(*latest).over ? long_ago : lots_.at(*latest).ends);
            }
        }
    }

    std::int64_t now_ = 0;
    holdings has_;
    model beside_;
    std::vector<lot_facts> rows_;
    std::map<std::string, granted> lots_;
    std::vector<spent> spends_;
};

RC_GTEST_PROP(lots, do_what_the_model_does_and_rows_make_them, ()) {
    played customer;
    for (const step &one : *some_steps()) {
        customer.play(one);
        customer.check();
    }
}

} // namespace
} // namespace mega::core
