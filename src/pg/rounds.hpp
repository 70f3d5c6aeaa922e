// Loops over many customers or rows in one call.
#pragma once

#include "pg/spi.hpp"

namespace pg {

// What a round allocates, in Postgres' memory or in its connection, is gone before the next begins.
class rounds {
public:
    // They go with `outer`, which has to outlive them: the memory of a connection goes when that is finished.
    explicit rounds(MemoryContext outer = CurrentMemoryContext)
        : memory_(call([outer] { return AllocSetContextCreate(outer, "mega round", ALLOCSET_DEFAULT_SIZES); })) {}
    rounds(const rounds &) = delete;
    rounds &operator=(const rounds &) = delete;

    // Calls body(connection). Notices cancellation.
    template <class Body> void run(Body body) {
        run_on(std::move(body));
        forget();
    }

    // The same, but what it allocates in memory stays, beside what those before it left there, until `forget`.
    template <class Body> void run_on(Body body) {
        check_for_interrupts();
        const within inside(memory_);
        spi_connection its_own(spi_connection::memory::as_before); // what stays may wait for the rounds behind it
        body(its_own);
        its_own.finish();
    }

    void forget() {
        call([this] { MemoryContextReset(memory_); });
    }

    std::size_t bytes() const { return MemoryContextMemAllocated(memory_, false); }

private:
    struct within {
        explicit within(MemoryContext memory) noexcept : outer(MemoryContextSwitchTo(memory)) {}
        ~within() { MemoryContextSwitchTo(outer); }
        within(const within &) = delete;
        within &operator=(const within &) = delete;

        MemoryContext outer;
    };

    MemoryContext memory_;
};

} // namespace pg
