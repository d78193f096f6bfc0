#include "worker/wal_push.hpp"

#include <utility>

namespace pgclone {

namespace {

// In which a fast load writes a megabyte or two.
constexpr milliseconds interval{5};

} // namespace

WalPush::WalPush(EventLoop& loop, std::function<void()> wake_wal_writer)
    : timer_(loop.context()), wake_wal_writer_(std::move(wake_wal_writer))
{
}

void WalPush::start()
{
    is_on_ = true;
    if (!is_armed_)
        tick();
}

void WalPush::tick()
{
    wake_wal_writer_();
    is_armed_ = true;
    timer_.expires_after(interval);
    timer_.async_wait([this](const boost::system::error_code&) {
        is_armed_ = false;
        if (is_on_)
            tick();
    });
}

} // namespace pgclone
