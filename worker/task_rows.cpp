#include "worker/task_rows.hpp"

namespace pgclone {

void TaskRows::add(const CloneTask& task)
{
    check_statements(task);
    places_.push_back(file_.append(ledger_row_json(task)));
}

std::string TaskRows::row(std::size_t number) const
{
    return file_.read(places_.at(number));
}

} // namespace pgclone
