// Finds defaults whose time depends on the TimeZone of the session.
#include "pg/zoneless_default.hpp"

#include "pg/version.hpp"

namespace pg {

namespace {

// Whether a time of another zone than the session's may come out.
bool tells_another_zone(Node *node, void *) {
    if (node == nullptr)
        return false;
    if (const auto *function = reinterpret_cast<const FuncExpr *>(node); IsA(node, FuncExpr))
        if (function->funcid == F_TIMEZONE_TEXT_TIMESTAMPTZ || function->funcid == F_TIMEZONE_INTERVAL_TIMESTAMPTZ ||
            (function->funcid >= FirstNormalObjectId && function->funcresulttype == TIMESTAMPOID))
            return true;
    return walk_expression(node, tells_another_zone, nullptr);
}

bool gives_a_zone(Node *node, void *) {
    if (node == nullptr)
        return false;
    if (auto *function = reinterpret_cast<FuncExpr *>(node); IsA(node, FuncExpr))
        if (function->funcid == F_TIMESTAMPTZ_TIMESTAMP &&
            tells_another_zone(reinterpret_cast<Node *>(function->args), nullptr))
            return true;
    return walk_expression(node, gives_a_zone, nullptr);
}

} // namespace

bool has_zoneless_default(Relation relation, AttrNumber column) {
    return call([relation, column] {
        const TupleConstr *constraints = relation->rd_att->constr;
        for (int i = 0; constraints != nullptr && i < constraints->num_defval; ++i)
            if (constraints->defval[i].adnum == column)
                return gives_a_zone(static_cast<Node *>(stringToNode(constraints->defval[i].adbin)), nullptr);
        return false;
    });
}

} // namespace pg
