// Boost.JSON as source, in this one file: the server's packages then need Boost's headers only, and
// the module does not depend on a shared library of a certain Boost version at run time.
#include "shared/cpp_only.hpp"

#include <boost/json/src.hpp>
