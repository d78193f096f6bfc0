#include "worker/scratch_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/error_types.hpp"

namespace pgclone {

namespace {

// As much waits in memory: a plan of some hundred tables needs no file.
constexpr std::size_t most_in_memory = 256 * 1024;
constexpr std::size_t most_at_once = 1024 * 1024 * 1024;

[[noreturn]] void raise_file_error(int number, const std::string& what)
{
    throw PgError(number == ENOSPC || number == EDQUOT ? sqlstate::disk_full : sqlstate::io_error,
                  what + ": " + std::strerror(number));
}

} // namespace

ScratchFile::ScratchFile(std::string directory) : directory_(std::move(directory)) {}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : directory_(std::move(other.directory_)), tail_(std::move(other.tail_)),
      tail_begin_(std::exchange(other.tail_begin_, 0)),
      descriptor_(std::exchange(other.descriptor_, -1))
{
}

ScratchFile& ScratchFile::operator=(ScratchFile&& other) noexcept
{
    std::swap(directory_, other.directory_);
    std::swap(tail_, other.tail_);
    std::swap(tail_begin_, other.tail_begin_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

ScratchFile::~ScratchFile()
{
    if (descriptor_ >= 0)
        close(descriptor_);
}

ScratchFile::Place ScratchFile::append(std::string_view bytes)
{
    if (bytes.size() > most_at_once)
        throw PgError(sqlstate::program_limit_exceeded,
                      "a definition of the source is larger than 1 GB");
    const Place place{tail_begin_ + tail_.size(), static_cast<std::uint32_t>(bytes.size())};
    tail_ += bytes;
    if (tail_.size() > most_in_memory)
        write_out();
    return place;
}

std::string ScratchFile::read(Place place) const
{
    if (place.offset >= tail_begin_)
        return tail_.substr(place.offset - tail_begin_, place.length);
    std::string bytes(place.length, '\0');
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t got = pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(place.offset + done));
        if (got > 0)
            done += static_cast<std::size_t>(got);
        else if (got == 0)
            throw PgError(sqlstate::io_error, "a temporary file is shorter than what was written");
        else if (errno != EINTR)
            raise_file_error(errno, "could not read from a temporary file");
    }
    return bytes;
}

void ScratchFile::write_out()
{
    if (descriptor_ < 0)
        open();
    for (std::size_t done = 0; done < tail_.size();) {
        const ssize_t put = pwrite(descriptor_, tail_.data() + done, tail_.size() - done,
                                   static_cast<off_t>(tail_begin_ + done));
        if (put >= 0)
            done += static_cast<std::size_t>(put);
        else if (errno != EINTR)
            raise_file_error(errno, "could not write to a temporary file");
    }
    tail_begin_ += tail_.size();
    tail_.clear();
}

// Its name begins like those that the server removes when it starts (storage/fd.c,
// RemovePgTempFiles), should this process end between the two calls.
void ScratchFile::open()
{
    if (mkdir(directory_.c_str(), S_IRWXU) != 0 && errno != EEXIST)
        raise_file_error(errno, "could not create directory \"" + directory_ + "\"");
    std::string name = directory_ + "/pgsql_tmp_pgclone_XXXXXX";
    descriptor_ = mkostemp(name.data(), O_CLOEXEC);
    if (descriptor_ < 0)
        raise_file_error(errno, "could not create a temporary file in \"" + directory_ + "\"");
    unlink(name.c_str());
}

} // namespace pgclone
