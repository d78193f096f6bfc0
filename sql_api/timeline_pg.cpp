// pgclone_timeline and its chart: what the ledger says of a job's tasks.
#include "sql_api/timeline_chart.hpp"

#include "shared/boundary_pg.hpp"
#include "sql_api/result_rows_pg.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "storage/shmem.h"

PG_FUNCTION_INFO_V1(pgclone_timeline);
PG_FUNCTION_INFO_V1(pgclone_timeline_svg);
}

namespace pgclone {

namespace {

// Columns of pgclone_ledger_timeline.
enum TimelineColumn {
    worker_column = 1,
    phase_column = 3,
    kind_column,
    schema_column,
    object_column,
    status_column,
    starts_after_column = 11,
    duration_column,
    rows_column,
    bytes_column,
};

int64 job_id_argument(FunctionCallInfo fcinfo)
{
    if (PG_ARGISNULL(0))
        raise_null_argument("job_id");
    return PG_GETARG_INT64(0);
}

const char* text_or_empty(uint64 row, int column)
{
    const char* text = ledger_text(row, column);
    return text ? text : "";
}

// Differences of two times have no months.
int64 microseconds(uint64 row, int column, int64 if_null)
{
    bool is_null;
    const Datum value = ledger_value(row, column, &is_null);
    if (is_null)
        return if_null;
    const Interval* const interval = DatumGetIntervalP(value);
    return interval->time + interval->day * USECS_PER_DAY;
}

int64 count_or_unknown(uint64 row, int column)
{
    bool is_null;
    const Datum value = ledger_value(row, column, &is_null);
    return is_null ? -1 : DatumGetInt64(value);
}

TimelineEntry timeline_entry(uint64 row)
{
    const char* const schema = text_or_empty(row, schema_column);
    const char* const object = text_or_empty(row, object_column);
    const int64 start = microseconds(row, starts_after_column, 0);
    return {text_or_empty(row, worker_column),
            text_or_empty(row, phase_column),
            text_or_empty(row, kind_column),
            *schema && *object ? psprintf("%s.%s", schema, object) : object,
            text_or_empty(row, status_column),
            start,
            start + microseconds(row, duration_column, 0),
            count_or_unknown(row, rows_column),
            count_or_unknown(row, bytes_column)};
}

// Of pgclone_ledger_timeline: who looks at which job.
struct TimelineArguments {
    Oid types[2] = {OIDOID, INT8OID};
    Datum values[2];

    explicit TimelineArguments(int64 job_id)
        : values{ObjectIdGetDatum(GetUserId()), Int64GetDatum(job_id)}
    {
    }
    LedgerArguments ledger() const { return {2, types, values, nullptr}; }
};

TimelineJob read_job(int64 job_id)
{
    static const Oid types[] = {INT8OID};
    const Datum values[] = {Int64GetDatum(job_id)};
    if (call_ledger("pgclone_ledger_timeline_job", {lengthof(types), types, values, nullptr},
                    true) != 1)
        raise_no_such_job(job_id);
    return {job_id, text_or_empty(0, 1), text_or_empty(0, 2),
            DatumGetInt64(ledger_value(0, 3, nullptr)), DatumGetInt64(ledger_value(0, 4, nullptr))};
}

// Called by C++: a lack of memory becomes an exception on the way.
void take_chart(void* context, const char* chart, std::size_t length)
{
    call_server([&] {
        *static_cast<text**>(context) = cstring_to_text_with_len(chart, static_cast<int>(length));
    });
}

} // namespace

} // namespace pgclone

using namespace pgclone;

Datum pgclone_timeline(PG_FUNCTION_ARGS)
{
    const int64 job_id = job_id_argument(fcinfo);
    const TimelineArguments arguments(job_id);
    return return_ledger_rows(fcinfo, "pgclone_ledger_timeline", arguments.ledger());
}

Datum pgclone_timeline_svg(PG_FUNCTION_ARGS)
{
    const int64 job_id = job_id_argument(fcinfo);
    const MemoryContext caller_context = CurrentMemoryContext;
    SPI_connect();
    const uint64 count =
        call_ledger("pgclone_ledger_timeline", TimelineArguments(job_id).ledger(), true);
    auto* const entries = static_cast<TimelineEntry*>(
        MemoryContextAllocHuge(CurrentMemoryContext, mul_size(count + 1, sizeof(TimelineEntry))));
    for (uint64 i = 0; i < count; i++)
        entries[i] = timeline_entry(i);
    const TimelineJob job = read_job(job_id);
    text* chart = nullptr;
    // The result is to outlive SPI's memory.
    const MemoryContext spi_context = MemoryContextSwitchTo(caller_context);
    call_cpp([&] { draw_timeline(job, entries, count, take_chart, &chart); });
    MemoryContextSwitchTo(spi_context);
    SPI_finish();
    PG_RETURN_TEXT_P(chart);
}
