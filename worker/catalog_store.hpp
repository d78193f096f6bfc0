// The objects and tables of a source's catalogs. A large database has hundreds of thousands, so all
// but what is asked for again and again is in temporary files, and read back when it is its turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/catalog_object.hpp"
#include "worker/scratch_file.hpp"
#include "worker/table_shape.hpp"

namespace pgclone {

// The objects, by their numbers from 0.
class ObjectStore {
  public:
    // What is known of an object that is put away.
    struct Head : ObjectHead {
        bool has_shell = false;
        bool has_key_index = false;
        bool has_late_validation = false;
        std::uint32_t schema = 0;     // see schema_name()
        std::int32_t newest_privilege = 0; // the highest StatementTemplate::since() of them
    };

    explicit ObjectStore(std::string scratch_directory) : file_(std::move(scratch_directory)) {}

    std::size_t size() const noexcept { return heads_.size(); }
    const Head& head(std::size_t number) const { return heads_.at(number); }
    const std::string& schema_name(std::size_t number) const
    {
        return schema_names_[head(number).schema];
    }
    // All of the object, but `needs`. Raises 58030 if it cannot be read back.
    CatalogObject load(std::size_t number) const;

    // At the end. Raises what ScratchFile::append() does.
    void add(const CatalogObject& object);
    void replace(std::size_t number, const CatalogObject& object);
    // `order`: each number once.
    void reorder(const std::vector<std::uint32_t>& order);

    // The number of an object; nullopt: it is not among these.
    std::optional<std::size_t> find(ObjectId id) const;

  private:
    void put(std::size_t number, const CatalogObject& object);
    std::uint32_t number_of_schema(const std::string& name);

    std::vector<Head> heads_;
    std::vector<ScratchFile::Place> places_; // of the rest of heads_[i]
    mutable std::vector<std::uint32_t> by_id_; // made when find() is called
    std::vector<std::string> schema_names_;
    std::map<std::string, std::uint32_t> schema_numbers_;
    ScratchFile file_;
};

// The tables, by their ids.
class TableStore {
  public:
    explicit TableStore(std::string scratch_directory) : file_(std::move(scratch_directory)) {}

    bool empty() const noexcept { return entries_.empty(); }
    // nullptr: no such table.
    const TableHead* find(ObjectId id) const
    {
        const auto found = entries_.find(id);
        return found == entries_.end() ? nullptr : &found->second.head;
    }
    bool contains(ObjectId id) const { return entries_.contains(id); }
    // The OID of pg_class; 0 if there are no tables.
    std::uint32_t table_class() const { return empty() ? 0 : entries_.begin()->first.classid; }
    // All of them, in the order of their ids.
    template <typename Visit>
    void for_each(Visit visit) const
    {
        for (const auto& [id, entry] : entries_)
            visit(entry.head);
    }
    // All of the table, which must be there. Raises 58030 if it cannot be read back.
    TableShape load(ObjectId id) const;

    // Raises what ScratchFile::append() does.
    void add(const TableShape& table);

  private:
    struct Entry {
        TableHead head;
        ScratchFile::Place place; // of the rest
    };

    std::map<ObjectId, Entry> entries_;
    ScratchFile file_;
};

} // namespace pgclone
