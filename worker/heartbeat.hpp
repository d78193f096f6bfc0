// Says once a second that this process is alive, whatever its coroutines wait for: the views show
// one that has stopped saying so.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "worker/event_loop.hpp"

namespace pgclone {

class Heartbeat {
  public:
    explicit Heartbeat(EventLoop& loop) : timer_(loop.context()) { beat(); }

  private:
    void beat();

    boost::asio::steady_timer timer_;
};

} // namespace pgclone
