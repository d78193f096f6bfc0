#include "sql_api/timeline_chart.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace pgclone;

namespace {

constexpr std::int64_t second = 1'000'000;

TimelineEntry entry(const char* worker, const char* kind, double from, double to,
                    const char* name = "public.orders")
{
    return {worker, "data", kind, name, "done", static_cast<std::int64_t>(from * second),
            static_cast<std::int64_t>(to * second), 7, 2 * 1048576};
}

std::string draw(const std::vector<TimelineEntry>& entries,
                 const TimelineJob& job = {7, "database", "completed", 10 * second, 20'000})
{
    std::string result;
    draw_timeline(
        job, entries.data(), entries.size(),
        [](void* context, const char* text, std::size_t length) {
            static_cast<std::string*>(context)->assign(text, length);
        },
        &result);
    return result;
}

int count(const std::string& text, const std::string& part)
{
    int result = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        result++;
    return result;
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a job without any work has a chart, too")
{
    const std::string chart = draw({}, {7, "table", "pending", 0, 1'500'000});
    CHECK(chart.starts_with("<svg xmlns="));
    CHECK(chart.ends_with("</svg>\n"));
    CHECK(has(chart, "job 7: table, pending, 0 (queued for 1.5 s)"));
    CHECK(count(chart, "<g>") == 0);
}

TEST_CASE("each worker has a lane, in the order in which they come")
{
    const std::string chart = draw({entry("job worker", "planning", 0, 1, ""),
                                    entry("7.1", "data", 1, 5), entry("7.2", "data", 1, 9),
                                    entry("7.1", "index", 5, 6)});
    CHECK(count(chart, ">job worker<") == 1);
    CHECK(count(chart, ">worker 7.1<") == 1);
    CHECK(chart.find("worker 7.1") < chart.find("worker 7.2"));
    CHECK(count(chart, "<g>") == 4);
    CHECK(has(chart, "<title>data public.orders: 4 s from 1 s on, 7 rows, 2 MB</title>"));
    CHECK(has(chart, "<title>planning: 1 s from 0 on"));
}

TEST_CASE("a bar stands where its time is, and has the colour of its work")
{
    const std::string chart = draw({entry("7.1", "data", 2.5, 5)});
    CHECK(has(chart, "<rect x=\"370\" y=\"58\" width=\"241\" height=\"22\" fill=\"#0072b2\"/>"));
    CHECK(has(draw({entry("7.1", "validation", 2.5, 5)}), "fill=\"#cc79a7\"/>"));
}

TEST_CASE("of work that overlaps the later is seen, and the rest of the earlier")
{
    const std::string chart =
        draw({entry("7.1", "index", 1, 4, "i"), entry("7.1", "data", 1, 3, "t")});
    CHECK(count(chart, "<g>") == 2);
    CHECK(has(chart, "x=\"226\" y=\"58\" width=\"193\""));
    CHECK(has(chart, "x=\"419\" y=\"58\" width=\"96\""));
}

TEST_CASE("the size does not depend on how many tasks there are")
{
    std::vector<TimelineEntry> entries;
    for (int i = 0; i < 100'000; i++)
        entries.push_back(entry("7.1", "data", i / 10'000.0, (i + 1) / 10'000.0));
    const std::string chart = draw(entries);
    CHECK(chart.size() < 400'000);
    CHECK(has(chart, " more)</title>"));
    CHECK(has(chart, ">data 10 s</text>"));
}

TEST_CASE("where the time went")
{
    const std::string chart = draw({entry("job worker", "planning", 0, 2.5, ""),
                                    entry("7.1", "data", 2.5, 10)});
    CHECK(has(chart, ">planning 2.51 s</text>"));
    CHECK(has(chart, ">data 7.5 s</text>"));
    CHECK(has(chart, ">without a task 9.99 s</text>"));
}

TEST_CASE("names stand in bars that have room for them")
{
    CHECK(has(draw({entry("7.1", "data", 0, 5)}), ">public.orders</text>"));
    CHECK_FALSE(has(draw({entry("7.1", "data", 0, 0.5)}), ">public.orders</text>"));
}

TEST_CASE("names cannot break out of the text")
{
    const std::string chart = draw({entry("<w&>", "data", 0, 9, "a\"b</text><script>\x01\x1b[2J")});
    CHECK_FALSE(has(chart, "<script>"));
    CHECK_FALSE(has(chart, "\x1b"));
    CHECK(has(chart, "a&quot;b&lt;/text&gt;&lt;script&gt;??[2J"));
    CHECK(has(chart, "worker &lt;w&amp;&gt;"));
}

TEST_CASE("what failed is framed, and what runs says so")
{
    TimelineEntry failed = entry("7.1", "data", 0, 9);
    failed.status = "failed";
    CHECK(has(draw({failed}), "stroke=\"#cc0000\""));
    CHECK(has(draw({failed}), ", failed</title>"));
    failed.status = "running";
    CHECK(has(draw({failed}), ", running</title>"));
}

TEST_CASE("times that make no sense do no harm")
{
    CHECK(count(draw({entry("7.1", "data", -5, -3), entry("7.1", "data", 8, 2)}), "<g>") == 2);
    // a task that ends after the job is still on the chart
    CHECK(has(draw({entry("7.1", "data", 0, 20)}), "width=\"960\""));
}

TEST_CASE("the axis has a handful of lines, whatever the time")
{
    for (const std::int64_t duration : {std::int64_t{1}, std::int64_t{900}, 35'000 * std::int64_t{1},
                                        second, 90 * second, 3600 * second, 86'400 * second,
                                        400 * 86'400 * second}) {
        CAPTURE(duration);
        const std::string chart = draw({}, {7, "table", "running", duration, 0});
        CHECK(count(chart, "text-anchor") <= 13);
        CHECK(count(chart, "text-anchor") >= 1);
    }
    CHECK(has(draw({}, {7, "table", "running", 300 * second, 0}), ">5:00 min</text>"));
    CHECK(has(draw({}, {7, "table", "running", 9000 * second, 0}), ">2:30 h</text>"));
}
