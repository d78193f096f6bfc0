// Notes once a second how many bytes the job has copied, from which the views tell its rate.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "worker/event_loop.hpp"

namespace pgclone {

// Of the job worker. It samples from start() on as long as it lives, whatever the job worker's
// coroutines wait for.
class ProgressSampler {
  public:
    explicit ProgressSampler(EventLoop& loop) : timer_(loop.context()) {}

    void start();

  private:
    void sample() noexcept;

    boost::asio::steady_timer timer_;
};

} // namespace pgclone
