// The SVG of pgclone_timeline_svg. Plain data on both sides of the boundary.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgclone {

// Work of a worker. Times are microseconds since the job's start; texts are in the server's
// encoding, and outlive the call.
struct TimelineEntry {
    const char* worker;
    const char* phase;
    const char* kind;
    const char* name;
    const char* status;
    std::int64_t starts_at;
    std::int64_t ends_at;
    std::int64_t rows;  // negative: not known
    std::int64_t bytes; // negative: not known
};

struct TimelineJob {
    std::int64_t job_id;
    const char* scope;
    const char* status;
    std::int64_t duration; // microseconds, so far if it runs
    std::int64_t queued;   // microseconds from submit to start
};

using TakeText = void (*)(void* context, const char* text, std::size_t length);

// Hands the chart to `take`, once: a lane for each worker, in the order in which they come; in it
// what it worked at, by colour; below, where their time went. Of entries of a worker that overlap
// the later one is seen, so those that begin together come longest first. The chart's size depends
// on the number of workers alone: what is too short to be seen is drawn together.
void draw_timeline(const TimelineJob& job, const TimelineEntry* entries, std::size_t count,
                   TakeText take, void* context);

} // namespace pgclone
