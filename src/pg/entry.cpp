// Raises as a Postgres error what `entry` caught.
#include "pg/entry.hpp"

#include "pg/disclosure.hpp"

namespace pg {

failure describe_current_exception() noexcept {
    failure what{nullptr, {"XX000", "internal error of the extension", {}, {}}};
    try {
        throw;
    } catch (const pg_error &error) {
        what.postgres_error = error.data;
        if (error.data == nullptr)
            what.error = {"53200", "out of memory while an error was being reported", {}, {}};
    } catch (const sql_error &error) {
        what.error = error;
    } catch (const std::bad_alloc &) {
        what.error = {"53200", "out of memory", {}, {}};
    } catch (const std::exception &error) {
        what.error.detail = error.what();
    } catch (...) {
        what.error.detail = "an exception of unknown type was thrown";
    }
    return what;
}

void raise(const failure &what) {
    if (what.postgres_error != nullptr) {
        keep_from_others(what.postgres_error);
        ReThrowError(what.postgres_error);
    }
    const sql_error &error = what.error;
    ereport(ERROR, (errcode(error.state.code), errmsg_internal("%s", error.message.c_str()),
                    error.detail.empty() ? 0 : errdetail_internal("%s", error.detail.c_str()),
                    error.hint.empty() ? 0 : errhint("%s", error.hint.c_str())));
    pg_unreachable();
}

} // namespace pg
