// Applies a merge patch to a document.
#include "pg/merge_patch.hpp"

namespace pg {

namespace {

// Writes an object: target (may be null: an empty one) with the patch applied.
void build_merged(json_builder &builder, JsonbContainer *target, JsonbContainer *patch) {
    call([] { check_stack_depth(); });
    builder.begin_object();
    if (target != nullptr)
        for_each_member(target, [&](std::string_view key, const json_value &value) {
            if (!find(patch, key))
                builder.key(key).value(value);
        });
    for_each_member(patch, [&](std::string_view key, const json_value &change) {
        if (change.is_null())
            return;
        builder.key(key);
        if (!change.is_object()) {
            builder.value(change);
            return;
        }
        const auto old_value = target == nullptr ? std::nullopt : find(target, key);
        build_merged(builder, old_value && old_value->is_object() ? old_value->container() : nullptr,
                     change.container());
    });
    builder.end_object();
}

} // namespace

jsonb merge_patch(jsonb document, jsonb patch) {
    json_builder builder;
    build_merged(builder, is_object(document) ? root_of(document) : nullptr, root_of(patch));
    return builder.finish();
}

} // namespace pg
