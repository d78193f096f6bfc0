// The table worker's program: takes tasks from the job worker until there are no more.
#pragma once

namespace pgclone {

void run_table_worker();

} // namespace pgclone
