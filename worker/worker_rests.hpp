// Table workers that rest because a server has no connection for them, while others of the job have
// theirs: those do the work meanwhile. Pure: the caller brings the time and the dice.
#pragma once

#include <cstdint>
#include <map>

#include "shared/cpp_only.hpp"

namespace pgclone {

// Times are in microseconds, as server::current_timestamp() gives them.
class WorkerRests {
  public:
    // The worker in slot `index` was refused. It rests as long as backoff() says for that many
    // refusals in a row; `jitter` is backoff()'s.
    void begin(int index, std::uint32_t generation, std::int64_t now, double jitter);

    bool is_resting(int index, std::uint32_t generation, std::int64_t now) const;

    // It has been let in.
    void forget(int index) { rests_.erase(index); }

    // There is nobody that they could leave the work to: all of them are to try at once. False if none
    // rested.
    bool end_all(std::int64_t now);

    // When the first one is to try again; INT64_MAX if none rests.
    std::int64_t next_end(std::int64_t now) const;

  private:
    struct Rest {
        std::uint32_t generation = 0; // of the slot: another process begins anew
        int refusals = 0;
        std::int64_t until = 0;
    };
    std::map<int, Rest> rests_;
};

} // namespace pgclone
