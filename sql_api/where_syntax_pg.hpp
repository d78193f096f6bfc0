#pragma once

namespace pgclone {

// Option `where` goes into the source's SELECT as WHERE (\n<text>\n). Raises 22023 naming the
// option unless `text` is exactly one expression, as the grammar sees it with
// standard_conforming_strings on (as it is in the source session).
void check_where_syntax(const char* text);

} // namespace pgclone
