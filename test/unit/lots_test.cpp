#include "core/lots.hpp"

#include <gtest/gtest.h>

namespace mega::core {
namespace {

// Ends are small numbers here; the trial ends before the month does.
holdings trial_and_month() { return {30, {{"trial", 5, 10}, {"month", 5, 20}}, std::nullopt}; }

using parts = std::vector<drawn_part>;

TEST(lots, are_drawn_by_their_end_and_what_has_none_is_last) {
    holdings what = trial_and_month();
    EXPECT_EQ(draw(what, 12), (parts{{"trial", 5, 10}, {"month", 5, 20}, {"", 2, std::nullopt}}));
    EXPECT_EQ(what, (holdings{18, {}, std::nullopt}));
}

TEST(lots, of_equal_ends_are_drawn_by_the_bytes_of_their_names) {
    holdings what{4, {{"B", 2, 10}, {"a", 2, 10}}, std::nullopt};
    EXPECT_EQ(draw(what, 3), (parts{{"B", 2, 10}, {"a", 1, 10}}));
    holdings reversed{0, {}, std::nullopt};
    grant(reversed, "a", 2, 10);
    grant(reversed, "B", 2, 10);
    EXPECT_EQ(reversed.lots.front().name, "B");
}

TEST(lots, what_has_no_lot_is_drawn_at_its_end) {
    holdings what = trial_and_month();
    what.free_end = 15;
    EXPECT_EQ(draw(what, 26), (parts{{"trial", 5, 10}, {"", 20, 15}, {"month", 1, 20}}));
    holdings same = trial_and_month();
    same.free_end = 10; // of equal ends the lot goes first
    EXPECT_EQ(draw(same, 6), (parts{{"trial", 5, 10}, {"", 1, 10}}));
}

TEST(lots, only_what_has_no_lot_falls_below_zero) {
    holdings what = trial_and_month();
    EXPECT_EQ(draw(what, 40),
              (parts{{"trial", 5, 10}, {"month", 5, 20}, {"", 20, std::nullopt}, {"", 10, std::nullopt}}));
    EXPECT_EQ(what, (holdings{-10, {}, std::nullopt}));
}

TEST(lots, a_draw_may_begin_elsewhere) {
    holdings own = trial_and_month();
    EXPECT_EQ(draw(own, 7, {.name = "month"}), (parts{{"month", 5, 20}, {"trial", 2, 10}}));
    holdings free = trial_and_month();
    EXPECT_EQ(draw(free, 22, {.free = true}), (parts{{"", 20, std::nullopt}, {"trial", 2, 10}}));
}

TEST(lots, end_alone) {
    holdings what = trial_and_month();
    EXPECT_EQ(stand(what, 9).total(), 0);
    const settlement came = stand(what, 10); // an end is exclusive
    EXPECT_EQ(came.ended, (lot_changes{{"trial", -5}}));
    EXPECT_EQ(what, (holdings{25, {{"month", 5, 20}}, std::nullopt}));
    EXPECT_TRUE(stand(what, 10).nothing_happened());
}

TEST(lots, what_has_no_lot_ends_alone) {
    holdings what = trial_and_month();
    what.free_end = 3;
    const settlement came = stand(what, 3);
    EXPECT_EQ(came.free_ended, 20);
    EXPECT_TRUE(came.end_passed);
    EXPECT_EQ(what, (holdings{10, {{"trial", 5, 10}, {"month", 5, 20}}, std::nullopt}));
}

TEST(lots, a_debt_does_not_end) {
    holdings what{-7, {}, 20};
    const settlement came = stand(what, 20);
    EXPECT_TRUE(came.end_passed);
    EXPECT_FALSE(came.anything_ended());
    EXPECT_EQ(came.total(), 0);
    EXPECT_EQ(what, (holdings{-7, {}, std::nullopt}));
}

TEST(lots, pay_a_debt_before_they_end) {
    holdings what{5, {{"trial", 10, 10}}, std::nullopt}; // beside a raw -5
    const settlement came = stand(what, 10);
    EXPECT_EQ(came.cover, (lot_changes{{"trial", -5}}));
    EXPECT_EQ(came.ended, (lot_changes{{"trial", -5}}));
    EXPECT_EQ(what, (holdings{0, {}, std::nullopt}));
    holdings whole{0, {{"trial", 10, 10}}, std::nullopt};
    EXPECT_EQ(stand(whole, 10).ended, (lot_changes{{"trial", 0}})); // it came to its end, with nothing left
    holdings ahead{0, {{"trial", 10, 10}}, std::nullopt};
    EXPECT_TRUE(stand(ahead, 9).ended.empty());
    EXPECT_TRUE(ahead.lots.empty());
}

TEST(lots, a_grant_pays_the_debt_it_meets) {
    holdings what{-4, {}, std::nullopt};
    EXPECT_EQ(grant(what, "month", 10, 20), 4);
    EXPECT_EQ(what, (holdings{6, {{"month", 6, 20}}, std::nullopt}));
    holdings deep{-14, {}, std::nullopt};
    EXPECT_EQ(grant(deep, "month", 10, 20), 10);
    EXPECT_EQ(deep, (holdings{-4, {}, std::nullopt}));
}

TEST(lots, what_goes_back_goes_to_what_lives_longest) {
    holdings what{5, {{"b", 5, 20}}, std::nullopt};
    const taken from{2, {{"a", 5, 5, 10}, {"b", 3, 8, 20}}};
    EXPECT_EQ(give_back(what, 7, from), (lot_changes{{"b", 3}, {"a", 2}}));
    EXPECT_EQ(what, (holdings{12, {{"a", 2, 10}, {"b", 8, 20}}, std::nullopt}));
}

TEST(lots, nothing_goes_back_beyond_what_was_granted_and_neither_revoked_nor_ended) {
    holdings what{0, {}, std::nullopt};
    EXPECT_EQ(give_back(what, 10, {0, {{"revoked", 10, 0, 10}}}), lot_changes{});
    EXPECT_EQ(what, (holdings{10, {}, std::nullopt}));
    holdings some{3, {{"part", 3, 10}}, std::nullopt};
    EXPECT_EQ(give_back(some, 10, {0, {{"part", 10, 5, 10}}}), (lot_changes{{"part", 2}}));
    EXPECT_EQ(some.free(), 8);
}

TEST(lots, that_have_ended_end_again_whatever_the_clock_says) {
    holdings what{0, {}, std::nullopt};
    const taken from{0, {{"ended", 4, 4, 1000, true}, {"open", 4, 4, 100}}};
    EXPECT_EQ(give_back(what, 6, from), (lot_changes{{"ended", 4}, {"open", 2}})); // by their ends as ever
    EXPECT_EQ(stand(what, 50).ended, (lot_changes{{"ended", -4}}));
    EXPECT_EQ(what, (holdings{2, {{"open", 2, 100}}, std::nullopt}));
}

TEST(lots, go_elsewhere_one_part_for_each_end) {
    const parts drawn{{"a", 1, 10}, {"", 2, std::nullopt}, {"b", 3, 10}, {"c", 4, 20}};
    const auto ends = by_end(drawn);
    ASSERT_EQ(ends.size(), 3u);
    EXPECT_EQ(ends[0], std::pair(std::int64_t{4}, std::optional<std::int64_t>(10)));
    EXPECT_EQ(ends[1], std::pair(std::int64_t{4}, std::optional<std::int64_t>(20)));
    EXPECT_EQ(ends[2], std::pair(std::int64_t{2}, std::optional<std::int64_t>()));
}

TEST(lots, are_stored_in_their_order) {
    open_lots lots;
    EXPECT_TRUE(add_stored(lots, "b", 5, 10));
    EXPECT_FALSE(add_stored(lots, "a", 5, 10));
    EXPECT_FALSE(add_stored(lots, "b", 5, 10));
    EXPECT_FALSE(add_stored(lots, "c", 0, 10));
    EXPECT_FALSE(add_stored(lots, "c", -1, 10));
    EXPECT_FALSE(add_stored(lots, "c", 2147483648, 10));
    EXPECT_FALSE(add_stored(lots, "", 1, 10));
    EXPECT_TRUE(add_stored(lots, "c", 2147483647, 10));
    EXPECT_EQ(lots, (open_lots{{"b", 5, 10}, {"c", 2147483647, 10}}));
}

TEST(lots, of_two_customers_are_joined) {
    EXPECT_EQ(joined({{"a", 1, 10}, {"c", 1, 30}}, {{"b", 1, 20}}),
              (open_lots{{"a", 1, 10}, {"b", 1, 20}, {"c", 1, 30}}));
}

lot_facts row(std::string name, std::int64_t delta) {
    lot_facts facts;
    facts.name = std::move(name);
    facts.delta = delta;
    return facts;
}

TEST(lots, are_folded_from_what_rows_say) {
    lot_facts granted = row("month", 10), spent = row("s", -8), paid = row("t", -1), ended = row("expire:1", -1);
    granted.ends = 20;
    spent.lots = {{"month", -8}};
    paid.cover = {{"month", -1}};
    EXPECT_EQ(fold_lots(std::vector{spent, paid, granted}).lots, (open_lots{{"month", 1, 20}}));
    ended.lots = {{"month", -1}};
    const folded_lots all = fold_lots(std::vector{ended, paid, spent, granted});
    EXPECT_TRUE(all.lots.empty());
    EXPECT_TRUE(all.sound);
}

TEST(lots, that_break_their_bounds_are_found) {
    lot_facts granted = row("month", 10), spent = row("s", -11), back = row("b", 1), revoked = row("revoke:1", -5);
    granted.ends = 20;
    EXPECT_TRUE(fold_lots(std::vector{granted}).sound);
    spent.lots = {{"month", -11}};
    EXPECT_FALSE(fold_lots(std::vector{granted, spent}).sound);
    back.lots = {{"month", 1}};
    EXPECT_FALSE(fold_lots(std::vector{granted, back}).sound);
    spent.lots = {{"other", -1}};
    EXPECT_FALSE(fold_lots(std::vector{granted, spent}).sound);
    revoked.revoke_of = "month";
    EXPECT_FALSE(fold_lots(std::vector{granted, revoked}).sound); // it took from elsewhere what the lot still has
    revoked.lots = {{"month", -5}};
    EXPECT_TRUE(fold_lots(std::vector{granted, revoked}).sound);
    lot_facts restored = row("refund:1", 5);
    restored.refund_of = "revoke:1";
    restored.lots = {{"month", 5}};
    EXPECT_EQ(fold_lots(std::vector{granted, revoked, restored}).lots, (open_lots{{"month", 10, 20}}));
    EXPECT_TRUE(fold_lots(std::vector{granted, revoked, restored}).sound);
    restored.refund_of = "another";
    EXPECT_FALSE(fold_lots(std::vector{granted, revoked, restored}).sound);
}

} // namespace
} // namespace mega::core
