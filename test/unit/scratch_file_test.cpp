#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "test/unit/expect_error.hpp"
#include "worker/scratch_file.hpp"

using namespace pgclone;

namespace {

std::string fresh_directory()
{
    std::string name = (std::filesystem::temp_directory_path() / "pgclone_scratch_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    return name;
}

std::string text_of(std::size_t number)
{
    return std::string(number % 700, static_cast<char>('a' + number % 26)) + std::to_string(number);
}

} // namespace

TEST_CASE("what was written comes back, from memory and from the file")
{
    const std::string directory = fresh_directory();
    {
        ScratchFile file(directory);
        std::vector<ScratchFile::Place> places;
        for (std::size_t i = 0; i < 5000; i++)
            places.push_back(file.append(text_of(i)));
        for (std::size_t i = places.size(); i-- > 0;)
            REQUIRE(file.read(places[i]) == text_of(i));
        const ScratchFile::Place nothing = file.append("");
        CHECK(file.read(nothing).empty());
        const std::string large(1024 * 1024, 'x');
        const ScratchFile::Place place = file.append(large);
        CHECK(file.read(place) == large);
        // Nobody else sees it, and nothing is left of it when the process is gone.
        CHECK(std::filesystem::is_empty(directory));
    }
    std::filesystem::remove_all(directory);
}

TEST_CASE("a little needs no file")
{
    ScratchFile file("/nowhere/that/exists");
    const ScratchFile::Place place = file.append("few words");
    CHECK(file.read(place) == "few words");
    const std::string large(1024 * 1024, 'x');
    test::expect_error("58030", [&] { file.append(large); });
}

TEST_CASE("the directory is made if it is not there")
{
    const std::string directory = fresh_directory();
    {
        ScratchFile file(directory + "/pgsql_tmp");
        const ScratchFile::Place place = file.append(std::string(1024 * 1024, 'x'));
        CHECK(file.read(place).size() == 1024 * 1024);
    }
    CHECK(std::filesystem::is_directory(directory + "/pgsql_tmp"));
    std::filesystem::remove_all(directory);
}

TEST_CASE("it can be handed on")
{
    const std::string directory = fresh_directory();
    {
        ScratchFile first(directory);
        const ScratchFile::Place place = first.append(std::string(1024 * 1024, 'x') + "end");
        ScratchFile second(std::move(first));
        CHECK(second.read(place).ends_with("end"));
        ScratchFile third(directory);
        third = std::move(second);
        CHECK(third.read(place).ends_with("end"));
    }
    std::filesystem::remove_all(directory);
}
