// The one place where a job or table worker waits: an Asio io_context with one thread.
//
// Signals reach it as bytes in an eventfd that the handlers write; the postmaster's death as an
// end of file on its pipe. Whatever wakes the loop, every waiting coroutine looks at the
// interrupts before it goes on, so a cancel or SIGTERM is acted on even while all sockets are
// silent.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "shared/cpp_only.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace pgclone {

template <typename T>
using Async = boost::asio::awaitable<T>;

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

class EventLoop;

// A descriptor that coroutines wait on. It borrows the descriptor: libpq stays its owner.
class DescriptorWatch {
  public:
    explicit DescriptorWatch(EventLoop& loop);
    ~DescriptorWatch();
    DescriptorWatch(const DescriptorWatch&) = delete;
    DescriptorWatch& operator=(const DescriptorWatch&) = delete;

    // Watches `descriptor` from now on, also when it has the number of the one before: libpq
    // may have closed and reopened it.
    void assign(int descriptor);
    // Lets go of it, to be called before libpq closes it.
    void release() noexcept;
    // Whether there was something to read at the end of the last wait for that. Saves the question
    // to the kernel.
    bool was_readable() const noexcept;

  private:
    friend class EventLoop;
    struct State;
    std::shared_ptr<State> state_;
};

// What a wait is for. `watch` may be null: then the interest is ignored.
struct Interest {
    DescriptorWatch* watch = nullptr;
    bool read = false;
    bool write = false;
};

class EventLoop {
  public:
    // `wake_descriptor` is the eventfd of the signal handlers, `postmaster_descriptor` a
    // duplicate that the loop may close; -1 = none (unit tests).
    EventLoop(int wake_descriptor, int postmaster_descriptor);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Runs `main` to its end and rethrows what it throws.
    void run(Async<void> main);

    // Called at the first wait, and at the next one after each signal, before the coroutine goes
    // on. What it throws ends that coroutine, and it is called again at the wait after.
    void set_interrupt_handler(std::function<void()> handler);
    void set_postmaster_death_handler(std::function<void()> handler);

    // Runs the interrupt handler if a signal has come since it last returned. While interrupts are
    // held, runs the hold handler instead and raises 57014 after the deadline.
    void check_interrupts();

    // Waits until one of the interests is ready (true), or `deadline` has passed (false), or a
    // signal came (true: look at the state again). Raises what the interrupt handler throws.
    Async<bool> wait(Interest first, Interest second, Clock::time_point deadline);

    // Signals that have come so far. Read it before looking at what a signal may have changed, and
    // give it to wait_for_wake(): a signal that came while another wait was under way counts, too.
    std::uint64_t wakes() const noexcept { return wakes_; }

    // Waits for a signal after the `seen` ones; false at the deadline.
    Async<bool> wait_for_wake(std::uint64_t seen, Clock::time_point deadline);

    boost::asio::io_context& context() noexcept { return context_; }

    // While one lives, waits are not interrupted, but they raise 57014 from `deadline` on: for
    // clean-up, which must neither be stopped at once nor go on for ever.
    class HoldInterrupts {
      public:
        HoldInterrupts(EventLoop& loop, Clock::time_point deadline) : loop_(loop)
        {
            loop_.held_ = true;
            loop_.hold_deadline_ = deadline;
        }
        ~HoldInterrupts() { loop_.held_ = false; }
        // Another deadline, for another attempt.
        void renew(Clock::time_point deadline) noexcept { loop_.hold_deadline_ = deadline; }
        bool is_over() const noexcept { return Clock::now() >= loop_.hold_deadline_; }
        HoldInterrupts(const HoldInterrupts&) = delete;
        HoldInterrupts& operator=(const HoldInterrupts&) = delete;

      private:
        EventLoop& loop_;
    };

    // Called at the first wait and after each signal while interrupts are held.
    void set_hold_handler(std::function<void()> handler);
    // Brings the deadline of the hold forward; never moves it back.
    void limit_hold(Clock::time_point deadline) noexcept;

  private:
    struct Waiter;
    friend class DescriptorWatch;

    Async<void> watch_wake_descriptor();
    Async<void> watch_postmaster();
    void wake_all();

    boost::asio::io_context context_;
    boost::asio::posix::stream_descriptor wake_;
    boost::asio::posix::stream_descriptor postmaster_;
    std::function<void()> interrupt_handler_;
    std::function<void()> postmaster_death_handler_;
    Waiter* waiters_ = nullptr;
    std::function<void()> hold_handler_;
    Clock::time_point hold_deadline_;
    bool held_ = false;
    bool interrupt_pending_ = true;
    std::uint64_t wakes_ = 0;
};

// Waits for `pause`, through all wake-ups; interrupts end it.
Async<void> sleep_for(EventLoop& loop, milliseconds pause);

} // namespace pgclone
