// What was learned of keys lately, in constant memory: keys share slots, and whoever comes later has the slot.
#pragma once

#include "pg/postgres.hpp"

#include <array>
#include <string_view>

namespace mega::ledger {

// What is noted holds for one moment, which `Moment` tells; a key is told by 64 bits of hash.
template <class Value, auto Moment> class recent {
public:
    void note(std::string_view key, const Value &value) noexcept {
        const std::uint64_t hash = hash_of(key);
        slots_[hash % slots_.size()] = {hash, current(), value};
    }

    // nullptr: not known, or not any more.
    const Value *find(std::string_view key) noexcept {
        const std::uint64_t hash = hash_of(key);
        const slot &its = slots_[hash % slots_.size()];
        return its.hash == hash && its.moment == current() ? &its.value : nullptr;
    }

    void forget_all() noexcept { ++moment_; }

private:
    struct slot {
        std::uint64_t hash;
        std::uint32_t moment;
        Value value;
    };

    static std::uint64_t hash_of(std::string_view key) noexcept {
        return hash_bytes_extended(reinterpret_cast<const unsigned char *>(key.data()), static_cast<int>(key.size()),
                                   0);
    }
    std::uint32_t current() noexcept {
        if (const auto now = Moment(); now != seen_) {
            seen_ = now;
            ++moment_;
        }
        return moment_;
    }

    std::array<slot, 8192> slots_{}; // most of the customers of a large batch
    decltype(Moment()) seen_{};
    std::uint32_t moment_ = 0;
};

} // namespace mega::ledger
