#include "core/lot_name.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mega::core {
namespace {

TEST(lot_name, of_any_length_is_kept_whole) {
    for (const std::size_t length : {0U, 1U, 36U, 46U, 47U, 48U, 512U}) {
        const std::string text(length, 'n');
        lot_name name(text);
        EXPECT_EQ(name, text);
        EXPECT_EQ(name.empty(), text.empty());
        const lot_name copy = name;
        const lot_name moved = std::move(name);
        EXPECT_EQ(copy, text);
        EXPECT_EQ(moved, copy);
        EXPECT_FALSE(copy == text + "n");
    }
}

TEST(lot_name, becomes_another_one) {
    const std::string longer(48, 'l');
    lot_name name("short");
    name = lot_name(longer);
    EXPECT_EQ(name, longer);
    name = "short";
    EXPECT_EQ(name, "short");
}

TEST(lot_name, comes_in_the_order_of_its_bytes) {
    const std::vector<std::string> ordered{"",  "B",       "a", "aa", std::string(47, 'b'), std::string(48, 'b'),
                                           "c", "\xC3\xA4"};
    for (std::size_t i = 0; i < ordered.size(); ++i)
        for (std::size_t k = 0; k < ordered.size(); ++k)
            EXPECT_EQ(lot_name(ordered[i]) < lot_name(ordered[k]), i < k) << ordered[i] << " " << ordered[k];
}

} // namespace
} // namespace mega::core
