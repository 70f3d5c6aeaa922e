// An object with a destructor, counted: after an error none may be left.
#pragma once

#include "pg/postgres.hpp"

namespace border {

class witness {
public:
    witness() : text_(100, 'x') { ++live; }
    witness(const witness &) = delete;
    witness &operator=(const witness &) = delete;
    ~witness() { --live; }

    static inline constinit int live = 0;

private:
    std::string text_; // memory of its own
};

} // namespace border
