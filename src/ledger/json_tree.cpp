// Turns jsonb into trees, and trees into jsonb.
#include "ledger/json_tree.hpp"

namespace mega::ledger {

core::json to_tree(const pg::json_value &value) {
    pg::call([] { check_stack_depth(); });
    if (value.is_boolean())
        return core::json::make_boolean(value.boolean());
    if (value.is_number())
        return core::json::make_number(value.number());
    if (value.is_string())
        return core::json::make_string(std::string(value.string()));
    if (value.is_array()) {
        core::json::items items;
        pg::for_each_element(value.container(),
                             [&](const pg::json_value &element) { items.push_back(to_tree(element)); });
        return core::json::make_array(std::move(items));
    }
    if (value.is_object()) {
        core::json::members members;
        pg::for_each_member(value.container(), [&](std::string_view key, const pg::json_value &member) {
            members.emplace_back(std::string(key), to_tree(member));
        });
        return core::json::make_object(std::move(members));
    }
    return {};
}

core::json members_of(JsonbContainer *object, std::span<const std::string_view> keys) {
    core::json::members members;
    if (!JsonContainerIsObject(object))
        return core::json::make_object();
    for (const std::string_view key : keys)
        if (const auto member = pg::find(object, key))
            members.emplace_back(std::string(key), to_tree(*member));
    return core::json::make_object(std::move(members));
}

void build(pg::json_builder &builder, const core::json &tree) {
    switch (tree.type()) {
    case core::json::kind::null:
        builder.null();
        return;
    case core::json::kind::boolean:
        builder.boolean(tree.boolean());
        return;
    case core::json::kind::number:
        builder.number(tree.number());
        return;
    case core::json::kind::string:
        builder.text(tree.string());
        return;
    case core::json::kind::array:
        builder.begin_array();
        for (const core::json &item : tree.array())
            build(builder, item);
        builder.end_array();
        return;
    case core::json::kind::object:
        builder.begin_object();
        for (const auto &[key, value] : tree.object()) {
            builder.key(key);
            build(builder, value);
        }
        builder.end_object();
        return;
    }
}

pg::jsonb document_of(const core::json &tree) {
    pg::json_builder builder;
    build(builder, tree);
    return builder.finish();
}

} // namespace mega::ledger
