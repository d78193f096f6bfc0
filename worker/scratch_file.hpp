// Bytes that are written once and read later, if at all, kept out of memory: what the catalogs of
// 100,000 tables say, and the plan made of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/cpp_only.hpp"

namespace pgclone {

// A temporary file of this process alone: it has no name, so it is gone with the process, whatever
// becomes of that. Little of it stays in memory and never reaches the file system.
class ScratchFile {
  public:
    struct Place {
        std::uint64_t offset = 0; // bytes
        std::uint32_t length = 0; // bytes
    };

    // `directory`: where the file is made when it is needed; the directory, too, if it does not exist.
    explicit ScratchFile(std::string directory);
    ScratchFile(ScratchFile&& other) noexcept;
    ScratchFile& operator=(ScratchFile&& other) noexcept;
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile();

    // Raises 53100 if the disk is full, 58030 for other errors of the file system, 54000 beyond 1 GB
    // at once.
    Place append(std::string_view bytes);
    // What append() has put there. Raises 58030.
    std::string read(Place place) const;

  private:
    void write_out();
    void open();

    std::string directory_;
    std::string tail_;            // what is not in the file yet
    std::uint64_t tail_begin_ = 0; // the size of the file
    int descriptor_ = -1;
};

} // namespace pgclone
