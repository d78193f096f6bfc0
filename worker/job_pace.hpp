// A table worker's share in its job's rate limit.
#pragma once

#include <cstdint>

#include "worker/copy_pace.hpp"

namespace pgclone {

// The limit, which pgclone_alter may change at any time, is shared out evenly among the table
// workers of the job that copy, or did so a moment ago: they may be between two small tables.
class JobPace final : public CopyPace {
  public:
    using CopyPace::CopyPace;

    void begin_copy() noexcept override;
    void end_copy() noexcept override;
    std::int64_t bytes_per_second() noexcept override;
};

} // namespace pgclone
