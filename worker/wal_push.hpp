// Keeps the WAL writer at work while a transaction of this worker fills the WAL's buffers.
//
// By itself the WAL writer looks five times a second. In between a load fills the buffers (4 MB where
// shared_buffers is 128 MB) many times over, and each time the session that loads has to write them,
// and to wait for the disk at the end of each segment. Woken as after an asynchronous commit, the WAL
// writer does that beside it. Measured (test/bench, one table of 641 MB): a tenth less wall time.
#pragma once

#include <functional>

#include <boost/asio/steady_timer.hpp>

#include "worker/event_loop.hpp"

namespace pgclone {

// To be made before the loop runs and to live until it has ended: the timer's last call may come
// after the work is done.
class WalPush {
  public:
    WalPush(EventLoop& loop, std::function<void()> wake_wal_writer);
    ~WalPush() = default;
    WalPush(const WalPush&) = delete;
    WalPush& operator=(const WalPush&) = delete;

    // While one lives, the WAL writer is woken every few milliseconds, for the first time at once.
    class During {
      public:
        explicit During(WalPush& push) : push_(push) { push_.start(); }
        ~During() { push_.is_on_ = false; }
        During(const During&) = delete;
        During& operator=(const During&) = delete;

      private:
        WalPush& push_;
    };

  private:
    void start();
    void tick();

    boost::asio::steady_timer timer_;
    std::function<void()> wake_wal_writer_;
    bool is_on_ = false;
    bool is_armed_ = false; // a call of the timer is to come
};

} // namespace pgclone
