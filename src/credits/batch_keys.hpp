// The keys of the postings of one call, for who posts a batch: nobody else's.
#pragma once

#include "credits/posting_batch.hpp"
#include "ledger/words.hpp"

namespace mega::credits {

// The keys of many postings: which of them the ledger may have, and which posting of the call wrote each. Most are
// new, and mostly they stand side by side: so a stretch of keys is looked for at once before one of them is looked for
// alone.
class posting_batch::known_keys {
public:
    explicit known_keys(postings all)
        : by_txn_id_(all.size(), none), by_reference_(all.size(), none), mg_ids_(all.size()),
          may_be_posted_(all.size()), may_hold_(all.size()) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i]->txn_id)
                ids_.push_back({{}, mg_ids_[i] = mg_id_of(*all[i]->txn_id), {}, i});
            if (all[i]->ref_id && ledger::is_keyed(*all[i]->ref_type))
                references_.push_back({*all[i]->ref_type, *all[i]->ref_id, all[i]->reason, i});
            if (all[i]->delta > 0)
                grants_.push_back({{}, all[i]->pass_id, {}, i});
        }
        note(ids_, by_txn_id_);
        note(references_, by_reference_);
    }

    // Looks for those that are wanted, by their number.
    template <class Wanted> void look_for(ledger::store &store, Wanted wanted) {
        for (std::size_t number = 0; number < may_hold_.size(); ++number)
            if (wanted(number))
                may_be_posted_[number] = may_hold_[number] = false;
        look(ids_, wanted, may_be_posted_,
             [&](std::string_view, auto texts, auto found) { store.may_have_ids(texts, found); });
        look(references_, wanted, may_be_posted_,
             [&](std::string_view type, auto texts, auto found) { store.may_have_references(type, texts, found); });
        look(grants_, wanted, may_hold_,
             [&](std::string_view, auto texts, auto found) { store.may_have_pending_holds(texts, found); });
    }

    bool may_be_posted(std::size_t number) const { return may_be_posted_[number]; }

    // Whether holds of its customer may come back; of a grant.
    bool may_hold(std::size_t number) const { return may_hold_[number]; }

    // Whoever wrote its keys did not, and since it was looked for anything may have come.
    void forget(std::size_t number) {
        set_writer(number, nullptr);
        may_be_posted_[number] = by_txn_id_[number] != none || by_reference_[number] != none;
        may_hold_[number] = true;
    }

    // Who wrote a posting's key in this call; null when nobody did.
    const posting *writer_of_txn_id(std::size_t number) const { return writer(by_txn_id_[number]); }
    const posting *writer_of_reference(std::size_t number) const { return writer(by_reference_[number]); }

    // Notes who writes the keys of a posting.
    void set_writer(std::size_t number, const posting *writer) {
        for (const std::size_t run : {by_txn_id_[number], by_reference_[number]})
            if (run != none)
                writers_[run] = writer;
    }

private:
    struct key {
        std::string_view type, id, reason; // of an mg_id only the id
        std::size_t number;

        bool same(const key &other) const { return type == other.type && id == other.id && reason == other.reason; }
        auto operator<=>(const key &) const = default;
    };

    static constexpr auto none = static_cast<std::size_t>(-1);

    const posting *writer(std::size_t run) const { return run == none ? nullptr : writers_[run]; }

    // Equal keys share a run.
    void note(std::vector<key> &keys, std::vector<std::size_t> &run_of) {
        std::ranges::sort(keys);
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (i == 0 || !keys[i].same(keys[i - 1]))
                writers_.push_back(nullptr);
            run_of[keys[i].number] = writers_.size() - 1;
        }
    }

    template <class Wanted, class Find>
    static void look(std::span<const key> keys, Wanted wanted, std::vector<bool> &marked, Find find) {
        constexpr std::size_t most = 128; // what is looked for at once
        std::array<std::string_view, most> texts;
        std::array<std::size_t, most> numbers;
        for (std::size_t next = 0; next < keys.size();) {
            std::size_t size = 0;
            std::string_view type;
            for (; next < keys.size() && size < most; ++next) {
                if (!wanted(keys[next].number))
                    continue;
                if (size > 0 && keys[next].type != type)
                    break;
                type = keys[next].type;
                numbers[size] = keys[next].number;
                texts[size++] = keys[next].id;
            }
            if (size == 0)
                return;
            std::array<bool, most> found{};
            find(type, std::span(texts).first(size), std::span(found).first(size));
            for (std::size_t i = 0; i < size; ++i)
                if (found[i])
                    marked[numbers[i]] = true;
        }
    }

    std::vector<std::size_t> by_txn_id_, by_reference_; // the run of a posting's key
    std::vector<const posting *> writers_;              // of a run
    std::vector<std::string> mg_ids_;
    std::vector<key> ids_, references_, grants_; // in the order in which they are looked for
    std::vector<bool> may_be_posted_, may_hold_;
};

} // namespace mega::credits
