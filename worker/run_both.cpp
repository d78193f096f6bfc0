#include "worker/run_both.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pgclone {

namespace asio = boost::asio;

Async<void> run_both(EventLoop& loop, Async<void> first, Async<void> second)
{
    bool is_over = false;
    std::exception_ptr first_failure;
    std::exception_ptr second_failure;
    asio::steady_timer end(loop.context(), Clock::time_point::max());
    const auto on_end = [&](std::exception_ptr failure) {
        second_failure = std::move(failure);
        is_over = true;
        end.cancel();
    };
    asio::co_spawn(loop.context(), std::move(second), on_end);
    try {
        co_await std::move(first);
    } catch (...) {
        first_failure = std::current_exception();
    }
    // It refers to what lies here, so there is no going on without it. It looks at the interrupts
    // itself.
    boost::system::error_code ignored;
    auto into_ignored = asio::redirect_error(asio::use_awaitable, ignored);
    if (!is_over)
        co_await end.async_wait(into_ignored);
    if (first_failure)
        std::rethrow_exception(first_failure);
    if (second_failure)
        std::rethrow_exception(second_failure);
}

} // namespace pgclone
