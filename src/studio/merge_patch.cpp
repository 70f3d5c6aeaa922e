#include "studio/merge_patch.hpp"

namespace mega::studio {

namespace {

// Writes an object: target (may be null: an empty one) with the patch applied.
void build_merged(pg::json_builder &builder, JsonbContainer *target, JsonbContainer *patch) {
    pg::call([] { check_stack_depth(); });
    builder.begin_object();
    if (target != nullptr)
        pg::for_each_member(target, [&](std::string_view key, const pg::json_value &value) {
            if (!pg::find(patch, key))
                builder.key(key).value(value);
        });
    pg::for_each_member(patch, [&](std::string_view key, const pg::json_value &change) {
        if (change.is_null())
            return;
        builder.key(key);
        if (!change.is_object()) {
            builder.value(change);
            return;
        }
        const auto old_value = target == nullptr ? std::nullopt : pg::find(target, key);
        build_merged(builder, old_value && old_value->is_object() ? old_value->container() : nullptr,
                     change.container());
    });
    builder.end_object();
}

} // namespace

pg::jsonb merge_patch(pg::jsonb document, pg::jsonb patch) {
    pg::json_builder builder;
    build_merged(builder, pg::is_object(document) ? pg::root_of(document) : nullptr, pg::root_of(patch));
    return builder.finish();
}

} // namespace mega::studio
