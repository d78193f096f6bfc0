#include "worker/event_loop.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include "shared/error_types.hpp"

namespace pgclone {

namespace asio = boost::asio;

namespace {
// Completion as a value: a wait that is cancelled is no error here.
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
} // namespace

// A coroutine that waits. It lies in that coroutine's frame and in the loop's list while it
// waits; whoever has news for it cancels the timer.
struct EventLoop::Waiter {
    Waiter(EventLoop& owner, Clock::time_point deadline)
        : loop(owner), timer(owner.context_, deadline)
    {
        next = loop.waiters_;
        loop.waiters_ = this;
    }
    ~Waiter()
    {
        Waiter** link = &loop.waiters_;
        while (*link != this)
            link = &(*link)->next;
        *link = next;
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    void wake()
    {
        woken = true;
        timer.cancel();
    }

    EventLoop& loop;
    asio::steady_timer timer;
    Waiter* next = nullptr;
    bool woken = false;
};

// Shared with the handlers of waits that are under way, which may outlive the watch.
struct DescriptorWatch::State {
    explicit State(asio::io_context& context) : descriptor(context) {}

    struct Direction {
        bool armed = false; // an async_wait is under way
        bool ready = false; // it has ended and nobody has looked yet
    };

    asio::posix::stream_descriptor descriptor;
    Direction read;
    Direction write;
    EventLoop::Waiter* waiter = nullptr;
    bool was_readable = false;
};

DescriptorWatch::DescriptorWatch(EventLoop& loop) : state_(std::make_shared<State>(loop.context()))
{
}

DescriptorWatch::~DescriptorWatch() { release(); }

void DescriptorWatch::assign(int descriptor)
{
    release();
    auto& context = static_cast<asio::io_context&>(state_->descriptor.get_executor().context());
    // A new state: handlers of waits on the old descriptor must not touch the new one's flags.
    state_ = std::make_shared<State>(context);
    state_->descriptor.assign(descriptor);
}

void DescriptorWatch::release() noexcept
{
    if (state_->descriptor.is_open())
        state_->descriptor.release();
}

bool DescriptorWatch::was_readable() const noexcept { return state_->was_readable; }

EventLoop::EventLoop(int wake_descriptor, int postmaster_descriptor)
    : context_(1), wake_(context_), postmaster_(context_)
{
    if (wake_descriptor >= 0)
        wake_.assign(dup(wake_descriptor));
    if (postmaster_descriptor >= 0)
        postmaster_.assign(postmaster_descriptor);
}

EventLoop::~EventLoop() = default;

void EventLoop::set_interrupt_handler(std::function<void()> handler)
{
    interrupt_handler_ = std::move(handler);
}

void EventLoop::set_postmaster_death_handler(std::function<void()> handler)
{
    postmaster_death_handler_ = std::move(handler);
}

void EventLoop::set_hold_handler(std::function<void()> handler)
{
    hold_handler_ = std::move(handler);
}

void EventLoop::limit_hold(Clock::time_point deadline) noexcept
{
    hold_deadline_ = std::min(hold_deadline_, deadline);
}

void EventLoop::run(Async<void> main)
{
    std::exception_ptr failure;
    asio::co_spawn(context_, watch_wake_descriptor(), asio::detached);
    asio::co_spawn(context_, watch_postmaster(), asio::detached);
    asio::co_spawn(context_, std::move(main), [&](std::exception_ptr error) {
        failure = std::move(error);
        context_.stop();
    });
    context_.run();
    if (failure)
        std::rethrow_exception(failure);
}

void EventLoop::check_interrupts()
{
    if (held_) {
        if (hold_handler_)
            hold_handler_();
        if (Clock::now() >= hold_deadline_)
            throw PgError(sqlstate::query_canceled, "clean-up took too long");
        return;
    }
    if (!interrupt_pending_ || !interrupt_handler_)
        return;
    interrupt_handler_(); // if it throws, the interrupt stays pending for the next wait
    interrupt_pending_ = false;
}

void EventLoop::wake_all()
{
    for (Waiter* waiter = waiters_; waiter; waiter = waiter->next)
        waiter->wake();
}

Async<void> EventLoop::watch_wake_descriptor()
{
    while (wake_.is_open()) {
        auto [error] = co_await wake_.async_wait(asio::posix::stream_descriptor::wait_read, as_value);
        if (error)
            co_return;
        std::uint64_t count = 0;
        if (::read(wake_.native_handle(), &count, sizeof(count)) > 0) {
            interrupt_pending_ = true;
            wakes_++;
            wake_all();
        }
    }
}

Async<void> EventLoop::watch_postmaster()
{
    if (!postmaster_.is_open())
        co_return;
    // The pipe never carries data: readable means that its other end is closed.
    auto [error] =
        co_await postmaster_.async_wait(asio::posix::stream_descriptor::wait_read, as_value);
    if (!error && postmaster_death_handler_)
        postmaster_death_handler_();
}

Async<bool> EventLoop::wait(Interest first, Interest second, Clock::time_point deadline)
{
    check_interrupts();
    const Clock::time_point wait_end = held_ ? std::min(deadline, hold_deadline_) : deadline;

    using State = DescriptorWatch::State;
    using Direction = State::Direction;
    bool ready = false;
    std::shared_ptr<State> states[2];
    const Interest interests[2] = {first, second};

    // What ended since the last wait counts as ready now; it may be stale, and then the caller
    // finds nothing to do and comes again.
    auto take = [&ready](Direction& direction) {
        ready = ready || direction.ready;
        direction.ready = false;
    };
    auto arm = [](const std::shared_ptr<State>& state, Direction State::*which,
                  asio::posix::stream_descriptor::wait_type type) {
        Direction& direction = (*state).*which;
        if (direction.armed)
            return;
        direction.armed = true;
        state->descriptor.async_wait(type, [state, which](const boost::system::error_code& error) {
            Direction& ended = (*state).*which;
            ended.armed = false;
            if (error == asio::error::operation_aborted)
                return;
            ended.ready = true;
            if (state->waiter)
                state->waiter->wake();
        });
    };

    for (int i = 0; i < 2; i++) {
        if (!interests[i].watch)
            continue;
        states[i] = interests[i].watch->state_;
        if (interests[i].read) {
            states[i]->was_readable = states[i]->read.ready;
            take(states[i]->read);
        }
        if (interests[i].write)
            take(states[i]->write);
    }
    if (ready)
        co_return true;

    Waiter waiter(*this, wait_end);
    for (int i = 0; i < 2; i++) {
        if (!states[i] || !states[i]->descriptor.is_open())
            continue;
        states[i]->waiter = &waiter;
        if (interests[i].read)
            arm(states[i], &State::read, asio::posix::stream_descriptor::wait_read);
        if (interests[i].write)
            arm(states[i], &State::write, asio::posix::stream_descriptor::wait_write);
    }
    boost::system::error_code ignored; // cancelled when woken: waiter.woken says so
    auto into_ignored = asio::redirect_error(asio::use_awaitable, ignored);
    co_await waiter.timer.async_wait(into_ignored);
    for (auto& state : states) {
        if (!state)
            continue;
        state->waiter = nullptr;
        state->was_readable = state->read.ready;
        // What woke us is news no longer.
        state->read.ready = false;
        state->write.ready = false;
    }
    check_interrupts();
    co_return waiter.woken;
}

Async<bool> EventLoop::wait_for_wake(std::uint64_t seen, Clock::time_point deadline)
{
    if (wakes_ != seen) {
        check_interrupts();
        co_return true;
    }
    const Interest none;
    const bool woken = co_await wait(none, none, deadline);
    co_return woken;
}

Async<void> sleep_for(EventLoop& loop, milliseconds pause)
{
    const auto deadline = Clock::now() + pause;
    bool woken = true;
    while (woken)
        woken = co_await loop.wait_for_wake(loop.wakes(), deadline);
}

} // namespace pgclone
