// Pass ids (I11), record ids (I6), the words of a status (I9), and the texts they are made of.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/decimal.hpp"
#include "core/pass_id.hpp"
#include "core/record_id.hpp"
#include "core/status.hpp"
#include "core/text_rule.hpp"
#include "require.hpp"

using namespace mega::core;
using mega::test::require;

namespace {

void check_record_id(record_type type, std::string_view id) {
    const auto rest = rest_of(type, id);
    require(is_record_id(name(type), id) == rest.has_value());
    if (!rest)
        return;
    require(std::string(name(type)) + ':' + std::string(*rest) == id);
    require(strip_prefix(type, id) == *rest);
    require(!has_control_character(*rest) && !is_blank(*rest));
    require(app_config_key_matches(*rest, *rest) && app_config_key_matches(std::string(*rest) + ".v7", *rest));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    if (is_pass_id(text))
        require(check_text(text) == text_fault::none && text.starts_with("pass:"));
    if (is_uuid(text))
        require(is_pass_id(
                    canonical_pass_id("pass:user:" + std::string(text)).value_or("pass:user:" + std::string(text))) &&
                is_record_id("profile", "profile:" + std::string(text)));
    require(plain_shopify_id(plain_shopify_id(text)) == plain_shopify_id(text) || text.find(':') != text.npos);
    require(plain_shopify_id(trim(text)) == plain_shopify_id(text));
    require(is_pass_id(text) == sentence(check_pass_id(text)).empty());
    if (const auto canonical = canonical_pass_id(text))
        require(*canonical != text && !canonical_pass_id(*canonical));

    int types = 0;
    for (int i = 0; i <= static_cast<int>(record_type::app_config); ++i) {
        const auto type = static_cast<record_type>(i);
        check_record_id(type, text);
        check_record_id(type, std::string(name(type)) + ':' + std::string(text));
        types += is_record_id(name(type), text) ? 1 : 0;
    }
    require(types <= 1);
    if (const auto step = parse_step_id(text)) {
        require(is_record_id("mma_step", text));
        require("mma_step:" + std::string(step->generation_id) + ':' + std::to_string(step->step_no) == text);
    }
    if (const auto status = parse_mma_status(text))
        require(name(*status) == text && may_move(*status, *status, false));
    require(!is_mma_mode(text) || !is_event_type(text));
    if (const auto number = decimal::parse(text))
        require(decimal::parse(number->text()) == number);
    return 0;
}
