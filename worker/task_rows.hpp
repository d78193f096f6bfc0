// A plan's tasks as the ledger gets them. They are written to it when all of them are there, and until
// then wait in a temporary file: those of 10,000 tables are 40 MB.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "worker/clone_task.hpp"
#include "worker/scratch_file.hpp"

namespace pgclone {

class TaskRows {
  public:
    explicit TaskRows(std::string scratch_directory) : file_(std::move(scratch_directory)) {}

    std::size_t size() const noexcept { return places_.size(); }
    // The task as it is now. Raises what check_statements() and ScratchFile::append() do.
    void add(const CloneTask& task);
    // As ledger_row_json() gives it. Raises 58030 if it cannot be read back.
    std::string row(std::size_t number) const;

  private:
    std::vector<ScratchFile::Place> places_;
    ScratchFile file_;
};

} // namespace pgclone
