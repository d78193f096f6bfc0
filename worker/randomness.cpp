#include "worker/randomness.hpp"

#include <cstdio>
#include <random>

namespace pgclone {

std::string random_tag()
{
    std::random_device device;
    char text[9];
    std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(device()));
    return text;
}

double random_fraction()
{
    std::random_device device;
    return static_cast<double>(device()) / static_cast<double>(std::random_device::max());
}

} // namespace pgclone
