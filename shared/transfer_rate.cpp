#include "shared/transfer_rate.hpp"

#include "shared/cpp_only.hpp"

namespace pgclone {

namespace {

constexpr std::int64_t window = 10'500'000; // microseconds; samples come a little late
constexpr std::int64_t shortest = 500'000;  // that tell something

// The sample that is `age` older than the last one.
const TransferHistory::Sample& sample_of_age(const TransferHistory& history, int age) noexcept
{
    return history.samples[(history.next - 1 - age + 2 * transfer_samples) % transfer_samples];
}

} // namespace

void add_sample(TransferHistory& history, std::int64_t now, std::int64_t bytes) noexcept
{
    if (history.count > 0) {
        const TransferHistory::Sample& last = sample_of_age(history, 0);
        if (bytes < last.bytes || now < last.at)
            history = TransferHistory{};
    }
    history.samples[history.next] = {now, bytes};
    history.next = (history.next + 1) % transfer_samples;
    if (history.count < transfer_samples)
        history.count++;
}

double recent_rate(const TransferHistory& history, std::int64_t now, std::int64_t bytes) noexcept
{
    if (history.count == 0)
        return -1;
    // If all are older than the window, the last one.
    int age = 0;
    while (age + 1 < history.count && now - sample_of_age(history, age + 1).at <= window)
        age++;
    const TransferHistory::Sample& first = sample_of_age(history, age);
    const std::int64_t elapsed = now - first.at;
    if (elapsed < shortest)
        return -1;
    if (bytes <= first.bytes)
        return 0;
    return static_cast<double>(bytes - first.bytes) * 1e6 / static_cast<double>(elapsed);
}

} // namespace pgclone
