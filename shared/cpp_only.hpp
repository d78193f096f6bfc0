// Included by every file that lives on the C++ side of the boundary (README.md in this folder).
// Server headers bring macros that break Boost and the standard library, and functions that
// longjmp over destructors; a file sees either them or C++, never both.
#pragma once

#ifdef POSTGRES_H
#error "this file is on the C++ side: it must not see server headers"
#endif
