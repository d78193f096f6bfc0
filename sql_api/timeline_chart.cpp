#include "sql_api/timeline_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "shared/cpp_only.hpp"

namespace pgclone {

namespace {

// Pixels.
constexpr int lanes_left = 130;
constexpr int lanes_width = 960;
constexpr int lanes_top = 58;
constexpr int lane_height = 22;
constexpr int lane_distance = 28;
constexpr int legend_line = 20;
constexpr double letter_width = 6.2; // of the font that is used below, about

// What a bar's colour says.
struct WorkClass {
    std::string_view label;
    std::string_view colour;
};

// (Colours that those who see few can tell apart: Okabe and Ito's.)
constexpr std::array<WorkClass, 8> work_classes = {{
    {"planning", "#999999"},
    {"definitions", "#56b4e9"},
    {"data", "#0072b2"},
    {"indexes and keys", "#e69f00"},
    {"foreign keys", "#cc79a7"},
    {"materialized views", "#009e73"},
    {"analyze", "#f0e442"},
    {"finishing", "#d55e00"},
}};

std::size_t class_of(const TimelineEntry& entry)
{
    struct Rule {
        std::string_view kind;
        std::size_t work_class;
    };
    // (Scope `table` has names of its own for some.)
    static constexpr Rule rules[] = {
        {"planning", 0},   {"data", 2},        {"large objects", 2}, {"large_objects", 2},
        {"index", 3},      {"constraint", 3},  {"foreign key", 4},   {"foreign_key", 4},
        {"validation", 4}, {"refresh", 5},     {"analyze", 6},
    };
    for (const Rule& rule : rules) {
        if (rule.kind == entry.kind)
            return rule.work_class;
    }
    return std::string_view(entry.phase) == "schema" ? 1 : 7;
}

// A name may hold whatever bytes; of the control characters XML allows few.
std::string xml_text(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '&': result += "&amp;"; break;
        case '<': result += "&lt;"; break;
        case '>': result += "&gt;"; break;
        case '"': result += "&quot;"; break;
        default: result += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
        }
    }
    return result;
}

// At most two digits behind the point.
std::string decimal(double value)
{
    const std::int64_t hundredths = std::llround(value * 100);
    std::string text = std::to_string(hundredths / 100);
    const std::int64_t rest = hundredths % 100;
    if (rest != 0) {
        text += rest < 10 ? ".0" : ".";
        text += std::to_string(rest % 10 == 0 ? rest / 10 : rest);
    }
    return text;
}

std::string two_digits(std::int64_t value)
{
    return (value < 10 ? "0" : "") + std::to_string(value);
}

constexpr std::int64_t millisecond = 1000;
constexpr std::int64_t second = 1000 * millisecond;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;

std::string duration_text(std::int64_t time)
{
    if (time == 0)
        return "0";
    if (time < 10 * millisecond)
        return decimal(static_cast<double>(time) / millisecond) + " ms";
    if (time < second)
        return std::to_string((time + millisecond / 2) / millisecond) + " ms";
    if (time < 2 * minute)
        return decimal(static_cast<double>(time) / second) + " s";
    if (time < 2 * hour)
        return std::to_string(time / minute) + ":" + two_digits(time % minute / second) + " min";
    return std::to_string(time / hour) + ":" + two_digits(time % hour / minute) + " h";
}

// Distance of the lines on the time axis: ten of them, or a few more or less.
std::int64_t axis_step(std::int64_t duration)
{
    static constexpr std::int64_t steps[] = {
        millisecond,       2 * millisecond,   5 * millisecond,   10 * millisecond,
        20 * millisecond,  50 * millisecond,  100 * millisecond, 200 * millisecond,
        500 * millisecond, second,            2 * second,        5 * second,
        10 * second,       15 * second,       30 * second,       minute,
        2 * minute,        5 * minute,        10 * minute,       15 * minute,
        30 * minute,       hour,              2 * hour,          3 * hour,
        6 * hour,          12 * hour,         24 * hour,         48 * hour};
    const auto* const step = std::find_if(std::begin(steps), std::end(steps),
                                          [&](std::int64_t s) { return duration / s <= 12; });
    return step != std::end(steps) ? *step : (duration / 10 / hour + 1) * hour;
}

class Chart {
public:
    Chart(const TimelineJob& job, const TimelineEntry* entries, std::size_t count)
        : job_(job), entries_(entries), duration_(std::max<std::int64_t>(job.duration, 1))
    {
        for (std::size_t i = 0; i < count; i++)
            duration_ = std::max(duration_, entries[i].ends_at);
        for (std::size_t i = 0; i < count; i++)
            paint(i);
    }

    std::string draw()
    {
        begin();
        for (std::size_t i = 0; i < lanes_.size(); i++)
            draw_lane(lanes_[i], lanes_top + static_cast<int>(i) * lane_distance);
        draw_legend();
        return text_ + "</svg>\n";
    }

private:
    static constexpr std::size_t nothing = ~std::size_t{0};

    // What is seen in each column of pixels, and how many entries begin there.
    struct Lane {
        std::string_view worker;
        std::vector<std::size_t> seen = std::vector<std::size_t>(lanes_width, nothing);
        std::vector<int> beginnings = std::vector<int>(lanes_width, 0);
    };

    std::size_t column_of(std::int64_t time) const
    {
        const double share = static_cast<double>(time) / static_cast<double>(duration_);
        return static_cast<std::size_t>(std::clamp(share * lanes_width, 0.0, lanes_width - 1.0));
    }

    Lane& lane_of(std::string_view worker)
    {
        const auto lane = std::find_if(lanes_.begin(), lanes_.end(),
                                       [&](const Lane& l) { return l.worker == worker; });
        if (lane != lanes_.end())
            return *lane;
        lanes_.push_back({worker});
        return lanes_.back();
    }

    void paint(std::size_t index)
    {
        const TimelineEntry& entry = entries_[index];
        Lane& lane = lane_of(entry.worker);
        const std::size_t first = column_of(entry.starts_at);
        const std::size_t last = column_of(std::max(entry.starts_at, entry.ends_at));
        std::fill(lane.seen.begin() + static_cast<std::ptrdiff_t>(first),
                  lane.seen.begin() + static_cast<std::ptrdiff_t>(last) + 1, index);
        lane.beginnings[first]++;
    }

    int bottom() const
    {
        return lanes_top + static_cast<int>(lanes_.size()) * lane_distance;
    }

    void begin()
    {
        const int width = lanes_left + lanes_width + 20;
        const int height = bottom() + 30 + legend_line * static_cast<int>(work_classes.size() / 3 + 1);
        const std::string size = std::to_string(width) + " " + std::to_string(height);
        text_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
                std::to_string(width) + "\" height=\"" + std::to_string(height) +
                "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n"
                "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
        text(10, 22, "job " + std::to_string(job_.job_id) + ": " + job_.scope + ", " + job_.status +
                         ", " + duration_text(job_.duration) + " (queued for " +
                         duration_text(job_.queued) + ")",
             "font-size=\"15\" font-weight=\"bold\"");
        draw_axis();
    }

    void draw_axis()
    {
        const std::int64_t step = axis_step(duration_);
        for (std::int64_t time = 0; time <= duration_; time += step) {
            const std::string x = std::to_string(lanes_left + static_cast<int>(column_of(time)));
            text_ += "<path d=\"M" + x + " " + std::to_string(lanes_top - 6) + "V" +
                     std::to_string(bottom()) + "\" stroke=\"#dddddd\"/>\n";
            text_ += "<text x=\"" + x + "\" y=\"" + std::to_string(lanes_top - 10) +
                     "\" fill=\"#666666\" text-anchor=\"middle\" font-size=\"11\">" +
                     duration_text(time) + "</text>\n";
        }
    }

    void draw_lane(const Lane& lane, int top)
    {
        const std::string name =
            lane.worker == "job worker" ? "job worker" : "worker " + std::string(lane.worker);
        text(10, top + 15, name, "");
        for (std::size_t first = 0; first < lanes_width;) {
            std::size_t end = first + 1;
            while (end < lanes_width && lane.seen[end] == lane.seen[first] &&
                   lane.beginnings[end] == 0)
                end++;
            if (lane.seen[first] != nothing)
                draw_bar(entries_[lane.seen[first]], first, end, lane.beginnings[first], top);
            first = end;
        }
    }

    void draw_bar(const TimelineEntry& entry, std::size_t first, std::size_t end, int beginnings,
                  int top)
    {
        const std::size_t work_class = class_of(entry);
        columns_[work_class] += end - first;
        const bool failed = std::string_view(entry.status) == "failed";
        text_ += "<g><title>" + describe(entry);
        if (beginnings > 1)
            text_ += " (and " + std::to_string(beginnings - 1) + " more)";
        text_ += "</title><rect x=\"" + std::to_string(lanes_left + first) + "\" y=\"" +
                 std::to_string(top) + "\" width=\"" + std::to_string(end - first) +
                 "\" height=\"" + std::to_string(lane_height) + "\" fill=\"" +
                 std::string(work_classes[work_class].colour) + "\"" +
                 (failed ? " stroke=\"#cc0000\" stroke-width=\"2\"" : "") + "/>";
        label(entry, first, end, top, work_class);
        text_ += "</g>\n";
    }

    // The object's name, where it fits.
    void label(const TimelineEntry& entry, std::size_t first, std::size_t end, int top,
               std::size_t work_class)
    {
        const std::string_view name = entry.name;
        const auto letters = std::count_if(name.begin(), name.end(), [](char c) {
            return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
        });
        const auto width = static_cast<double>(end - first);
        if (letters == 0 || static_cast<double>(letters) * letter_width + 6 > width)
            return;
        const bool is_dark = work_classes[work_class].label == "data";
        text(static_cast<int>(lanes_left + first) + 3, top + 15, name,
             is_dark ? "font-size=\"11\" fill=\"white\"" : "font-size=\"11\"");
    }

    static std::string describe(const TimelineEntry& entry)
    {
        std::string result = entry.kind;
        if (*entry.name)
            result += std::string(" ") + entry.name;
        result += ": " + duration_text(std::max<std::int64_t>(entry.ends_at - entry.starts_at, 0)) +
                  " from " + duration_text(entry.starts_at) + " on";
        if (entry.rows > 0)
            result += ", " + std::to_string(entry.rows) + " rows";
        if (entry.bytes > 0)
            result += ", " + decimal(static_cast<double>(entry.bytes) / 1048576) + " MB";
        if (std::string_view(entry.status) != "done")
            result += std::string(", ") + entry.status;
        return xml_text(result);
    }

    // Where the time of all lanes went. Times are those of the columns that are painted.
    void draw_legend()
    {
        const double column_time = static_cast<double>(duration_) / lanes_width;
        std::size_t busy = 0;
        int place = 0;
        for (std::size_t i = 0; i < work_classes.size(); i++) {
            busy += columns_[i];
            if (columns_[i] > 0)
                legend_entry(place++, work_classes[i],
                             static_cast<std::int64_t>(static_cast<double>(columns_[i]) * column_time));
        }
        const std::size_t all = lanes_.size() * lanes_width;
        legend_entry(place, {"without a task", "#eeeeee"},
                     static_cast<std::int64_t>(static_cast<double>(all - busy) * column_time));
    }

    void legend_entry(int place, const WorkClass& work_class, std::int64_t time)
    {
        const int x = lanes_left + place % 4 * 240;
        const int y = bottom() + 12 + place / 4 * legend_line;
        text_ += "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) +
                 "\" width=\"12\" height=\"12\" stroke=\"#888888\" fill=\"" +
                 std::string(work_class.colour) + "\"/>\n";
        text(x + 18, y + 10, std::string(work_class.label) + " " + duration_text(time), "");
    }

    void text(int x, int y, std::string_view content, std::string_view attributes)
    {
        text_ += "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\"";
        if (!attributes.empty())
            text_ += " " + std::string(attributes);
        text_ += ">" + xml_text(content) + "</text>\n";
    }

    const TimelineJob& job_;
    const TimelineEntry* entries_;
    std::int64_t duration_;
    std::vector<Lane> lanes_;
    std::array<std::size_t, work_classes.size()> columns_ = {};
    std::string text_;
};

} // namespace

void draw_timeline(const TimelineJob& job, const TimelineEntry* entries, std::size_t count,
                   TakeText take, void* context)
{
    const std::string chart = Chart(job, entries, count).draw();
    take(context, chart.data(), chart.size());
}

} // namespace pgclone
