// Reads the subject out of the claims of a request. Postgres' own reader raises an error for what is no JSON, which
// could be caught in a subtransaction only: a dear thing to do for each query, and none that a parallel worker may do.
#include "claims.hpp"

#include "ascii.hpp"
#include "pass_id.hpp"

namespace mega::core {

namespace {

// One pass over a JSON text. Every read_ function stands behind what it read, or returns false.
class claims_reader {
public:
    explicit claims_reader(std::string_view text) : text_(text) {}

    // Whether the text is one object, which names sub at most once.
    bool read() {
        skip_spaces();
        if (!take('{'))
            return false;
        open_ = "{";
        while (!open_.empty()) {
            skip_spaces();
            if (!read_next())
                return false;
        }
        skip_spaces();
        return at_ == text_.size() && times_ <= 1;
    }

    const std::optional<std::string> &subject() const { return subject_; }

private:
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }

    void skip_spaces() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
            ++at_;
    }

    // A member or an element with what separates it from the one before, or the end of a container.
    bool read_next() {
        const bool in_object = open_.back() == '{';
        if (take(in_object ? '}' : ']')) {
            open_.pop_back();
            first_ = false;
            return true;
        }
        if (!first_ && !take(','))
            return false;
        skip_spaces();
        bool names_subject = false;
        if (in_object) {
            std::string name;
            if (!read_string(&name))
                return false;
            skip_spaces();
            if (!take(':'))
                return false;
            skip_spaces();
            names_subject = open_.size() == 1 && name == "sub";
            times_ += names_subject ? 1 : 0;
        }
        return read_value(names_subject);
    }

    bool read_value(bool is_subject) {
        first_ = false;
        for (const char c : {'{', '['})
            if (take(c)) {
                open_ += c;
                first_ = true;
                return true;
            }
        if (at_ < text_.size() && text_[at_] == '"') {
            std::string value;
            if (!read_string(&value))
                return false;
            if (is_subject)
                subject_ = std::move(value);
            return true;
        }
        return read_word("true") || read_word("false") || read_word("null") || read_number();
    }

    bool read_word(std::string_view word) {
        if (!text_.substr(at_).starts_with(word))
            return false;
        at_ += word.size();
        return true;
    }

    bool read_digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_digit(text_[at_]))
            ++at_;
        return at_ > begin;
    }

    bool read_number() {
        take('-');
        if (!take('0') && !read_digits())
            return false;
        if (take('.') && !read_digits())
            return false;
        if (take('e') || take('E')) {
            if (!take('+'))
                take('-');
            return read_digits();
        }
        return true;
    }

    bool read_string(std::string *into) {
        if (!take('"'))
            return false;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"')
                return true;
            if (static_cast<unsigned char>(c) < 0x20)
                return false;
            if (c != '\\')
                *into += c;
            else if (!read_escape(into))
                return false;
        }
        return false;
    }

    bool read_escape(std::string *into) {
        constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        if (at_ >= text_.size())
            return false;
        const char c = text_[at_++];
        if (const std::size_t found = letters.find(c); found != std::string_view::npos) {
            *into += meant[found];
            return true;
        }
        if (c != 'u' || text_.size() - at_ < 4)
            return false;
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
            const int digit = hex_value(text_[at_++]);
            if (digit < 0)
                return false;
            code = code * 16 + static_cast<unsigned>(digit);
        }
        if (code == 0)
            return false;
        // Neither `sub` nor a UUID has another letter: which one it is does not matter.
        *into += code < 0x80 ? static_cast<char>(code) : '?';
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string open_;  // the brackets around this place
    bool first_ = true; // nothing stands before it in its container
    int times_ = 0;     // that sub was named
    std::optional<std::string> subject_;
};

} // namespace

std::optional<std::string> subject_of_claims(std::string_view claims) {
    claims_reader reader(claims);
    if (!reader.read() || !reader.subject() || !is_uuid(*reader.subject()))
        return std::nullopt;
    return reader.subject();
}

} // namespace mega::core
