#include "worker/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace pgclone {

bool is_transient(std::string_view sqlstate) noexcept
{
    constexpr std::size_t sqlstate_length = 5;
    constexpr std::array<std::string_view, 2> classes = {
        "08", // connection exception
        "53", // insufficient resources; a full disk may be emptied
    };
    constexpr std::array<std::string_view, 13> codes = {
        "25P03", // idle_in_transaction_session_timeout
        "25P04", // transaction_timeout
        "40001", // serialization_failure, also by a recovery conflict on a standby
        "40P01", // deadlock_detected
        "55006", // object_in_use
        "55P03", // lock_not_available
        "57014", // query_canceled: a statement_timeout, or someone else's cancel
        "57P01", // admin_shutdown
        "57P02", // crash_shutdown
        "57P03", // cannot_connect_now
        "57P04", // database_dropped: said of a recovery conflict as well
        "57P05", // idle_session_timeout
        "58030", // io_error
    };
    if (sqlstate.size() != sqlstate_length)
        return false;
    return std::find(classes.begin(), classes.end(), sqlstate.substr(0, 2)) != classes.end() ||
           std::find(codes.begin(), codes.end(), sqlstate) != codes.end();
}

std::chrono::milliseconds backoff(int attempt, double jitter) noexcept
{
    constexpr std::int64_t first_ms = 500;
    constexpr std::int64_t longest_ms = 30'000;
    constexpr int doublings_to_longest = 6; // 500 ms * 2^6 = 32 s
    constexpr double jitter_share = 0.25;

    const int doublings = std::clamp(attempt, 1, doublings_to_longest + 1) - 1;
    const std::int64_t base_ms = std::min(first_ms << doublings, longest_ms);
    // Written so that a NaN becomes 0.
    const double share = jitter > 0 ? std::min(jitter, 1.0) * jitter_share : 0.0;
    return std::chrono::milliseconds(
        base_ms + static_cast<std::int64_t>(static_cast<double>(base_ms) * share));
}

} // namespace pgclone
